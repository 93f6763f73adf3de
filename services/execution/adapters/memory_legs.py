"""The in-memory twin of leg_queue.py: legs wait in a list until somebody takes one."""

from __future__ import annotations


class MemoryLegs:
    """Who stands by takes its leg from the same list as everybody."""

    def __init__(self) -> None:
        self.waiting: list[str] = []
        self.is_called_in = False

    def offer(self, leg_id: str) -> bool:
        if leg_id in self.waiting:
            return False
        self.waiting.append(leg_id)
        return True

    def prepare(self) -> None:
        """There is nothing to prepare."""

    def call_in(self) -> None:
        self.is_called_in = True

    def hand_over(self, leg_id: str) -> bool:
        """One that was called in gets one leg."""
        was_called_in, self.is_called_in = self.is_called_in, False
        return was_called_in and self.offer(leg_id)

    def handed_over(self, within_seconds: float) -> str | None:
        return self.waiting.pop(0) if self.waiting else None
