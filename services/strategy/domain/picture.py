"""A tree as a flow chart in SVG: yes goes right, no goes down, and the path taken on a day is lit. Knows no file.

Every box has a row of its own or shares its parent's; what was drawn once is afterwards only referred to, unless it is lit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import Final, NamedTuple

from services.strategy.domain.columns import Columns
from services.strategy.domain.day import turn_of
from services.strategy.domain.survey import children_of, nodes_of
from services.strategy.domain.tree import Asset, Cash, Equal, Group, If, InverseVolatility, Node, Select, Specified
from services.strategy.domain.undefined import UndefinedDecision
from shared.contracts.strategy import Step

MOST_ROWS: Final = 6000

_ROW, _BOX, _GAP, _MARGIN, _HEAD = 34, 22, 46, 20, 66
_CHARACTER: Final = 6.7
_PADDING: Final = 9
_LONGEST_LABEL: Final = 110
_WORTH_A_REFERENCE: Final = 6
_STYLE: Final = """
text{font:11px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#495057}
.t{font-size:17px;font-weight:600;fill:#212529}.s{fill:#868e96}.e{font-size:9.5px;fill:#868e96}
rect{fill:#fff;stroke:#ced4da}path{fill:none;stroke:#ced4da}
.asset rect{fill:#f1f3f5}.group rect{fill:#e7f5ff;stroke:#a5d8ff}.ref rect{stroke-dasharray:3 3}
.lit rect{fill:#fff3bf;stroke:#e67700;stroke-width:1.6}.lit text{fill:#212529;font-weight:600}
.asset.lit rect{fill:#2b8a3e;stroke:#2b8a3e}.asset.lit text{fill:#fff}
.bad rect{fill:#ffe3e3;stroke:#c92a2a}
path.lit{stroke:#e67700;stroke-width:2.2}text.lit{fill:#d9480f;font-weight:600}
"""


class PictureTooLargeError(ValueError):
    """More rows than anybody looks at, or a browser draws."""


@dataclass(frozen=True, eq=False, slots=True)
class _Visit:
    """One appearance of a node: where it hangs, what the line to it says, and its share of the portfolio (None: not taken)."""

    node: Node
    x: float
    parent: _Box | None = None
    in_row: bool = True
    below: bool = False
    edge: str = ""
    share: float | None = None


@dataclass(frozen=True, eq=False, slots=True)
class _Box:
    x: float
    row: int
    width: float

    @property
    def middle(self) -> float:
        return _HEAD + self.row * _ROW + _BOX / 2

    @property
    def right(self) -> float:
        return self.x + self.width


class _Look(NamedTuple):
    text: str
    kind: str
    children: tuple[tuple[Node, str, float | None], ...]
    """(child, what the line to it says, its share or None)"""


@dataclass(slots=True)
class _Drawing:
    columns: Columns | None
    row_of_day: int
    folds: bool = False
    """Draw only what was taken; the rest as how many nodes there are."""
    out: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    lit_lines: list[str] = field(default_factory=list)
    """Drawn after the grey ones, whose trunks they share."""
    rows: int = 0
    width: float = 0.0
    drawn: dict[int, int] = field(default_factory=dict)
    held: dict[str, float] = field(default_factory=dict)

    def draw(self, tree: Node) -> None:
        waiting = [_Visit(tree, _MARGIN, share=None if self.columns is None else 1.0)]
        while waiting:
            visit = waiting.pop()
            box, look = self._box(visit)
            onward = [self._onward(visit.node, box, place, child) for place, child in enumerate(look.children)]
            waiting.extend(reversed(onward))

    def _box(self, visit: _Visit) -> tuple[_Box, _Look]:
        if not visit.in_row:
            self.rows += 1
            if self.rows > MOST_ROWS:
                raise PictureTooLargeError(
                    f"expected at most {MOST_ROWS} rows, the tree has more (with closes and a date only the path is drawn)"
                )
        look = self._look(visit)
        label = look.text if len(look.text) <= _LONGEST_LABEL else f"{look.text[:_LONGEST_LABEL]}..."
        box = _Box(visit.x, self.rows, len(label) * _CHARACTER + 2 * _PADDING)
        self.width = max(self.width, box.right)
        lit = " lit" if visit.share is not None else ""
        self._line(visit, box, lit.strip())
        self.out.append(
            f'<g class="{look.kind}{lit}"><rect x="{box.x:.0f}" y="{box.middle - _BOX / 2:.0f}" width="{box.width:.0f}"'
            f' height="{_BOX}" rx="{11 if look.kind == "asset" else 4}"/><text x="{box.x + _PADDING:.0f}"'
            f' y="{box.middle + 4:.0f}">{escape(label)}</text></g>'
        )
        return box, look

    def _line(self, visit: _Visit, box: _Box, lit: str) -> None:
        if visit.parent is None:
            return
        parent, text_at = visit.parent, (box.x - 5, box.middle - 4)
        if visit.below:
            path = f"M{parent.x + 12:.0f} {parent.middle + _BOX / 2:.0f}V{box.middle - _BOX / 2:.0f}"
            text_at = (parent.x + 30, box.middle - _BOX / 2 - 2.5)
        elif visit.in_row:
            path = f"M{parent.right:.0f} {parent.middle:.0f}H{box.x:.0f}"
        else:
            trunk = parent.right + 12
            path = f"M{parent.right:.0f} {parent.middle:.0f}H{trunk:.0f}V{box.middle:.0f}H{box.x:.0f}"
        (self.lit_lines if lit else self.lines).append(f'<path class="{lit}" d="{path}"/>')
        if visit.edge:
            self.out.append(
                f'<text class="e {lit}" text-anchor="end" x="{text_at[0]:.0f}" y="{text_at[1]:.0f}">{escape(visit.edge)}</text>'
            )

    def _onward(self, node: Node, box: _Box, place: int, child: tuple[Node, str, float | None]) -> _Visit:
        target, edge, share = child
        below = isinstance(node, If) and place == 1
        x = box.x if below else box.right + _GAP
        return _Visit(target, x, box, in_row=place == 0, below=below, edge=edge, share=share)

    def _look(self, visit: _Visit) -> _Look:
        node = visit.node
        if isinstance(node, Asset | Cash):
            return _Look(str(node) + self._holding(str(node), visit.share), "asset", ())
        if visit.share is not None and self.columns is not None:
            return self._lit(node, visit.share, self.columns)
        if self.folds:
            return _Look(f"{_title(node)} ... {len(nodes_of(node)):,} nodes", "ref", ())
        if id(node) in self.drawn and len(nodes_of(node)) >= _WORTH_A_REFERENCE:
            return _Look(f"as in row {self.drawn[id(node)] + 1}: {_title(node)}", "ref", ())
        self.drawn.setdefault(id(node), self.rows)
        return _Look(_title(node), _kind(node), tuple(_plain(node)))

    def _holding(self, symbol: str, share: float | None) -> str:
        if share is None:
            return ""
        self.held[symbol] = self.held.get(symbol, 0.0) + share
        return f" {_percent(share)}"

    def _lit(self, node: Node, share: float, columns: Columns) -> _Look:
        self.drawn.setdefault(id(node), self.rows)
        try:
            turn = turn_of(node, columns, self.row_of_day)
        except UndefinedDecision as undefined:
            return _Look(f"{_title(node)}: undefined: {undefined.reason}", "bad", tuple(_plain(node)))
        shares: dict[int, float] = {}
        for child, part in turn.shares:
            shares[id(child)] = shares.get(id(child), 0.0) + part * share
        children = [self._lit_child(child, edge, shares) for child, edge, _ in _plain(node)]
        return _Look(
            _title(node) + _numbers(node, turn.steps), _kind(node), tuple(_with_values(node, children, turn.steps))
        )

    def _lit_child(self, child: Node, edge: str, shares: dict[int, float]) -> tuple[Node, str, float | None]:
        if id(child) in shares:
            return child, edge, shares[id(child)]
        if isinstance(child, Select):  # inside an inverse volatility its picks stand in its place
            inside = [shares[key] for key in dict.fromkeys(map(id, child.candidates)) if key in shares]
            return child, edge, sum(inside) if inside else None
        return child, edge, None


def picture(tree: Node, title: str, columns: Columns | None = None, row: int | None = None) -> str:
    """SVG that stands alone. With `columns` the path of that row's day is lit, and drawn alone where all would be too much.

    Raises PictureTooLargeError.
    """
    day = columns.closes.last if columns is not None and row is None else row or 0
    drawing = _Drawing(columns, day)
    try:
        drawing.draw(tree)
    except PictureTooLargeError:
        if columns is None:
            raise
        drawing = _Drawing(columns, day, folds=True)
        drawing.draw(tree)
    told = ""
    if columns is not None:
        held = ", ".join(f"{symbol} {_percent(share)}" for symbol, share in drawing.held.items()) or "undefined"
        told = f"on the closes of {columns.closes.sessions[drawing.row_of_day]}: {held}"
    width = max(drawing.width, 10.5 * len(title), _CHARACTER * len(told)) + 2 * _MARGIN
    height = _HEAD + (drawing.rows + 1) * _ROW + _MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}"'
        f' height="{height:.0f}"><style>{_STYLE}</style><rect width="100%" height="100%" style="fill:#fff;stroke:none"/>'
        f'<text class="t" x="{_MARGIN}" y="30">{escape(title)}</text>'
        f'<text class="s" x="{_MARGIN}" y="48">{escape(told)}</text>'
        f"{''.join(drawing.lines + drawing.lit_lines + drawing.out)}</svg>\n"
    )


def _plain(node: Node) -> list[tuple[Node, str, float | None]]:
    if isinstance(node, If):
        return [(node.then, "yes", None), (node.otherwise, "no", None)]
    if isinstance(node, Specified):
        return [(child, _percent(float(share)), None) for share, child in node.parts]
    return [(child, "", None) for child in children_of(node)]


def _with_values(
    node: Node, children: list[tuple[Node, str, float | None]], steps: tuple[Step, ...]
) -> list[tuple[Node, str, float | None]]:
    """A ranking's and a volatility's numbers on the lines to their candidates."""
    readings = steps[-1].readings if steps else ()
    if not isinstance(node, Select | InverseVolatility) or len(readings) != len(children):
        return children
    values = ["?" if r.value is None else f"{float(r.value):.3g}" for r in readings]
    return [(child, value, share) for (child, _, share), value in zip(children, values, strict=True)]


def _numbers(node: Node, steps: tuple[Step, ...]) -> str:
    if not isinstance(node, If) or not steps:
        return ""
    asked = steps[-1]
    values = " and ".join(f"{float(reading.value):.4g}" for reading in asked.readings if reading.value is not None)
    return f" · {values}, {'yes' if asked.holds else 'no'} by {abs(float(asked.margin or 0)):.3g}"


def _title(node: Node) -> str:
    match node:
        case If(test):
            return str(test)
        case Group(name):
            return name or "group"
        case Equal(children):
            return "equal weights" if len(children) > 1 else "all of"
        case Specified():
            return "weights"
        case InverseVolatility(window):
            return f"inverse volatility {window}"
        case _:
            return str(node)


def _kind(node: Node) -> str:
    return "group" if isinstance(node, Group) else "node"


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"
