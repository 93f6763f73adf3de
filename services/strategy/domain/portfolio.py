"""Several strategies with their shares, decided together; one that fails costs only its own share.

decide ──► Verdict per strategy ──► consolidate ──► one portfolio, and which shares of it are stale
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from services.strategy.domain.closes import Closes, UnknownSymbolError
from services.strategy.domain.engine import Decision, StrategyEngine
from services.strategy.domain.exact import SUM_TOLERANCE, exact_weights
from services.strategy.domain.proxies import with_sources
from services.strategy.domain.rebalance import DAILY, Calendar, Corridor, Held, Rebalance, kept
from services.strategy.domain.undefined import UndefinedDecision
from shared.contracts.strategy import RESERVED_NAMES, StaleShare, Step

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_. -]{0,79}")
_SYMBOL: Final = re.compile(r"[A-Z][A-Z0-9]*([./][A-Z0-9]+)?")

LastHeld = Mapping[str, Held]
"""strategy -> what it last decided; no entry: it never has. Empty weights are a decision for cash."""


class PortfolioError(ValueError):
    """Strategies or shares that make no portfolio; names the strategy, the value and the expectation."""


@dataclass(frozen=True, slots=True)
class Allotment:
    """A strategy with its share, its name and symbols read once: a broken property fails at the door, not in a run."""

    engine: StrategyEngine
    share: Decimal
    name: str
    symbols: tuple[str, ...]
    """All that is read: what the strategy names, and what may stand in for it."""
    rebalance: Rebalance


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one strategy in one run; `weights` sum to at most 1 within it (the rest is cash)."""

    strategy: str
    share: Decimal
    status: Literal["fresh", "stale", "failed"]
    weights: Mapping[str, Decimal]
    explanation: tuple[Step, ...] = ()
    reason: str = ""

    def as_stale_share(self) -> StaleShare:
        return StaleShare(
            strategy=self.strategy, share=self.share, reason=self.reason, has_weights=self.status == "stale"
        )


@dataclass(frozen=True, slots=True)
class Consolidated:
    """Portfolio weights, whose they are, and the shares that could not be decided."""

    weights: Mapping[str, Decimal]
    stale: tuple[StaleShare, ...]
    by_strategy: Mapping[str, Mapping[str, Decimal]]
    """A strategy of which nothing is known has no entry; one that wants only cash has an empty one."""


class StrategyManager:
    """The portfolio of strategies. Shares must sum to 1 within 0.000000001 before it decides."""

    def __init__(self) -> None:
        self._allotments: dict[str, Allotment] = {}

    @property
    def allotments(self) -> tuple[Allotment, ...]:
        return tuple(self._allotments.values())

    @property
    def symbols(self) -> tuple[str, ...]:
        """All that any strategy reads or may hold, in listed order."""
        return tuple(dict.fromkeys(symbol for a in self.allotments for symbol in a.symbols))

    def add_strategy(self, strategy: StrategyEngine, weight: Decimal) -> None:
        """Raises PortfolioError for a weight that is no share, a name twice, or symbols that are no tickers."""
        name, symbols = strategy.name, tuple(strategy.symbols)
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise PortfolioError(f"name: expected letters, digits, - _ . and spaces, got {name!r}")
        if name in RESERVED_NAMES:
            raise PortfolioError(f"name: {name!r} is what execution calls shares that are no strategy's")
        if name in self._allotments:
            raise PortfolioError(f"{name}: expected once, got it twice")
        rebalance = getattr(strategy, "rebalance", DAILY)
        if not isinstance(rebalance, Calendar | Corridor):
            raise PortfolioError(f"{name}: rebalance: expected a Calendar or a Corridor, got {rebalance!r}")
        _require_share(name, weight)
        _require_tickers(name, symbols)
        self._allotments[name] = Allotment(strategy, weight, name, with_sources(symbols), rebalance)

    def require_whole(self) -> None:
        """Raises PortfolioError unless the shares sum to 1."""
        total = sum((a.share for a in self.allotments), Decimal(0))
        if abs(total - 1) > SUM_TOLERANCE:
            shares = ", ".join(f"{a.name}={a.share}" for a in self.allotments) or "no strategy"
            raise PortfolioError(f"shares: expected a sum of 1, got {total} ({shares})")

    def decide(self, closes: Closes, last_held: LastHeld) -> tuple[Verdict, ...]:
        """Every strategy on the newest row of `closes`. Raises nothing but PortfolioError for shares off 1."""
        self.require_whole()
        return tuple(_verdict(allotment, closes, last_held) for allotment in self.allotments)


