# ruff: noqa: ANN001, ANN201 - scripts for another environment, written as a user of that tool would

import numpy as np
import vectorbt as vbt
from common import CASH, SYMBOLS_A, closes, first_sessions, report, weights_b

FRAME = closes()


def held(frame, weights):
    portfolio = vbt.Portfolio.from_orders(
        frame,
        size=weights,
        size_type="targetpercent",
        group_by=True,
        cash_sharing=True,
        call_seq="auto",
        init_cash=CASH,
        fees=0.0,
        freq="1D",
    )
    return portfolio.value()


def task_a():
    frame = FRAME[SYMBOLS_A]
    weights = np.full(frame.shape, np.nan)
    weights[first_sessions(frame.index).to_numpy()] = 1 / len(SYMBOLS_A)
    return held(frame, weights)


def task_b():
    weights = weights_b(FRAME)
    changed = (weights != weights.shift(1)).any(axis=1)
    return held(FRAME[["TQQQ", "BIL"]].bfill(), weights.where(changed).to_numpy())


report({"A": (task_a, ""), "B": (task_b, "orders only where the signal changes")}, 20, vbt.__version__)
