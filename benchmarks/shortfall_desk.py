"""Parent orders worked by the real smart-order table, under a policy, against the replay venue.

Stands where the desk stands in the house: it carries out what the table asks for and tells it what came of it.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from benchmarks import shortfall_tape as tapes
from benchmarks.shortfall_replay import Parent, Rules, Worked
from benchmarks.shortfall_tape import Tape
from benchmarks.shortfall_venue import Fill, Side, VenueOrder, advance
from services.execution.domain import smart_order
from services.execution.domain.broker import BrokerOrder, BrokerUpdate, OrderRequest, Status
from services.execution.domain.ladder import Policy
from services.execution.domain.order_events import (
    Cancel,
    Command,
    Event,
    Found,
    Place,
    Placed,
    Query,
    Tell,
    Tick,
    Updated,
)
from services.execution.domain.order_state import Phase, SmartOrder
from shared.contracts import Message
from shared.contracts.marketdata import Quote


@dataclass(frozen=True)
class Ours:
    """The smart-order table of the desk under a policy, which may be chosen by the quote at arrival."""

    choose: Callable[[Quote, Side], Policy]

    def __call__(self, tape: Tape, parent: Parent, rules: Rules) -> Worked:
        return self.desk(tape, parent, rules).worked()

    def desk(self, tape: Tape, parent: Parent, rules: Rules) -> Desk:
        """With its order still to be worked, for who wants to see more of it than what was paid."""
        return Desk(tape, parent, rules, self.choose(tape.quote(parent.arrival), parent.side))


@dataclass
class Desk:
    """One smart order, its one live child at the venue, and a clock that jumps from instant to instant."""

    tape: Tape
    parent: Parent
    rules: Rules
    policy: Policy
    now: int = 0
    live: VenueOrder | None = None
    request: OrderRequest | None = None
    cancel_at: int | None = None
    is_acknowledged: bool = False
    paid: int = 0
    """By the live child, in ten-thousandths of a dollar."""
    told: list[Message] = field(default_factory=list)
    _events: deque[Event] = field(default_factory=deque)

    def __post_init__(self) -> None:
        at = self.tape.at(self.parent.arrival)
        self.now = self.parent.arrival
        self.result = Worked(self.parent)
        self.order = SmartOrder(
            order_id="replay",
            plan_id="replay",
            correlation_id="replay",
            symbol=self.tape.symbol,
            side=self.parent.side,
            total=Decimal(self.parent.qty),
            wanted=Decimal(self.parent.qty),
            close_at=self.tape.at(len(self.tape)),
            started_at=at,
            whole_shares=True,
            wake_at=at,
        )

    def worked(self) -> Worked:
        end = self.parent.arrival + self.rules.horizon
        while not self._is_over(end):
            self._listen()
            self._drain()
            self.now = self._next_instant(end)
        return self.result.closed(self.tape, self.rules.horizon)

    def _is_over(self, end: int) -> bool:
        return self.order.phase is Phase.DONE or self.now > end

    def _drain(self) -> None:
        """All that can happen at this instant: answers first, then time. A tick that changes nothing waits for the next."""
        now = self.tape.at(self.now)
        while self._events or smart_order.is_due(self.order, now):
            event = self._events.popleft() if self._events else Tick(self.tape.quote(self.now))
            before = self.order
            step = smart_order.step(before, event, now, self.policy)
            self.order = step.order
            for command in step.commands:
                self._carry_out(command)
            self._listen()
            if isinstance(event, Tick) and self.order == before:
                return

    def _carry_out(self, command: Command) -> None:
        match command:
            case Place(request=request):
                limit = None if request.limit_price is None else tapes.price(request.limit_price)
                self.request, self.paid, self.cancel_at = request, 0, None
                self.live = VenueOrder(self.parent.side, int(request.qty), limit, self.now + self.rules.latency)
                self.result.requests += 1
                self.is_acknowledged = False
            case Cancel():
                self.cancel_at = self.now + self.rules.latency
                self.result.requests += 1
            case Query():
                self._events.append(Found(self._word(Status.PENDING_CANCEL if self.cancel_at else self._status())))
            case Tell(message=message):
                self.told.append(message)

    def _listen(self) -> None:
        """What the venue has to say at this instant about the live child."""
        live = self.live
        if live is None or self.now < live.reaches:
            return
        if not self.is_acknowledged:
            self.is_acknowledged = True
            self._events.append(Placed(self._word(Status.NEW)))
        while (fill := advance(self.tape, live, self.now, counts_undecided=self.rules.counts_undecided)) is not None:
            self.paid += fill.qty * fill.price
            self.result.add(fill)
            self._events.append(self._filled(fill))
        self.result.was_undecided |= live.was_undecided
        if not live.open:
            self.live = None
        elif self.cancel_at is not None and self.now >= self.cancel_at:
            self._events.append(Updated(BrokerUpdate("canceled", self.tape.at(self.now), self._word(Status.CANCELED))))
            self.live = None

    def _filled(self, fill: Fill) -> Updated:
        return Updated(
            BrokerUpdate(
                event="partial_fill" if self._live().open else "fill",
                at=self.tape.at(fill.instant),
                order=self._word(self._status()),
                execution_id=f"{self._request().client_order_id}@{self._live().filled}",
                qty=Decimal(fill.qty),
                price=tapes.dollars(fill.price),
            ),
            self.tape.quote(max(0, fill.instant - 1) if fill.was_resting else fill.instant),
        )

    def _status(self) -> Status:
        live = self._live()
        if not live.open:
            return Status.FILLED
        return Status.PARTIALLY_FILLED if live.filled else Status.NEW

    def _word(self, status: Status) -> BrokerOrder:
        request, filled = self._request(), self._live().filled
        return BrokerOrder(
            id=request.client_order_id,
            client_order_id=request.client_order_id,
            symbol=request.symbol,
            side=request.side,
            qty=request.qty,
            filled_qty=Decimal(filled),
            filled_avg_price=tapes.dollars(self.paid) / filled if filled else None,
            status=status,
            limit_price=request.limit_price,
            submitted_at=self.tape.at(self.now),
        )

    def _next_instant(self, end: int) -> int:
        """The next bar while something is live at the venue; else when the order wakes."""
        if self.live is not None or self.order.wake_at is None:
            return self.now + 1
        wait = (self.order.wake_at - self.tape.begin) / dt.timedelta(seconds=self.tape.bar_seconds)
        return min(max(self.now + 1, -int(-wait // 1)), end + 1)

    def _live(self) -> VenueOrder:
        if self.live is None:
            raise ValueError("expected a live order at the venue, got none")
        return self.live

    def _request(self) -> OrderRequest:
        if self.request is None:
            raise ValueError("expected a request, got none")
        return self.request
