"""python -m tests.soak [--minutes N] [--seed N] [--workers N]: real processes, killed at random, rebalance after rebalance.

Exit code 0 only when no promise was broken and the 99th percentile of the recoveries is within five seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from shared.contracts.strategy import TargetPortfolioSet
from tests.soak.house import SYMBOLS, House
from tests.soak.ledger import Ledger
from tests.soak.strikes import EXCHANGE, EXECUTION, RECOVERY_SECONDS, Killer, Strike, percentile

_REBALANCE_SECONDS = 300.0
_PAUSES = (0.3, 1.0, 2.0, 4.0, 8.0)


@dataclass
class Soak:
    """Rebalances in this thread, strikes in another; `breaches` says what broke."""

    house: House
    seed: int
    started: float = field(default_factory=time.monotonic)
    superseded: int = 0

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.house)
        self._rng = random.Random(f"targets-{self.seed}")
        self.killer = Killer(self.house, random.Random(f"strikes-{self.seed}"), self.say)
        self._over = threading.Event()

    def run(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        striking = threading.Thread(target=self._strike, daemon=True)
        striking.start()
        while time.monotonic() < deadline and not self.ledger.breaches:
            self._rebalance()
        self._over.set()
        striking.join(120)
        self.house.disarm()
        self._rebalance()
        self.ledger.check_the_end()

    def say(self, text: str) -> None:
        _say(f"{time.monotonic() - self.started:8.1f} s  {text}")

    def _strike(self) -> None:
        rng = random.Random(f"pauses-{self.seed}")
        while not self._over.wait(rng.choice(_PAUSES)):
            self.killer.strike()

    def _rebalance(self) -> None:
        target = self._target()
        if self._rng.random() < 0.15:
            self._over.wait(self._rng.choice((0.2, 1.5)))
            target, self.superseded = self._target(), self.superseded + 1
        took = self.house.until(lambda: self._is_over(target), _REBALANCE_SECONDS)
        if took is None:
            self.ledger.breaches.append(f"{target.correlation_id}: not completed within {_REBALANCE_SECONDS:g} s")
            return
        self.ledger.check()
        done = self.ledger.completed[-1]
        broken = "; ".join(self.ledger.breaches)
        self.say(
            f"rebalance {len(self.ledger.completed)}: {done.outcome}, {len(done.orders)} orders, {took:.1f} s {broken}"
        )

    def _target(self) -> TargetPortfolioSet:
        chosen = self._rng.sample(SYMBOLS, self._rng.randint(3, 8))
        shares = [self._rng.randint(1, 9) for _ in chosen]
        weights = {
            symbol: Decimal(95 * share // sum(shares)) / 100 for symbol, share in zip(chosen, shares, strict=True)
        }
        return self.house.publish({symbol: weight for symbol, weight in weights.items() if weight})

    def _is_over(self, target: TargetPortfolioSet) -> bool:
        is_done = any(done.correlation_id == target.correlation_id for done in self.ledger.completed)
        return is_done and not self.house.is_at_work()


def summary(soak: Soak, seconds: float) -> dict[str, object]:
    """The figures of one run. Recoveries are of strikes that hit a plan under way, the start of the new process included."""
    strikes = soak.killer.strikes
    at_work = [strike for strike in strikes if strike.was_at_work]
    return {
        "seed": soak.seed,
        "minutes": round(seconds / 60, 1),
        "load": [round(load, 1) for load in os.getloadavg()],
        "rebalances": len(soak.ledger.completed),
        "outcomes": dict(Counter(done.outcome for done in soak.ledger.completed)),
        "superseded": soak.superseded,
        "fills": soak.ledger.fills,
        "kills": sum(len(strike.victims) for strike in strikes),
        "stood still": soak.killer.frozen,
        "faults at the broker": soak.killer.faults,
        "ended by themselves": len(soak.house.ended),
        "recovery": {
            "all": _figures(at_work),
            "all, without what starts again": _figures(at_work, without_start=True),
            "a worker": _figures([s for s in at_work if not {EXECUTION, EXCHANGE, "redis"} & set(s.victims)]),
            "redis": _figures([s for s in at_work if s.victims == ("redis",)]),
            "the exchange": _figures([s for s in at_work if s.victims == (EXCHANGE,)]),
            "the exchange, without its start": _figures(
                [s for s in at_work if s.victims == (EXCHANGE,)], without_start=True
            ),
            "the service": _figures([s for s in at_work if s.victims == (EXECUTION,)]),
            "the service, without its start": _figures(
                [s for s in at_work if s.victims == (EXECUTION,)], without_start=True
            ),
        },
        "breaches": soak.ledger.breaches,
    }


def _figures(strikes: list[Strike], *, without_start: bool = False) -> dict[str, float]:
    values = [
        float("inf") if strike.seconds is None else strike.seconds - (strike.of_start if without_start else 0.0)
        for strike in strikes
    ]
    shares = {"median": 0.5, "p90": 0.9, "p99": 0.99, "worst": 1.0}
    return {"kills": len(values)} | {name: round(percentile(values, share), 2) for name, share in shares.items()}


def is_quick(figures: dict[str, object]) -> bool:
    recovery: dict[str, dict[str, float]] = figures["recovery"]  # type: ignore[assignment]
    return not recovery["all"]["p99"] > RECOVERY_SECONDS


def soak(folder: Path, seconds: float, seed: int, *, workers: int = 2) -> dict[str, object]:
    """One run; the processes' logs stand in `folder`."""
    with House(folder, workers=workers) as house:
        running = Soak(house, seed)
        running.run(seconds)
        return summary(running, seconds)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing started here outlives it
    folder = Path(tempfile.mkdtemp(prefix="alchemiser-soak-"))
    _say(f"seed {given.seed}; logs in {folder}")
    figures = soak(folder, given.minutes * 60, given.seed, workers=given.workers)
    _say(json.dumps(figures))
    for breach in figures["breaches"]:  # type: ignore[attr-defined]
        _say(f"BROKEN: {breach}")
    if not is_quick(figures):
        _say(f"SLOW: the 99th percentile of the recoveries is over {RECOVERY_SECONDS:g} s")
    failed = bool(figures["breaches"]) or not is_quick(figures)
    if failed:
        _say(f"again: python -m tests.soak --minutes {given.minutes:g} --seed {given.seed} --workers {given.workers}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
