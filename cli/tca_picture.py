"""What orders cost, drawn: each against a market order on arrival, the parts of its shortfall, the rungs, and the time it took."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from html import escape
from typing import Final

from cli.svg import GREY, GRID, INK, Axis, across, bar, document, text
from cli.tables import counted, dollars
from cli.tca_groups import By, Group, RungGroup, Spread, group, grouped, rungs, seconds_to_fill
from shared.contracts.costs import Cost, Part
from shared.contracts.execution import OrderCostsMeasured
from shared.sessions import new_york_date

_WIDTH: Final = 1100
_EDGE: Final = 20
_LABELS: Final = 210
"""Where the names of the rows end."""
_MIDDLE: Final = 600
_SAVED: Final = 680
_RIGHT: Final = 730
_ROW: Final = 30
_GOOD: Final = "#1a7f4b"
_BAD: Final = "#c2410c"
_MARKET: Final = "#d5dbe3"
_PARTS: Final[tuple[tuple[Part, str, str], ...]] = (
    ("delay", "delay", "#9aa9bb"),
    ("execution", "execution", "#1f4e79"),
    ("opportunity", "missed", "#e0a939"),
)
_RUNGS: Final = ("#1f4e79", "#3f87b8", "#76b5c5", "#e0a939", "#c2410c", "#7c3f8c", "#4d7c3a", "#8a8f98")
_PLOT: Final = 190
_DOTS: Final = 1_000


def picture(orders: Sequence[OrderCostsMeasured], by: By, count: int) -> str:
    """At most `count` rows, the dearest of them where there are more; the figures above are of everything."""
    is_one_day = len({new_york_date(order.ended_at) for order in orders}) == 1
    everything = grouped(orders, by)
    if by == "order" and is_one_day:
        everything = [replace(one, label=one.label.partition(" ")[2]) for one in everything]
    rows = _dearest(everything, count)
    parts = [*_head(group("total", orders), orders)]
    top = 176.0
    bottom = top + _ROW * len(rows) + 4
    parts += [*_against_market(rows, top, bottom), *_shortfall(rows, top, bottom)]
    if len(rows) < len(everything):
        parts.append(
            text(_EDGE, bottom + 34, f"the {len(rows)} that cost or saved most of {len(everything)}", colour=GREY)
        )
    below = bottom + 84
    found = rungs(orders)
    colours = {one.label: _RUNGS[number % len(_RUNGS)] for number, one in enumerate(found)}
    parts += [*_by_rung(found, colours, below), *_by_time(orders, colours, below)]
    return document(_WIDTH, below + max(_PLOT, _ROW * len(found)) + 50, parts)


def _dearest(groups: list[Group], count: int) -> list[Group]:
    if len(groups) <= count:
        return groups
    weighed = sorted(range(len(groups)), key=lambda number: -_weight(groups[number]))[:count]
    return [groups[number] for number in sorted(weighed)]


def _weight(one: Group) -> Decimal:
    return max((abs(cost.dollars) for part in ("saved", "shortfall") if (cost := one.cost(part))), default=Decimal(0))


def _head(whole: Group, orders: Sequence[OrderCostsMeasured]) -> Iterator[str]:
    days = sorted({new_york_date(order.ended_at) for order in orders})
    when = f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
    yield text(_EDGE, 36, "What orders cost", size=22, bold=True)
    yield text(
        _WIDTH - _EDGE, 36, f"{counted(len(orders), 'order')}, ${whole.wanted:,.0f}, {when}", colour=GREY, anchor="end"
    )
    saved = whole.cost("saved")
    tone = INK if saved is None else _GOOD if saved.dollars >= 0 else _BAD
    tiles = [
        ("shortfall from the decision", *_figures(whole, "shortfall"), INK),
        ("all at market on arrival", *_figures(whole, "market_on_arrival"), INK),
        ("saved against that", *_figures(whole, "saved"), tone),
        ("effective spread", *_spread_figures(whole.effective), INK),
        ("realised spread", *_spread_figures(whole.realised), INK),
    ]
    step = (_WIDTH - 2 * _EDGE) / len(tiles)
    for number, (name, main, below, colour) in enumerate(tiles):
        x = _EDGE + number * step
        yield f'<path d="M{x:.1f} 58V110" stroke="{GRID}" stroke-width="3"/>'
        yield text(x + 12, 68, name, size=12, colour=GREY)
        yield text(x + 12, 92, main, size=20, colour=colour, bold=True)
        yield text(x + 12, 110, below, size=12, colour=GREY)


def _figures(whole: Group, part: Part) -> tuple[str, str]:
    cost, how_many = whole.cost(part), whole.of_how_many(part)
    return ("not known", how_many) if cost is None else (_bps(cost), f"{dollars(cost.dollars)} {how_many}")


def _spread_figures(found: Spread | None) -> tuple[str, str]:
    if found is None:
        return "not known", ""
    return _bps(found.cost), "of all that filled" if found.share == 1 else f"of {found.share:.0%} of what filled"


def _against_market(rows: Sequence[Group], top: float, bottom: float) -> Iterator[str]:
    """The spread as a bar behind, what was paid in its place before it."""
    compared = [one.compared for one in rows]
    values = [value for one in compared for value in (_market(one), _paid(one)) if value is not None]
    axis = Axis.over(values, _LABELS, _MIDDLE)
    legend = [("half the spread: at market", _MARKET), ("paid less", _GOOD), ("paid more", _BAD)]
    yield text(_EDGE, top - 30, "Against all at market on arrival", size=15, bold=True)
    yield from _legend(_EDGE, top - 12, legend)
    yield text(_MIDDLE, top - 12, "bps of what was wanted", size=11, colour=GREY, anchor="end")
    yield text(_SAVED, top - 12, "saved", size=11, colour=GREY, anchor="end")
    yield from across(axis, top, bottom)
    for number, (one, known) in enumerate(zip(rows, compared, strict=True)):
        y = top + _ROW * number
        yield text(_LABELS - 12, y + 15, one.label, anchor="end")
        yield text(_LABELS - 12, y + 27, f"${one.wanted:,.0f}", size=10, colour=GREY, anchor="end")
        yield from _market_row(known, axis, y)


def _market_row(one: Group, axis: Axis, y: float) -> Iterator[str]:
    market, paid, saved = _market(one), _paid(one), one.cost("saved")
    if market is None or paid is None or saved is None:
        yield text(axis.at(0) + 6, y + 18, "not known", size=11, colour=GREY)
        return
    colour = _GOOD if saved.dollars >= 0 else _BAD
    yield bar(axis.at(0), axis.at(market), y + 4, 20, _MARKET, title=f"{one.label}: at market {market:+.2f} bps")
    yield bar(axis.at(0), axis.at(paid), y + 10, 8, colour, title=f"{one.label}: paid {paid:+.2f} bps")
    yield text(_SAVED, y + 18, dollars(saved.dollars), colour=colour, anchor="end")


def _market(one: Group) -> float | None:
    cost = one.cost("market_on_arrival")
    return None if cost is None else float(cost.bps)


def _paid(one: Group) -> float | None:
    """With the rest at the far side at the end: what `saved` is counted with."""
    market, saved = one.cost("market_on_arrival"), one.cost("saved")
    return None if market is None or saved is None else float(market.bps - saved.bps)


def _shortfall(rows: Sequence[Group], top: float, bottom: float) -> Iterator[str]:
    reach = [value for one in rows for value in _reach(one)]
    axis = Axis.over(reach, _RIGHT, _WIDTH - _EDGE)
    yield text(_RIGHT, top - 30, "Shortfall from the decision", size=15, bold=True)
    yield from _legend(_RIGHT, top - 12, [(name, colour) for _, name, colour in _PARTS])
    yield text(_WIDTH - _EDGE, top - 12, "bps; the mark: their sum", size=11, colour=GREY, anchor="end")
    yield from across(axis, top, bottom)
    for number, one in enumerate(rows):
        yield from _shortfall_row(one, axis, top + _ROW * number)


def _shortfall_row(one: Group, axis: Axis, y: float) -> Iterator[str]:
    """Costs to the right of zero, gains to its left, each beginning where the one before ends."""
    ends = {True: 0.0, False: 0.0}
    for part, name, colour in _PARTS:
        cost = one.cost(part)
        if cost is None or not cost.dollars:
            continue
        value = float(cost.bps)
        start, ends[value > 0] = ends[value > 0], ends[value > 0] + value
        title = f"{one.label}: {name} {_bps(cost)}, {dollars(cost.dollars)}"
        yield bar(axis.at(start), axis.at(start + value), y + 7, 14, colour, title=title)
    whole = one.cost("shortfall")
    if whole is None:
        yield text(axis.at(ends[True]) + 6, y + 18, "not wholly known", size=11, colour=GREY)
        return
    x = axis.at(float(whole.bps))
    yield f'<path d="M{x:.1f} {y + 3:.1f}V{y + 25:.1f}" stroke="{INK}" stroke-width="2.5"/>'


def _reach(one: Group) -> tuple[float, float]:
    known = [float(cost.bps) for part, _, _ in _PARTS if (cost := one.cost(part)) is not None]
    return sum(value for value in known if value > 0), sum(value for value in known if value < 0)


def _by_rung(found: Sequence[RungGroup], colours: dict[str, str], top: float) -> Iterator[str]:
    """Each rung's fills against the arrival, both their spreads, and how many dollars they were."""
    yield text(_EDGE, top - 30, "By rung: fills against the midpoint at arrival, in bps", size=15, bold=True)
    for x, name in ((_MIDDLE - 75, "effective"), (_MIDDLE, "realised"), (_SAVED, "dollars")):
        yield text(x, top - 12, name, size=11, colour=GREY, anchor="end")
    axis = Axis.over([float(one.execution.cost.bps) for one in found if one.execution], _LABELS, _MIDDLE - 150)
    yield from across(axis, top, top + max(_PLOT, _ROW * len(found)))
    for number, one in enumerate(found):
        yield from _rung_row(one, colours[one.label], axis, top + _ROW * number)


