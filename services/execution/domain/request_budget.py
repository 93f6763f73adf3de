"""How many requests the account may make, and who comes first when they run short: cancels, then orders in doubt, then the rest.

A token comes back a window after it was spent. A bucket that refills steadily would allow a full bucket and a refill in one
minute, which is more than the broker counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

WINDOW_SECONDS: Final = 61.0
"""The broker's minute, and a second for the way there."""
SHUT_SECONDS: Final = 5.0
"""How long to keep quiet after "too many" when the broker does not say how long."""
LONGEST_SHUT_SECONDS: Final = 60.0

Purpose = Literal["cancel", "doubt", "order", "question"]
"""cancel: takes away risk. doubt: what became of an order. order: a new one. question: anything else."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """`per_minute` 0: nothing is counted. `reserved` of them are for cancels and doubts only."""

    per_minute: int
    reserved: int

    def __post_init__(self) -> None:
        if self.per_minute and not 0 <= self.reserved < self.per_minute:
            raise ValueError(f"reserved: expected 0 to {self.per_minute - 1}, got {self.reserved}")

    @property
    def is_unlimited(self) -> bool:
        return self.per_minute == 0

    def most_for(self, purpose: Purpose) -> int | None:
        """How many may be out before one more is spent for that; None: a cancel is counted and never held back."""
        if purpose == "cancel":
            return None
        return self.per_minute if purpose == "doubt" else self.per_minute - self.reserved


UNLIMITED: Final = Allowance(0, 0)
