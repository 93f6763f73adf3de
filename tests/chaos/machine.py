"""One schedule over the pure machine: one smart order against an exchange whose words get lost; and the wrong machines it must catch."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from services.execution.domain import ladder, order_step, smart_order
from services.execution.domain.ladder import Policy
from services.execution.domain.order_events import CancelAccepted, Event, PlaceUnknown, Tick
from services.execution.domain.order_state import Phase, SmartOrder
from services.execution.domain.order_step import Step
from services.execution.domain.policies import POLICIES, Terms, named
from services.execution.domain.slices import WHOLE, Slicing
from shared.contracts.execution import OrderAbandoned, OrderFilled, OrderRefused
from tests.chaos.naive_ladder import naive_step
from tests.chaos.unreliable_venue import START, Faults, Machine, Run, told_quantity

WORST = Faults(
    drop=0.3, duplicate=0.3, delay=0.3, lost_answer=0.3, lost_request=0.2, reject=0.1, question_fails=0.2, fill=0.1
)
_TOTALS = ("100", "7", "1", "0.5", "33.333333")


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
    return Run(an_order(**order), policy_of(seed), faults, random.Random(seed), machine)


def policy_of(seed: int) -> Policy:
    """The plain ladder for two seeds of three; for the others one policy after another, in slices too."""
    number, turn = divmod(seed, 3)
    if turn != 1:
        return ladder.standard(patience_seconds=5, allows_naked_market=seed % 5 == 0)
    slicing = Slicing(Decimal(2500), every_seconds=20) if number % 2 else WHOLE
    return named(tuple(POLICIES)[number // 2 % len(POLICIES)], Terms(patience_seconds=5, slicing=slicing))


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


def faults_of(rng: random.Random) -> Faults:
    """Each kind of fault is absent, rare or common."""
    chance = (0.0, 0.1, 0.4)
    return Faults(
        drop=rng.choice(chance),
        duplicate=rng.choice(chance),
        delay=rng.choice(chance),
        lost_answer=rng.choice(chance),
        lost_request=rng.choice(chance),
        reject=rng.choice(chance),
        stuck_cancel=rng.choice((0.0, 0.05, 0.5)),
        question_fails=rng.choice(chance),
        fill=rng.choice((0.0, 0.05, 0.3)),
        whole_fill=rng.choice(chance),
        block=rng.choice(chance),
        stop=rng.choice((0.0, 1.0, 5.0)),
    )


def run_seed(seed: int, machine: Machine = smart_order.step) -> list[str]:
    """One schedule. Raises AssertionError for a broken promise; returns what happened."""
    rng = random.Random(f"machine-{seed}")
    faults = replace(faults_of(rng), hurry=1.0 if seed % 7 == 3 else 0.0)
    run = a_run(seed, faults, machine, total=rng.choice(_TOTALS))
    judge(run.until_done())
    return run.history


def run_worst_seed(seed: int, machine: Machine) -> None:
    """The schedule for mutants: all the faults at once."""
    judge(a_run(seed, WORST, machine).until_done(2_000))


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


MACHINE_MUTANTS: Mapping[str, Machine] = MappingProxyType(
    {
        "the naive ladder": naive_step,
        "a cancel's answer is taken for its end": _trusting_cancel,
        "a fresh id per retry": _fresh_id_per_retry,
        "the next rung beside the old one": _resends_without_cancel,
    }
)
