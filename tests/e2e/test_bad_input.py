"""Bad input through the real doors of a running house: bus, HTTP, settings, command line, files.

Each row says what is sent in and what must be said of it. Afterwards every service still lives, and nothing is lost:
what was a message stands in the dead letters with its bytes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from shared.contracts import streams
from tests.e2e.conftest import House

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

AT = "2024-06-03T19:45:00Z"
BASE: dict[str, Any] = {"id": "m1", "correlation_id": "bad", "at": AT}
TARGET = {**BASE, "run_id": "r", "session": "2024-06-03", "weights": {"BIL": "1"}}
SIGNAL = {
    **BASE,
    "run_id": "r",
    "session": "2024-06-03",
    "strategy": "s",
    "share": "1",
    "status": "fresh",
    "weights": {},
}
ALERT = {**BASE, "source": "execution", "severity": "info", "title": "t", "detail": "d"}
FEED = {**BASE, "state": "up", "feed": "iex", "detail": ""}
FILL = {
    **BASE,
    "plan_id": "p",
    "order_id": "o",
    "symbol": "BIL",
    "side": "buy",
    "client_order_id": "c",
    "execution_id": "e",
}
FILL |= {"qty": "1", "price": "91.5", "filled_qty": "1", "average_price": "91.5"}
HALT = {**BASE, "origin": "cli", "reason": "x"}

_TARGET, _SIGNAL = "strategy.target_portfolio_set.v1", "strategy.signal_issued.v1"
_ALERT, _FEED, _FILL = "alerts.alert_raised.v1", "marketdata.feed_state_changed.v1", "execution.order_filled.v1"
_HALT, _RUN, _BACKFILL = "control.halt_requested.v1", "control.run_requested.v1", "control.backfill_requested.v1"
ALERTS = streams.alerts_of("execution")


class Entry(NamedTuple):
    stream: str
    kind: str
    data: dict[str, Any] | str
    said: str


def entry(stream: str, kind: str, base: dict[str, Any], said: str, /, **changes: Any) -> Entry:
    return Entry(stream, kind, {**base, "kind": kind, **changes}, said)


def without(stream: str, kind: str, base: dict[str, Any], field: str) -> Entry:
    return Entry(stream, kind, {"kind": kind, **{k: v for k, v in base.items() if k != field}}, field)


MESSAGES = (
    Entry(streams.TARGETS, _TARGET, "", "Invalid JSON"),
    Entry(streams.TARGETS, _TARGET, "{", "Invalid JSON"),
    Entry(streams.TARGETS, _TARGET, "[]", "target_portfolio_set"),
    Entry(streams.TARGETS, _TARGET, "null", "target_portfolio_set"),
    Entry(streams.TARGETS, _TARGET, '"text"', "target_portfolio_set"),
    Entry(streams.TARGETS, "", "{}", "kind: '' is unknown"),
    Entry(streams.TARGETS, "strategy.target_portfolio_set.v99", "{}", "v99' is unknown"),
    Entry(streams.TARGETS, "💥", "{}", "is unknown"),
    entry(streams.TARGETS, _TARGET, TARGET, "weights.BIL", weights={"BIL": "NaN"}),
    entry(streams.TARGETS, _TARGET, TARGET, "weights.BIL", weights={"BIL": "Infinity"}),
    entry(streams.TARGETS, _TARGET, TARGET, "weights.BIL", weights={"BIL": "-0.5"}),
    entry(streams.TARGETS, _TARGET, TARGET, "weights.BIL", weights={"BIL": "1.5"}),
    entry(streams.TARGETS, _TARGET, TARGET, "weights.BIL", weights={"BIL": "lots"}),
    entry(streams.TARGETS, _TARGET, TARGET, "weights.BIL", weights={"BIL": None}),
    entry(streams.TARGETS, _TARGET, TARGET, "at most 1", weights={"BIL": "0.7", "SPY": "0.7"}),
    entry(streams.TARGETS, _TARGET, TARGET, "weights.bil", weights={"bil": "1"}),
    entry(streams.TARGETS, _TARGET, TARGET, "weights", weights={"B IL": "1"}),
    entry(streams.TARGETS, _TARGET, TARGET, "weights", weights={"": "1"}),
    entry(streams.TARGETS, _TARGET, TARGET, "weights", weights=["BIL"]),
    entry(streams.TARGETS, _TARGET, TARGET, "session", session="2024-02-30"),
    entry(streams.TARGETS, _TARGET, TARGET, "at:", at="2024-06-03T19:45:00"),
    entry(streams.TARGETS, _TARGET, TARGET, "at:", at="soon"),
    entry(streams.TARGETS, _TARGET, TARGET, "run_id", run_id=""),
    entry(streams.TARGETS, _TARGET, TARGET, "correlation_id", correlation_id=""),
    entry(streams.TARGETS, _TARGET, TARGET, "surprise", surprise=1),
    without(streams.TARGETS, _TARGET, TARGET, "weights"),
    without(streams.TARGETS, _TARGET, TARGET, "at"),
    without(streams.TARGETS, _TARGET, TARGET, "run_id"),
    entry(streams.SIGNALS, _SIGNAL, SIGNAL, "share", share="2"),
    entry(streams.SIGNALS, _SIGNAL, SIGNAL, "share", share="NaN"),
    entry(streams.SIGNALS, _SIGNAL, SIGNAL, "status", status="maybe"),
    entry(streams.SIGNALS, _SIGNAL, SIGNAL, "explanation", explanation=[{"depth": 0}]),
    entry(ALERTS, _ALERT, ALERT, "severity", severity="apocalyptic"),
    entry(ALERTS, _ALERT, ALERT, "source", source="the moon"),
    without(ALERTS, _ALERT, ALERT, "title"),
    entry(streams.FEED_STATUS, _FEED, FEED, "state", state="sleepy"),
    entry(streams.FEED_STATUS, _FEED, FEED, "feed", feed="telex"),
    entry(streams.EXECUTION, _FILL, FILL, "price", price="0"),
    entry(streams.EXECUTION, _FILL, FILL, "price", price="NaN"),
    entry(streams.EXECUTION, _FILL, FILL, "qty", qty="-1"),
    entry(streams.EXECUTION, _FILL, FILL, "side", side="short"),
    entry(streams.EXECUTION, _FILL, FILL, "symbol", symbol="spy"),
    without(streams.EXECUTION, _FILL, FILL, "execution_id"),
    entry(streams.CONTROL, _HALT, HALT, "reason", reason=""),
    entry(streams.CONTROL, _HALT, HALT, "reason", reason="x" * 501),
    entry(streams.CONTROL, _HALT, HALT, "state", state="PANIC"),
    entry(streams.CONTROL, _HALT, HALT, "origin", origin="stranger"),
    entry(streams.CONTROL, _RUN, BASE, "origin"),
    entry(streams.CONTROL, _BACKFILL, {**BASE, "origin": "cli"}, "symbols", symbols=[]),
    entry(streams.CONTROL, _BACKFILL, {**BASE, "origin": "cli"}, "symbols", symbols=["no such thing"]),
)


def test_every_malformed_message_is_kept_with_its_bytes_and_named(house: House, eventually: Callable[..., Any]) -> None:
    sent = {}
    for row in MESSAGES:
        raw = row.data if isinstance(row.data, str) else json.dumps(row.data)
        name = house.client.xadd(house.bus.key(row.stream), {"kind": row.kind, "data": raw}).decode()
        sent[row.stream, name] = (row, raw.encode())

    def kept() -> dict[tuple[str, str], Any]:
        letters = {(each.stream, each.entry_id): each for each in house.bus.dead_letters(count=10_000)}
        return letters if sent.keys() <= letters.keys() else {}

    letters = eventually(kept, within=60, what="all malformed messages in the dead letters")
    for place, (row, raw) in sent.items():
        assert row.said in letters[place].error, f"{row.kind} {raw[:200]!r}: {letters[place].error}"
        assert letters[place].fields[b"data"] == raw
    for service in house.stack.services:
        assert house.call("GET", service, "/health").status_code == 200


def test_a_good_message_after_all_the_bad_ones_is_handled(house: House, eventually: Callable[..., Any]) -> None:
    name = house.client.xadd(
        house.bus.key(ALERTS), {"kind": _ALERT, "data": json.dumps({**ALERT, "kind": _ALERT, "title": "still here"})}
    )
    done = house.bus.key("done", "notifier", ALERTS)
    eventually(lambda: house.client.zscore(done, name) is not None, within=20)
    assert all(letter.entry_id != name.decode() for letter in house.bus.dead_letters(count=10_000))


class Knock(NamedTuple):
    service: str
    method: str
    path: str
    body: Any
    status: int
    said: str


KNOCKS = (
    Knock("execution", "POST", "/halt", {}, 422, "reason"),
    Knock("execution", "POST", "/halt", {"reason": ""}, 422, "reason"),
    Knock("execution", "POST", "/halt", {"reason": 7}, 422, "reason"),
    Knock("execution", "POST", "/halt", {"reason": "x" * 501}, 422, "reason"),
    Knock("execution", "POST", "/halt", {"reason": "x", "state": "PANIC"}, 422, "state"),
    Knock("execution", "POST", "/halt", [], 422, "body"),
    Knock("execution", "POST", "/halt", b"{", 422, "body"),
    Knock("execution", "POST", "/halt", b"\xff\xfe", 422, "body"),
    Knock("execution", "POST", "/resume", {}, 422, "reason"),
    Knock("execution", "POST", "/resume", {"reason": None}, 422, "reason"),
    Knock("execution", "POST", "/orders/cancel", {"symbols": "SPY"}, 422, "symbols"),
    Knock("execution", "POST", "/orders/cancel", {"symbols": ["not a symbol"]}, 422, "symbols"),
    Knock("execution", "POST", "/orders/cancel", {"symbols": [None]}, 422, "symbols"),
    Knock("execution", "POST", "/arm", {}, 422, "account"),
    Knock("execution", "GET", "/plans/no-such-plan", None, 404, "no-such-plan"),
    Knock("execution", "GET", "/nowhere", None, 404, "Not Found"),
    Knock("execution", "DELETE", "/halt", None, 405, "Method Not Allowed"),
    Knock("marketdata", "POST", "/backfill", {}, 422, "symbols"),
    Knock("marketdata", "POST", "/backfill", {"symbols": []}, 422, "symbols"),
    Knock("marketdata", "POST", "/backfill", {"symbols": ["spy!"]}, 422, "symbols"),
    Knock("marketdata", "POST", "/backfill", {"symbols": [1]}, 422, "symbols"),
    Knock("marketdata", "GET", "/quotes/no%20symbol", None, 422, "symbol"),
    Knock("marketdata", "GET", "/quotes/ZZZZZZ", None, 404, "ZZZZZZ"),
    Knock("marketdata", "GET", "/bars/SPY?days=many", None, 422, "days"),
    Knock("marketdata", "GET", "/bars/SPY?days=-1", None, 422, "days"),
    Knock("marketdata", "GET", "/bars/SPY?adjustment=sideways", None, 422, "adjustment"),
    Knock("strategy", "POST", "/run/now", {}, 404, "Not Found"),
    Knock("strategy", "GET", "/run", None, 405, "Method Not Allowed"),
    Knock("notifier", "GET", "/messages?limit=many", None, 422, "limit"),
)


@pytest.mark.parametrize("knock", KNOCKS, ids=lambda k: f"{k.service} {k.method} {k.path} {str(k.body)[:30]}")
def test_a_bad_request_is_answered_and_its_fault_named(house: House, knock: Knock) -> None:
    sending = {"content": knock.body} if isinstance(knock.body, bytes) else {"json": knock.body}
    answer = house.call(knock.method, knock.service, knock.path, **(sending if knock.body is not None else {}))
    assert answer.status_code == knock.status, answer.text
    assert knock.said in answer.text


TRIGGERS = [("execution", p) for p in ("/halt", "/resume", "/rebalance", "/orders/cancel", "/arm")]
TRIGGERS += [("strategy", "/run"), ("marketdata", "/backfill"), ("notifier", "/test")]


@pytest.mark.parametrize(("service", "path"), TRIGGERS)
@pytest.mark.parametrize("token", ["wrong-token-0123456789", "x", "💥"])
def test_a_trigger_with_a_wrong_token_is_401(house: House, service: str, path: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}".encode()}
    answer = httpx.post(house.url(service, path), json={"reason": "x", "symbols": ["SPY"]}, headers=headers)
    assert answer.status_code == 401


class Wrong(NamedTuple):
    service: str
    variable: str
    value: str


WRONG_SETTINGS = (
    Wrong("marketdata", "ALCHEMISER_REDIS_URL", "localhost:6379"),
    Wrong("marketdata", "ALCHEMISER_MODE", "yolo"),
    Wrong("marketdata", "ALPACA_FEED", "telex"),
    Wrong("marketdata", "SIMULATOR_URL", "ftp://here"),
    Wrong("marketdata", "ALCHEMISER_HTTP_PORT", "eighty"),
    Wrong("strategy", "STRATEGY_PORTFOLIO", "nuclear"),
    Wrong("strategy", "STRATEGY_PORTFOLIO", "nuclear=NaN"),
    Wrong("strategy", "STRATEGY_PORTFOLIO", "nuclear=0.5,tecl=0.6"),
    Wrong("strategy", "STRATEGY_PORTFOLIO", "nuclear=1.5,tecl=-0.5"),
    Wrong("strategy", "STRATEGY_PORTFOLIO", "alchemy=1"),
    Wrong("strategy", "STRATEGY_PORTFOLIO", "no_such_module:Strategy=1"),
    Wrong("strategy", "STRATEGY_DECIDE_BEFORE_CLOSE_MINUTES", "0"),
    Wrong("strategy", "ALCHEMISER_NAMESPACE", "Has Spaces"),
    Wrong("execution", "EXECUTION_MAX_POSITION_WEIGHT", "1.5"),
    Wrong("execution", "EXECUTION_MAX_POSITION_WEIGHT", "NaN"),
    Wrong("execution", "EXECUTION_MAX_ORDER_NOTIONAL", "-1"),
    Wrong("execution", "EXECUTION_MAX_SPREAD_BPS", "wide"),
    Wrong("execution", "EXECUTION_URGENCY", "panic"),
    Wrong("execution", "EXECUTION_POLICY", "patient,sell=greedy"),
    Wrong("execution", "EXECUTION_LIVE_ACCOUNT", "my account"),
    Wrong("execution", "ALCHEMISER_LOG_LEVEL", "LOUD"),
    Wrong("execution.jobs", "EXECUTION_LEASE_SECONDS", "0"),
    Wrong("notifier", "NOTIFIER_SMTP_SECURITY", "hope"),
    Wrong("notifier", "NOTIFIER_SMTP_TO", "nobody"),
    Wrong("notifier", "NOTIFIER_SMTP_PORT", "70000"),
    Wrong("simulator", "SIM_SPEED", "-1"),
    Wrong("simulator", "SIM_START", "yesterday"),
    Wrong("simulator", "SIM_FILLS", "magic"),
    Wrong("simulator", "SIM_DATA", "no/such/folder"),
)


@pytest.mark.parametrize("wrong", WRONG_SETTINGS, ids=lambda w: f"{w.variable}={w.value}")
def test_a_wrong_setting_stops_the_service_with_one_line(house: House, wrong: Wrong, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", f"services.{wrong.service}"],
        env=house.environment(**{wrong.variable: wrong.value}),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = ended.stderr.strip()
    assert ended.returncode == 78, ended.stdout + ended.stderr
    assert said.count("\n") == 0, said
    assert wrong.variable in said


MISSING_SECRETS = (
    ("marketdata", {"ALCHEMISER_MODE": "paper"}, "ALPACA_PAPER_KEY"),
    ("execution", {"ALCHEMISER_MODE": "live"}, "ALPACA_LIVE_KEY"),
    (
        "execution",
        {"ALCHEMISER_MODE": "paper", "ALPACA_PAPER_KEY": "AKLIVEKEY", "ALPACA_PAPER_SECRET": "hush"},
        "ALPACA_PAPER_KEY",
    ),
    ("notifier", {"ALCHEMISER_HTTP_TOKEN": "short-hush"}, "ALCHEMISER_HTTP_TOKEN"),
    (
        "strategy",
        {"ALCHEMISER_HTTP_TOKEN": "", "ALCHEMISER_HTTP_TOKEN_FILE": "/no/such/file"},
        "ALCHEMISER_HTTP_TOKEN_FILE",
    ),
)


@pytest.mark.parametrize(("service", "changes", "said"), MISSING_SECRETS, ids=lambda v: v if isinstance(v, str) else "")
def test_a_wrong_or_missing_secret_is_named_and_never_shown(
    house: House, service: str, changes: dict[str, str], said: str, tmp_path: Path
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", f"services.{service}"],
        env=house.environment(**changes),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 78, ended.stdout + ended.stderr
    assert said in ended.stderr
    assert "hush" not in ended.stdout + ended.stderr
    assert "AKLIVEKEY" not in ended.stdout + ended.stderr


COMMANDS = (
    (["frobnicate"], 2, "frobnicate"),
    (["halt"], 2, "REASON"),
    (["halt", "why", "--state", "PANIC"], 2, "PANIC"),
    (["simulator", "--port", "0x"], 2, "port"),
    (["simulator", "--speed", "-3"], 2, "speed"),
    (["simulator", "--start", "yesterday"], 2, "start"),
    (["simulator", "--fills", "magic"], 2, "fills"),
    (["simulator", "--data", "no/such/folder"], 2, "data"),
    (["demo", "--data", "no/such/folder"], 2, "data"),
    (["streams", "show", "no.such.stream"], 2, "no.such.stream"),
    (["streams", "dead-letters", "show", "nonsense"], 1, "nonsense"),
    (["streams", "dead-letters", "replay", "1-1"], 1, "1-1"),
    (["streams", "dead-letters", "drop", "1-1"], 1, "1-1"),
)


@pytest.mark.parametrize(
    ("arguments", "code", "said"), COMMANDS, ids=lambda v: " ".join(v) if isinstance(v, list) else ""
)
def test_a_wrong_command_line_ends_with_its_code_and_names_the_fault(
    house: House, arguments: list[str], code: int, said: str, tmp_path: Path
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        env=house.environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == code, ended.stdout + ended.stderr
    assert said.lower() in (ended.stdout + ended.stderr).lower()
    assert "Traceback" not in ended.stderr


def test_the_table_holds_at_least_a_hundred_rows() -> None:
    rows = len(MESSAGES) + len(KNOCKS) + len(WRONG_SETTINGS) + len(MISSING_SECRETS) + len(COMMANDS)
    assert rows >= 100
