"""Rate limits: a minute that starts with the first request."""

from __future__ import annotations

from services.simulator.domain.rate_limits import RateLimits


def verdicts(limits: RateLimits, payer: str, *instants: float) -> list[bool | None]:
    spent = [limits.spend(payer, now) for now in instants]
    return [None if allowance is None else allowance.allowed for allowance in spent]


def test_the_request_past_the_limit_is_refused_until_the_window_ends() -> None:
    assert verdicts(RateLimits(2), "a", 7, 8, 9, 66.9, 67) == [True, True, False, False, True]


def test_each_payer_has_its_own_window() -> None:
    limits = RateLimits(1)
    assert verdicts(limits, "a", 0, 1) == [True, False]
    assert verdicts(limits, "b", 1) == [True]


def test_zero_means_no_limit() -> None:
    assert verdicts(RateLimits(0), "a", 0, 0, 0) == [None, None, None]


def test_the_allowance_tells_what_remains_and_when_the_window_ends() -> None:
    limits = RateLimits(3)
    limits.spend("a", 100)
    allowance = limits.spend("a", 110)
    assert allowance is not None
    assert (allowance.limit, allowance.remaining, allowance.resets_in) == (3, 1, 50)
