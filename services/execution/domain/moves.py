"""How many prices each order of a rebalance may try: a new price costs a cancel and a new order, and requests are few.

The orders themselves come first. What is left is dealt out one move at a time, the largest orders first, who have most to gain by
waiting; an order without a move begins where the others end. So the number of requests is bounded before the first one is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from shared.contracts.base import Side

REQUESTS_A_MOVE: Final = 2
_BESIDE: Final = 40
_BESIDE_EACH: Final = Decimal("0.4")


def requests_beside(orders: int) -> int:
    """Planning, looking after silent orders, booking their fills, reconciling and reporting take about as many."""
    return _BESIDE + int(orders * _BESIDE_EACH)


def affordable(side: Side, orders: int, others: int, requests: int, used: int = 0) -> int:
    """Moves that a leg's orders may make together. The sells leave the buys their part; `used` is what the sells took.

    `others` are the orders of the plan's other leg.
    """
    left = requests - requests_beside(orders + others) - orders - (others if side == "sell" else used)
    moves = max(0, left) // REQUESTS_A_MOVE
    return moves * orders // (orders + others) if side == "sell" and orders else moves


def dealt(notionals: Sequence[Decimal], moves: int, most: Sequence[int]) -> tuple[int, ...]:
    """Moves of each order, no more than `most` of it has a use for."""
    largest_first = sorted(range(len(notionals)), key=lambda index: -notionals[index])
    found = [0] * len(notionals)
    while moves and (in_need := [index for index in largest_first if found[index] < most[index]]):
        for index in in_need[:moves]:
            found[index] += 1
        moves -= min(moves, len(in_need))
    return tuple(found)
