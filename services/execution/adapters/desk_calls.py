"""What a desk asks the broker, off its loop: limits, then the journal, then the wire; every answer comes back as an event."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, replace
from typing import Final

from services.execution.adapters import desk_answers as answers
from services.execution.adapters.desk_hold import Hold
from services.execution.adapters.gate import Gate
from services.execution.domain.broker import (
    BrokerOrder,
    PlaceOutcome,
    Unknown,
)
from services.execution.domain.order_events import (
    Blocked,
    Cancel,
    CancelUnknown,
    Event,
    Found,
    NotFound,
    Place,
    PlaceUnknown,
    Query,
    QueryFailed,
)
from services.execution.domain.order_state import Child, SmartOrder
from services.execution.ports import (
    Broker,
    BrokerUnavailableError,
    FencedOutError,
    Intent,
    Journal,
    Quotes,
    RequestBudget,
)
from shared import logs
from shared.bus import BusUnavailableError
from shared.clock import Clock

_CLOCKS_APART: Final = dt.timedelta(minutes=5)
"""The broker's clock is not ours."""
Answer = Callable[[str, Event | FencedOutError], None]
"""Takes the order's id and what happened to it; called from the pool's threads."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A child that may be live, and whose it is."""

    order_id: str
    symbol: str
    child: Child


