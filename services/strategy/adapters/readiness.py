"""Whether the daily histories have arrived: before that a run would be decided on half of its inputs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from services.strategy.ports import MarketHistory


class HistoryArrived:
    """A readiness check. Symbols no source has will never arrive: what has not changed for a while is all there is."""

    def __init__(
        self,
        history: MarketHistory,
        symbols: Sequence[str],
        *,
        patience_seconds: float = 10.0,
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
        missing = self._history.missing(self._symbols)
        if missing != self._missing:
            self._missing, self._since = missing, self._monotonic()
        settled = self._monotonic() - self._since >= self._patience
        if not missing or (settled and len(missing) < len(self._symbols)):
            return None
        return f"no daily history yet of {', '.join(missing)}"
