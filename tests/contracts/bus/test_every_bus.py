"""What every bus promises: one suite for Redis and for its in-memory twin."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
import redis

from shared.bus import Bus, Delivery, Outcome, Publication, Put, Remove, Stands
from shared.bus.memory_bus import MemoryBus
from shared.bus.redis_bus import RedisBus
from shared.contracts import decode
from shared.contracts.control import RunRequested

AT = dt.datetime(2024, 6, 3, 19, 45, tzinfo=dt.UTC)


@pytest.fixture(params=["redis", "memory"])
def bus(request: pytest.FixtureRequest, namespace: str) -> Iterator[Bus]:
    if request.param == "memory":
        yield MemoryBus()
        return
    yield RedisBus(request.getfixturevalue("redis_client"), namespace)


def a_message(name: str = "c1") -> RunRequested:
    return RunRequested(correlation_id=name, at=AT, origin="http")


def read(bus: Bus, group: str = "g", consumer: str = "c", *, count: int = 10) -> list[Delivery]:
    return bus.read(group, consumer, ["in"], count=count, block_seconds=0)


def names(deliveries: list[Delivery]) -> list[str]:
    return [decode(d.fields[b"kind"].decode(), d.fields[b"data"]).correlation_id for d in deliveries]


def test_a_group_sees_what_was_written_before_it_existed_in_order(bus: Bus) -> None:
    bus.publish("in", a_message("a"), a_message("b"))
    assert names(read(bus)) == ["a", "b"]


def test_each_group_gets_every_entry_and_each_consumer_of_a_group_its_own(bus: Bus) -> None:
    bus.publish("in", a_message("a"), a_message("b"))
    assert names(read(bus, "g", "c1", count=1)) == ["a"]
    assert names(read(bus, "g", "c2", count=1)) == ["b"]
    assert names(read(bus, "other")) == ["a", "b"]


def test_a_commit_publishes_changes_state_and_acknowledges_together(bus: Bus) -> None:
    bus.publish("in", a_message())
    (delivery,) = read(bus)
    assert bus.pending("g", "in") == 1
    outcome = Outcome((Publication("out", a_message("answer")),), (Put("hash", "field", "value"),))
    assert bus.commit(outcome, delivery)
    assert (bus.depth("out"), bus.get("hash", "field"), bus.pending("g", "in")) == (1, "value", 0)


def test_committing_the_same_entry_twice_has_one_effect(bus: Bus) -> None:
    bus.publish("in", a_message())
    (delivery,) = read(bus)
    outcome = Outcome((Publication("out", a_message("answer")),))
    assert bus.commit(outcome, delivery)
    assert not bus.commit(outcome, delivery)
    assert bus.depth("out") == 1


def test_an_entry_taken_over_while_its_first_reader_was_slow_takes_effect_once(bus: Bus) -> None:
    bus.publish("in", a_message())
    (slow,) = read(bus, "g", "slow")
    (taken,) = bus.claim("g", "quick", ["in"], idle_seconds=0, count=10)
    assert taken.attempt > slow.attempt
    outcome = Outcome((Publication("out", a_message("answer")),))
    assert bus.commit(outcome, taken)
    assert not bus.commit(outcome, slow)
    assert bus.depth("out") == 1


def test_a_consumer_gets_back_at_once_what_its_earlier_life_left_and_nothing_of_others(bus: Bus) -> None:
    bus.publish("in", a_message("a"), a_message("b"), a_message("c"))
    (first,) = read(bus, "g", "c", count=1)
    read(bus, "g", "other", count=1)
    (third,) = read(bus, "g", "c", count=1)
    bus.commit(Outcome(), first)
    (again,) = bus.reclaim("g", "c", ["in"], count=10)
    assert (names([again]), again.attempt) == (["c"], third.attempt + 1)
    assert bus.commit(Outcome(), again)
    assert bus.reclaim("g", "c", ["in"], count=10) == []
    assert bus.reclaim("nobody", "c", ["in"], count=10) == []
    assert bus.pending("g", "in") == 1


def test_what_is_finished_is_not_claimed(bus: Bus) -> None:
    bus.publish("in", a_message())
    (delivery,) = read(bus)
    bus.commit(Outcome(), delivery)
    assert bus.claim("g", "c", ["in"], idle_seconds=0, count=10) == []


def test_only_what_has_been_idle_long_enough_is_claimed(bus: Bus) -> None:
    bus.publish("in", a_message())
    read(bus)
    assert bus.claim("g", "c2", ["in"], idle_seconds=60, count=10) == []


def test_an_effect_that_stands_on_something_else_does_not_happen(bus: Bus) -> None:
    taken, free = Put("room", "holder", 'é"1'), Stands("room", "holder", None)
    assert bus.commit(Outcome(changes=(taken,), only_if=(free,)), once="first")
    late = Outcome(changes=(Put("room", "holder", "2"),), only_if=(free,))
    assert not bus.commit(late, once="second")
    assert not bus.commit(late)
    assert bus.get("room", "holder") == 'é"1'
    fits = Outcome(changes=(Remove("room", "holder"),), only_if=(Stands("room", "holder", 'é"1'),))
    assert bus.commit(fits, once="second"), "what did not happen left no mark"
    assert bus.commit(late)


def test_an_effect_that_must_happen_once_does(bus: Bus) -> None:
    outcome = Outcome((Publication("out", a_message()),))
    assert bus.commit(outcome, once="session-2024-06-03")
    assert not bus.commit(outcome, once="session-2024-06-03")
    assert bus.commit(outcome, once="session-2024-06-04")
    assert bus.depth("out") == 2


def test_state_can_be_set_read_and_removed(bus: Bus) -> None:
    bus.commit(Outcome(changes=(Put("h", "a", "1"), Put("h", "b", "2"))))
    assert bus.get_all("h") == {"a": "1", "b": "2"}
    bus.commit(Outcome(changes=(Remove("h", "a"),)))
    assert bus.get("h", "a") is None
    assert bus.get_all("nothing") == {}


def test_a_dead_letter_keeps_its_raw_bytes_and_its_error(bus: Bus) -> None:
    bus.publish("in", a_message())
    (delivery,) = read(bus)
    bus.bury(delivery, "kind: unknown")
    (letter,) = bus.dead_letters()
    assert (letter.stream, letter.group, letter.error) == ("in", "g", "kind: unknown")
    assert dict(letter.fields) == dict(delivery.fields)
    assert bus.pending("g", "in") == 0


def test_a_replay_reaches_the_group_that_failed_and_no_other(bus: Bus) -> None:
    bus.publish("in", a_message("a"))
    (delivery,) = read(bus)
    read(bus, "other")
    bus.bury(delivery, "boom")
    (letter,) = bus.dead_letters()
    assert bus.replay(letter.id)
    (again,) = read(bus)
    assert again.is_replay
    assert names([again]) == ["a"]
    assert read(bus, "other") == []
    assert bus.dead_letters() == []
    assert bus.commit(Outcome((Publication("out", a_message()),)), again)
    assert bus.claim("g", "c", ["in"], idle_seconds=0, count=10) == []


def test_a_dead_letter_can_be_dropped_and_unknown_ones_are_said_to_be(bus: Bus) -> None:
    bus.publish("in", a_message())
    bus.bury(read(bus)[0], "boom")
    (letter,) = bus.dead_letters()
    assert bus.drop(letter.id)
    assert bus.dead_letters() == []
    assert not bus.drop(letter.id)
    assert not bus.replay("nonsense")


def test_the_redis_bus_keeps_every_key_on_one_slot(redis_client: redis.Redis, namespace: str) -> None:
    bus = RedisBus(redis_client, namespace)
    bus.publish("in", a_message())
    bus.commit(Outcome(changes=(Put("h", "f", "v"),)), read(bus)[0])
    keys = redis_client.keys("*")
    assert keys
    assert all(key.startswith(b"{%s}:" % namespace.encode()) for key in keys)
