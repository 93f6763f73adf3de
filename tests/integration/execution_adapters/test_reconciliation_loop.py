"""The loop as it runs in the process, over a real Redis: asked, on time, through outages."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import redis

from services.execution.adapters.memory_broker import MemoryBroker
from services.execution.adapters.reconciliation_loop import Pace, ReconciliationLoop
from services.execution.adapters.redis_journal import RedisJournal
from services.execution.adapters.redis_leases import RedisLeases
from services.execution.adapters.updates_stream import RedisUpdates
from services.execution.domain.broker import Asset, BrokerUpdate, OrderRequest
from services.execution.ports import BrokerUnavailableError, Intent
from shared.bus.redis_bus import RedisBus
from shared.clock import ManualClock

START = dt.datetime(2024, 6, 3, 14, 0, tzinfo=dt.UTC)


def test_a_lost_fill_is_known_after_a_word_and_the_socket_is_suspected(
    redis_client: redis.Redis, namespace: str, eventually: Callable[..., Any]
) -> None:
    clock, suspicions = ManualClock(START), list[int]()
    updates, journal = RedisUpdates(redis_client, namespace), RedisJournal(redis_client, namespace)
    lost: list[BrokerUpdate] = []
    broker = MemoryBroker(
        clock.now, assets=[Asset("SPY", is_tradable=True, is_fractionable=True)], on_update=lost.append
    )
    fence = RedisLeases(redis_client, namespace).take("leg", "w", 60)
    assert fence is not None
    journal.intend(Intent("c1", "plan", "o", "SPY", "buy", Decimal(1), Decimal(100), "mid", 1, fence, START))
    clock.advance(dt.timedelta(seconds=1))
    broker.place(OrderRequest("c1", "SPY", "buy", Decimal(1), Decimal(100)))
    loop = ReconciliationLoop(
        broker,
        journal,
        updates,
        RedisBus(redis_client, namespace),
        clock,
        pace=Pace(every=3600, arrival=0),
        on_missed=lambda: suspicions.append(1),
    )
    broker.script("question", BrokerUnavailableError("down for a moment"))
    stop = threading.Event()
    thread = threading.Thread(target=loop.run, args=(stop,), daemon=True)
    thread.start()
    eventually(lambda: "down for a moment" in str(loop.problem()))
    loop.ask()
    eventually(lambda: loop.last is not None)
    assert journal.unsettled() == ()
    broker.fill("c1", Decimal(1), Decimal(100))
    loop.ask()
    eventually(lambda: [u.event for u in updates.after("0", block_seconds=0)[1]] == ["fill"])
    eventually(lambda: suspicions == [1])

    clock.advance(dt.timedelta(seconds=1))
    journal.intend(Intent("c2", "plan", "o", "SPY", "buy", Decimal(1), Decimal(100), "mid", 2, fence, clock.now()))
    broker.place(OrderRequest("c2", "SPY", "buy", Decimal(1), Decimal(100)))
    broker.fill("c2", Decimal(1), Decimal(100))
    loop.after_login()
    eventually(lambda: len(updates.after("0", block_seconds=0)[1]) == 2)
    before = loop.last
    loop.ask()
    eventually(lambda: loop.last is not before)
    assert suspicions == [1], "what was missed before its login is no socket's fault"
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
