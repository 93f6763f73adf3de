"""python -m tests.chaos.diagram: writes docs/smart-order.md from the table; where each row can lead is what schedules of faults showed."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from pathlib import Path

from services.execution.domain import smart_order
from services.execution.domain.ladder import Policy
from services.execution.domain.order_events import Event
from services.execution.domain.order_state import Phase, SmartOrder
from services.execution.domain.order_step import Step
from tests.chaos.machine import run_seed

PAGE = Path(__file__).resolve().parents[2] / "docs" / "smart-order.md"
_SEEDS = 400
_HEAD = """# The smart order

Written by `python -m tests.chaos.diagram` from `services/execution/domain/smart_order.py`; a test keeps it in step with the table.
An event that has no row in a phase raises and changes nothing. Where a row leads was seen in {seeds} seeded schedules of faults.
"""

Edges = dict[tuple[Phase, str], set[Phase]]


def page() -> str:
    """The whole document: the diagram of what moves an order on, then every row of the table."""
    edges = _seen()
    return "\n".join([_HEAD.format(seeds=_SEEDS), *_diagram(edges), "", *_rows(edges), ""])


def _seen() -> Edges:
    edges: Edges = defaultdict(set)

    def watched(order: SmartOrder, event: Event, now: dt.datetime, policy: Policy) -> Step:
        step = smart_order.step(order, event, now, policy)
        edges[order.phase, type(event).__name__].add(step.order.phase)
        return step

    for seed in range(_SEEDS):
        run_seed(seed, watched)
    return edges


def _diagram(edges: Edges) -> list[str]:
    moves: dict[tuple[Phase, Phase], list[str]] = defaultdict(list)
    for phase, event in _table():
        for target in edges.get((phase, event), set()) - {phase}:
            moves[phase, target].append(event)
    order = list(Phase)
    lines = [
        f"    {start.name} --> {end.name}: {', '.join(events)}"
        for (start, end), events in sorted(moves.items(), key=lambda m: (order.index(m[0][0]), order.index(m[0][1])))
    ]
    return ["```mermaid", "stateDiagram-v2", "    [*] --> READY", *lines, "    DONE --> [*]", "```"]


def _rows(edges: Edges) -> list[str]:
    rows = ["| phase | event | rule | leads to |", "|---|---|---|---|"]
    for phase, event in _table():
        targets = edges.get((phase, event), set())
        shown = ", ".join(target.name for target in Phase if target in targets) or "not seen"
        rows.append(f"| {phase.name} | {event} | `{_table()[phase, event]}` | {shown} |")
    return rows


def _table() -> dict[tuple[Phase, str], str]:
    return {(p, event.__name__): rule.__name__.strip("_") for (p, event), rule in smart_order.TABLE.items()}


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
