"""The newest quotes as marketdata keeps them in Redis, and the wish for more of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar, cast

import redis
from pydantic import ValidationError

from services.execution.domain.fair_value import Guard, narrowed
from shared.bus.redis_bus import reachable
from shared.contracts import streams
from shared.contracts.base import Value
from shared.contracts.marketdata import Bar, Quote

_V = TypeVar("_V", bound=Value)


class RedisQuotes:
    """`subscriber` names who wishes; a later wish of the same name replaces the earlier one.

    With a `guard` quotes are of one exchange only, and wide ones are narrowed around the newest minute bar.
    """

    def __init__(
        self,
        client: redis.Redis,
        namespace: str = "alchemiser",
        *,
        subscriber: str = "execution",
        guard: Guard | None = None,
    ) -> None:
        self._redis = client
        self._state = f"{{{namespace}}}:state"
        self._subscriber = subscriber
        self._guard = guard

    def latest(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """What cannot be read is absent: without a quote nothing is traded. Raises BusUnavailableError."""
        if not symbols:
            return {}
        found = ((symbol, _read(Quote, raw)) for symbol, raw in self._newest(streams.LATEST_QUOTES, symbols))
        quotes = {symbol: quote for symbol, quote in found if quote is not None and quote.symbol == symbol}
        return quotes if self._guard is None else self._narrowed(quotes, self._guard)

    def want(self, symbols: Sequence[str]) -> None:
        with reachable():
            key = f"{self._state}:{streams.WANTED_SYMBOLS}"
            self._redis.hset(key, self._subscriber, json.dumps(sorted(set(symbols))))

    def _newest(self, key: str, symbols: Sequence[str]) -> Iterable[tuple[str, bytes | None]]:
        with reachable():
            raws = cast("list[bytes | None]", self._redis.hmget(f"{self._state}:{key}", list(symbols)))
        return zip(symbols, raws, strict=True)

    def _narrowed(self, quotes: Mapping[str, Quote], guard: Guard) -> Mapping[str, Quote]:
        bars = (
            {symbol: _read(Bar, raw) for symbol, raw in self._newest(streams.LATEST_BARS, list(quotes))}
            if quotes
            else {}
        )
        return {symbol: narrowed(quote, bars[symbol], guard) for symbol, quote in quotes.items()}


def _read(kind: type[_V], raw: bytes | None) -> _V | None:
    if raw is None:
        return None
    try:
        return kind.model_validate_json(raw)
    except ValidationError:
        return None
