"""The whole stack in Docker, as a stranger starts it: one command, no keys, nobody doing anything."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from cli.embedded_redis import free_ports
from tests.conftest import ROOT, eventually

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(600)]

TOKEN = "end-to-end-" + uuid.uuid4().hex
PUBLISHED = (
    "REDIS",
    "SIMULATOR",
    "MARKETDATA",
    "STRATEGY",
    "EXECUTION",
    "NOTIFIER",
    "MAILSINK",
    "PROMETHEUS",
    "GRAFANA",
)
SERVICES = ("marketdata", "strategy", "execution", "notifier")
HEALTHY_WITHIN, FILLED_WITHIN = 60, 90


@dataclass(frozen=True)
class Stack:
    docker: str
    project: str
    ports: Mapping[str, int]
    started: float
    """Monotonic, when `up` was called with the images built."""
    healthy_after: float
    health: Mapping[str, str]
    """Of each container when `up --wait` had returned; later tests restart some."""
    first_mail: dict[str, Any]
    """About the rebalance that nobody asked for; there `filled_after` seconds after `up`."""
    filled_after: float

    def url(self, name: str, path: str) -> str:
        return f"http://127.0.0.1:{self.ports[name.upper()]}{path}"

    def get(self, name: str, path: str, **params: Any) -> Any:
        return httpx.get(self.url(name, path), params=params, timeout=10).raise_for_status().json()

    def post(self, name: str, path: str, body: Any = None, *, token: str = TOKEN) -> httpx.Response:
        return httpx.post(self.url(name, path), json=body, headers={"Authorization": f"Bearer {token}"}, timeout=10)

    def query(self, expression: str) -> float | None:
        """One number from Prometheus; None while it has no such series."""
        found = self.get("prometheus", "/api/v1/query", query=expression)["data"]["result"]
        return float(found[0]["value"][1]) if found else None

    def compose(self, *arguments: str, within: float = 120) -> str:
        return compose(self.docker, self.project, self.ports, *arguments, within=within)

    def mails(self) -> list[dict[str, Any]]:
        return list(self.get("mailsink", "/messages"))

    def mail_text(self, number: int) -> str:
        return httpx.get(self.url("mailsink", f"/messages/{number}"), timeout=10).text


def compose(docker: str, project: str, ports: Mapping[str, int], *arguments: str, within: float) -> str:
    """Only what is named here reaches the stack: no key or mode of whoever runs the tests."""
    kept = ("PATH", "HOME", "DOCKER_HOST", "DOCKER_CONFIG")
    given = {name: os.environ[name] for name in kept if name in os.environ}
    given |= {f"ALCHEMISER_PORT_{name}": str(port) for name, port in ports.items()}
    given |= {"ALCHEMISER_HTTP_TOKEN": TOKEN, "ALCHEMISER_VERSION": "e2e", "COMPOSE_PROGRESS": "plain"}
    command = [docker, "compose", "--env-file", "/dev/null", "-p", project, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, timeout=within, check=False)
    assert done.returncode == 0, f"{' '.join(arguments)}: {done.stdout[-3000:]}{done.stderr[-6000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def stack(docker: str) -> Iterator[Stack]:
    project = f"alchemiser-e2e-{uuid.uuid4().hex[:6]}"
    ports = dict(zip(PUBLISHED, free_ports(len(PUBLISHED)), strict=True))
    try:
        compose(docker, project, ports, "build", within=400)
        started = time.monotonic()
        try:
            compose(docker, project, ports, "up", "-d", "--wait", "--wait-timeout", "120", within=150)
        except AssertionError as error:
            logs = compose(docker, project, ports, "logs", "--tail", "40", "--no-color", within=30)
            raise AssertionError(f"{error}\n{logs}") from error
        healthy_after = time.monotonic() - started
        health = health_of(compose(docker, project, ports, "ps", "--format", "json", within=30))
        mail = eventually(lambda: first_mail(ports), within=FILLED_WITHIN + 30, what="a mail about a rebalance")
        yield Stack(docker, project, ports, started, healthy_after, health, mail, time.monotonic() - started)
    finally:
        compose(docker, project, ports, "down", "-v", "--remove-orphans", "--timeout", "10", within=120)


def health_of(listing: str) -> dict[str, str]:
    return {row["Service"]: row["Health"] for row in map(json.loads, listing.splitlines())}


def first_mail(ports: Mapping[str, int]) -> dict[str, Any] | None:
    mails = httpx.get(f"http://127.0.0.1:{ports['MAILSINK']}/messages", timeout=10).json()
    return next((mail for mail in mails if "Rebalance" in mail["subject"]), None)


def rebalance_mail(stack: Stack, correlation_id: str) -> dict[str, Any] | None:
    """The report of that very run; an alert or another run's report may come before it."""
    reports = (mail for mail in stack.mails() if "Rebalance" in mail["subject"])
    return next((mail for mail in reports if correlation_id in stack.mail_text(mail["number"])), None)


