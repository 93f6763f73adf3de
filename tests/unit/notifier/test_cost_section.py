"""What the mail says about what its orders cost."""

from __future__ import annotations

from services.notifier.adapters.html_mail import HtmlMail
from services.notifier.domain.brief import Table
from services.notifier.domain.cost_section import cost_section
from services.notifier.domain.plain_text import plain_text
from services.notifier.domain.rebalance_brief import rebalance_brief
from tests.unit.notifier.facts import a_plan, a_rebalance, a_signal, an_order, some_costs

SMR = an_order("SMR", costs=some_costs())
LEU = an_order(
    "LEU", side="sell", costs=some_costs("44.50", 442, shortfall="55.40", opportunity="50.00", saved="-48.00")
)
BLIND = an_order("OKLO", costs=some_costs(opportunity=None, shortfall=None, saved=None))
OLD = an_order("BIL")


def lines(table: Table | None) -> list[tuple[str, ...]]:
    assert table is not None
    return [(*row.cells, row.note) for row in table.rows]


def test_it_sums_by_dollars_and_names_the_dearest_order() -> None:
    assert lines(cost_section([SMR, LEU])) == [
        ("Shortfall from the decision", "+17.86", "$62.99", ""),
        ("All at market on arrival", "+5.91", "$20.84", ""),
        ("Saved against that", "-10.40", "-$36.67", ""),
        ("Dearest: SELL LEU", "+28.17", "$55.40", "delay $2.50, execution $5.09, missed $50.00"),
    ]


def test_what_was_lost_against_the_market_order_is_a_warning_what_was_saved_is_good() -> None:
    tones = [[row.tone for row in (cost_section([order]) or Table("", (), ())).rows] for order in (SMR, LEU)]
    assert tones == [["neutral", "neutral", "good"], ["neutral", "neutral", "warning"]]


def test_what_is_not_known_is_said_and_not_counted_as_nothing() -> None:
    shortfall, market, saved = lines(cost_section([SMR, BLIND]))
    assert shortfall == ("Shortfall from the decision", "+4.87", "$7.59", "of 1 of 2 orders")
    assert market[3] == ""
    assert saved[3] == "of 1 of 2 orders"
    assert lines(cost_section([BLIND]))[0] == ("Shortfall from the decision", "not known", "-", "")


def test_reports_older_than_the_measuring_say_nothing_of_it() -> None:
    assert cost_section([]) is None
    assert cost_section([OLD]) is None
    assert lines(cost_section([OLD, SMR]))[0][2] == "$7.59"


def test_both_forms_of_the_mail_have_it() -> None:
    brief = rebalance_brief(a_rebalance(orders=(SMR, LEU)), a_plan(), [a_signal()], "paper")
    text, html = plain_text(brief), HtmlMail().html(brief)
    assert "Dearest: SELL LEU            +28.17   $55.40" in text
    for expected in ("What it cost", "Saved against that", "-$36.67", "missed $50.00"):
        assert expected in text
        assert expected in html
