"""The named ways of working an order, as one table, and which of them an order gets: by its side and by why it is traded.

    name     rungs, in turns of the patience that is asked for
    patient  two turns nearer our own side than the midpoint, four at the midpoint, then marketable; follows the quote
    passive  joins the near side for twelve turns and follows it, then marketable
    mid      six turns at the midpoint as it was, then marketable
    peg      six turns at the midpoint, following it, then marketable
    ladder   by time: a turn at the midpoint and at each step towards the far side, then marketable
    spread   by spread: the wider, the more prices between the midpoint and the far side; a one-cent spread has none
    close    joins the near side until the deadline before the close, then marketable
    take     marketable at once, with the collar

Which is best was measured (docs/execution-costs.md): patient. Every one of them ends with a limit that the collar bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Final, Literal, get_args

from services.execution.domain.ladder import Policy, Rung, ends, steps_of
from services.execution.domain.slices import WHOLE, Slicing
from shared.contracts.base import Side

Urgency = Literal["passive", "normal", "urgent"]
URGENCIES: Final[tuple[str, ...]] = get_args(Urgency)
REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "exit": "not in the target",
        "trim": "above its target",
        "enter": "new in the target",
        "add": "below its target",
    }
)
"""Why a plan trades, by the word that settings use for it."""
KINDS: Final = ("buy", "sell", *REASONS)
"""What a policy or an urgency of its own may be given to; a reason wins over a side."""

_A_DAY: Final = 86_400.0
_LEAST_GIVE_UP: Final = 900.0
_AFTER_PATIENCE: Final = 300.0


@dataclass(frozen=True, slots=True)
class Terms:
    """What every policy may be told. `patience_seconds` is one turn."""

    patience_seconds: float = 10
    steps: int = 2
    urgency: str = "normal"
    collar_bps: Decimal = Decimal(20)
    allows_naked_market: bool = False
    leaves_at_lean: Decimal | None = None
    """None where the sizes of a quote are not those of the whole market."""
    deadline_seconds_before_close: float = 120
    slicing: Slicing = WHOLE


def _patient(terms: Terms) -> tuple[Rung, ...]:
    turn = terms.patience_seconds
    near = Rung("near", "peg", 2 * turn, Decimal("-0.4"), follows_seconds=turn)
    return near, Rung("mid", "peg", 4 * turn, follows_seconds=turn)


def _passive(terms: Terms) -> tuple[Rung, ...]:
    return (Rung("join", "join", 12 * terms.patience_seconds, follows_seconds=terms.patience_seconds),)


def _mid(terms: Terms) -> tuple[Rung, ...]:
    return (Rung("mid", "peg", 6 * terms.patience_seconds),)


def _peg(terms: Terms) -> tuple[Rung, ...]:
    return (Rung("mid", "peg", 6 * terms.patience_seconds, follows_seconds=terms.patience_seconds),)


def _ladder(terms: Terms) -> tuple[Rung, ...]:
    return steps_of(terms.patience_seconds, terms.steps)


def _spread(terms: Terms) -> tuple[Rung, ...]:
    """Each halving of the way from the midpoint is a step only where it is at least a tick."""
    halvings = ((Decimal(0), 0), (Decimal("0.25"), 8), (Decimal("0.5"), 4), (Decimal("0.75"), 8))
    return tuple(
        Rung(f"part{100 * toward:.0f}" if toward else "mid", "peg", terms.patience_seconds, toward, from_ticks=ticks)
        for toward, ticks in halvings
    )


def _close(terms: Terms) -> tuple[Rung, ...]:
    return (Rung("join", "join", _A_DAY, follows_seconds=terms.patience_seconds),)


def _take(_terms: Terms) -> tuple[Rung, ...]:
    return ()


POLICIES: Final[Mapping[str, Callable[[Terms], tuple[Rung, ...]]]] = MappingProxyType(
    {
        "patient": _patient,
        "passive": _passive,
        "mid": _mid,
        "peg": _peg,
        "ladder": _ladder,
        "spread": _spread,
        "close": _close,
        "take": _take,
    }
)
"""What comes before the last, marketable rung, by name."""


def named(name: str, terms: Terms) -> Policy:
    """The policy of that name. passive urgency doubles its patience, urgent leaves only the marketable rung.

    Raises ValueError for a name that the table does not have.
    """
    for what, given, known in (("policy", name, POLICIES), ("urgency", terms.urgency, URGENCIES)):
        if given not in known:
            raise ValueError(f"{what}: expected one of {', '.join(known)}, got {given!r}")
    waits = () if terms.urgency == "urgent" else POLICIES[name](terms)
    factor = 2 if terms.urgency == "passive" else 1
    waits = tuple(
        replace(rung, patience_seconds=factor * rung.patience_seconds, leaves_at_lean=terms.leaves_at_lean)
        for rung in waits
    )
    patience = sum(rung.patience_seconds for rung in waits)
    return Policy(
        (*waits, *ends(terms.patience_seconds, allows_naked_market=terms.allows_naked_market)),
        collar_bps=terms.collar_bps,
        slicing=terms.slicing,
        deadline_seconds_before_close=terms.deadline_seconds_before_close,
        give_up_seconds=max(_LEAST_GIVE_UP, patience + _AFTER_PATIENCE),
    )


@dataclass(frozen=True, slots=True)
class Policies:
    """Which policy an order gets."""

    default: Policy
    by_kind: Mapping[tuple[Side, str], Policy] = field(default_factory=dict)
    """By side and the word for the reason; what is missing gets the default."""

    def of(self, side: Side, reason: str) -> Policy:
        """Of an order that is worked already too: it is chosen by what does not change. `reason` as the plan says it."""
        word = next((word for word, known in REASONS.items() if reason.startswith(known)), "")
        return self.by_kind.get((side, word), self.default)


@dataclass(frozen=True, slots=True)
class Choice:
    """A word and its exceptions, as settings write it: `patient,sell=peg,exit=take`."""

    default: str
    exceptions: Mapping[str, str]

    @classmethod
    def parse(cls, text: str, known: tuple[str, ...]) -> Choice:
        """Raises ValueError naming what is expected."""
        first, *others = (part.strip() for part in text.split(","))
        exceptions = {}
        for other in others:
            kind, equals, word = other.partition("=")
            if not equals or kind not in KINDS or kind in exceptions:
                raise ValueError(f"expected exceptions once each like sell=WORD for {', '.join(KINDS)}, got {other!r}")
            exceptions[kind] = word
        if wrong := [word for word in (first, *exceptions.values()) if word not in known]:
            raise ValueError(f"expected one of {', '.join(known)}, got {wrong[0]!r}")
        return cls(first, exceptions)

    def of(self, side: Side, reason: str) -> str:
        return self.exceptions.get(reason) or self.exceptions.get(side) or self.default


def chosen(policy: Choice, urgency: Choice, terms: Terms) -> Policies:
    """The policies of every kind of order."""

    def of(side: Side, reason: str) -> Policy:
        return named(policy.of(side, reason), replace(terms, urgency=urgency.of(side, reason)))

    kinds: list[tuple[Side, str]] = [("sell", ""), ("sell", "exit"), ("sell", "trim")]
    kinds += [("buy", ""), ("buy", "enter"), ("buy", "add")]
    default = named(policy.default, replace(terms, urgency=urgency.default))
    return Policies(default, {kind: of(*kind) for kind in kinds})
