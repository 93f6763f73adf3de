"""Strategy's own HTTP endpoints beside the common ones: ask for a run, read the newest signals."""

from __future__ import annotations

import datetime as dt
import uuid

import httpx
from fastapi import Depends, FastAPI, HTTPException, status
from pydantic import BaseModel, ConfigDict

from shared.bus import Bus
from shared.clock import Clock
from shared.contracts.control import RunRequested
from shared.contracts.strategy import SignalIssued, TargetPortfolioSet
from shared.contracts.streams import CONTROL, LATEST_SIGNALS, LATEST_TARGETS


class Accepted(BaseModel):
    """The request stands on `control`; follow it by its correlation id."""

    id: str
    correlation_id: str


class NoBody(BaseModel):
    """POST /run takes nothing; what is given is refused, so that nobody believes it had an effect."""

    model_config = ConfigDict(extra="forbid")


class Signals(BaseModel):
    signals: list[SignalIssued]
    target: TargetPortfolioSet | None


def add_routes(app: FastAPI, bus: Bus, clock: Clock, strategies: tuple[str, ...]) -> None:
    @app.post("/run", status_code=status.HTTP_202_ACCEPTED, dependencies=[Depends(app.state.authorized)])
    def run(_body: NoBody | None = None) -> Accepted:
        """Decide now. Inside a session today's newest prices stand in for its closes."""
        name = uuid.uuid4().hex
        bus.publish(CONTROL, RunRequested(id=name, correlation_id=f"run-{name}", at=_now(clock), origin="http"))
        return Accepted(id=name, correlation_id=f"run-{name}")

    @app.get("/signals")
    def signals() -> Signals:
        """The newest signal of each strategy in the portfolio, with its explanation, and the portfolio they make."""
        latest = bus.get_all(LATEST_SIGNALS)
        target = bus.get(LATEST_TARGETS, "latest")
        return Signals(
            signals=[SignalIssued.of(latest[name]) for name in strategies if name in latest],
            target=None if target is None else TargetPortfolioSet.of(target),
        )


def _now(clock: Clock) -> dt.datetime:
    try:
        return clock.now()
    except httpx.HTTPError as error:
        raise HTTPException(
            status.HTTP_503_SERVICE_UNAVAILABLE, f"the venue's clock cannot be asked: {error}"
        ) from error
