"""The account's equity and its marks, kept so that a restart forgets no loss."""

from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal
from typing import Final

from services.execution.adapters.desk_book import Book
from services.execution.domain import losses
from services.execution.domain.broker import Account
from services.execution.domain.limits import Bounds
from services.execution.domain.losses import EquityRecord, Flow
from services.execution.ports import Broker
from shared.clock import Clock

_ASK_EVERY: Final = dt.timedelta(minutes=5)
_JUMP: Final = Decimal("0.02")


class EquityBook:
    """Payments are asked for now and then, and whenever the equity jumps or a limit would be broken: a payment may explain it."""

    def __init__(self, book: Book, broker: Broker, clock: Clock, bounds: Bounds) -> None:
        self._book = book
        self._broker = broker
        self._clock = clock
        self._bounds = bounds
        self._lock = threading.Lock()

    def read(self, account: Account) -> EquityRecord:
        """What the broker has just told, written down. Raises BrokerUnavailableError, BusUnavailableError, ValueError."""
        with self._lock:
            record = self._reading(account, self._clock.now())
            self._book.write_equity(record)
            return record

    def _reading(self, account: Account, now: dt.datetime) -> EquityRecord:
        last = self._book.controls().worth
        if last is None:
            return losses.first_reading(account, self._flows(losses.last_close(now)), now)
        reading = losses.next_reading(last, account, None, now)
        if losses.is_another_day(last, now) or self._needs_explanation(last, reading):
            return losses.next_reading(last, account, self._flows(losses.flows_from(last, now)), now)
        return reading

    def _needs_explanation(self, last: EquityRecord, reading: EquityRecord) -> bool:
        bounds = ((reading.daily_loss, self._bounds.max_daily_loss), (reading.drawdown, self._bounds.max_drawdown))
        breaks = any(most is not None and not lost <= most for lost, most in bounds if not lost.is_nan())
        jumped = last.equity <= 0 or abs(reading.equity / last.equity - 1) > _JUMP
        return breaks or jumped or reading.at - last.flows_until >= _ASK_EVERY

    def _flows(self, since: dt.datetime) -> tuple[Flow, ...]:
        return losses.flows_in(self._broker.activities_since(since))
