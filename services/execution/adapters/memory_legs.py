"""The in-memory twin of leg_queue.py: legs wait in a list until somebody takes one."""

from __future__ import annotations

from services.execution.ports import Papers


class MemoryLegs:
    def __init__(self) -> None:
        self.waiting: list[str] = []
        self.papers: list[Papers] = []
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

    def hand_over(self, papers: Papers) -> bool:
        """One that was called in gets one leg."""
        was_called_in, self.is_called_in = self.is_called_in, False
        if was_called_in:
            self.papers = [papers]
        return was_called_in

    def take_papers(self, within_seconds: float) -> Papers | None:
        return self.papers.pop(0) if self.papers else None

    def take(self) -> tuple[str, Papers | None] | None:
        """What the next worker has in its hands, whichever way it came."""
        if self.papers:
            papers = self.papers.pop(0)
            return papers.leg.leg_id, papers
        return (self.waiting.pop(0), None) if self.waiting else None
