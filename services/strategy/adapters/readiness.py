"""Whether the inputs have arrived: before that a run would be decided on half of them, or on none of today's prices."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from services.strategy.domain.history import PriceRules, why_no_price
from services.strategy.domain.schedule import session_to_decide
from services.strategy.ports import MarketHistory
from shared.clock import Clock

_HISTORY_PATIENCE_SECONDS: Final = 10.0
_PRICE_PATIENCE_SECONDS: Final = 5.0


class Arrived:
    """What no source has will never arrive: what has not changed for a while is all there is.

    `find_missing` says of which of the symbols `what` is true.
    """

    def __init__(
        self,
        what: str,
        symbols: Sequence[str],
        find_missing: Callable[[], tuple[str, ...]],
        *,
        patience_seconds: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._what = what
        self._symbols = tuple(symbols)
        self._find_missing = find_missing
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
        return f"{self._what} of {', '.join(missing)}"


def history_arrived(
    history: MarketHistory, symbols: Sequence[str], *, monotonic: Callable[[], float] = time.monotonic
) -> Arrived:
    """The daily histories: a readiness check of the service."""
    return Arrived(
        "no daily history yet",
        symbols,
        lambda: history.missing(symbols),
        patience_seconds=_HISTORY_PATIENCE_SECONDS,
        monotonic=monotonic,
    )


def prices_arrived(
    history: MarketHistory,
    symbols: Sequence[str],
    clock: Clock,
    rules: PriceRules,
    *,
    monotonic: Callable[[], float] = time.monotonic,
) -> Arrived:
    """Prices that can stand in for the close of the session to decide: what the scheduled run waits for besides."""

    def without_price() -> tuple[str, ...]:
        now, quotes = clock.now(), history.quotes(symbols)
        session = session_to_decide(now)
        return tuple(s for s in symbols if why_no_price(quotes.get(s), session, now, rules))

    return Arrived(
        "no price yet that stands in for today's close",
        symbols,
        without_price,
        patience_seconds=_PRICE_PATIENCE_SECONDS,
        monotonic=monotonic,
    )
