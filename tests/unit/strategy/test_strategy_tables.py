"""NUCLEAR and TECL line by line: every branch of the tables is reached with told numbers, boundaries included."""

from __future__ import annotations

import numpy as np
import pytest

from services.strategy.domain.columns import Columns
from services.strategy.domain.day import evaluate_day
from services.strategy.domain.strategies.nuclear import nuclear
from services.strategy.domain.strategies.tecl import tecl
from tests.unit.strategy.told import ToldColumns, held

NUCLEAR, TECL = nuclear().tree, tecl().tree


UVXY, PART = {"UVXY": 1.0}, {"UVXY": 0.75, "BTAL": 0.25}
BULL = {"close(SPY)": 101.0}
HEDGES = [
    ({"RSI10(SPY)": 79.1}, PART),
    ({"RSI10(SPY)": 81.0}, PART),
    ({"RSI10(SPY)": 81.1}, UVXY),
    ({"RSI10(SPY)": 80.0, "RSI10(IOO)": 82.0}, UVXY),
    ({"RSI10(SPY)": 80.0, "RSI10(TQQQ)": 82.0}, UVXY),
    ({"RSI10(SPY)": 80.0, "RSI10(VTV)": 82.0}, UVXY),
    ({"RSI10(SPY)": 80.0, "RSI10(XLF)": 82.0}, UVXY),
    ({"RSI10(IOO)": 80.0}, PART),
    ({"RSI10(IOO)": 82.0}, UVXY),
    ({"RSI10(IOO)": 80.0, "RSI10(TQQQ)": 82.0}, UVXY),
    ({"RSI10(IOO)": 80.0, "RSI10(XLF)": 82.0}, UVXY),
    ({"RSI10(TQQQ)": 80.0}, PART),
    ({"RSI10(TQQQ)": 82.0}, UVXY),
    ({"RSI10(TQQQ)": 80.0, "RSI10(VTV)": 82.0}, UVXY),
    ({"RSI10(TQQQ)": 80.0, "RSI10(XLF)": 82.0}, UVXY),
    ({"RSI10(VTV)": 80.0}, PART),
    ({"RSI10(VTV)": 82.0}, UVXY),
    ({"RSI10(VTV)": 80.0, "RSI10(XLF)": 82.0}, UVXY),
    ({"RSI10(XLF)": 80.0}, PART),
    ({"RSI10(XLF)": 82.0}, UVXY),
    ({"RSI10(VOX)": 79.1}, PART),
]


@pytest.mark.parametrize(("told", "expected"), HEDGES)
def test_nuclear_hedges_when_overbought(told: dict[str, float], expected: dict[str, float]) -> None:
    assert held(NUCLEAR, nuclear().symbols, told) == expected


def test_nuclear_does_not_ask_vox_for_the_extreme_of_another_gate() -> None:
    """VOX is no part of the hedge of SPY .. XLF: only the five gates can make it a full one."""
    columns = ToldColumns({"RSI10(SPY)": 80.0, "RSI10(VOX)": 90.0}, nuclear().symbols)
    assert evaluate_day(NUCLEAR, columns).weights == PART
    assert "RSI10(VOX)" not in columns.asked


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"RSI10(TQQQ)": 29.9}, {"TQQQ": 1.0}),
        ({"RSI10(SPY)": 29.9}, {"UPRO": 1.0}),
        ({"RSI10(TQQQ)": 30.0, "RSI10(SPY)": 29.9}, {"UPRO": 1.0}),
        ({"RSI10(TQQQ)": 29.0, "RSI10(SPY)": 29.0}, {"TQQQ": 1.0}),
    ],
)
def test_nuclear_buys_when_oversold(told: dict[str, float], expected: dict[str, float]) -> None:
    columns_symbols = nuclear().symbols
    assert dict(evaluate_day(NUCLEAR, ToldColumns(told, columns_symbols)).weights) == expected


def test_equality_falls_to_the_else_side() -> None:
    """All gates at exactly 79 and 30, SPY exactly at its average: nothing holds and the bear decides."""
    gates = {f"RSI10({symbol})": 79.0 for symbol in ("SPY", "IOO", "TQQQ", "VTV", "XLF", "VOX")}
    bear = held(NUCLEAR, nuclear().symbols, {**gates, "RSI10(PSQ)": 35.0, "RSI10(IEF)": 50.0})
    assert bear == {"SQQQ": 1.0}
    low = {"RSI10(TQQQ)": 30.0, "RSI10(SPY)": 30.0, "close(SPY)": 100.0}
    assert held(NUCLEAR, nuclear().symbols, low) == {"SQQQ": 1.0}


def test_nuclear_bull_holds_the_three_fastest_in_thirds_and_ties_keep_listed_order() -> None:
    third = round(1 / 3, 9)
    fast = {**BULL, "moving-average-return 90 (OKLO)": 0.5, "moving-average-return 90 (EXC)": 0.4}
    assert held(NUCLEAR, nuclear().symbols, fast) == {"SMR": third, "EXC": third, "OKLO": third}
    assert held(NUCLEAR, nuclear().symbols, BULL) == {"SMR": third, "BWXT": third, "LEU": third}


