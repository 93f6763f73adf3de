"""The runner's promises, on the in-memory bus; tests/integration/shared repeats the hard ones on a real Redis."""

from __future__ import annotations

import datetime as dt
import threading

import pytest

from shared.bus import BusUnavailableError, Delivery, Outcome, Publication
from shared.bus.memory_bus import MemoryBus
from shared.contracts import Message
from shared.contracts.control import ResumeRequested, RunRequested
from shared.runner import Handler, Hooks, Runner, RunnerOptions

AT = dt.datetime(2024, 6, 3, 19, 45, tzinfo=dt.UTC)
EAGER = RunnerOptions(retry_after_seconds=0, attempts=3, block_seconds=0.01, outage_pause_seconds=0.01)


def a_run(name: str = "c1") -> RunRequested:
    return RunRequested(correlation_id=name, at=AT, origin="http")


def echo(message: RunRequested) -> Outcome:
    return Outcome((Publication("out", message),))


class Heard(Hooks):
    def __init__(self) -> None:
        self.events: list[str] = []

    def received(self, delivery: Delivery, message: Message) -> None:
        self.events.append("received")

    def committed(self, delivery: Delivery, message: Message, outcome: Outcome, seconds: float) -> None:
        self.events.append("committed")

    def failed(self, delivery: Delivery, message: Message | None, error: Exception) -> None:
        self.events.append("failed")

    def buried(self, delivery: Delivery, error: str) -> None:
        self.events.append("buried")

    def unavailable(self, error: Exception) -> None:
        self.events.append("unavailable")


def a_runner(bus: MemoryBus, handler: Handler, *hooks: Hooks) -> Runner:
    return Runner(bus, "g", "c", ["in"], {RunRequested: handler}, hooks=hooks, options=EAGER)


def test_a_handled_message_is_published_and_acknowledged() -> None:
    bus, heard = MemoryBus(), Heard()
    bus.publish("in", a_run())
    a_runner(bus, echo, heard).step()
    assert (bus.depth("out"), bus.pending("g", "in"), heard.events) == (1, 0, ["received", "committed"])


def test_a_kind_without_a_handler_is_acknowledged_and_changes_nothing() -> None:
    bus = MemoryBus()
    bus.publish("in", ResumeRequested(correlation_id="c", at=AT, origin="cli", reason="fixed"))
    a_runner(bus, echo).step()
    assert (bus.depth("out"), bus.pending("g", "in")) == (0, 0)


def test_a_failing_handler_is_tried_again_and_its_message_ends_in_the_dead_letters() -> None:
    bus, heard = MemoryBus(), Heard()
    bus.publish("in", a_run())

    def fail(_message: RunRequested) -> Outcome:
        raise ZeroDivisionError("weights sum to zero")

    runner = a_runner(bus, fail, heard)
    for _ in range(5):
        runner.step()
    (letter,) = bus.dead_letters()
    assert (letter.error, letter.attempts) == ("ZeroDivisionError: weights sum to zero", 3)
    assert heard.events == ["received", "failed"] * 3 + ["buried"]


def test_a_message_after_a_failing_one_is_still_handled() -> None:
    bus = MemoryBus()
    bus.publish("in", a_run("bad"), a_run("good"))

    def fail_on_bad(message: RunRequested) -> Outcome:
        if message.correlation_id == "bad":
            raise ValueError("bad")
        return echo(message)

    a_runner(bus, fail_on_bad).step()
    assert bus.depth("out") == 1


def test_what_cannot_be_decoded_is_buried_at_once_with_its_raw_bytes() -> None:
    bus = MemoryBus()
    bus.append_raw("in", {b"kind": b"control.run_requested.v1", b"data": b'{"origin": "moon"'})
    a_runner(bus, echo).step()
    (letter,) = bus.dead_letters()
    assert letter.fields[b"data"] == b'{"origin": "moon"'
    assert bus.pending("g", "in") == 0


def test_an_outage_is_waited_out_and_nothing_is_lost() -> None:
    stop, heard = threading.Event(), Heard()

    class Flaky(MemoryBus):
        down = 3

        def commit(self, outcome: Outcome, delivery: Delivery | None = None, *, once: str | None = None) -> bool:
            if self.down:
                self.down -= 1
                raise BusUnavailableError("gone")
            took = super().commit(outcome, delivery, once=once)
            stop.set()
            return took

    bus = Flaky()
    bus.publish("in", a_run())
    a_runner(bus, echo, heard).run(stop)
    assert bus.depth("out") == 1
    assert heard.events.count("unavailable") == 3


def test_a_stop_finishes_the_entry_in_hand_and_leaves_the_rest_pending() -> None:
    bus, stop = MemoryBus(), threading.Event()
    bus.publish("in", a_run("a"), a_run("b"))

    def stop_after_first(message: RunRequested) -> Outcome:
        stop.set()
        return echo(message)

    a_runner(bus, stop_after_first).run(stop)
    assert (bus.depth("out"), bus.pending("g", "in")) == (1, 1)
    a_runner(bus, echo).step()
    assert (bus.depth("out"), bus.pending("g", "in")) == (2, 0)


def test_what_an_earlier_life_left_is_taken_up_at_once() -> None:
    bus = MemoryBus()
    bus.publish("in", a_run())
    bus.read("g", "c", ["in"], count=10, block_seconds=0)
    patient = RunnerOptions(retry_after_seconds=3600)
    Runner(bus, "g", "c", ["in"], {RunRequested: echo}, options=patient).step()
    assert (bus.depth("out"), bus.pending("g", "in")) == (1, 0)


def test_the_rest_of_a_batch_is_taken_up_as_soon_as_the_bus_is_back() -> None:
    bus, away = MemoryBus(), [True]
    bus.publish("in", a_run("a"), a_run("b"))

    def interrupted(message: RunRequested) -> Outcome:
        if away.pop() if away else False:
            raise BusUnavailableError("redis is away")
        return echo(message)

    runner = Runner(bus, "g", "c", ["in"], {RunRequested: interrupted}, options=RunnerOptions(retry_after_seconds=3600))
    with pytest.raises(BusUnavailableError):
        runner.step()
    runner.step()
    assert (bus.depth("out"), bus.pending("g", "in")) == (2, 0)
