"""The strategy service as it runs: real Redis, its own threads, HTTP over a socket; only the clock is told."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest
import redis
from pydantic import SecretStr

from cli.embedded_redis import free_port
from services.strategy.bootstrap import Configuration, build
from services.strategy.domain.closes import Closes
from services.strategy.domain.exact import exact_weights
from services.strategy.domain.strategies import BUILT_IN
from services.strategy.settings import StrategySettings
from shared.bus import Outcome, Put
from shared.bus.redis_bus import RedisBus
from shared.clock import ManualClock
from shared.contracts import decode
from shared.contracts.alerts import AlertRaised
from shared.contracts.control import RunRequested
from shared.contracts.marketdata import DailyHistory, DataFinding, Quote
from shared.contracts.strategy import SignalIssued, TargetPortfolioSet
from shared.contracts.streams import CONTROL, LATEST_QUOTES, SIGNALS, TARGETS, daily_history
from shared.sessions import sessions_between
from shared.settings import ClockSettings, HttpSettings, RedisSettings

TOKEN = "a-token-long-enough"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
EARLY = dt.datetime(2024, 6, 3, 15, 0, tzinfo=dt.UTC)
DECISION_TIME = dt.datetime(2024, 6, 3, 19, 45, tzinfo=dt.UTC)
Eventually = Callable[..., object]


class Running:
    """The process's parts in threads of this one, and marketdata's and the reader's side of its Redis."""

    def __init__(self, client: redis.Redis, url: str, namespace: str, portfolio: str, clock: ManualClock) -> None:
        self.client, self.clock = client, clock
        self.bus = RedisBus(client, namespace)
        port = free_port()
        configuration = Configuration(
            redis=RedisSettings(redis_url=url, namespace=namespace),
            http=HttpSettings(http_port=port, http_token=SecretStr(TOKEN)),
            clock=ClockSettings(),
            strategy=StrategySettings(portfolio=portfolio),
        )
        self.url = f"http://127.0.0.1:{port}"
        self.stop = threading.Event()
        parts = build(configuration, clock=clock).parts
        self.threads = [threading.Thread(target=part, args=(self.stop,), name=name) for name, part in parts.items()]
        for thread in self.threads:
            thread.start()

    def end(self) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join(10)
        assert not [thread.name for thread in self.threads if thread.is_alive()]

    def put_closes(self, closes: Closes, *, today: dict[str, float] | None = None) -> None:
        for symbol, column in closes.columns.items():
            there = [(d, c) for d, c in zip(closes.sessions, column.tolist(), strict=True) if c == c]  # noqa: PLR0124 - not NaN
            if there:
                self.client.set(self.bus.key(daily_history(symbol)), a_history(symbol, there).model_dump_json())
        for symbol, price in (today or {}).items():
            self.put_price(symbol, price)

    def put_calm_market(self, symbols: tuple[str, ...]) -> None:
        """Histories that end on Friday, and Friday's closes as today's prices."""
        closes = random_closes(symbols)
        self.put_closes(closes, today=last_prices(closes))

    def put_price(self, symbol: str, price: float, at: dt.datetime | None = None) -> None:
        middle = Decimal(f"{price:.8f}")
        half = Decimal("0.00000001")
        quote = Quote(
            symbol=symbol, at=at or self.clock.now(), bid=middle - half, bid_size=1, ask=middle + half, ask_size=1
        )
        self.bus.commit(Outcome(changes=(Put(LATEST_QUOTES, symbol, quote.model_dump_json()),)))

    def facts(self, stream: str) -> list[object]:
        rows = self.client.xrange(self.bus.key(stream))
        return [decode(fields[b"kind"].decode(), fields[b"data"]) for _, fields in rows]

    def run_and_wait(self, eventually: Eventually) -> TargetPortfolioSet:
        correlation = httpx.post(f"{self.url}/run", headers=BEARER).raise_for_status().json()["correlation_id"]

        def answered() -> TargetPortfolioSet | None:
            found = [f for f in self.facts(TARGETS) if isinstance(f, TargetPortfolioSet)]
            return next((f for f in found if f.correlation_id == correlation), None)

        target = eventually(answered)
        assert isinstance(target, TargetPortfolioSet)
        return target


