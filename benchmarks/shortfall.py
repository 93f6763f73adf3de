"""Implementation shortfall on recorded quotes and trades: market on arrival, the documented ladder, our policies.

python -m benchmarks.shortfall --data ../shared/data/lean [--plot FILE.svg] [--json FILE] [--write]

docs/execution-costs.md says what is counted and what is not. Ends with 1 where the default does not beat both
everywhere and --claim asks for it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import random
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks import results_page, shortfall_picture, shortfall_report
from benchmarks.shortfall_desk import Ours
from benchmarks.shortfall_replay import Documented, Parent, Rules, Worked, Worker, market_on_arrival
from benchmarks.shortfall_report import COUNTINGS, DEFAULT, DOCUMENTED, MARKET, Line, table, verdicts
from benchmarks.shortfall_statistics import Estimate, Floats, estimate
from benchmarks.shortfall_tape import Recording, Tape, load
from benchmarks.shortfall_venue import Side
from services.execution.domain.ladder import Policy
from services.execution.settings import ExecutionSettings

RECORDINGS: Final = (
    Recording("SPY", dt.date(2013, 10, 7), "second"),
    Recording("SPY", dt.date(2013, 10, 8), "second"),
    Recording("IBM", dt.date(2013, 10, 7), "second"),
    Recording("SPY", dt.date(2023, 8, 3), "minute"),
)
CHOSEN_ON: Final = frozenset({RECORDINGS[0]})
"""What the default was chosen on, besides the morning of the IBM day; the others were looked at once, at the end."""
HALF_CHOSEN_ON: Final = RECORDINGS[2]
SIZES: Final = (100, 500)
SIDES: Final[tuple[Side, ...]] = ("buy", "sell")
OTHERS: Final = ("passive", "mid", "peg", "ladder", "spread", "take")
"""Policies by name that are shown beside the default; close is for who waits for the close."""
HORIZON_SECONDS: Final = {1: 300, 60: 1800}
_HALF_A_SESSION_SECONDS: Final = 11_700
_WARM_UP_SECONDS: Final = 60
_LAST_ARRIVAL_BEFORE_CLOSE_SECONDS: Final = 180 + max(HORIZON_SECONDS.values())


def ours(policy: Policy) -> Worker:
    return Ours(lambda _quote, _side: policy)


def _as_set(*, sees_whole_market: bool, **settings: Any) -> Policy:
    """What EXECUTION_* gives where nothing else is set."""
    return ExecutionSettings.model_construct(**settings).policies(sees_whole_market=sees_whole_market).default


def workers() -> dict[str, Worker]:
    """What is compared, by name; each policy of ours differs from the default in what its name says."""
    return {
        MARKET: market_on_arrival,
        DOCUMENTED: Documented(),
        DEFAULT: ours(_as_set(sees_whole_market=True)),
        "without sizes": ours(_as_set(sees_whole_market=False)),
        "turns of 5 s": ours(_as_set(sees_whole_market=True, patience_seconds=5)),
        **{name: ours(_as_set(sees_whole_market=True, policy=name)) for name in OTHERS},
    }


@dataclass(frozen=True)
class Task:
    """One policy on one recording: a process's share of the work."""

    folder: Path
    recording: Recording
    latency_seconds: int
    name: str
    parents: int
    seed: int


@dataclass(frozen=True)
class Replayed:
    """Per parent; the first axis of `bps`, `dollars` is the counting. `dollars` are per 1,000 shares."""

    task: Task
    bps: Floats
    dollars: Floats
    arrival_seconds: NDArray[np.int64]
    is_buy: NDArray[np.bool_]
    qty: NDArray[np.int64]
    rested: tuple[float, ...]
    filled: tuple[float, ...]
    requests: tuple[float, ...]
    seconds: tuple[float, ...]

    def only(self, chosen: NDArray[np.bool_]) -> Replayed:
        """The same of some parents; the shares and means beside the costs stay those of all."""
        return replace(
            self,
            bps=self.bps[:, chosen],
            dollars=self.dollars[:, chosen],
            arrival_seconds=self.arrival_seconds[chosen],
            is_buy=self.is_buy[chosen],
            qty=self.qty[chosen],
        )


