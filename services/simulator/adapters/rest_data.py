"""Market-data REST as Alpaca tells it: bars, quotes, trades, the newest of each, and snapshots, all as of the virtual now.

Credentials, rate limits and faults are the gate's matter. Histories are cut into pages by total points, sorted by symbol and
then by time; a symbol without data is absent. Every feed but the overnight ones tells the same prices.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any, Protocol

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from services.simulator.adapters import data_params as params
from services.simulator.adapters.context import VenueContext
from services.simulator.adapters.data_params import BadParameter, Params, Place, Range
from services.simulator.adapters.data_points import (
    Codes,
    Point,
    as_json,
    bar_point,
    codes_of,
    quote_point,
    trade_point,
)
from services.simulator.domain.intraday import midnight
from services.simulator.domain.market import Bar, Market, Quote, Trade
from services.simulator.domain.prices_timeframe import BarsWanted, bars_of
from shared.sessions import new_york_date, sessions_between

_INSTANT = dt.timedelta(microseconds=1)
_DAY = dt.timedelta(days=1)
_PIECE = dt.timedelta(minutes=15)
_SIP_DELAY = dt.timedelta(minutes=15)
# Feeds of the hours and markets that are not simulated.
_SILENT_FEEDS = frozenset({"boats", "otc", "overnight"})
_NOT_SUBSCRIBED = {"code": 42210000, "message": "subscription does not permit querying recent SIP data"}
_LOOK_BACK = (dt.timedelta(minutes=10), dt.timedelta(days=1), dt.timedelta(days=30))


class Timed(Protocol):
    """Anything told in a history."""

    @property
    def at(self) -> dt.datetime: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: what it says, and the market and the instant it is answered from."""

    query: Params
    market: Market
    now: dt.datetime
    is_basic: bool = False
    """The free plan: the consolidated feed's last fifteen minutes are not for it."""

    def require_entitled(self, feed: str, end: dt.datetime) -> None:
        """Raises NotSubscribedError for recent data of the consolidated feed on the free plan."""
        if self.is_basic and feed == "sip" and end > self.now - _SIP_DELAY:
            raise NotSubscribedError

    @property
    def codes(self) -> Codes:
        return codes_of(self.market.listings())


class NotSubscribedError(Exception):
    """The data exist, and the account's plan does not include them."""


Answer = Callable[[Asked], Any]
Series = Callable[[str, Range], Iterator[Timed]]
Told = Callable[[Any], Point]


def router(context: VenueContext) -> APIRouter:
    """The routes under /v2/stocks."""
    routes = APIRouter()

    def add(path: str, answer: Answer) -> None:
        async def endpoint(request: Request) -> JSONResponse:
            query = {**request.query_params, **request.path_params}
            asked = Asked(query, context.market, context.now(), context.is_basic)
            try:
                return JSONResponse(await run_in_threadpool(answer, asked))
            except BadParameter as refusal:
                return JSONResponse({"message": str(refusal)}, status_code=400)
            except NotSubscribedError:
                return JSONResponse(_NOT_SUBSCRIBED, status_code=403)

        routes.add_api_route(f"/v2/stocks/{path}", endpoint, methods=["GET"])

    for kind in ("quotes", "trades", "bars"):
        add(f"{kind}/latest", partial(_latest, kind=kind))
        add(kind, partial(_history, kind=kind))
    add("snapshots", _snapshots)
    for kind in ("quotes", "trades", "bars"):
        add(f"{{symbol}}/{kind}/latest", partial(_latest_of_one, kind=kind))
        add(f"{{symbol}}/{kind}", partial(_history_of_one, kind=kind))
    add("{symbol}/snapshot", _snapshot_of_one)
    return routes


# -- histories ---------------------------------------------------------------------------------------------------


def _history(asked: Asked, kind: str) -> dict[str, Any]:
    return _paged(asked, kind, params.symbols_in(asked.query))


def _history_of_one(asked: Asked, kind: str) -> dict[str, Any]:
    symbol = params.symbol_in(asked.query["symbol"])
    answer = _paged(asked, kind, [symbol])
    return {"symbol": symbol, **answer, kind: answer[kind].get(symbol, [])}


