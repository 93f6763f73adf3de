"""What execution does about each message: mostly it writes down what is wanted, and the planner and the desks do it.

TargetPortfolioSet, RebalanceRequested ──► a waiting target ──► planner
HaltRequested, ResumeRequested ──► how trading stands ──► planner, every desk, the gate before every order
CancelOrdersRequested ──► the newest request ──► every desk
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from services.execution.domain import records, stops
from services.execution.domain.alerts import alert
from services.execution.domain.losses import Acknowledged
from services.execution.domain.records import CancelRecord, TradingRecord, WaitingTarget
from services.execution.ports import BrokerUnavailableError, StopsOrders
from shared.bus import NOTHING, Bus, Outcome, Publication, Put
from shared.clock import Clock
from shared.contracts import Message, faults_in, streams
from shared.contracts.alerts import Severity
from shared.contracts.base import Side
from shared.contracts.control import (
    CancelOrdersRequested,
    HaltCause,
    HaltRequested,
    RebalanceRequested,
    ResumeRequested,
)
from shared.contracts.execution import TradingHalted, TradingResumed
from shared.contracts.strategy import TargetPortfolioSet
from shared.runner import Handler

GROUP: Final = "execution"
STREAMS: Final = (streams.CONTROL, streams.TARGETS)
_ALL: Final[frozenset[Side]] = frozenset({"buy", "sell"})


@dataclass(frozen=True, slots=True)
class Handlers:
    """`oldest_target` is how late a target may arrive and still be traded without a person asking for it."""

    bus: Bus
    clock: Clock
    orders: StopsOrders
    oldest_target: dt.timedelta = dt.timedelta(hours=1)

    def table(self) -> dict[type[Message], Handler]:
        return {
            TargetPortfolioSet: self.target,
            RebalanceRequested: self.rebalance,
            HaltRequested: self.halt,
            ResumeRequested: self.resume,
            CancelOrdersRequested: self.cancel,
        }

    def target(self, message: TargetPortfolioSet) -> Outcome:
        age = self.clock.now() - message.at
        if age > self.oldest_target:
            detail = f"decided at {message.at.isoformat()}, {age.total_seconds():.0f} s ago"
            do = "If it should still be traded: `alchemiser rebalance`."
            return self._alert(message, "warning", "A target came too late and was not traded", detail, do)
        return _waiting(message, message, message.at)

    def rebalance(self, message: RebalanceRequested) -> Outcome:
        raw = self.bus.get(streams.LATEST_TARGETS, "latest")
        do = "Run the strategy first: `alchemiser rebalance` trades what it decided last."
        if raw is None:
            return self._alert(
                message, "warning", "There is no target to rebalance into", "nothing was decided yet", do
            )
        try:
            newest = TargetPortfolioSet.of(raw)
        except ValidationError as error:
            return self._alert(message, "critical", "The newest target cannot be read", faults_in(error), do)
        return _waiting(message, newest, message.at)

    def halt(self, message: HaltRequested) -> Outcome:
        """First no new order anywhere, then no open one: the state is written before the orders are stopped."""
        if not self._is_called_for(message):
            return NOTHING
        state = TradingRecord(
            state=message.state, reason=message.reason, since=self.clock.now(), cause=message.cause, by=message.id
        )
        self.bus.commit(_trading(state), once=f"{message.id}:state")
        sides: frozenset[Side] = frozenset({"buy"}) if message.state == "REDUCING" else _ALL
        try:
            stopped = self.orders.stop(frozenset(), sides)
        except BrokerUnavailableError as error:
            self._say_not_proven(message, str(error))
            raise
        fact = TradingHalted(
            **self._caused_by(message, "halted"),
            state=message.state,
            reason=message.reason,
            cancelled=stopped.ended,
            cause=message.cause,
        )
        outcome = Outcome((Publication(streams.EXECUTION, fact),))
        if stopped.still_open:
            outcome += self._still_open(message, stopped.still_open)
        return outcome

    def resume(self, message: ResumeRequested) -> Outcome:
        """A person has seen the loss that stopped trading: from here on it is counted anew."""
        now, cause = self.clock.now(), self._cause_now()
        state = TradingRecord(state="ACTIVE", reason=message.reason, since=now, by=message.id)
        note = stops.counted_anew_by(cause)
        fact = TradingResumed(**self._caused_by(message, "resumed"), reason=message.reason, note=note)
        seen = Acknowledged(at=now, cause=cause) if cause in {"drawdown", "daily loss"} else None
        put = () if seen is None else (Put(records.TRADING, records.ACKNOWLEDGED, seen.model_dump_json()),)
        return _trading(state) + Outcome((Publication(streams.EXECUTION, fact),), put)

    def _is_called_for(self, message: HaltRequested) -> bool:
        """A person may set any state. A breach only tightens what it saw; delivered again, it goes on proving its cancels."""
        if message.cause == "person":
            return True
        trading = self._trading_now()
        return trading.by == message.id or self._tightens(message, trading)

    @staticmethod
    def _tightens(message: HaltRequested, trading: TradingRecord) -> bool:
        return trading.since == message.seen_since and stops.is_stricter(message.state, trading.state)

    def _cause_now(self) -> HaltCause:
        """A record that cannot be read keeps everything shut until a person resumes: that must not fail on it too."""
        try:
            return self._trading_now().cause
        except ValidationError:
            return "person"

    def _trading_now(self) -> TradingRecord:
        raw = self.bus.get(records.TRADING, records.NOW)
        return TradingRecord() if raw is None else TradingRecord.model_validate_json(raw)

    def cancel(self, message: CancelOrdersRequested) -> Outcome:
        request = CancelRecord(id=message.id, symbols=message.symbols, at=self.clock.now())
        put = Put(records.TRADING, records.CANCEL, request.model_dump_json())
        self.bus.commit(Outcome(changes=(put,)), once=f"{message.id}:request")
        stopped = self.orders.stop(frozenset(message.symbols), _ALL)
        return self._still_open(message, stopped.still_open) if stopped.still_open else NOTHING

    def _still_open(self, message: Message, orders: tuple[str, ...]) -> Outcome:
        do = "Cancel them on the broker's page; nothing new is placed meanwhile by a halt."
        return self._alert(message, "critical", "Orders are still open after a cancel", ", ".join(orders), do)

    def _say_not_proven(self, message: Message, error: str) -> None:
        title, do = "Halted, but open orders could not be looked at", "Look at the broker's page; it is tried again."
        outcome = self._alert(message, "critical", title, error, do)
        self.bus.commit(outcome, once=f"{message.id}:not-proven")

    def _alert(self, cause: Message, severity: Severity, title: str, detail: str, do: str) -> Outcome:
        name, now = f"{cause.id}#alert", self.clock.now()
        told = alert(name, now, severity, title, detail, do=do, of=cause.correlation_id)
        return Outcome((Publication(streams.alerts_of("execution"), told),))

    def _caused_by(self, cause: Message, what: str) -> dict[str, Any]:
        return {"id": f"{cause.id}#{what}", "correlation_id": cause.correlation_id, "at": self.clock.now()}


def _waiting(cause: Message, target: TargetPortfolioSet, asked_at: dt.datetime) -> Outcome:
    waiting = WaitingTarget(trigger=cause.id, correlation_id=cause.correlation_id, asked_at=asked_at, target=target)
    return Outcome(changes=(Put(records.WAITING, cause.id, waiting.model_dump_json()),))


def _trading(state: TradingRecord) -> Outcome:
    return Outcome(changes=(Put(records.TRADING, records.NOW, state.model_dump_json()),))
