"""The soak in small: real processes, killed at random for half a minute, and nothing is broken. For long: `make soak`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.soak.__main__ import soak

SECONDS, SEED = 30.0, 11


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_killed_at_random_it_breaks_no_promise(tmp_path: Path) -> None:
    figures: dict[str, Any] = soak(tmp_path, SECONDS, SEED)
    assert figures["breaches"] == [], f"again: python -m tests.soak --minutes {SECONDS / 60} --seed {SEED}"
    assert figures["kills"] > 0
    assert figures["rebalances"] > 0
    assert figures["fills"] > 0
