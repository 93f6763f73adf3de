"""What strikes, when, and how long it takes until nothing is left of it; drawn from one seed."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.soak.house import EXCHANGE, EXECUTION, House

RECOVERY_SECONDS: Final = 5.0
"""The promise, at the 99th percentile."""
_LONGEST_SECONDS: Final = 60.0
_FROZEN_SECONDS: Final = (1.0, 3.0, 6.0)
"""Shorter than a lease, longer, and much longer."""
_NEXT_TIMES: Final = (
    "504_after_accept",
    "504_before_accept",
    "connection_reset",
    "dropped_fill_event",
    "duplicated_fill_event",
    "reordered_events",
    "closed_trade_updates",
    "fill_wins_over_cancel",
)
_FOR_A_WHILE: Final = ("429_burst", "500", "mute_trade_updates")


@dataclass(frozen=True, slots=True)
class Strike:
    """`seconds` from the kill to reconciled and the plan in living hands again, `of_start` of them until new processes answered."""

    victims: tuple[str, ...]
    was_at_work: bool
    seconds: float | None
    of_start: float = 0.0


class Killer:
    """`say` tells of every strike. One thing at a time: a strike is over when the house has recovered."""

    def __init__(self, house: House, rng: random.Random, say: Callable[[str], None]) -> None:
        self._house = house
        self._rng = rng
        self._say = say
        self.strikes: list[Strike] = []
        self.faults = 0
        self.frozen = 0

    def strike(self) -> None:
        """One of: a SIGKILL or two, a process that stands still, faults at the broker."""
        what = self._rng.random()
        if what < 0.70:
            self._kill()
        elif what < 0.85:
            self._freeze()
        else:
            self._arm()

    def _kill(self) -> None:
        victims = self._victims()
        was_at_work = self._house.until(self._house.is_at_work, 0.1) is not None
        started, since = time.monotonic(), time.time()
        for victim in victims:
            self._house.kill(victim)
        starting = {EXECUTION: self._house.is_up, EXCHANGE: self._house.is_trading}
        probes = [probe for victim, probe in starting.items() if victim in victims]
        of_start = self._house.until(lambda: all(probe() for probe in probes), _LONGEST_SECONDS) or 0.0
        recovered = self._house.until(lambda: self._has_recovered(since), _LONGEST_SECONDS)
        seconds = None if recovered is None else time.monotonic() - started
        self.strikes.append(Strike(victims, was_at_work, seconds, of_start))
        told = f"not within {_LONGEST_SECONDS:g} s" if seconds is None else f"{seconds:.2f} s"
        self._say(f"killed {' and '.join(victims)}{' at work' if was_at_work else ''}: recovered {told}")

    def _victims(self) -> tuple[str, ...]:
        """Mostly one, and of the workers mostly the one at work."""
        house, rng = self._house, self._rng
        worker = house.worker_at_work() if rng.random() < 0.8 else None
        chosen = rng.choices(
            (EXECUTION, "redis", worker or rng.choice(house.workers), EXCHANGE),
            (3, 2, 4, 2),
            k=2 if rng.random() < 0.2 else 1,
        )
        return tuple(dict.fromkeys(chosen))

    def _has_recovered(self, since: float = 0.0) -> bool:
        return self._house.is_moving(since) and self._house.is_reconciled()

    def _freeze(self) -> None:
        house, seconds = self._house, self._rng.choice(_FROZEN_SECONDS)
        victim = self._rng.choice((EXECUTION, house.worker_at_work() or house.workers[0]))
        self._say(f"{victim} stands still for {seconds:g} s")
        self.frozen += 1
        house.freeze(victim, seconds)
        house.until(self._has_recovered, _LONGEST_SECONDS)

    def _arm(self) -> None:
        names = self._rng.sample(_NEXT_TIMES, 3)
        for name in names:
            self._house.fault(name, self._rng.choice((1, 1, 2)))
        whole = self._rng.choice(_FOR_A_WHILE)
        self._house.fault_for(whole, self._rng.choice((0.5, 1.5)))
        self.faults += len(names) + 1
        self._say(f"faults at the broker: {', '.join((*names, whole))}")


def percentile(values: list[float], share: float) -> float:
    """The smallest that at least this share of them does not exceed; NaN of none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)] if ordered else math.nan
