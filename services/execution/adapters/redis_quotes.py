"""The newest quotes as marketdata keeps them in Redis, and the wish for more of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import cast

import redis
from pydantic import ValidationError

from shared.bus.redis_bus import reachable
from shared.contracts import streams
from shared.contracts.marketdata import Quote


class RedisQuotes:
    """`subscriber` names who wishes; a later wish of the same name replaces the earlier one."""

    def __init__(self, client: redis.Redis, namespace: str = "alchemiser", *, subscriber: str = "execution") -> None:
        self._redis = client
        self._state = f"{{{namespace}}}:state"
        self._subscriber = subscriber

    def latest(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """What cannot be read is absent: without a quote nothing is traded. Raises BusUnavailableError."""
        if not symbols:
            return {}
        with reachable():
            key = f"{self._state}:{streams.LATEST_QUOTES}"
            raws = cast("list[bytes | None]", self._redis.hmget(key, list(symbols)))
        found = ((symbol, _quote_in(raw)) for symbol, raw in zip(symbols, raws, strict=True))
        return {symbol: quote for symbol, quote in found if quote is not None and quote.symbol == symbol}

    def want(self, symbols: Sequence[str]) -> None:
        with reachable():
            key = f"{self._state}:{streams.WANTED_SYMBOLS}"
            self._redis.hset(key, self._subscriber, json.dumps(sorted(set(symbols))))


def _quote_in(raw: bytes | None) -> Quote | None:
    if raw is None:
        return None
    try:
        return Quote.model_validate_json(raw)
    except ValidationError:
        return None
