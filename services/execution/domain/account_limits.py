"""Limits over the whole account: what was traded today, how many orders are open, what the cash still pays for."""

from __future__ import annotations

from decimal import Decimal

from services.execution.domain.losses import EquityRecord, is_another_day
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


def equity_reading(proposal: Proposal, bounds: Bounds) -> str | None:
    """Whether the losses can be told at all."""
    if bounds.max_daily_loss is None and bounds.max_drawdown is None:
        return None
    worth = _worth_of(proposal)
    age = (proposal.now - worth.at).total_seconds()
    if age > bounds.max_equity_age_seconds or is_another_day(worth, proposal.now):
        return f"the equity was read {age:.0f} s ago; at most {bounds.max_equity_age_seconds:g} s, and today"
    if bounds.max_daily_loss is not None and worth.daily_loss.is_nan():
        return "what the account was worth when the session before ended is not known"
    return f"the drawdown of ${worth.equity} is not known" if worth.drawdown.is_nan() else None


def daily_loss(proposal: Proposal, bounds: Bounds) -> str | None:
    if bounds.max_daily_loss is None:
        return None
    worth = _worth_of(proposal)
    return _too_much(proposal, bounds, worth.daily_loss, bounds.max_daily_loss, f"of ${worth.day_base} are lost today")


def drawdown(proposal: Proposal, bounds: Bounds) -> str | None:
    if bounds.max_drawdown is None:
        return None
    worth = _worth_of(proposal)
    return _too_much(proposal, bounds, worth.drawdown, bounds.max_drawdown, f"of ${worth.high_water} are lost")


def _too_much(proposal: Proposal, bounds: Bounds, lost: Decimal, most: Decimal, what: str) -> str | None:
    may_reduce = proposal.side == "sell" and bounds.sells_go_on
    return None if lost <= most or may_reduce else f"{lost:.2%} {what}; at most {most:.2%}"


def _worth_of(proposal: Proposal) -> EquityRecord:
    if proposal.worth is None:
        raise ValueError("the equity has not been read yet")
    return proposal.worth