def consolidate(verdicts: Iterable[Verdict]) -> Consolidated:
    """Weight of a symbol = sum of share x weight. A share nobody can place adds no weights and is named."""
    weights: dict[str, Decimal] = {}
    stale: list[StaleShare] = []
    parts: dict[str, dict[str, Decimal]] = {}
    for verdict in verdicts:
        if verdict.status != "fresh":
            stale.append(verdict.as_stale_share())
        if verdict.status != "failed":
            parts[verdict.strategy] = {s: (verdict.share * w).normalize() for s, w in verdict.weights.items()}
        for symbol, weight in verdict.weights.items():
            weights[symbol] = weights.get(symbol, Decimal(0)) + verdict.share * weight
    return Consolidated({symbol: weight.normalize() for symbol, weight in weights.items()}, tuple(stale), parts)


def _verdict(allotment: Allotment, closes: Closes, last_held: LastHeld) -> Verdict:
    try:
        weights, steps = _decided(allotment, closes, last_held.get(allotment.name))
    except UndefinedDecision as undefined:
        return _failed(allotment, last_held, f"UndefinedDecision: {undefined.reason}", undefined.steps)
    except Exception as error:  # noqa: BLE001 - whatever a strategy does wrong costs its own share and no other
        return _failed(allotment, last_held, f"{type(error).__name__}: {error}")
    return Verdict(allotment.name, allotment.share, "fresh", weights, steps)


def _failed(allotment: Allotment, last_held: LastHeld, reason: str, steps: tuple[Step, ...] = ()) -> Verdict:
    last = last_held.get(allotment.name)
    if last is None:
        return Verdict(allotment.name, allotment.share, "failed", {}, steps, reason)
    return Verdict(allotment.name, allotment.share, "stale", last.weights, steps, reason)


def _decided(allotment: Allotment, closes: Closes, held: Held | None) -> tuple[dict[str, Decimal], tuple[Step, ...]]:
    own = closes.restricted_to(allotment.symbols)
    decision = allotment.engine.decide(own)
    if not isinstance(decision, Decision):
        raise TypeError(f"decide: expected a Decision, got {type(decision).__name__}")
    steps = tuple(decision.explanation)
    if not all(isinstance(step, Step) for step in steps):
        raise TypeError("explanation: expected Steps only")
    weights = exact_weights(decision.weights, decision.cash)
    _require_known(allotment, weights, own)
    flags = tuple(Step(text=f"input {symbol}: {text}") for symbol, text in own.stand_ins.items())
    keep = kept(allotment.rebalance, held, weights, own)
    if keep is None:
        return weights, flags + steps
    inside = Step(text=f"rebalances {allotment.rebalance}: keeps what it held, as the prices have moved it")
    return exact_weights(keep, max(0.0, 1.0 - sum(keep.values()))), (*flags, *steps, inside)


def _require_known(allotment: Allotment, weights: Mapping[str, Decimal], closes: Closes) -> None:
    for symbol in weights:
        if symbol not in allotment.symbols:
            raise UnknownSymbolError(f"{symbol}: unknown: it is not among the symbols {allotment.name} asked for")
        if not closes.has_any(symbol):
            raise UnknownSymbolError(f"{symbol}: unknown: there is not one daily close of it")


def _require_share(name: str, weight: Decimal) -> None:
    if not isinstance(weight, Decimal):
        raise PortfolioError(f"{name}: weight: expected a Decimal, got {weight!r}")
    if not weight.is_finite() or not 0 < weight <= 1:
        raise PortfolioError(f"{name}: weight: expected more than 0 and at most 1, got {weight}")


def _require_tickers(name: str, symbols: Sequence[str]) -> None:
    if not symbols:
        raise PortfolioError(f"{name}: symbols: expected at least one, got none")
    for symbol in symbols:
        if not isinstance(symbol, str) or not _SYMBOL.fullmatch(symbol):
            raise PortfolioError(f"{name}: symbols: expected tickers such as SPY or BRK.B, got {symbol!r}")
