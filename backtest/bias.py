"""Does a decision know the future? Asked again with history cut at random evenings it must say the same.

And it must look at the newest evening: with every close moved one session later, decisions must change.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from backtest.decisions import Decided, Targets, Tell, answer, decide, silent
from backtest.standing import Flags, Wish
from services.strategy.domain.closes import Closes
from services.strategy.domain.indicators import FloatArray

_TOLERANCE = 1e-8
"""Live weights have nine decimals."""


@dataclass(frozen=True, slots=True)
class Unasked:
    """A strategy's evenings on which there was no decision to compare, both with the whole history and with it cut."""

    evenings: int
    first: str
    reason: str


@dataclass(frozen=True, slots=True)
class BiasCheck:
    """`differences` name strategy, session and both answers; `shift_changes` are evenings of each strategy that changed."""

    evenings: int
    differences: tuple[str, ...]
    shift_changes: Mapping[str, int]
    undefined: Mapping[str, Unasked] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """A strategy that a shift leaves as it is reads no price, or not the newest: told, and for a person to judge."""
        return not self.differences and not self.unchecked

    @property
    def unchecked(self) -> tuple[str, ...]:
        """Strategies that decided on no evening that was drawn: of these nothing is known."""
        return tuple(name for name, why in self.undefined.items() if why.evenings == self.evenings)

    def told(self) -> Iterator[str]:
        """In words, the undefined evenings of each strategy."""
        for name, why in self.undefined.items():
            yield f"{name}: undefined on {why.evenings} of {self.evenings} evenings (first {why.first}: {why.reason})"


def check(targets: Targets, evenings: int = 200, seed: int = 1, tell: Tell = silent) -> BiasCheck:
    """On as many different evenings of the period, drawn by `seed`, as it has."""
    rows = range(targets.first, targets.last + 1)
    drawn = sorted(random.Random(seed).sample(rows, min(evenings, len(rows))))
    differences: list[str] = []
    undefined: dict[str, Unasked] = {}
    for number, row in enumerate(drawn):
        tell("bias check", number, len(drawn))
        cut = targets.closes.until(row)
        for decided in targets.decided:
            live = answer(decided.allotment, cut)
            differences += _differences(decided, live, cut, row)
            if isinstance(live, str) and not decided.wish.defined[row]:
                _count(undefined, decided.allotment.name, cut, live)
    return BiasCheck(len(drawn), tuple(differences), _shift_changes(targets), undefined)


def _count(undefined: dict[str, Unasked], name: str, cut: Closes, reason: str) -> None:
    known = undefined.get(name, Unasked(0, str(cut.sessions[-1]), reason))
    undefined[name] = replace(known, evenings=known.evenings + 1)


def _differences(decided: Decided, live: dict[str, float] | str, cut: Closes, row: int) -> Iterator[str]:
    """None when the live decision on the cut history is what the whole history says for that evening."""
    said, now = _as_mapping(decided.wish, row), None if isinstance(live, str) else live
    symbols = {*(said or {}), *(now or {})}
    same = (said is None) == (now is None) and all(
        abs((said or {}).get(s, 0.0) - (now or {}).get(s, 0.0)) <= _TOLERANCE for s in symbols
    )
    if not same:
        yield f"{decided.allotment.name} on {cut.sessions[-1]}: {_told(now)} cut, {_told(said)} whole"


def _as_mapping(wish: Wish, row: int) -> dict[str, float] | None:
    if not wish.defined[row]:
        return None
    return {s: w for s, w in zip(wish.symbols, wish.weights[row].tolist(), strict=True) if w}


def _told(weights: Mapping[str, float] | None) -> str:
    if weights is None:
        return "undefined"
    return ", ".join(f"{symbol} {weight:.4f}" for symbol, weight in weights.items()) or "cash"


def _shift_changes(targets: Targets) -> dict[str, int]:
    allotments = [decided.allotment for decided in targets.decided]
    shifted = decide(allotments, shifted_by_a_day(targets.closes), targets.first, targets.last)
    return {
        before.allotment.name: int(_changed(before.wish, after.wish)[targets.first :].sum())
        for before, after in zip(targets.decided, shifted.decided, strict=True)
    }


def shifted_by_a_day(closes: Closes) -> Closes:
    """Each session with the closes of the one before."""
    columns = {s: np.concatenate(([np.nan], column[:-1])) for s, column in closes.columns.items()}
    return Closes(closes.sessions, columns, closes.stand_ins, closes.refused)


def _changed(before: Wish, after: Wish) -> Flags:
    symbols: Sequence[str] = tuple(dict.fromkeys((*before.symbols, *after.symbols)))
    one, other = (_table(wish, symbols) for wish in (before, after))
    changed: Flags = np.any(np.abs(one - other) > _TOLERANCE, axis=1)
    return changed & before.defined & after.defined


def _table(wish: Wish, symbols: Sequence[str]) -> FloatArray:
    table = np.zeros((len(wish.weights), len(symbols)))
    table[:, [symbols.index(s) for s in wish.symbols]] = wish.weights
    return table
