"""What a rebalance's orders cost, in a few lines: against the decision, against a market order on arrival, and the dearest of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.notifier.domain import figures
from services.notifier.domain.brief import Row, Table, Tone
from shared.contracts.costs import Cost, OrderCosts, Part, total
from shared.contracts.execution import OrderResult

_LINES: Final[tuple[tuple[str, Part], ...]] = (
    ("Shortfall from the decision", "shortfall"),
    ("All at market on arrival", "market_on_arrival"),
    ("Saved against that", "saved"),
)
_PARTS: Final[tuple[tuple[str, Part], ...]] = (
    ("delay", "delay"),
    ("execution", "execution"),
    ("missed", "opportunity"),
)


def cost_section(orders: Sequence[OrderResult]) -> Table | None:
    """None where no order was measured at all: reports older than the measuring have nothing to say."""
    measured = [(order, order.costs) for order in orders if order.costs is not None]
    if not measured:
        return None
    rows = [_line(label, part, [costs for _, costs in measured]) for label, part in _LINES]
    lost = [(costs.shortfall.dollars, order, costs) for order, costs in measured if costs.shortfall is not None]
    if len(lost) > 1:
        _, order, costs = max(lost, key=lambda one: one[0])
        rows.append(_dearest(order, costs))
    return Table("What it cost", ("Measure", "bps", "Dollars"), tuple(rows))


def _line(label: str, part: Part, costs: Sequence[OrderCosts]) -> Row:
    cost, known, unknown = total(costs, part)
    note = f"of {known} of {figures.count(known + unknown, 'order')}" if unknown and known else ""
    return Row((label, *_figures(cost)), note=note, tone=_tone(cost) if part == "saved" else "neutral")


def _tone(saved: Cost | None) -> Tone:
    return "neutral" if saved is None else "good" if saved.dollars >= 0 else "warning"


def _dearest(order: OrderResult, costs: OrderCosts) -> Row:
    parts = [(name, getattr(costs, part)) for name, part in _PARTS]
    note = ", ".join(f"{name} {figures.dollars(cost.dollars)}" for name, cost in parts if cost is not None)
    return Row((f"Dearest: {order.side.upper()} {order.symbol}", *_figures(costs.shortfall)), note=note)


def _figures(cost: Cost | None) -> tuple[str, str]:
    return ("not known", "-") if cost is None else (f"{cost.bps:+.2f}", figures.dollars(cost.dollars))