def _rung_row(one: RungGroup, colour: str, axis: Axis, y: float) -> Iterator[str]:
    when = "" if one.seconds is None else f", after {one.seconds:.1f} s"
    yield text(_LABELS - 12, y + 15, one.label, anchor="end")
    yield text(_LABELS - 12, y + 27, counted(one.fills, "fill") + when, size=10, colour=GREY, anchor="end")
    for x, spread in ((_MIDDLE - 75, one.effective), (_MIDDLE, one.realised)):
        yield text(x, y + 18, "not known" if spread is None else f"{spread.cost.bps:+.2f}", anchor="end")
    yield text(_SAVED, y + 18, f"{one.dollars:,.0f}", anchor="end")
    if one.execution is not None:
        value = float(one.execution.cost.bps)
        yield bar(axis.at(0), axis.at(value), y + 7, 14, colour, title=f"{one.label}: {value:+.2f} bps")


@dataclass(frozen=True, slots=True)
class _Dot:
    """One fill: how long it took, what it cost against the arrival, how large it was."""

    seconds: float
    bps: float
    worth: float
    rung: str
    name: str


def _dots(orders: Sequence[OrderCostsMeasured]) -> Iterator[_Dot]:
    for order in orders:
        for fill in order.fills:
            seconds = seconds_to_fill(order, fill)
            if seconds is not None and fill.execution is not None:
                rung, worth = fill.rung or "unknown", float(fill.qty * fill.price)
                yield _Dot(seconds, float(fill.execution.bps), worth, rung, f"{order.side} {order.symbol}, {rung}")


