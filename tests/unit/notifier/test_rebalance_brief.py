"""What the mail about a rebalance says."""

from __future__ import annotations

from decimal import Decimal

import pytest

from services.notifier.adapters.html_mail import HtmlMail
from services.notifier.domain.brief import Brief
from services.notifier.domain.plain_text import WIDTH, plain_text
from services.notifier.domain.rebalance_brief import rebalance_brief
from tests.unit.notifier.facts import a_plan, a_rebalance, a_signal, a_step, an_order


def a_brief(**changes: object) -> Brief:
    return rebalance_brief(a_rebalance(**changes), a_plan(), [a_signal()], "paper")


def test_the_subject_says_mode_outcome_and_how_many_orders_filled() -> None:
    assert a_brief().subject == "[paper] Rebalance only partly done: 2 of 3 orders filled"


@pytest.mark.parametrize("outcome", ["complete", "partial", "nothing to do", "refused", "dry run", "halted"])
def test_every_outcome_has_its_headline(outcome: str) -> None:
    assert a_brief(outcome=outcome, orders=()).headline.startswith("Rebalance")


def test_a_terminal_reads_orders_refusals_holdings_and_reasons() -> None:
    text = plain_text(a_brief())
    for expected in (
        "SELL BIL         960  91.6484   -0.2 bps",
        "BUY LEU   400 of 442  44.4850  +11.4 bps",
        "the deadline before the close",
        "spread: the quote is 182 bps wide, at most 100 are allowed",
        "LEU          400   17.8%   19.6%     -1.85",
        "the target is 442 shares",
        "weight 0.0% -> 15.6%",
        "Holds LEU 39.3%, SMR 31.2%, OKLO 29.5%",
        "no  RSI(10) of SPY > 79 [SPY RSI(10) 58.2114 against 79]",
        "Cash identity  exact to the cent",
        "correlation c0ffee",
    ):
        assert expected in text


def test_a_terminal_needs_78_columns_of_ascii_at_most() -> None:
    long = a_signal(explanation=(a_step("a very long question " * 12, holds=True, value="1", depth=9),))
    text = plain_text(rebalance_brief(a_rebalance(), a_plan(), [long], "simulated"))
    assert max(len(line) for line in text.splitlines()) <= WIDTH
    assert text.isascii()


def test_the_html_says_the_same_words() -> None:
    html = HtmlMail().html(a_brief())
    for expected in (
        "BUY LEU",
        "400 of 442",
        "44.4850",
        "182 bps wide",
        "-1.85",
        "58.2114 against 79",
        "exact to the cent",
    ):
        assert expected in html


def test_what_a_message_says_cannot_become_markup() -> None:
    html = HtmlMail().html(a_brief(orders=(an_order(outcome="unfilled", detail="<script>alert(1)</script>"),)))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize(
    ("gap", "said", "tone"),
    [("0", "exact to the cent", "good"), ("0.00", "exact to the cent", "good"), ("-0.12", "off by -$0.12", "bad")],
)
def test_a_cash_gap_is_told_in_red(gap: str, said: str, tone: str) -> None:
    fact = next(f for f in a_brief(cash_gap=Decimal(gap)).facts if f.label == "Cash identity")
    assert (fact.value, fact.tone) == (said, tone)


def test_slippage_is_weighted_by_the_dollars_filled() -> None:
    orders = (
        an_order("A", filled_qty=Decimal(100), average_price=Decimal(30), slippage_bps=Decimal(4)),
        an_order("B", filled_qty=Decimal(100), average_price=Decimal(10), slippage_bps=Decimal(0)),
        an_order("C", average_price=None, slippage_bps=None, filled_qty=Decimal(0), outcome="unfilled"),
    )
    fact = next(f for f in a_brief(orders=orders).facts if f.label == "Slippage")
    assert fact.value == "+3.0 bps of the mid at arrival ($1.20)"


def test_unmeasured_slippage_is_not_zero() -> None:
    fact = next(f for f in a_brief(orders=()).facts if f.label == "Slippage")
    assert fact.value == "not measured"


def test_an_unknown_order_turns_the_whole_mail_red() -> None:
    assert a_brief(outcome="partial", orders=(an_order(outcome="unknown"),)).tone == "bad"


def test_a_missing_plan_and_missing_signals_are_said_to_be_missing() -> None:
    text = plain_text(rebalance_brief(a_rebalance(), None, [], "paper"))
    assert "The plan of this rebalance did not reach the notifier." in text
    assert "No signals of this run reached the notifier." in text


@pytest.mark.parametrize(("status", "said"), [("stale", "last good weights stand"), ("failed", "it has no weights")])
def test_a_strategy_that_failed_says_so_and_why(status: str, said: str) -> None:
    signal = a_signal(status=status, reason="no history for XLK", weights={})
    text = plain_text(rebalance_brief(a_rebalance(), a_plan(), [signal], "paper"))
    assert said in text
    assert "no history for XLK" in text
