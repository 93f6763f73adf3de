"""Whatever the broker's words go through, the smart order never has more at stake than it should, and it ends."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.chaos.machine import MACHINE_MUTANTS, WORST, a_run, judge, run_worst_seed
from tests.chaos.naive_ladder import naive_step
from tests.chaos.unreliable_venue import BrokenPromiseError, Faults

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
        assert len(run.order.children) <= 1 + run.policy.moves(Decimal(11_000))


@pytest.mark.parametrize("name", MACHINE_MUTANTS)
def test_every_mutant_is_caught(name: str) -> None:
    """The promises would be worth nothing if a wrong machine could keep them."""
    for seed in range(300):
        try:
            run_worst_seed(seed, MACHINE_MUTANTS[name])
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