def a_history(symbol: str, rows: list[tuple[dt.date, float]]) -> DailyHistory:
    dates, closes = zip(*rows, strict=True)
    return DailyHistory(
        symbol=symbol,
        source="alpaca",
        adjustment="all",
        fetched_at=dt.datetime.combine(dates[-1], dt.time(22), dt.UTC),
        dates=dates,
        open=closes,
        high=closes,
        low=closes,
        close=closes,
        volume=closes,
    )


def random_closes(symbols: tuple[str, ...]) -> Closes:
    days = [s.date for s in sessions_between(dt.date(2023, 1, 3), dt.date(2024, 5, 31))]
    return Closes.of(days, {symbol: 100 * np.exp(np.cumsum(steps(symbol, len(days)))) for symbol in symbols})


def steps(symbol: str, days: int) -> np.ndarray:
    """The same for a symbol whatever else is in the table."""
    return np.random.default_rng([5, *symbol.encode()]).normal(0, 0.01, days)


def last_prices(closes: Closes) -> dict[str, float]:
    return {symbol: float(column[-1]) for symbol, column in closes.columns.items()}


Start = Callable[..., Running]


@pytest.fixture
def start(redis_client: redis.Redis, redis_url: str, namespace: str, eventually: Eventually) -> Iterator[Start]:
    """Start the service (again): whatever a life left behind is in Redis."""
    living: list[Running] = []

    def begin(portfolio: str = "nuclear=0.5,tecl=0.5", at: dt.datetime = EARLY) -> Running:
        running = Running(redis_client, redis_url, namespace, portfolio, ManualClock(at))
        living.append(running)
        eventually(lambda: answers(f"{running.url}/health"))
        return running

    yield begin
    for running in living:
        if not running.stop.is_set():
            running.end()


def answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


def symbols_of(portfolio: tuple[str, ...] = ("nuclear", "tecl")) -> tuple[str, ...]:
    return tuple(dict.fromkeys(s for name in portfolio for s in BUILT_IN[name]().symbols))


def test_it_asks_for_its_symbols_and_is_ready_once_their_histories_are_there(
    start: Start, eventually: Eventually
) -> None:
    running = start()
    wanted = eventually(lambda: running.bus.get("wanted_symbols", "strategy"))
    assert tuple(json.loads(str(wanted))) == symbols_of()
    answer = httpx.get(f"{running.url}/ready")
    assert answer.status_code == 503
    assert "no daily history yet of SPY, IOO" in answer.json()["checks"]["history"]
    running.put_closes(random_closes(symbols_of()))
    assert httpx.get(f"{running.url}/ready").json()["checks"] == {"redis": "ok", "clock": "ok", "history": "ok"}


def test_a_run_asked_for_over_http_ends_in_signals_and_a_target(start: Start, eventually: Eventually) -> None:
    running = start()
    running.put_calm_market(symbols_of())
    target = running.run_and_wait(eventually)
    assert sum(target.weights.values()) == 1
    assert (target.session, target.stale) == (dt.date(2024, 6, 3), ())
    said = httpx.get(f"{running.url}/signals").json()
    assert [signal["strategy"] for signal in said["signals"]] == ["nuclear", "tecl"]
    assert all(signal["status"] == "fresh" and signal["explanation"] for signal in said["signals"])
    assert TargetPortfolioSet.model_validate_json(json.dumps(said["target"])) == target
    assert said["signals"][0]["inputs"][0] == {
        "symbol": "SPY",
        "source": "alpaca",
        "adjustment": "all",
        "last_session": "2024-05-31",
        "today_price": f"{last_prices(random_closes(('SPY',)))['SPY']:.8f}",
        "repaired": [],
        "repaired_from": "",
        "today_price_at": "2024-06-03T15:00:00Z",
    }
    metrics = httpx.get(f"{running.url}/metrics").text
    assert 'alchemiser_decisions_total{status="fresh",strategy="nuclear"}' in metrics


