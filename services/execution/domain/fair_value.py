"""What a quote of one exchange alone is worth: a spread that the whole market does not have is narrowed around the last trades.

IEX sees about 2.5 % of the volume; its bid and ask can stand dollars from where everybody trades. An order is routed to the
whole market all the same, so that a limit near the last trades meets it. The result always lies within the quote.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from services.execution.domain import grid
from shared.contracts.marketdata import Bar, Quote

_MINUTE = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Guard:
    """A spread is wide above all three: so many bps, so many dollars, and the range of the last minute's trades."""

    wide_bps: Decimal = Decimal(25)
    floor: Decimal = Decimal("0.03")
    bar_age_seconds: float = 120
    """A minute that ended longer before the quote says nothing about it."""


def narrowed(quote: Quote, bar: Bar | None, guard: Guard) -> Quote:
    """The quote as it is, or around the close of a fresh bar where it is wide. Without one nothing is made up: the limit
    on the spread decides.
    """
    bid, ask = quote.bid, quote.ask
    if bid is None or ask is None or bid > ask or bar is None or not _is_fresh(bar, quote, guard):
        return quote
    usual = max(quote.mid * guard.wide_bps / 10_000, guard.floor, bar.high - bar.low)
    if ask - bid <= usual:
        return quote
    fair = min(max(bar.close, bid), ask)
    inner = {"bid": max(bid, grid.price_down(fair - usual / 2)), "ask": min(ask, grid.price_up(fair + usual / 2))}
    return quote.model_copy(update=inner)


def _is_fresh(bar: Bar, quote: Quote, guard: Guard) -> bool:
    """A bar that ends after the quote is newer than it: still the better witness."""
    return (quote.at - bar.at - _MINUTE).total_seconds() <= guard.bar_age_seconds
