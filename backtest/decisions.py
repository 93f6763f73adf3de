"""The portfolio's target weights of every evening, by the live decision code; trees as columns, own engines day by day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from backtest.standing import Flags, Rows, Standing, Wish, price_table, stand
from services.strategy.domain.closes import Closes
from services.strategy.domain.columns import Columns
from services.strategy.domain.day import evaluate_day
from services.strategy.domain.engine import TreeStrategy
from services.strategy.domain.exact import exact_weights
from services.strategy.domain.indicators import FloatArray
from services.strategy.domain.portfolio import Allotment
from services.strategy.domain.undefined import UndefinedDecision

Tell = Callable[[str, int, int], None]
"""(what, done, of all): how far a long run is."""


def silent(what: str, done: int, total: int) -> None:
    """Nobody listens."""


@dataclass(frozen=True, eq=False, slots=True)
class Decided:
    """One strategy's evenings. `reasons`: row -> why it could not decide, for as many rows as were asked."""

    allotment: Allotment
    wish: Wish
    standing: Standing
    reasons: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, slots=True)
class Targets:
    """`weights` of shape (days, symbols) sum to at most 1, the rest is cash; `rows` are the evenings to trade on."""

    closes: Closes
    symbols: tuple[str, ...]
    weights: FloatArray
    rows: Rows
    decided: tuple[Decided, ...]
    columns: Columns
    first: int
    last: int


def decide(allotments: Sequence[Allotment], closes: Closes, first: int, last: int, tell: Tell = silent) -> Targets:
    """Evenings `first` to `last`; the closes before them warm the indicators up, those after `last` are not there."""
    closes = closes.until(last)
    columns = Columns(closes)
    decided = tuple(_decided(allotment, closes, columns, first, tell) for allotment in allotments)
    symbols = tuple(dict.fromkeys(symbol for d in decided for symbol in d.standing.symbols))
    return Targets(
        closes=closes,
        symbols=symbols,
        weights=_consolidated(decided, symbols, len(closes)),
        rows=_trading_rows(decided, closes, first, last),
        decided=decided,
        columns=columns,
        first=first,
        last=last,
    )


def _decided(allotment: Allotment, closes: Closes, columns: Columns, first: int, tell: Tell) -> Decided:
    engine = allotment.engine
    if isinstance(engine, TreeStrategy):
        wish, reasons = wish_of_tree(engine, columns, first)
    else:
        wish, reasons = wish_of_engine(allotment, closes, first, tell)
    return Decided(allotment, wish, stand(wish, allotment.rebalance, closes, first), reasons)


def wish_of_tree(strategy: TreeStrategy, columns: Columns, first: int) -> tuple[Wish, dict[int, str]]:
    """All evenings at once; the first one that is undefined is asked again for its reason."""
    allocation = columns.allocation(strategy.tree)
    wish = Wish(allocation.symbols, allocation.weights, allocation.defined)
    undefined = np.flatnonzero(~allocation.defined[first:])
    if not undefined.size:
        return wish, {}
    row = first + int(undefined[0])
    try:
        evaluate_day(strategy.tree, columns, row)
    except UndefinedDecision as why:
        return wish, {row: why.reason}
    return wish, {}


def wish_of_engine(allotment: Allotment, closes: Closes, first: int, tell: Tell) -> tuple[Wish, dict[int, str]]:
    """An own engine sees, evening by evening, only what was known; what it does wrong costs that evening's decision."""
    symbols = tuple(symbol for symbol in allotment.symbols if symbol in closes.columns)
    weights, reasons = np.full((len(closes), len(symbols)), np.nan), dict[int, str]()
    for row in range(first, len(closes)):
        tell(allotment.name, row - first, len(closes) - first)
        said = answer(allotment, closes.until(row))
        if isinstance(said, str):
            reasons[row] = said
        else:
            weights[row] = [said.get(symbol, 0.0) for symbol in symbols]
    return Wish(symbols, weights, ~np.isnan(weights).any(axis=1)), reasons


def answer(allotment: Allotment, closes: Closes) -> dict[str, float] | str:
    """The live decision for the newest row, or why there is none: whatever a strategy does wrong costs its own share only."""
    own = closes.restricted_to(allotment.symbols)
    try:
        decision = allotment.engine.decide(own)
        weights = exact_weights(decision.weights, decision.cash)
    except UndefinedDecision as undefined:
        return undefined.reason
    except Exception as error:  # noqa: BLE001 - as live: foreign code may raise anything
        return " ".join(f"{type(error).__name__}: {error}".split())
    unknown = next((symbol for symbol in weights if not own.has_any(symbol)), None)
    if unknown is not None:
        return f"{unknown}: unknown: there is not one daily close of it"
    return {symbol: float(weight) for symbol, weight in weights.items()}


def _consolidated(decided: Sequence[Decided], symbols: tuple[str, ...], days: int) -> FloatArray:
    """Weight of a symbol = sum of share x weight."""
    place = {symbol: column for column, symbol in enumerate(symbols)}
    weights = np.zeros((days, len(symbols)))
    for d in decided:
        weights[:, [place[s] for s in d.standing.symbols]] += float(d.allotment.share) * d.standing.weights
    return weights


def _trading_rows(decided: Sequence[Decided], closes: Closes, first: int, last: int) -> Rows:
    """A lone strategy that keeps what it holds trades nothing; several go back to their shares every evening."""
    trades: Flags = np.ones(last + 1, dtype=np.bool_)
    if len(decided) == 1:
        trades = ~_undisturbed(decided[0].standing, closes)
    trades[:first] = False
    ever: Flags = np.logical_or.accumulate(np.any([d.standing.base >= 0 for d in decided], axis=0))
    return np.flatnonzero(trades & ever)


def _undisturbed(standing: Standing, closes: Closes) -> Flags:
    """Evenings it keeps what it holds, when nothing came between it and its weights since it last went to them."""
    if not standing.kept.any():
        return standing.kept
    unpriced = np.isnan(price_table(standing.symbols, closes)) & (standing.weights > 0)
    disturbed = np.concatenate(([0], np.cumsum(~standing.fresh | unpriced.any(axis=1))))
    since = disturbed[:-1] - disturbed[np.maximum(standing.base, 0)]
    undisturbed: Flags = standing.kept & (since == 0)
    return undisturbed
