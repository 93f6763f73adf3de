"""Deciding minutes or a day early: which evenings flip, what a flip costs, and what is said where a price is missing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from backtest.history import HistoryError
from backtest.minutes import MinuteBars, adjusted_price, read_minutes
from backtest.parity import ParityDay, compare
from services.strategy.domain.language import close, when
from shared.sessions import session_on
from tests.unit.backtest.builders import a_history, a_tree, allotted, days

EARLY = dt.timedelta(minutes=15)
RISES = a_tree(when(close("AAA") > 10, then="BBB", otherwise="CCC"), "rises")
HISTORY = a_history(
    {"AAA": [9.0, 11.0, 11.0, 11.0], "BBB": [100.0, 100.0, 110.0, 110.0], "CCC": [100.0, 100.0, 99.0, 99.0]}
)


def bars(*minutes: tuple[int, int, float]) -> MinuteBars:
    """(session number, minutes before its close, price) of bars by their ends."""
    found = {}
    for number, before, price in minutes:
        session = session_on(days(4)[number])
        assert session is not None
        found[session.close - dt.timedelta(minutes=before)] = price
    return MinuteBars(tuple(found), tuple(found.values()))


def compared(minutes: dict[str, MinuteBars]) -> tuple[ParityDay, ...]:
    return compare(allotted(RISES), HISTORY, minutes, (None, None), EARLY).days


def test_the_decision_on_the_previous_close_flips_where_the_close_crossed_the_threshold() -> None:
    found = compared({})
    assert [day.previous.flipped for day in found] == [False, True, False, False]
    # BBB earned 10 % to the next close and CCC lost 1 %: the flip cost 11 %.
    assert found[1].previous.cost_bps == pytest.approx(1100)
    assert {day.at_time for day in found} == {None}


def test_the_price_at_decision_time_is_put_on_the_scale_of_the_adjusted_close() -> None:
    early = bars((1, 15, 18.0), (1, 0, 22.0))  # raw prices are twice the adjusted ones: 18 was 9
    session = session_on(days(4)[1])
    assert session is not None
    assert adjusted_price(early, session, session.close - EARLY, 11.0) == pytest.approx(9.0)
    found = compared({"AAA": early, "BBB": bars((1, 15, 1.0), (1, 0, 1.0)), "CCC": bars((1, 15, 1.0), (1, 0, 1.0))})
    assert found[1].at_time is not None
    assert (found[1].at_time.weights, found[1].at_time.flipped) == ({"CCC": 1.0}, True)
    assert found[1].at_time.cost_bps == pytest.approx(1100)


@pytest.mark.parametrize("missing", [((1, 26, 18.0), (1, 0, 22.0)), ((1, 15, 18.0), (1, 11, 22.0)), ((0, 15, 18.0),)])
def test_an_old_or_missing_minute_is_no_price_and_the_last_decision_stands(
    missing: tuple[tuple[int, int, float], ...],
) -> None:
    found = compared({"AAA": bars(*missing), "BBB": bars((1, 15, 1.0), (1, 0, 1.0))})
    assert (
        found[1].unknown == {"rises": "UndefinedDecision: close(AAA): no close"} or "AAA" in found[1].unknown["rises"]
    )
    assert found[1].at_time is not None
    assert found[1].at_time.weights == {"CCC": 1.0}


def test_what_the_last_sessions_flip_cost_is_not_known_yet() -> None:
    short = a_history({"AAA": [9.0, 11.0], "BBB": [1.0, 1.0], "CCC": [1.0, 1.0]})
    found = compare(allotted(RISES), short, {}, (None, None), EARLY)
    assert (found.days[1].previous.flipped, found.days[1].previous.cost_bps) == (True, None)
    assert found.summary()["previous_flips"] == 1


def test_a_bar_is_known_when_it_has_ended_and_instants_need_a_zone(tmp_path: Path) -> None:
    path = tmp_path / "SPY.csv"
    path.write_text("Datetime,Close\n2019-12-20 15:44:00-05:00,321.5\n2019-12-20 15:44:00-05:00,321.6\n")
    found = read_minutes(tmp_path)["SPY"]
    assert found == MinuteBars((dt.datetime(2019, 12, 20, 20, 45, tzinfo=dt.UTC),), (321.6,))
    path.write_text("Datetime,Close\n2019-12-20 15:44:00,321.5\n")
    with pytest.raises(HistoryError, match="expected instants with a zone"):
        read_minutes(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "Datetime,Close\n2019-12-20 15:44:00-05:00,high\n", "Datetime,Close\nsoon-05:00,1\n"]
)
def test_minutes_that_are_none_are_refused_by_their_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "SPY.csv").write_text(text)
    with pytest.raises(HistoryError, match=r"SPY\.csv: expected minute bars as CSV, got"):
        read_minutes(tmp_path)


def test_minutes_are_found_in_the_folder_of_all_recorded_prices(tmp_path: Path) -> None:
    inner = tmp_path / "intraday_1min"
    inner.mkdir()
    (inner / "SPY.csv").write_text("Datetime,Close\n2019-12-20 15:44:00-05:00,321.5\n")
    assert set(read_minutes(tmp_path)) == {"SPY"}
