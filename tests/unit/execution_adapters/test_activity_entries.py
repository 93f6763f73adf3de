"""Activities become entries: ours by their plan, others' without one, and what is no share as the money it moved."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest

from services.execution.adapters.activity_entries import entry_of
from services.execution.adapters.memory_broker import MemoryBroker
from services.execution.adapters.memory_journal import MemoryJournal
from services.execution.adapters.memory_leases import MemoryLeases
from services.execution.domain.broker import Acknowledged, Activity, Asset, Fill, OrderRequest, Payment
from services.execution.domain.ledger_entries import Entry, Executed, Paid
from services.execution.ports import Intent

NOW = dt.datetime(2024, 6, 3, 15, 0, tzinfo=dt.UTC)
NAME = "20240603-abc-SPY-buy-mid-1"
D = Decimal


def booked(activity: Activity, *, is_ours: bool = True) -> Entry | None:
    leases = MemoryLeases()
    broker = MemoryBroker(lambda: NOW, assets=[Asset("SPY", is_tradable=True, is_fractionable=True)])
    journal = MemoryJournal(leases)
    if is_ours:
        fence = leases.take("leg", "a test", 60) or 0
        journal.intend(
            Intent(NAME, "20240603-abc", "20240603-abc-SPY-buy", "SPY", "buy", D(2), D(500), "mid", 1, fence, NOW)
        )
    broker.place(OrderRequest(NAME, "SPY", "buy", D(2), D(500)))
    order = broker.order_by_client_id(NAME)
    assert order is not None
    if isinstance(activity, Fill) and activity.order_id == "the order":
        activity = replace(activity, order_id=order.id)
    if isinstance(activity, Fill) and activity.order_id == "its successor's successor":
        for name in ("by-hand-1", "by-hand-2"):
            new = broker.replace(order.id, client_order_id=name, qty=D(2), limit_price=D(500))
            assert isinstance(new, Acknowledged)
            order = new.order
        activity = replace(activity, order_id=order.id)
    return entry_of(activity, {}, broker, journal)


def test_an_execution_of_ours_names_its_plan() -> None:
    entry = booked(Fill("e1", "the order", "SPY", "buy", D(2), D(500), NOW))
    assert isinstance(entry, Executed)
    assert (entry.plan_id, entry.client_order_id, entry.id.endswith(":e1")) == ("20240603-abc", NAME, True)


def test_an_execution_of_an_order_that_nobody_journalled_is_somebody_elses_whatever_its_name() -> None:
    entry = booked(Fill("e1", "the order", "SPY", "buy", D(2), D(500), NOW), is_ours=False)
    assert isinstance(entry, Executed)
    assert entry.plan_id is None


@pytest.mark.parametrize("symbol", ["MORE1", "BRK.B", "3M", "A1B2.WS"])
def test_whatever_else_the_ticker_looks_like_it_is_a_share(symbol: str) -> None:
    entry = booked(Fill("e1", "elsewhere", symbol, "buy", D(2), D(5), NOW))
    assert isinstance(entry, Executed)
    assert (entry.symbol, entry.qty) == (symbol, D(2))


def test_what_a_person_put_in_the_place_of_our_order_is_of_our_plan_still() -> None:
    entry = booked(Fill("e1", "its successor's successor", "SPY", "buy", D(2), D(500), NOW))
    assert isinstance(entry, Executed)
    assert (entry.plan_id, entry.client_order_id) == ("20240603-abc", "by-hand-2")


@pytest.mark.parametrize(
    ("fill", "amount"),
    [
        (Fill("e1", "o1", "BTC/USD", "buy", D("0.01"), D(60_000), NOW), "-600"),
        (Fill("e2", "o2", "AAPL240621C00190000", "sell", D(2), D("1.5"), NOW), "300"),
        (Fill("e3", "o3", "AAPL1240621C00190000", "buy", D(1), D("1.5"), NOW), "-150"),
    ],
)
def test_what_is_no_share_is_the_money_it_moved(fill: Fill, amount: str) -> None:
    entry = booked(fill)
    assert isinstance(entry, Paid)
    assert (entry.amount, entry.category) == (D(amount), "other")


@pytest.mark.parametrize(
    ("kind", "category"),
    [
        ("FEE", "fee"),
        ("DIV", "income"),
        ("DIVNRA", "income"),
        ("INT", "income"),
        ("CSD", "deposit"),
        ("JNLC", "deposit"),
        ("SPIN", "other"),
    ],
)
def test_a_payment_is_of_the_category_of_its_type(kind: str, category: str) -> None:
    entry = booked(Payment("a1", kind, D("-1.5"), NOW, "SPY"))
    assert isinstance(entry, Paid)
    assert (entry.id, entry.category, entry.amount) == ("a1", category, D("-1.5"))


def test_an_activity_that_moves_nothing_is_no_entry() -> None:
    assert booked(Payment("a1", "SPLIT", D(0), NOW, "SPY")) is None
