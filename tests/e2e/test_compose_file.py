"""What the compose file promises, read from the file itself."""

from __future__ import annotations

import importlib
import re
import subprocess
from typing import Any

import pytest
import yaml
from prometheus_client import Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase
from pydantic_settings import BaseSettings

from shared import metrics as shared_metrics
from shared import settings as shared_settings
from shared.settings import Settings
from tests.conftest import ROOT


class StrictLoader(yaml.SafeLoader):
    """As docker compose reads it: a name that stands twice is a fault, not the newer value."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        names = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        twice = sorted({name for name in names if names.count(name) > 1})
        assert twice == [], f"stands twice: {', '.join(twice)} (line {node.start_mark.line + 1})"
        return super().construct_mapping(node, deep)


COMPOSE = yaml.load((ROOT / "docker-compose.yml").read_text(), StrictLoader)  # noqa: S506 - it is a SafeLoader
STACK = COMPOSE["services"]
OURS = {
    "marketdata": "marketdata",
    "strategy": "strategy",
    "execution": "execution",
    "worker": "execution",
    "notifier": "notifier",
}
PUBLIC_IMAGES = {"python:3.13-slim", "redis:8-alpine", "prom/prometheus:v2.53.3", "grafana/grafana:12.3.0"}
BROKER_KEYS = {"ALPACA_PAPER_KEY", "ALPACA_PAPER_SECRET", "ALPACA_LIVE_KEY", "ALPACA_LIVE_SECRET"}


@pytest.mark.parametrize("name", sorted(STACK))
def test_every_container_is_confined_checked_and_has_bounded_logs(name: str) -> None:
    given = STACK[name]
    assert given["read_only"] is True
    assert given["cap_drop"] == ["ALL"]
    assert given["security_opt"] == ["no-new-privileges:true"]
    assert given["logging"]["options"]["max-size"]
    assert given["healthcheck"]["test"]
    assert "stop_grace_period" in given


@pytest.mark.parametrize("name", sorted(STACK))
def test_ports_stand_on_the_loopback_unless_told_otherwise(name: str) -> None:
    bound_to = "127.0.0.1:" if name == "redis" else "${ALCHEMISER_BIND:-127.0.0.1}:"  # no password: never to others
    assert all(port.startswith(bound_to) for port in STACK[name].get("ports", []))


def test_only_the_four_public_images_are_used() -> None:
    recipe = (ROOT / "Dockerfile").read_text()
    bases = {line.split()[1] for line in recipe.splitlines() if line.startswith("FROM ")}
    foreign = {given["image"] for given in STACK.values() if "build" not in given}
    assert bases | foreign == PUBLIC_IMAGES
    assert "# syntax=" not in recipe
    assert "@sha256" not in recipe + str(COMPOSE)


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_setting_of_a_service_reaches_its_container(name: str) -> None:
    """A setting that is read but not passed on could not be set in Docker at all."""
    wanted = variables_of(importlib.import_module(f"services.{OURS[name]}.settings"))
    assert wanted - STACK[name]["environment"].keys() == set()


@pytest.mark.parametrize("name", sorted(OURS))
def test_only_those_who_talk_to_the_broker_get_its_keys(name: str) -> None:
    given = BROKER_KEYS & STACK[name]["environment"].keys()
    assert given == (BROKER_KEYS if name in {"marketdata", "execution", "worker"} else set())


def test_every_setting_of_the_house_reaches_somebody() -> None:
    passed = set().union(*(STACK[name]["environment"] for name in OURS))
    # The broker's simulator keys and the CLI's settings have their defaults; the port is ours to choose.
    assert variables_of(shared_settings) - passed == set()


def variables_of(module: Any) -> set[str]:
    classes = [
        c for c in vars(module).values() if isinstance(c, type) and issubclass(c, BaseSettings) and c is not Settings
    ]
    return {name for cls in classes if cls.__module__ == module.__name__ for name in names_of(cls)}


def names_of(cls: type[BaseSettings]) -> set[str]:
    prefix = str(cls.model_config.get("env_prefix", ""))
    return {(field.alias or prefix + name).upper() for name, field in cls.model_fields.items()}


@pytest.mark.docker
def test_the_rules_pass_their_own_tests(docker: str) -> None:
    mount = f"{ROOT / 'prometheus'}:/rules:ro"
    command = [docker, "run", "--rm", "-v", mount, "--entrypoint", "promtool", "prom/prometheus:v2.53.3"]
    answer = subprocess.run(
        [*command, "test", "rules", "/rules/tests/rules_test.yml"], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_every_metric_on_the_dashboard_and_in_the_rules_is_exported() -> None:
    collectors = [c for c in vars(shared_metrics).values() if isinstance(c, MetricWrapperBase)]
    exported = {name for collector in collectors for name in exported_names(collector)}
    used: set[str] = set()
    for path in ("grafana/dashboards/alchemiser.json", "prometheus/rules.yml"):
        used |= set(re.findall(r"alchemiser_\w+", (ROOT / path).read_text()))
    assert used - exported == set()


def exported_names(collector: MetricWrapperBase) -> set[str]:
    [family] = collector.describe()
    name = family.name
    if isinstance(collector, Histogram):
        # prometheus_client exports neither sum nor count of a histogram with negative buckets.
        has_sum = (
            collector._kwargs.get("buckets", (0,))[0] >= 0
            if collector._is_parent()
            else collector._upper_bounds[0] >= 0
        )
        return {f"{name}_bucket", *({f"{name}_sum", f"{name}_count"} if has_sum else ())}
    return {f"{name}_total" if isinstance(collector, Counter) else name}
