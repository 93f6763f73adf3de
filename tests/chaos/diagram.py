"""python -m tests.chaos.diagram: writes docs/smart-order.md from the table; where each row can lead is what schedules of faults showed."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

from services.execution.domain import smart_order
from services.execution.domain.broker import BrokerOrder, RejectKind, Status
from services.execution.domain.ladder import Policy, standard
from services.execution.domain.order_events import Event, Found, Tell
from services.execution.domain.order_rejections import REACTIONS
from services.execution.domain.order_state import Child, Phase, SmartOrder
from services.execution.domain.order_step import Step
from shared.contracts.alerts import AlertRaised
from tests.chaos.machine import an_order, run_seed
from tests.chaos.unreliable_venue import START

PAGE = Path(__file__).resolve().parents[2] / "docs" / "smart-order.md"
_SEEDS = 400
_HEAD = """# The smart order

Written by `python -m tests.chaos.diagram` from `services/execution/domain/smart_order.py`; a test keeps it in step with the table.
An event that has no row in a phase raises and changes nothing. Where a row leads was seen in {seeds} seeded schedules of faults.
"""

Edges = dict[tuple[Phase, str], set[Phase]]


def page() -> str:
    """The whole document: the diagram of what moves an order on, then every row of the table, every status and every refusal."""
    edges = _seen()
    return "\n".join(
        [_HEAD.format(seeds=_SEEDS), *_diagram(edges), "", *_rows(edges), "", *_statuses(), "", *_refusals(), ""]
    )


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


def _statuses() -> list[str]:
    """What one word makes of an order that rests in the book, unfilled."""
    rows = ["What a working order is after the broker told a status:", "", "| status | then |", "|---|---|"]
    for status in Status:
        filled = Decimal(100) if status is Status.FILLED else Decimal(0)
        step = smart_order.step(*_word(status, filled), standard())
        order = step.order
        then = order.ending or ("parked: it rests as it is" if order.parked_since else order.phase.value)
        rows.append(f"| {status.value} | {then}{'; a person is told' if _alerts(step) else ''} |")
    return [*rows, "", "`replaced` with the name of its successor is followed to that one's end, and a person is told."]


def _refusals() -> list[str]:
    rows = ["What a refusal leads to:", "", "| refusal | rule |", "|---|---|"]
    rules = {kind: REACTIONS[kind].__name__.strip("_") if kind in REACTIONS else "adopted" for kind in RejectKind}
    return rows + [f"| {kind.value} | `{rule}` |" for kind, rule in rules.items()]


def _word(status: Status, filled: Decimal) -> tuple[SmartOrder, Event, dt.datetime]:
    child = Child("c1", "mid", 1, Decimal(100), Decimal(50), START, broker_order_id="b1", status=Status.NEW)
    order = an_order(phase=Phase.WORKING, children=(child,))
    price = Decimal(50) if filled else None
    word = BrokerOrder("b1", "c1", "SPY", "buy", Decimal(100), filled, price, status, Decimal(50), START)
    return order, Found(word), START


def _alerts(step: Step) -> bool:
    return any(isinstance(c, Tell) and isinstance(c.message, AlertRaised) for c in step.commands)


def _table() -> dict[tuple[Phase, str], str]:
    return {(p, event.__name__): rule.__name__.strip("_") for (p, event), rule in smart_order.TABLE.items()}


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
