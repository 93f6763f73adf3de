"""Between two rebalancings a strategy keeps what it holds, at the weights the prices have made of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

import pytest

from services.strategy.domain.closes import Closes
from services.strategy.domain.engine import TreeStrategy
from services.strategy.domain.language import equal, hold
from services.strategy.domain.portfolio import PortfolioError, StrategyManager, Verdict
from services.strategy.domain.rebalance import Calendar, Corridor, Held, Rebalance

HALF = Decimal("0.5")
FRIDAY, MONDAY, TUESDAY = (dt.date(2024, 6, 28), dt.date(2024, 7, 1), dt.date(2024, 7, 2))


def closes(spy: float, bil: float = 100.0, *, then: dt.date = MONDAY, now: dt.date = TUESDAY) -> Closes:
    """Both stood at 100 on the last decision."""
    return Closes.of([then, now], {"SPY": [100.0, spy], "BIL": [100.0, bil]})


def decided(rebalance: Rebalance, table: Closes, held: Mapping[str, Decimal] | None, last: dt.date = MONDAY) -> Verdict:
    manager = StrategyManager()
    manager.add_strategy(TreeStrategy("halves", equal("SPY", "BIL"), rebalance), Decimal(1))
    (verdict,) = manager.decide(table, {} if held is None else {"halves": Held(held, last)})
    return verdict


HALVES = {"SPY": HALF, "BIL": HALF}
TEN = Corridor(Decimal("0.1"))


def test_inside_its_corridor_it_keeps_the_drifted_weights_and_says_so() -> None:
    verdict = decided(TEN, closes(spy=120), HALVES)
    assert verdict.status == "fresh"
    assert verdict.weights == {"SPY": Decimal("0.545454545"), "BIL": Decimal("0.454545455")}
    assert verdict.explanation[-1].text == (
        "rebalances corridor of 10 %: keeps what it held, as the prices have moved it"
    )


def test_outside_its_corridor_it_goes_back_to_its_weights() -> None:
    assert decided(TEN, closes(spy=151), HALVES).weights == HALVES
    assert decided(TEN, closes(spy=149), HALVES).weights != HALVES


def test_another_target_is_followed_as_soon_as_it_is_outside_the_corridor() -> None:
    """Both the old holding and the new one are ten points and more from where they should be."""
    assert decided(TEN, closes(spy=100), {"SPY": Decimal(1)}).weights == HALVES


def test_cash_that_was_held_takes_part() -> None:
    half_in_cash = decided(Corridor(Decimal("0.6")), closes(spy=120), {"SPY": HALF})
    assert half_in_cash.weights == {"SPY": Decimal("0.545454545")}


@pytest.mark.parametrize(
    ("frequency", "last", "session", "again"),
    [
        ("daily", MONDAY, TUESDAY, True),
        ("daily", MONDAY, MONDAY, True),
        ("weekly", MONDAY, TUESDAY, False),
        ("weekly", FRIDAY, MONDAY, True),
        ("weekly", dt.date(2024, 12, 30), dt.date(2025, 1, 2), False),
        ("weekly", dt.date(2023, 1, 6), dt.date(2024, 1, 5), True),
        ("monthly", MONDAY, TUESDAY, False),
        ("monthly", FRIDAY, MONDAY, True),
        ("monthly", dt.date(2023, 7, 3), MONDAY, True),
        ("quarterly", MONDAY, dt.date(2024, 9, 30), False),
        ("quarterly", FRIDAY, MONDAY, True),
        ("yearly", MONDAY, dt.date(2024, 12, 31), False),
        ("yearly", dt.date(2024, 12, 31), dt.date(2025, 1, 2), True),
    ],
)
def test_on_a_calendar_it_rebalances_in_the_first_decision_of_each_period(
    frequency: str, last: dt.date, session: dt.date, *, again: bool
) -> None:
    calendar = Calendar(frequency)  # type: ignore[arg-type]
    assert calendar.starts_anew(last, session) is again
    if last < session:
        table = closes(spy=120, then=last, now=session)
        assert (decided(calendar, table, HALVES, last).weights == HALVES) is again


def test_what_was_never_held_or_is_not_known_any_more_is_decided_anew() -> None:
    assert decided(Calendar("yearly"), closes(spy=120), None).weights == HALVES
    assert decided(Calendar("yearly"), closes(spy=120), {"GONE": Decimal(1)}).weights == HALVES


def test_what_is_held_and_cannot_be_valued_makes_the_decision_undefined() -> None:
    verdict = decided(TEN, closes(spy=100), HALVES, last=dt.date(2024, 6, 3))
    assert verdict.status == "stale"
    assert verdict.reason == ("UndefinedDecision: SPY: cannot be valued: expected closes of 2024-06-03 and 2024-07-02")


@pytest.mark.parametrize("width", ["0", "1", "-0.1", "NaN", "Infinity"])
def test_a_corridor_is_a_fraction(width: str) -> None:
    with pytest.raises(ValueError, match="rebalance: corridor: expected a width between 0 and 1, got"):
        Corridor(Decimal(width))


def test_a_frequency_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match=r"rebalance: expected one of daily, weekly, .*, got 'hourly'"):
        Calendar("hourly")  # type: ignore[arg-type]


def test_a_strategy_whose_rebalance_is_no_rule_is_refused_by_name() -> None:
    strategy = TreeStrategy("x", hold("SPY"), "weekly")  # type: ignore[arg-type]
    with pytest.raises(PortfolioError, match="x: rebalance: expected a Calendar or a Corridor, got 'weekly'"):
        StrategyManager().add_strategy(strategy, Decimal(1))