class BrokerCalls:
    """One leg's calls. `answer` may be called from several threads; `hold` is asked before anything leaves for the broker."""

    def __init__(
        self,
        *,
        broker: Broker,
        journal: Journal,
        budget: RequestBudget,
        quotes: Quotes,
        gate: Gate,
        clock: Clock,
        hold: Hold,
        pool: Executor,
        answer: Answer,
    ) -> None:
        self._broker = broker
        self._journal = journal
        self._budget = budget
        self._quotes = quotes
        self._gate = gate
        self._clock = clock
        self._hold = hold
        self._pool = pool
        self._answer = answer
        self._under_way: set[Future[None]] = set()
        self._asked: set[str] = set()
        self._is_sweeping = False
        self._log = logs.get("execution.desk")

    def send(self, order: SmartOrder, command: Place | Cancel | Query) -> None:
        """Carry it out in the pool. A question that is under way already is not asked twice."""
        match command:
            case Place():
                self._submit(self._place, order, command)
            case Cancel():
                self._submit(self._cancel, order, command)
            case Query(client_order_id=name):
                if name not in self._asked:
                    self._asked.add(name)
                    self._submit(self._query, order, command)

    @property
    def is_sweeping(self) -> bool:
        """Whether a question about many orders is under way."""
        return self._is_sweeping

    def sweep(self, watched: Sequence[Watched]) -> None:
        """One question about all of these: what the broker has of them, and that there was no answer about the others."""
        self._is_sweeping = True
        self._submit(self._sweep, tuple(watched))

    def settle(self, client_order_id: str, outcome: str, broker_order_id: str | None) -> None:
        """Write down how a child ended; late is fine, since reconciliation finds what is missing."""
        self._submit(self._settle, client_order_id, outcome, broker_order_id)

    def finish(self, within_seconds: float) -> bool:
        """Wait for what is under way. False when something still is."""
        return not wait(tuple(self._under_way), within_seconds).not_done

    def _submit(self, call: Callable[..., None], *args: object) -> None:
        future = self._pool.submit(self._guarded, call, *args)
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)

    def _guarded(self, call: Callable[..., None], *args: object) -> None:
        try:
            call(*args)
        except Exception:
            self._log.error("a broker call broke", call=call.__name__, exc_info=True)
            raise

    def _place(self, order: SmartOrder, command: Place) -> None:
        try:
            self._judged_and_sent(order, command)
        except Exception as error:
            # Without any answer the order would wait for one for ever; it may have been sent or not.
            name = command.request.client_order_id
            self._answer(order.order_id, PlaceUnknown(name, f"{type(error).__name__}: {error}"))
            raise

    def _judged_and_sent(self, order: SmartOrder, command: Place) -> None:
        name, now = command.request.client_order_id, self._clock.now()
        if not self._hold.is_sure():
            self._answer(order.order_id, Blocked(name, "lease", "it could not be renewed", may_pass=True))
            return
        command = self._priced(order, command)
        objection = self._gate.objection(order, command, now)
        if objection is not None:
            self._answer(order.order_id, answers.blocked(name, objection))
            return
        refusal = self._paid(name) or self._journalled(order, command, now)
        if isinstance(refusal, Blocked):
            self._gate.release(order, command)
        if refusal is not None:
            self._answer(order.order_id, refusal)
            return
        if not self._hold.is_sure():
            # This process stood still, or Redis went away: what another worker has concluded since is not known.
            self._answer(order.order_id, PlaceUnknown(name, "the lease ended between the journal and the wire"))
            return
        outcome = self._sent(command)
        self._answer(order.order_id, answers.placed(name, outcome))
        self._settle(name, *answers.settlement(outcome, is_resend=command.is_resend))

    def _priced(self, order: SmartOrder, command: Place) -> Place:
        """A repetition is judged by today's quote."""
        if command.quote is not None:
            return command
        try:
            quote = self._quotes.latest([order.symbol]).get(order.symbol)
        except BusUnavailableError:
            quote = None  # the gate objects to that, and it is asked about and tried again
        return Place(command.request, command.rung, command.attempt, quote, command.is_resend)

    def _paid(self, name: str) -> Blocked | None:
        """None when the account may make one more request now; it is spent."""
        try:
            wait = self._budget.spend("order")
        except BusUnavailableError as error:
            return Blocked(name, "request budget", f"cannot be asked: {error}", may_pass=True)
        if wait <= 0:
            return None
        return Blocked(name, "request budget", f"spent for {wait:.1f} s", may_pass=True, retry_seconds=wait)

    def _journalled(self, order: SmartOrder, command: Place, now: dt.datetime) -> Event | FencedOutError | None:
        """None when it stands in the journal and may be sent."""
        request, name = command.request, command.request.client_order_id
        intent = Intent(
            client_order_id=name,
            plan_id=order.plan_id,
            order_id=order.order_id,
            symbol=order.symbol,
            side=order.side,
            qty=request.qty,
            limit_price=request.limit_price,
            rung=command.rung,
            attempt=command.attempt,
            fence=self._hold.fence,
            at=now,
        )
        try:
            is_new = self._journal.intend(intent)
        except FencedOutError as error:
            return error
        except BusUnavailableError as error:
            return Blocked(name, "journal", str(error), may_pass=True)
        if is_new or command.is_resend:
            return None
        return PlaceUnknown(name, "it stood in the journal already")

    def _sent(self, command: Place) -> PlaceOutcome:
        try:
            return self._broker.place(command.request)
        except Exception as error:  # noqa: BLE001 - whatever broke, the order may be live
            return Unknown(f"{type(error).__name__}: {error}")

    def _cancel(self, order: SmartOrder, command: Cancel) -> None:
        name = command.client_order_id
        if not self._hold.is_sure():  # asked about and repeated, by whoever holds the lease then
            self._answer(order.order_id, CancelUnknown(name, "the lease could not be renewed"))
            return
        try:
            outcome = self._broker.cancel(command.broker_order_id)
        except Exception as error:  # noqa: BLE001 - whatever broke, the cancel may be on its way
            outcome = Unknown(f"{type(error).__name__}: {error}")
        self._answer(order.order_id, answers.cancelled(name, outcome))

    def _query(self, order: SmartOrder, command: Query) -> None:
        name = command.client_order_id
        try:
            found = self._asked_for(command)
            event: Event = Found(found) if found is not None else NotFound(name)
        except Exception as error:  # noqa: BLE001 - no answer, whatever the reason
            is_outage = isinstance(error, BrokerUnavailableError)
            event = QueryFailed(name, str(error) if is_outage else f"{type(error).__name__}: {error}")
        self._asked.discard(name)
        self._answer(order.order_id, event)
        if isinstance(event, Found) and not event.order.status.is_terminal:
            self._settle(name, "acknowledged", event.order.id)

    def _asked_for(self, command: Query) -> BrokerOrder | None:
        """What carries a child on is told under the child's name."""
        if command.broker_order_id is None:
            return self._broker.order_by_client_id(command.client_order_id)
        found = self._broker.order(command.broker_order_id)
        return None if found is None else replace(found, client_order_id=command.client_order_id)

    def _sweep(self, watched: tuple[Watched, ...]) -> None:
        since = min(one.child.sent_at for one in watched) - _CLOCKS_APART
        symbols = sorted({one.symbol for one in watched})
        try:
            listed = {order.client_order_id: order for order in self._broker.orders_since(since, symbols)}
            events = [self._found(one.child, listed) for one in watched]
        except Exception as error:  # noqa: BLE001 - no answer, whatever the reason
            events = [QueryFailed(one.child.client_order_id, str(error)) for one in watched]
        finally:
            self._is_sweeping = False
        for one, event in zip(watched, events, strict=True):
            self._answer(one.order_id, event)
            if isinstance(event, Found) and not (event.order.status.is_terminal or one.child.broker_order_id):
                self._settle(one.child.client_order_id, "acknowledged", event.order.id)

    def _found(self, child: Child, listed: Mapping[str, BrokerOrder]) -> Found | QueryFailed:
        """A list lags: what is missing proves nothing, and what was known before is asked for alone."""
        name = child.client_order_id
        order = listed.get(name) or (self._broker.order_by_client_id(name) if child.broker_order_id else None)
        return Found(order) if order is not None else QueryFailed(name, "not in the list of orders")

    def _settle(self, name: str, outcome: str, broker_order_id: str | None) -> None:
        try:
            self._journal.settle(name, outcome, broker_order_id)
        except BusUnavailableError as error:
            self._log.warning(
                "an outcome was not written down", client_order_id=name, outcome=outcome, error=str(error)
            )