def test_before_any_run_there_is_nothing_to_show(start: Start) -> None:
    assert httpx.get(f"{start().url}/signals").json() == {"signals": [], "target": None}


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}])
def test_a_run_needs_the_token(headers: dict[str, str], start: Start) -> None:
    running = start()
    assert httpx.post(f"{running.url}/run", headers=headers).status_code == 401
    assert running.bus.depth(CONTROL) == 0


@pytest.mark.parametrize("body", [{"strategy": "nuclear"}, [1], "now", 5])
def test_a_body_that_would_have_no_effect_is_refused(body: object, start: Start) -> None:
    running = start()
    answer = httpx.post(f"{running.url}/run", headers=BEARER, json=body)
    assert answer.status_code == 422
    assert answer.json()["faults"][0]["field"].startswith("body")
    assert running.bus.depth(CONTROL) == 0


def test_a_missing_input_costs_one_share_and_raises_an_alert_and_comes_back(
    start: Start, eventually: Eventually
) -> None:
    running = start()
    others = tuple(symbol for symbol in symbols_of() if symbol != "XLK")
    running.put_calm_market(others)
    target = running.run_and_wait(eventually)
    assert (sum(target.weights.values()), target.unknown_share) == (Decimal("0.5"), Decimal("0.5"))
    (share,) = target.stale
    assert (share.strategy, share.has_weights) == ("tecl", False)
    assert share.reason == "UndefinedDecision: RSI10(XLK): 0 of 11 closes needed"
    (alert,) = running.facts("strategy.alerts")
    assert isinstance(alert, AlertRaised)
    assert (alert.severity, alert.correlation_id, alert.detail) == ("critical", target.correlation_id, share.reason)
    running.put_calm_market(symbols_of())
    assert running.run_and_wait(eventually).stale == ()
    running.put_price("XLK", 100.0, at=EARLY - dt.timedelta(hours=1))
    again = running.run_and_wait(eventually)
    assert sum(again.weights.values()) == 1, "the last good weights stand"
    assert again.stale[0].has_weights


def test_a_refused_close_costs_the_share_that_needs_it_and_says_symbol_date_and_why(
    start: Start, eventually: Eventually
) -> None:
    """As marketdata keeps it: the close stands in the history, and a finding says that it is none."""
    running = start()
    running.put_calm_market(symbols_of())
    key = running.bus.key(daily_history("XLK"))
    history = DailyHistory.model_validate_json(running.client.get(key) or b"")
    finding = {"symbol": "XLK", "gate": "outlier", "dates": (history.dates[-4],), "spoils": "close"}
    told = DataFinding.model_validate({**finding, "verdict": "refused", "seen": "+9.1% and back", "expected": "less"})
    running.client.set(key, history.model_copy(update={"findings": (told,)}).model_dump_json())
    target = running.run_and_wait(eventually)
    (share,) = target.stale
    assert share.strategy == "tecl"
    why = f"RSI10(XLK): 4 of 11 closes needed; XLK {history.dates[-4]}: outlier: +9.1% and back, expected less"
    assert share.reason == f"UndefinedDecision: {why}"
    (alert,) = running.facts("strategy.alerts")
    assert isinstance(alert, AlertRaised)
    assert alert.detail == share.reason
    signals = {s["strategy"]: s for s in httpx.get(f"{running.url}/signals").json()["signals"]}
    assert (signals["nuclear"]["status"], signals["tecl"]["status"]) == ("fresh", "failed")
    texts = [step["text"] for step in signals["tecl"]["explanation"]]
    assert f"input XLK: outlier {history.dates[-4]}: +9.1% and back, expected less (refused)" in texts


def test_the_schedule_runs_once_a_session_across_restarts(start: Start, eventually: Eventually) -> None:
    running = start()
    running.put_closes(random_closes(symbols_of()))
    running.clock.set(DECISION_TIME)
    for symbol in symbols_of():
        running.put_price(symbol, 100.0, at=DECISION_TIME)
    (target,) = eventually(lambda: running.facts(TARGETS))  # type: ignore[misc]
    assert isinstance(target, TargetPortfolioSet)
    assert target.correlation_id == "run-scheduled-2024-06-03"
    running.end()
    second = start(at=DECISION_TIME + dt.timedelta(minutes=2))
    asked_for_more = second.run_and_wait(eventually)  # by then the schedule has looked many times
    assert len(second.facts(TARGETS)) == 2
    assert asked_for_more.run_id != target.run_id
    next_day = DECISION_TIME + dt.timedelta(days=1)
    for symbol in symbols_of():
        second.put_price(symbol, 100.0, at=next_day)
    second.clock.set(next_day)
    eventually(lambda: len(second.facts(TARGETS)) == 3)
    third = second.facts(TARGETS)[-1]
    assert isinstance(third, TargetPortfolioSet)
    assert third.session == dt.date(2024, 6, 4)


