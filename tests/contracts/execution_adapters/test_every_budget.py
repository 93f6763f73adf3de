"""What every request budget promises: one suite for Redis and for the in-memory twin."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from services.execution.adapters.memory_budget import MemoryBudget
from services.execution.adapters.redis_budget import RedisBudget
from services.execution.domain.request_budget import UNLIMITED, WINDOW_SECONDS, Allowance
from services.execution.ports import RequestBudget
from tests.conftest import eventually

Made = Callable[..., RequestBudget]


@pytest.fixture(params=["redis", "memory"])
def a_budget(request: pytest.FixtureRequest, namespace: str) -> Made:
    def made(allowance: Allowance, window_seconds: float = WINDOW_SECONDS) -> RequestBudget:
        if request.param == "memory":
            return MemoryBudget(allowance, window_seconds=window_seconds)
        client = request.getfixturevalue("redis_client")
        return RedisBudget(client, namespace, allowance, window_seconds=window_seconds)

    return made


def test_new_orders_and_questions_leave_the_reserve_alone(a_budget: Made) -> None:
    budget = a_budget(Allowance(per_minute=4, reserved=2))
    assert [budget.spend("order"), budget.spend("question")] == [0, 0]
    assert budget.spend("order") > 0
    assert budget.spend("question") > 0


def test_questions_about_orders_in_doubt_use_the_reserve_up(a_budget: Made) -> None:
    budget = a_budget(Allowance(per_minute=4, reserved=2))
    assert [budget.spend("doubt") for _ in range(4)] == [0] * 4
    assert budget.spend("doubt") > 0


def test_a_cancel_is_counted_and_never_held_back(a_budget: Made) -> None:
    budget = a_budget(Allowance(per_minute=2, reserved=0))
    budget.shut(5)
    assert [budget.spend("cancel") for _ in range(5)] == [0] * 5
    budget = a_budget(Allowance(per_minute=2, reserved=0))
    assert [budget.spend("cancel") for _ in range(2)] == [0, 0]
    assert budget.spend("doubt") > 0


def test_what_is_held_back_hears_when_the_first_token_comes_back(a_budget: Made) -> None:
    budget = a_budget(Allowance(per_minute=3, reserved=1))
    for _ in range(2):
        budget.spend("order")
    assert WINDOW_SECONDS - 10 < budget.spend("order") <= WINDOW_SECONDS


def test_a_token_comes_back_a_window_after_it_was_spent(a_budget: Made) -> None:
    budget = a_budget(Allowance(per_minute=1, reserved=0), window_seconds=0.2)
    assert budget.spend("order") == 0
    assert 0 < budget.spend("order") <= 0.2
    eventually(lambda: budget.spend("order") == 0)


def test_a_token_is_back_exactly_a_window_later_and_not_before() -> None:
    now = 0.0
    budget = MemoryBudget(Allowance(per_minute=2, reserved=0), lambda: now)
    budget.spend("order")
    now = 1.0
    budget.spend("order")
    assert budget.spend("order") == WINDOW_SECONDS - 1
    now = WINDOW_SECONDS
    assert [budget.spend("order"), budget.spend("order")] == [0, 1]


def test_after_too_many_only_cancels_are_sent_for_as_long_as_the_broker_says(a_budget: Made) -> None:
    budget = a_budget(Allowance(per_minute=100, reserved=10))
    budget.shut(30)
    budget.shut(1)
    for purpose in ("order", "question", "doubt"):
        assert 20 < budget.spend(purpose) <= 30
    assert budget.spend("cancel") == 0


def test_it_opens_again(a_budget: Made) -> None:
    budget = a_budget(Allowance(per_minute=100, reserved=10))
    budget.shut(0.5)
    assert 0 < budget.spend("order") <= 0.5
    eventually(lambda: budget.spend("order") == 0, what="the broker hears orders again")


def test_without_a_number_nothing_is_counted(a_budget: Made) -> None:
    budget = a_budget(UNLIMITED)
    budget.shut(30)
    assert [budget.spend("order") for _ in range(500)] == [0] * 500


def test_two_processes_spend_from_one_bucket(redis_url: str, namespace: str) -> None:
    with redis.Redis.from_url(redis_url) as one, redis.Redis.from_url(redis_url) as other:
        mine, theirs = (RedisBudget(client, namespace, Allowance(2, 0)) for client in (one, other))
        assert [mine.spend("order"), theirs.spend("order")] == [0, 0]
        assert mine.spend("order") > 0
        assert theirs.spend("order") > 0


def test_a_reserve_that_leaves_nothing_for_orders_is_refused() -> None:
    with pytest.raises(ValueError, match="reserved"):
        Allowance(per_minute=10, reserved=10)
