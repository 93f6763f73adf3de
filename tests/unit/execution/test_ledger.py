"""Whose the shares are, what they cost and what was made of them; for each symbol the owners' shares are the account's."""

from __future__ import annotations

from decimal import Decimal

from services.execution.domain import lots
from services.execution.domain.ledger import ACCOUNT, Ledger, ledger_of
from tests.unit.execution.books import accepted, adopted, at, executed, opened, paid, wanted

D = Decimal


def account_holds(ledger: Ledger, symbol: str) -> Decimal:
    return lots.quantity(ledger.account.of(ACCOUNT, symbol))


def test_a_fill_is_divided_pro_rata_of_what_each_strategy_wanted() -> None:
    ledger = ledger_of(
        [
            opened(),
            wanted(1, "p", {"SPY": ("90", "500")}, a={"SPY": "0.2"}, b={"SPY": "0.1"}),
            executed(2, "buy", "60", "SPY", "500", plan="p"),
        ]
    )
    assert ledger.holders("SPY") == {"a": 40, "b": 20}
    assert ledger.cash == 100_000 - 60 * 500


def test_what_cannot_be_divided_without_rest_goes_to_the_one_who_wanted_most() -> None:
    third = "0.1"
    ledger = ledger_of(
        [
            opened(),
            wanted(1, "p", {"SPY": ("1", "500")}, a={"SPY": third}, b={"SPY": third}, c={"SPY": third}),
            executed(2, "buy", "1", "SPY", "500", plan="p"),
        ]
    )
    assert sum(ledger.holders("SPY").values()) == 1
    assert max(ledger.holders("SPY").values()) - min(ledger.holders("SPY").values()) == D("1e-9")


def test_one_strategys_sale_and_anothers_purchase_meet_inside_at_the_plans_price() -> None:
    """Nothing is sent to the market, and each strategy's position is what it wanted."""
    ledger = ledger_of(
        [
            opened(),
            wanted(1, "p", {"SPY": ("10", "500")}, a={"SPY": "0.1"}),
            executed(2, "buy", "10", "SPY", "500", plan="p"),
            wanted(9, "q", {"SPY": ("10", "510")}, a={}, b={"SPY": "0.1"}),
        ]
    )
    assert ledger.holders("SPY") == {"b": 10}
    [closing] = ledger.owned.closed
    assert (closing.owner, closing.lot.gain) == ("a", 100)
    assert lots.cost(ledger.owned.of("b", "SPY")) == 5100
    assert ledger.account.closed == [], "for the account nothing was sold"
    assert lots.cost(ledger.account.of(ACCOUNT, "SPY")) == 5000


def test_only_the_difference_goes_to_the_market_and_is_the_larger_sides() -> None:
    ledger = ledger_of(
        [
            opened(),
            wanted(1, "p", {"SPY": ("10", "500")}, a={"SPY": "0.1"}),
            executed(2, "buy", "10", "SPY", "500", plan="p"),
            wanted(3, "q", {"SPY": ("16", "500")}, a={"SPY": "0"}, b={"SPY": "0.3"}, c={"SPY": "0.1"}),
            executed(4, "buy", "6", "SPY", "500", plan="q"),
        ]
    )
    assert ledger.holders("SPY") == {"b": 12, "c": 4}


def test_a_strategy_that_leaves_sells_to_the_last_digit_through_many_fills() -> None:
    ledger = ledger_of(
        [
            opened(),
            wanted(1, "p", {"SPY": ("1", "500")}, a={"SPY": "0.2"}, b={"SPY": "0.1"}),
            executed(2, "buy", "1", "SPY", "500", plan="p"),
            wanted(3, "q", {"SPY": ("0", "500")}, a={}, b={}),
            *(executed(4 + n, "sell", "0.142857142", "SPY", "501", plan="q") for n in range(6)),
            executed(20, "sell", "0.142857148", "SPY", "501", plan="q"),
        ]
    )
    assert ledger.quantities() == {}
    assert ledger.holders("SPY") == {}


def test_a_strategy_of_which_nothing_is_known_keeps_what_is_its_own() -> None:
    ledger = ledger_of(
        [
            opened(),
            wanted(1, "p", {"SPY": ("20", "500")}, a={"SPY": "0.1"}, b={"SPY": "0.1"}),
            executed(2, "buy", "20", "SPY", "500", plan="p"),
            wanted(3, "q", {"SPY": ("5", "500")}, silent=("b",), a={"SPY": "0.05"}),
        ]
    )
    assert ledger.holders("SPY") == {"a": 10, "b": 10}


def test_a_target_that_nobody_divided_belongs_to_nobody_and_takes_all_over() -> None:
    ledger = ledger_of(
        [
            opened(),
            wanted(1, "p", {"SPY": ("10", "500")}, a={"SPY": "0.1"}),
            executed(2, "buy", "10", "SPY", "500", plan="p"),
            wanted(3, "q", {"SPY": ("15", "500")}),
            executed(4, "buy", "5", "SPY", "500", plan="q"),
        ]
    )
    assert ledger.holders("SPY") == {"unassigned": 15}


def test_where_there_is_no_price_nothing_crosses() -> None:
    ledger = ledger_of(
        [
            opened(),
            wanted(1, "p", {"SPY": ("10", "500")}, a={"SPY": "0.1"}),
            executed(2, "buy", "10", "SPY", "500", plan="p"),
            wanted(3, "q", {"SPY": ("10", "500")}, crosses=False, a={}, b={"SPY": "0.1"}),
        ]
    )
    assert ledger.holders("SPY") == {"a": 10}


