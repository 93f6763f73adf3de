"""The table of policies, what their words choose, and what each of them does at the rungs that differ from the plain ladder."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest

from services.execution.domain import ladder, smart_order
from services.execution.domain.broker import BrokerOrder, BrokerUpdate, Status
from services.execution.domain.ladder import Policy, Rung, lean, price, spread_ticks
from services.execution.domain.order_events import Cancel, Hurried, Place, Placed, Tick, Updated
from services.execution.domain.order_state import Phase, SmartOrder
from services.execution.domain.policies import POLICIES, REASONS, URGENCIES, Choice, Terms, chosen, named
from services.execution.domain.slices import Slicing
from shared.contracts.base import Side
from shared.contracts.marketdata import Quote
from tests.chaos.machine import an_order
from tests.unit.execution.builders import NOW, a_quote, seconds

WHOLE_MARKET = Terms(leaves_at_lean=Decimal("0.7"))


class Life:
    """An order at a venue that takes and cancels at once and fills only when told to."""

    def __init__(self, policy: Policy, order: SmartOrder | None = None) -> None:
        self.policy, self.now = policy, NOW
        self.order = replace(order or an_order(), started_at=NOW, wake_at=NOW, close_at=NOW + dt.timedelta(hours=6))
        self.placed: list[Place] = []
        self.rungs: list[str] = []

    def tick(self, quote: Quote, after: float = 0) -> Life:
        self.now += seconds(after)
        for _ in range(3):  # a cancel, its end, the next child
            step = smart_order.step(self.order, Tick(quote), self.now, self.policy)
            self.order = step.order
            for command in step.commands:
                if isinstance(command, Place):
                    self._take(command)
                if isinstance(command, Cancel):
                    self._hear(self._word(Status.CANCELED), "canceled")
        return self

    def fill(self) -> Life:
        live = self.order.live
        assert live is not None
        self._hear(self._word(Status.FILLED, live.qty), "fill")
        return self

    @property
    def prices(self) -> list[Decimal | None]:
        return [place.request.limit_price for place in self.placed]

    @property
    def sizes(self) -> list[Decimal]:
        return [place.request.qty for place in self.placed]

    def _take(self, place: Place) -> None:
        self.placed.append(place)
        self.rungs.append(place.rung)
        self.order = smart_order.step(self.order, Placed(self._word(Status.NEW)), self.now, self.policy).order

    def _hear(self, word: BrokerOrder, event: str) -> None:
        update = BrokerUpdate(event, self.now, word)
        self.order = smart_order.step(self.order, Updated(update), self.now, self.policy).order

    def _word(self, status: Status, filled: Decimal = Decimal(0)) -> BrokerOrder:
        request = self.placed[-1].request
        return BrokerOrder(
            f"b-{request.client_order_id}",
            request.client_order_id,
            request.symbol,
            request.side,
            request.qty,
            filled,
            request.limit_price if filled else None,
            status,
            request.limit_price,
            self.now,
        )


@pytest.mark.parametrize(
    ("name", "rungs"),
    [
        ("patient", ["near", "mid", "take"]),
        ("passive", ["join", "take"]),
        ("mid", ["mid", "take"]),
        ("peg", ["mid", "take"]),
        ("ladder", ["mid", "step1", "step2", "take"]),
        ("spread", ["mid", "part25", "part50", "part75", "take"]),
        ("close", ["join", "take"]),
        ("take", ["take"]),
    ],
)
def test_every_policy_has_its_rungs_and_ends_with_a_collared_limit(name: str, rungs: list[str]) -> None:
    assert [rung.name for rung in named(name, Terms()).rungs] == rungs
    assert [rung.kind for rung in named(name, Terms(allows_naked_market=True)).rungs][-2:] == ["take", "market"]


def test_the_table_above_is_all_there_is() -> None:
    assert set(POLICIES) == {"patient", "passive", "mid", "peg", "ladder", "spread", "close", "take"}


def test_a_name_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(ValueError, match=r"policy: expected one of patient, passive.*got 'greedy'"):
        named("greedy", Terms())
    with pytest.raises(ValueError, match="urgency: expected one of passive, normal, urgent, got 'panic'"):
        named("peg", Terms(urgency="panic"))


def test_urgency_doubles_the_patience_or_leaves_none() -> None:
    normal, passive = named("patient", Terms()), named("patient", Terms(urgency="passive"))
    assert [rung.patience_seconds for rung in passive.rungs[:2]] == [2 * r.patience_seconds for r in normal.rungs[:2]]
    assert [rung.name for rung in named("patient", Terms(urgency="urgent")).rungs] == ["take"]


def test_nobody_gives_up_before_the_marketable_rung() -> None:
    for name in POLICIES:
        policy = named(name, Terms(patience_seconds=3600, urgency="passive"))
        assert policy.give_up_seconds > sum(rung.patience_seconds for rung in policy.rungs[:-1])


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("patient", ("buy", "enter"), "patient"),
        ("patient,sell=take", ("sell", "exit"), "take"),
        ("patient,sell=take", ("buy", "enter"), "patient"),
        ("patient,sell=take,exit=peg", ("sell", "exit"), "peg"),
        ("patient,exit=peg,sell=take", ("sell", "trim"), "take"),
    ],
)
def test_a_reason_wins_over_a_side_and_a_side_over_the_rest(text: str, kind: tuple[Side, str], expected: str) -> None:
    assert Choice.parse(text, tuple(POLICIES)).of(*kind) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected one of patient.*got ''"),
        ("greedy", "expected one of patient.*got 'greedy'"),
        ("patient,sell=greedy", "got 'greedy'"),
        ("patient,short=take", "got 'short=take'"),
        ("patient,sell", "got 'sell'"),
        ("patient,sell=peg,sell=take", "got 'sell=take'"),
    ],
)
def test_what_cannot_be_read_names_what_is_expected(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Choice.parse(text, tuple(POLICIES))


def test_an_order_gets_its_policy_by_side_and_by_the_reason_of_the_plan() -> None:
    policies = chosen(
        Choice.parse("patient,trim=passive", tuple(POLICIES)), Choice.parse("normal,exit=urgent", URGENCIES), Terms()
    )

    def first(side: Side, reason: str) -> str:
        return policies.of(side, reason).rungs[0].name

    assert first("sell", REASONS["exit"]) == "take"
    assert first("sell", REASONS["trim"]) == "join"
    assert first("buy", f"{REASONS['add']}; shrunk to the cash there is") == "near"
    assert first("sell", "for a reason nobody knows") == "near"


@pytest.mark.parametrize(
    ("bid", "ask", "side", "expected"),
    [
        ("100.00", "100.01", "buy", ["100.00", "100.00"]),
        ("100.00", "100.03", "buy", ["100.00", "100.01"]),
        ("100.00", "100.03", "sell", ["100.03", "100.02"]),
        ("100.00", "100.10", "buy", ["100.03", "100.05"]),
        ("100.00", "100.10", "sell", ["100.07", "100.05"]),
    ],
)
def test_patient_begins_nearer_its_own_side_than_the_midpoint(
    bid: str, ask: str, side: Side, expected: list[str]
) -> None:
    rungs = named("patient", Terms()).rungs[:2]
    assert [str(price(rung, a_quote(bid=bid, ask=ask), side, Decimal(20))) for rung in rungs] == expected


@pytest.mark.parametrize(("side", "expected"), [("buy", Decimal("100.00")), ("sell", Decimal("100.10"))])
def test_join_rests_at_the_near_side(side: Side, expected: Decimal) -> None:
    assert price(Rung("join", "join", 1), a_quote(), side, Decimal(20)) == expected


def test_a_peg_follows_the_quote_by_whole_ticks_and_keeps_its_patience() -> None:
    life = Life(named("peg", Terms(patience_seconds=10))).tick(a_quote())
    life.tick(a_quote(), after=10)
    assert life.prices == [Decimal("100.05")], "the same price keeps its place in the queue"
    life.tick(a_quote(bid="100.10", ask="100.20"), after=5)
    assert life.prices == [Decimal("100.05"), Decimal("100.15")]
    life.tick(a_quote(bid="100.20", ask="100.30"), after=5)
    assert len(life.prices) == 2, "it stands for a turn before it moves again"
    life.tick(a_quote(bid="100.20", ask="100.30"), after=5)
    assert life.prices[-1] == Decimal("100.25")
    assert life.rungs == ["mid"] * 3
    life.tick(a_quote(bid="100.20", ask="100.30"), after=35)
    assert life.rungs == ["mid", "mid", "mid", "take"], "patience ends a minute after the first price"


def test_the_midpoint_as_it_was_does_not_follow() -> None:
    life = Life(named("mid", Terms(patience_seconds=10))).tick(a_quote())
    life.tick(a_quote(bid="101", ask="101.10"), after=50)
    assert life.rungs == ["mid"]
    life.tick(a_quote(bid="101", ask="101.10"), after=10)
    assert life.rungs == ["mid", "take"]


@pytest.mark.parametrize(
    ("ask", "rungs"),
    [
        ("100.01", ["mid", "take"]),
        ("100.03", ["mid", "take"]),
        ("100.04", ["mid", "part50", "take"]),
        ("100.08", ["mid", "part25", "part50", "part75", "take"]),
    ],
)
def test_the_wider_the_spread_the_more_steps(ask: str, rungs: list[str]) -> None:
    life, quote = Life(named("spread", Terms(patience_seconds=10))), a_quote(ask=ask)
    life.tick(quote)
    for _ in range(5):
        life.tick(quote, after=10)
    assert life.rungs == rungs
    assert len(set(life.prices)) == len(rungs), "no two steps are the same price"


LEANING = {"bid": "100.00", "ask": "100.01", "bid_size": 900, "ask_size": 100}


def test_at_one_cent_a_queue_that_leans_against_the_order_is_crossed_at_once() -> None:
    assert Life(named("patient", WHOLE_MARKET)).tick(a_quote(**LEANING)).rungs == ["take"]
    life = Life(named("patient", WHOLE_MARKET)).tick(a_quote(ask="100.01"))
    assert life.rungs == ["near"]
    assert life.tick(a_quote(**LEANING), after=1).rungs == ["near", "take"]


def test_it_is_waited_where_it_leans_the_other_way_where_the_spread_is_wide_and_where_sizes_say_little() -> None:
    for_us = LEANING | {"bid_size": 100, "ask_size": 900}
    wide = LEANING | {"ask": "100.02"}
    assert Life(named("patient", WHOLE_MARKET)).tick(a_quote(**for_us)).rungs == ["near"]
    assert Life(named("patient", WHOLE_MARKET)).tick(a_quote(**wide)).rungs == ["near"]
    assert Life(named("patient", Terms())).tick(a_quote(**LEANING)).rungs == ["near"]


@pytest.mark.parametrize(
    ("bid_size", "ask_size", "side", "expected"),
    [(900, 100, "buy", "0.8"), (900, 100, "sell", "-0.8"), (0, 0, "buy", "0"), (0, 500, "sell", "1")],
)
def test_lean_is_counted_against_who_trades(bid_size: int, ask_size: int, side: Side, expected: str) -> None:
    assert lean(a_quote(bid_size=bid_size, ask_size=ask_size), side) == Decimal(expected)


def test_a_spread_is_counted_in_steps_of_its_grid() -> None:
    assert spread_ticks(a_quote(bid="100.00", ask="100.03")) == 3
    assert spread_ticks(a_quote(bid="0.5000", ask="0.5003")) == 3
    assert spread_ticks(a_quote(bid="0.5000", ask="0.5100"), coarse=True) == 1


def test_patience_is_shortened_to_the_time_before_the_deadline() -> None:
    policy = named("patient", Terms(patience_seconds=10, deadline_seconds_before_close=60))
    life = Life(policy)
    life.order = replace(life.order, close_at=NOW + seconds(60 + 30))
    life.tick(a_quote())
    assert life.tick(a_quote(), after=9.9).rungs == ["near"]
    assert life.tick(a_quote(), after=0.2).rungs == ["near", "mid"]
    assert life.tick(a_quote(), after=19.7).rungs == ["near", "mid"]
    assert life.tick(a_quote(), after=0.3).rungs == ["near", "mid", "take"]


def test_close_waits_for_the_deadline_and_no_longer() -> None:
    life = Life(named("close", Terms(deadline_seconds_before_close=300)))
    life.tick(a_quote()).tick(a_quote(), after=6 * 3600 - 301)
    assert life.rungs == ["join"]
    assert life.tick(a_quote(), after=1).rungs == ["join", "take"]


def test_a_large_order_is_worked_in_equal_slices_over_time() -> None:
    life = Life(named("take", Terms(slicing=Slicing(Decimal(3500), every_seconds=30))))
    life.tick(a_quote()).fill().tick(a_quote())
    assert life.sizes == [Decimal("33.333333")]
    life.tick(a_quote(), after=29)
    assert len(life.sizes) == 1
    life.tick(a_quote(), after=1).fill().tick(a_quote(), after=30).fill()
    assert life.sizes == [Decimal("33.333333"), Decimal("33.333333"), Decimal("33.333334")]
    assert life.order.phase is Phase.DONE
    assert life.order.filled == life.order.total


def test_each_slice_climbs_the_policy_anew() -> None:
    life = Life(named("mid", Terms(patience_seconds=10, slicing=Slicing(Decimal(6000), every_seconds=30))))
    life.tick(a_quote()).tick(a_quote(), after=60).fill().tick(a_quote())
    assert life.rungs == ["mid", "take", "mid"]


def test_a_slice_is_no_more_than_a_share_of_what_is_displayed() -> None:
    life = Life(named("take", Terms(slicing=Slicing(shown_share=Decimal("0.2")))))
    life.tick(a_quote(ask_size=150))
    assert life.sizes == [30]


def test_a_slice_is_no_more_than_a_share_of_what_usually_trades_in_its_time() -> None:
    policy = named("take", Terms(slicing=Slicing(volume_share=Decimal("0.1"), every_seconds=30)))
    life = Life(policy, an_order(usual_volume=Decimal(234_000)))
    life.tick(a_quote())
    assert life.sizes == [30]
    assert Life(policy).tick(a_quote()).sizes == [100], "what is not known bounds nothing"


def test_the_deadline_ends_the_slices() -> None:
    life = Life(named("take", Terms(slicing=Slicing(Decimal(1000), every_seconds=30))))
    life.order = replace(life.order, close_at=NOW + seconds(200))
    life.tick(a_quote()).fill().tick(a_quote(), after=80)
    assert life.sizes[-1] == life.order.total - life.sizes[0]


def test_in_a_hurry_only_the_last_rung_is_left_for_all_there_is() -> None:
    life = Life(named("close", Terms(slicing=Slicing(Decimal(1000)))))
    life.tick(a_quote())
    life.order = smart_order.step(life.order, Hurried(), life.now, life.policy).order
    assert smart_order.is_due(life.order, life.now), "at once, not at its next look"
    life.tick(a_quote())
    assert life.rungs == ["join", "take"]
    assert life.sizes[-1] == life.order.total


def test_a_hurry_asks_nothing_of_an_order_in_doubt() -> None:
    life = Life(named("patient", Terms())).tick(a_quote())
    for phase in (Phase.PLACING, Phase.CANCELLING, Phase.UNKNOWN):
        order = replace(life.order, phase=phase)
        step = smart_order.step(order, Hurried(), life.now, life.policy)
        assert step.commands == ()
        assert step.order == replace(order, is_hurried=True)


def test_an_order_out_of_requests_follows_no_more() -> None:
    life = Life(named("peg", Terms(patience_seconds=10)), an_order(moves=1))
    life.tick(a_quote()).tick(a_quote(bid="100.10", ask="100.20"), after=20)
    assert life.rungs == ["mid"]
    assert life.tick(a_quote(bid="100.10", ask="100.20"), after=40).rungs == ["mid", "take"]


def test_how_many_prices_an_order_may_want_is_known_beforehand() -> None:
    assert named("take", Terms()).moves(Decimal(1000)) == 0
    assert named("ladder", Terms()).moves(Decimal(1000)) == 3
    assert named("patient", Terms()).moves(Decimal(1000)) == 2 + 1 + 3
    assert named("take", Terms(slicing=Slicing(Decimal(400)))).moves(Decimal(1000)) == 2
    assert ladder.standard(steps=0).moves(Decimal(1)) == 1
