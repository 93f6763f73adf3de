"""Whatever the broker's words go through, the smart order never has more at stake than it should, and it ends."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.execution.domain import ladder, order_step, smart_order
from services.execution.domain.ladder import Policy
from services.execution.domain.order_events import CancelAccepted, Event, PlaceUnknown, Tick
from services.execution.domain.order_state import Phase, SmartOrder
from services.execution.domain.order_step import Step
from shared.contracts.execution import OrderAbandoned, OrderFilled, OrderRefused
from tests.properties.execution.naive_ladder import naive_step
from tests.properties.execution.unreliable_venue import START, BrokenPromiseError, Faults, Machine, Run, told_quantity

_chance = st.sampled_from([0.0, 0.1, 0.4])
_faults = st.builds(
    Faults,
    drop=_chance,
    duplicate=_chance,
    delay=_chance,
    lost_answer=_chance,
    lost_request=_chance,
    reject=_chance,
    stuck_cancel=st.sampled_from([0.0, 0.05, 0.5]),
    question_fails=_chance,
    fill=st.sampled_from([0.0, 0.05, 0.3]),
    whole_fill=_chance,
    block=_chance,
    stop=st.sampled_from([0.0, 1.0, 5.0]),
)
WORST = Faults(
    drop=0.3, duplicate=0.3, delay=0.3, lost_answer=0.3, lost_request=0.2, reject=0.1, question_fails=0.2, fill=0.1
)


def an_order(total: str = "100", **changes: Any) -> SmartOrder:
    order = SmartOrder(
        order_id="p1-SPY-buy",
        plan_id="p1",
        correlation_id="c1",
        symbol="SPY",
        side="buy",
        total=Decimal(total),
        close_at=START + dt.timedelta(hours=2),
        started_at=START,
        wake_at=START,
    )
    return replace(order, **changes)


def a_run(seed: int, faults: Faults, machine: Machine = smart_order.step, **order: Any) -> Run:
    policy = ladder.standard(patience_seconds=5, allows_naked_market=seed % 5 == 0)
    return Run(an_order(**order), policy, faults, random.Random(seed), machine)


def judge(run: Run) -> None:
    """The promises that hold at the end; those that hold always are checked on the way."""
    order = run.order
    assert told_quantity(run) == order.filled
    assert len(run.resting) <= len(run.journal), "every order sent stands in the journal"
    if order.ending == "unknown":
        return
    assert order.filled == run.filled(), "what is believed is what was filled"
    assert run.exposure() == run.filled(), "nothing is live after the end"
    finals = [m for m in run.told if isinstance(m, OrderFilled | OrderAbandoned | OrderRefused)]
    assert len(finals) == 1
    assert isinstance(finals[0], OrderFilled) == (order.filled == order.total)


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**32), faults=_faults)
def test_no_loss_repetition_or_disorder_of_words_over_fills_or_loses_count(seed: int, faults: Faults) -> None:
    judge(a_run(seed, faults).until_done())


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), total=st.sampled_from(["1", "7", "0.5", "33.333333"]))
def test_small_and_fractional_orders_keep_the_same_promises(seed: int, total: str) -> None:
    judge(a_run(seed, WORST, total=total).until_done())


def test_without_faults_and_with_fills_an_order_is_always_filled() -> None:
    for seed in range(50):
        run = a_run(seed, Faults(fill=0.5)).until_done()
        assert run.order.ending == "filled", run.history
        assert len(run.order.children) <= 4


def _trusting_cancel(order: SmartOrder, event: Event, now: dt.datetime, policy: Policy) -> Step:
    """Mutant: takes the answer to a cancel for its end."""
    if order.phase is Phase.CANCELLING and isinstance(event, CancelAccepted) and order.live is not None:
        return order_step.ready(Step(order.with_child(replace(order.live, is_over=True))), now)
    return smart_order.step(order, event, now, policy)


def _fresh_id_per_retry(order: SmartOrder, event: Event, now: dt.datetime, policy: Policy) -> Step:
    """Mutant: takes an unknown answer for a failure and sends again under a new id."""
    if order.phase is Phase.PLACING and isinstance(event, PlaceUnknown) and order.live is not None:
        return order_step.ready(Step(order.with_child(replace(order.live, is_over=True))), now)
    return smart_order.step(order, event, now, policy)


def _resends_without_cancel(order: SmartOrder, event: Event, now: dt.datetime, policy: Policy) -> Step:
    """Mutant: the next rung is sent beside the one that rests."""
    if order.phase is Phase.WORKING and isinstance(event, Tick) and order.live is not None:
        return order_step.ready(Step(order.with_child(replace(order.live, is_over=True))), now)
    return smart_order.step(order, event, now, policy)


MUTANTS: Mapping[str, Machine] = MappingProxyType(
    {
        "the naive ladder": naive_step,
        "a cancel's answer is taken for its end": _trusting_cancel,
        "a fresh id per retry": _fresh_id_per_retry,
        "the next rung beside the old one": _resends_without_cancel,
    }
)


@pytest.mark.parametrize("name", MUTANTS)
def test_every_mutant_is_caught(name: str) -> None:
    """The promises would be worth nothing if a wrong machine could keep them."""
    for seed in range(300):
        run = a_run(seed, WORST, MUTANTS[name])
        try:
            judge(run.until_done(2_000))
        except (AssertionError, ValueError):
            return
    pytest.fail(f"not caught: {name}")


def test_a_failing_seed_replays_exactly() -> None:
    first, second = (a_run(11, WORST).until_done() for _ in range(2))
    assert first.history == second.history


def test_the_naive_ladder_over_fills_even_without_lost_words() -> None:
    def try_many() -> None:
        for seed in range(100):
            a_run(seed, Faults(fill=0.1, whole_fill=0.0), naive_step).until_done(2_000)

    with pytest.raises(BrokenPromiseError, match="live or filled"):
        try_many()