@lru_cache(maxsize=2)
def _tape(folder: Path, recording: Recording) -> Tape:
    return load(folder, recording)


def parents(tape: Tape, recording: Recording, count: int, seed: int) -> list[Parent]:
    """`count` arrivals per size, at random instants of the session; each is bought once and sold once."""
    bar = tape.bar_seconds
    first, last = _WARM_UP_SECONDS // bar, len(tape) - _LAST_ARRIVAL_BEFORE_CLOSE_SECONDS // bar
    found = []
    for size in SIZES:
        draw = random.Random(f"{recording.name} {size} {seed}")
        arrivals = sorted(draw.randrange(first, last) for _ in range(count))
        found += [Parent(side, size, arrival) for arrival in arrivals for side in SIDES]
    return found


def replay(task: Task) -> Replayed:
    tape, worker = _tape(task.folder, task.recording), workers()[task.name]
    wanted = parents(tape, task.recording, task.parents, task.seed)
    horizon, latency = HORIZON_SECONDS[tape.bar_seconds] // tape.bar_seconds, task.latency_seconds // tape.bar_seconds
    sure = [worker(tape, parent, Rules(horizon, latency, counts_undecided=False)) for parent in wanted]
    # Where no undecided bar came the order's way, both countings see the same.
    also = [
        worker(tape, worked.parent, Rules(horizon, latency, counts_undecided=True)) if worked.was_undecided else worked
        for worked in sure
    ]
    both = (sure, also)
    qty = np.array([parent.qty for parent in wanted])
    dollars = np.array([[worked.shortfall(tape) for worked in all_] for all_ in both])
    mids = np.array([tape.double_mid(parent.arrival) / 20_000 for parent in wanted])
    return Replayed(
        task=task,
        bps=dollars / (qty * mids) * 10_000,
        dollars=dollars / qty * 1000,
        arrival_seconds=np.array([parent.arrival * tape.bar_seconds for parent in wanted]),
        is_buy=np.array([parent.side == "buy" for parent in wanted]),
        qty=qty,
        rested=tuple(_share(all_, "rested") for all_ in both),
        filled=tuple(_share(all_, "filled") for all_ in both),
        requests=tuple(float(np.mean([worked.requests for worked in all_])) for all_ in both),
        seconds=tuple(
            float(np.mean([worked.ended - worked.parent.arrival for worked in all_])) * tape.bar_seconds
            for all_ in both
        ),
    )


def _share(all_: Iterable[Worked], of: str) -> float:
    """Of each order's shares, on average."""
    return float(np.mean([getattr(worked, of) / worked.parent.qty for worked in all_]))


def lines(of_regime: Sequence[Replayed], part: str = "") -> list[Line]:
    """Of one recording at one latency. Differences are of the same parents."""
    by_name = {replayed.task.name: replayed for replayed in of_regime}
    return [
        _line(replayed, by_name[MARKET], by_name[DOCUMENTED], counting, part)
        for replayed in of_regime
        for counting in range(len(COUNTINGS))
    ]


def afternoon(of_regime: Sequence[Replayed]) -> list[Replayed]:
    """The half of the session that nothing was chosen on."""
    return [replayed.only(replayed.arrival_seconds >= _HALF_A_SESSION_SECONDS) for replayed in of_regime]


