"""Quotes, trades and bars in the letters of Alpaca's market data, the same for REST and for the stream."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from services.simulator.domain.market import Bar, Listing, Quote, Trade

# Exchange codes and tapes of a listing; IEX is `V` whatever the listing.
_CODES = {"NYSE": ("N", "A"), "NASDAQ": ("Q", "C"), "ARCA": ("P", "B"), "AMEX": ("A", "B"), "BATS": ("Z", "B")}
_ELSEWHERE = ("P", "B")

Point = dict[str, Any]
Codes = Mapping[str, tuple[str, str]]


def codes_of(listings: Sequence[Listing]) -> Codes:
    """Exchange code and tape by symbol."""
    return {listing.symbol: _CODES.get(listing.exchange, _ELSEWHERE) for listing in listings}


def rfc3339(at: dt.datetime) -> str:
    """UTC with a Z and as many digits as there are."""
    return at.astimezone(dt.UTC).replace(tzinfo=None).isoformat() + "Z"


def quote_point(quote: Quote, codes: Codes, feed: str) -> Point:
    exchange, tape = codes.get(quote.symbol, _ELSEWHERE)
    exchange = "V" if feed == "iex" else exchange
    return {
        "t": quote.at,
        "ax": exchange,
        "ap": float(quote.ask),
        "as": quote.ask_size,
        "bx": exchange,
        "bp": float(quote.bid),
        "bs": quote.bid_size,
        "c": ["R"],
        "z": tape,
    }


def trade_point(trade: Trade, codes: Codes, feed: str) -> Point:
    exchange, tape = codes.get(trade.symbol, _ELSEWHERE)
    return {
        "t": trade.at,
        "x": "V" if feed == "iex" else exchange,
        "p": float(trade.price),
        "s": trade.size,
        "i": trade.id,
        "c": ["@"],
        "z": tape,
    }


def bar_point(bar: Bar) -> Point:
    return {
        "t": bar.at,
        "o": float(bar.open),
        "h": float(bar.high),
        "l": float(bar.low),
        "c": float(bar.close),
        "v": bar.volume,
        "n": bar.trade_count,
        "vw": float(bar.vwap),
    }


def as_json(point: Point) -> Point:
    """The point with its time as text."""
    return {**point, "t": rfc3339(point["t"])}
