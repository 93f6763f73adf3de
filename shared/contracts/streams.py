"""The streams, each with its one writer; and the state that stands beside them. docs/map.md draws them."""

from __future__ import annotations

from typing import Final

QUOTES: Final = "marketdata.quotes"
BARS: Final = "marketdata.bars"
FEED_STATUS: Final = "marketdata.status"
SIGNALS: Final = "strategy.signals"
TARGETS: Final = "strategy.targets"
EXECUTION: Final = "execution.events"
CONTROL: Final = "control"

ALL: Final = (QUOTES, BARS, FEED_STATUS, SIGNALS, TARGETS, EXECUTION, CONTROL)


def alerts_of(service: str) -> str:
    return f"{service}.alerts"


# State hashes: one JSON document per field.
LATEST_QUOTES: Final = "latest_quotes"
"""symbol -> Quote"""
LATEST_BARS: Final = "latest_bars"
"""symbol -> Bar, the newest closed minute"""
WANTED_SYMBOLS: Final = "wanted_symbols"
"""subscriber -> JSON list of symbols it needs data for; marketdata serves the union"""
LATEST_SIGNALS: Final = "latest_signals"
"""strategy -> SignalIssued"""
LATEST_TARGETS: Final = "latest_targets"
""""latest" -> TargetPortfolioSet"""


def daily_history(symbol: str, adjustment: str = "all") -> str:
    """The cache entry (a string with a time to live) that holds a DailyHistory."""
    return f"daily_history:{adjustment}:{symbol}"