def test_the_stack_is_healthy_soon_after_its_images_are_built(stack: Stack) -> None:
    assert stack.healthy_after < HEALTHY_WITHIN
    assert stack.health == dict.fromkeys([*(name.lower() for name in PUBLISHED), "worker"], "healthy")


def test_the_first_rebalance_is_filled_with_nobody_doing_anything(stack: Stack) -> None:
    assert stack.filled_after < FILLED_WITHIN
    assert "[simulated] Rebalance complete" in stack.first_mail["subject"]
    text = stack.mail_text(stack.first_mail["number"])
    for expected in ("Orders", "Holdings against targets", "Why ", "Cash identity  exact to the cent"):
        assert expected in text
    eventually(lambda: stack.get("execution", "/positions"), what="positions at the broker")


def test_a_rebalance_asked_for_over_http_is_seen_in_prometheus_and_in_the_mail(stack: Stack) -> None:
    assert stack.post("execution", "/rebalance", token="wrong").status_code == 401
    answer = stack.post("execution", "/rebalance")
    assert answer.status_code == 202, answer.text
    eventually(lambda: rebalance_mail(stack, answer.json()["correlation_id"]), within=90, what="the second mail")
    for expression, least in (
        ("sum(alchemiser_rebalances_total)", 2),
        ('sum(alchemiser_mails_total{result="sent"})', 2),
        ("sum(alchemiser_filled_notional_dollars_total)", 10_000),
    ):
        eventually(lambda e=expression, n=least: (stack.query(e) or 0) >= n, within=30, what=expression)


def test_every_panel_of_the_dashboard_has_a_valid_query_and_most_have_data(stack: Stack) -> None:
    """Against Grafana's stand-in, which runs every panel's query on the real Prometheus; a real Grafana has no such page."""
    answer = httpx.get(stack.url("grafana", "/standin/check"), timeout=60)
    if answer.status_code == 404:
        pytest.skip("a real Grafana runs here; it has no /standin/check")

    def empty() -> list[str]:
        found = httpx.get(stack.url("grafana", "/standin/check"), timeout=60).json()
        assert [panel for panel in found if panel["error"]] == []
        return sorted({panel["panel"] for panel in found if not panel["series"]})

    # Costs are told a minute after an order's last fill, when the quote after it has been seen.
    eventually(lambda: not empty(), within=150, what=f"panels without data: {empty()}")


def test_prometheus_reaches_every_service_and_no_rule_fires(stack: Stack) -> None:
    eventually(lambda: stack.query('sum(up{job="alchemiser"})') == len(SERVICES), within=60, what="all are scraped")
    alerts = stack.get("prometheus", "/api/v1/alerts")["data"]["alerts"]
    assert [alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"] == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_shows_its_face(stack: Stack, service: str) -> None:
    for path in ("/health", "/ready", "/metrics", "/docs"):
        assert httpx.get(stack.url(service, path), timeout=10).status_code == 200, path


def test_the_command_line_reaches_the_stack_from_outside(stack: Stack) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "ALCHEMISER_REDIS_URL": f"redis://127.0.0.1:{stack.ports['REDIS']}/0",
        "ALCHEMISER_HTTP_TOKEN": TOKEN,
        **{f"ALCHEMISER_{name.upper()}_URL": stack.url(name, "") for name in SERVICES},
    }
    for asked in (["status"], ["streams", "show", "execution.events"], ["streams", "dead-letters", "list"]):
        command = [sys.executable, "-m", "cli.main", *asked, "--json"]
        ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
        assert json.loads(ended.stdout) is not None