def test_a_request_made_while_it_was_down_is_taken_up_at_the_start(start: Start, eventually: Eventually) -> None:
    first = start()
    first.put_calm_market(symbols_of())
    first.end()
    first.bus.publish(CONTROL, RunRequested(id="cli-1", correlation_id="run-cli-1", at=EARLY, origin="cli"))
    second = start()
    (target,) = eventually(lambda: second.facts(TARGETS))  # type: ignore[misc]
    assert isinstance(target, TargetPortfolioSet)
    assert target.correlation_id == "run-cli-1"


def test_a_malformed_request_goes_to_the_dead_letters_and_the_next_one_is_served(
    start: Start, eventually: Eventually
) -> None:
    running = start()
    running.put_calm_market(symbols_of())
    raw = {"kind": "control.run_requested.v1", "data": '{"origin": "moon"}'}
    running.client.xadd(running.bus.key(CONTROL), raw)  # type: ignore[arg-type]
    running.run_and_wait(eventually)
    (letter,) = running.bus.dead_letters()
    assert (letter.group, letter.fields[b"data"]) == ("strategy", b'{"origin": "moon"}')
    assert "origin" in letter.error


@pytest.mark.data
def test_real_closes_through_redis_give_the_weights_of_the_trees(
    start: Start, eventually: Eventually, market_data_dir: Path
) -> None:
    """Decided shortly before the close with the day's own close as the newest price: Composer's convention."""
    closes = Closes.of_frame(
        pd.read_csv(market_data_dir / "daily_close" / "core26_2010_2024.csv.gz", index_col=0).round(8)
    )
    row = closes.sessions.index(dt.date(2024, 6, 3))
    running = start(at=DECISION_TIME - dt.timedelta(minutes=1))
    today = {symbol: float(column[row]) for symbol, column in closes.columns.items()}
    running.put_closes(closes.until(row - 1), today={s: price for s, price in today.items() if price == price})  # noqa: PLR0124 - not NaN
    running.run_and_wait(eventually)
    for signal in running.facts(SIGNALS):
        assert isinstance(signal, SignalIssued)
        decision = BUILT_IN[signal.strategy]().decide(closes.until(row))
        assert signal.weights == exact_weights(decision.weights)
        assert [s.text for s in signal.explanation if not s.text.startswith("input")] == [
            s.text for s in decision.explanation
        ]


def as_program(namespace: str, redis_url: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("STRATEGY_", "ALCHEMISER_"))}
    return subprocess.run(
        [sys.executable, "-m", "services.strategy"],
        env={**clean, "ALCHEMISER_REDIS_URL": redis_url, "ALCHEMISER_NAMESPACE": namespace, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({"STRATEGY_PORTFOLIO": "nuclear=0.5,tecl=0.4"}, "STRATEGY_PORTFOLIO: shares: expected a sum of 1, got 0.9"),
        ({"STRATEGY_DECIDE_BEFORE_CLOSE_MINUTES": "soon"}, "STRATEGY_DECIDE_BEFORE_CLOSE_MINUTES: "),
    ],
)
def test_a_wrong_setting_ends_the_program_with_one_line(
    environment: dict[str, str], line: str, redis_url: str, namespace: str
) -> None:
    ended = as_program(namespace, redis_url, **environment)
    assert ended.returncode == 78
    (said,) = ended.stderr.strip().splitlines()
    assert said.startswith(f"wrong setting: {line}")


