"""The first of a ranking: listed order among equals, float noise counts as equal, and both evaluations rank alike."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.strategy.domain.closes import Closes
from services.strategy.domain.columns import Columns
from services.strategy.domain.day import evaluate_day
from services.strategy.domain.indicators import CUMULATIVE_RETURN
from services.strategy.domain.language import by, highest
from services.strategy.domain.ranking import chosen, ranked_places
from services.strategy.domain.undefined import UndefinedDecision
from shared.sessions import sessions_between

NAN = float("nan")


def test_equals_keep_listed_order_and_noise_makes_nobody_first() -> None:
    assert ranked_places([1.0, 2.0, 2.0], highest=True) == [1, 2, 0]
    assert ranked_places([1.0, 2.0, 2.0 + 1e-14], highest=True) == [1, 2, 0]
    assert ranked_places([1.0 + 1e-14, 1.0, 2.0], highest=False) == [0, 1, 2]
    assert ranked_places([1e6, 1e6 + 1e-4], highest=True) == [0, 1]
    assert ranked_places([1.0, 1.0 + 1e-8], highest=True) == [1, 0]


def test_a_candidate_without_data_is_never_chosen() -> None:
    assert chosen(np.array([[NAN, 1.0, NAN]]), 2, highest=True).tolist() == [[False, True, False]]
    assert chosen(np.array([[NAN, NAN]]), 1, highest=False).tolist() == [[False, False]]


nearly = st.sampled_from([1.0, 1.0 + 1e-13, 2.0, 2.0 - 1e-12, 3.0, NAN, -1.0, 0.0, 1e-12])


@given(
    table=st.lists(st.lists(nearly, min_size=4, max_size=4), min_size=1, max_size=5),
    count=st.integers(1, 5),
    highest=st.booleans(),
)
def test_days_at_once_and_one_by_one_choose_the_same(table: list[list[float]], count: int, *, highest: bool) -> None:
    found = chosen(np.array(table), count, highest=highest)
    for row, values in zip(found, table, strict=True):
        places = [place for place, value in enumerate(values) if not np.isnan(value)]
        ranks = ranked_places([values[place] for place in places], highest=highest)[:count]
        assert np.flatnonzero(row).tolist() == sorted(places[rank] for rank in ranks)


def test_a_candidate_with_a_refused_close_undefines_the_ranking_and_is_named() -> None:
    """One without data is left out; one whose data nobody knows might rank first."""
    days = [session.date for session in sessions_between(dt.date(2024, 5, 1), dt.date(2024, 5, 31))]
    rising = np.linspace(100, 120, len(days))
    holed = rising.copy()
    holed[-3] = np.nan
    tree = highest(1, by(CUMULATIVE_RETURN, 5), "SPY", "QQQ")
    table = Closes.of(days, {"SPY": rising, "QQQ": holed})
    assert evaluate_day(tree, Columns(table)).weights == {"SPY": 1.0}
    refused = replace(table, refused={"QQQ": {days[-3]: "outlier: +9 %, expected less"}})
    with pytest.raises(UndefinedDecision, match=rf"a candidate's closes are refused: .*QQQ {days[-3]}: outlier: \+9 %"):
        evaluate_day(tree, Columns(refused))
    assert not Columns(refused).allocation(tree).defined[-1]
