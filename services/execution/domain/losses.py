"""How much of the account's equity was lost: since the session before, and since its highest mark. Payments are no profit.

A deposit or a withdrawal moves the marks in proportion, so that the share that is lost stays what it was.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from pydantic import AwareDatetime

from services.execution.domain.broker import Account, Activity, Payment
from services.execution.domain.ledger_entries import category_of
from shared.contracts.base import Money, Value
from shared.sessions import new_york_date, previous_session

_TOLD_LATE: Final = dt.timedelta(days=3)
LossCause = Literal["daily loss", "drawdown"]


class EquityRecord(Value):
    """One reading of the account and the marks it is held against, both as if today's payments had always been there."""

    at: AwareDatetime
    equity: Money
    day_base: Money | None
    """What the account was worth when the session before ended; None where the broker does not tell."""
    high_water: Money
    high_at: AwareDatetime
    flows_until: AwareDatetime
    """When payments were asked for the last time."""
    flows_known: tuple[str, ...] = ()
    """The payments of the last days that are in the marks; one may be told long after it was booked."""

    @property
    def daily_loss(self) -> Decimal:
        """A share of the base; negative is a profit. NaN where the base is not known."""
        return _lost(self.equity, self.day_base)

    @property
    def drawdown(self) -> Decimal:
        return _lost(self.equity, self.high_water)


class Acknowledged(Value):
    """A person has seen a loss and let trading go on: from then on it is counted anew."""

    at: AwareDatetime
    cause: LossCause


@dataclass(frozen=True, slots=True)
class Flow:
    """Money that came (positive) or went, and when it was booked."""

    id: str
    amount: Decimal
    at: dt.datetime


def flows_in(activities: Iterable[Activity]) -> tuple[Flow, ...]:
    """Deposits and withdrawals; dividends, interest and fees are the account's own doing."""
    payments = (activity for activity in activities if isinstance(activity, Payment))
    return tuple(Flow(p.id, p.amount, p.at) for p in payments if p.amount and category_of(p.type) == "deposit")


def first_reading(account: Account, flows: Sequence[Flow], now: dt.datetime) -> EquityRecord:
    return EquityRecord(
        at=now,
        equity=account.equity,
        day_base=_base_of(account, flows, now),
        high_water=account.equity,
        high_at=now,
        flows_until=now,
        flows_known=tuple(flow.id for flow in flows),
    )


def next_reading(
    last: EquityRecord, account: Account, flows: tuple[Flow, ...] | None, now: dt.datetime
) -> EquityRecord:
    """`flows` are those since `flows_from`; None: not asked for now."""
    fresh = [flow for flow in flows or () if flow.id not in last.flows_known]
    came, before = _paid(fresh, last, account)
    high, high_at = last.high_water, last.high_at
    if before == last.equity or any(flow.at > high_at for flow in fresh):  # else the mark has it already
        high = _moved(high, came, before)
    if account.equity >= high:
        high, high_at = account.equity, now
    return EquityRecord(
        at=now,
        equity=account.equity,
        day_base=_base_of(account, flows or (), now) if is_another_day(last, now) else _same_base(last, came, before),
        high_water=_cents(high),
        high_at=high_at,
        flows_until=now if flows is not None else last.flows_until,
        flows_known=tuple(flow.id for flow in flows) if flows is not None else last.flows_known,
    )


def counted_anew(record: EquityRecord, seen: Acknowledged | None) -> EquityRecord:
    """The marks after a person has seen a loss: what is there is the new beginning."""
    if seen is None or seen.at < record.at:
        return record
    if seen.cause == "drawdown":
        return record.model_copy(update={"high_water": record.equity, "high_at": record.at})
    return record.model_copy(update={"day_base": record.equity})


def flows_from(last: EquityRecord, now: dt.datetime) -> dt.datetime:
    """How far back payments are asked for: over everything that is not in the marks, and what may be told late."""
    return min(last.flows_until - _TOLD_LATE, last_close(now))


def is_another_day(record: EquityRecord, now: dt.datetime) -> bool:
    return new_york_date(record.at) != new_york_date(now)


def last_close(now: dt.datetime) -> dt.datetime:
    """When the session before today's ended."""
    return previous_session(new_york_date(now)).close


def _paid(fresh: Sequence[Flow], last: EquityRecord, account: Account) -> tuple[Decimal, Decimal]:
    """What was paid, and what the account was worth before it. The equity itself shows whether the last reading had it already:
    two clocks and a date without a time would not."""
    came = sum((flow.amount for flow in fresh), Decimal(0))
    is_news = abs(account.equity - last.equity - came) <= abs(account.equity - last.equity)
    return came, last.equity if is_news else last.equity - came


def _same_base(last: EquityRecord, came: Decimal, before: Decimal) -> Decimal | None:
    return None if last.day_base is None else _cents(_moved(last.day_base, came, before))


def _base_of(account: Account, flows: Iterable[Flow], now: dt.datetime) -> Decimal | None:
    if account.last_equity is None:
        return None
    came = sum((flow.amount for flow in flows if flow.at > last_close(now)), Decimal(0))
    return account.last_equity + came


def _moved(mark: Decimal, came: Decimal, before: Decimal) -> Decimal:
    """In proportion to the account as it was before the payment."""
    if before <= 0 or before + came <= 0:
        return mark + came
    return mark * (before + came) / before


def _lost(equity: Decimal, mark: Decimal | None) -> Decimal:
    if mark is None or not (mark.is_finite() and mark > 0):
        return Decimal("NaN")
    return 1 - equity / mark


def _cents(dollars: Decimal) -> Decimal:
    return dollars.quantize(Decimal("0.01"))
