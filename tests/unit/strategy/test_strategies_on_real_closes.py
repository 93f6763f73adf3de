"""NUCLEAR and TECL as trees against the tables written out as plain loops, on every real day of 2015-2024."""

from __future__ import annotations

import datetime as dt
import statistics
from pathlib import Path

import pandas as pd
import pytest

from services.strategy.domain.closes import Closes
from services.strategy.domain.columns import Columns
from services.strategy.domain.day import evaluate_day
from services.strategy.domain.engine import TreeStrategy
from services.strategy.domain.strategies.nuclear import nuclear
from services.strategy.domain.strategies.tecl import tecl
from services.strategy.domain.undefined import UndefinedDecision
from tests.unit.strategy.loops import History, NotKnownError

pytestmark = pytest.mark.data
Weights = dict[str, float] | None
"""None: undefined."""


def nuclear_by_loop(h: History, day: int) -> dict[str, float]:
    part = {"UVXY": 0.75, "BTAL": 0.25}
    gates = ["SPY", "IOO", "TQQQ", "VTV", "XLF"]
    for place, gate in enumerate(gates):
        if h.rsi(gate, 10, day) > 79:
            return {"UVXY": 1.0} if any(h.rsi(later, 10, day) > 81 for later in gates[place:]) else part
    if h.rsi("VOX", 10, day) > 79:
        return {"UVXY": 1.0} if h.rsi("XLF", 10, day) > 81 else part
    if h.rsi("TQQQ", 10, day) < 30:
        return {"TQQQ": 1.0}
    if h.rsi("SPY", 10, day) < 30:
        return {"UPRO": 1.0}
    if h.close("SPY", day) > h.sma("SPY", 200, day):
        speeds = {}
        for symbol in ["SMR", "BWXT", "LEU", "EXC", "NLR", "OKLO"]:
            try:
                speeds[symbol] = h.mean_return(symbol, 90, day)
            except NotKnownError:
                continue
        fastest = sorted(speeds, key=lambda symbol: -speeds[symbol])[:3]
        return {symbol: 1 / len(fastest) for symbol in fastest}
    inverse = []
    for group in (bear_1, bear_2):
        returns = []
        for d in range(day - 13, day + 1):
            symbol = group(h, d - 1)
            returns.append(h.close(symbol, d) / h.close(symbol, d - 1) - 1)
        inverse.append(1 / statistics.stdev(returns))
    weights: dict[str, float] = {}
    for one, group in zip(inverse, (bear_1, bear_2), strict=True):
        symbol = group(h, day)
        weights[symbol] = weights.get(symbol, 0.0) + one / sum(inverse)
    return weights


def bear_1(h: History, day: int) -> str:
    if h.rsi("PSQ", 10, day) < 35:
        return "SQQQ"
    if h.cumulative("QQQ", 60, day) < -10:
        return "TQQQ" if h.rsi("TLT", 20, day) > h.rsi("PSQ", 20, day) else "PSQ"
    if h.close("TQQQ", day) > h.sma("TQQQ", 20, day):
        return "TQQQ" if h.rsi("TLT", 20, day) > h.rsi("PSQ", 20, day) else "SQQQ"
    if h.rsi("IEF", 10, day) > h.rsi("PSQ", 20, day):
        return "SQQQ"
    return "QQQ" if h.rsi("TLT", 20, day) > h.rsi("PSQ", 20, day) else "SQQQ"


def bear_2(h: History, day: int) -> str:
    if h.rsi("PSQ", 10, day) < 35:
        return "SQQQ"
    bonds_lead = h.rsi("TLT", 20, day) > h.rsi("PSQ", 20, day)
    if h.close("TQQQ", day) > h.sma("TQQQ", 20, day):
        return "TQQQ" if bonds_lead else "SQQQ"
    return "QQQ" if bonds_lead else "SQQQ"


