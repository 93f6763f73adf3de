"""The house under soak: its own Redis, the simulator, the service and several workers, each started again at once when it ends."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
import redis

from cli.embedded_redis import EmbeddedRedis
from services.execution.adapters.desk_book import Book
from services.execution.adapters.redis_journal import RedisJournal
from services.execution.domain import records
from services.execution.settings import ExecutionSettings
from shared.bus import BusUnavailableError
from shared.contracts.strategy import TargetPortfolioSet
from tests.integration.execution.processes import Stack

SYMBOLS = ("SPY", "QQQ", "TLT", "BIL", "TQQQ", "XLK", "XLP", "BSV", "IOO", "KMLM")
NAMESPACE = "soak"
EXECUTION, EXCHANGE = "execution", "simulator"
LEASE_SECONDS = ExecutionSettings.model_fields["lease_seconds"].default
_WATCH_SECONDS = 0.02
_PATIENCE_SECONDS = "1"
AWAY_SECONDS = 60.0
"""Redis is killed and at once started again."""
_T = TypeVar("_T")


class House(Stack):
    """`workers` are named worker-1 and so on. Killed ones are started again as a supervisor would; `ended` tells of the others."""

    def __init__(self, folder: Path, *, workers: int = 2) -> None:
        self.redis = EmbeddedRedis(folder)
        self.workers = tuple(f"worker-{number}" for number in range(1, workers + 1))
        self.ended: list[str] = []
        """What ended by itself, with its exit code."""
        super().__init__(
            self.redis.url,
            NAMESPACE,
            folder,
            symbols=SYMBOLS,
            EXECUTION_PATIENCE_SECONDS=_PATIENCE_SECONDS,
            EXECUTION_MAX_TURNOVER="0",
            SIM_STALL_SECONDS="3",
            SIM_STATE=str(folder / "exchange"),
        )
        self.book = Book(self.bus, pause=lambda _seconds: None)
        self.journal = RedisJournal(self.client, NAMESPACE)
        self._supervised = threading.Lock()
        self._watch = threading.Thread(target=self._supervise, daemon=True)

    def __enter__(self) -> Self:
        self.redis.start()
        super().__enter__()
        for name in self.workers[1:]:
            self.start_worker(name)
        self._watch.start()
        return self

    def __exit__(self, *about: object) -> None:
        self._stop.set()
        self._watch.join(5)
        super().__exit__(*about)
        self.redis.stop()

    def kill(self, name: str) -> None:
        """SIGKILL, and at once the next life."""
        with self._supervised:
            if name == "redis":
                self.redis.kill()
                self.redis.start()
                return
            self._processes[name].kill()
            self._processes[name].wait(10)
            self.start(name, self._module(name))

    def fault_for(self, name: str, seconds: float) -> None:
        self.http.post(f"{self.simulator}/sim/faults", json={"name": name, "seconds": seconds}).raise_for_status()

    def disarm(self) -> None:
        self.http.delete(f"{self.simulator}/sim/faults").raise_for_status()

    def is_trading(self) -> bool:
        """Whether the exchange answers."""
        try:
            return self.http.get(f"{self.simulator}/sim/health", timeout=2).is_success
        except httpx.TransportError:
            return False

    def publish(self, weights: Mapping[str, Decimal]) -> TargetPortfolioSet:
        """A target, once Redis takes it: what the strategy's runner does with its outcome."""
        return self.once_back(lambda: self.target(**{symbol: str(weight) for symbol, weight in weights.items()}))

    def freeze(self, name: str, seconds: float) -> None:
        """The process stands still for so long, as under a debugger, a full disk or a busy host."""
        process = self._processes[name]
        process.send_signal(signal.SIGSTOP)
        threading.Event().wait(seconds)
        process.send_signal(signal.SIGCONT)

    def pid(self, name: str) -> int:
        return self._processes[name].pid

    def worker_at_work(self) -> str | None:
        """Who holds a leg's lease now."""
        holders = self._holders()
        return next((name for name in self.workers if self.pid(name) in holders), None)

    def is_at_work(self) -> bool:
        """Whether a plan is under way, or a target waits for one."""
        return self.book.active_plan() is not None or bool(self.bus.get_all(records.WAITING))

    def is_moving(self, since: float = 0.0) -> bool:
        """Whether what is under way is in the hands of a process that lives and has said so after that Unix time.

        Raises BusUnavailableError.
        """
        if self.book.active_plan() is None:
            return not self.bus.get_all(records.WAITING)
        return bool(self._holders(since) & {self.pid(name) for name in self.workers})

    def is_reconciled(self) -> bool:
        """Whether execution says that its picture is the broker's."""
        return self._answers("/ready")

    def is_up(self) -> bool:
        return self._answers("/health")

    def ask(self, path: str) -> Any:
        """The broker's answer, through every fault that is armed."""
        while True:
            try:
                return self.broker(path)
            except httpx.HTTPError:
                self._stop.wait(0.05)

    def until(self, probe: Callable[[], bool], within: float) -> float | None:
        """How many seconds that took; None when it did not come. A Redis that is away answers no."""
        started = time.monotonic()
        while (waited := time.monotonic() - started) < within:
            try:
                if probe():
                    return waited
            except (BusUnavailableError, redis.ConnectionError):
                pass
            self._stop.wait(_WATCH_SECONDS)
        return None

    def once_back(self, ask: Callable[[], _T]) -> _T:
        """What Redis answers, be it on its way down or up. Raises TimeoutError for one that stays away."""
        answers: list[_T] = []
        if self.until(lambda: answers.append(ask()) is None, AWAY_SECONDS) is None:
            raise TimeoutError(f"Redis: expected back within {AWAY_SECONDS:g} s")
        return answers[0]

    def _supervise(self) -> None:
        while not self._stop.wait(0.1):
            with self._supervised:
                for name, process in list(self._processes.items()):
                    code = process.poll()
                    if code is not None:
                        self.ended.append(f"{name} with {code}")
                        self.start(name, self._module(name))

    def _module(self, name: str) -> str:
        return "services.execution.jobs" if name in self.workers else f"services.{name}"

    def _answers(self, path: str) -> bool:
        try:
            return self.http.get(f"{self.execution}{path}", timeout=2).is_success
        except httpx.TransportError:
            return False

    def _holders(self, renewed_since: float = 0.0) -> set[int]:
        """The processes in whose hands the legs of the plan at work are."""
        found: set[int] = set()
        plan = self.book.active_plan()
        if plan is None:
            return found
        leases: Any = self.client.hgetall(self.bus.key("execution:leases"))
        for name, raw in leases.items():
            lease = json.loads(raw)
            if name.decode().startswith(plan) and int(lease["ends"]) / 1000 > max(
                time.time(), renewed_since + LEASE_SECONDS
            ):
                found.add(int(lease["owner"].rsplit("-", 2)[1]))
        return found
