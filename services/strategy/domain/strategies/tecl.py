"""TECL For The Long Term: leveraged technology while it leads managed futures, bills and volatility when it overheats."""

# ruff: noqa: PLR2004 - the thresholds are the strategy; a name for each would hide the table

from __future__ import annotations

from services.strategy.domain.engine import TreeStrategy
from services.strategy.domain.indicators import RSI
from services.strategy.domain.language import by, close, first_match, group, highest, rsi, sma, specified, when
from services.strategy.domain.tree import Node


def _technology() -> Node:
    return when(rsi("XLK", 10) > 81, then="BIL", otherwise="TECL")


def _above_the_average() -> Node:
    """Tests 1 to 4."""
    quarter_hedge = specified(("0.25", "UVXY"), ("0.75", "BIL"))
    return first_match(
        (rsi("TQQQ", 10) > 79, quarter_hedge),
        (rsi("SPY", 10) > 80, quarter_hedge),
        (rsi("XLK", 10) > rsi("KMLM", 10), _technology()),
        otherwise=when(rsi("XLK", 10) < 29, then="TECL", otherwise="BIL"),
    )


def _below_the_average() -> Node:
    """Tests 5 to 11."""
    return first_match(
        (rsi("TQQQ", 10) < 31, "TECL"),
        (rsi("SPXL", 10) < 29, "SPXL"),
        (rsi("UVXY", 10) > 84, specified(("0.15", "UVXY"), ("0.85", "BIL"))),
        (rsi("UVXY", 10) > 74, "BIL"),
        (rsi("XLK", 10) > rsi("KMLM", 10), _technology()),
        (rsi("XLK", 10) < 29, "TECL"),
        otherwise=highest(1, by(RSI, 9), "SQQQ", "BSV"),
    )


def tecl() -> TreeStrategy:
    tree = when(
        close("SPY") > sma("SPY", 200),
        then=group("above the 200-day average", _above_the_average()),
        otherwise=group("below the 200-day average", _below_the_average()),
    )
    return TreeStrategy("tecl", tree)
