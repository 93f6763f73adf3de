"""Daily loss and drawdown by hand: over payments, over days, and after a person has seen them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from services.execution.domain.broker import Payment
from services.execution.domain.limits import Bounds
from services.execution.domain.losses import (
    Acknowledged,
    Flow,
    counted_anew,
    first_reading,
    flows_in,
    next_reading,
)
from services.execution.domain.stops import breach_of, counted_anew_by, is_stricter
from tests.unit.execution.builders import NOW, a_reading, an_account

LATER = NOW + dt.timedelta(minutes=5)
BETWEEN = NOW + dt.timedelta(minutes=2)


def after(equity: str, *flows: Flow, base: str = "100000", high: str = "100000") -> tuple[Decimal, Decimal]:
    """Daily loss and drawdown when the account is worth that five minutes after it was worth what `flows` found."""
    last = a_reading(day_base=Decimal(base), high_water=Decimal(high))
    found = next_reading(last, an_account(equity=equity), flows, LATER)
    return found.daily_loss, found.drawdown


def test_losses_are_shares_of_the_session_before_and_of_the_highest_mark() -> None:
    assert after("90000", high="120000") == (Decimal("0.1"), Decimal("0.25"))
    assert after("110000") == (Decimal("-0.1"), Decimal(0))


def test_a_new_high_is_kept() -> None:
    first = first_reading(an_account("100000"), (), NOW)
    higher = next_reading(first, an_account("120000"), None, LATER)
    lower = next_reading(higher, an_account("90000"), None, LATER + dt.timedelta(minutes=1))
    assert (higher.high_water, lower.high_water, lower.drawdown) == (120_000, 120_000, Decimal("0.25"))


def test_a_withdrawal_is_no_loss() -> None:
    assert after("50000", Flow("f1", Decimal(-50_000), BETWEEN)) == (0, 0)


def test_a_deposit_hides_no_loss() -> None:
    last = a_reading("60000")
    found = next_reading(last, an_account("120000"), (Flow("f1", Decimal(60_000), BETWEEN),), LATER)
    assert (found.daily_loss, found.drawdown) == (Decimal("0.4"), Decimal("0.4"))


def test_a_payment_counts_once_however_often_it_is_told() -> None:
    flow = Flow("f1", Decimal(-50_000), BETWEEN)
    once = next_reading(a_reading(), an_account("50000"), (flow,), LATER)
    again = next_reading(once, an_account("50000"), (flow,), LATER + dt.timedelta(minutes=1))
    assert (again.daily_loss, again.drawdown) == (0, 0)


def test_a_deposit_that_is_told_late_lowers_nothing() -> None:
    """The account showed the money first, and took it for a new high."""
    last = a_reading(high_at=NOW - dt.timedelta(hours=1))
    higher = next_reading(last, an_account("150000"), None, BETWEEN)
    flow = Flow("f1", Decimal(50_000), BETWEEN - dt.timedelta(seconds=10))
    found = next_reading(higher, an_account("150000"), (flow,), LATER)
    assert (found.daily_loss, found.drawdown) == (0, 0)


def test_another_day_begins_with_what_the_broker_says_the_last_one_ended_with() -> None:
    tuesday = NOW + dt.timedelta(days=1)
    account = an_account("95000", last_equity=Decimal(100_000))
    found = next_reading(a_reading("80000", day_base=Decimal(50_000)), account, (), tuesday)
    assert found.daily_loss == Decimal("0.05")


def test_money_that_came_over_night_is_in_the_base() -> None:
    overnight = dt.datetime(2024, 6, 4, 1, 0, tzinfo=dt.UTC)
    account = an_account("150000", last_equity=Decimal(100_000))
    flow = Flow("f1", Decimal(50_000), overnight)
    found = next_reading(a_reading(), account, (flow,), NOW + dt.timedelta(days=1))
    assert (found.daily_loss, found.drawdown) == (0, 0)


def test_a_base_that_the_broker_does_not_tell_is_not_made_up() -> None:
    found = first_reading(an_account(last_equity=None), (), NOW)
    assert found.daily_loss.is_nan()
    assert breach_of(found, Bounds()) is None


def test_only_deposits_and_withdrawals_are_payments() -> None:
    told = [Payment(kind, kind, Decimal(10), NOW) for kind in ("CSD", "CSW", "JNLC", "DIV", "FEE", "INT")]
    assert len(flows_in(told)) == 3


@pytest.mark.parametrize(("cause", "left"), [("drawdown", (Decimal("0.4"), 0)), ("daily loss", (0, Decimal("0.4")))])
def test_a_loss_that_a_person_has_seen_is_counted_anew(cause: str, left: tuple[Decimal, Decimal]) -> None:
    seen = Acknowledged.model_validate({"at": LATER, "cause": cause})
    found = counted_anew(a_reading("60000"), seen)
    assert (found.daily_loss, found.drawdown) == left
    assert counted_anew(a_reading("60000", at=LATER + dt.timedelta(seconds=1)), seen).drawdown == Decimal("0.4")
    assert counted_anew_by(seen.cause)
    assert counted_anew_by("person") == ""


@pytest.mark.parametrize(
    ("equity", "cause"),
    [("75000", None), ("74999.99", "daily loss"), ("50000", "daily loss"), ("49999.99", "drawdown")],
)
def test_a_breach_is_named_at_its_boundary(equity: str, cause: str | None) -> None:
    found = breach_of(a_reading(equity), Bounds())
    assert (found.cause if found else None) == cause


def test_what_is_switched_off_breaks_nothing() -> None:
    assert breach_of(a_reading("1"), Bounds(max_daily_loss=None, max_drawdown=None)) is None


def test_halted_is_stricter_than_reducing_and_nothing_is_stricter_than_itself() -> None:
    assert is_stricter("HALTED", "REDUCING")
    assert is_stricter("REDUCING", "ACTIVE")
    assert not is_stricter("REDUCING", "REDUCING")
    assert not is_stricter("REDUCING", "HALTED")
