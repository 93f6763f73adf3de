"""The cache of daily history in Redis: one string a symbol, with a time to live, so that a dead writer leaves no old truth."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import cast

import redis
from pydantic import ValidationError

from services.marketdata.domain.history import Adjustment
from shared.bus.redis_bus import RedisBus, reachable
from shared.contracts import streams
from shared.contracts.marketdata import DailyHistory


class RedisHistories:
    def __init__(self, client: redis.Redis, bus: RedisBus) -> None:
        self._redis = client
        self._bus = bus

    def put(self, history: DailyHistory, ttl: dt.timedelta) -> None:
        with reachable():
            self._redis.set(self._key(history.symbol, history.adjustment), history.model_dump_json(), ex=ttl)

    def get(self, symbol: str, adjustment: Adjustment) -> DailyHistory | None:
        with reachable():
            text = cast("bytes | None", self._redis.get(self._key(symbol, adjustment)))
        try:
            return None if text is None else DailyHistory.model_validate_json(text)
        except ValidationError:
            return None

    def present(self, symbols: Sequence[str], adjustment: Adjustment) -> frozenset[str]:
        with reachable(), self._redis.pipeline(transaction=False) as pipe:
            for symbol in symbols:
                pipe.exists(self._key(symbol, adjustment))
            found = pipe.execute()
        return frozenset(symbol for symbol, there in zip(symbols, found, strict=True) if there)

    def _key(self, symbol: str, adjustment: Adjustment) -> str:
        return self._bus.key(streams.daily_history(symbol, adjustment))