def _paged(asked: Asked, kind: str, symbols: Sequence[str]) -> dict[str, Any]:
    within = params.range_in(asked.query, asked.now - _SIP_DELAY if asked.is_basic else asked.now)
    asked.require_entitled(within.feed, within.end)
    series, told = _series(asked, kind, within.feed)
    known = _known(asked, symbols, within.feed)
    found, more = _page(known, within, series)
    points = {symbol: [as_json(told(item)) for item in items] for symbol, items in found.items()}
    answer: dict[str, Any] = {kind: points, "next_page_token": more}
    return answer if within.currency is None else answer | {"currency": within.currency}


def _page(symbols: Sequence[str], within: Range, series: Series) -> tuple[dict[str, list[Timed]], str | None]:
    """Up to `limit` points from where the last page ended, and the token of where this one does, if there is more."""
    found: dict[str, list[Timed]] = {}
    room, place = within.limit, within.place
    for symbol in symbols:
        if place is not None and symbol < place.symbol:
            continue
        told_before = place if place is not None and symbol == place.symbol else None
        items = list(islice(_rest(symbol, within, series, told_before), room + 1))
        if len(items) > room:
            if room:
                found[symbol] = items[:room]
            return found, params.token_of(_end(found, place))
        if items:
            found[symbol] = items
            room -= len(items)
    return found, None


def _rest(symbol: str, within: Range, series: Series, place: Place | None) -> Iterator[Timed]:
    """The series of one symbol, from behind the place where the last page ended."""
    if place is None:
        return series(symbol, within)
    onward = replace(within, end=place.at) if within.newest_first else replace(within, start=place.at)
    return islice(series(symbol, onward), place.told, None)


def _end(found: Mapping[str, list[Timed]], before: Place | None) -> Place:
    symbol = max(found)
    at = found[symbol][-1].at
    told = sum(item.at == at for item in found[symbol])
    if before is not None and before.symbol == symbol and before.at == at:
        told += before.told
    return Place(symbol, at, told)


def _series(asked: Asked, kind: str, feed: str) -> tuple[Series, Told]:
    market, now = asked.market, asked.now
    if kind == "bars":
        timeframe, adjustment = params.timeframe_in(asked.query), params.adjustment_in(asked.query)

        def bars(symbol: str, within: Range) -> Iterator[Bar]:
            wanted = BarsWanted(timeframe, within.start, min(within.end, now), adjustment, now)
            return bars_of(market, symbol, wanted, newest_first=within.newest_first)

        return bars, bar_point
    if kind == "quotes":
        return partial(_ticks, market.quotes, now), partial(quote_point, codes=asked.codes, feed=feed)
    return partial(_ticks, market.trades, now), partial(trade_point, codes=asked.codes, feed=feed)


def _ticks(
    read: Callable[[str, dt.datetime, dt.datetime], Iterator[Timed]], now: dt.datetime, symbol: str, within: Range
) -> Iterator[Timed]:
    start, end = within.start, min(within.end, now)
    if not within.newest_first:
        return read(symbol, start - _INSTANT, end)
    return _against_time(read, symbol, start, end)


def _against_time(
    read: Callable[[str, dt.datetime, dt.datetime], Iterator[Timed]], symbol: str, start: dt.datetime, end: dt.datetime
) -> Iterator[Timed]:
    """Piece by piece, so that a reader of the newest ticks does not wait for the oldest."""
    for session in reversed(sessions_between(new_york_date(start), new_york_date(end))):
        first = max(start, midnight(session.date))
        last = min(end, midnight(session.date) + _DAY - _INSTANT)
        while first <= last:
            piece = max(first, last - _PIECE)
            yield from reversed(list(read(symbol, piece - _INSTANT, last)))
            last = piece - _INSTANT


def _known(asked: Asked, symbols: Sequence[str], feed: str) -> list[str]:
    if feed in _SILENT_FEEDS:
        return []
    listed = {listing.symbol for listing in asked.market.listings()}
    return [symbol for symbol in symbols if symbol in listed]


