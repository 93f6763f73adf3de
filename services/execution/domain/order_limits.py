"""Limits that ask whether this order may be sent at all, and how large it may be."""

from __future__ import annotations

from decimal import Decimal

from services.execution.domain.proposal import Bounds, Proposal
from shared.sessions import session_at


def trading_state(proposal: Proposal, _bounds: Bounds) -> str | None:
    if proposal.trading == "ACTIVE" or (proposal.trading == "REDUCING" and proposal.side == "sell"):
        return None
    return f"trading is {proposal.trading}"


def arming(proposal: Proposal, _bounds: Bounds) -> str | None:
    return proposal.obstacle


def session(proposal: Proposal, _bounds: Bounds) -> str | None:
    return None if session_at(proposal.now) else f"the market is closed at {proposal.now.isoformat()}"


def asset(proposal: Proposal, _bounds: Bounds) -> str | None:
    if proposal.asset is None:
        return "the broker does not know the symbol"
    return None if proposal.asset.is_tradable else "the broker does not trade it now"


def denied_symbol(proposal: Proposal, bounds: Bounds) -> str | None:
    return f"{proposal.symbol} is on the deny list" if proposal.symbol in bounds.denied_symbols else None


def allowed_symbol(proposal: Proposal, bounds: Bounds) -> str | None:
    if not bounds.allowed_symbols or proposal.symbol in bounds.allowed_symbols:
        return None
    return f"{proposal.symbol} is not on the allow list"


def foreign_orders(proposal: Proposal, _bounds: Bounds) -> str | None:
    if not proposal.foreign_orders:
        return None
    return f"open orders that are not ours: {', '.join(proposal.foreign_orders)}"


def short_sale(proposal: Proposal, _bounds: Bounds) -> str | None:
    if proposal.held_qty < 0:
        return f"{proposal.held_qty} shares are held short; short positions are left to a person"
    if proposal.side == "sell" and proposal.qty > proposal.held_qty:
        return f"selling {proposal.qty} of {proposal.held_qty} held would be a short sale"
    return None


def order_size(proposal: Proposal, bounds: Bounds) -> str | None:
    if proposal.qty > 0 and proposal.price > 0 and proposal.notional <= bounds.max_order_notional:
        return None
    return f"the order is worth ${proposal.notional:.2f}; more than 0 and at most ${bounds.max_order_notional}"


def size_room(proposal: Proposal, bounds: Bounds) -> Decimal:
    return bounds.max_order_notional / proposal.price


def position_size(proposal: Proposal, bounds: Bounds) -> str | None:
    if not (proposal.equity > 0 and proposal.equity.is_finite()):
        return f"the equity is {proposal.equity}; it must be a positive number"
    if proposal.side == "sell" or proposal.weight_after <= bounds.max_position_weight:
        return None
    return f"the position would be {proposal.weight_after:.4f} of equity; at most {bounds.max_position_weight}"


def position_room(proposal: Proposal, bounds: Bounds) -> Decimal:
    return bounds.max_position_weight * proposal.equity / proposal.price - proposal.held_qty
