"""Minute bars are taken whole or refused by name."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from services.marketdata.domain.minute_bars import ObservedBar, bar_of
from services.marketdata.domain.quotes import Refusal
from shared.contracts.marketdata import Bar

BAR = ObservedBar("SPY", dt.datetime(2024, 6, 3, 15, tzinfo=dt.UTC), 10, 11.5, 9.5, 11, 1200)


def test_a_whole_bar_is_taken() -> None:
    bar = bar_of(BAR)
    assert isinstance(bar, Bar)
    assert (bar.open, bar.close, bar.volume, bar.timeframe) == (Decimal(10), Decimal(11), 1200, "1Min")


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"symbol": "?"}, "symbol"),
        ({"at": None}, "at"),
        ({"open": None}, "open"),
        ({"close": float("nan")}, "close"),
        ({"low": 0}, "low"),
        ({"low": 10.5}, "low <= open"),
        ({"high": -1}, "high"),
        ({"volume": "lots"}, "volume"),
        ({"volume": -5}, "volume"),
    ],
)
def test_a_bar_that_cannot_be_true_is_refused_by_name(given: dict[str, Any], names: str) -> None:
    answer = bar_of(replace(BAR, **given))
    assert isinstance(answer, Refusal)
    assert names in answer.detail
