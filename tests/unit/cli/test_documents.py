"""What people read is held to what the code says: settings, commands, endpoints, faults, exit codes, the strategy of ten lines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from cli.exit_codes import ExitCode
from cli.main import app
from cli.settings_catalogue import as_markdown, catalogue
from services.simulator.domain.faults import FAULTS
from services.strategy.domain.closes import Closes
from services.strategy.domain.engine import TreeStrategy
from shared.settings import Settings
from tests.integration.cli.house import House

ROOT = Path(__file__).resolve().parents[3]
README = (ROOT / "README.md").read_text()


def block(text: str, name: str) -> str:
    found = re.search(rf"<!-- {name}[^>]*-->\n(.*?)<!-- /{name} -->", text, re.DOTALL)
    assert found, f"the block {name!r} is missing"
    return found[1].strip()


def test_the_settings_table_is_what_the_settings_classes_say() -> None:
    assert block(README, "settings") == as_markdown(catalogue()), "write it again: alchemiser settings --markdown"


def test_every_setting_says_what_it_means() -> None:
    assert [s.variable for s in catalogue() if not s.meaning] == []


def test_no_setting_shows_a_secret_default() -> None:
    assert [s.variable for s in catalogue() if s.expected.startswith("secret") and s.default] == []


def test_the_catalogue_knows_every_settings_class() -> None:
    prefixes = {
        str(c.model_config.get("env_prefix")) for c in Settings.__subclasses__() if not c.__module__.startswith("tests")
    }
    assert all(any(s.variable.startswith(p) for s in catalogue()) for p in prefixes)


def commands() -> list[str]:
    command = get_command(app)
    return list(command.commands)  # type: ignore[attr-defined] # a group


@pytest.mark.parametrize("name", commands())
def test_every_command_stands_in_the_readme(name: str) -> None:
    assert re.search(rf"`alchemiser {name}\b", block(README, "commands"))


@pytest.mark.parametrize("service", ["execution", "strategy"])
def test_the_endpoints_in_the_readme_are_those_of_the_service(service: str) -> None:
    common = {("GET", "/health"), ("GET", "/ready")}
    paths = House().app(service).openapi()["paths"]
    real = {(method.upper(), path) for path, methods in paths.items() for method in methods} - common
    rows = re.split(r"^\| (?=\w)", block(README, "endpoints"), flags=re.MULTILINE)
    row = next(row for row in rows if row.startswith(service))
    assert set(re.findall(r"(GET|POST) (/[^` ]*)", row)) == real


def test_every_exit_code_stands_in_the_readme() -> None:
    table = block(README, "exit codes")
    assert [code for code in ExitCode if f"| {code.value} |" not in table] == []


def test_the_faults_page_is_what_the_fault_board_says() -> None:
    rows = block((ROOT / "docs" / "simulator.md").read_text(), "faults").splitlines()[2:]
    assert rows == [f"| `{name}` | {text} |" for name, text in FAULTS.items()]


def test_the_strategy_of_ten_lines_is_one() -> None:
    """It is imported as the reader would write it, and decides."""
    source = re.search(r"```python\n# my_strategy\.py\n(.*?)```", README, re.DOTALL)
    assert source
    assert len([line for line in source[1].splitlines() if line.strip()]) <= 10
    made: dict[str, object] = {}
    exec(source[1], made)  # noqa: S102 - our own README
    strategy = made["strategy"]
    assert isinstance(strategy, TreeStrategy)
    assert strategy.closes_needed > 1
    assert set(strategy.symbols) >= {"SPY"}
    assert Closes is not None
