"""A small exchange that tells the truth late, twice, out of order or not at all; and the loop that works one order against it.

The exchange itself is honest: what it filled is filled, a cancelled order never fills again. Only its words get lost.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from services.execution.domain import smart_order
from services.execution.domain.broker import BrokerOrder, BrokerUpdate, OrderRequest, RejectKind, Status
from services.execution.domain.ladder import Policy
from services.execution.domain.order_events import (
    Blocked,
    Cancel,
    CancelAccepted,
    CancelRejected,
    CancelUnknown,
    Command,
    Event,
    Found,
    Hurried,
    NotFound,
    Place,
    Placed,
    PlaceRejected,
    PlaceUnknown,
    Query,
    QueryFailed,
    Stopped,
    Tell,
    Tick,
    Updated,
)
from services.execution.domain.order_state import Phase, SmartOrder
from services.execution.domain.order_step import Step
from shared.contracts import Message
from shared.contracts.execution import OrderFilled, OrderPartlyFilled
from shared.contracts.marketdata import Quote

Machine = Callable[[SmartOrder, Event, dt.datetime, Policy], Step]
START = dt.datetime(2024, 6, 3, 14, 0, tzinfo=dt.UTC)
_LIVE = {Status.NEW, Status.PARTIALLY_FILLED, Status.PENDING_CANCEL}
_REFUSALS = [kind for kind in RejectKind if kind is not RejectKind.DUPLICATE_CLIENT_ID]


@dataclass(frozen=True)
class Faults:
    """Probabilities, each for one event of its kind."""

    drop: float = 0.0
    duplicate: float = 0.0
    delay: float = 0.0
    lost_answer: float = 0.0
    lost_request: float = 0.0
    reject: float = 0.0
    stuck_cancel: float = 0.0
    question_fails: float = 0.0
    fill: float = 0.3
    whole_fill: float = 0.3
    block: float = 0.0
    stop: float = 0.0
    hurry: float = 0.0


@dataclass
class Resting:
    request: OrderRequest
    id: str
    status: Status = Status.NEW
    filled: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    cancel_asked: bool = False
    is_stuck: bool = False

    def word(self) -> BrokerOrder:
        average = self.paid / self.filled if self.filled else None
        return BrokerOrder(
            self.id,
            self.request.client_order_id,
            self.request.symbol,
            self.request.side,
            self.request.qty,
            self.filled,
            average,
            self.status,
            self.request.limit_price,
            START,
        )

    @property
    def exposure(self) -> Decimal:
        return self.request.qty if self.status in _LIVE else self.filled


class BrokenPromiseError(AssertionError):
    """The machine did what must never happen."""


@dataclass
class Run:
    """One smart order against one exchange, until it is done. `history` is what a failing seed shows."""

    order: SmartOrder
    policy: Policy
    faults: Faults
    rng: random.Random
    machine: Machine = smart_order.step
    now: dt.datetime = START
    resting: dict[str, Resting] = field(default_factory=dict)
    mail: list[tuple[dt.datetime, Event]] = field(default_factory=list)
    journal: dict[str, OrderRequest] = field(default_factory=dict)
    told: list[Message] = field(default_factory=list)
    history: list[str] = field(default_factory=list)
    executions: int = 0

    def until_done(self, most_turns: int = 20_000) -> Run:
        for _ in range(most_turns):
            if self.order.phase is Phase.DONE and not self.mail:
                return self
            self.turn()
        raise BrokenPromiseError(f"not done after {most_turns} turns: {self.order}")

    def turn(self) -> None:
        self.now += dt.timedelta(seconds=self.rng.choice([0.05, 0.2, 1, 3, 10]))
        self._trade()
        self._deliver()
        if self.rng.random() < self.faults.stop / 100 and self.order.phase is not Phase.DONE:
            self._feed(Stopped("a test wants it"))
        if self.faults.hurry and self.rng.random() < self.faults.hurry / 100:
            self._feed(Hurried())
        if smart_order.is_due(self.order, self.now):
            self._feed(Tick(self._quote()))

    def exposure(self) -> Decimal:
        """What the exchange has filled or may still fill."""
        return sum((resting.exposure for resting in self.resting.values()), Decimal(0))

    def filled(self) -> Decimal:
        return sum((resting.filled for resting in self.resting.values()), Decimal(0))

    def _feed(self, event: Event) -> None:
        before = self.order
        step = self.machine(before, event, self.now, self.policy)
        self.history.append(f"{self.now:%H:%M:%S.%f} {event} {before.phase} -> {step.order.phase} {step.commands}")
        self.order = step.order
        for command in step.commands:
            self._do(command)

    def _do(self, command: Command) -> None:
        match command:
            case Place():
                self._place(command)
            case Cancel():
                self._cancel(command)
            case Query():
                self._query(command)
            case Tell(message=message):
                if message.id in {m.id for m in self.told}:
                    raise BrokenPromiseError(f"two facts with the id {message.id}")
                self.told.append(message)

    def _place(self, command: Place) -> None:
        request, name = command.request, command.request.client_order_id
        if not command.is_resend and self.rng.random() < self.faults.block:
            self._answer(Blocked(name, "spread", "too wide", may_pass=True))
            return
        if self.journal.setdefault(name, request) != request or (not command.is_resend and name in self.resting):
            raise BrokenPromiseError(f"{name} names two different orders, or is sent twice without need")
        fate = self.rng.random()
        if fate < self.faults.lost_request:
            self._answer(PlaceUnknown(name, "504 before accept"))
        elif name in self.resting:
            self._answer(PlaceRejected(name, RejectKind.DUPLICATE_CLIENT_ID, "client_order_id must be unique"))
        elif self.rng.random() < self.faults.reject:
            self._answer(PlaceRejected(name, self.rng.choice(_REFUSALS), "no"))
        else:
            self._accept(request)

    def _accept(self, request: OrderRequest) -> None:
        name = request.client_order_id
        resting = self.resting[name] = Resting(request, f"b-{len(self.resting) + 1}")
        self._check()
        self._update("new", resting)
        snapshot = resting.word()
        if self.rng.random() < self.faults.whole_fill:
            self._fill(resting, resting.request.qty)
        if self.rng.random() < self.faults.lost_answer:
            self._answer(PlaceUnknown(name, "504 after accept"))
        else:
            self._answer(Placed(snapshot))

    def _cancel(self, command: Cancel) -> None:
        resting = self.resting[command.client_order_id]
        fate = self.rng.random()
        if fate < self.faults.lost_request:
            self._answer(CancelUnknown(command.client_order_id, "timeout"))
            return
        if resting.status not in _LIVE:
            self._answer(CancelRejected(command.client_order_id, RejectKind.NOT_CANCELABLE, "filled"))
            return
        resting.cancel_asked, resting.status = True, Status.PENDING_CANCEL
        resting.is_stuck = resting.is_stuck or self.rng.random() < self.faults.stuck_cancel
        self._update("pending_cancel", resting)
        lost = self.rng.random() < self.faults.lost_answer
        name = command.client_order_id
        self._answer(CancelUnknown(name, "timeout") if lost else CancelAccepted(name))

    def _query(self, command: Query) -> None:
        name = command.client_order_id
        if self.rng.random() < self.faults.question_fails:
            self._answer(QueryFailed(name, "503"))
        elif name in self.resting:
            self._answer(Found(self.resting[name].word()))
        else:
            self._answer(NotFound(name))

    def _trade(self) -> None:
        for resting in self.resting.values():
            if resting.status not in _LIVE:
                continue
            if self.rng.random() < self.faults.fill:
                left = resting.request.qty - resting.filled
                self._fill(resting, left if self.rng.random() < 0.5 else min(left, max(Decimal(1), left // 3)))
            elif resting.cancel_asked and not resting.is_stuck and self.rng.random() < 0.5:
                resting.status = Status.CANCELED
                self._update("canceled", resting)
            elif self.now >= self.order.close_at:
                resting.status = Status.EXPIRED
                self._update("expired", resting)

    def _fill(self, resting: Resting, qty: Decimal) -> None:
        self.executions += 1
        price = resting.request.limit_price or Decimal(100)
        resting.filled += qty
        resting.paid += qty * price
        whole = resting.filled >= resting.request.qty
        if whole or not resting.cancel_asked:
            resting.status = Status.FILLED if whole else Status.PARTIALLY_FILLED
        event = "fill" if whole else "partial_fill"
        self._update(event, resting, execution_id=f"e{self.executions}", qty=qty, price=price)

    def _update(self, event: str, resting: Resting, **fields: object) -> None:
        update = Updated(BrokerUpdate(event, self.now, resting.word(), **fields))  # type: ignore[arg-type]
        if self.rng.random() < self.faults.drop:
            return
        self._answer(update)
        if self.rng.random() < self.faults.duplicate:
            self._answer(update)

    def _answer(self, event: Event) -> None:
        late = self.rng.choice([1, 5, 40]) if self.rng.random() < self.faults.delay else 0
        self.mail.append((self.now + dt.timedelta(seconds=late), event))

    def _deliver(self) -> None:
        due = [item for item in self.mail if item[0] <= self.now]
        self.mail = [item for item in self.mail if item[0] > self.now]
        for _, event in due:
            self._feed(event)
            self._check()

    def _check(self) -> None:
        if self.exposure() > self.order.total and self.exposure() > self._most():
            raise BrokenPromiseError(f"{self.exposure()} live or filled of {self._most()} wanted")
        if self.order.filled > self.filled():
            raise BrokenPromiseError(f"{self.order.filled} believed, {self.filled()} filled")

    def _most(self) -> Decimal:
        """The total as first wanted: an order may only ever shrink."""
        return self._first_total

    def __post_init__(self) -> None:
        self._first_total = self.order.total

    def _quote(self) -> Quote | None:
        if self.rng.random() < 0.05:
            return None
        bid = Decimal(100) + Decimal(self.rng.randint(-20, 20)) / 100
        spread = Decimal(self.rng.choice([0, 1, 1, 2, 3, 10])) / 100
        return Quote(symbol="SPY", at=self.now, bid=bid, bid_size=100, ask=bid + spread, ask_size=100)


def told_quantity(run: Run) -> Decimal:
    """Shares that the published fills add up to."""
    return sum((m.qty for m in run.told if isinstance(m, OrderPartlyFilled | OrderFilled)), Decimal(0))
