"""Whatever the market does and however words get lost: no policy pays beyond its collar, crosses early, or forgets the deadline."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.execution.domain import grid, ladder, smart_order
from services.execution.domain.ladder import Policy
from services.execution.domain.order_events import Cancel, Event, Place, Tick
from services.execution.domain.order_next import urgent_from
from services.execution.domain.order_state import Phase, SmartOrder
from services.execution.domain.order_step import Step
from services.execution.domain.policies import POLICIES, Terms, named
from services.execution.domain.slices import Slicing
from shared.contracts.base import Side
from shared.contracts.marketdata import Quote
from tests.chaos.machine import an_order, judge
from tests.chaos.unreliable_venue import START, Faults, Run

COLLAR = Decimal(20)
_faults = st.sampled_from(
    [Faults(fill=0.05, whole_fill=0.05), Faults(fill=0.02, whole_fill=0), Faults(drop=0.3, duplicate=0.3, fill=0.05)]
)
_totals = st.sampled_from(["100", "7", "0.5", "33.333333", "1000"])
_sides = st.sampled_from(["buy", "sell"])


@dataclass
class Watched:
    """The table with an eye on every price and quantity it asks for."""

    policy: Policy
    first_sent: dt.datetime | None = None

    def __call__(self, order: SmartOrder, event: Event, now: dt.datetime, policy: Policy) -> Step:
        step = smart_order.step(order, event, now, policy)
        for command in step.commands:
            if isinstance(command, Place) and not command.is_resend and command.quote is not None:
                self._judge_price(command, command.quote)
                self._judge_time(order, command, now)
                self._judge_size(order, command, now)
            if isinstance(command, Cancel) and isinstance(event, Tick) and order.phase is Phase.WORKING:
                self._judge_cancel(order, step.order, event.quote)
        return step

    def _judge_price(self, place: Place, quote: Quote) -> None:
        limit, side = place.request.limit_price, place.request.side
        assert limit is not None, "a naked market order"
        assert quote.bid is not None
        assert quote.ask is not None
        assert limit % grid.tick(limit) == 0, "off the penny grid"
        reach = COLLAR / 10_000
        if side == "buy":
            assert limit <= max(quote.ask * (1 + reach), quote.ask), "beyond the collar"
        else:
            assert limit >= min(quote.bid * (1 - reach), quote.bid), "beyond the collar"
        crosses = limit >= quote.ask if side == "buy" else limit <= quote.bid
        rung = next(rung for rung in self.policy.rungs if rung.name == place.rung)
        assert not crosses or rung.kind == "take" or rung.toward == 1 or quote.ask == quote.bid, "crossed by a peg"

    def _judge_time(self, order: SmartOrder, place: Place, now: dt.datetime) -> None:
        self.first_sent = self.first_sent or now
        if place.rung != "take" or self.policy.slicing.notional or any(r.from_ticks for r in self.policy.rungs):
            return
        patience = sum(rung.patience_seconds for rung in self.policy.rungs[:-1])
        earliest = min(self.first_sent + dt.timedelta(seconds=patience), urgent_from(order, self.policy))
        assert now >= earliest - dt.timedelta(microseconds=100), "crossed before its time"

    def _judge_size(self, order: SmartOrder, place: Place, now: dt.datetime) -> None:
        left = order.total - order.filled
        if now >= urgent_from(order, self.policy):
            assert place.rung == self.policy.rungs[-1].name, "patient after the deadline"
            assert left - place.request.qty < 1, "held back after the deadline"
        elif self.policy.slicing.notional:
            assert place.request.qty <= max(self.policy.slicing.notional / 99, Decimal(1)), "more than a slice"
        else:
            assert left - place.request.qty < 1

    def _judge_cancel(self, before: SmartOrder, after: SmartOrder, quote: Quote | None) -> None:
        live = before.live
        if after.stop_reason or live is None:
            return
        assert quote is not None, "a price was moved without a quote"
        rung = self.policy.rungs[after.rung]
        price = ladder.price(rung, quote, before.side, COLLAR, coarse=before.coarse_prices)
        assert price != live.limit_price, "the same price is sent again"


def a_run(policy: Policy, seed: int, faults: Faults, **order: object) -> Run:
    return Run(an_order(**order), policy, faults, random.Random(seed), Watched(policy))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", POLICIES)
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32), faults=_faults, total=_totals, side=_sides, minutes=st.sampled_from([1, 3, 5, 120]))
def test_prices_stay_on_the_grid_within_the_collar_and_cross_in_time(
    name: str, *, seed: int, faults: Faults, total: str, side: Side, minutes: int
) -> None:
    policy = named(name, Terms(patience_seconds=5))
    run = a_run(policy, seed, faults, total=total, side=side, close_at=START + dt.timedelta(minutes=minutes))
    judge(run.until_done())
    assert run.now <= run.order.close_at + dt.timedelta(hours=1)


@pytest.mark.parametrize("name", POLICIES)
@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    faults=_faults,
    total=st.sampled_from(["100", "333.333333", "1000"]),
    notional=st.sampled_from(["1000", "3333", "20000"]),
    shown=st.sampled_from([None, Decimal("0.1"), Decimal(1)]),
    whole=st.booleans(),
    minutes=st.sampled_from([3, 10, 120]),
)
def test_slices_add_up_to_the_order_and_never_show_more_than_one(
    name: str,
    *,
    seed: int,
    faults: Faults,
    total: str,
    notional: str,
    shown: Decimal | None,
    whole: bool,
    minutes: int,
) -> None:
    terms = Terms(patience_seconds=2, slicing=Slicing(Decimal(notional), shown, every_seconds=20))
    policy = replace(named(name, terms), give_up_seconds=36_000)
    wanted = str(int(Decimal(total))) if whole else total
    close_at = START + dt.timedelta(minutes=minutes)
    run = a_run(policy, seed, faults, total=wanted, whole_shares=whole, close_at=close_at).until_done()
    judge(run)
    if run.order.ending == "filled":
        assert sum((child.filled for child in run.order.children), Decimal(0)) == run.order.total == Decimal(wanted)


@pytest.mark.parametrize("name", POLICIES)
def test_in_an_orderly_market_every_policy_is_done_before_the_close(name: str) -> None:
    for seed in range(10):
        policy = named(name, Terms(patience_seconds=10, slicing=Slicing(Decimal(2000))))
        run = a_run(policy, seed, Faults(fill=0, whole_fill=0), close_at=START + dt.timedelta(minutes=6))
        fill_what_crosses(run)
        assert (run.order.ending, run.order.filled) == ("filled", run.order.total), run.history
        assert run.now < run.order.close_at


def fill_what_crosses(run: Run) -> None:
    """A market in which nothing but a marketable order is ever filled."""
    while run.order.phase is not Phase.DONE or run.mail:
        for resting in run.resting.values():
            if resting.request.client_order_id.rsplit("-", 2)[1] == "take" and not resting.status.is_terminal:
                run._fill(resting, resting.request.qty - resting.filled)
        run.turn()
