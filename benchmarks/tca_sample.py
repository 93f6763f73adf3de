"""The picture of `alchemiser tca` in the documentation: our default on recorded quotes, a few dozen seeded orders.

python -m benchmarks.tca_sample --data ../shared/data/lean --out docs/images/tca.svg
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Final

from benchmarks.shortfall import HORIZON_SECONDS, workers
from benchmarks.shortfall_desk import Desk, Ours
from benchmarks.shortfall_replay import Parent, Rules
from benchmarks.shortfall_report import DEFAULT
from benchmarks.shortfall_tape import Recording, Tape, load
from benchmarks.shortfall_venue import Side
from cli.drawing import save
from cli.tca_picture import picture
from services.execution.domain import cost_watch, costs
from services.execution.domain.order_state import Phase, SmartOrder
from shared.contracts.execution import OrderCostsMeasured, OrderFilled, OrderPartlyFilled
from shared.contracts.marketdata import Quote

_RECORDINGS: Final = (
    Recording("SPY", dt.date(2013, 10, 7), "second"),
    Recording("IBM", dt.date(2013, 10, 7), "second"),
)
_SIDES: Final[tuple[Side, ...]] = ("buy", "sell")
_ORDERS: Final = 5
"""Per recording and side."""
_SIZES: Final = (100, 200, 500, 900)
_DECIDED_BEFORE: Final = 20
_LATER: Final = 60
_HORIZON: Final = HORIZON_SECONDS[1]


def measured(tape: Tape, parent: Parent, worker: Ours, name: str) -> OrderCostsMeasured:
    """The order as the desk would have left it, decided `_DECIDED_BEFORE` seconds before it arrived."""
    desk = worker.desk(tape, parent, Rules(_HORIZON, latency=0, counts_undecided=False))
    desk.worked()
    decided = Decimal(tape.double_mid(parent.arrival - _DECIDED_BEFORE)) / 20_000
    order = replace(_over(desk), order_id=name, symbol=tape.symbol, decision_price=decided, decision_source="strategy")
    watch = cost_watch.over(cost_watch.begun(order))
    for fact in desk.told:
        if isinstance(fact, OrderPartlyFilled | OrderFilled):
            watch = cost_watch.with_fill(watch, fact)
    far_later = tape.at(len(tape))
    watch = cost_watch.looked(watch, lambda _symbol, at: _stood(tape, at), far_later, _LATER)
    return costs.measured(order, watch.fills, far_later, _LATER)


def _over(desk: Desk) -> SmartOrder:
    order, end = desk.order, desk.parent.arrival + _HORIZON
    if order.phase is Phase.DONE:
        return order if not order.missed else replace(order, ended=desk.tape.quote(desk.now))
    ending = "partly filled" if order.filled else "unfilled"
    return replace(order, phase=Phase.DONE, ending=ending, ended_at=desk.tape.at(end), ended=desk.tape.quote(end))


def _stood(tape: Tape, at: dt.datetime) -> Quote:
    return tape.quote(int((at - tape.begin).total_seconds()) // tape.bar_seconds)


def sample(folder: Path, seed: int) -> Iterator[OrderCostsMeasured]:
    worker = workers()[DEFAULT]
    if not isinstance(worker, Ours):
        raise TypeError(f"{DEFAULT}: expected the desk's own table, got {worker}")
    for recording in _RECORDINGS:
        tape, draw = load(folder, recording), random.Random(f"{recording.name} {seed}")
        for number in range(_ORDERS * len(_SIDES)):
            arrival = draw.randrange(600, len(tape) - 600)
            parent = Parent(_SIDES[number % 2], draw.choice(_SIZES), arrival)
            yield measured(tape, parent, worker, f"{recording.symbol}-{number}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the LEAN layout of shared/data/lean")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="an .svg, .html or .png")
    parser.add_argument("--seed", type=int, default=3)
    given = parser.parse_args()
    orders = sorted(sample(given.data, given.seed), key=lambda order: order.arrived_at)
    save(picture(orders, "order", 40), given.out)


if __name__ == "__main__":
    main()
