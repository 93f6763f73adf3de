"""What deciding early costs: the decision on the previous close and at decision time, beside that on the official close.

A flip costs what the official close's weights earned to the next close, less what the other's did; negative is a gain.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from backtest.decisions import Targets, Tell, decide, silent
from backtest.engine import rows_of
from backtest.history import History
from backtest.minutes import MinuteBars, adjusted_price
from backtest.standing import price_table
from services.strategy.domain.closes import Closes
from services.strategy.domain.exact import exact_weights
from services.strategy.domain.indicators import FloatArray
from services.strategy.domain.portfolio import Allotment, StrategyManager, Verdict
from services.strategy.domain.rebalance import Held
from services.strategy.domain.schedule import decision_time
from shared.sessions import Session, session_on

_SAME: Final = 1e-6
_BPS: Final = 10_000.0
Weights = dict[str, float]


@dataclass(frozen=True, slots=True)
class Other:
    """A decision beside the official one. `cost_bps` None on the last session: what it cost is not known yet."""

    weights: Weights
    flipped: bool
    cost_bps: float | None


@dataclass(frozen=True, slots=True)
class ParityDay:
    """`at_time` None without minute bars of that session; `unknown` says which strategies could not decide then, and why."""

    session: dt.date
    official: Weights
    previous: Other
    at_time: Other | None
    unknown: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Parity:
    days: tuple[ParityDay, ...]

    def summary(self) -> dict[str, Any]:
        return {"sessions": len(self.days), **self._of("previous"), **self._of("at_time")}

    def _of(self, which: str) -> dict[str, Any]:
        found: list[Other] = [other for day in self.days if (other := getattr(day, which)) is not None]
        flips = [other for other in found if other.flipped]
        costs = [other.cost_bps for other in flips if other.cost_bps is not None]
        return {
            f"{which}_sessions": len(found),
            f"{which}_flips": len(flips),
            f"{which}_cost_bps": round(sum(costs), 4),
            f"{which}_undecided": sum(1 for day in self.days if day.unknown) if which == "at_time" else 0,
        }

    def as_json(self) -> dict[str, Any]:
        return {**self.summary(), "days": [{**asdict(day), "session": day.session.isoformat()} for day in self.days]}


def compare(
    allotments: Sequence[Allotment],
    history: History,
    minutes: Mapping[str, MinuteBars],
    period: tuple[dt.date | None, dt.date | None],
    before_close: dt.timedelta,
    *,
    tell: Tell = silent,
) -> Parity:
    """`minutes` may be empty: then only the previous close is compared. Raises PeriodError."""
    first, last = rows_of(history.closes.sessions, period)
    begin = max(first - 1, 0)  # the evening before, so that the first session has a previous decision
    targets = decide(allotments, history.closes, begin, last)
    next_returns = _next_returns(targets.symbols, history.closes, last)
    early = _Early(allotments, history.closes, minutes, before_close)
    days = []
    for row in range(first, last + 1):
        tell("sessions", row - first, last - first + 1)
        official = targets.weights[row]
        previous = targets.weights[max(row - 1, begin)]
        verdicts = early.decide(row, _standing(targets, max(row - 1, begin)))
        at_time = None if verdicts is None else _consolidated(verdicts, targets.symbols)
        days.append(
            ParityDay(
                session=history.closes.sessions[row],
                official=_named(official, targets.symbols),
                previous=_beside(previous, official, targets.symbols, next_returns[row]),
                at_time=None if at_time is None else _beside(at_time, official, targets.symbols, next_returns[row]),
                unknown={v.strategy: v.reason for v in verdicts or () if v.status != "fresh"},
            )
        )
    return Parity(tuple(days))


class _Early:
    """The live decision on the history as it stood shortly before the close."""

    def __init__(
        self,
        allotments: Sequence[Allotment],
        closes: Closes,
        minutes: Mapping[str, MinuteBars],
        before_close: dt.timedelta,
    ) -> None:
        self._manager = StrategyManager()
        for allotment in allotments:
            self._manager.add_strategy(allotment.engine, allotment.share)
        self._closes = closes.restricted_to(self._manager.symbols)
        self._minutes = {s: bars for s, bars in minutes.items() if s in self._closes.columns}
        self._before_close = before_close

    def decide(self, row: int, held: Mapping[str, Held]) -> tuple[Verdict, ...] | None:
        """None where no symbol has a minute bar; a symbol without one has no price, and no close in its place."""
        session = session_on(self._closes.sessions[row])
        if session is None:
            return None
        prices = self._prices(row, session)
        if not prices:
            return None
        cut = self._closes.until(row)
        columns = {s: np.append(column[:-1], prices.get(s, np.nan)) for s, column in cut.columns.items()}
        return self._manager.decide(Closes(cut.sessions, columns, cut.stand_ins, cut.refused), held)

    def _prices(self, row: int, session: Session) -> dict[str, float]:
        at = decision_time(session, self._before_close)
        found = {
            symbol: adjusted_price(bars, session, at, float(self._closes.column(symbol)[row]))
            for symbol, bars in self._minutes.items()
        }
        return {symbol: price for symbol, price in found.items() if price is not None and price > 0}


def _standing(targets: Targets, row: int) -> dict[str, Held]:
    """What each strategy held on that evening: it stands where it cannot decide early."""
    day = targets.closes.sessions[row]
    return {d.allotment.name: Held(_exact(d.standing.weights[row], d.standing.symbols), day) for d in targets.decided}


def _exact(weights: FloatArray, symbols: Sequence[str]) -> dict[str, Any]:
    named = _named(weights, symbols)
    return exact_weights(named, max(0.0, 1.0 - sum(named.values())))


def _consolidated(verdicts: Sequence[Verdict], symbols: Sequence[str]) -> FloatArray:
    place = {symbol: column for column, symbol in enumerate(symbols)}
    weights = np.zeros(len(symbols))
    for verdict in verdicts:
        for symbol, weight in verdict.weights.items():
            weights[place[symbol]] += float(verdict.share * weight)
    return weights


def _next_returns(symbols: tuple[str, ...], closes: Closes, last: int) -> FloatArray:
    """Each row's return to the next row's close; NaN on the table's last row."""
    prices = price_table(symbols, closes)
    returns = np.full(prices.shape, np.nan)
    returns[:-1] = prices[1:] / prices[:-1] - 1.0
    return returns[: last + 1]


def _beside(weights: FloatArray, official: FloatArray, symbols: Sequence[str], returns: FloatArray) -> Other:
    difference = official - weights
    moved = np.abs(difference) > _SAME
    cost = float(np.sum(np.where(moved, difference * returns, 0.0))) * _BPS
    return Other(_named(weights, symbols), bool(moved.any()), None if np.isnan(cost) else round(cost, 4))


def _named(weights: FloatArray, symbols: Sequence[str]) -> Weights:
    return {symbol: round(weight, 9) for symbol, weight in zip(symbols, weights.tolist(), strict=True) if weight > 0}
