"""The notifier's own endpoints: a test message, and what became of the last letters."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, FastAPI, Query, status
from pydantic import BaseModel

from services.notifier.adapters.postman import records
from services.notifier.domain.outbox import Record
from shared.bus import Bus, Outcome


class Accepted(BaseModel):
    id: str
    correlation_id: str


def add_endpoints(app: FastAPI, bus: Bus, trial: Callable[[str], Outcome]) -> None:
    """`trial` makes the outcome that puts a test message of the given id into the outbox."""

    @app.post("/test", status_code=status.HTTP_202_ACCEPTED, dependencies=[Depends(app.state.authorized)])
    def test() -> Accepted:
        """Send a test message through every channel."""
        identity = uuid.uuid4().hex
        bus.commit(trial(identity), once=f"notifier-test:{identity}")
        return Accepted(id=identity, correlation_id=identity)

    @app.get("/messages")
    def messages(limit: Annotated[int, Query(ge=1, le=200)] = 50) -> list[Record]:
        """The last letters, newest first: sent, or waiting and why."""
        return records(bus, limit)
