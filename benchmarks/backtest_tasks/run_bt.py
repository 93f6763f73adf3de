# ruff: noqa: ANN001, ANN201 - scripts for another environment, written as a user of that tool would

import bt
from common import CASH, SYMBOLS_A, closes, report, weights_b

FRAME = closes()


def backtest(name, algos, frame):
    test = bt.Backtest(
        bt.Strategy(name, algos), frame, initial_capital=CASH, integer_positions=False, progress_bar=False
    )
    test.run()
    return test.strategy.values.iloc[1:]


def task_a():
    monthly = bt.algos.RunMonthly(run_on_first_date=True, run_on_end_of_period=False)
    algos = [monthly, bt.algos.SelectAll(), bt.algos.WeighEqually(), bt.algos.Rebalance()]
    return backtest("A", algos, FRAME[SYMBOLS_A])


def task_b():
    algos = [bt.algos.RunDaily(), bt.algos.WeighTarget(weights_b(FRAME)), bt.algos.Rebalance()]
    return backtest("B", algos, FRAME[["TQQQ", "BIL"]].bfill())


report({"A": (task_a, ""), "B": (task_b, "")}, 3, bt.__version__)
