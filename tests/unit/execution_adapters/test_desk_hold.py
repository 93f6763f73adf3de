"""The lease as its worker sees it: sure, unsure or lost; and the thread that renews it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from services.execution.adapters.desk_hold import Hold, Renewals, since_boot
from services.execution.adapters.memory_leases import MemoryLeases
from services.execution.ports import FencedOutError
from shared.bus import BusUnavailableError


@dataclass
class Room:
    """Leases and holds on one clock that is moved by hand."""

    now: float = 100.0
    is_away: bool = False
    leases: MemoryLeases = field(init=False)

    def __post_init__(self) -> None:
        self.leases = MemoryLeases(lambda: self.now)

    def hold(self, owner: str = "w1") -> Hold:
        hold = Hold(self, "leg", owner, 2.0, lambda: self.now)  # type: ignore[arg-type]  # the three that a hold calls
        hold.take()
        return hold

    def take(self, name: str, owner: str, ttl_seconds: float) -> int | None:
        return self.leases.take(name, owner, ttl_seconds)

    def renew(self, name: str, owner: str, fence: int, ttl_seconds: float) -> bool:
        if self.is_away:
            raise BusUnavailableError("redis is away")
        return self.leases.renew(name, owner, fence, ttl_seconds)

    def release(self, name: str, owner: str, fence: int) -> None:
        self.leases.release(name, owner, fence)


def test_only_one_worker_gets_it() -> None:
    room = Room()
    assert room.hold().is_sure()
    second = Hold(room, "leg", "w2", 2.0, lambda: room.now)  # type: ignore[arg-type]
    assert not second.take()
    assert not second.is_sure()


def test_it_is_sure_until_its_time_is_over_and_again_once_it_was_renewed() -> None:
    room = Room()
    hold = room.hold()
    room.now += 1.9
    assert hold.is_sure()
    hold.renew()
    room.now += 1.9
    assert hold.is_sure()
    room.now += 0.1
    assert not hold.is_sure()


def test_a_redis_that_is_away_makes_it_unsure_but_not_lost() -> None:
    room = Room()
    hold = room.hold()
    room.is_away = True
    room.now += 60
    hold.check()
    assert not hold.is_sure()
    room.is_away = False
    hold.check()
    assert hold.is_sure(), "nobody has taken it over: it goes on"


def test_what_another_worker_has_taken_over_is_lost_for_ever() -> None:
    room = Room()
    hold = room.hold()
    room.now += 3
    thief = room.hold("w2")
    with pytest.raises(FencedOutError):
        hold.check()
    thief.release()
    hold.renew()
    assert hold.is_lost
    assert not hold.is_sure()


def test_the_time_is_counted_from_before_the_renewal_was_asked_for() -> None:
    room = Room()
    hold = room.hold()
    renew = room.leases.renew

    def slowly(name: str, owner: str, fence: int, ttl_seconds: float) -> bool:
        kept = renew(name, owner, fence, ttl_seconds)
        room.now += 2
        return kept

    room.leases.renew = slowly  # type: ignore[method-assign]
    hold.renew()
    assert not hold.is_sure(), "the answer came when the lease it told of was over"


@pytest.fixture
def threads() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as threads:
        yield threads


def test_a_thread_of_its_own_renews_it_whatever_the_worker_is_busy_with(
    threads: Executor, eventually: Callable[..., object]
) -> None:
    leases = MemoryLeases()
    hold = Hold(leases, "leg", "w1", 0.3)
    hold.take()
    first = hold._sure_until
    with Renewals(hold, threads):
        eventually(lambda: hold._sure_until > first + 0.5)
        assert hold.is_sure()
        assert leases.take("leg", "w2", 1) is None


def test_an_answer_nobody_expected_does_not_end_the_renewals(threads: Executor) -> None:
    leases, asked = MemoryLeases(), threading.Semaphore(0)
    hold = Hold(leases, "leg", "w1", 0.06)
    hold.take()

    def breaks(*_: object) -> bool:
        asked.release()
        raise ValueError("an answer nobody expected")

    leases.renew = breaks  # type: ignore[method-assign]
    with Renewals(hold, threads):
        assert all(asked.acquire(timeout=10) for _ in range(3))


def test_the_renewals_end_with_the_lease() -> None:
    leases = MemoryLeases()
    hold = Hold(leases, "leg", "w1", 0.06)
    hold.take()
    leases.release("leg", "w1", hold.fence)
    with ThreadPoolExecutor(1) as threads, Renewals(hold, threads):
        threads.submit(lambda: None).result(10)  # its turn comes when the renewals have ended
        assert hold.is_lost


def test_the_clock_of_leases_only_goes_on() -> None:
    assert since_boot() <= since_boot()