def test_what_was_there_before_is_foreign_until_it_is_adopted() -> None:
    entries = [opened(SPY=("10", "400"))]
    assert ledger_of(entries).holders("SPY") == {"foreign": 10}
    ledger = ledger_of([*entries, adopted(1, "SPY")])
    assert ledger.holders("SPY") == {"unassigned": 10}
    assert lots.cost(ledger.owned.of("unassigned", "SPY")) == 4000


def test_foreign_trades_are_foreign_and_a_foreign_sale_takes_foreign_shares_first() -> None:
    ledger = ledger_of(
        [
            opened(),
            wanted(1, "p", {"SPY": ("30", "500")}, a={"SPY": "0.2"}, b={"SPY": "0.1"}),
            executed(2, "buy", "30", "SPY", "500", plan="p"),
            executed(3, "buy", "5", "SPY", "500"),
        ]
    )
    assert ledger.holders("SPY") == {"a": 20, "b": 10, "foreign": 5}
    ledger.apply(executed(4, "sell", "8", "SPY", "500"))
    assert ledger.holders("SPY") == {"a": 18, "b": 9}


def test_our_sales_never_touch_foreign_shares_while_there_are_others() -> None:
    ledger = ledger_of(
        [
            opened(SPY=("10", "400")),
            wanted(1, "p", {"SPY": ("5", "500")}, a={"SPY": "0.1"}),
            executed(2, "buy", "5", "SPY", "500", plan="p"),
            wanted(3, "q", {"SPY": ("0", "500")}, a={}),
            executed(4, "sell", "5", "SPY", "500", plan="q"),
        ]
    )
    assert ledger.holders("SPY") == {"foreign": 10}


def test_the_brokers_word_makes_more_foreign_and_less_go_at_cost() -> None:
    entries = [
        opened(),
        wanted(1, "p", {"SPY": ("30", "500")}, a={"SPY": "0.2"}, b={"SPY": "0.1"}),
        executed(2, "buy", "30", "SPY", "500", plan="p"),
        accepted(3, "SPY", "34", "510"),
    ]
    assert ledger_of(entries).holders("SPY") == {"a": 20, "b": 10, "foreign": 4}
    ledger = ledger_of([*entries, accepted(4, "SPY", "27")])
    assert ledger.holders("SPY") == {"a": 18, "b": 9}
    assert ledger.owned.closed == []
    assert account_holds(ledger, "SPY") == 27


def test_a_split_multiplies_everybodys_shares_and_costs_nothing() -> None:
    ledger = ledger_of(
        [
            opened(SPY=("1", "400")),
            wanted(1, "p", {"SPY": ("3", "500")}, a={"SPY": "0.2"}, b={"SPY": "0.1"}),
            executed(2, "buy", "3", "SPY", "500", plan="p"),
            accepted(3, "SPY", "40", how="scaled"),
        ]
    )
    assert ledger.holders("SPY") == {"foreign": 10, "a": 20, "b": 10}
    assert lots.cost(ledger.owned.of("a", "SPY")) == 1000
    assert account_holds(ledger, "SPY") == 40


def test_a_dividend_goes_to_who_holds_and_a_days_fee_to_who_traded() -> None:
    ledger = ledger_of(
        [
            opened(),
            wanted(1, "p", {"SPY": ("30", "500")}, a={"SPY": "0.2"}, b={"SPY": "0.1"}),
            executed(2, "buy", "30", "SPY", "500", plan="p"),
            paid(3, "DIV", "income", "3", "SPY"),
            paid(4, "FEE", "fee", "-0.03"),
            paid(5, "CSD", "deposit", "1000"),
        ]
    )
    assert [(p.owner, p.type, p.amount) for p in ledger.payments] == [
        ("a", "DIV", 2),
        ("b", "DIV", 1),
        ("a", "FEE", D("-0.02")),
        ("b", "FEE", D("-0.01")),
        ("unassigned", "CSD", 1000),
    ]
    assert ledger.cash == 100_000 - 15_000 + 3 - D("0.03") + 1000


def test_an_execution_never_comes_before_its_plan_whatever_two_clocks_say() -> None:
    plan = wanted(5, "p", {"SPY": ("30", "500")}, a={"SPY": "0.2"}, b={"SPY": "0.1"})
    early = executed(4.9, "buy", "30", "SPY", "500", plan="p")
    assert ledger_of([early, plan, opened()]).holders("SPY") == {"a": 20, "b": 10}


def test_a_posting_names_its_order_plan_and_entry() -> None:
    [posting] = ledger_of([opened(), executed(2, "buy", "3", "SPY", "500", plan="p", name="e1", order="o1")]).postings
    assert (posting.owner, posting.entry_id, posting.order_id, posting.plan_id) == ("unassigned", "e1", "o1", "p")
    assert (posting.client_order_id, posting.at) == ("p-SPY-buy-mid-1", at(2))


def test_a_posting_says_its_side_and_how_many_shares_at_what_price() -> None:
    bought, sold = ledger_of(
        [opened(), executed(1, "buy", "3", "SPY", "500"), executed(2, "sell", "2", "SPY", "510")]
    ).postings
    assert (bought.side, bought.qty, bought.price) == ("buy", 3, 500)
    assert (sold.side, sold.qty, sold.price) == ("sell", 2, 510)
