"""What every tool's script shares: the closes, the two tasks' numbers, one way to time, one way to answer. Runs in the
tool's own environment, which has pandas and nothing of ours."""

# ruff: noqa: ANN001 - scripts for another environment, written as a user of that tool would

import json
import sys
import time

import pandas as pd

SYMBOLS_A = ["SPY", "QQQ", "TLT", "IEF", "XLK", "XLF", "VTV", "IOO", "VOX", "BSV"]
SYMBOLS_B = ["SPY", "TQQQ", "BIL"]
CASH = 100_000.0
WINDOW, LEVEL = 10, 70


def closes() -> pd.DataFrame:
    return pd.read_csv(sys.argv[1], index_col=0, parse_dates=True)


def first_sessions(index: pd.DatetimeIndex) -> pd.Series:
    month = pd.Series(index.year * 12 + index.month, index=index)
    return month != month.shift(1)


def wilder_rsi(close: pd.Series) -> pd.Series:
    """Seeded with the mean of the first ten changes, then alpha = 1/10: for the tools that have no such RSI."""
    change = close.diff()

    def smoothed(part: pd.Series) -> pd.Series:
        seeded = part.copy()
        seeded.iloc[WINDOW] = part.iloc[1 : WINDOW + 1].mean()
        return seeded.iloc[WINDOW:].ewm(alpha=1 / WINDOW, adjust=False).mean().reindex(part.index)

    gain, loss = smoothed(change.clip(lower=0)), smoothed(-change.clip(upper=0))
    return 100 * gain / (gain + loss)


def weights_b(frame: pd.DataFrame) -> pd.DataFrame:
    """TQQQ while RSI10(SPY) < 70, else BIL; nothing before both the RSI and the one chosen are known."""
    rsi = wilder_rsi(frame["SPY"])
    calm = (rsi < LEVEL) & frame["TQQQ"].notna()
    hot = rsi >= LEVEL
    weights = pd.DataFrame({"TQQQ": calm.astype(float), "BIL": hot.astype(float)}, index=frame.index)
    undecided = ~(calm | hot)
    weights[undecided] = float("nan")
    return weights.ffill().fillna(0.0)


def report(tasks, repeat: int, version: str) -> None:
    """`tasks`: name -> (function that gives the equity, what is different); the first run of each is not counted."""
    answer = {"version": version, "tasks": {}}
    for name, (run, differs) in tasks.items():
        started = time.perf_counter()
        equity = run()
        first = time.perf_counter() - started
        times = []
        for _ in range(repeat):
            started = time.perf_counter()
            run()
            times.append(time.perf_counter() - started)
        answer["tasks"][name] = {
            "first": first,
            "times": times,
            "differs": differs,
            "equity": {str(day)[:10]: float(value) for day, value in equity.items()},
        }
    json.dump(answer, sys.stdout)
