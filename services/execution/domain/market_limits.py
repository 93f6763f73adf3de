"""Limits that ask the market: is the quote fit to trade on, is the price near it and near the last close, is there volume."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from services.execution.domain.proposal import Bounds, Proposal
from services.execution.domain.reference import Reference
from shared.contracts.marketdata import Quote
from shared.sessions import new_york_date

_CENT: Final = Decimal("0.01")


def quote(proposal: Proposal, _bounds: Bounds) -> str | None:
    found = proposal.quote
    if found is None:
        return "there is no quote"
    return None if found.is_two_sided else f"no two-sided quote: bid {found.bid}, ask {found.ask}"


def stale_quote(proposal: Proposal, bounds: Bounds) -> str | None:
    age = _quote_of(proposal).age(proposal.now).total_seconds()
    if age > bounds.max_quote_age_seconds:
        return f"the quote is {age:.1f} s old; at most {bounds.max_quote_age_seconds:g} s"
    if age < -bounds.clock_tolerance_seconds:
        return f"the quote is {-age:.1f} s in the future; at most {bounds.clock_tolerance_seconds:g} s"
    return None


def spread(proposal: Proposal, bounds: Bounds) -> str | None:
    found = _quote_of(proposal)
    allowed = widest_spread(found, bounds)
    if found.spread <= allowed:
        return None
    return f"the spread is ${found.spread} ({found.spread_bps:.1f} bps); at most ${allowed:.4f}"


def widest_spread(found: Quote, bounds: Bounds) -> Decimal:
    """The most dollars between bid and ask at which this symbol is traded."""
    return max(found.mid * bounds.max_spread_bps / 10_000, bounds.spread_floor)


def beyond_quote(proposal: Proposal, bounds: Bounds) -> str | None:
    """A price on the near side harms nobody; one beyond the far side may be a slip."""
    found, price = _quote_of(proposal), proposal.price
    far = found.ask if proposal.side == "buy" else found.bid
    if far is None:
        raise ValueError("the quote has one side only")
    beyond = price - far if proposal.side == "buy" else far - price
    if beyond <= max(far * bounds.max_beyond_quote_bps / 10_000, _CENT):
        return None
    return f"${price} is ${beyond} beyond the quote's ${far}; at most {bounds.max_beyond_quote_bps} bps"


def last_close(proposal: Proposal, bounds: Bounds) -> str | None:
    if bounds.max_close_move is None:
        return None
    known = _reference_of(proposal)
    age = (new_york_date(proposal.now) - known.session).days
    if not 0 <= age <= bounds.max_close_age_days:
        return f"the last close is of {known.session}, {age} days ago; at most {bounds.max_close_age_days}"
    allowed = max(bounds.max_close_move, bounds.close_move_multiple * known.typical_move)
    move = proposal.price / known.close - 1
    if abs(move) <= allowed:
        return None
    return f"${proposal.price} is {move:+.1%} from the last close of ${known.close}; at most {allowed:.1%}"


def average_volume(proposal: Proposal, bounds: Bounds) -> str | None:
    if bounds.max_volume_share is None:
        return None
    usual = _reference_of(proposal).average_volume
    if proposal.qty <= usual * bounds.max_volume_share:
        return None
    return f"{proposal.qty} shares of usually {usual:.0f} a day; at most {bounds.max_volume_share:.1%}"


def volume_room(proposal: Proposal, bounds: Bounds) -> Decimal:
    return _reference_of(proposal).average_volume * (bounds.max_volume_share or Decimal(0))


def _quote_of(proposal: Proposal) -> Quote:
    if proposal.quote is None:
        raise ValueError("there is no quote")
    return proposal.quote


def _reference_of(proposal: Proposal) -> Reference:
    if proposal.reference is None:
        raise ValueError(f"there is no daily history of {proposal.symbol}")
    return proposal.reference
