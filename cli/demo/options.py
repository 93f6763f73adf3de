"""What the person at the terminal may choose."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """`data`: a directory of recorded market data; None: the generator with `seed`. `start`: New York time, as text."""

    data: Path | None = None
    seed: int = 7
    start: str | None = None

    @property
    def prices(self) -> str:
        return f"from a generator, seed {self.seed}" if self.data is None else f"recorded in {self.data}"
