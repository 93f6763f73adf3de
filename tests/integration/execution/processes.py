"""Execution as it runs: the service and its workers as processes, a real Redis, the real simulator; quotes are pumped from it."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
import redis

from cli.embedded_redis import free_port
from shared.bus import BusUnavailableError, Outcome, Put
from shared.bus.redis_bus import RedisBus
from shared.clock import VenueClock
from shared.contracts import Message, decode, streams
from shared.contracts.alerts import AlertRaised
from shared.contracts.execution import RebalanceCompleted
from shared.contracts.marketdata import DailyHistory, Quote
from shared.contracts.strategy import TargetPortfolioSet

ROOT = Path(__file__).resolve().parents[3]
SYMBOLS = ("SPY", "TLT", "BIL", "QQQ")
TOKEN = "a-token-long-enough"
KEY = {"APCA-API-KEY-ID": "test", "APCA-API-SECRET-KEY": "test"}
_M = TypeVar("_M", bound=Message)


class Stack:
    """`settings` go to the service and the workers. Everything started here ends with the `with` block."""

    quotes_every = 0.05
    """Real seconds between two quotes of each symbol."""

    published_at = 0.0
    """Epoch seconds, just before the newest target was published."""

    def __init__(
        self, redis_url: str, namespace: str, folder: Path, symbols: tuple[str, ...] = SYMBOLS, **settings: str
    ) -> None:
        self._folder = folder
        self._symbols = symbols
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._stop = threading.Event()
        self.client = redis.Redis.from_url(redis_url)
        self.bus = RedisBus(self.client, namespace)
        self.simulator = f"http://127.0.0.1:{free_port()}"
        self.execution = f"http://127.0.0.1:{free_port()}"
        self.http = httpx.Client(headers=KEY, timeout=10, trust_env=False)
        self._environment = {
            name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV") if name in os.environ
        } | {
            "PYTHONPATH": str(ROOT),
            "ALCHEMISER_REDIS_URL": redis_url,
            "ALCHEMISER_NAMESPACE": namespace,
            "ALCHEMISER_HTTP_TOKEN": TOKEN,
            "ALCHEMISER_HTTP_PORT": self.execution.rsplit(":", 1)[1],
            "SIMULATOR_URL": self.simulator,
            "SIMULATOR_KEY": "test",
            "SIMULATOR_SECRET": "test",
            "SIM_PORT": self.simulator.rsplit(":", 1)[1],
            "SIM_START": "2024-06-03T10:00",
            "SIM_RATE_LIMIT": "0",
            "EXECUTION_REQUESTS_PER_MINUTE": "0",
            "EXECUTION_PATIENCE_SECONDS": "0.3",
            **settings,
        }

    def __enter__(self) -> Self:
        self.start("simulator", "services.simulator")
        self.wait_for(f"{self.simulator}/sim/health")
        self.clock = VenueClock(f"{self.simulator}/sim/clock", client=self.http)
        self._put_histories()
        self._pump = threading.Thread(target=self._pump_quotes, daemon=True)
        self._pump.start()
        self.start("execution", "services.execution")
        self.start_worker("worker-1")
        self.wait_for(f"{self.execution}/ready")
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._pump.join(5)
        for name in reversed(self._processes):
            self._processes[name].terminate()
        for process in self._processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
        self.http.close()
        self.client.close()

    def start(self, name: str, module: str) -> None:
        with (self._folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", module],
                env=self._environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def start_worker(self, name: str) -> None:
        before = self.client.scard("rq:workers")
        self.start(name, "services.execution.jobs")
        self.eventually(lambda: self.client.scard("rq:workers") > before, 20)

    def pid(self, name: str) -> int:
        return self._processes[name].pid

    def signal(self, name: str, number: signal.Signals) -> int:
        """Send it and wait for the end; the exit code."""
        self._processes[name].send_signal(number)
        return self._processes[name].wait(20)

    def fault(self, name: str, count: int = 1) -> None:
        self.http.post(f"{self.simulator}/sim/faults", json={"name": name, "count": count}).raise_for_status()

    def shared_target(self, **by_strategy: Mapping[str, str]) -> TargetPortfolioSet:
        """A target that strategies share: strategy -> symbol -> weight of the portfolio."""
        parts = {name: {s: Decimal(w) for s, w in weights.items()} for name, weights in by_strategy.items()}
        symbols = {symbol for weights in parts.values() for symbol in weights}
        total = {
            symbol: str(sum(part.get(symbol, Decimal(0)) for part in parts.values())) for symbol in sorted(symbols)
        }
        return self.target(parts, **total)

    def target(self, by_strategy: dict[str, dict[str, Decimal]] | None = None, **weights: str) -> TargetPortfolioSet:
        message = TargetPortfolioSet(
            correlation_id=f"why-{time.monotonic_ns()}",
            at=self.clock.now(),
            run_id="run",
            session=self.clock.now().date(),
            weights={symbol: Decimal(weight) for symbol, weight in weights.items()},
            by_strategy=by_strategy or {},
        )
        changes = (Put(streams.LATEST_TARGETS, "latest", message.encode()),)
        self.bus.commit(Outcome(changes=changes))
        self.published_at = time.time()
        self.bus.publish(streams.TARGETS, message)
        return message

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return self.http.post(f"{self.execution}{path}", json=body, headers=headers).raise_for_status()

    def broker(self, path: str) -> Any:
        return self.http.get(f"{self.simulator}{path}").raise_for_status().json()

    def told(self, kind: type[_M], correlation_id: str | None = None) -> list[_M]:
        entries: Any = self.client.xrange(self.bus.key(streams.EXECUTION))
        found = [decode(fields[b"kind"].decode(), fields[b"data"]) for _, fields in entries]
        mine = [m for m in found if correlation_id is None or m.correlation_id == correlation_id]
        return [message for message in mine if isinstance(message, kind)]

    def alerts(self) -> list[AlertRaised]:
        entries: Any = self.client.xrange(self.bus.key(streams.alerts_of("execution")))
        return [AlertRaised.of(fields[b"data"]) for _, fields in entries]

    def completed(self, target: Message, within: float = 30) -> RebalanceCompleted:
        return self.eventually(lambda: self.told(RebalanceCompleted, target.correlation_id), within)[0]

    def first(self, kind: type[_M], target: Message, within: float = 15) -> _M:
        return self.eventually(lambda: self.told(kind, target.correlation_id), within)[0]

    def eventually(self, probe: Callable[[], Any], within: float) -> Any:
        deadline, pause = time.monotonic() + within, threading.Event()
        while not (answer := probe()):
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {within} s\n{self.logs()}")
            pause.wait(0.01)
        return answer

    def logs(self) -> str:
        return "\n".join(f"--- {path.name}\n{path.read_text()[-2000:]}" for path in self._folder.glob("*.log"))

    def wait_for(self, url: str) -> None:
        def answers() -> bool:
            try:
                return self.http.get(url).is_success
            except httpx.TransportError:
                return False

        self.eventually(answers, 40)

    def _put_histories(self) -> None:
        """The other thing marketdata does: daily history into its cache."""
        asked = f"symbols={','.join(self._symbols)}&timeframe=1Day&limit=10000&start=2024-04-15&end=2024-05-31&adjustment=all&feed=iex"
        for symbol, bars in self.broker(f"/v2/stocks/bars?{asked}")["bars"].items():
            history = history_of(symbol, bars, self.clock.now())
            self.client.set(self.bus.key(streams.daily_history(symbol)), history.model_dump_json())

    def _pump_quotes(self) -> None:
        """What marketdata does: the newest quote of each symbol into its hash."""
        with httpx.Client(headers=KEY, timeout=5, trust_env=False) as client:
            while not self._stop.wait(self.quotes_every):
                try:
                    url = f"{self.simulator}/v2/stocks/quotes/latest?symbols={','.join(self._symbols)}&feed=iex"
                    found = client.get(url).raise_for_status().json()["quotes"]
                    puts = [Put(streams.LATEST_QUOTES, s, _quote(s, raw).model_dump_json()) for s, raw in found.items()]
                    self.bus.commit(Outcome(changes=tuple(puts)))
                except (httpx.HTTPError, BusUnavailableError):
                    continue


def history_of(symbol: str, bars: Sequence[Mapping[str, Any]], fetched_at: dt.datetime) -> DailyHistory:
    return DailyHistory(
        symbol=symbol,
        source="alpaca",
        adjustment="all",
        fetched_at=fetched_at,
        dates=tuple(dt.datetime.fromisoformat(bar["t"]).date() for bar in bars),
        **{name: tuple(float(bar[name[0]]) for bar in bars) for name in ("open", "high", "low", "close", "volume")},
    )


def _quote(symbol: str, raw: Mapping[str, Any]) -> Quote:
    def side(price: Any) -> str | None:
        return str(price) if price else None

    return Quote.model_validate_json(
        "{"
        f'"symbol": "{symbol}", "at": "{raw["t"]}", "bid": "{side(raw["bp"])}", "bid_size": {raw["bs"]},'
        f' "ask": "{side(raw["ap"])}", "ask_size": {raw["as"]}, "source": "rest"'
        "}"
    )
