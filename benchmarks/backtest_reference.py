"""Our statistics beside empyrical-reloaded's, which is installed into an environment of its own for the comparison only.

.venv/bin/python benchmarks/backtest_reference.py [--venv DIR]      ends with 1 where two differ by more than 1e-9
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import numpy as np

from backtest import statistics

TOLERANCE = 1e-9
REFERENCE = """
import json, sys, numpy as np, pandas as pd, empyrical as e
given = json.load(sys.stdin)
def figures(values, market):
    r, m = pd.Series(values), pd.Series(market)
    alpha, beta = e.alpha_beta(r, m)
    return {"total_return": e.cum_returns_final(r), "cagr": e.cagr(r), "volatility": e.annual_volatility(r),
            "sharpe": e.sharpe_ratio(r), "sortino": e.sortino_ratio(r), "max_drawdown": e.max_drawdown(r),
            "calmar": e.calmar_ratio(r), "downside_risk": e.downside_risk(r), "alpha": alpha, "beta": beta,
            "rolling_sharpe": float(e.roll_sharpe_ratio(r, window=63).iloc[-1])}
json.dump([{k: float(v) for k, v in figures(r, given["market"][:len(r)]).items()} for r in given["returns"]], sys.stdout)
"""


def ours(returns: np.ndarray, market: np.ndarray) -> dict[str, float]:
    return {
        **statistics.of_returns(returns),
        "alpha": statistics.alpha(returns, market),
        "beta": statistics.beta(returns, market),
        "rolling_sharpe": float(statistics.rolling_sharpe(returns, 63)[-1]),
    }


def python_with_reference(folder: Path) -> Path:
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "empyrical-reloaded"], check=True)
    return python


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venv", type=Path, default=Path(tempfile.gettempdir()) / "alchemiser-empyrical")
    python = python_with_reference(parser.parse_args().venv)
    rng = np.random.default_rng(1)
    market = rng.normal(0.0004, 0.01, 5000)
    curves = [rng.normal(mean, deviation, size) for mean, deviation, size in
              [(0.0005, 0.01, 5000), (-0.001, 0.03, 2500), (0.002, 0.04, 252), (0.0, 0.001, 100)]]  # fmt: skip
    given = json.dumps({"market": market.tolist(), "returns": [curve.tolist() for curve in curves]})
    answer = subprocess.run(
        [python, "-W", "ignore", "-c", REFERENCE], input=given, capture_output=True, text=True, check=True
    )
    worst: dict[str, float] = {}
    for curve, reference in zip(curves, json.loads(answer.stdout), strict=True):
        for name, value in reference.items():
            found = ours(curve, market[: len(curve)])[name]
            worst[name] = max(worst.get(name, 0.0), abs(found - value) / max(1.0, abs(value)))
    for name, distance in worst.items():
        print(f"{name:16} {distance:.1e}")
    return int(any(math.isnan(d) or d > TOLERANCE for d in worst.values()))


if __name__ == "__main__":
    sys.exit(main())
