"""However a history is cut into pages, the pages together are the history, each point once and in order."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.simulator.adapters import rest_data
from services.simulator.adapters.rest_data import Asked
from services.simulator.domain.generator import generated_market
from services.simulator.domain.market import Market

NOW = dt.datetime(2026, 6, 1, 19, 40, tzinfo=dt.UTC)
KINDS = st.sampled_from([
    ("quotes", {}),
    ("trades", {}),
    ("bars", {"timeframe": "1Min"}),
    ("bars", {"timeframe": "7Min", "adjustment": "all"}),
    ("bars", {"timeframe": "1Hour"}),
    ("bars", {"timeframe": "1Day"}),
    ("bars", {"timeframe": "1Week"}),
    ("bars", {"timeframe": "3Month"}),
])  # fmt: skip
SYMBOLS = st.lists(st.sampled_from(["BIL", "IBM", "NOSUCH", "SPY", "TQQQ"]), min_size=1, max_size=4, unique=True)


@lru_cache(maxsize=1)
def market() -> Market:
    return generated_market(7)


def page(kind: str, query: dict[str, str]) -> dict[str, Any]:
    answer = rest_data._history(Asked(query, market(), NOW), kind)
    assert isinstance(answer, dict)
    return answer


@settings(max_examples=50, deadline=None)
@given(KINDS, SYMBOLS, st.sampled_from(["asc", "desc"]), st.integers(1, 40), st.integers(0, 23_000))
def test_pages_of_any_size_add_up_to_the_whole(
    kind: tuple[str, dict[str, str]], symbols: list[str], sort: str, limit: int, second: int
) -> None:
    name, more = kind
    span = (
        dt.timedelta(days=60) if more.get("timeframe", "")[1:] in {"Day", "Week", "Month"} else dt.timedelta(seconds=70)
    )
    start = NOW - dt.timedelta(days=3, seconds=second)
    query = {
        "symbols": ",".join(symbols),
        "sort": sort,
        "start": (start - span).isoformat(),
        "end": start.isoformat(),
        **more,
    }
    whole = flat(page(name, {**query, "limit": "10000"}), name)
    pages = [page(name, {**query, "limit": str(limit)})]
    while (token := pages[-1]["next_page_token"]) is not None:
        assert sum(len(points) for points in pages[-1][name].values()) == limit
        pages.append(page(name, {**query, "limit": str(limit), "page_token": token}))
    assert [point for part in pages for point in flat(part, name)] == whole
    for symbol in symbols:
        times = [point["t"] for owner, point in whole if owner == symbol]
        assert times == sorted(times, reverse=sort == "desc")


def flat(answer: dict[str, Any], name: str) -> list[tuple[str, dict[str, Any]]]:
    assert all(answer[name].values()), "a symbol without data is absent"
    return [(symbol, point) for symbol, points in answer[name].items() for point in points]


@settings(max_examples=40, deadline=None)
@given(KINDS, st.integers(0, 23_400), st.sampled_from(["asc", "desc"]))
def test_nothing_told_is_later_than_now(kind: tuple[str, dict[str, str]], second: int, sort: str) -> None:
    name, more = kind
    now = dt.datetime(2026, 6, 1, 13, 30, tzinfo=dt.UTC) + dt.timedelta(seconds=second)
    query = {"symbols": "SPY", "start": "2026-06-01", "end": "2027-01-01", "sort": sort, "limit": "10000", **more}
    early = rest_data._history(Asked(query, market(), now), name)[name].get("SPY", [])
    assert all(dt.datetime.fromisoformat(point["t"]) <= now for point in early)
    late = rest_data._history(Asked(query, market(), now + dt.timedelta(minutes=1)), name)[name].get("SPY", [])
    if name != "bars" and sort == "desc":
        kept = [point for point in late if dt.datetime.fromisoformat(point["t"]) <= now]
        assert kept == early[: len(kept)]
    elif name != "bars":
        assert late[: len(early)] == early
