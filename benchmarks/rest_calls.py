"""How many requests a full turnover costs: python -m benchmarks.rest_calls [--write] (into RESULTS.md).

Every request to the broker counts between the target and the report: planning, orders, cancels, questions, reconciliation. The
simulator allows 200 a minute and answers the next one with 429. Seeds differ in prices, spreads and fills; both fill models are used.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from benchmarks import results_page
from benchmarks.rest_calls_room import Room
from benchmarks.rest_calls_venue import MORE, QUIET, simulator
from services.simulator.domain.generator_universe import ASSETS
from shared import logs

TITLE: Final = "## Requests"
MOST: Final = 200
WINDOW_SECONDS: Final = 62
SHAPES: Final = {"21 sold, 21 bought": 21, "42 sold, 42 bought": 42}
TURNOVERS: Final = 3


@dataclass(frozen=True)
class Turnover:
    """One rebalance out of everything held into as many other symbols."""

    sent: Counter[str]
    too_many: int
    held_back: int
    seconds: float
    outcome: str
    orders: int
    children: int

    @property
    def total(self) -> int:
        return self.sent.total()


def turnovers(count: int, seed: int, fills: str, pace: float) -> Iterator[Turnover]:
    """In and out again: into the first symbols (not counted), then to and fro."""
    symbols = sorted({*ASSETS, *MORE})
    halves = [symbols[:count], symbols[-count:]]
    with simulator(pace, seed, fills) as url:
        room = Room(url, symbols, pace)
        try:
            room.rebalance(_equal(halves[0]))
            for turn in range(1, TURNOVERS + 1):
                room.let_pass(WINDOW_SECONDS)
                yield _measured(room, halves[turn % 2])
        finally:
            room.close()


def _equal(symbols: Sequence[str]) -> dict[str, Decimal]:
    weight = (Decimal("0.98") / len(symbols)).quantize(Decimal("0.000001"))
    return dict.fromkeys(symbols, weight)


def _measured(room: Room, into: Sequence[str]) -> Turnover:
    requests, begun = room.requests, room.clock.now()
    requests.sent, requests.too_many, requests.held_back = Counter(), 0, 0
    done = room.rebalance(_equal(into))
    seconds = (room.clock.now() - begun).total_seconds()
    children = sum(order.children for order in done.orders)
    sent = Counter(requests.sent)
    return Turnover(sent, requests.too_many, requests.held_back, seconds, done.outcome, len(done.orders), children)


def told(turnover: Turnover) -> str:
    """One turnover, for whoever watches; all of it where it was too much."""
    short = f"{turnover.total} in {turnover.seconds:.0f} s"
    return f"{short} {dict(turnover.sent)}" if turnover.total > MOST else short


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def row(name: str, found: Sequence[Turnover]) -> str:
    totals = [turnover.total for turnover in found]
    means = Counter[str]()
    for turnover in found:
        means.update(turnover.sent)
    parts = ", ".join(
        f"{call} {count / len(found):.0f}" for call, count in means.most_common() if count / len(found) >= 0.5
    )
    complete = sum(turnover.outcome == "complete" for turnover in found)
    return (
        f"| {name} | {len(found)} | {complete} | {statistics.median(totals):.0f} | {percentile(totals, 0.99):.0f} | {max(totals)} "
        f"| {sum(turnover.too_many for turnover in found)} | {statistics.median(t.seconds for t in found):.0f} s "
        f"| {statistics.mean(t.children / max(1, t.orders) for t in found):.2f} | {parts} |"
    )


def section(found: dict[str, list[Turnover]], pace: float) -> str:
    lines = [row(name, turnovers) for name, turnovers in found.items()]
    what = (
        "`make bench-requests`: full turnovers against the simulator over HTTP, its limit 200 requests a minute and our default settings but for the limits on spread and turnover; "
        "every request between target and report counts. Half of them with `paper` fills, half with `realistic` ones; time runs "
        f"{pace:g} times as fast as the wall's, the limits with it. The last column is the mean of each kind."
    )
    return "\n".join(
        [
            TITLE,
            "",
            what,
            "",
            "| turnover | runs | complete | median | 99 % | most | 429s | lasted | prices an order | of which |",
            "|---|---:|---:|---:|---:|---:|---:|---:|---:|---|",
            *lines,
            "",
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=34, help=f"of each shape; {TURNOVERS} turnovers each")
    parser.add_argument("--pace", type=float, default=10, help="how many times as fast as the wall's time")
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    arguments = parser.parse_args()
    logs.configure("benchmark", QUIET)
    found: dict[str, list[Turnover]] = {}
    with suppress(KeyboardInterrupt):
        for name, count in SHAPES.items():
            found[name] = []
            for seed in range(arguments.seeds):
                fills = ("paper", "realistic")[seed % 2]
                found[name] += turnovers(count, seed, fills, arguments.pace)
                sys.stderr.write(f"{name}, seed {seed}, {fills}: {[told(t) for t in found[name][-TURNOVERS:]]}\n")
    text = section(found, arguments.pace)
    sys.stdout.write(text)
    if arguments.write:
        results_page.put(text)
    everything = [turnover for turnovers in found.values() for turnover in turnovers]
    is_kept = all(percentile([t.total for t in turnovers], 0.99) <= MOST for turnovers in found.values())
    return 0 if is_kept and not any(turnover.too_many for turnover in everything) else 1


if __name__ == "__main__":
    sys.exit(main())
