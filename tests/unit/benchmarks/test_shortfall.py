"""The replay venue's rules, what the table makes of them, and what is counted: by hand, on five bars."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from benchmarks.shortfall import workers
from benchmarks.shortfall_desk import Ours
from benchmarks.shortfall_replay import Documented, Parent, Rules, Worked, market_on_arrival
from benchmarks.shortfall_report import DEFAULT, DOCUMENTED, MARKET, verdicts
from benchmarks.shortfall_report import Line as Row
from benchmarks.shortfall_statistics import Estimate, estimate
from benchmarks.shortfall_tape import NEVER_ABOVE, NEVER_BELOW, Tape, price
from benchmarks.shortfall_venue import Fate, Side, VenueOrder, advance, fate
from services.execution.domain import costs

BID, ASK, CENT = 1_000_000, 1_000_100, 100
PESSIMIST = Rules(horizon=120, latency=0, counts_undecided=False)
OPTIMIST = Rules(horizon=120, latency=0, counts_undecided=True)


def a_tape(
    bars: int = 400,
    *,
    asks: dict[int, int] | None = None,
    trades: dict[int, int] | None = None,
    size: int = 1000,
    spread: int = CENT,
) -> Tape:
    """Bid 100.00 and ask a spread above throughout; `asks` sets the ask from an instant on, `trades` one price in one bar."""
    ask = [BID + spread] * (bars + 1)
    for instant, level in (asks or {}).items():
        ask[instant:] = [level] * (bars + 1 - instant)
    bid = [min(BID, level - CENT) if asks else BID for level in ask]
    traded = trades or {}
    return Tape(
        symbol="SPY",
        begin=dt.datetime(2013, 10, 7, 13, 30, tzinfo=dt.UTC),
        bar_seconds=1,
        bid=bid,
        bid_size=[size] * (bars + 1),
        ask=ask,
        ask_size=[size] * (bars + 1),
        bid_high=[max(bid[k], bid[k + 1]) for k in range(bars)],
        ask_low=[min(ask[k], ask[k + 1]) for k in range(bars)],
        trade_low=[traded.get(k, NEVER_BELOW) for k in range(bars)],
        trade_high=[traded.get(k, NEVER_ABOVE) for k in range(bars)],
        volume=[500 if k in traded else 0 for k in range(bars)],
    )


@pytest.mark.parametrize(
    ("side", "limit", "trade", "expected"),
    [
        ("buy", BID, None, Fate.SURELY_NOT),
        ("buy", BID, BID + CENT, Fate.SURELY_NOT),
        ("buy", BID, BID, Fate.UNDECIDED),
        ("buy", BID, BID - 1, Fate.SURE),
        ("buy", ASK, None, Fate.SURE),
        ("sell", ASK, None, Fate.SURELY_NOT),
        ("sell", ASK, ASK - CENT, Fate.SURELY_NOT),
        ("sell", ASK, ASK, Fate.UNDECIDED),
        ("sell", ASK, ASK + 1, Fate.SURE),
        ("sell", BID, None, Fate.SURE),
    ],
)
def test_a_resting_order_fills_surely_surely_not_or_nobody_knows(
    side: Side, limit: int, trade: int | None, expected: Fate
) -> None:
    tape = a_tape(5, trades={} if trade is None else {2: trade})

    assert fate(tape, 2, side, limit) is expected


def test_an_undecided_bar_fills_only_where_it_is_counted_and_is_remembered() -> None:
    tape = a_tape(5, trades={2: BID})
    left, taken = (VenueOrder("buy", 100, BID, reaches=0) for _ in range(2))

    assert advance(tape, left, 5, counts_undecided=False) is None
    fill = advance(tape, taken, 5, counts_undecided=True)

    assert fill is not None
    assert (fill.instant, fill.qty, fill.price, fill.was_resting) == (3, 100, BID, True)
    assert left.was_undecided
    assert taken.was_undecided


def test_what_happens_before_an_order_reaches_the_market_never_fills_it() -> None:
    tape = a_tape(5, trades={1: BID - CENT})

    assert advance(tape, VenueOrder("buy", 100, BID, reaches=2), 5, counts_undecided=True) is None
    assert advance(tape, VenueOrder("buy", 100, BID, reaches=1), 5, counts_undecided=True) is not None


def test_a_marketable_order_takes_what_is_displayed_and_the_rest_waits_for_the_next_quote() -> None:
    tape, order = a_tape(5, size=40), VenueOrder("buy", 100, ASK + 20 * CENT, reaches=1)

    fills = [advance(tape, order, 5, counts_undecided=False) for _ in range(3)]

    assert [(f.instant, f.qty, f.price) for f in fills if f] == [(1, 40, ASK), (2, 40, ASK), (3, 20, ASK)]


def test_a_resting_order_gets_no_more_than_came_against_it_and_its_own_price() -> None:
    tape, order = a_tape(5, trades={2: BID - CENT}), VenueOrder("buy", 800, BID, reaches=0)

    fill = advance(tape, order, 5, counts_undecided=False)

    assert fill is not None
    assert (fill.qty, fill.price) == (500, BID)


def test_a_market_order_meets_the_quote_after_the_latency_and_not_the_one_it_saw() -> None:
    tape = a_tape(asks={11: ASK + 3 * CENT})

    worked = market_on_arrival(tape, Parent("buy", 100, 10), Rules(horizon=60, latency=1, counts_undecided=False))

    assert worked.paid == 100 * (ASK + 3 * CENT)
    assert worked.shortfall(tape) == pytest.approx(3.5)


def test_what_is_unfilled_at_the_horizon_costs_the_far_side_then() -> None:
    tape = a_tape(asks={20: ASK + 10 * CENT})

    closed = Worked(Parent("buy", 100, 10)).closed(tape, 60)

    assert closed.paid == 100 * (ASK + 10 * CENT)
    assert closed.filled == 0


@pytest.mark.parametrize("spread", [1, 2, 3, 5])
def test_the_documented_ladder_has_one_price_on_the_penny_grid(spread: int) -> None:
    tape = a_tape(5, spread=spread * CENT)

    assert len({Documented.limit(tape, "buy", 1, percent) for percent in (0, 10, 20, 30)}) == 1


def test_the_documented_buy_at_one_cent_is_the_ask_already() -> None:
    assert Documented.limit(a_tape(5), "buy", 1, 0) == ASK


def test_our_table_joins_the_near_side_at_one_cent_and_crosses_when_patience_ends() -> None:
    tape = a_tape()

    worked = workers()[DEFAULT](tape, Parent("buy", 100, 10), PESSIMIST)

    assert (worked.paid, worked.rested, worked.filled) == (100 * ASK, 0, 100)
    assert worked.ended > 20


def test_our_table_takes_a_resting_fill_and_ends_there() -> None:
    tape = a_tape(trades={14: BID - CENT})

    worked = workers()[DEFAULT](tape, Parent("buy", 100, 10), PESSIMIST)

    assert (worked.paid, worked.rested, worked.ended, worked.requests) == (100 * BID, 100, 15, 1)


@pytest.mark.parametrize("name", [MARKET, DOCUMENTED, DEFAULT])
@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("latency", [0, 1, 2])
def test_every_share_is_filled_once_whatever_the_latency_and_however_small_the_sizes(
    name: str, side: Side, latency: int
) -> None:
    tape = a_tape(trades=dict.fromkeys(range(12, 40, 3), BID), size=30)

    for rules in (PESSIMIST, OPTIMIST):
        asked = Rules(rules.horizon, latency, rules.counts_undecided)
        worked = workers()[name](tape, Parent(side, 100, 10), asked)

        assert worked.filled == 100
        assert BID * 100 <= worked.paid <= ASK * 100


def test_a_finer_price_than_the_tape_knows_is_refused() -> None:

    with pytest.raises(ValueError, match=re.escape("at most four decimals, got 1.00001")):
        price(Decimal("1.00001"))


def test_the_interval_holds_the_mean_repeats_and_is_wider_for_neighbours_that_move_together() -> None:
    arrivals = np.arange(2000) * 11
    alone = np.random.default_rng(3).normal(size=2000)
    together = np.repeat(np.random.default_rng(3).normal(size=200), 10)

    narrow, wide = estimate(alone, arrivals, 1), estimate(together, arrivals, 1)

    assert narrow == estimate(alone, arrivals, 1)
    assert narrow.low < narrow.mean < narrow.high
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_a_difference_whose_interval_touches_zero_proves_nothing() -> None:
    better, unsure = Estimate(-0.2, -0.3, -0.1), Estimate(-0.2, -0.5, 0.1)
    row = Row("SPY", DEFAULT, "undecided are fills", better, better, better, unsure, {})

    assert verdicts([row], DEFAULT) == [
        "SPY; undecided are fills: against documented ladder -0.200 [-0.500, +0.100] bps"
    ]


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("horizon", [5, 60])
def test_the_desks_own_costs_count_as_the_benchmark_does(side: Side, horizon: int) -> None:
    """Paid in place of the market order, the rest at the far side at the end: the same dollars, filled or not."""
    tape, rules = a_tape(asks={3: ASK + 300, 40: ASK + 500}, spread=300), Rules(horizon, 0, counts_undecided=False)
    worker = workers()[DEFAULT]
    assert isinstance(worker, Ours)
    desk = worker.desk(tape, Parent(side, 100, 10), rules)
    worked = desk.worked()
    order = replace(desk.order, ended=tape.quote(10 + horizon))
    found = costs.of_order(order)
    assert found.market_on_arrival is not None
    assert found.saved is not None
    assert float(found.market_on_arrival.dollars - found.saved.dollars) == pytest.approx(worked.shortfall(tape))
