"""What a symphony file says: a tree, when it returns to its weights, and what its parts are called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from services.strategy.domain.rebalance import DAILY, Rebalance
from services.strategy.domain.tree import Node

_LONGEST_NUMBER: Final = 40
_TICKER: Final = re.compile(
    r"(?:(?P<kind>[A-Z]+)::)?(?P<ticker>[A-Z][A-Z0-9]*(?:[./][A-Z0-9]+)?)(?://(?P<currency>[A-Z]+))?"
)


class SymphonyError(ValueError):
    """A text that is no symphony, or one that means something we do not do. `place` is line and column, or a JSON path."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(f"{place}: {message}")
        self.place = place
        self.message = message


@dataclass(frozen=True, slots=True)
class Symphony:
    """`asset_names` are for people: symbol -> what the file calls it."""

    name: str
    tree: Node
    rebalance: Rebalance = DAILY
    description: str = ""
    asset_names: Mapping[str, str] = field(default_factory=dict)


def symbol_of(written: str) -> str:
    """BIL for BIL and EQUITIES::BIL//USD; BRK.B, as Alpaca writes it, for BRK/B. Raises ValueError for what is no US equity."""
    found = _TICKER.fullmatch(written)
    if found is None or found["kind"] not in (None, "EQUITIES") or found["currency"] not in (None, "USD"):
        raise ValueError(f"expected a US ticker such as SPY, BRK/B or EQUITIES::BIL//USD, got {written!r}")
    return found["ticker"].replace("/", ".")


def decimal_of(text: str) -> Decimal:
    """Raises ValueError for a number that no threshold or weight can be: its digits alone could fill the memory."""
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(f"expected a number of at most {_LONGEST_NUMBER} characters, got {text[:20]}...")
    value = Decimal(text)
    if abs(value.adjusted()) > _LONGEST_NUMBER:
        raise ValueError(f"expected a number of ordinary size, got {text}")
    return value


def written_symbol(symbol: str) -> str:
    """As symphonies write it: BRK/B."""
    return symbol.replace(".", "/")
