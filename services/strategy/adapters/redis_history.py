"""Marketdata's cache in Redis: daily_history:<adjustment>:<SYMBOL> and the hash of newest quotes (docs/map.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar, cast

import redis
from pydantic import ValidationError

from services.strategy.domain.history import Found
from shared.bus.redis_bus import RedisBus, reachable
from shared.contracts import faults_in
from shared.contracts.marketdata import DailyHistory, Quote
from shared.contracts.streams import LATEST_QUOTES, daily_history

_V = TypeVar("_V", DailyHistory, Quote)


class UnreadableEntryError(ValueError):
    """An entry of the cache that is not what it should be."""


class RedisHistory:
    def __init__(self, client: redis.Redis, bus: RedisBus) -> None:
        self._redis = client
        self._bus = bus

    def find(self, symbols: Sequence[str]) -> Mapping[str, Found]:
        if not symbols:
            return {}
        with reachable(), self._redis.pipeline(transaction=True) as pipe:
            pipe.mget([self._key(symbol) for symbol in symbols])
            pipe.hmget(self._bus.state_key(LATEST_QUOTES), list(symbols))
            histories, quotes = cast("list[list[bytes | None]]", pipe.execute())
        return {
            symbol: _found(symbol, history, quote)
            for symbol, history, quote in zip(symbols, histories, quotes, strict=True)
        }

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        if not symbols:
            return {}
        with reachable():
            raws = cast("list[bytes | None]", self._redis.hmget(self._bus.state_key(LATEST_QUOTES), list(symbols)))
        found = {symbol: _quote(symbol, raw) for symbol, raw in zip(symbols, raws, strict=True)}
        return {symbol: quote for symbol, quote in found.items() if quote is not None}

    def missing(self, symbols: Sequence[str]) -> tuple[str, ...]:
        with reachable(), self._redis.pipeline(transaction=False) as pipe:
            for symbol in symbols:
                pipe.exists(self._key(symbol))
            return tuple(s for s, there in zip(symbols, pipe.execute(), strict=True) if not there)

    def _key(self, symbol: str) -> str:
        return self._bus.key(daily_history(symbol))


def _found(symbol: str, history: bytes | None, quote: bytes | None) -> Found:
    try:
        closes = _read(DailyHistory, symbol, history)
    except UnreadableEntryError as error:
        return Found(None, None, f"daily history cannot be read: {error}")
    return Found(closes, _quote(symbol, quote))


def _quote(symbol: str, raw: bytes | None) -> Quote | None:
    try:
        return _read(Quote, symbol, raw)
    except UnreadableEntryError:
        return None  # an unreadable quote is no quote; the table says that there is none


def _read(model: type[_V], symbol: str, raw: bytes | None) -> _V | None:
    if raw is None:
        return None
    try:
        value = model.model_validate_json(raw)
    except ValidationError as error:
        raise UnreadableEntryError(faults_in(error)[:300]) from error
    if value.symbol != symbol:
        raise UnreadableEntryError(f"symbol: expected {symbol}, got {value.symbol}")
    return value