def _line(replayed: Replayed, market: Replayed, documented: Replayed, counting: int, part: str) -> Line:
    task = replayed.task

    def of(values: Floats) -> Estimate:
        return estimate(values, replayed.arrival_seconds, task.seed)

    bps = replayed.bps[counting]
    by_side_and_size = {
        f"{side} {size}": round(float(bps[(replayed.is_buy == (side == "buy")) & (replayed.qty == size)].mean()), 4)
        for side in SIDES
        for size in SIZES
    }
    return Line(
        regime=f"{task.recording.name}{part}, latency {task.latency_seconds} s",
        policy=task.name,
        counting=COUNTINGS[counting],
        bps=of(bps),
        dollars=of(replayed.dollars[counting]),
        against_market=of(bps - market.bps[counting]),
        against_documented=of(bps - documented.bps[counting]),
        facts={
            "symbol": task.recording.symbol,
            "part": part.strip(" ,") or "whole session",
            "held_out": bool(part) or task.recording not in CHOSEN_ON | {HALF_CHOSEN_ON},
            "day": task.recording.day.isoformat(),
            "bar_seconds": task.recording.bar_seconds,
            "latency_seconds": task.latency_seconds,
            "parents": len(bps),
            "share_filled_resting": round(replayed.rested[counting], 4),
            "share_filled": round(replayed.filled[counting], 4),
            "requests": round(replayed.requests[counting], 3),
            "seconds_to_end": round(replayed.seconds[counting], 2),
            "bps_by_side_and_size": by_side_and_size,
        },
    )


def measured(folder: Path, latencies: Sequence[int], count: int, seed: int) -> list[Line]:
    regimes = [
        (recording, latency)
        for recording in RECORDINGS
        for latency in (latencies if recording.bar_seconds <= max(latencies, default=0) else latencies[:1])
    ]
    tasks = [
        Task(folder, recording, latency, name, count, seed) for recording, latency in regimes for name in workers()
    ]
    with ProcessPoolExecutor(max_workers=2) as pool:
        replayed = list(pool.map(replay, tasks))
    found: list[Line] = []
    for recording, latency in regimes:
        own = [one for one in replayed if one.task.recording == recording and one.task.latency_seconds == latency]
        of_regime = lines(own)
        if recording == HALF_CHOSEN_ON:
            of_regime += lines(afternoon(own), ", afternoon")
        found += sorted(
            of_regime, key=lambda line: (line.facts["part"] != "whole session", COUNTINGS.index(line.counting))
        )
    return found


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shortfall", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--data", type=Path, required=True, help="the folder of LEAN data, with second/ and minute/ in it"
    )
    parser.add_argument("--parents", type=int, default=1000, help="parent orders per side and size")
    parser.add_argument("--latency", type=int, nargs="+", default=[0, 1], help="whole seconds from decision to market")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plot", type=Path, help="write the picture here (SVG)")
    parser.add_argument("--json", type=Path, help="write a JSON line per regime, policy and counting here")
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    parser.add_argument("--claim", action="store_true", help="end with 1 unless the default beats both everywhere")
    found = parser.parse_args(given)
    nested = found.data / "lean"
    found.data = nested if nested.is_dir() else found.data
    missing = [
        path for one in RECORDINGS for kind in ("quote", "trade") if not (path := one.path(found.data, kind)).is_file()
    ]
    if missing:
        parser.error(f"--data: expected the LEAN layout (second/spy/20131007_quote.zip ...); missing {missing[0]}")
    if found.parents < 1 or min(found.latency) < 0:
        parser.error("--parents: expected 1 or more; --latency: expected 0 or more")
    return found


def main() -> int:
    given = arguments()
    found = measured(given.data, given.latency, given.parents, given.seed)
    for row in table(found):
        print(row)
    if given.json:
        given.json.write_text("".join(json.dumps(line.as_json()) + "\n" for line in found), encoding="utf-8")
    if given.plot:
        given.plot.write_text(shortfall_picture.svg(found), encoding="utf-8")
    if given.write:
        results_page.put(shortfall_report.section(found, given.parents, given.seed))
    doubts = verdicts(found, DEFAULT)
    print(
        f"\n{DEFAULT} beats both in every regime, counted both ways."
        if not doubts
        else f"\n{DEFAULT} is not proven better:"
    )
    for doubt in doubts:
        print(f"  {doubt}")
    return int(given.claim and bool(doubts))


if __name__ == "__main__":
    sys.exit(main())
