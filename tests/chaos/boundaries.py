"""Where a schedule strikes: before and after every call that leaves a process. And the broker behind a bad network."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any

from services.execution.domain.broker import (
    Account,
    Acknowledged,
    Activity,
    Asset,
    BrokerOrder,
    CancelOutcome,
    Fill,
    OrderRequest,
    PlaceOutcome,
    Position,
    Rejected,
    RejectKind,
    Unknown,
)
from services.execution.ports import BrokerUnavailableError
from shared.bus import BusUnavailableError
from tests.chaos.world import DeathError, World

_CENT = Decimal("0.01")
_REFUSALS = (RejectKind.RATE_LIMITED, RejectKind.WASH_TRADE, RejectKind.BUYING_POWER, RejectKind.HELD_SHARES)


@dataclass
class Process:
    """Whose calls they are. What is dead calls nothing any more, whatever its code still has to tidy up."""

    stall: Callable[[], None] = lambda: None
    is_dead: bool = False


class Boundary:
    """Anything behind a port: the caller may die or stall before and after each call; Redis may be away."""

    def __init__(self, inner: Any, world: World, name: str, process: Process, *, in_redis: bool = True) -> None:
        self._inner, self._world, self._name, self._process, self._in_redis = inner, world, name, process, in_redis

    def __getattr__(self, attribute: str) -> Any:
        inner = getattr(self._inner, attribute)
        return self._guarded(inner, f"{self._name}.{attribute}") if callable(inner) else inner

    def _guarded(self, call: Callable[..., Any], what: str) -> Callable[..., Any]:
        def guarded(*args: Any, **kwargs: Any) -> Any:
            self._strike(f"before {what}")
            world = self._world
            if self._in_redis and world.monotonic() < world.outage_until:
                raise BusUnavailableError(f"{what}: redis is away")
            answer = call(*args, **kwargs)
            if what == "journal.intend":
                world.redis.keep()  # WAITAOF: it is on disk, and with it all that was written before
            self._strike(f"after {what}")
            if self._in_redis and world.happens(world.chances.outage):
                raise BusUnavailableError(f"{what}: the answer was lost")
            return answer

        return guarded

    def _strike(self, where: str) -> None:
        if self._process.is_dead:
            raise DeathError(where)
        if self._world.in_background:
            return  # whatever happens to the process happens where its worker is
        if self._world.happens(self._world.chances.death):
            self._world.note(f"dies {where}")
            self._process.is_dead = True
            raise DeathError(where)
        # Standing still on the very edge of the wire cannot be told from a slow network, which `late_request` is.
        chances = self._world.chances
        chance = chances.stall + (chances.stall_at_wire if where == "after journal.intend" else 0.0)
        if where != "before broker.place" and self._world.happens(chance):
            self._world.note(f"stalls {where}")
            self._process.stall()


@dataclass
class BadNetwork:
    """The Broker port over a network that loses requests and answers, and lets some arrive after their caller gave up."""

    world: World

    def place(self, request: OrderRequest) -> PlaceOutcome:
        world, chances, place = self.world, self.world.chances, self.world.broker.place
        if world.happens(chances.lost_request):
            return self._noted(request, Unknown("504 before accept"))
        if world.happens(chances.late_request):
            world.later(world.rng.choice((0.5, 4, 12)), lambda: place(request))
            return self._noted(request, Unknown("timeout; it arrives later"))
        if world.happens(chances.refusal):
            kind = world.rng.choice(_REFUSALS)
            return self._noted(request, Rejected(kind, 429 if kind is RejectKind.RATE_LIMITED else 403, None, "no"))
        outcome = place(request)
        if world.happens(chances.lost_answer):
            return self._noted(request, Unknown("504 after accept"))
        return self._noted(request, outcome)

    def cancel(self, order_id: str) -> CancelOutcome:
        world, chances = self.world, self.world.chances
        if world.happens(chances.lost_request):
            return Unknown("504 before the cancel")
        if world.happens(chances.refusal):
            return Rejected(RejectKind.RATE_LIMITED, 429, None, "too many requests")
        outcome = world.broker.cancel(order_id)
        return Unknown("504 after the cancel") if world.happens(chances.lost_answer) else outcome

    def replace(self, order_id: str, **_: object) -> PlaceOutcome:
        raise AssertionError(f"{order_id}: nothing here replaces an order")

    def account(self) -> Account:
        self._question()
        account = self.world.broker.account()
        # Always down: of two statements rounded to the nearest cent, two ties can differ by a whole one.
        cents = {
            name: getattr(account, name).quantize(_CENT, ROUND_DOWN) for name in ("equity", "cash", "buying_power")
        }
        return dataclasses.replace(account, **cents)

    def positions(self) -> Sequence[Position]:
        self._question()
        return self.world.broker.positions()

    def asset(self, symbol: str) -> Asset | None:
        return self.world.broker.asset(symbol)

    def assets(self) -> Sequence[Asset]:
        self._question()
        return self.world.broker.assets()

    def order(self, order_id: str) -> BrokerOrder | None:
        self._question()
        return self.world.broker.order(order_id)

    def order_by_client_id(self, client_order_id: str) -> BrokerOrder | None:
        """Not known for a moment after it was taken, as brokers are."""
        self._question()
        found = self.world.broker.order_by_client_id(client_order_id)
        is_young = found is not None and (self.world.clock.now() - found.submitted_at).total_seconds() < 3
        return None if is_young and self.world.happens(self.world.chances.not_found) else found

    def open_orders(self) -> Sequence[BrokerOrder]:
        self._question()
        return self.world.broker.open_orders()

    def orders_since(self, after: Any, symbols: Sequence[str] = ()) -> Sequence[BrokerOrder]:
        """A list lags behind, too."""
        self._question()
        found, now = self.world.broker.orders_since(after, symbols), self.world.clock.now()
        chances = self.world.chances
        return [
            o for o in found if (now - o.submitted_at).total_seconds() >= 3 or not self.world.happens(chances.not_found)
        ]

    def activities_since(self, after: Any) -> Sequence[Activity]:
        self._question()
        return self.world.broker.activities_since(after)

    def fills_since(self, after: Any) -> Sequence[Fill]:
        self._question()
        return self.world.broker.fills_since(after)

    def _question(self) -> None:
        if self.world.happens(self.world.chances.question_fails):
            raise BrokerUnavailableError("HTTP 503")

    def _noted(self, request: OrderRequest, outcome: PlaceOutcome) -> PlaceOutcome:
        shown = "ok" if isinstance(outcome, Acknowledged) else outcome
        self.world.note(f"place {request.client_order_id} {request.side} {request.qty} {request.limit_price}: {shown}")
        return outcome
