"""`alchemiser status`: whether every service lives and can work."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rich.console import Group, RenderableType

from cli.endpoint import SERVICES, Endpoint
from cli.exit_codes import CommandError, ExitCode
from cli.settings import CliSettings
from cli.tables import AsJson, bad, good, show, table
from cli.trading import state_view
from shared.settings import read


def status(*, as_json: AsJson = False) -> None:
    """Whether every service lives and can work; exits 0 when all are ready, 1 when one is not, 3 when one is not reachable."""
    settings = read(CliSettings)
    with ThreadPoolExecutor(len(SERVICES)) as pool:
        found = list(pool.map(lambda name: _state(Endpoint(name, settings, timeout_seconds=5)), SERVICES))
    rows = [{"service": name} | row for name, row in zip(SERVICES, found, strict=True)]
    show({"services": rows, "trading": _trading(settings)}, _status_view, as_json=as_json)
    states = {row["state"] for row in rows}
    if "unreachable" in states:
        raise SystemExit(int(ExitCode.UNREACHABLE))
    if states != {"ready"}:
        raise SystemExit(int(ExitCode.FAILED))


def _state(service: Endpoint) -> dict[str, Any]:
    try:
        answer = service.readiness()
    except CommandError as error:
        unreachable = error.code is ExitCode.UNREACHABLE
        return {
            "url": service.url,
            "state": "unreachable" if unreachable else "broken",
            "checks": {"http": str(error)},
        }
    checks = answer.get("checks", {})
    return {"url": service.url, "state": "ready" if answer.get("ready") else "not ready", "checks": checks}


def _trading(settings: CliSettings) -> dict[str, Any] | None:
    """How trading stands; None where execution cannot tell."""
    try:
        state: dict[str, Any] = Endpoint("execution", settings, timeout_seconds=5).get("/state")
    except CommandError:
        return None
    return state


def _status_view(answer: dict[str, Any]) -> RenderableType:
    trading = answer["trading"]
    rows = [_row(row) for row in answer["services"]]
    services = table("Services", ["service", "state", "address", "checks"], rows)
    return Group(services, "", state_view(trading) if trading else "[bold]Trading[/]: not known")


def _row(row: dict[str, Any]) -> tuple[Any, ...]:
    missing = [f"{name}: {outcome}" for name, outcome in row["checks"].items() if outcome != "ok"]
    state = good(row["state"]) if row["state"] == "ready" else bad(row["state"])
    return row["service"], state, row["url"], "; ".join(missing) or f"{len(row['checks'])} ok"
