"""What one market-data connection has subscribed to: additive, `*` for everything, limited in symbols where a plan is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

CHANNELS = ("trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds", "imbalances")
# Corrections and cancelled trades are told to whoever listens to trades.
_MIRRORS = ("corrections", "cancelErrors")
_SILENT_WHEN_EMPTY = frozenset({"imbalances"})
_EVERYTHING = "*"


class InvalidSyntax(ValueError):  # noqa: N818 - an answer to a client, not a failure of ours
    """A subscribe message that cannot be read."""


class UnknownChannel(ValueError):  # noqa: N818 - an answer to a client, not a failure of ours
    """A channel this feed does not have."""


class SymbolLimitExceeded(ValueError):  # noqa: N818 - an answer to a client, not a failure of ours
    """More symbols than the plan allows; subscriptions are unchanged."""


class Subscriptions:
    """Symbols by channel. `symbol_limit` bounds trades and quotes together; bars are free, as on the basic plan."""

    def __init__(self, symbol_limit: int | None = None) -> None:
        self._symbols: dict[str, set[str]] = {channel: set() for channel in CHANNELS}
        self._limit = symbol_limit

    def add(self, message: Mapping[Any, Any]) -> None:
        wanted = _channels_in(message)
        after = {channel: self._symbols[channel] | wanted.get(channel, set()) for channel in CHANNELS}
        if self._limit is not None and self._exceeds(self._limit, after):
            raise SymbolLimitExceeded
        self._symbols = after

    def remove(self, message: Mapping[Any, Any]) -> None:
        for channel, symbols in _channels_in(message).items():
            self._symbols[channel] -= symbols

    def symbols(self, channel: str, listed: Sequence[str]) -> Sequence[str]:
        """The listed symbols of that channel."""
        wanted = self._symbols[channel]
        return listed if _EVERYTHING in wanted else [symbol for symbol in listed if symbol in wanted]

    def is_empty(self) -> bool:
        return not any(self._symbols.values())

    def confirmation(self) -> dict[str, Any]:
        """The full list, as the server tells it after each change."""
        told = {
            channel: sorted(symbols)
            for channel, symbols in self._symbols.items()
            if symbols or channel not in _SILENT_WHEN_EMPTY
        }
        return {"T": "subscription", **told, **dict.fromkeys(_MIRRORS, told["trades"])}

    def _exceeds(self, limit: int, symbols: Mapping[str, set[str]]) -> bool:
        counted = symbols["trades"] | symbols["quotes"]
        return _EVERYTHING in counted or len(counted) > limit


def _channels_in(message: Mapping[Any, Any]) -> dict[str, set[str]]:
    wanted = {name: symbols for name, symbols in message.items() if name != "action"}
    if not set(wanted) <= {*CHANNELS, *_MIRRORS}:
        raise UnknownChannel
    return {name: _symbols_in(symbols) for name, symbols in wanted.items() if name in CHANNELS}


def _symbols_in(symbols: Any) -> set[str]:
    if symbols is None:
        return set()
    if not isinstance(symbols, list | tuple) or not all(isinstance(symbol, str) and symbol for symbol in symbols):
        raise InvalidSyntax
    return set(symbols)
