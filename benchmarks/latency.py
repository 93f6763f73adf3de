"""From a target to the first order, and from a fill to our picture of it: python -m benchmarks.latency [--write] (into RESULTS.md).

Real processes: Redis with its append-only file, the simulator, the execution service, one worker. The measure is a bare
`POST /v2/orders` to the same simulator in the same run, over one kept connection. Instants of the exchange are read on our clock.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import redis

from benchmarks import results_page
from cli.embedded_redis import embedded_redis
from services.simulator.domain.generator_universe import ASSETS, WHOLE_SHARES_ONLY
from shared.contracts import Message, decode, streams
from shared.contracts.execution import (
    OrderFact,
    OrderFilled,
    OrderPartlyFilled,
    OrderPlaced,
    RebalanceCompleted,
    RebalancePlanned,
)
from tests.integration.execution.processes import Stack

TITLE: Final = "## Latency"
MANY: Final = 42
BARE: Final = 100
SYMBOLS: Final = ("SPY", *sorted(set(ASSETS) - WHOLE_SHARES_ONLY - {"SPY"}))[:MANY]
SETTLING_SECONDS: Final = 1.2
"""After a rebalance the books are reconciled; a target seldom comes on the heels of another."""
SETTINGS: Final = {
    "EXECUTION_URGENCY": "urgent",
    "EXECUTION_REQUESTS_PER_REBALANCE": "0",
    "EXECUTION_DRIFT_TOLERANCE": "0",
    "EXECUTION_MAX_TURNOVER": "0",  # a day of rebalances that nobody would make
}


@dataclass(frozen=True)
class Heard:
    """A message of execution.events, and when it arrived here (epoch seconds)."""

    at: float
    message: Message


class Traded(Stack):
    """Each symbol has a new quote four times a second, as often as a liquid ETF on one exchange."""

    quotes_every = 0.25


class Ear:
    """Reads execution.events the moment anything is written there."""

    def __init__(self, stack: Stack, url: str) -> None:
        self._client = redis.Redis.from_url(url)
        self._stream = stack.bus.key(streams.EXECUTION)
        self.heard: list[Heard] = []
        self._news = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(5)
        self._client.close()

    def wait_for(self, is_it: Callable[[Heard], bool], since: int, within: float = 60) -> Heard:
        with self._news:
            self._news.wait_for(lambda: any(map(is_it, self.heard[since:])), within)
            if (found := next((heard for heard in self.heard[since:] if is_it(heard)), None)) is None:
                raise TimeoutError(f"never heard, but {[type(heard.message).__name__ for heard in self.heard[since:]]}")
            return found

    def _run(self) -> None:
        position: Any = "0"
        while not self._stop.is_set():
            answer: Any = self._client.xread({self._stream: position}, block=200)
            now = time.time()
            for _, entries in answer or ():
                with self._news:
                    for entry, fields in entries:
                        position = entry
                        self.heard.append(Heard(now, decode(fields[b"kind"].decode(), fields[b"data"])))
                    self._news.notify_all()


class ExchangeClock:
    """The exchange's instants on our clock: the quickest of some questions tells how far they are apart."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.align()

    def align(self) -> None:
        best = min((self._asked() for _ in range(20)), key=lambda asked: asked[0])
        self._apart = best[1]

    def real(self, instant: dt.datetime) -> float:
        return instant.timestamp() - self._apart

    def _asked(self) -> tuple[float, float]:
        before = time.time()
        told = dt.datetime.fromisoformat(self._stack.http.get(f"{self._stack.simulator}/sim/clock").json()["now"])
        after = time.time()
        return after - before, told.timestamp() - (before + after) / 2


@dataclass
class Found:
    """Milliseconds."""

    bare: list[float]
    alone: list[float]
    accepted: list[float]
    acknowledged: list[float]
    planned: list[float]
    filled: list[float]
    many_first: float = 0
    many_last: float = 0
    many_done: float = 0
    worker_mb: float = 0
    worker_idle_mb: float = 0


def measured(rounds: int) -> Found:
    with running() as (stack, ear, clock):
        stack.completed(stack.target(SPY="0.30"))
        found = Found(bare(stack), [], [], [], [], [])
        found.worker_idle_mb = resident(stack, "worker-1")
        for turn in range(rounds):
            threading.Event().wait(SETTLING_SECONDS)
            found.alone.append(one_bare(stack))
            threading.Event().wait(SETTLING_SECONDS)
            one_round(stack, ear, clock, found, "0.20" if turn % 2 == 0 else "0.30")
        found.bare += bare(stack)
        many(stack, ear, found)
        found.worker_mb = resident(stack, "worker-1")
        return found


@contextmanager
def running() -> Iterator[tuple[Stack, Ear, ExchangeClock]]:
    with (
        embedded_redis() as server,
        tempfile.TemporaryDirectory() as folder,
        Traded(server.url, "latency", Path(folder), SYMBOLS, **SETTINGS) as stack,
        closing(Ear(stack, server.url)) as ear,
    ):
        yield stack, ear, ExchangeClock(stack)


def bare(stack: Stack) -> list[float]:
    """Round trips one after the other."""
    return [one_bare(stack) for _ in range(BARE)]


def one_bare(stack: Stack) -> float:
    """The round trip of an order that rests far away; then it is cancelled."""
    order = {"symbol": "SPY", "side": "buy", "type": "limit", "time_in_force": "day", "qty": "1", "limit_price": "1.00"}
    begun = time.perf_counter()
    answer = stack.http.post(f"{stack.simulator}/v2/orders", json=order)
    seconds = time.perf_counter() - begun
    stack.http.delete(f"{stack.simulator}/v2/orders/{answer.raise_for_status().json()['id']}").raise_for_status()
    return seconds * 1000


