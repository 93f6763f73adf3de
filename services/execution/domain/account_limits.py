"""Limits over the whole account: what was traded today, how many orders are open, what the cash still pays for."""

from __future__ import annotations

from decimal import Decimal

from services.execution.domain.proposal import Bounds, Proposal


def open_orders(proposal: Proposal, bounds: Bounds) -> str | None:
    if proposal.open_orders < bounds.max_open_orders:
        return None
    return f"{proposal.open_orders} orders are open; at most {bounds.max_open_orders}"


def daily_turnover(proposal: Proposal, bounds: Bounds) -> str | None:
    """What is open counts as filled, so that no two orders can pass together what neither may pass alone."""
    if bounds.max_turnover is None:
        return None
    allowed, after = bounds.max_turnover * proposal.equity, proposal.traded + proposal.notional
    if after <= allowed:
        return None
    return f"${after:.2f} would be traded today; at most ${allowed:.2f}, {bounds.max_turnover} times the equity"


def turnover_room(proposal: Proposal, bounds: Bounds) -> Decimal:
    return ((bounds.max_turnover or Decimal(0)) * proposal.equity - proposal.traded) / proposal.price


def buying_power(proposal: Proposal, _bounds: Bounds) -> str | None:
    if not proposal.funds.is_finite():
        return f"the money that is free is {proposal.funds}; expected a number"
    if proposal.side == "sell" or proposal.notional <= proposal.funds:
        return None
    return f"the order costs ${proposal.notional:.2f}; ${proposal.funds:.2f} are free beside what is open"


def funds_room(proposal: Proposal, _bounds: Bounds) -> Decimal:
    return proposal.funds / proposal.price
