"""Quotes, plans and arming as they stand in a real Redis, readable or not."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest
import redis

from services.execution.adapters.arming_store import ArmingDesk, ArmingStore, fitting_account
from services.execution.adapters.memory_broker import MemoryBroker
from services.execution.adapters.plan_store import PlanStore
from services.execution.adapters.redis_quotes import RedisQuotes
from services.execution.domain import records
from services.execution.domain.arming import Armed, ArmingToken
from services.execution.domain.fair_value import Guard
from services.execution.domain.records import LegRecord, PlanRecord, TradingRecord
from shared.bus import Outcome, Put
from shared.bus.redis_bus import RedisBus
from shared.clock import ManualClock
from shared.contracts.marketdata import Bar, Quote
from shared.settings import SettingsError

NOW = dt.datetime.now(dt.UTC)  # keys expire by the server's clock
LIVE = "471234567"


def a_quote(symbol: str, bid: str = "10.01", ask: str = "10.02") -> Quote:
    return Quote(symbol=symbol, at=NOW, bid=Decimal(bid), bid_size=1, ask=Decimal(ask), ask_size=2)


def put(bus: RedisBus, key: str, field: str, value: str) -> None:
    bus.commit(Outcome(changes=(Put(key, field, value),)))


def a_plan(name: str, minutes: int, status: str = "completed") -> PlanRecord:
    return PlanRecord.model_validate(
        {
            "plan_id": name,
            "run_id": "r",
            "correlation_id": "c",
            "created_at": NOW + dt.timedelta(minutes=minutes),
            "equity": Decimal(1),
            "cash": Decimal(1),
            "trades": (),
            "refusals": (),
            "status": status,
        }
    )


def test_the_newest_quotes_are_there_and_what_cannot_be_read_is_absent(
    redis_client: redis.Redis, namespace: str
) -> None:
    bus = RedisBus(redis_client, namespace)
    put(bus, "latest_quotes", "SPY", a_quote("SPY").model_dump_json())
    put(bus, "latest_quotes", "TQQQ", '{"symbol": "TQQQ", "bid": "NaN"}')
    put(bus, "latest_quotes", "BIL", a_quote("SPY").model_dump_json())
    quotes = RedisQuotes(redis_client, namespace)
    assert quotes.latest(["SPY", "TQQQ", "BIL", "NONE"]) == {"SPY": a_quote("SPY")}
    assert quotes.latest([]) == {}


def test_a_wide_quote_of_one_exchange_is_narrowed_around_the_newest_minute(
    redis_client: redis.Redis, namespace: str
) -> None:
    bus = RedisBus(redis_client, namespace)
    wide = a_quote("AMZN", bid="3000", ask="3300")
    put(bus, "latest_quotes", "AMZN", wide.model_dump_json())
    put(bus, "latest_quotes", "SPY", a_quote("SPY").model_dump_json())
    guarded = RedisQuotes(redis_client, namespace, guard=Guard())
    assert guarded.latest(["AMZN"]) == {"AMZN": wide}
    minute = {name: Decimal("3151.20") for name in ("open", "high", "low", "close")}
    at = wide.at - dt.timedelta(seconds=65)
    bar = Bar(symbol="AMZN", at=at, timeframe="1Min", volume=100, **minute)  # type: ignore[arg-type]
    put(bus, "latest_bars", "AMZN", bar.model_dump_json())
    found = guarded.latest(["AMZN", "SPY", "NONE"])
    assert (found["AMZN"].bid, found["AMZN"].ask) == (Decimal("3147.26"), Decimal("3155.14"))
    assert found["SPY"] == a_quote("SPY")
    assert RedisQuotes(redis_client, namespace).latest(["AMZN"]) == {"AMZN": wide}


def test_a_wish_for_quotes_stands_where_marketdata_looks(redis_client: redis.Redis, namespace: str) -> None:
    quotes = RedisQuotes(redis_client, namespace)
    quotes.want(["TQQQ", "SPY", "SPY"])
    quotes.want(["BIL"])
    assert RedisBus(redis_client, namespace).get_all("wanted_symbols") == {"execution": json.dumps(["BIL"])}


def test_plans_are_listed_newest_first_and_found_with_their_legs(redis_client: redis.Redis, namespace: str) -> None:
    bus = RedisBus(redis_client, namespace)
    for name, minutes in (("p1", 1), ("p3", 3), ("p2", 2)):
        put(bus, records.PLANS, name, a_plan(name, minutes).model_dump_json())
    put(bus, records.PLANS, "broken", "{")
    leg = LegRecord(leg_id=records.leg_id("p2", "buy"), plan_id="p2", side="buy", status="done")
    put(bus, records.LEGS, leg.leg_id, leg.model_dump_json())
    store = PlanStore(bus)
    assert [plan.plan_id for plan in store.plans(2)] == ["p3", "p2"]
    found = store.plan("p2")
    assert found is not None
    assert (found.plan.plan_id, found.legs) == ("p2", (leg,))
    assert store.plan("nothing") is None
    assert store.plan("broken") is None


def test_only_old_completed_plans_are_forgotten(redis_client: redis.Redis, namespace: str) -> None:
    bus = RedisBus(redis_client, namespace)
    for name, minutes, status in (("p1", 1, "running"), ("p2", 2, "completed"), ("p3", 3, "completed")):
        put(bus, records.PLANS, name, a_plan(name, minutes, status).model_dump_json())
    store = PlanStore(bus)
    assert store.forget_all_but(1) == 1
    assert [plan.plan_id for plan in store.plans(9)] == ["p3", "p1"]


def test_how_trading_stands_is_active_unless_told_and_never_guessed(redis_client: redis.Redis, namespace: str) -> None:
    bus = RedisBus(redis_client, namespace)
    store = PlanStore(bus)
    assert store.trading().state == "ACTIVE"
    put(bus, records.TRADING, records.NOW, TradingRecord(state="HALTED", reason="me").model_dump_json())
    assert store.trading().state == "HALTED"
    put(bus, records.TRADING, records.NOW, "garbage")
    with pytest.raises(ValueError, match="TradingRecord"):
        store.trading()


def test_a_live_desk_is_armed_for_hours_and_disarmed_at_a_word(redis_client: redis.Redis, namespace: str) -> None:
    clock = ManualClock(NOW)
    desk = ArmingDesk("live", LIVE, LIVE, ArmingStore(redis_client, namespace), clock)
    assert "not armed" in str(desk.obstacle())
    assert desk.arm(8) == Armed(NOW + dt.timedelta(hours=8))
    assert desk.obstacle() is None
    clock.advance(dt.timedelta(hours=8))
    assert "ended" in str(desk.obstacle())
    desk.arm(8)
    desk.disarm()
    assert "not armed" in str(desk.obstacle())


def test_a_token_leaves_redis_when_it_ends(redis_client: redis.Redis, namespace: str) -> None:
    store = ArmingStore(redis_client, namespace)
    in_an_hour = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)  # the key expires by the server's clock
    store.arm(ArmingToken(LIVE, in_an_hour))
    assert 3500 < redis_client.ttl(f"{{{namespace}}}:execution:arming") <= 3600


@pytest.mark.parametrize(
    "raw",
    ["", "null", "[]", "{}", '{"account": "1", "expires_at": "soon"}', '{"account": "1", "expires_at": "2099-01-01"}'],
)
def test_a_token_that_cannot_be_read_disarms(redis_client: redis.Redis, namespace: str, raw: str) -> None:
    redis_client.set(f"{{{namespace}}}:execution:arming", raw)
    desk = ArmingDesk("live", LIVE, LIVE, ArmingStore(redis_client, namespace), ManualClock(NOW))
    assert "not armed" in str(desk.obstacle())


def test_a_paper_mode_on_a_live_account_does_not_start() -> None:
    live = MemoryBroker(lambda: NOW, number=LIVE)
    with pytest.raises(SettingsError, match="expected one that begins with PA"):
        fitting_account(live, "paper", None)
    with pytest.raises(SettingsError, match="EXECUTION_LIVE_ACCOUNT"):
        fitting_account(live, "live", "479999999")
    assert fitting_account(live, "live", LIVE).number == LIVE


def test_a_live_mode_on_a_paper_account_does_not_start() -> None:
    with pytest.raises(SettingsError, match="expected a live account"):
        fitting_account(MemoryBroker(lambda: NOW), "live", None)