def test_workers_can_be_added(stack: Stack) -> None:
    stack.compose("up", "-d", "--wait", "--no-recreate", "--scale", "worker=2", "worker", within=90)
    assert len(stack.compose("ps", "-q", "worker").split()) == 2


@pytest.mark.parametrize(
    "service", ["simulator", "marketdata", "strategy", "execution", "worker", "notifier", "mailsink"]
)
def test_our_containers_run_as_nobody_in_particular_and_cannot_write(stack: Stack, service: str) -> None:
    assert stack.compose("exec", "-T", service, "id", "-u").strip() == "10001"
    probe = "import pathlib; pathlib.Path('/app/probe').write_text('x')"
    with pytest.raises(AssertionError, match="Read-only file system"):
        stack.compose("exec", "-T", service, "python", "-c", probe)


@pytest.mark.parametrize("service", ["redis", "prometheus", "grafana"])
def test_foreign_containers_do_not_run_as_root(stack: Stack, service: str) -> None:
    assert stack.compose("exec", "-T", service, "id", "-u").strip() != "0"


def test_the_strategy_image_cannot_place_an_order_if_it_wished(stack: Stack) -> None:
    probe = (
        "import importlib.util as u, os;"
        "print([m for m in ('alpaca', 'rq', 'services.execution', 'services.marketdata') if u.find_spec(m)],"
        "{v for n, v in os.environ.items() if 'ALPACA' in n})"
    )
    assert stack.compose("exec", "-T", "strategy", "python", "-c", probe).strip() == "[] set()"


@pytest.mark.parametrize("service", ["simulator", "marketdata", "strategy", "execution", "notifier", "mailsink"])
def test_no_image_carries_a_secret_or_what_does_not_belong(stack: Stack, service: str) -> None:
    image = f"alchemiser-{service}:e2e"
    seen = [stack.docker, "image", "inspect", "-f", "{{json .Config.Env}}", image]
    environment = subprocess.run(seen, capture_output=True, text=True, check=True).stdout
    assert not re.search(r"TOKEN|SECRET|PASSWORD|_KEY", environment)
    listing = "find / -xdev \\( -name '.env*' -o -name '.git' -o -name tests -path '/app/*' \\) -not -path '/proc/*'"
    found = stack.compose("exec", "-T", service, "sh", "-c", listing + " 2>/dev/null || true")
    assert [line for line in found.splitlines() if "site-packages" not in line] == []


def test_the_logs_carry_no_token(stack: Stack) -> None:
    assert TOKEN not in stack.compose("logs", "--no-color")


def test_the_stack_survives_a_restart_of_its_redis(stack: Stack) -> None:
    """What was committed stays; the services find back by themselves."""
    positions = {p["symbol"]: p["qty"] for p in stack.get("execution", "/positions")}
    stack.compose("restart", "redis")
    for service in SERVICES:
        eventually(lambda s=service: is_ready(stack, s), within=60, what=f"{service} ready again")
    assert {p["symbol"]: p["qty"] for p in stack.get("execution", "/positions")} == positions
    assert stack.get("strategy", "/signals")


def test_the_account_outlives_a_restart_of_the_exchange(stack: Stack) -> None:
    positions = {p["symbol"]: p["qty"] for p in stack.get("execution", "/positions")}
    stack.compose("restart", "simulator")
    for service in SERVICES:
        eventually(lambda s=service: is_ready(stack, s), within=60, what=f"{service} ready again")
    assert positions
    assert {p["symbol"]: p["qty"] for p in stack.get("execution", "/positions")} == positions


def is_ready(stack: Stack, service: str) -> bool:
    try:
        return httpx.get(stack.url(service, "/ready"), timeout=5).is_success
    except httpx.TransportError:
        return False
