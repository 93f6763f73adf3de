"""What strategy needs from outside. The real adapter and its in-memory twin stand in adapters/ and pass one suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from services.strategy.domain.history import Found
from shared.contracts.marketdata import Quote


class MarketHistory(Protocol):
    """What marketdata has put in its cache: adjusted daily closes, and the newest quote of each symbol."""

    def find(self, symbols: Sequence[str]) -> Mapping[str, Found]:
        """An entry per symbol; one that cannot be read carries its fault. Raises BusUnavailableError."""

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """The newest of each; without one that can be read a symbol is absent. Raises BusUnavailableError."""

    def missing(self, symbols: Sequence[str]) -> tuple[str, ...]:
        """The symbols for which there is no entry yet. Raises BusUnavailableError."""
