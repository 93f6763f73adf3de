"""`alchemiser reconcile`, `pnl` and `export` against execution's real HTTP face."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet
import pytest

from services.execution.adapters.ledger_store import LedgerStore
from services.execution.domain.broker import OrderRequest
from services.execution.domain.ledger_entries import Wanted, WantedLine
from services.execution.ports import Intent
from shared.bus import Outcome
from shared.contracts.base import Side
from tests.integration.cli.house import NOW, Ended, House

Run = Callable[..., Ended]
PLAN = "20240603-abc"


def divided(house: House, qty: str) -> None:
    """A plan that wants so many SPY, two thirds of them for one strategy and one third for another."""
    house.clock.advance(dt.timedelta(seconds=1))
    entry = Wanted(
        id=f"plan:{PLAN}-{qty}",
        at=house.clock.now(),
        plan_id=PLAN,
        lines=(WantedLine(symbol="SPY", target_qty=Decimal(qty), price=Decimal(500), crosses=True),),
        by_strategy={"nuclear": {"SPY": Decimal("0.2")}, "tecl": {"SPY": Decimal("0.1")}},
    )
    store = LedgerStore(house.bus)
    house.bus.commit(Outcome(changes=store.writing(store.in_use() or "", [entry])))


def ours(house: House, side: Side, qty: str, price: str) -> None:
    """An order of that plan, journalled, placed and filled."""
    house.clock.advance(dt.timedelta(seconds=1))
    name, now = f"{PLAN}-SPY-{side}-mid-1", house.clock.now()
    fence = house.leases.take(f"{PLAN}-{side}s", "a test", 60)
    assert fence is not None
    house.journal.intend(
        Intent(name, PLAN, f"{PLAN}-SPY-{side}", "SPY", side, Decimal(qty), Decimal(price), "mid", 1, fence, now)
    )
    house.broker.place(OrderRequest(name, "SPY", side, Decimal(qty), Decimal(price)))
    house.broker.fill(name, Decimal(qty), Decimal(price))


def traded(house: House, alchemiser: Run) -> None:
    assert alchemiser("reconcile").code == 0
    divided(house, "30")
    ours(house, "buy", "30", "500")
    divided(house, "21")
    ours(house, "sell", "9", "510")
    assert alchemiser("reconcile").code == 0


def test_reconcile_opens_the_books_and_says_what_differed_and_what_was_done(house: House, alchemiser: Run) -> None:
    ended = alchemiser("reconcile")
    assert (ended.code, ended.err) == (0, "")
    assert "What differed: nothing" in ended.out
    house.broker.place(OrderRequest("by-hand", "SPY", "buy", Decimal(3), Decimal(500)))
    house.broker.fill("by-hand", Decimal(2), Decimal(500))
    house.broker.pay("FEE", Decimal("-0.02"))
    ended = alchemiser("reconcile", "--json")
    assert ended.code == 0
    told = {(f["what"], f["done"]) for f in json.loads(ended.out)["findings"]}
    assert told == {
        ("foreign order", "left alone"),
        ("foreign trade", "booked as foreign"),
        ("payment", "booked as fee"),
        ("foreign position", "left alone"),
    }
    assert "by-hand" in alchemiser("reconcile", "--last").out


def test_a_difference_is_1_until_a_person_takes_the_brokers_word_with_a_reason(house: House, alchemiser: Run) -> None:
    alchemiser("reconcile")
    house.broker.hold("SPY", Decimal(5), Decimal(400))
    ended = alchemiser("reconcile")
    assert ended.code == 1
    assert "ours 0, the broker's 5" in ended.out
    assert "the books and the broker differ: SPY" in ended.err
    without = alchemiser("reconcile", "--accept", "spy")
    assert without.code == 2
    assert "expected a reason" in without.err
    ended = alchemiser("reconcile", "--accept", "spy", "--reason", "moved here from another broker")
    assert ended.code == 0
    assert "accepted, difference" in ended.out
    again = alchemiser("reconcile", "--accept", "spy", "--reason", "once more")
    assert (again.code, "nothing was decided" in again.err) == (1, True)
    ended = alchemiser("reconcile", "--adopt", "all", "--reason", "trade it")
    assert "handed to the portfolio" in ended.out
    assert "foreign position" not in alchemiser("reconcile").out


def test_accepting_and_adopting_need_the_token(house: House, alchemiser: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALCHEMISER_HTTP_TOKEN", "another-token-of-somebody")
    assert alchemiser("reconcile").code == 4
    assert house.bookkeeper.books.ledger.quantities() == {}


def test_pnl_by_strategy_symbol_and_day_sums_to_what_the_account_made(house: House, alchemiser: Run) -> None:
    traded(house, alchemiser)
    told = {by: json.loads(alchemiser("pnl", "--by", by, "--json").out) for by in ("strategy", "symbol", "day")}
    rows = {row["key"]: (Decimal(row["realised"]), Decimal(row["unrealised"])) for row in told["strategy"]["rows"]}
    assert rows == {"nuclear": (60, 140), "tecl": (30, 70)}
    assert [row["key"] for row in told["symbol"]["rows"]] == ["SPY"]
    assert [row["key"] for row in told["day"]["rows"]] == ["2024-06-03"]
    for answer in told.values():
        assert Decimal(answer["total"]["total"]) == 300
        assert Decimal(answer["worth"]) == Decimal(answer["put_in"]) + 300
        assert Decimal(answer["cash"]) == house.broker.cash
    shown = alchemiser("pnl").out
    assert "nuclear" in shown
    assert "140.00" in shown


def test_pnl_of_another_time_has_nothing_realised(house: House, alchemiser: Run) -> None:
    traded(house, alchemiser)
    answer = json.loads(alchemiser("pnl", "--to", "2024-06-02", "--json").out)
    assert Decimal(answer["total"]["realised"]) == 0
    assert alchemiser("pnl", "--from", "yesterday").code == 2


def test_pnl_before_the_books_are_open_is_3(house: House, alchemiser: Run) -> None:
    house.bookkeeper.books.ledger.opened = None
    ended = alchemiser("pnl")
    assert (ended.code, "not open yet" in ended.err) == (3, True)


def test_fills_are_exported_with_each_strategys_part(house: House, alchemiser: Run, tmp_path: Path) -> None:
    traded(house, alchemiser)
    ended = alchemiser("export", "--out", str(tmp_path / "fills.csv"))
    assert (ended.code, "4 fills" in ended.out) == (0, True)
    with (tmp_path / "fills.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["strategy"], row["side"], row["qty"], row["price"]) for row in rows] == [
        ("nuclear", "buy", "20", "500"),
        ("tecl", "buy", "10", "500"),
        ("nuclear", "sell", "6", "510"),
        ("tecl", "sell", "3", "510"),
    ]
    assert {row["plan_id"] for row in rows} == {PLAN}


def test_lots_are_the_accounts_for_taxes_and_the_strategies_when_asked_for(
    house: House, alchemiser: Run, tmp_path: Path
) -> None:
    traded(house, alchemiser)
    out = tmp_path / "lots.parquet"
    assert alchemiser("export", "--kind", "lots", "--out", str(out)).code == 0
    [lot] = pyarrow.parquet.read_table(out).to_pylist()
    assert (lot["strategy"], lot["qty"], lot["cost_basis"], lot["proceeds"], lot["gain"]) == (
        "account",
        9,
        4500,
        4590,
        90,
    )
    assert (lot["term"], lot["closed"].date()) == ("short", NOW.date())
    assert alchemiser("export", "--kind", "lots", "--of", "strategies", "--out", str(out)).code == 0
    found = pyarrow.parquet.read_table(out).to_pylist()
    assert [(lot["strategy"], lot["gain"]) for lot in found] == [("nuclear", 60), ("tecl", 30)]
    assert alchemiser("export", "--kind", "lots", "--to", "2024-06-01", "--out", str(out)).code == 0
    assert pyarrow.parquet.read_table(out).num_rows == 0


def test_export_refuses_a_name_it_does_not_know_and_a_place_it_cannot_write_to(
    house: House, alchemiser: Run, tmp_path: Path
) -> None:
    assert alchemiser("export", "--out", str(tmp_path / "lots.xlsx")).code == 2
    assert alchemiser("reconcile").code == 0
    ended = alchemiser("export", "--out", str(tmp_path / "missing" / "fills.csv"))
    assert (ended.code, "No such file" in ended.err) == (1, True)