# -- the newest --------------------------------------------------------------------------------------------------


def _latest(asked: Asked, kind: str) -> dict[str, Any]:
    return _newest(asked, kind, params.symbols_in(asked.query))


def _latest_of_one(asked: Asked, kind: str) -> dict[str, Any]:
    symbol = params.symbol_in(asked.query["symbol"])
    answer = _newest(asked, kind, [symbol])
    found = answer.pop(kind)
    if symbol not in found:
        raise BadParameter(f"no {kind[:-1]} found for {symbol}")
    return {"symbol": symbol, kind[:-1]: found[symbol], **answer}


def _newest(asked: Asked, kind: str, symbols: Sequence[str]) -> dict[str, Any]:
    feed, currency = params.feed_in(asked.query, params.LATEST_FEEDS), params.currency_in(asked.query)
    asked.require_entitled(feed, asked.now)
    at = asked.now - _SIP_DELAY if feed == "delayed_sip" else asked.now
    read = {"quotes": _quote, "trades": _trade, "bars": _minute}[kind]
    found = {symbol: read(asked, symbol, at, feed) for symbol in _known(asked, symbols, feed)}
    answer: dict[str, Any] = {kind: {symbol: point for symbol, point in found.items() if point is not None}}
    return answer if currency is None else answer | {"currency": currency}


def _quote(asked: Asked, symbol: str, at: dt.datetime, feed: str) -> Point | None:
    quote: Quote | None = asked.market.quote(symbol, at)
    return None if quote is None else as_json(quote_point(quote, asked.codes, feed))


def _trade(asked: Asked, symbol: str, at: dt.datetime, feed: str) -> Point | None:
    trade: Trade | None = asked.market.trade(symbol, at)
    return None if trade is None else as_json(trade_point(trade, asked.codes, feed))


def _minute(asked: Asked, symbol: str, at: dt.datetime, feed: str) -> Point | None:
    """The newest closed minute bar: near the last print, or further back where its minute still runs."""
    del feed
    last = asked.market.trade(symbol, at)
    if last is None:
        return None
    for back in _LOOK_BACK:
        if bars := asked.market.minute_bars(symbol, last.at - back, at, at):
            return as_json(bar_point(bars[-1]))
    return None


def _snapshots(asked: Asked) -> dict[str, Any]:
    feed, currency = params.feed_in(asked.query, params.LATEST_FEEDS), params.currency_in(asked.query)
    del currency
    found = {symbol: _snapshot(asked, symbol, feed) for symbol in _known(asked, params.symbols_in(asked.query), feed)}
    return {symbol: snapshot for symbol, snapshot in found.items() if snapshot}


def _snapshot_of_one(asked: Asked) -> dict[str, Any]:
    symbol = params.symbol_in(asked.query["symbol"])
    feed, currency = params.feed_in(asked.query, params.LATEST_FEEDS), params.currency_in(asked.query)
    snapshot = _snapshot(asked, symbol, feed) if _known(asked, [symbol], feed) else {}
    if not snapshot:
        raise BadParameter(f"no snapshot found for {symbol}")
    return {"symbol": symbol, **snapshot, **({} if currency is None else {"currency": currency})}


def _snapshot(asked: Asked, symbol: str, feed: str) -> dict[str, Any]:
    asked.require_entitled(feed, asked.now)
    """What there is of the newest trade, quote, minute, day and day before; a part that is not there is absent."""
    at = asked.now - _SIP_DELAY if feed == "delayed_sip" else asked.now
    date = new_york_date(at)
    days = [*asked.market.daily_bars(symbol, date - dt.timedelta(days=400), date, "raw", at)][-2:]
    parts = {
        "latestTrade": _trade(asked, symbol, at, feed),
        "latestQuote": _quote(asked, symbol, at, feed),
        "minuteBar": _minute(asked, symbol, at, feed),
        "dailyBar": as_json(bar_point(days[-1])) if days else None,
        "prevDailyBar": as_json(bar_point(days[-2])) if len(days) > 1 else None,
    }
    return {name: part for name, part in parts.items() if part is not None}
