"""What orders cost, as a table: as many columns as the window holds, the total below it, and what is missing in both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Group as Together
from rich.console import RenderableType
from rich.text import Text

from cli.tables import Marked, bad, console, counted, dollars, good, money, table
from cli.tca_groups import By, Group, RungGroup, Spread, group, grouped, rungs
from shared.contracts.costs import Cost, Part
from shared.contracts.execution import OrderCostsMeasured

_ALL: Final = "total"
_GAP: Final = 2


@dataclass(frozen=True, slots=True)
class _Column:
    """`weight`: the lightest goes first where the window is too narrow; 0 never goes."""

    name: str
    weight: int
    tell: Callable[[Group], Any]


def costs_view(orders: Sequence[OrderCostsMeasured], by: By, count: int = 40, *, waiting: int = 0) -> RenderableType:
    """`count` lines at most, the first of them; the total is of everything."""
    if not orders:
        return Text("no order has been measured yet")
    whole = group(_ALL, orders)
    parts: list[RenderableType] = [_headline(whole)]
    if by == "rung":
        parts.append(table(None, _RUNG_COLUMNS, [_rung_row(one) for one in rungs(orders)]))
    else:
        groups = grouped(orders, by)
        parts += _lines([*groups[:count], whole], by)
        parts += [Text(f"{len(groups) - count} more; the total counts them", "dim")] if len(groups) > count else []
    return Together(*parts, *_remarks(orders, waiting))


def _lines(groups: Sequence[Group], by: By) -> list[RenderableType]:
    columns = [_Column(by, 0, lambda one: one.label), *(_LIFE if by == "order" else ()), *_FIGURES]
    rows = [[column.tell(one) for column in columns] for one in groups]
    kept = _fitting(columns, rows, console().width)
    parts = [table(None, [columns[n].name for n in kept], [[row[n] for n in kept] for row in rows])]
    left_out = [column.name.strip(">") for n, column in enumerate(columns) if n not in kept]
    if left_out:
        parts.append(Text(f"a wider window shows also: {', '.join(left_out)}", "dim"))
    return parts


def _fitting(columns: Sequence[_Column], rows: Sequence[Sequence[Any]], width: int) -> list[int]:
    """The columns to show, in their order."""
    wide = [
        max(len(column.name.strip(">")), *(_length(row[n]) for row in rows)) + _GAP for n, column in enumerate(columns)
    ]
    kept = list(range(len(columns)))
    while sum(wide[n] for n in kept) > width:
        lightest = min((n for n in kept if columns[n].weight), key=lambda n: columns[n].weight, default=None)
        if lightest is None:
            break
        kept.remove(lightest)
    return kept


def _length(cell: Any) -> int:
    if cell is None:
        return 1
    return len(cell.text.partition("]")[2].removesuffix("[/]")) if isinstance(cell, Marked) else len(str(cell))


def _rung(one: Group) -> str:
    """At which rung the order filled last."""
    if one.label == _ALL:
        return ""
    return one.orders[0].fills[-1].rung if one.orders[0].fills else "-"


def _seconds(one: Group) -> str:
    order = one.orders[0]
    return "" if one.label == _ALL else f"{(order.ended_at - order.arrived_at).total_seconds():.1f}"


def _saved(one: Group) -> Marked | None:
    saved = one.cost("saved")
    return None if saved is None else (good if saved.dollars >= 0 else bad)(money(saved.dollars))


def _in_bps(part: Part) -> Callable[[Group], str | None]:
    return lambda one: _bps(one.cost(part))


def _in_dollars(part: Part) -> Callable[[Group], str | None]:
    return lambda one: None if (cost := one.cost(part)) is None else money(cost.dollars)


_LIFE: Final = (_Column("rung", 8, _rung), _Column("seconds>", 3, _seconds))
_FIGURES: Final = (
    _Column("dollars>", 9, lambda one: f"{one.wanted:,.0f}"),
    _Column("filled>", 4, lambda one: "-" if not one.wanted else f"{one.filled / one.wanted * 100:.0f} %"),
    _Column("delay>", 6, _in_bps("delay")),
    _Column("execution>", 10, _in_bps("execution")),
    _Column("missed>", 7, _in_bps("opportunity")),
    _Column("shortfall>", 0, _in_bps("shortfall")),
    _Column("$>", 0, _in_dollars("shortfall")),
    _Column("at market>", 5, _in_bps("market_on_arrival")),
    _Column("saved $>", 0, _saved),
    _Column("effective>", 2, lambda one: _spread(one.effective)),
    _Column("realised>", 2, lambda one: _spread(one.realised)),
    _Column("unknown>", 1, lambda one: one.unknown or ""),
)
_RUNG_COLUMNS: Final = ("rung", "fills>", "dollars>", "seconds>", "execution>", "$>", "effective>", "realised>")
_HEADLINES: Final[tuple[tuple[Part, str], ...]] = (
    ("shortfall", "shortfall"),
    ("market_on_arrival", "all at market on arrival"),
    ("saved", "saved against that"),
)


def _rung_row(one: RungGroup) -> tuple[Any, ...]:
    return (
        one.label,
        one.fills,
        f"{one.dollars:,.0f}",
        None if one.seconds is None else f"{one.seconds:.1f}",
        _spread(one.execution),
        None if one.execution is None else money(one.execution.cost.dollars),
        _spread(one.effective),
        _spread(one.realised),
    )


def _headline(whole: Group) -> RenderableType:
    """In a sentence, what a person wants to know first."""
    said = [f"{name} {_both(whole, part)}" for part, name in _HEADLINES]
    return Text.assemble((f"{counted(len(whole.orders), 'order')}, {dollars(whole.wanted)}: ", "bold"), "; ".join(said))


def _remarks(orders: Sequence[OrderCostsMeasured], waiting: int) -> list[RenderableType]:
    """What the figures are in, what is missing, and what that does to them."""
    told = ["basis points where it does not say $; docs/tca.md says of what"]
    missing = Counter(reason.partition(":")[0] for order in orders for reason in order.costs.unknown)
    told += [f"{part}: not wholly known of {counted(number, 'order')}" for part, number in missing.items()]
    if any(order.costs.realised_qty < order.costs.filled_qty for order in orders):
        told.append("*: of the fills whose quotes are known")
    planned = sum(order.costs.decision_source == "plan" for order in orders)
    if planned:
        told.append(f"{counted(planned, 'order')} measured from the plan: no strategy told a price to decide with")
    if waiting:
        told.append(f"{counted(waiting, 'order')} so far without the quote after the last fill: it is still to come")
    thin = sum(bool(order.costs.beyond_displayed) for order in orders)
    if thin:
        told.append(
            f"{counted(thin, 'order')} for more than was displayed: at market they would have cost more than is said"
        )
    return [Text(line, "dim") for line in told]


def _both(whole: Group, part: Part) -> str:
    cost, how_many = whole.cost(part), whole.of_how_many(part)
    if cost is None:
        return "not known"
    return f"{cost.bps:+.2f} bps ({dollars(cost.dollars)}{', ' + how_many if how_many else ''})"


def _bps(cost: Cost | None) -> str | None:
    return None if cost is None else f"{cost.bps:+.2f}"


def _spread(found: Spread | None) -> str | None:
    """With a mark where it is not of all that was filled."""
    return None if found is None else f"{found.cost.bps:+.2f}{'' if found.share == 1 else '*'}"
