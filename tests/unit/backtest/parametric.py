"""A strategy with parameters, as a user would write one for a sweep."""

from __future__ import annotations

from services.strategy.domain.engine import TreeStrategy
from services.strategy.domain.language import rsi, when


def switch(window: int, level: float) -> TreeStrategy:
    return TreeStrategy("switch", when(rsi("AAA", window) > level, then="BBB", otherwise="CCC"))


def breaks(window: int) -> TreeStrategy:
    raise RuntimeError(f"no switch for {window}")
