"""`alchemiser streams` on a real Redis: looking changes nothing, and dead letters can be listed, shown, replayed and dropped."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable

import pytest
import redis

from shared.bus import Delivery
from shared.bus.redis_bus import RedisBus
from shared.contracts import streams
from shared.contracts.control import RunRequested
from tests.integration.cli.house import Ended

Run = Callable[..., Ended]
NOW = dt.datetime(2024, 6, 3, 19, 40, tzinfo=dt.UTC)


@pytest.fixture
def bus(redis_client: redis.Redis, redis_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch) -> RedisBus:
    monkeypatch.setenv("ALCHEMISER_REDIS_URL", redis_url)
    monkeypatch.setenv("ALCHEMISER_NAMESPACE", namespace)
    return RedisBus(redis_client, namespace)


def ask(bus: RedisBus, correlation_id: str = "c1") -> None:
    bus.publish(streams.CONTROL, RunRequested(correlation_id=correlation_id, at=NOW, origin="cli"))


def take(bus: RedisBus) -> Delivery:
    return bus.read("strategy", "test", [streams.CONTROL], count=1, block_seconds=0)[0]


def bury(bus: RedisBus, error: str = "ValueError: weights sum to 1.2") -> str:
    ask(bus)
    bus.bury(take(bus), error)
    return bus.dead_letters()[-1].id


def test_the_list_shows_every_stream_with_its_readers_and_what_is_unfinished(bus: RedisBus, alchemiser: Run) -> None:
    ask(bus)
    ask(bus)
    take(bus)
    rows = {row["stream"]: row for row in json.loads(alchemiser("streams", "list", "--json").out)}
    assert set(streams.ALL) < set(rows)
    assert rows["control"]["messages"] == 2
    assert rows["control"]["groups"] == [{"name": "strategy", "unfinished": 1, "unread": 1}]
    assert rows["execution.events"]["groups"] == []
    assert "control" in alchemiser("streams", "list").out


def test_a_stream_is_shown_newest_first_and_can_be_narrowed_to_one_run(bus: RedisBus, alchemiser: Run) -> None:
    for name in ("c1", "c2", "c1"):
        ask(bus, name)
    every = json.loads(alchemiser("streams", "show", "control", "--json").out)
    assert [row["correlation_id"] for row in every] == ["c1", "c2", "c1"]
    assert [
        row["correlation_id"] for row in json.loads(alchemiser("streams", "show", "control", "-n", "2", "--json").out)
    ] == [
        "c1",
        "c2",
    ]
    one = json.loads(alchemiser("streams", "show", "control", "--correlation-id", "c2", "--json").out)
    assert [row["correlation_id"] for row in one] == ["c2"]
    assert "control.run_requested.v1" in alchemiser("streams", "show", "control").out
    assert [type(row["content"]) for row in every] == [dict] * 3


def test_a_message_is_told_in_lines_that_end_where_the_terminal_does(
    bus: RedisBus, redis_client: redis.Redis, alchemiser: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    trades = [{"symbol": symbol, "side": "buy", "detail": ""} for symbol in ("SPY", "BIL")]
    document = {"id": "m1", "correlation_id": "c1", "plan_id": "p-1", "reason": None, "trades": trades}
    redis_client.xadd(bus.key("control"), {b"kind": b"planned.v1", b"data": json.dumps(document).encode()})
    monkeypatch.setenv("COLUMNS", "60")
    lines = [line.rstrip() for line in alchemiser("streams", "show", "control").out.splitlines()]
    assert lines[0] == "control"
    assert lines[1].endswith("planned.v1  c1")
    assert lines[2:] == [
        "    plan_id p-1",
        "    trades: symbol SPY, side buy",
        "    trades: symbol BIL, side buy",
    ]


def test_what_cannot_be_decoded_is_shown_raw(bus: RedisBus, redis_client: redis.Redis, alchemiser: Run) -> None:
    redis_client.xadd(bus.key("control"), {b"kind": b"nonsense", b"data": b"\xff{not json"})
    ended = alchemiser("streams", "show", "control")
    assert ended.code == 0
    assert "\\xff{not json" in ended.out


def test_looking_leaves_every_group_where_it_was(bus: RedisBus, alchemiser: Run) -> None:
    ask(bus)
    alchemiser("streams", "show", "control")
    alchemiser("streams", "list")
    assert take(bus).attempt == 1


def test_an_unknown_stream_is_2_and_the_known_ones_are_named(bus: RedisBus, alchemiser: Run) -> None:
    ended = alchemiser("streams", "show", "orders")
    assert ended.code == 2
    assert "execution.events" in ended.err


def test_dead_letters_are_listed_and_shown_with_error_and_raw_fields(bus: RedisBus, alchemiser: Run) -> None:
    letter = bury(bus)
    listed = alchemiser("streams", "dead-letters", "list")
    for part in (letter, "strategy", "control.run_requested.v1", "weights sum to 1.2"):
        assert part in listed.out
    shown = json.loads(alchemiser("streams", "dead-letters", "show", letter, "--json").out)
    assert json.loads(shown["fields"]["data"])["correlation_id"] == "c1"
    assert letter in alchemiser("streams", "dead-letters", "show", letter).out


def test_a_replayed_letter_reaches_the_group_that_failed_and_is_dead_no_more(bus: RedisBus, alchemiser: Run) -> None:
    letter = bury(bus)
    assert alchemiser("streams", "dead-letters", "replay", letter).out == f"replayed {letter}\n"
    assert bus.dead_letters() == []
    assert take(bus).is_replay


def test_a_dropped_letter_is_gone(bus: RedisBus, alchemiser: Run) -> None:
    letter = bury(bus)
    assert alchemiser("streams", "dead-letters", "drop", letter).code == 0
    assert bus.dead_letters() == []
    assert bus.read("strategy", "test", [streams.CONTROL], count=1, block_seconds=0) == []


def test_all_of_them_can_be_replayed_or_dropped_at_once(bus: RedisBus, alchemiser: Run) -> None:
    letters = [bury(bus), bury(bus)]
    assert alchemiser("streams", "dead-letters", "replay", "--all").out.split() == [
        "replayed",
        letters[0],
        "replayed",
        letters[1],
    ]
    bury(bus)
    assert alchemiser("streams", "dead-letters", "drop", "--all").code == 0
    assert "none" in alchemiser("streams", "dead-letters", "list").out


@pytest.mark.parametrize("action", ["show", "replay", "drop"])
@pytest.mark.parametrize("letter", ["1-0", "nonsense"])
def test_a_letter_that_is_not_there_is_1(bus: RedisBus, alchemiser: Run, action: str, letter: str) -> None:
    ended = alchemiser("streams", "dead-letters", action, letter)
    assert ended.code == 1
    assert letter in ended.err


@pytest.mark.parametrize("action", ["replay", "drop"])
def test_neither_ids_nor_all_is_2_and_so_are_both(bus: RedisBus, alchemiser: Run, action: str) -> None:
    letter = bury(bus)
    assert alchemiser("streams", "dead-letters", action).code == 2
    assert alchemiser("streams", "dead-letters", action, letter, "--all").code == 2
    assert len(bus.dead_letters()) == 1


def test_a_redis_that_does_not_answer_is_3(alchemiser: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALCHEMISER_REDIS_URL", "redis://:hidden-word@127.0.0.1:9/0")
    ended = alchemiser("streams", "list")
    assert ended.code == 3
    assert "ALCHEMISER_REDIS_URL" in ended.err
    assert "hidden-word" not in ended.err