def tecl_by_loop(h: History, day: int) -> dict[str, float]:  # noqa: PLR0911 - the table has as many ends
    if h.close("SPY", day) > h.sma("SPY", 200, day):
        if h.rsi("TQQQ", 10, day) > 79 or h.rsi("SPY", 10, day) > 80:
            return {"UVXY": 0.25, "BIL": 0.75}
        if h.rsi("XLK", 10, day) > h.rsi("KMLM", 10, day):
            return {"BIL": 1.0} if h.rsi("XLK", 10, day) > 81 else {"TECL": 1.0}
        return {"TECL": 1.0} if h.rsi("XLK", 10, day) < 29 else {"BIL": 1.0}
    if h.rsi("TQQQ", 10, day) < 31:
        return {"TECL": 1.0}
    if h.rsi("SPXL", 10, day) < 29:
        return {"SPXL": 1.0}
    if h.rsi("UVXY", 10, day) > 84:
        return {"UVXY": 0.15, "BIL": 0.85}
    if h.rsi("UVXY", 10, day) > 74:
        return {"BIL": 1.0}
    if h.rsi("XLK", 10, day) > h.rsi("KMLM", 10, day):
        return {"BIL": 1.0} if h.rsi("XLK", 10, day) > 81 else {"TECL": 1.0}
    if h.rsi("XLK", 10, day) < 29:
        return {"TECL": 1.0}
    return {"SQQQ": 1.0} if h.rsi("SQQQ", 9, day) >= h.rsi("BSV", 9, day) else {"BSV": 1.0}


@pytest.fixture(scope="module")
def closes(market_data_dir: Path) -> Closes:
    return Closes.of_frame(pd.read_csv(market_data_dir / "daily_close" / "core26_2010_2024.csv.gz", index_col=0))


def as_told(weights: Weights) -> Weights:
    return None if weights is None else {s: round(w, 9) for s, w in sorted(weights.items()) if w}


@pytest.mark.parametrize(
    ("strategy", "by_loop", "fewest_defined"), [(nuclear(), nuclear_by_loop, 2516), (tecl(), tecl_by_loop, 1000)]
)
def test_tree_columns_and_plain_loops_agree_on_every_day(
    strategy: TreeStrategy, by_loop: object, fewest_defined: int, closes: Closes
) -> None:
    history = History({symbol: column.tolist() for symbol, column in closes.columns.items()})
    columns = Columns(closes)
    allocation = columns.allocation(strategy.tree)
    defined = 0
    for day, session in enumerate(closes.sessions):
        if session < dt.date(2015, 1, 1):
            continue
        expected: Weights
        try:
            expected = by_loop(history, day)  # type: ignore[operator]
        except NotKnownError:
            expected = None
        in_columns = dict(zip(allocation.symbols, allocation.weights[day].tolist(), strict=True))
        assert as_told(in_columns if allocation.defined[day] else None) == as_told(expected), session
        assert as_told(on_one_day(strategy, columns, day)) == as_told(expected), session
        defined += expected is not None
    assert defined >= fewest_defined


def on_one_day(strategy: TreeStrategy, columns: Columns, day: int) -> Weights:
    try:
        return dict(evaluate_day(strategy.tree, columns, day).weights)
    except UndefinedDecision:
        return None


def test_tecl_before_kmlm_was_listed_is_undefined_by_name(closes: Closes) -> None:
    """KMLM's first close is of 2020-12-02; the third one is not enough for an RSI of ten days."""
    third_day = closes.sessions.index(dt.date(2020, 12, 4))
    with pytest.raises(UndefinedDecision, match=r"^RSI10\(KMLM\): 3 of 11 closes needed$") as undefined:
        tecl().decide(closes.until(third_day))
    assert undefined.value.steps[0].text == "close(SPY) > SMA200(SPY)"


def test_a_candidate_that_is_not_listed_yet_is_left_out_and_the_explanation_says_so(closes: Closes) -> None:
    row = next(
        row
        for row in range(closes.sessions.index(dt.date(2016, 1, 4)), len(closes))
        if any(step.text == "group bull" for step in evaluate_day(nuclear().tree, Columns(closes), row).steps)
    )
    ranking = evaluate_day(nuclear().tree, Columns(closes), row).steps[-4]
    assert "left out: moving-average-return 90 (SMR): 0 of 91 closes needed" in ranking.text
    assert {r.symbol: r.value for r in ranking.readings}["OKLO"] is None


def test_history_cut_at_random_days_gives_the_same_answer(closes: Closes) -> None:
    for strategy in (nuclear(), tecl()):
        allocation = Columns(closes).allocation(strategy.tree)
        for day in range(2800, len(closes), 97):
            weights = strategy.decide(closes.until(day)).weights
            row = [weights.get(symbol, 0.0) for symbol in allocation.symbols]
            assert row == pytest.approx(allocation.weights[day].tolist(), abs=1e-12)