def test_the_program_lives_without_its_venue_says_so_and_stops_when_told(
    redis_url: str, namespace: str, eventually: Eventually
) -> None:
    """No simulator is there to tell the time: alive, not ready, and not restarting in a circle."""
    port = free_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("STRATEGY_", "ALCHEMISER_"))}
    environment = {
        "ALCHEMISER_REDIS_URL": redis_url,
        "ALCHEMISER_NAMESPACE": namespace,
        "ALCHEMISER_HTTP_PORT": str(port),
        "ALCHEMISER_HTTP_TOKEN": TOKEN,
        "SIMULATOR_URL": f"http://127.0.0.1:{free_port()}",
    }
    program = subprocess.Popen(
        [sys.executable, "-m", "services.strategy"],
        env={**clean, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        eventually(lambda: answers(f"http://127.0.0.1:{port}/health"), within=30)
        ready = httpx.get(f"http://127.0.0.1:{port}/ready")
        run = httpx.post(f"http://127.0.0.1:{port}/run", headers=BEARER)
    finally:
        program.terminate()
        said, _ = program.communicate(timeout=30)
    assert ready.status_code == 503
    assert ready.json()["checks"]["clock"].startswith("ConnectError")
    assert (run.status_code, "the venue's clock cannot be asked" in run.json()["detail"]) == (503, True)
    assert program.returncode == 0
    assert said.count("the schedule waits") == 1
    assert TOKEN not in said


EXAMPLES = Path(__file__).parents[3] / "examples" / "symphonies"


def test_a_symphony_file_is_traded_as_the_strategy_it_is(start: Start, eventually: Eventually) -> None:
    """NUCLEAR from its file, beside the built-in TECL: the weights of the Python tree, explained."""
    running = start(f"tecl=0.5,{EXAMPLES / 'nuclear.clj'}=0.5")
    running.put_calm_market(symbols_of())
    target = running.run_and_wait(eventually)
    assert target.stale == ()
    said = {s["strategy"]: s for s in httpx.get(f"{running.url}/signals").json()["signals"]}
    closes = random_closes(symbols_of())
    today = Closes.of(
        (*closes.sessions, dt.date(2024, 6, 3)), {s: np.append(c, c[-1]) for s, c in closes.columns.items()}
    )
    expected = exact_weights(BUILT_IN["nuclear"]().decide(today).weights)
    assert {s: Decimal(w) for s, w in said["nuclear"]["weights"].items()} == expected
    assert said["nuclear"]["explanation"]


def test_inside_its_corridor_a_strategy_keeps_what_the_prices_made_of_its_weights(
    start: Start, eventually: Eventually, tmp_path: Path
) -> None:
    """The second session's prices moved the halves by less than ten points; the third's by more."""
    halves = tmp_path / "halves.clj"
    halves.write_text(
        '(defsymphony "halves" {:asset-class "EQUITIES", :rebalance-threshold 0.1}'
        ' (weight-equal [(asset "SPY" nil) (asset "BIL" nil)]))'
    )
    running = start(f"{halves}=1")
    days = [dt.date(2024, 6, 3), dt.date(2024, 6, 4)]

    def decide(session: dt.date, spy: list[float], price: float) -> dict[str, Decimal]:
        running.clock.set(dt.datetime.combine(session, dt.time(19, 45), dt.UTC))
        known = [dt.date(2024, 5, 31), *[day for day in days if day < session]]
        running.put_closes(
            Closes.of(known, {"SPY": spy, "BIL": [100.0] * len(known)}), today={"SPY": price, "BIL": 100.0}
        )
        return dict(running.run_and_wait(eventually).weights)

    assert decide(days[0], [100.0], 100.0) == {"SPY": Decimal("0.5"), "BIL": Decimal("0.5")}
    drifted = decide(days[1], [100.0, 100.0], 120.0)
    assert drifted == {"SPY": Decimal("0.545454545"), "BIL": Decimal("0.454545455")}
    (signal,) = httpx.get(f"{running.url}/signals").json()["signals"]
    assert signal["explanation"][-1]["text"].startswith("rebalances corridor of 10 %: keeps what it held")
    again = decide(dt.date(2024, 6, 5), [100.0, 100.0, 120.0], 200.0)
    assert again == {"SPY": Decimal("0.5"), "BIL": Decimal("0.5")}
