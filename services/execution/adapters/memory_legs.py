"""The in-memory twin of leg_queue.py: legs wait in a list until somebody takes one."""

from __future__ import annotations


class MemoryLegs:
    def __init__(self) -> None:
        self.waiting: list[str] = []

    def offer(self, leg_id: str) -> bool:
        if leg_id in self.waiting:
            return False
        self.waiting.append(leg_id)
        return True
