"""The two websockets, as alpaca-py drives them."""

from __future__ import annotations

import queue

import pytest
from alpaca.trading.enums import TradeEvent

FAR = 0.5


def listening(venue, stream, in_background, until):
    """Start a trading stream and collect its updates."""
    updates: queue.Queue = queue.Queue()

    async def collect(update):
        updates.put(update)

    stream.subscribe_trade_updates(collect)
    in_background(stream)
    until(lambda: stream._running)
    return updates


def next_event(venue, updates, wanted, tries=60):
    for _ in range(tries):
        venue.advance(1)
        try:
            update = updates.get(timeout=0.25)
        except queue.Empty:
            continue
        if update.event == wanted or getattr(update.event, "value", update.event) == wanted:
            return update
    raise AssertionError(f"no {wanted} event")


def streaming(venue, in_background, until, **subscriptions):
    """Start a data stream with handlers for the named channels; returns one queue per channel."""
    stream, queues = venue.data_stream(), {}
    for channel, symbols in subscriptions.items():
        queues[channel] = queue.Queue()

        async def collect(item, into=queues[channel]):
            into.put(item)

        getattr(stream, f"subscribe_{channel}")(collect, *symbols)
    in_background(stream)
    until(lambda: stream._running)
    return queues


def first(venue, items, tries=60, step=1.0):
    for _ in range(tries):
        venue.advance(step)
        try:
            return items.get(timeout=0.25)
        except queue.Empty:
            continue
    raise AssertionError("nothing arrived")


def test_quotes_stream(venue, in_background, until):
    queues = streaming(venue, in_background, until, quotes=["SPY"])
    quote = first(venue, queues["quotes"])
    assert quote.symbol == "SPY"
    assert 0 < quote.bid_price < quote.ask_price


def test_trades_stream(venue, in_background, until):
    queues = streaming(venue, in_background, until, trades=["SPY"])
    trade = first(venue, queues["trades"], step=5)
    assert trade.symbol == "SPY"
    assert trade.size > 0


def test_minute_bars_stream_right_after_the_minute(venue, in_background, until):
    queues = streaming(venue, in_background, until, bars=["SPY"])
    bar = first(venue, queues["bars"], step=30)
    assert bar.symbol == "SPY"
    assert bar.timestamp.second == 0


def test_several_channels_share_one_socket(venue, in_background, until):
    queues = streaming(venue, in_background, until, quotes=["SPY", "TLT"], trades=["QQQ"])
    assert first(venue, queues["quotes"]).symbol in ("SPY", "TLT")
    assert first(venue, queues["trades"], step=5).symbol == "QQQ"


def test_a_wildcard_brings_many_symbols(venue, in_background, until):
    queues = streaming(venue, in_background, until, quotes=["*"])
    seen = {first(venue, queues["quotes"]).symbol}
    while not queues["quotes"].empty():
        seen.add(queues["quotes"].get().symbol)
    assert len(seen) > 3


def test_a_closed_data_socket_is_reconnected_by_the_client(venue, in_background, until):
    queues = streaming(venue, in_background, until, quotes=["SPY"])
    first(venue, queues["quotes"])
    venue.arm("closed_data_socket")
    venue.advance(1)
    while not queues["quotes"].empty():
        queues["quotes"].get()
    assert first(venue, queues["quotes"]).symbol == "SPY"


def test_a_fill_is_told_with_its_price_and_the_position(venue, in_background, until, market):
    updates = listening(venue, venue.trading_stream(), in_background, until)
    order = market("SPY", 2)
    update = next_event(venue, updates, "fill")
    assert update.order.id == order.id
    assert float(update.order.filled_qty) == 2
    assert float(update.position_qty) == 2
    assert update.price > 0


def test_every_order_begins_with_new(venue, in_background, until, limit):
    updates = listening(venue, venue.trading_stream(), in_background, until)
    limit("SPY", 1, venue.bid("SPY") * FAR)
    assert next_event(venue, updates, "new").order.symbol == "SPY"


def test_a_cancel_is_told(venue, trading, in_background, until, limit):
    updates = listening(venue, venue.trading_stream(), in_background, until)
    order = limit("SPY", 1, venue.bid("SPY") * FAR)
    venue.advance(1)
    trading.cancel_order_by_id(order.id)
    assert next_event(venue, updates, "canceled").order.id == order.id


def test_an_expiry_is_told(venue, in_background, until, limit):
    updates = listening(venue, venue.trading_stream(), in_background, until)
    limit("SPY", 1, venue.bid("SPY") * FAR)
    venue.go_to("2024-06-03T16:00:00-04:00")
    assert next_event(venue, updates, "expired").order.status.value == "expired"


def test_a_replacement_is_told(venue, trading, in_background, until, limit):
    from alpaca.trading.requests import ReplaceOrderRequest

    updates = listening(venue, venue.trading_stream(), in_background, until)
    order = limit("SPY", 1, venue.bid("SPY") * FAR)
    venue.advance(1)
    trading.replace_order_by_id(order.id, ReplaceOrderRequest(qty=2))
    assert next_event(venue, updates, "replaced").order.id == order.id


def test_a_duplicated_fill_event_carries_the_same_execution_id(venue, in_background, until, market):
    updates = listening(venue, venue.trading_stream(), in_background, until)
    venue.arm("duplicated_fill_event", count=5)
    market("SPY", 1)
    one = next_event(venue, updates, "fill")
    two = next_event(venue, updates, "fill")
    assert one.execution_id == two.execution_id


def test_events_know_their_enum(venue, in_background, until, market):
    updates = listening(venue, venue.trading_stream(), in_background, until)
    market("SPY", 1)
    assert next_event(venue, updates, "fill").event == TradeEvent.FILL


def test_a_wrong_secret_is_not_authorized_on_the_trading_socket(venue, trading, in_background):
    import asyncio

    trading.get_account()
    venue.secret = "wrong"
    stream = venue.trading_stream()

    async def go():
        await stream._connect()
        await stream._auth()

    with pytest.raises(ValueError, match="failed to authenticate"):
        asyncio.run(go())