def _by_time(orders: Sequence[OrderCostsMeasured], colours: dict[str, str], top: float) -> Iterator[str]:
    dots, bottom = sorted(_dots(orders), key=lambda dot: -dot.worth), top + _PLOT
    yield text(_RIGHT, top - 30, "Time to fill", size=15, bold=True)
    yield from _legend(_RIGHT, top - 12, list(colours.items())[:5])
    if not dots:
        yield text(_RIGHT, top + 20, "no fill whose instant is known", colour=GREY)
        return
    x = Axis.over([dot.seconds for dot in dots], _RIGHT + 40, _WIDTH - _EDGE)
    y = Axis.over([dot.bps for dot in dots], bottom, top)
    for tick in y.ticks(5):
        yield f'<path d="M{x.start:.1f} {y.at(tick):.1f}H{x.end}" stroke="{GREY if tick == 0 else GRID}"/>'
        yield text(x.start - 6, y.at(tick) + 4, f"{tick:g}", size=11, colour=GREY, anchor="end")
    for tick in x.ticks():
        yield text(x.at(tick), bottom + 15, f"{tick:g}", size=11, colour=GREY, anchor="middle")
    largest_only = f"the {_DOTS} largest of {len(dots)} fills; " if len(dots) > _DOTS else ""
    says = f"{largest_only}seconds from arrival; upwards: bps against the midpoint then"
    yield text(x.end, bottom + 31, says, size=11, colour=GREY, anchor="end")
    largest = dots[0].worth
    for dot in dots[:_DOTS]:
        radius = 3 + 9 * (dot.worth / largest) ** 0.5
        said = escape(f"{dot.name}: {dot.bps:+.2f} bps after {dot.seconds:.1f} s, ${dot.worth:,.0f}")
        yield (
            f'<circle cx="{x.at(dot.seconds):.1f}" cy="{y.at(dot.bps):.1f}" r="{radius:.1f}" '
            f'fill="{colours[dot.rung]}" fill-opacity=".7" stroke="#fff"><title>{said}</title></circle>'
        )


def _legend(x: float, y: float, entries: Sequence[tuple[str, str]]) -> Iterator[str]:
    for name, colour in entries:
        yield f'<rect x="{x:.1f}" y="{y - 9:.1f}" width="10" height="10" rx="2" fill="{colour}"/>'
        yield text(x + 15, y, name, size=11, colour=GREY)
        x += 27 + 6.2 * len(name)


def _bps(cost: Cost) -> str:
    return f"{cost.bps:+.2f} bps"
