"""What cannot be known has a name: a decision that needs an undefined number stops here and says which."""

from __future__ import annotations

from shared.contracts.strategy import Step


class UndefinedDecision(Exception):  # noqa: N818 - a named outcome of an evaluation, not a fault of the program
    """`reason` reads "RSI10(KMLM): 3 of 11 closes needed"; `steps` are those taken before it."""

    def __init__(self, reason: str, steps: tuple[Step, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.steps = steps
