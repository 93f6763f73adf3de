"""Execution's endpoints over HTTP: triggers become facts on `control`, views show what is, nobody without the token acts."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
import pytest
import redis
import uvicorn

from services.execution.adapters.arming_store import ArmingDesk, ArmingStore
from services.execution.adapters.cost_store import CostStore
from services.execution.adapters.desk_book import Book, order_document
from services.execution.adapters.http import Room, create_routes
from services.execution.adapters.http_limits import LimitsDoor, create_limits_routes
from services.execution.adapters.memory_broker import MemoryBroker
from services.execution.adapters.memory_journal import MemoryJournal
from services.execution.adapters.memory_leases import MemoryLeases
from services.execution.adapters.memory_updates import MemoryUpdates
from services.execution.adapters.plan_store import PlanStore
from services.execution.adapters.reconciliation_loop import ReconciliationLoop
from services.execution.domain import cost_watch, records
from services.execution.domain.broker import Asset, OrderRequest
from services.execution.domain.limits import LIMITS, Bounds
from services.execution.domain.plan import PlanRules
from services.execution.domain.records import PlanRecord, TradingRecord
from services.execution.ports import BrokerUnavailableError, Intent
from shared.bus import Outcome, Put
from shared.bus.redis_bus import RedisBus
from shared.clock import ManualClock
from shared.contracts import decode, streams
from shared.contracts.execution import OrderCostsMeasured
from shared.http import TokenCheck, create_app, digest_of
from tests.unit.execution.worked_orders import ARRIVAL, a_worked_order, measured

NOW = dt.datetime.now(dt.UTC)
TOKEN = "a-token-of-enough-length"
LIVE = "471234567"


@dataclass
class Face:
    http: httpx.Client
    bus: RedisBus
    broker: MemoryBroker
    journal: MemoryJournal
    leases: MemoryLeases
    loop: ReconciliationLoop

    def post(self, path: str, body: Any = None) -> Any:
        return self.http.post(path, json=body, headers={"Authorization": f"Bearer {TOKEN}"})

    def facts(self, stream: str = streams.CONTROL) -> list[Any]:
        found = self.bus.read("test", "t", [stream], count=50, block_seconds=0)
        return [decode(d.fields[b"kind"].decode(), d.fields[b"data"]) for d in found]


@pytest.fixture(params=["live"])
def face(request: pytest.FixtureRequest, redis_client: redis.Redis, namespace: str) -> Iterator[Face]:
    clock, bus, leases = ManualClock(NOW), RedisBus(redis_client, namespace), MemoryLeases()
    number = LIVE if request.param == "live" else "PA3MEMORY"
    broker = MemoryBroker(clock.now, number=number, assets=[Asset("SPY", is_tradable=True, is_fractionable=True)])
    journal = MemoryJournal(leases)
    loop = ReconciliationLoop(broker, journal, MemoryUpdates(), bus, clock)
    arming = ArmingDesk(request.param, number, LIVE, ArmingStore(redis_client, namespace), clock)
    costs = CostStore(bus, Book(bus), clock, 60)
    app = create_app("execution", {}, TokenCheck(digest_of(TOKEN)))
    create_limits_routes(app, LimitsDoor(Book(bus), broker, clock, Bounds(), PlanRules(), arming.obstacle))
    create_routes(app, Room(bus, clock, broker, journal, PlanStore(bus), arming, costs, lambda: loop.last))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    request.getfixturevalue("eventually")(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
        yield Face(http, bus, broker, journal, leases, loop)
    server.should_exit = True
    thread.join(10)


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/rebalance", None, "control.rebalance_requested.v1"),
        ("/halt", {"reason": "odd fills"}, "control.halt_requested.v1"),
        ("/halt", {"reason": "odd fills", "state": "REDUCING"}, "control.halt_requested.v1"),
        ("/resume", {"reason": "explained"}, "control.resume_requested.v1"),
        ("/orders/cancel", None, "control.cancel_orders_requested.v1"),
        ("/orders/cancel", {"symbols": ["SPY", "BRK.B"]}, "control.cancel_orders_requested.v1"),
    ],
)
def test_a_trigger_becomes_a_fact_and_is_answered_with_its_ids(face: Face, path: str, body: Any, kind: str) -> None:
    answer = face.post(path, body)
    assert answer.status_code == 202
    (fact,) = face.facts()
    assert answer.json() == {"id": fact.id, "correlation_id": fact.correlation_id} | (
        {"note": ""} if path == "/resume" else {}
    )
    assert (fact.kind, fact.origin, fact.at) == (kind, "http", NOW)
    for name, value in (body or {}).items():
        assert getattr(fact, name) == (tuple(value) if isinstance(value, list) else value)


@pytest.mark.parametrize("path", ["/rebalance", "/halt", "/resume", "/orders/cancel", "/arm", "/disarm"])
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}])
def test_nobody_acts_without_the_token(face: Face, path: str, headers: dict[str, str]) -> None:
    answer = face.http.post(path, json={"reason": "x", "account": LIVE, "hours": 1}, headers=headers)
    assert answer.status_code == 401
    assert face.facts() == []


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/halt", None, "body"),
        ("/halt", {}, "body.reason"),
        ("/halt", {"reason": ""}, "body.reason"),
        ("/halt", {"reason": "x" * 501}, "body.reason"),
        ("/halt", {"reason": "x", "state": "PAUSED"}, "body.state"),
        ("/halt", {"reason": "x", "extra": 1}, "body.extra"),
        ("/resume", {"reason": 5}, "body.reason"),
        ("/orders/cancel", {"symbols": ["spy; drop"]}, "body.symbols.0"),
        ("/orders/cancel", {"symbols": "SPY"}, "body.symbols"),
        ("/arm", {"account": LIVE}, "body.hours"),
        ("/arm", {"account": LIVE, "hours": 0}, "body.hours"),
        ("/arm", {"account": LIVE, "hours": 169}, "body.hours"),
        ("/arm", {"account": LIVE, "hours": "many"}, "body.hours"),
        ("/arm", {"account": "479999999", "hours": 1}, "body.account"),
    ],
)
def test_bad_input_is_refused_by_the_name_of_its_field(face: Face, path: str, body: Any, field: str) -> None:
    answer = face.post(path, body)
    assert answer.status_code == 422
    assert field in [fault["field"] for fault in answer.json()["faults"]]
    assert LIVE not in answer.text or body.get("account") == LIVE
    assert face.facts() == []


def test_resuming_after_a_drawdown_says_that_its_mark_begins_anew(face: Face) -> None:
    stopped = TradingRecord(state="REDUCING", reason="drawdown: too much", cause="drawdown")
    face.bus.commit(Outcome(changes=(Put(records.TRADING, records.NOW, stopped.model_dump_json()),)))
    state = face.http.get("/state").json()
    assert (state["state"], state["cause"]) == ("REDUCING", "drawdown")
    assert "highest mark" in face.post("/resume", {"reason": "seen to"}).json()["note"]


def test_every_limit_is_shown_with_its_bound_and_reading(face: Face) -> None:
    found = face.http.get("/limits").json()
    assert [row["limit"] for row in found] == [limit.name for limit in LIMITS]
    assert {"limit": "open orders", "bound": "at most 100", "reading": "0"} in found


def test_live_trading_is_armed_seen_told_and_disarmed(face: Face) -> None:
    assert face.http.get("/state").json()["armed"] is False
    assert face.post("/arm", {"account": LIVE, "hours": 2}).status_code == 200
    state = face.http.get("/state").json()
    assert (state["armed"], state["disarmed_because"]) == (True, None)
    assert dt.datetime.fromisoformat(state["armed_until"]) == NOW + dt.timedelta(hours=2)
    (alert,) = face.facts(streams.alerts_of("execution"))
    assert alert.title == "Live trading is armed"
    assert LIVE not in alert.detail
    assert face.post("/disarm").status_code == 200
    assert face.http.get("/state").json()["armed"] is False


@pytest.mark.parametrize("face", ["paper", "simulated"], indirect=True)
def test_play_money_has_nothing_to_arm(face: Face) -> None:
    assert face.post("/arm", {"account": "PA3MEMORY", "hours": 1}).status_code == 409
    assert face.http.get("/state").json()["armed"] is True


def test_orders_say_which_are_ours(face: Face) -> None:
    fence = face.leases.take("leg", "w", 60) or 0
    face.journal.intend(Intent("ours", "p", "o", "SPY", "buy", Decimal(1), Decimal(9), "mid", 1, fence, NOW))
    for name in ("ours", "theirs"):
        face.broker.place(OrderRequest(name, "SPY", "buy", Decimal("1.5"), Decimal("9.99")))
    found = {order["client_order_id"]: order for order in face.http.get("/orders").json()}
    assert {name: order["is_ours"] for name, order in found.items()} == {"ours": True, "theirs": False}
    assert (found["ours"]["qty"], found["ours"]["limit_price"]) == ("1.5", "9.99")
    face.loop.once()
    assert face.http.get("/state").json()["reconciliation"]["foreign_orders"] == ["buy SPY (theirs)"]


def test_positions_and_the_account_are_shown_the_number_masked(face: Face) -> None:
    face.broker.hold("SPY", Decimal(3), Decimal("527.3"))
    (position,) = face.http.get("/positions").json()
    assert (position["symbol"], position["qty"], position["average_price"]) == ("SPY", "3", "527.3")
    account = face.http.get("/account")
    assert account.json()["account"] == "47…567"
    assert LIVE not in account.text
    assert LIVE not in face.http.get("/state").text


@pytest.mark.parametrize("path", ["/orders", "/positions", "/account"])
def test_a_broker_that_does_not_answer_is_503(face: Face, path: str) -> None:
    face.broker.script("question", BrokerUnavailableError("broker down"))
    answer = face.http.get(path)
    assert (answer.status_code, answer.json()) == (503, {"detail": "broker down"})


def test_plans_are_shown(face: Face) -> None:
    plan = PlanRecord(
        plan_id="p1",
        run_id="r1",
        correlation_id="c1",
        created_at=NOW,
        equity=Decimal("100000.12"),
        cash=Decimal(5),
        trades=(),
        refusals=(),
    )
    face.bus.commit(Outcome(changes=(Put(records.PLANS, "p1", plan.model_dump_json()),)))
    assert [row["plan_id"] for row in face.http.get("/plans").json()] == ["p1"]
    shown = face.http.get("/plans/p1").json()
    assert (shown["plan"]["equity"], shown["legs"]) == ("100000.12", [])
    assert face.http.get("/plans/p2").status_code == 404
    assert face.http.get("/plans?limit=0").status_code == 422


def test_costs_are_shown_measured_and_as_far_as_they_are_known(face: Face) -> None:
    fact = measured(("100", "100.05", ARRIVAL), later=ARRIVAL)
    waiting = a_worked_order(("100", "100.05", ARRIVAL), order_id="p2-SPY-buy", plan_id="p2", ended_at=NOW)
    watch = cost_watch.over(cost_watch.begun(waiting))
    puts = (
        Put(records.COSTS, fact.order_id, fact.encode()),
        Put(records.ORDERS, waiting.order_id, order_document(waiting)),
        Put(records.COST_WATCHES, waiting.order_id, watch.model_dump_json()),
        Put(records.COSTS, "of-another-time", "{}"),
    )
    face.bus.commit(Outcome(changes=puts))
    shown = face.http.get("/tca").json()
    assert [OrderCostsMeasured.model_validate_json(json.dumps(row)) for row in shown["measured"]] == [fact]
    assert [row["costs"]["saved"]["dollars"] for row in shown["waiting"]] == ["5.000000"]
    assert face.http.get("/tca?plan_id=p2").json()["measured"] == []
    day = fact.ended_at.date()
    assert len(face.http.get(f"/tca?from={day}&to={day}").json()["measured"]) == 1
    assert face.http.get(f"/tca?to={day - dt.timedelta(days=1)}").json() == {"measured": [], "waiting": []}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=yesterday", "query.from"),
        ("from=2024-06-04&to=2024-06-03", "query.from"),
        ("limit=0", "query.limit"),
        ("limit=10001", "query.limit"),
    ],
)
def test_days_and_limits_that_are_none_are_refused_by_the_name_of_their_field(
    face: Face, query: str, field: str
) -> None:
    answer = face.http.get(f"/tca?{query}")
    assert answer.status_code == 422
    assert field in [fault["field"] for fault in answer.json()["faults"]]


def test_every_endpoint_is_documented(face: Face) -> None:
    paths = json.loads(face.http.get("/openapi.json").text)["paths"]
    wanted = {"/rebalance", "/halt", "/resume", "/orders/cancel", "/arm", "/disarm"}
    wanted |= {"/plans", "/plans/{plan_id}", "/orders", "/positions", "/account", "/state", "/tca"}
    assert wanted <= set(paths)
