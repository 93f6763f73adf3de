"""The house's rules that import-linter cannot see."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from shared.contracts import streams

ROOT = Path(__file__).resolve().parents[2]
CODE = sorted(p for room in ("shared", "services", "backtest", "cli") for p in (ROOT / room).rglob("*.py"))
SERVICES = ("marketdata", "strategy", "execution", "notifier", "simulator")
ROOMS = {
    "domain",
    "adapters",
    "ports.py",
    "settings.py",
    "handlers.py",
    "bootstrap.py",
    "__main__.py",
    "jobs.py",
    "__init__.py",
}


def test_the_import_contracts_hold() -> None:
    answer = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_only_the_known_rooms(service: str) -> None:
    found = {p.name for p in (ROOT / "services" / service).iterdir() if p.name not in {"__pycache__", "py.typed"}}
    assert found <= ROOMS, f"unknown rooms: {sorted(found - ROOMS)}"


def test_no_module_hides_behind_an_empty_name() -> None:
    empty_names = re.compile(r"(^|_)(utils?|helpers?|manager|misc|common|service|processor)\.py$")
    assert [str(p.relative_to(ROOT)) for p in CODE if empty_names.search(p.name)] == []


def test_the_wall_clock_is_read_only_where_clocks_live() -> None:
    """`datetime.now`, `utcnow`, `today` and `time.time` outside the named places would escape the virtual clock."""
    allowed = {
        "shared/clock.py": "the system clock itself",
        "shared/listeners.py": "message age against Redis's own wall-clock entry ids",
        "services/execution/adapters/alpaca_transport.py": "X-RateLimit-Reset is an epoch second of the wall clock",
        "services/execution/adapters/updates_socket.py": "entry ids of quarantined frames; never compared with market time",
        "shared/bus/redis_bus.py": "scores of once-names, trimmed by age; never compared with market time",
    }
    found = {str(p.relative_to(ROOT)) for p in CODE if _reads_the_wall_clock(p)}
    assert found - allowed.keys() == set()


def _reads_the_wall_clock(path: Path) -> bool:
    calls = (
        n
        for n in ast.walk(ast.parse(path.read_text()))
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)
    )
    return any(
        (
            call.func.attr in {"now", "utcnow", "today"}
            and _name(call.func.value) in {"datetime", "date", "dt.datetime", "dt.date"}
        )
        or (call.func.attr in {"time", "time_ns"} and _name(call.func.value) == "time")
        for call in calls
        if isinstance(call.func, ast.Attribute)
    )


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def test_every_stream_of_the_contracts_stands_on_the_map() -> None:
    text = (ROOT / "docs" / "map.md").read_text()
    assert [name for name in streams.ALL if f"`{name}`" not in text] == []


def test_metric_names_stand_in_one_file() -> None:
    maker = re.compile(r"\b(Counter|Gauge|Histogram|Summary)\(\s*\"")
    elsewhere = [
        str(p.relative_to(ROOT)) for p in CODE if p != ROOT / "shared" / "metrics.py" and maker.search(p.read_text())
    ]
    assert elsewhere == []


def test_nothing_is_read_from_the_environment_at_import() -> None:
    reading = re.compile(r"^\S.*os\.environ|^\S.*os\.getenv", re.MULTILINE)
    assert [str(p.relative_to(ROOT)) for p in CODE if reading.search(p.read_text())] == []


def test_tracked_files_carry_no_machine_paths_and_no_secrets() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    machine = re.compile("/" + "(work|root|home)/" + r"\w|/tmp/" + "bash_jobs")
    secret = re.compile(r"\b(AK|PK)[A-Z0-9]{18}\b|-----BEGIN [A-Z ]*PRIVATE KEY")
    faults = []
    for name in tracked:
        text = (ROOT / name).read_text(errors="replace") if (ROOT / name).is_file() else ""
        faults += [name for pattern in (machine, secret) if pattern.search(text)]
    assert faults == []
