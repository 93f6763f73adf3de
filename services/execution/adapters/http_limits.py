"""GET /limits: each limit, its bound, and how the account stands against it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from services.execution.adapters.desk_book import Book
from services.execution.domain.exposure import standing_of
from services.execution.domain.limit_views import Picture, rows
from services.execution.domain.plan import PlanRules, funds_of
from services.execution.domain.proposal import Bounds
from services.execution.ports import Broker
from shared.clock import Clock
from shared.sessions import new_york_date


class LimitView(BaseModel):
    limit: str
    bound: str
    reading: str


@dataclass(frozen=True, slots=True)
class LimitsDoor:
    """What the view looks at. `obstacle` tells why nothing may be placed."""

    book: Book
    broker: Broker
    clock: Clock
    bounds: Bounds
    rules: PlanRules
    obstacle: Callable[[], str | None]


def create_limits_routes(app: FastAPI, door: LimitsDoor) -> None:
    router = APIRouter(responses={503: {"description": "the broker does not answer"}})

    @router.get("/limits")
    def limits() -> list[LimitView]:
        """Every limit in the order in which it is looked at: its bound, and how it stands now."""
        return [LimitView(**asdict(row)) for row in rows(_picture(door))]

    app.include_router(router)


def _picture(door: LimitsDoor) -> Picture:
    now, account, controls = door.clock.now(), door.broker.account(), door.book.controls()
    standing = standing_of(door.book.exposures(), new_york_date(now))
    return Picture(
        bounds=door.bounds,
        trading=controls.trading,
        obstacle=door.obstacle(),
        worth=controls.worth,
        standing=standing,
        account=account,
        positions=door.broker.positions(),
        funds=funds_of(account, door.rules) - standing.open_buys,
        now=now,
    )