def one_round(stack: Stack, ear: Ear, clock: ExchangeClock, found: Found, weight: str) -> None:
    """One small rebalance, a sale or a purchase."""
    clock.align()
    since = len(ear.heard)
    target = stack.target(SPY=weight)
    begun = stack.published_at
    placed = ear.wait_for(lambda h: is_of(target, h, OrderPlaced), since)
    ear.wait_for(lambda h: is_of(target, h, RebalanceCompleted), since)
    found.acknowledged.append((placed.at - begun) * 1000)
    planned = next(heard for heard in ear.heard[since:] if isinstance(heard.message, RebalancePlanned))
    found.planned.append((planned.at - begun) * 1000)
    order = stack.broker(
        "/v2/orders:by_client_order_id?client_order_id=" + getattr(placed.message, "client_order_id", "")
    )
    found.accepted.append((clock.real(dt.datetime.fromisoformat(order["submitted_at"])) - begun) * 1000)
    found.filled += [(heard.at - fill_at) * 1000 for heard, fill_at in fills(stack, ear, clock, since)]


def fills(stack: Stack, ear: Ear, clock: ExchangeClock, since: int) -> Iterator[tuple[Heard, float]]:
    """When our picture had each fill, and when it happened on the exchange. Told with it: the order, its record, the ledger."""
    rows = stack.broker("/v2/account/activities/FILL?direction=desc&page_size=100")
    at = {row["id"].rpartition("::")[2]: row["transaction_time"] for row in rows}
    for heard in list(ear.heard[since:]):
        if isinstance(heard.message, OrderFilled | OrderPartlyFilled) and heard.message.execution_id in at:
            yield heard, clock.real(dt.datetime.fromisoformat(at[heard.message.execution_id]))


def many(stack: Stack, ear: Ear, found: Found) -> None:
    """42 orders worked at once by one worker: half of the cash into as many symbols."""
    since = len(ear.heard)
    weight = str((Decimal("0.6") / MANY).quantize(Decimal("0.0001")))
    target = stack.target(**dict.fromkeys(SYMBOLS, weight))
    begun = stack.published_at
    ear.wait_for(lambda h: is_of(target, h, RebalanceCompleted), since, 120)
    placed = [heard.at for heard in ear.heard[since:] if is_of(target, heard, OrderPlaced)]
    done = [heard.at for heard in ear.heard[since:] if is_of(target, heard, OrderFilled)]
    found.many_first = (min(placed) - begun) * 1000
    found.many_last = (sorted(placed)[min(MANY, len(placed)) - 1] - begun) * 1000
    found.many_done = (max(done) - begun) * 1000


def is_of(target: Message, heard: Heard, kind: type[OrderFact | RebalanceCompleted]) -> bool:
    return isinstance(heard.message, kind) and heard.message.correlation_id == target.correlation_id


def resident(stack: Stack, name: str) -> float:
    """Megabytes of memory the process holds."""
    status = Path(f"/proc/{stack.pid(name)}/status").read_text()
    match = re.search(r"VmRSS:\s+(\d+)", status)
    return int(match.group(1)) / 1024 if match else float("nan")


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def section(found: Found) -> str:
    bare, alone = statistics.median(found.bare), statistics.median(found.alone)

    def line(what: str, values: Sequence[float], target: str) -> str:
        median = statistics.median(values)
        return (
            f"| {what} | {len(values)} | {median:.1f} ms | {median / bare:.1f} | {median / alone:.1f} | {percentile(values, 0.9):.1f} ms "
            f"| {percentile(values, 0.99):.1f} ms | {target} |"
        )

    load = os.getloadavg()[0]
    return "\n".join(
        [
            TITLE,
            "",
            (
                f"`make bench-latency`: real processes on {os.cpu_count()} cores, one worker; simulator, Redis, this benchmark and its quotes run on the same cores. "
                f"Load average at the end {load:.1f}. Columns 4 and 5 count bare round trips of the same run: those that follow each other, and those that "
                f"come alone after a pause of {SETTLING_SECONDS:g} seconds, as a target does, when nothing is warm."
            ),
            "",
            "| what | times | median | in bare trips | in lone trips | 90 % | 99 % | wanted |",
            "|---|---:|---:|---:|---:|---:|---:|---|",
            line("a bare `POST /v2/orders`, answered, one after the other", found.bare, ""),
            line("a bare `POST /v2/orders`, answered, alone after a pause", found.alone, ""),
            line("target published -> plan told", found.planned, ""),
            line("target published -> first order accepted by the exchange", found.accepted, "10 trips; 25 ms at 99 %"),
            line("target published -> its acknowledgement told", found.acknowledged, ""),
            line("fill on the exchange -> written into the order's record and told", found.filled, "10 ms"),
            "",
            (
                f"{MANY} orders by one worker: the first told after {found.many_first:.0f} ms, all after {found.many_last:.0f} ms, all filled after "
                f"{found.many_done:.0f} ms; the worker holds {found.worker_mb:.0f} MB of memory, {found.worker_idle_mb:.0f} MB before."
            ),
            "",
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    arguments = parser.parse_args()
    text = section(measured(arguments.rounds))
    sys.stdout.write(text)
    if arguments.write:
        results_page.put(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
