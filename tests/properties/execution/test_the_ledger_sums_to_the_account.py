"""Whatever is planned, filled, repeated and told in whatever order: the owners' shares are the account's, and no dollar is lost."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from services.execution.domain import lots
from services.execution.domain.ledger import ACCOUNT, Ledger, in_order, ledger_of
from services.execution.domain.ledger_entries import Accepted, Entry, Executed
from services.execution.domain.lots import traded
from services.execution.domain.profit import by_day, by_owner, by_symbol, total
from shared.sessions import new_york_date
from tests.unit.execution.books import accepted, adopted, at, executed, opened, paid, wanted

SYMBOLS, NAMES = ("SPY", "TLT", "OLD"), ("a", "b", "c")
PRICES = {"SPY": Decimal("500.01"), "TLT": Decimal("90.123456"), "OLD": Decimal("7.5")}
_qty = st.decimals("0.000000001", "500", places=9)
_price = st.decimals("0.01", "900", places=4)


@st.composite
def _plan(draw: st.DrawFn, minute: int) -> list[Entry]:
    """A plan over some symbols and fills of it in some parts, early or late by the broker's clock."""
    plan, symbols = f"p{minute}", draw(st.sets(st.sampled_from(SYMBOLS), min_size=1))
    weights = {
        name: {symbol: f"0.{draw(st.integers(0, 9))}" for symbol in symbols}
        for name in draw(st.sets(st.sampled_from(NAMES)))
    }
    lines = {symbol: (str(draw(_qty)), str(draw(_price))) for symbol in symbols}
    silent = tuple(draw(st.sets(st.sampled_from(NAMES), max_size=1)) - weights.keys())
    found: list[Entry] = [wanted(minute, plan, lines, silent=silent, crosses=draw(st.booleans()), **weights)]
    for n in range(draw(st.integers(0, 4))):
        symbol, side = draw(st.sampled_from(sorted(symbols))), draw(st.sampled_from(["buy", "sell"]))
        when, qty, price = minute + draw(st.integers(-1, 9)), str(draw(_qty)), str(draw(_price))
        found.append(executed(when, side, qty, symbol, price, plan=plan, name=f"{plan}-{n}"))
    return found


@st.composite
def _other(draw: st.DrawFn, minute: int) -> list[Entry]:
    symbol = draw(st.sampled_from(SYMBOLS))
    trade = executed(minute, draw(st.sampled_from(["buy", "sell"])), str(draw(_qty)), symbol, str(draw(_price)))
    word = accepted(minute, symbol, str(draw(st.decimals("-20", "500", places=9))), str(draw(_price)))
    split = accepted(minute, symbol, str(draw(_qty)), how="scaled")
    money = [paid(minute, "FEE", "fee", "-0.07"), paid(minute, "DIV", "income", "1.01", symbol)]
    choices = [trade, word, split, adopted(minute, symbol), *money, paid(minute, "CSD", "deposit", "500")]
    return [draw(st.sampled_from(choices))]


@st.composite
def _histories(draw: st.DrawFn) -> list[Entry]:
    held = {"OLD": ("800", "10"), "SPY": (draw(st.sampled_from(["12.5", "-3"])), "480")}
    found: list[Entry] = [opened(owner=draw(st.sampled_from(["foreign", "unassigned"])), **held)]
    for turn in range(draw(st.integers(0, 8))):
        found += draw(_plan(60 * turn + 5) if draw(st.booleans()) else _other(60 * turn + 5))
    return found


def _owners_sum_to_the_account(ledger: Ledger) -> None:
    for symbol in SYMBOLS:
        owners = sum(ledger.holders(symbol).values(), Decimal(0))
        assert owners == lots.quantity(ledger.account.of(ACCOUNT, symbol)), symbol


@settings(max_examples=100, deadline=None)
@given(history=_histories())
def test_after_every_entry_the_owners_shares_are_the_accounts(history: list[Entry]) -> None:
    ledger, account = Ledger(), {"OLD": Decimal(0), "SPY": Decimal(0), "TLT": Decimal(0)}
    for entry in in_order(history):
        ledger.apply(entry)
        _owners_sum_to_the_account(ledger)
        match entry:
            case Executed(symbol=symbol, side=side, qty=qty):
                account[symbol] += qty if side == "buy" else -qty
            case Accepted(symbol=symbol, qty=qty):
                account[symbol] = qty
            case _ if entry.kind == "opened":
                account |= {found.symbol: found.qty for found in entry.positions}  # type: ignore[union-attr]
        assert ledger.quantities() == {symbol: qty for symbol, qty in account.items() if qty}


@settings(max_examples=100, deadline=None)
@given(history=_histories())
def test_what_the_account_is_worth_is_what_was_put_in_and_what_was_made(history: list[Entry]) -> None:
    ledger = ledger_of(history)
    worth = ledger.cash + sum(qty * PRICES[symbol] for symbol, qty in ledger.quantities().items())
    made = total(by_owner(ledger, PRICES)).total
    assert made is not None
    assert worth == ledger.put_in + made
    assert total(by_symbol(ledger, PRICES)).total == made
    today = new_york_date(at(600))
    days = by_day(history, {new_york_date(entry.at): PRICES for entry in history}, PRICES, today)
    assert total(days).total == made


@settings(max_examples=50, deadline=None)
@given(history=_histories(), data=st.data())
def test_order_of_arrival_and_repetition_change_nothing(history: list[Entry], data: st.DataObject) -> None:
    """The store keeps one entry under one name; here the same names arrive twice and shuffled."""
    arrived = data.draw(st.permutations([*history, *history]))
    again, once = ledger_of({entry.id: entry for entry in arrived}.values()), ledger_of(history)
    assert (again.owned, again.cash, again.payments) == (once.owned, once.cash, once.payments)


@settings(max_examples=100, deadline=None)
@given(trades=st.lists(st.tuples(st.integers(-20, 20).filter(bool), st.integers(1, 99)), max_size=30))
def test_lots_are_first_in_first_out_as_a_simple_loop_over_single_shares(trades: list[tuple[int, int]]) -> None:
    held: tuple[lots.Lot, ...] = ()
    gains, queue, expected = Decimal(0), deque[tuple[int, int]](), 0
    for minute, (qty, price) in enumerate(trades):
        held, closed = traded(held, Decimal(qty), Decimal(price), at(minute), str(minute))
        gains += sum((lot.gain for lot in closed), Decimal(0))
        sign = 1 if qty > 0 else -1
        for _ in range(abs(qty)):
            if queue and queue[0][0] != sign:
                _, bought = queue.popleft()
                expected += (price - bought) if sign < 0 else (bought - price)
            else:
                queue.append((sign, price))
        assert lots.quantity(held) == sum(sign for sign, _ in queue)
        assert lots.cost(held) == sum(sign * price for sign, price in queue)
    assert gains == expected
