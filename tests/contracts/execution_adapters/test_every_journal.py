"""What every journal and every lease promises: one suite for Redis and for the in-memory twins."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import pytest

from services.execution.adapters.memory_journal import MemoryJournal
from services.execution.adapters.memory_leases import MemoryLeases
from services.execution.adapters.redis_journal import RedisJournal
from services.execution.adapters.redis_leases import RedisLeases
from services.execution.ports import FencedOutError, Intent, Journal, Leases

AT = dt.datetime(2024, 6, 3, 19, 45, 0, 123456, tzinfo=dt.UTC)


@dataclass
class Pair:
    journal: Journal
    leases: Leases

    def fence(self, name: str = "leg", owner: str = "w1", ttl_seconds: float = 60) -> int:
        fence = self.leases.take(name, owner, ttl_seconds)
        assert fence is not None
        return fence


@pytest.fixture(params=["redis", "memory"])
def pair(request: pytest.FixtureRequest, namespace: str) -> Pair:
    if request.param == "memory":
        leases = MemoryLeases()
        return Pair(MemoryJournal(leases), leases)
    client = request.getfixturevalue("redis_client")
    return Pair(RedisJournal(client, namespace), RedisLeases(client, namespace))


def an_intent(fence: int, name: str = "run-SPY-buy-0-0", *, plan: str = "plan") -> Intent:
    return Intent(
        client_order_id=name,
        plan_id=plan,
        order_id="plan-SPY-buy",
        symbol="SPY",
        side="buy",
        qty=Decimal("1.123456789"),
        limit_price=Decimal("500.10"),
        rung="mid",
        attempt=0,
        fence=fence,
        at=AT,
    )


def test_an_intent_comes_back_exactly_as_it_was_recorded(pair: Pair) -> None:
    intent = an_intent(pair.fence())
    assert pair.journal.intend(intent)
    assert pair.journal.intents("plan") == ((intent, None, None),)
    assert pair.journal.unsettled() == (intent,)


def test_a_market_order_has_no_limit_price(pair: Pair) -> None:
    intent = dataclasses.replace(an_intent(pair.fence()), limit_price=None)
    assert pair.journal.intend(intent)
    assert pair.journal.unsettled()[0].limit_price is None


def test_a_client_order_id_is_recorded_once_for_ever(pair: Pair) -> None:
    fence = pair.fence()
    assert pair.journal.intend(an_intent(fence))
    assert not pair.journal.intend(an_intent(fence))
    pair.journal.settle("run-SPY-buy-0-0", "filled", "b1")
    assert not pair.journal.intend(an_intent(fence))
    assert len(pair.journal.intents("plan")) == 1


def test_only_what_was_recorded_is_known(pair: Pair) -> None:
    pair.journal.intend(an_intent(pair.fence(), "ours"))
    assert pair.journal.knows("ours")
    assert not pair.journal.knows("theirs")


def test_intents_of_a_plan_come_oldest_first_and_without_other_plans(pair: Pair) -> None:
    fence = pair.fence()
    for name, plan in (("b", "plan"), ("a", "plan"), ("x", "other")):
        pair.journal.intend(an_intent(fence, name, plan=plan))
    assert [intent.client_order_id for intent, _, _ in pair.journal.intents("plan")] == ["b", "a"]
    assert pair.journal.intents("nothing") == ()


@pytest.mark.parametrize("outcome", ["acknowledged", "rejected", "absent", "filled", "canceled"])
def test_a_settled_intent_is_no_longer_unsettled_and_keeps_its_outcome(pair: Pair, outcome: str) -> None:
    intent = an_intent(pair.fence())
    pair.journal.intend(intent)
    pair.journal.settle(intent.client_order_id, outcome, "broker-1")
    assert pair.journal.unsettled() == ()
    assert pair.journal.intents("plan") == ((intent, outcome, "broker-1"),)


def test_an_unknown_outcome_stays_unsettled_until_something_is_known(pair: Pair) -> None:
    intent = an_intent(pair.fence())
    pair.journal.intend(intent)
    pair.journal.settle(intent.client_order_id, "unknown", None)
    assert pair.journal.unsettled() == (intent,)
    pair.journal.settle(intent.client_order_id, "acknowledged", "broker-1")
    assert pair.journal.unsettled() == ()


@pytest.mark.parametrize(
    ("first", "then", "kept"),
    [
        ("filled", "acknowledged", "filled"),
        ("canceled", "unknown", "canceled"),
        ("acknowledged", "unknown", "acknowledged"),
        ("acknowledged", "filled", "filled"),
        ("canceled", "filled", "filled"),
        ("rejected", "acknowledged", "acknowledged"),
        ("absent", "acknowledged", "acknowledged"),
        ("unknown", "absent", "absent"),
    ],
)
def test_a_late_word_never_undoes_what_has_ended_or_is_known(pair: Pair, first: str, then: str, kept: str) -> None:
    intent = an_intent(pair.fence())
    pair.journal.intend(intent)
    pair.journal.settle(intent.client_order_id, first, "broker-1")
    pair.journal.settle(intent.client_order_id, then, None)
    assert pair.journal.intents("plan") == ((intent, kept, "broker-1"),)


def test_settling_what_was_never_recorded_records_nothing(pair: Pair) -> None:
    pair.journal.settle("stranger", "filled", "b9")
    assert not pair.journal.knows("stranger")
    assert pair.journal.unsettled() == ()


def test_a_worker_whose_lease_was_taken_over_can_record_nothing_more(pair: Pair) -> None:
    old = pair.fence(owner="w1", ttl_seconds=0)
    new = pair.fence(owner="w2")
    with pytest.raises(FencedOutError, match=str(old)):
        pair.journal.intend(an_intent(old, "from-the-old"))
    assert not pair.journal.knows("from-the-old")
    assert pair.journal.intend(an_intent(new, "from-the-new"))


def test_a_token_nobody_handed_out_can_record_nothing(pair: Pair) -> None:
    with pytest.raises(FencedOutError):
        pair.journal.intend(an_intent(7))


def test_after_letting_go_a_worker_can_record_nothing(pair: Pair) -> None:
    fence = pair.fence()
    pair.leases.release("leg", "w1", fence)
    with pytest.raises(FencedOutError):
        pair.journal.intend(an_intent(fence))


def test_a_lease_on_another_leg_fences_nobody_out(pair: Pair) -> None:
    first = pair.fence("sells", "w1")
    pair.fence("buys", "w2")
    assert pair.journal.intend(an_intent(first))


def test_an_expired_lease_still_records_until_someone_takes_it_over(pair: Pair) -> None:
    assert pair.journal.intend(an_intent(pair.fence(ttl_seconds=0)))


def test_one_worker_at_a_time_holds_a_lease(pair: Pair) -> None:
    pair.fence(owner="w1")
    assert pair.leases.take("leg", "w2", 60) is None


def test_tokens_grow_with_every_take_over(pair: Pair) -> None:
    fences = [pair.fence(owner=owner, ttl_seconds=0) for owner in ("w1", "w2", "w1", "w1")]
    assert fences == sorted(set(fences))


def test_a_released_lease_is_free_at_once_and_the_next_token_is_greater(pair: Pair) -> None:
    fence = pair.fence(owner="w1")
    pair.leases.release("leg", "w1", fence)
    assert pair.fence(owner="w2") > fence


def test_only_the_holder_renews_and_releases(pair: Pair) -> None:
    fence = pair.fence(owner="w1")
    assert pair.leases.renew("leg", "w1", fence, 60)
    assert not pair.leases.renew("leg", "w2", fence, 60)
    assert not pair.leases.renew("leg", "w1", fence - 1, 60)
    pair.leases.release("leg", "w2", fence)
    pair.leases.release("leg", "w1", fence - 1)
    assert pair.leases.take("leg", "w2", 60) is None


def test_an_ended_lease_is_renewed_as_long_as_nobody_has_taken_it_over(pair: Pair) -> None:
    fence = pair.fence(ttl_seconds=0)
    assert pair.leases.renew("leg", "w1", fence, 0)
    assert pair.leases.take("leg", "w2", 60)
    assert not pair.leases.renew("leg", "w1", fence, 60)


def test_a_released_lease_cannot_be_renewed(pair: Pair) -> None:
    fence = pair.fence()
    pair.leases.release("leg", "w1", fence)
    assert not pair.leases.renew("leg", "w1", fence, 60)
    assert not pair.leases.is_held("leg")


def test_renewing_prolongs_the_lease(pair: Pair, eventually: Callable[..., object]) -> None:
    fence = pair.fence(owner="w1", ttl_seconds=0.2)
    assert pair.leases.renew("leg", "w1", fence, 0.4)
    assert pair.leases.take("leg", "w2", 60) is None
    eventually(lambda: pair.leases.take("leg", "w2", 60), within=5)


def test_the_newest_lease_is_known_until_it_is_released(pair: Pair) -> None:
    assert pair.leases.newest("leg") is None
    fence = pair.fence(ttl_seconds=0)
    assert pair.leases.newest("leg") == fence
    after = pair.fence(owner="w2")
    assert pair.leases.newest("leg") == after
    pair.leases.release("leg", "w2", after)
    assert pair.leases.newest("leg") is None


def test_a_lease_is_held_while_it_lives(pair: Pair) -> None:
    assert not pair.leases.is_held("leg")
    fence = pair.fence()
    assert pair.leases.is_held("leg")
    assert not pair.leases.is_held("other")
    pair.leases.release("leg", "w1", fence)
    assert not pair.leases.is_held("leg")
    pair.fence(ttl_seconds=0)
    assert not pair.leases.is_held("leg")
