"""The benchmark of requests in small: a whole turnover over HTTP, counted, against a simulator that allows 200 a minute."""

from __future__ import annotations

from benchmarks.rest_calls import MOST, turnovers


def test_a_turnover_keeps_within_its_requests_and_never_hears_too_many() -> None:
    first = next(turnovers(8, seed=3, fills="realistic", pace=50))
    assert first.outcome == "complete"
    assert first.orders == 16
    assert first.sent["place"] >= 16
    assert first.total <= MOST
    assert first.too_many == 0
