"""How long the stream waits before it connects again."""

from __future__ import annotations

import pytest

from services.marketdata.domain.backoff import reconnect_seconds


@pytest.mark.parametrize("spread", [0.0, 0.5, 0.999])
def test_after_a_connection_limit_it_waits_from_five_to_ninety_five_seconds(spread: float) -> None:
    waits = [reconnect_seconds(n, connection_limited=True, spread=spread) for n in range(1, 12)]
    assert waits[0] >= 5
    assert waits == sorted(waits)
    assert waits[-1] == 95


def test_a_plain_loss_waits_from_half_a_second_to_thirty() -> None:
    waits = [reconnect_seconds(n, connection_limited=False, spread=0.0) for n in range(1, 12)]
    assert waits[0] == 0.5
    assert max(waits) == 15
    assert reconnect_seconds(50, connection_limited=False, spread=0.9999) <= 30


def test_an_attempt_number_of_any_size_has_an_answer() -> None:
    assert reconnect_seconds(10_000, connection_limited=True, spread=0.5) == 95
    assert reconnect_seconds(0, connection_limited=False, spread=0.0) == 0.5
