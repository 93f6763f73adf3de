"""A symphony of any size, shaped like the large ones people have: long else-chains, repeated blocks, rankings of groups."""

from __future__ import annotations

import random
from collections.abc import Sequence

from services.strategy.domain.indicators import (
    CUMULATIVE_RETURN,
    MAX_DRAWDOWN,
    MOVING_AVERAGE_RETURN,
    RSI,
    STDEV_RETURN,
)
from services.strategy.domain.language import (
    by,
    close,
    cumulative_return,
    equal,
    group,
    highest,
    inverse_volatility,
    lowest,
    rsi,
    sma,
    specified,
    when,
)
from services.strategy.domain.symphony.clj_writer import write_clj
from services.strategy.domain.symphony.sharing import Shared
from services.strategy.domain.symphony.symphony import Symphony
from services.strategy.domain.tree import Node, Test

_RANKED_BY = (
    *(by(RSI, window) for window in (5, 10, 15, 20, 60)),
    by(MOVING_AVERAGE_RETURN, 20),
    by(CUMULATIVE_RETURN, 5),
    by(STDEV_RETURN, 10),
    by(MAX_DRAWDOWN, 10),
)


class _Generator:
    def __init__(self, symbols: Sequence[str], seed: int) -> None:
        self._random = random.Random(seed)
        self._symbols = symbols
        self._blocks: list[Node] = [self._ranking() for _ in range(60)]
        self._blocks += [self._composite() for _ in range(1500)]

    def symphony(self, chains: int, length: int) -> Symphony:
        """Pairs of else-chains, each `length` deep, of which the stronger one is held; the pairs side by side."""
        pairs = (highest(1, by(RSI, 10), self._chain(length), self._chain(length)) for _ in range(chains))
        return Symphony("generated", equal(*pairs))

    def _chain(self, length: int) -> Node:
        tree = self._random.choice(self._blocks)
        for _ in range(length):
            tree = when(self._test(), then=self._random.choice(self._blocks), otherwise=tree)
        return tree

    def _composite(self) -> Node:
        """Of blocks made before it, so that composites hold composites."""
        parts = self._random.sample(self._blocks, 2)
        match self._random.randrange(6):
            case 0:
                return group(f"block {len(self._blocks)}", when(self._test(), *parts))
            case 1:
                return specified(("0.6", parts[0]), ("0.4", parts[1]))
            case 2:
                return inverse_volatility(10, *parts)
            case 3:
                return highest(1, self._random.choice(_RANKED_BY), *parts)
            case _:
                return when(self._test(), group("overbought", self._ranking()), equal(*self._some(2)))

    def _ranking(self) -> Node:
        pick = self._random.choice((highest, lowest))
        return pick(self._random.choice((1, 1, 2)), self._random.choice(_RANKED_BY), *self._some(4))

    def _test(self) -> Test:
        symbol, other = self._some(2)
        window = self._random.choice((5, 6, 7, 10, 10, 10, 14, 15, 20, 21, 60))
        match self._random.randrange(4):
            case 0:
                return rsi(symbol, window) > self._random.randrange(60, 90)
            case 1:
                return rsi(symbol, window) > rsi(other, window)
            case 2:
                return cumulative_return(symbol, window) < -self._random.randrange(1, 15)
            case _:
                return close(symbol) > sma(symbol, self._random.choice((20, 50, 200)))

    def _some(self, count: int) -> list[str]:
        return self._random.sample(list(self._symbols), count)


def generated_tree(symbols: Sequence[str], chains: int, seed: int = 1, length: int = 280) -> Node:
    """With equal parts shared, as a file that was read."""
    return Shared().tree(_Generator(symbols, seed).symphony(chains, length).tree)


def generated_symphony(symbols: Sequence[str], size: int = 3_300_000, seed: int = 1, length: int = 280) -> str:
    """About `size` characters of the .clj form."""
    chains = 1
    while True:
        text = write_clj(_Generator(symbols, seed).symphony(chains, length))
        if len(text) >= size:
            return text
        chains = max(chains + 1, int(chains * size / len(text)))
