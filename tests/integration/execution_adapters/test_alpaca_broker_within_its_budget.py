"""How the Alpaca adapter spends the account's requests, and what it does when the broker says "too many" all the same."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import SecretStr

from services.execution.adapters.alpaca_broker import AlpacaBroker
from services.execution.adapters.memory_budget import MemoryBudget
from services.execution.domain.broker import CancelRequested
from services.execution.domain.request_budget import Allowance, Purpose
from services.execution.ports import BrokerUnavailableError, RequestBudget
from shared.bus import BusUnavailableError
from tests.integration.execution_adapters.conftest import Answer


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class NoRedis:
    """The budget while Redis is away."""

    def spend(self, purpose: Purpose) -> float:
        raise BusUnavailableError("Redis cannot be reached")

    def shut(self, seconds: float) -> None:
        raise BusUnavailableError("Redis cannot be reached")


def a_broker(wire: Any, budget: RequestBudget) -> AlpacaBroker:
    return AlpacaBroker(wire.url, SecretStr("key"), SecretStr("secret"), pause=lambda _seconds: None, budget=budget)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_what_the_budget_does_not_pay_for_is_not_asked(wire: Any) -> None:
    broker = a_broker(wire, MemoryBudget(Allowance(per_minute=2, reserved=1)))
    wire.will(Answer(body=[]))
    assert broker.positions() == ()
    with pytest.raises(BrokerUnavailableError, match="request budget is spent"):
        broker.positions()
    assert broker.open_orders() == (), "questions about orders may use the reserve"
    with pytest.raises(BrokerUnavailableError, match="request budget is spent"):
        broker.open_orders()
    assert wire.paths == ["GET /v2/positions", "GET /v2/orders?status=open&direction=desc&limit=500"]


def test_every_attempt_at_a_question_is_paid_for(wire: Any) -> None:
    broker = a_broker(wire, MemoryBudget(Allowance(per_minute=2, reserved=0)))
    wire.will(Answer(500, {"message": "oops"}))
    with pytest.raises(BrokerUnavailableError, match="request budget is spent"):
        broker.account()
    assert len(wire.requests) == 2


@pytest.mark.parametrize(("headers", "seconds"), [({"Retry-After": "7"}, 7), ({}, 5), ({"Retry-After": "900"}, 60)])
def test_after_a_429_nothing_but_cancels_is_sent_until_the_broker_may_be_asked_again(
    wire: Any, clock: Clock, headers: dict[str, str], seconds: float
) -> None:
    broker = a_broker(wire, MemoryBudget(Allowance(per_minute=100, reserved=10), clock))
    wire.will(Answer(429, {"code": 42910000, "message": "rate limit exceeded"}, headers), Answer(204), Answer(body=[]))
    with pytest.raises(BrokerUnavailableError):
        broker.positions()
    assert len(wire.requests) == 1, "the question is not repeated into a closed door"
    assert broker.cancel("o1") == CancelRequested()
    clock.now = seconds - 0.1
    with pytest.raises(BrokerUnavailableError):
        broker.positions()
    clock.now = seconds
    assert broker.positions() == ()


def test_the_reset_the_broker_tells_is_heeded(wire: Any, clock: Clock) -> None:
    broker = a_broker(wire, budget := MemoryBudget(Allowance(per_minute=100, reserved=10), clock))
    wire.will(Answer(429, {"message": "slow down"}, {"X-RateLimit-Reset": str(int(time.time()) + 30)}))
    broker.cancel("o1")
    assert 25 < budget.spend("order") <= 30


def test_without_redis_cancels_are_sent_and_nothing_else_is(wire: Any) -> None:
    broker = a_broker(wire, NoRedis())
    wire.will(Answer(204))
    assert broker.cancel("o1") == CancelRequested()
    for ask in (broker.account, broker.open_orders):
        with pytest.raises(BrokerUnavailableError, match="cannot be asked"):
            ask()
    assert wire.paths == ["DELETE /v2/orders/o1"]
