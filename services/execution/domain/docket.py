"""Judges the trades of one plan in the order in which they would be sent, each as if all before it had been filled."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from services.execution.domain.limits import LIMITS, Bounds, Limit, Proposal, objection
from services.execution.domain.situation import Situation
from shared.contracts.base import Side
from shared.contracts.execution import Refusal, Trade

_FUNDS = tuple(limit for limit in LIMITS if limit.name == "buying power")
_ALL_BUT_FUNDS = tuple(limit for limit in LIMITS if limit.name != "buying power")


class Docket:
    """Sells and buys are sent one after the other: only those of one side are open together."""

    def __init__(self, situation: Situation, equity: Decimal, bounds: Bounds) -> None:
        self._situation = situation
        self._equity = equity
        self._bounds = bounds
        self._traded = situation.standing.traded
        self._open: dict[Side, int] = dict.fromkeys(("buy", "sell"), situation.standing.open_orders)
        self.refusals: list[Refusal] = []

    def let_through(self, trades: Sequence[Trade]) -> tuple[Trade, ...]:
        """Those that every limit lets pass but the one on funds: buys may be shrunk to these first."""
        passed = []
        for trade in trades:
            if self._passes(trade, Decimal(0), _ALL_BUT_FUNDS):
                self._traded += trade.notional
                self._open[trade.side] += 1
                passed.append(trade)
        return tuple(passed)

    def paid_for(self, buys: Sequence[Trade], funds: Decimal) -> tuple[Trade, ...]:
        """Those that the money pays for."""
        passed = []
        for buy in buys:
            if self._passes(buy, funds, _FUNDS):
                funds -= buy.qty * buy.price
                passed.append(buy)
        return tuple(passed)

    def _passes(self, trade: Trade, funds: Decimal, limits: tuple[Limit, ...]) -> bool:
        found = objection(self._proposal(trade, funds), self._bounds, limits)
        if found is not None:
            self.refusals.append(refusal(trade.symbol, trade.side, found.limit, found.detail, trade.notional))
        return found is None

    def _proposal(self, trade: Trade, funds: Decimal) -> Proposal:
        situation = self._situation
        return Proposal(
            symbol=trade.symbol,
            side=trade.side,
            qty=trade.qty,
            price=trade.price,
            held_qty=trade.held_qty,
            equity=self._equity,
            quote=situation.quotes.get(trade.symbol),
            asset=situation.assets.get(trade.symbol),
            trading=situation.trading,
            now=situation.now,
            reference=situation.references.get(trade.symbol),
            traded=self._traded,
            open_orders=self._open[trade.side],
            worth=situation.worth,
            funds=funds,
            obstacle=situation.obstacle,
            foreign_orders=situation.foreign_orders.get(trade.symbol, ()),
        )


def refusal(symbol: str, side: Side, limit: str, detail: str, notional: Decimal | None = None) -> Refusal:
    return Refusal(symbol=symbol, side=side, limit=limit, detail=detail, notional=notional)
