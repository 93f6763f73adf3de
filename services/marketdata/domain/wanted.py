"""Whose symbols are to be served: the union of what every subscriber wants."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# As shared.contracts.base.Symbol; a list written by a stranger must not reach a URL unread.
_SYMBOL = re.compile(r"[A-Z][A-Z0-9]*([./][A-Z0-9]+)?")
_LONGEST = 16


def union_of(lists: Mapping[str, str], always: Iterable[str] = ()) -> tuple[frozenset[str], dict[str, str]]:
    """All wanted symbols; and, by subscriber, what was wrong with its list. The good symbols of a bad list count."""
    wanted, faults = set(always), {}
    for subscriber, text in lists.items():
        symbols, fault = _symbols_in(text)
        wanted |= symbols
        if fault:
            faults[subscriber] = fault
    return frozenset(wanted), faults


def _symbols_in(text: str) -> tuple[set[str], str]:
    try:
        found = json.loads(text)
    except ValueError:
        return set(), f"expected a JSON list of symbols, got {text[:60]!r}"
    if not isinstance(found, list):
        return set(), f"expected a JSON list of symbols, got {text[:60]!r}"
    bad = not_symbols(found)
    good = {name for name in found if isinstance(name, str) and name not in bad}
    return good, f"expected symbols like SPY or BRK.B, got {str(bad[:3])[:80]}" if bad else ""


def not_symbols(names: Sequence[Any]) -> list[Any]:
    """Those that are no ticker as Alpaca writes it."""
    return [n for n in names if not (isinstance(n, str) and len(n) <= _LONGEST and _SYMBOL.fullmatch(n))]
