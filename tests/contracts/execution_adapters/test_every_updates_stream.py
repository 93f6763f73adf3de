"""What execution's stream of broker updates promises, in Redis and in memory."""

from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal
from typing import Any

import pytest

from services.execution.adapters.memory_updates import MemoryUpdates
from services.execution.adapters.updates_stream import RedisUpdates, Seen
from services.execution.domain.broker import BrokerOrder, BrokerUpdate, Status

AT = dt.datetime(2024, 6, 3, 19, 45, 0, 123456, tzinfo=dt.UTC)
Stream = RedisUpdates | MemoryUpdates


@pytest.fixture(params=["redis", "memory"])
def stream(request: pytest.FixtureRequest, namespace: str) -> Stream:
    if request.param == "memory":
        return MemoryUpdates()
    return RedisUpdates(request.getfixturevalue("redis_client"), namespace)


def an_update(event: str = "partial_fill", execution: str | None = "e1", **changes: Any) -> BrokerUpdate:
    values: dict[str, Any] = {
        "id": "o1",
        "client_order_id": "c1",
        "symbol": "SPY",
        "side": "buy",
        "qty": Decimal("1.123456789"),
        "filled_qty": Decimal("0.5"),
        "filled_avg_price": Decimal("527.31"),
        "status": Status.PARTIALLY_FILLED,
        "limit_price": None,
        "submitted_at": AT,
    }
    order = BrokerOrder(**{**values, **changes})
    return BrokerUpdate(event, AT, order, execution, Decimal("0.5"), Decimal("527.31"), Decimal(3))


def read(stream: Stream, position: str = "0") -> list[BrokerUpdate]:
    return list(stream.after(position, block_seconds=0)[1])


def test_an_update_comes_back_exactly_as_it_was_appended(stream: Stream) -> None:
    assert stream.append(an_update())
    assert read(stream) == [an_update()]


def test_each_reader_reads_from_its_own_position(stream: Stream) -> None:
    stream.append(an_update(execution="e1"))
    position, _ = stream.after("0", block_seconds=0)
    assert position == stream.end()
    stream.append(an_update(execution="e2"))
    assert [u.execution_id for u in read(stream, position)] == ["e2"]
    assert [u.execution_id for u in read(stream)] == ["e1", "e2"]


def test_nothing_new_leaves_the_position_where_it_is(stream: Stream) -> None:
    assert stream.end() == "0"
    assert stream.after("0", block_seconds=0.01) == ("0", ())


def test_a_waiting_reader_is_woken_by_an_update(stream: Stream) -> None:
    teller = threading.Timer(0.05, stream.append, [an_update()])
    teller.start()
    _, found = stream.after("0", block_seconds=10)
    teller.join()
    assert list(found) == [an_update()]


def test_an_update_delivered_three_times_stands_there_once(stream: Stream) -> None:
    assert [stream.append(an_update()) for _ in range(3)] == [True, False, False]
    assert len(read(stream)) == 1


def test_updates_without_an_execution_are_told_apart_by_event_and_time(stream: Stream) -> None:
    assert stream.append(an_update("pending_cancel", None))
    assert stream.append(an_update("canceled", None))
    assert not stream.append(an_update("canceled", None))


def test_the_same_execution_id_of_another_order_is_another_update(stream: Stream) -> None:
    assert stream.append(an_update())
    assert stream.append(an_update(id="o2"))


def test_an_order_nobody_told_of_has_nothing_seen(stream: Stream) -> None:
    assert stream.seen("o1") == Seen()


def test_what_was_told_of_an_order_is_known_and_counts_up(stream: Stream) -> None:
    stream.append(an_update("new", "e0", status=Status.NEW, filled_qty=Decimal(0), filled_avg_price=None))
    assert stream.seen("o1") == Seen(Decimal(0), Decimal(0), Status.NEW, 1)
    stream.append(an_update())
    assert stream.seen("o1") == Seen(Decimal("0.5"), Decimal("263.655"), Status.PARTIALLY_FILLED, 2)


def test_filled_quantity_only_grows_and_an_end_stays(stream: Stream) -> None:
    stream.append(an_update("canceled", "e9", status=Status.CANCELED))
    stream.append(an_update("new", "e0", status=Status.NEW, filled_qty=Decimal(0)))
    seen = stream.seen("o1")
    assert (seen.filled_qty, seen.status) == (Decimal("0.5"), Status.CANCELED)


def test_a_late_look_appends_nothing_when_somebody_was_quicker(stream: Stream) -> None:
    before = stream.seen("o1")
    stream.append(an_update(execution="e1"))
    assert not stream.append(an_update(execution="reconciled"), seen=before)
    assert stream.append(an_update(execution="reconciled"), seen=stream.seen("o1"))
