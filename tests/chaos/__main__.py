"""python -m tests.chaos [--seeds N] [--first N] [--seed N] [--mutants]: many schedules, one again with its history, or the mutants."""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from functools import partial

import structlog

from tests.chaos import machine
from tests.chaos.room import FAITHFUL, BlindRenewals, ChaosRoom, HastyBus, Mutations, UnfencedBus, UnfencedLeases
from tests.chaos.verdict import judge
from tests.chaos.world import Chances

MUTANT_SECONDS = 60.0
STALLS = Chances(stall=0.03, death=0.01, fill=0.02)
STALLS_AT_THE_WIRE = Chances(stall_at_wire=0.3, control=0.1, fill=0.02)
_SHOWN = 10


def run_desk(seed: int, mutations: Mutations = FAITHFUL) -> list[str]:
    """One schedule over the room. Raises AssertionError; its notes tell the history."""
    room = ChaosRoom(seed, mutations)
    try:
        room.run()
        judge(room)
    except Exception as error:
        error.add_note("\n".join(room.world.history))
        raise
    return room.world.history


LEVELS: dict[str, Callable[[int], list[str]]] = {"machine": machine.run_seed, "desk": run_desk}
MUTANTS: dict[str, Callable[[int], object]] = {
    **{name: partial(machine.run_worst_seed, machine=wrong) for name, wrong in machine.MACHINE_MUTANTS.items()},
    "an un-fenced lease": partial(run_desk, mutations=Mutations(UnfencedLeases, desk_bus=UnfencedBus, chances=STALLS)),
    "a lease nobody looks at before the wire": partial(
        run_desk, mutations=Mutations(renewals=BlindRenewals, chances=STALLS_AT_THE_WIRE)
    ),
    "acknowledgement before effect": partial(run_desk, mutations=Mutations(service_bus=HastyBus)),
}


def caught_at(mutant: Callable[[int], object], seconds: float = MUTANT_SECONDS) -> int | None:
    """The seed that catches it, None when none does in time."""
    deadline, seed = time.monotonic() + seconds, 0
    while time.monotonic() < deadline:
        try:
            mutant(seed)
        except (AssertionError, ValueError):
            return seed
        seed += 1
    return None


def fault_in(level: str, seed: int) -> str | None:
    """What broke in this schedule, None when nothing did."""
    try:
        LEVELS[level](seed)
    except Exception as error:  # noqa: BLE001 - whatever it was, the seed is shown and the others go on
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {error} ({where.filename.rsplit('/', 1)[-1]}:{where.lineno})"
    return None


def quiet() -> None:
    """A schedule's warnings are what it is for."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def _tried(job: tuple[str, int]) -> tuple[str, int, str | None]:
    return (*job, fault_in(*job))


def _run_many(seeds: Iterable[int], processes: int) -> int:
    jobs = [(level, seed) for seed in seeds for level in LEVELS]
    started, failed = time.monotonic(), 0
    with multiprocessing.Pool(processes, initializer=quiet) as pool:
        for level, seed, fault in pool.imap_unordered(_tried, jobs, chunksize=16):
            if fault is not None:
                failed += 1
                if failed <= _SHOWN:
                    _say(f"{level} seed {seed}: {fault}\n  again: python -m tests.chaos --level {level} --seed {seed}")
    _say(f"{len(jobs)} schedules, {failed} failed, {time.monotonic() - started:.0f} s")
    return 1 if failed else 0


def _run_mutants() -> int:
    missed = 0
    for name, mutant in MUTANTS.items():
        started, seed = time.monotonic(), caught_at(mutant)
        missed += seed is None
        verdict = "NOT CAUGHT" if seed is None else f"caught by seed {seed}"
        _say(f"{name}: {verdict} in {time.monotonic() - started:.1f} s")
    return 1 if missed else 0


def _replay(level: str, seed: int) -> int:
    fault = None
    try:
        history = LEVELS[level](seed)
    except Exception as error:  # noqa: BLE001 - shown with its history
        fault, history = traceback.format_exception(error), []
    _say("\n".join(history) + "".join(fault or ["\nnothing broke"]))
    return 1 if fault else 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seeds", type=int, default=1_000, help="how many schedules of each level")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="run this one again, and show its history")
    parser.add_argument("--level", choices=sorted(LEVELS), default="desk", help="what --seed is about")
    parser.add_argument("--mutants", action="store_true", help="exit 0 only when every mutant is caught")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    quiet()
    if given.mutants:
        return _run_mutants()
    if given.seed is not None:
        return _replay(given.level, given.seed)
    return _run_many(range(given.first, given.first + given.seeds), given.processes)


if __name__ == "__main__":
    sys.exit(main())
