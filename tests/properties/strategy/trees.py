"""Any tree and any closes, for properties."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from services.strategy.domain.closes import Closes
from services.strategy.domain.indicators import ALL, Indicator
from services.strategy.domain.tree import (
    AllOf,
    AnyOf,
    Asset,
    Cash,
    Comparison,
    Equal,
    Group,
    If,
    InverseVolatility,
    Measure,
    Metric,
    Node,
    Number,
    Select,
    Specified,
    Test,
)

SYMBOLS = ("AAA", "BBB", "CCC")
DAYS = 14


@st.composite
def metrics(draw: st.DrawFn) -> Metric:
    indicator: Indicator = draw(st.sampled_from(ALL))
    window = draw(st.integers(indicator.smallest_window, 3))
    return Metric(indicator, (window,) * len(indicator.windows))


measures = st.builds(Measure, metrics(), st.sampled_from(SYMBOLS))
operands = st.one_of(measures, st.builds(Number, st.integers(-20, 120).map(Decimal)))
comparisons = st.builds(Comparison, operands, st.sampled_from([">", "<", ">=", "<=", "=="]), operands)
tests: st.SearchStrategy[Test] = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.builds(AnyOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(AllOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
    ),
    max_leaves=4,
)
leaves: st.SearchStrategy[Node] = st.one_of(st.builds(Asset, st.sampled_from(SYMBOLS)), st.builds(Cash))


def parents(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    several = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(If, tests, inner, inner),
        st.builds(Equal, several),
        st.builds(Group, st.just("a group"), inner),
        st.builds(InverseVolatility, st.integers(2, 3), several),
        st.builds(Select, metrics(), st.sampled_from(["highest", "lowest"]), st.integers(1, 3), several),
        st.tuples(st.integers(0, 10), inner, inner).map(
            lambda t: Specified(((Fraction(t[0], 10), t[1]), (1 - Fraction(t[0], 10), t[2])))
        ),
    )


trees = st.recursive(leaves, parents, max_leaves=8)
# Few distinct prices, so that ties and flat stretches happen; gaps anywhere.
prices = npst.arrays(
    np.float64, (DAYS, len(SYMBOLS)), elements=st.sampled_from([10.0, 10.5, 11.0, 12.5, 9.0, 10.0, 11.0, np.nan])
)


def table(values: np.ndarray) -> Closes:
    first = dt.date(2024, 1, 1)
    days = [first + dt.timedelta(days=day) for day in range(len(values))]
    return Closes.of(days, dict(zip(SYMBOLS, values.T, strict=True)))
