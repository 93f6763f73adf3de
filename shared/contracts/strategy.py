"""What strategy tells: what each engine says and why, and the one portfolio to hold."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Final, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from shared.contracts.base import Message, Symbol, Value, Weight

_TOLERANCE = Decimal("1e-9")

UNASSIGNED: Final = "unassigned"
"""Whose a target is that names no strategy: a person's, or an old one's."""
FOREIGN: Final = "foreign"
"""Whose everything in the account is that is not the portfolio's."""
RESERVED_NAMES: Final = frozenset({UNASSIGNED, FOREIGN})
"""No strategy may be called so: the account is divided among the strategies and these two."""


class Reading(Value):
    """One indicator's value on the decided day, in the indicator's own unit (percent for returns and RSI)."""

    indicator: str
    symbol: str
    value: Decimal | None


class Step(Value):
    """One decision on the taken path: what was asked, the numbers, and what followed.

    `holds` is None for a ranking or a weighting; `margin` is left minus right of a comparison.
    """

    text: str
    holds: bool | None = None
    readings: tuple[Reading, ...] = ()
    threshold: Decimal | None = None
    margin: Decimal | None = None
    depth: Annotated[int, Field(ge=0)] = 0


class InputUsed(Value):
    """Where one symbol's closes came from."""

    symbol: Symbol
    source: str
    adjustment: str
    last_session: dt.date
    today_price: Decimal | None = None
    today_price_at: AwareDatetime | None = None
    repaired: tuple[dt.date, ...] = ()
    """Sessions whose closes are the second source's, `repaired_from`, oldest first."""
    repaired_from: str = ""


class SignalIssued(Message):
    """What one strategy says. fresh: decided now; stale: failed now, its last weights stand; failed: it never had any."""

    kind: Literal["strategy.signal_issued.v1"] = "strategy.signal_issued.v1"
    run_id: str
    session: dt.date
    strategy: str
    share: Weight
    status: Literal["fresh", "stale", "failed"]
    weights: dict[Symbol, Weight]
    explanation: tuple[Step, ...] = ()
    inputs: tuple[InputUsed, ...] = ()
    reason: str = ""


class StaleShare(Value):
    """A share of the portfolio whose strategy failed this run."""

    strategy: str
    share: Weight
    reason: str
    has_weights: bool
    """True: its last good weights are inside the target's weights. False: nobody knows what it should hold."""


class TargetPortfolioSet(Message):
    """What to hold. The weights and the shares nobody knows sum to at most 1; the rest is cash.

    While a stale share without weights is listed, execution must sell nothing: part of what is held may belong to it.
    `by_strategy` says whose the weights are, each as a share of the whole portfolio; empty when nobody divided it.
    """

    kind: Literal["strategy.target_portfolio_set.v1"] = "strategy.target_portfolio_set.v1"
    run_id: str = Field(min_length=1)
    session: dt.date
    weights: dict[Symbol, Weight]
    stale: tuple[StaleShare, ...] = ()
    by_strategy: dict[str, dict[Symbol, Weight]] = Field(default_factory=dict)
    prices: dict[Symbol, Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]] = Field(default_factory=dict)
    """What was decided with today, of every symbol that had such a price: execution measures itself against it."""

    @property
    def unknown_share(self) -> Decimal:
        return sum((s.share for s in self.stale if not s.has_weights), Decimal(0))

    @model_validator(mode="after")
    def _at_most_everything(self) -> Self:
        total = sum(self.weights.values(), Decimal(0)) + self.unknown_share
        if total > 1 + _TOLERANCE:
            raise ValueError(f"weights: expected to sum to at most 1 with the unknown shares, got {total}")
        return self

    @model_validator(mode="after")
    def _divided_without_rest(self) -> Self:
        if not self.by_strategy:
            return self
        if taken := RESERVED_NAMES & self.by_strategy.keys():
            raise ValueError(f"by_strategy: {', '.join(sorted(taken))} cannot be the name of a strategy")
        parts = self.by_strategy.values()
        for symbol in {*self.weights, *(symbol for weights in parts for symbol in weights)}:
            total, weight = sum((w.get(symbol, Decimal(0)) for w in parts), Decimal(0)), self.weights.get(symbol, 0)
            if abs(total - weight) > _TOLERANCE:
                raise ValueError(f"by_strategy: {symbol}: expected parts that sum to {weight}, got {total}")
        return self
