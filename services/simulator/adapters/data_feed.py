"""What the data stream has to say about the span between two virtual instants, in time order and in frames.

Nothing is conflated: at high speed there are more frames, each within Alpaca's bounds. Encoding is MessagePack with
timestamps of its own type, or JSON, as the client asked for at the handshake.
"""

from __future__ import annotations

import datetime as dt
import heapq
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from operator import itemgetter
from typing import Any

import msgpack

from services.simulator.adapters.data_points import bar_point, codes_of, quote_point, rfc3339, trade_point
from services.simulator.adapters.data_subscriptions import Subscriptions
from services.simulator.domain.market import Market
from shared.sessions import new_york_date, session_at

MOST_POINTS_PER_FRAME = 512
MOST_BYTES_PER_FRAME = 256 * 1024
_MINUTE = dt.timedelta(minutes=1)
_INSTANT = dt.timedelta(microseconds=1)

Message = dict[str, Any]
Happened = Iterator[tuple[dt.datetime, Message]]


def frames(messages: Iterator[Message], *, as_msgpack: bool) -> Iterator[bytes | str]:
    """The messages in arrays of at most 512 points and fewer than 256 KiB."""
    while batch := list(islice(messages, MOST_POINTS_PER_FRAME)):
        yield from _within_bounds(batch, as_msgpack=as_msgpack)


def encoded(messages: Sequence[Message], *, as_msgpack: bool) -> bytes | str:
    """One frame."""
    if as_msgpack:
        packed: bytes = msgpack.packb(list(messages), datetime=True)
        return packed
    return json.dumps(list(messages), default=rfc3339, separators=(",", ":"))


def _within_bounds(batch: Sequence[Message], *, as_msgpack: bool) -> Iterator[bytes | str]:
    frame = encoded(batch, as_msgpack=as_msgpack)
    if len(frame) < MOST_BYTES_PER_FRAME or len(batch) == 1:
        yield frame
        return
    for half in (batch[: len(batch) // 2], batch[len(batch) // 2 :]):
        yield from _within_bounds(half, as_msgpack=as_msgpack)


@dataclass(frozen=True, slots=True)
class Span:
    """after < time <= until."""

    after: dt.datetime
    until: dt.datetime


def happened(market: Market, subscriptions: Subscriptions, feed: str, span: Span) -> Iterator[Message]:
    """Every message of the span, read lazily; a bar comes when its minute is over."""
    listed = [listing.symbol for listing in market.listings()]
    codes = codes_of(market.listings())
    trades = partial(_ticks, market.trades, "t", partial(trade_point, codes=codes, feed=feed), span)
    quotes = partial(_ticks, market.quotes, "q", partial(quote_point, codes=codes, feed=feed), span)
    streams = chain(
        map(trades, subscriptions.symbols("trades", listed)),
        map(quotes, subscriptions.symbols("quotes", listed)),
        _bars(market, subscriptions, listed, span),
    )
    return (message for _, message in heapq.merge(*streams, key=itemgetter(0)))


def _ticks(
    read: Callable[[str, dt.datetime, dt.datetime], Iterator[Any]],
    letter: str,
    told: Callable[[Any], Message],
    span: Span,
    symbol: str,
) -> Happened:
    for tick in read(symbol, span.after, span.until):
        yield tick.at, {"T": letter, "S": symbol, **told(tick)}


def _bars(market: Market, wanted: Subscriptions, listed: Sequence[str], span: Span) -> Iterator[Happened]:
    if _whole_minute(span.after) == _whole_minute(span.until):
        return
    yield from (_minute_bars(market, span, symbol) for symbol in wanted.symbols("bars", listed))
    yield from (_daily_bars(market, span, symbol) for symbol in wanted.symbols("dailyBars", listed))


def _minute_bars(market: Market, span: Span, symbol: str) -> Happened:
    """Bars whose minute ended within the span."""
    for bar in market.minute_bars(symbol, span.after - _MINUTE + _INSTANT, span.until - _MINUTE, span.until):
        yield bar.at + _MINUTE, {"T": "b", "S": symbol, **bar_point(bar)}


def _daily_bars(market: Market, span: Span, symbol: str) -> Happened:
    """The day so far, at each full minute of a session and at its close."""
    minute = _whole_minute(span.after) + _MINUTE
    while minute <= span.until:
        if session_at(minute - _INSTANT) is not None:
            today = new_york_date(minute)
            for bar in market.daily_bars(symbol, today, today, "raw", minute):
                yield minute, {"T": "d", "S": symbol, **bar_point(bar)}
        minute += _MINUTE


def _whole_minute(at: dt.datetime) -> dt.datetime:
    return at.replace(second=0, microsecond=0)
