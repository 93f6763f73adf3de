"""What marketdata tells: quotes, closed bars and the state of its feed."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from shared.contracts.base import Message, Price, Symbol, Value

Feed = Literal["iex", "sip", "delayed_sip", "simulated"]
FeedState = Literal["up", "mute", "degraded", "recovered", "down"]
"""up: the stream delivers; mute: open but silent; degraded: REST polling stands in; recovered: the stream is back; down: neither."""


class Quote(Value):
    """Best bid and ask with sizes in shares; a missing side is None, never 0."""

    symbol: Symbol
    at: AwareDatetime
    bid: Price | None
    bid_size: Annotated[int, Field(ge=0)]
    ask: Price | None
    ask_size: Annotated[int, Field(ge=0)]
    source: Literal["stream", "rest"] = "stream"

    @property
    def is_two_sided(self) -> bool:
        """Both sides are there and not crossed: only then mid and spread mean something."""
        return self.bid is not None and self.ask is not None and self.bid <= self.ask

    @property
    def mid(self) -> Decimal:
        """Raises ValueError where a side is missing or the quote is crossed."""
        bid, ask = self._sides()
        return (bid + ask) / 2

    @property
    def spread(self) -> Decimal:
        bid, ask = self._sides()
        return ask - bid

    @property
    def spread_bps(self) -> Decimal:
        return self.spread / self.mid * 10_000

    def _sides(self) -> tuple[Decimal, Decimal]:
        if self.bid is None or self.ask is None or self.bid > self.ask:
            raise ValueError(f"{self.symbol}: no two-sided quote (bid {self.bid}, ask {self.ask})")
        return self.bid, self.ask

    def age(self, now: dt.datetime) -> dt.timedelta:
        return now - self.at


class QuotesObserved(Message):
    kind: Literal["marketdata.quotes_observed.v1"] = "marketdata.quotes_observed.v1"
    quotes: Annotated[tuple[Quote, ...], Field(min_length=1)]


class Bar(Value):
    """One closed bar that began at `at`; volume in shares."""

    symbol: Symbol
    at: AwareDatetime
    timeframe: Literal["1Min", "1Day"]
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _low_to_high(self) -> Self:
        if not self.low <= min(self.open, self.close) <= max(self.open, self.close) <= self.high:
            raise ValueError(
                f"{self.symbol}: expected low <= open, close <= high, got {self.low} {self.open} {self.close} {self.high}"
            )
        return self


class BarsClosed(Message):
    kind: Literal["marketdata.bars_closed.v1"] = "marketdata.bars_closed.v1"
    bars: Annotated[tuple[Bar, ...], Field(min_length=1)]


class FeedStateChanged(Message):
    kind: Literal["marketdata.feed_state_changed.v1"] = "marketdata.feed_state_changed.v1"
    state: FeedState
    feed: Feed
    detail: str


GateName = Literal[
    "wrong time zone",
    "stray row",
    "missing session",
    "stale price",
    "partial bar",
    "unapplied split",
    "unexplained jump",
    "outlier",
    "sources disagree",
    "adjustments differ",
]
Verdict = Literal["refused", "repaired", "confirmed", "accepted", "noted"]
"""refused: the closes it spoils are unknown; repaired: the second source's stand there; confirmed: the second source has the
same; accepted: a person said that it is true; noted: odd, and used all the same."""


class DataFinding(Value):
    """What a gate (shared/quality/gates.py) saw in one symbol's daily history, and what came of it."""

    symbol: Symbol
    gate: GateName
    dates: Annotated[tuple[dt.date, ...], Field(min_length=1)]
    """The sessions concerned, oldest first."""
    spoils: Literal["close", "before", "all", "nothing"]
    """The closes of those dates; all before the first of them, which stand on another scale; all there are; or none."""
    verdict: Verdict
    seen: str
    expected: str
    repaired_from: str = ""
    reach: Annotated[int, Field(gt=0)] | None = None
    """A refused close is unknown while it is among so many newest sessions; None: always."""

    def __str__(self) -> str:
        days = ", ".join(str(day) for day in self.dates[-3:])
        more = f" and {len(self.dates) - 3} earlier" if len(self.dates) > 3 else ""  # noqa: PLR2004 - the newest tell enough
        done = f"repaired from {self.repaired_from}" if self.repaired_from else self.verdict
        return f"{self.gate} {days}{more}: {self.seen}, expected {self.expected} ({done})"


class DailyHistory(Value):
    """Daily closes of one symbol as cached for the strategy: parallel columns, oldest first, sessions by New York date.

    The last date may be today's only when that session has closed: an unfinished day is not history.
    """

    symbol: Symbol
    source: Literal["alpaca", "twelvedata"]
    adjustment: Literal["raw", "split", "dividend", "all"]
    fetched_at: AwareDatetime
    dates: tuple[dt.date, ...]
    open: tuple[float, ...]
    high: tuple[float, ...]
    low: tuple[float, ...]
    close: tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...]
    volume: tuple[float, ...]
    findings: tuple[DataFinding, ...] = ()
    """What the gates saw. A refused close still stands in the columns: `shared.quality.unknown_closes` says which are none."""

    @model_validator(mode="after")
    def _columns_agree(self) -> Self:
        lengths = {len(c) for c in (self.dates, self.open, self.high, self.low, self.close, self.volume)}
        if len(lengths) != 1:
            raise ValueError(f"{self.symbol}: columns of one length expected, got {sorted(lengths)}")
        if any(a >= b for a, b in zip(self.dates, self.dates[1:], strict=False)):
            raise ValueError(f"{self.symbol}: dates must rise")
        return self
