"""A backtest's figures by name: what the JSON says, and what the tables and the tear sheet are made of."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

import numpy as np

from backtest import statistics
from backtest.bias import BiasCheck
from backtest.contributions import Contributions, contributions
from backtest.conventions import Fill, Shares
from backtest.engine import Outcome
from backtest.history import HistoryError
from backtest.prices import carried
from backtest.speakable import speakable
from backtest.walk_forward import WalkForward, Windows, as_json, walk_forward
from services.strategy.domain.indicators import FloatArray

DEFAULT_BENCHMARK: Final = "SPY"


@dataclass(frozen=True, eq=False)
class Benchmark:
    """Bought on the period's first evening and held; `curve` begins at 1."""

    symbol: str
    curve: FloatArray
    returns: FloatArray


@dataclass(frozen=True, eq=False)
class Result:
    outcome: Outcome
    benchmarks: tuple[Benchmark, ...]
    bias: BiasCheck | None = None
    windows: Windows | None = None
    """Both where they were asked for."""

    @cached_property
    def curve(self) -> FloatArray:
        """The equity, but begun at the cash put in: the first evening's costs count too."""
        curve = self.outcome.equity.copy()
        curve[0] = self.outcome.conventions.cash
        return curve

    @cached_property
    def returns(self) -> FloatArray:
        return statistics.daily_returns(self.curve)

    @cached_property
    def monthly(self) -> dict[int, dict[int, float]]:
        return statistics.monthly_returns(self.outcome.sessions, self.curve)

    @cached_property
    def walked(self) -> WalkForward | None:
        """Raises WindowsError where the sessions are too few."""
        curve = dict(zip(map(str, self.outcome.sessions), self.curve.tolist(), strict=True))
        return None if self.windows is None else walk_forward([curve], self.windows)

    @cached_property
    def contributions(self) -> Contributions:
        return contributions(self.outcome)

    @cached_property
    def figures(self) -> dict[str, float]:
        """Every number that describes the whole, `final_equity` first."""
        book, sessions = self.outcome.book, len(self.outcome.sessions)
        spread, fees = float(book.spread.sum()), float(book.fees.sum())
        return {
            "final_equity": float(self.outcome.equity[-1]),
            **statistics.of_returns(self.returns),
            "longest_drawdown_sessions": statistics.longest_drawdown(self.curve),
            "turnover": self._turnover(),
            "costs": spread + fees,
            "spread_costs": spread,
            "fees": fees,
            "exposure": float(np.mean(1.0 - self.outcome.cash / self.outcome.equity)),
            "trades": int(np.count_nonzero(book.traded)),
            "sessions": sessions,
            "years": max(sessions - 1, 0) / statistics.SESSIONS_A_YEAR,
            "starting_cash": self.outcome.conventions.cash,
        }

    def _turnover(self) -> float:
        """Half of what was bought and sold, as a part of the equity of that evening, a year."""
        book, years = self.outcome.book, max(len(self.outcome.sessions) - 1, 0) / statistics.SESSIONS_A_YEAR
        worth = self.outcome.equity[book.rows - self.outcome.targets.first]
        return float(np.sum(book.notional() / worth) / 2 / years) if years else math.nan

    def as_json(self) -> dict[str, Any]:
        """NaN and infinities, which JSON cannot say, are null."""
        conventions, sessions = self.outcome.conventions, self.outcome.sessions
        said = {
            **self.figures,
            "first_session": sessions[0],
            "last_session": sessions[-1],
            "strategies": {d.allotment.name: float(d.allotment.share) for d in self.outcome.targets.decided},
            "conventions": {
                "fill": conventions.fill.value,
                "costs": conventions.costs.value,
                "shares": conventions.shares.value,
                "cash": conventions.cash,
            },
            "benchmarks": {b.symbol: against(self.returns, b) for b in self.benchmarks},
            "contributions": asdict(self.contributions),
            "monthly": self.monthly,
            "yearly": statistics.yearly_returns(self.monthly),
            "undecided": self.undecided(),
            **({"bias_check": {**asdict(self.bias), "passed": self.bias.passed}} if self.bias else {}),
            **({"walk_forward": as_json(self.walked)} if self.walked else {}),
            "notes": list(self.notes()),
            "equity": dict(zip(sessions, self.outcome.equity.tolist(), strict=True)),
        }
        as_said: dict[str, Any] = speakable(said)
        return as_said

    def undecided(self) -> dict[str, dict[str, Any]]:
        """Per strategy: on how many evenings it could not decide and kept what it held, and why at first."""
        first, sessions = self.outcome.targets.first, self.outcome.targets.closes.sessions
        found = {}
        for decided in self.outcome.targets.decided:
            rows = first + np.flatnonzero(~decided.standing.fresh[first:])
            if rows.size:
                row = int(rows[0])
                # It decided, but by its rule it keeps what it holds, and that has no price.
                reason = decided.reasons.get(row, "what it holds cannot be valued")
                found[decided.allotment.name] = {"evenings": int(rows.size), "first": sessions[row], "reason": reason}
        return found

    def notes(self) -> Sequence[str]:
        """What a reader of the figures must know."""
        outcome = self.outcome
        return [
            *self._about_data(),
            *self._about_bias(),
            *self._about_evenings(),
            *self._about_delistings(),
            *_ABOUT[outcome.conventions.fill],
            *_ABOUT[outcome.conventions.shares],
        ]

    def _about_data(self) -> Iterator[str]:
        """Of stand-ins only those for symbols that were held."""
        held = {s for s, worth in zip(self.outcome.symbols, self.outcome.positions.T, strict=True) if worth.any()}
        for text in self.outcome.history.notes:
            symbol, colon, _ = text.partition(": ")
            if not (colon and symbol in self.outcome.history.closes.columns) or symbol in held:
                yield text

    def _about_bias(self) -> Iterator[str]:
        if self.bias is not None:
            changes = ", ".join(f"{count} of {name}" for name, count in self.bias.shift_changes.items())
            yield (
                f"bias check: {len(self.bias.differences)} of {self.bias.evenings} evenings differ with history cut; "
                f"closes a day late change {changes} evenings"
            )
            yield from (f"bias check: {text}" for text in self.bias.told())

    def _about_evenings(self) -> Iterator[str]:
        for name, why in self.undecided().items():
            yield f"{name} kept what it held on {why['evenings']} evenings (first {why['first']}: {why['reason']})"

    def _about_delistings(self) -> Iterator[str]:
        book, sessions = self.outcome.book, self.outcome.targets.closes.sessions
        for event in np.flatnonzero(book.forced).tolist():
            symbols = [s for s, qty in zip(self.outcome.symbols, book.traded[event], strict=True) if qty]
            yield f"{', '.join(symbols)}: no closes from {sessions[book.rows[event]]} on: paid out at the last one"