UP, BONDS = {"close(TQQQ)": 101.0}, {"RSI20(TLT)": 51.0}
FALLEN = {"cumulative-return 60 (QQQ)": -10.1}
BEARS: list[tuple[dict[str, float], str, str]] = [
    # told, Bear 1 holds, Bear 2 holds
    ({"RSI10(PSQ)": 34.9}, "SQQQ", "SQQQ"),
    ({**FALLEN, **UP, **BONDS}, "TQQQ", "TQQQ"),
    ({**FALLEN, **UP}, "PSQ", "SQQQ"),
    ({**FALLEN, **BONDS}, "TQQQ", "QQQ"),
    ({**FALLEN}, "PSQ", "SQQQ"),
    ({"cumulative-return 60 (QQQ)": -10.0, **UP, **BONDS}, "TQQQ", "TQQQ"),
    (UP, "SQQQ", "SQQQ"),
    ({"RSI10(IEF)": 50.1, **BONDS}, "SQQQ", "QQQ"),
    ({"RSI10(IEF)": 50.1}, "SQQQ", "SQQQ"),
    (BONDS, "QQQ", "QQQ"),
    ({}, "SQQQ", "SQQQ"),
]


@pytest.mark.parametrize(("told", "bear_1", "bear_2"), BEARS)
def test_nuclear_bear_weighs_its_two_groups_by_inverse_volatility(
    told: dict[str, float], bear_1: str, bear_2: str
) -> None:
    """With told numbers each group held the same symbol on every day, so its volatility is that symbol's own."""
    columns = ToldColumns(told, nuclear().symbols)
    inverse = [1 / last_fourteen_days_deviation(columns, symbol) for symbol in (bear_1, bear_2)]
    expected: dict[str, float] = {}
    for symbol, one in zip((bear_1, bear_2), inverse, strict=True):
        expected[symbol] = expected.get(symbol, 0.0) + one / sum(inverse)
    assert dict(evaluate_day(NUCLEAR, columns).weights) == pytest.approx(expected)


def last_fourteen_days_deviation(columns: Columns, symbol: str) -> float:
    closes = columns.closes_of(symbol)[-15:]
    return float(np.std(closes[1:] / closes[:-1] - 1, ddof=1))


BIL, TECL_ALL, SPXL = {"BIL": 1.0}, {"TECL": 1.0}, {"SPXL": 1.0}
TECL_ROWS = [
    ({**BULL, "RSI10(TQQQ)": 79.1}, {"UVXY": 0.25, "BIL": 0.75}),
    ({**BULL, "RSI10(TQQQ)": 79.0, "RSI10(SPY)": 80.1}, {"UVXY": 0.25, "BIL": 0.75}),
    ({**BULL, "RSI10(SPY)": 80.0, "RSI10(XLK)": 81.1}, BIL),
    ({**BULL, "RSI10(XLK)": 81.0}, TECL_ALL),
    ({**BULL, "RSI10(XLK)": 28.9}, TECL_ALL),
    ({**BULL, "RSI10(XLK)": 29.0}, BIL),
    ({**BULL, "RSI10(KMLM)": 50.0}, BIL),
    ({"RSI10(TQQQ)": 30.9}, TECL_ALL),
    ({"RSI10(TQQQ)": 31.0, "RSI10(SPXL)": 28.9}, SPXL),
    ({"RSI10(SPXL)": 29.0, "RSI10(UVXY)": 84.1}, {"UVXY": 0.15, "BIL": 0.85}),
    ({"RSI10(UVXY)": 84.0}, BIL),
    ({"RSI10(UVXY)": 74.1}, BIL),
    ({"RSI10(UVXY)": 74.0, "RSI10(XLK)": 81.1}, BIL),
    ({"RSI10(XLK)": 81.0}, TECL_ALL),
    ({"RSI10(XLK)": 28.9}, TECL_ALL),
    ({"RSI10(XLK)": 29.0, "RSI9(SQQQ)": 50.1}, {"SQQQ": 1.0}),
    ({"RSI9(BSV)": 50.1}, {"BSV": 1.0}),
    ({"close(SPY)": 100.0}, {"SQQQ": 1.0}),
]


@pytest.mark.parametrize(("told", "expected"), TECL_ROWS)
def test_tecl_table(told: dict[str, float], expected: dict[str, float]) -> None:
    assert held(TECL, tecl().symbols, told) == expected


def test_the_strategies_name_the_symbols_of_their_tables() -> None:
    assert set(nuclear().symbols) == {
        "SPY",
        "IOO",
        "TQQQ",
        "VTV",
        "XLF",
        "VOX",
        "UVXY",
        "BTAL",
        "QQQ",
        "SQQQ",
        "PSQ",
        "UPRO",
        "TLT",
        "IEF",
        "SMR",
        "BWXT",
        "LEU",
        "EXC",
        "NLR",
        "OKLO",
    }
    assert set(tecl().symbols) == {"SPY", "TQQQ", "SPXL", "TECL", "XLK", "KMLM", "UVXY", "BIL", "BSV", "SQQQ"}


def test_both_need_two_hundred_closes() -> None:
    assert nuclear().closes_needed == tecl().closes_needed == 200
