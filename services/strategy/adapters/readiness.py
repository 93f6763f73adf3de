"""Whether the inputs have arrived: before that a run would be decided on half of them, or on none of today's prices."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from services.strategy.domain.history import PriceRules, why_no_price
from services.strategy.domain.schedule import session_to_decide
from services.strategy.ports import MarketHistory
from shared.clock import Clock

_PRICE_PATIENCE_SECONDS: Final = 5.0


class _Arrived:
    """What no source has will never arrive: what has not changed for a while is all there is."""

    what: str

    def __init__(
        self,
        history: MarketHistory,
        symbols: Sequence[str],
        *,
        patience_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._history = history
        self._symbols = tuple(symbols)
        self._patience = patience_seconds
        self._monotonic = monotonic
        self._missing: tuple[str, ...] = self._symbols
        self._since = monotonic()

    def __call__(self) -> str | None:
        """Why it is not ready, or None. Raises BusUnavailableError."""
        missing = self._find_missing()
        if missing != self._missing:
            self._missing, self._since = missing, self._monotonic()
        settled = self._monotonic() - self._since >= self._patience
        if not missing or (settled and len(missing) < len(self._symbols)):
            return None
        return f"{self.what} of {', '.join(missing)}"

    def _find_missing(self) -> tuple[str, ...]:
        raise NotImplementedError


class HistoryArrived(_Arrived):
    """The daily histories: a readiness check of the service."""

    what = "no daily history yet"

    def __init__(
        self,
        history: MarketHistory,
        symbols: Sequence[str],
        *,
        patience_seconds: float = 10.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(history, symbols, patience_seconds=patience_seconds, monotonic=monotonic)

    def _find_missing(self) -> tuple[str, ...]:
        return self._history.missing(self._symbols)


class PricesArrived(_Arrived):
    """Prices that can stand in for the close of the session to decide: what the scheduled run waits for besides."""

    what = "no price yet that stands in for today's close"

    def __init__(
        self,
        history: MarketHistory,
        symbols: Sequence[str],
        clock: Clock,
        rules: PriceRules,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(history, symbols, patience_seconds=_PRICE_PATIENCE_SECONDS, monotonic=monotonic)
        self._clock = clock
        self._rules = rules

    def _find_missing(self) -> tuple[str, ...]:
        now = self._clock.now()
        session, quotes = session_to_decide(now), self._history.quotes(self._symbols)
        return tuple(s for s in self._symbols if why_no_price(quotes.get(s), session, now, self._rules))
