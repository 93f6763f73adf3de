"""What stands in for a symbol's closes does so by rule, only where it has none of its own, and says so."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pytest

from services.strategy.domain.closes import Closes
from services.strategy.domain.engine import TreeStrategy
from services.strategy.domain.language import hold
from services.strategy.domain.portfolio import StrategyManager
from services.strategy.domain.proxies import with_sources, with_stand_ins

NAN = float("nan")
BEFORE = [dt.date(2025, 1, day) for day in (28, 29, 30, 31)]
AFTER = [dt.date(2025, 2, day) for day in (3, 4)]


def table(days: list[dt.date], **columns: list[float]) -> Closes:
    return Closes.of(days, columns)


def fngu(closes: Closes) -> list[float]:
    return with_stand_ins(closes).columns["FNGU"].tolist()


def test_before_february_2025_it_moves_half_as_much_again_as_fngo() -> None:
    assert fngu(table(BEFORE, FNGO=[100, 110, 99, 99])) == pytest.approx([100, 115, 115 * 0.85, 115 * 0.85])


def test_it_connects_to_the_first_close_of_its_own() -> None:
    own = table([*BEFORE, *AFTER], FNGO=[100, 110, 110, 110, 121, 121], FNGU=[NAN, NAN, NAN, NAN, 23, 24])
    assert fngu(own) == pytest.approx([20 / 1.15, 20, 20, 20, 23, 24])
    assert with_stand_ins(own).stand_ins == {
        "FNGU": "1.5 x the daily return of FNGO stands in for its closes from 2025-01-28 to 2025-01-31"
    }


def test_a_close_of_its_own_is_never_replaced_and_a_gap_between_them_stays() -> None:
    own = table(BEFORE, FNGO=[100, 110, 110, 110], FNGU=[NAN, 50, NAN, 60])
    np.testing.assert_allclose(fngu(own), [50 / 1.15, 50, NAN, 60])
    full = table(BEFORE, FNGO=[100, 110, 110, 110], FNGU=[50, 50, 50, 60])
    assert with_stand_ins(full).stand_ins == {}


def test_after_january_2025_nothing_stands_in() -> None:
    """A ticker that exists must have its own closes; without them it is undefined."""
    np.testing.assert_allclose(fngu(table([*BEFORE, *AFTER], FNGO=[100] * 6)), [100] * 4 + [NAN] * 2)
    late = table(AFTER, FNGO=[100, 100])
    assert with_stand_ins(late).columns.keys() == {"FNGO"}


def test_a_gap_of_the_source_is_a_gap() -> None:
    np.testing.assert_allclose(fngu(table(BEFORE, FNGO=[NAN, 100, NAN, 50])), [NAN, 100, NAN, 100])


def test_what_lost_everything_has_no_price() -> None:
    np.testing.assert_allclose(fngu(table(BEFORE, FNGO=[100, 20, 20, 20])), [100, NAN, NAN, NAN])


def test_without_the_source_the_table_is_as_it_was() -> None:
    closes = table(BEFORE, SPY=[1, 2, 3, 4])
    assert with_stand_ins(closes).columns == closes.columns


def test_the_source_is_asked_for_with_its_symbol_and_the_explanation_tells_of_it() -> None:
    assert with_sources(["SPY", "FNGU"]) == ("SPY", "FNGU", "FNGO")
    assert with_sources(["FNGO", "FNGU"]) == ("FNGO", "FNGU")
    assert with_sources(["SPY"]) == ("SPY",)
    manager = StrategyManager()
    manager.add_strategy(TreeStrategy("lever", hold("FNGU")), Decimal(1))
    assert manager.symbols == ("FNGU", "FNGO")
    (verdict,) = manager.decide(with_stand_ins(table(BEFORE, FNGO=[1, 2, 3, 4])), {})
    assert [step.text for step in verdict.explanation] == [
        "input FNGU: 1.5 x the daily return of FNGO stands in for its closes from 2025-01-28 to 2025-01-31",
        "hold 100 % FNGU",
    ]