_ABOUT: Final[Mapping[StrEnum, tuple[str, ...]]] = {
    Fill.CLOSE: ("decided on the very close it is traded at; live decides minutes before (alchemiser parity)",),
    Fill.NEXT_OPEN: (),
    Shares.FRACTIONAL: (),
    Shares.WHOLE: ("whole shares are counted on the prices given; adjusted prices are not what a share cost then",),
}


def evaluate(
    outcome: Outcome, benchmarks: Sequence[str] = (), bias: BiasCheck | None = None, windows: Windows | None = None
) -> Result:
    """Against the benchmarks asked for, and SPY where there are closes of it. Raises HistoryError for one without."""
    default = [DEFAULT_BENCHMARK] if _is_known_at_first(DEFAULT_BENCHMARK, outcome) else []
    wanted = dict.fromkeys([*default, *benchmarks])
    return Result(outcome, tuple(_benchmark(symbol, outcome) for symbol in wanted), bias, windows)


def against(returns: FloatArray, benchmark: Benchmark) -> dict[str, float]:
    """The benchmark's own figures, and ours beside it."""
    return {
        **statistics.of_returns(benchmark.returns),
        "beta": statistics.beta(returns, benchmark.returns),
        "alpha": statistics.alpha(returns, benchmark.returns),
        "correlation": statistics.correlation(returns, benchmark.returns),
        "excess_cagr": statistics.cagr(returns) - statistics.cagr(benchmark.returns),
    }


def _is_known_at_first(symbol: str, outcome: Outcome) -> bool:
    column = outcome.targets.closes.columns.get(symbol)
    return column is not None and not bool(np.isnan(column[: outcome.targets.first + 1]).all())


def _benchmark(symbol: str, outcome: Outcome) -> Benchmark:
    closes = outcome.targets.closes
    if not closes.has_any(symbol):
        raise HistoryError(f"benchmark {symbol}: expected closes of it, the data has none")
    curve = carried(closes.column(symbol)[:, None])[outcome.targets.first :, 0]
    if np.isnan(curve[0]):
        day = outcome.sessions[0]
        raise HistoryError(f"benchmark {symbol}: expected a close on or before {day}, it has none that early")
    return Benchmark(symbol, curve / curve[0], statistics.daily_returns(curve))
