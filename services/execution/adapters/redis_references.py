"""Last closes and usual volumes from the daily history that marketdata keeps in Redis.

A history is long and changes once a day: what was made of it is kept for as long as its beginning, which tells when it was
fetched, stays the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, cast

import redis
from pydantic import ValidationError

from services.execution.domain.reference import Reference, reference_of
from shared import logs
from shared.bus.redis_bus import reachable
from shared.contracts import streams
from shared.contracts.marketdata import DailyHistory

_HEAD_BYTES: Final = 256
"""Symbol, source and the instant of fetching stand in there."""


class RedisReferences:
    """`seen_by_alpaca` is the share of the market's volume that Alpaca's feed sees: 1, or IEX's small part."""

    def __init__(self, client: redis.Redis, namespace: str, *, seen_by_alpaca: Decimal = Decimal(1)) -> None:
        self._redis = client
        self._tag = f"{{{namespace}}}"
        self._seen = {"alpaca": seen_by_alpaca}
        self._kept: dict[str, tuple[bytes, Reference | None]] = {}
        self._log = logs.get("execution.references")

    def latest(self, symbols: Sequence[str]) -> Mapping[str, Reference]:
        """What has no history that can be read is absent. Raises BusUnavailableError."""
        with reachable(), self._redis.pipeline(transaction=False) as pipe:
            for symbol in symbols:
                pipe.getrange(self._key(symbol), 0, _HEAD_BYTES - 1)
            heads = cast("list[bytes]", pipe.execute()) if symbols else []
        now = dict(zip(symbols, heads, strict=True))
        self._read([symbol for symbol, head in now.items() if self._kept.get(symbol, (b"", None))[0] != head])
        found = (self._kept[symbol][1] for symbol, head in now.items() if head and symbol in self._kept)
        return {reference.symbol: reference for reference in found if reference is not None}

    def warm(self) -> None:
        """Read beforehand what anybody wants, so that planning need not. Raises BusUnavailableError."""
        with reachable():
            wishes = cast("Mapping[bytes, bytes]", self._redis.hgetall(f"{self._tag}:state:{streams.WANTED_SYMBOLS}"))
        self.latest(sorted({symbol for wish in wishes.values() for symbol in _symbols_in(wish)}))

    def _read(self, symbols: Sequence[str]) -> None:
        if not symbols:
            return
        with reachable():
            raws = cast("list[bytes | None]", self._redis.mget([self._key(symbol) for symbol in symbols]))
        for symbol, raw in zip(symbols, raws, strict=True):
            if raw is None:
                self._kept.pop(symbol, None)
            else:
                self._kept[symbol] = (raw[:_HEAD_BYTES], self._reference(symbol, raw))

    def _reference(self, symbol: str, raw: bytes) -> Reference | None:
        try:
            history = DailyHistory.model_validate_json(raw)
            found = reference_of(history, self._seen.get(history.source, Decimal(1)))
        except (ValidationError, ValueError, ArithmeticError) as error:
            self._log.warning("a daily history cannot be read", symbol=symbol, error=str(error)[:500])
            return None
        return found if found.symbol == symbol else None

    def _key(self, symbol: str) -> str:
        return f"{self._tag}:{streams.daily_history(symbol)}"


def _symbols_in(wish: bytes) -> Iterable[str]:
    try:
        found = json.loads(wish)
    except ValueError:
        return ()
    return [symbol for symbol in found if isinstance(symbol, str)] if isinstance(found, list) else ()
