"""What becomes of a doubt beside a second source, and without one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import numpy as np
import pytest

from shared.contracts.marketdata import DailyHistory
from shared.quality import Surroundings, settled, unknown_closes
from tests.unit.shared.quality.histories import (
    a_history,
    doubts_of,
    scaled,
    second_source,
    shifted,
    with_columns,
    with_volume,
    without_rows,
)

ROW = 120
CLEAN = a_history()
DAY = CLEAN.dates[ROW]


def second(history: DailyHistory = CLEAN, *, volume: float = 30.0) -> DailyHistory:
    return second_source(history, volume=volume)


def settle(history: DailyHistory, other: DailyHistory | None, **more: object) -> DailyHistory:
    around = Surroundings(CLEAN.dates[-1])
    return settled(history, doubts_of(history, around), other, around, **more)  # type: ignore[arg-type]


def told(history: DailyHistory) -> list[tuple[str, str, str]]:
    return [(finding.gate, finding.verdict, finding.repaired_from) for finding in history.findings]


def first_only(spoil: Callable[[DailyHistory], DailyHistory]) -> DailyHistory:
    return settle(spoil(CLEAN), None)


DEFECTS: dict[str, Callable[[DailyHistory], DailyHistory]] = {
    "missing session": lambda history: without_rows(history, ROW),
    "stale price": lambda history: with_volume(scaled(history, slice(ROW, ROW + 1), 0.95), ROW, 0),
    "unapplied split": lambda history: scaled(history, slice(0, ROW), 4),
    "unexplained jump": lambda history: scaled(history, slice(0, ROW), 1 / 0.74),
    "outlier": lambda history: scaled(history, slice(ROW, ROW + 1), 1.2),
    "wrong time zone": lambda history: shifted(history, -1),
    "sources disagree": lambda history: scaled(history, slice(ROW, ROW + 1), 1.011),
}


@pytest.mark.parametrize("gate", DEFECTS)
def test_the_second_source_repairs_what_it_explains_and_is_named(gate: str) -> None:
    found = settle(DEFECTS[gate](CLEAN), second())
    assert (gate, "repaired", "twelvedata") in told(found)
    assert unknown_closes(found.dates, found.findings, CLEAN.dates[ROW + 3]) == {}
    assert found.dates == CLEAN.dates
    np.testing.assert_allclose(found.close, CLEAN.close, rtol=1e-3 if gate == "unexplained jump" else 1e-9)


@pytest.mark.parametrize("gate", [name for name in DEFECTS if name != "sources disagree"])
def test_without_a_second_source_the_spoilt_closes_are_unknown_and_say_why(gate: str) -> None:
    found = first_only(DEFECTS[gate])
    unknown = unknown_closes(found.dates, found.findings, CLEAN.dates[ROW + 3])
    assert (gate, "refused", "") in told(found)
    expected = {
        "unapplied split": set(CLEAN.dates[:ROW]),
        "unexplained jump": set(CLEAN.dates[:ROW]),
        "wrong time zone": set(found.dates),
    }.get(gate, {DAY})
    assert expected <= set(unknown)
    assert gate in unknown[min(expected)]


def test_what_both_sources_have_is_confirmed_and_used() -> None:
    for gate in ("unapplied split", "unexplained jump", "outlier"):
        true = DEFECTS[gate](CLEAN)
        found = settle(true, second(true))
        assert told(found) == [(gate, "confirmed", "")]
        assert found.close == true.close


def test_a_second_source_with_a_third_opinion_leaves_it_refused() -> None:
    found = settle(DEFECTS["unapplied split"](CLEAN), second(scaled(CLEAN, slice(0, ROW), 40)))
    assert ("unapplied split", "refused", "") in told(found)


@pytest.mark.parametrize("factor", [4, 0.1])
def test_a_split_that_only_the_second_source_did_not_apply_changes_nothing(factor: float) -> None:
    found = settle(CLEAN, second(scaled(CLEAN, slice(0, ROW), factor)))
    assert ("unapplied split", "noted", "") in told(found)
    assert found.close == CLEAN.close
    assert unknown_closes(found.dates, found.findings, CLEAN.dates[ROW + 3]) == {}


def test_a_close_that_the_second_source_lacks_too_stays_unknown() -> None:
    found = settle(DEFECTS["missing session"](CLEAN), second(DEFECTS["missing session"](CLEAN)))
    assert told(found) == [("missing session", "refused", "")]


def test_a_second_source_that_is_stale_itself_repairs_nothing() -> None:
    found = settle(DEFECTS["stale price"](CLEAN), second(DEFECTS["stale price"](CLEAN)))
    assert told(found) == [("stale price", "refused", "")]


@pytest.mark.parametrize(
    ("volume", "verdict"), [(30.0, "repaired"), (1.0, "refused"), (0.01, "confirmed"), (float("nan"), "refused")]
)
def test_of_two_closes_that_differ_the_fuller_tapes_is_taken_and_none_where_neither_is(
    volume: float, verdict: str
) -> None:
    found = settle(DEFECTS["sources disagree"](CLEAN), second(volume=volume))
    assert [finding.verdict for finding in found.findings if finding.gate == "sources disagree"] == [verdict]
    assert set(unknown_closes(found.dates, found.findings, CLEAN.dates[ROW + 3])) == (
        {DAY} if verdict == "refused" else set()
    )


def test_another_scale_is_no_disagreement() -> None:
    """Sources adjust from different last days."""
    assert told(settle(CLEAN, second(scaled(CLEAN, slice(None), 0.37)))) == []


def test_repairs_are_put_on_the_first_sources_scale() -> None:
    found = settle(DEFECTS["missing session"](CLEAN), second(scaled(CLEAN, slice(None), 0.37)))
    np.testing.assert_allclose(found.close, CLEAN.close, rtol=1e-9)


def test_a_missing_dividend_is_noted_and_changes_nothing() -> None:
    found = settle(CLEAN, second(scaled(CLEAN, slice(0, ROW), 0.97)))
    assert ("adjustments differ", "noted", "") in told(found)
    assert found.close == CLEAN.close


def test_a_history_a_session_late_is_found_beside_the_second_source_though_every_date_is_a_session() -> None:
    late = with_columns(without_rows(CLEAN, -1), dates=CLEAN.dates[1:])
    found = settle(late, second())
    assert told(found)[0] == ("wrong time zone", "repaired", "twelvedata")
    assert found.source == "twelvedata"
    assert found.close == CLEAN.close


def test_a_second_source_that_takes_the_place_of_the_first_is_looked_at_as_closely() -> None:
    found = settle(DEFECTS["wrong time zone"](CLEAN), second(without_rows(CLEAN, -1, -2)))
    assert ("stale price", CLEAN.dates[-2:], "refused") in [(f.gate, f.dates, f.verdict) for f in found.findings]


def test_what_a_person_accepted_is_true_of_the_source_that_takes_the_place_of_the_first() -> None:
    both = settle(shifted(CLEAN, -1), second(DEFECTS["outlier"](CLEAN)), accepted=frozenset({("SPY", DAY)}))
    assert ("outlier", "accepted", "") in told(both)


def test_what_a_person_accepted_is_true() -> None:
    accepted = frozenset({("SPY", DAY)})
    for gate in ("unapplied split", "outlier"):
        found = settle(DEFECTS[gate](CLEAN), None, accepted=accepted)
        assert told(found) == [(gate, "accepted", "")]
        assert unknown_closes(found.dates, found.findings, CLEAN.dates[ROW + 3]) == {}
    assert told(settle(DEFECTS["outlier"](CLEAN), None, accepted=frozenset({("QQQ", DAY)})))[0][1] == "refused"


def test_accepting_one_day_accepts_no_other_of_the_same_doubt() -> None:
    stale = CLEAN
    for row in (ROW, ROW + 5):
        stale = with_volume(scaled(stale, slice(row, row + 1), 0.9), row, 0)
    found = settle(stale, None, accepted=frozenset({("SPY", DAY)}))
    assert [(f.verdict, f.dates) for f in found.findings] == [
        ("accepted", (DAY,)),
        ("refused", (CLEAN.dates[ROW + 5],)),
    ]


def test_findings_of_one_kind_are_one_with_all_their_dates() -> None:
    spoiled = scaled(scaled(CLEAN, slice(ROW, ROW + 1), 1.011), slice(ROW + 40, ROW + 41), 0.98)
    (finding,) = settle(spoiled, second()).findings
    assert finding.dates == (DAY, CLEAN.dates[ROW + 40])
    assert "-2.00%" in finding.seen


def test_a_finding_reads_as_a_sentence_with_its_dates() -> None:
    (finding,) = settle(DEFECTS["missing session"](CLEAN), second()).findings
    assert str(finding) == f"missing session {DAY}: no row, expected a row for every session (repaired from twelvedata)"
    assert isinstance(DAY, dt.date)


def test_a_small_doubt_counts_for_ten_sessions_and_a_large_one_for_ever() -> None:
    small, large = first_only(DEFECTS["stale price"]), first_only(DEFECTS["outlier"])
    for later, is_unknown in ((9, True), (10, False)):
        session = CLEAN.dates[ROW + later]
        assert (DAY in unknown_closes(small.dates, small.findings, session)) == is_unknown
        assert DAY in unknown_closes(large.dates, large.findings, session)
