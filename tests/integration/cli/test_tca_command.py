"""`alchemiser tca` against execution's real HTTP face: records of a rebalance that was really worked and measured."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.execution.adapters.cost_measurer import CostMeasurer
from services.execution.adapters.cost_store import CostStore
from services.execution.adapters.leadership import Leadership
from services.execution.adapters.quotes_seen import QuotesSeen
from services.execution.domain import records
from shared.bus import Outcome, Put
from shared.clock import ManualClock
from tests.integration.cli.house import Ended, House
from tests.integration.execution.trading_room import FixedQuotes, TradingRoom

Run = Callable[..., Ended]
PRICES = {"SPY": ("500.00", "500.02"), "OLD": ("10.00", "10.02")}


@pytest.fixture(scope="module")
def worked() -> TradingRoom:
    """1,000 OLD sold and SPY bought, both at the touch, and measured a minute later at unchanged quotes."""
    room = TradingRoom(PRICES, held={"OLD": "1000"}, cash="5000")
    room.target(SPY="0.5")
    room.run()
    clock = ManualClock(room.clock.now())
    store = CostStore(room.bus, room.book, clock, 60)
    quotes = QuotesSeen(FixedQuotes(clock, PRICES), 60)  # type: ignore[arg-type] # any clock will do
    parts: tuple[Any, ...] = (room.bus, room.book, store, quotes)
    measurer = CostMeasurer(*parts, clock=clock, leadership=Leadership(room.leases, "costs", 10), after_seconds=60)
    for _ in range(3):
        measurer.step()
        measurer.look()
        clock.advance(dt.timedelta(seconds=40))
    assert len(store.measured()) == 2
    return room


@pytest.fixture
def filled(house: House, worked: TradingRoom) -> House:
    for key in (records.COSTS, records.ORDERS):
        puts = (Put(key, name, raw) for name, raw in worked.bus.get_all(key).items())
        house.bus.commit(Outcome(changes=tuple(puts)))
    return house


def test_every_order_has_a_line_and_the_total_says_what_was_saved(filled: House, alchemiser: Run) -> None:
    ended = alchemiser("tca")
    assert ended.code == 0
    for part in (
        "2 orders",
        "sell OLD",
        "buy SPY",
        "step2",
        "seconds",
        "total",
        "all at market on arrival",
        "saved against that +0.00 bps",
    ):
        assert part in ended.out
    assert "not wholly known" not in ended.out
    assert "2 orders measured from the plan: no strategy told a price to decide with" in ended.out


@pytest.mark.parametrize(
    ("by", "parts"),
    [("symbol", ["OLD", "SPY"]), ("side", ["sell", "buy"]), ("rung", ["step2", "seconds"]), ("day", ["2024-06-03"])],
)
def test_lines_are_what_is_asked_for(filled: House, alchemiser: Run, by: str, parts: list[str]) -> None:
    out = alchemiser("tca", "--by", by).out
    assert all(part in out for part in parts)


def test_lines_that_are_left_out_are_counted(filled: House, alchemiser: Run) -> None:
    assert "1 more; the total counts them" in alchemiser("tca", "-n", "1").out


def test_json_is_what_the_service_answered(filled: House, alchemiser: Run) -> None:
    found = json.loads(alchemiser("tca", "--json").out)
    assert {order["symbol"] for order in found["measured"]} == {"OLD", "SPY"}
    assert found["measured"][0]["costs"]["unknown"] == []
    assert found["measured"][0]["fills"][0]["realised"]["dollars"]


def test_one_plan_and_some_days(filled: House, alchemiser: Run) -> None:
    plan = next(iter(filled.bus.get_all(records.COSTS))).rsplit("-", 2)[0]
    assert "2 orders" in alchemiser("tca", "--plan", plan).out
    assert "2 orders" in alchemiser("tca", "--from", "2024-06-03", "--to", "2024-06-03").out
    for nothing in (("--plan", "another"), ("--from", "2024-06-04"), ("--to", "2024-06-02")):
        assert "no order has been measured yet" in alchemiser("tca", *nothing).out


def test_an_order_says_how_many_seconds_it_took_and_the_total_does_not(
    filled: House, alchemiser: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    ended = alchemiser("tca").out
    orders = json.loads(alchemiser("tca", "--json").out)["measured"]
    assert len(orders) == 2
    for order in orders:
        took = dt.datetime.fromisoformat(order["ended_at"]) - dt.datetime.fromisoformat(order["arrived_at"])
        line = next(line for line in ended.splitlines() if f"{order['side']} {order['symbol']}" in line)
        assert line.partition(order["symbol"])[2].split()[:2] == ["step2", f"{took.total_seconds():.1f}"]
    [total] = [line.split() for line in ended.splitlines() if line.split()[:1] == ["total"]]
    assert "," in total[1], "dollars come first"


def test_a_narrow_window_leaves_columns_out_and_says_which(
    filled: House, alchemiser: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "90")
    out = alchemiser("tca").out
    assert "a wider window shows also: seconds" in " ".join(out.split())
    line = next(line for line in out.splitlines() if "sell OLD" in line)
    assert line.split()[-1] == "0.00", "what was saved stays, on the same line"


@pytest.mark.parametrize("suffix", [".svg", ".html"])
def test_it_is_drawn_into_one_file(filled: House, alchemiser: Run, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"costs{suffix}"
    assert alchemiser("tca", "--by", "rung", "--out", str(out)).code == 0
    drawn = out.read_text()
    assert "sell OLD" in drawn
    assert "href" not in drawn


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--from", "yesterday"), 2, "--from: expected a date as 2024-06-03, got 'yesterday'"),
        (("--from", "2024-06-04", "--to", "2024-06-03"), 2, "from"),
        (("--by", "colour"), 2, "colour"),
        (("--out", "costs.pdf"), 2, "expected a name that ends in .svg, .html or .png"),
        (("--out", "no/such/folder/costs.svg"), 1, "cannot be written"),
        (("--plan", "another", "--out", "costs.svg"), 1, "there is no order to draw"),
    ],
)
def test_what_cannot_be_done_says_why(
    filled: House, alchemiser: Run, arguments: tuple[str, ...], code: int, says: str
) -> None:
    ended = alchemiser("tca", *arguments)
    assert ended.code == code
    assert says in ended.err
