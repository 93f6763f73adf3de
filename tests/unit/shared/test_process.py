"""Parts live and die together."""

from __future__ import annotations

import threading

from shared import process


def until_stopped(stop: threading.Event) -> None:
    stop.wait()


def test_a_failing_part_ends_the_process_with_an_error() -> None:
    def fail(_stop: threading.Event) -> None:
        raise RuntimeError("no feed")

    assert process.run("probe", {"good": until_stopped, "bad": fail}) == 1


def test_a_part_that_ends_by_itself_is_a_failure() -> None:
    assert process.run("probe", {"good": until_stopped, "quiet": lambda _stop: None}) == 1


def test_a_stop_from_outside_ends_well() -> None:
    stop, started = threading.Event(), threading.Event()

    def part(told: threading.Event) -> None:
        started.set()
        told.wait()

    threading.Thread(target=lambda: (started.wait(), stop.set())).start()
    assert process.run("probe", {"part": part}, stop=stop) == 0


def test_a_part_that_does_not_stop_in_time_is_an_error() -> None:
    stop, release = threading.Event(), threading.Event()
    stop.set()
    assert process.run("probe", {"deaf": lambda _stop: release.wait() and None}, stop=stop, grace_seconds=0.05) == 1
    release.set()
