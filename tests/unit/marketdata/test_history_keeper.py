"""The cache of daily history stays full and fresh, from the first source that has it; what is odd is told once."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from services.marketdata.adapters.history_memory import MemoryHistory
from services.marketdata.adapters.history_store_memory import MemoryHistories
from services.marketdata.domain.history import DailyBar
from services.marketdata.handlers import HistoryKeeper, KeeperOptions
from services.marketdata.ports import Fetched, Observer, SourceUnavailableError
from shared.bus import Outcome
from shared.clock import ManualClock
from shared.contracts.alerts import AlertRaised
from shared.contracts.control import BackfillRequested
from shared.sessions import sessions_between

NOW = dt.datetime(2024, 6, 5, 15, 0, tzinfo=dt.UTC)
FIRST = dt.date(2024, 1, 1)
SPY = frozenset({"SPY"})


def rows(close: float = 100.0, until: dt.date = dt.date(2024, 6, 7)) -> list[DailyBar]:
    dates = [session.date for session in sessions_between(dt.date(2024, 5, 1), until)]
    return [DailyBar(date, close, close, close, close, 1.0) for date in dates]


class Kept:
    """A keeper with a first and a second source, and a clock that moves by hand."""

    def __init__(self, *, second: bool = True, **options: Any) -> None:
        self.clock, self.seconds = ManualClock(NOW), 0.0
        self.alpaca, self.twelvedata = MemoryHistory("alpaca"), MemoryHistory("twelvedata")
        self.store = MemoryHistories(lambda: self.seconds)
        self.keeper = HistoryKeeper(
            sources=[self.alpaca, self.twelvedata] if second else [self.alpaca],
            store=self.store,
            clock=self.clock,
            steady=lambda: self.seconds,
            observer=Observer(),
            options=KeeperOptions(FIRST, dt.timedelta(hours=24), **options),
        )

    def pass_time(self, **step: float) -> None:
        self.clock.advance(dt.timedelta(**step))
        self.seconds += dt.timedelta(**step).total_seconds()

    def last_date(self, symbol: str = "SPY") -> dt.date:
        found = self.store.get(symbol, "all")
        assert found is not None
        return found.dates[-1]


def told(outcome: Outcome) -> list[AlertRaised]:
    assert {item.stream for item in outcome.publications} <= {"marketdata.alerts"}
    return [item.message for item in outcome.publications if isinstance(item.message, AlertRaised)]


def request(*symbols: str) -> BackfillRequested:
    return BackfillRequested(correlation_id="c", at=NOW, origin="http", symbols=symbols)


def test_wanted_history_is_fetched_once_and_ends_with_the_prior_session() -> None:
    kept = Kept()
    kept.alpaca.rows["SPY"] = rows()
    assert kept.keeper.unloaded(SPY) == ("SPY",)
    assert told(kept.keeper.refresh(SPY)) == []
    kept.keeper.refresh(SPY)
    assert kept.alpaca.asked == [("SPY",)]
    assert kept.last_date() == dt.date(2024, 6, 4)
    assert kept.keeper.unloaded(SPY) == ()


def test_a_newly_wanted_symbol_is_fetched_without_the_others() -> None:
    kept = Kept()
    kept.alpaca.rows |= {"SPY": rows(), "QQQ": rows()}
    kept.keeper.refresh(SPY)
    kept.keeper.refresh(SPY | {"QQQ"})
    assert kept.alpaca.asked == [("SPY",), ("QQQ",)]


def test_history_is_fetched_again_once_a_session_has_closed() -> None:
    kept = Kept()
    kept.alpaca.rows["SPY"] = rows()
    kept.keeper.refresh(SPY)
    kept.pass_time(hours=5, minutes=30)
    kept.keeper.refresh(SPY)
    assert kept.last_date() == dt.date(2024, 6, 5)


def test_history_that_the_cache_lost_is_fetched_again() -> None:
    kept = Kept()
    kept.alpaca.rows["SPY"] = rows()
    kept.keeper.refresh(SPY)
    kept.seconds += 25 * 3600  # real time passes; the venue's clock stands still
    assert kept.keeper.unloaded(SPY) == ("SPY",)
    kept.keeper.refresh(SPY)
    assert kept.keeper.unloaded(SPY) == ()


def test_history_is_refreshed_before_the_cache_forgets_it() -> None:
    kept = Kept()
    kept.clock.set(dt.datetime(2024, 6, 8, 12, tzinfo=dt.UTC))  # a Saturday: no session closes
    kept.alpaca.rows["SPY"] = rows()
    kept.keeper.refresh(SPY)
    kept.pass_time(hours=20)
    kept.keeper.refresh(SPY)
    kept.pass_time(hours=20)
    assert kept.keeper.unloaded(SPY) == ()


def test_history_cached_by_an_earlier_life_is_used_while_it_is_fresh() -> None:
    before = Kept()
    before.alpaca.rows["SPY"] = rows()
    before.keeper.refresh(SPY)
    after = Kept()
    after.keeper = HistoryKeeper(
        sources=[after.alpaca],
        store=before.store,
        clock=after.clock,
        steady=lambda: 0.0,
        observer=Observer(),
        options=KeeperOptions(FIRST, dt.timedelta(hours=24)),
    )
    after.keeper.refresh(SPY)
    assert after.alpaca.asked == []


def test_a_venue_whose_clock_was_set_back_gets_its_history_afresh() -> None:
    kept = Kept()
    kept.alpaca.rows["SPY"] = rows()
    kept.keeper.refresh(SPY)
    kept.clock.set(NOW - dt.timedelta(days=7))
    kept.keeper.refresh(SPY)
    assert kept.last_date() == dt.date(2024, 5, 28)


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        ("outage", "SPY (alpaca: status 500)"),
        ("no data", "SPY (alpaca has none)"),
        ("unreadable", "SPY (close: expected a number)"),
        ("impossible", "SPY (alpaca: SPY 2024-05-01 open: expected a finite price > 0, got nan)"),
    ],
)
def test_the_second_source_stands_in_and_says_so_once(failure: str, reason: str) -> None:
    kept = Kept()
    kept.alpaca.rows["QQQ"] = rows()
    kept.twelvedata.rows["SPY"] = rows(200.0)
    if failure == "outage":
        kept.alpaca.outage = "status 500"
        kept.twelvedata.rows["QQQ"] = rows()
    elif failure == "unreadable":
        kept.alpaca.faults["SPY"] = "close: expected a number"
    elif failure == "impossible":
        kept.alpaca.rows["SPY"] = rows(float("nan"))
    (alert,) = told(kept.keeper.refresh(SPY | {"QQQ"}))
    found = kept.store.get("SPY", "all")
    assert found is not None
    assert (found.source, found.close[-1]) == ("twelvedata", 200.0)
    assert (alert.severity, "twelvedata" in alert.title) == ("warning", True)
    assert reason in alert.detail
    kept.pass_time(hours=20)
    assert told(kept.keeper.refresh(SPY | {"QQQ"})) == []


def test_going_back_to_the_first_source_and_away_again_is_told_again() -> None:
    kept = Kept()
    kept.twelvedata.rows["SPY"] = rows()
    assert len(told(kept.keeper.refresh(SPY))) == 1
    kept.alpaca.rows["SPY"] = rows()
    kept.pass_time(hours=20)
    assert told(kept.keeper.refresh(SPY)) == []
    kept.alpaca.rows.clear()
    kept.pass_time(hours=20)
    assert len(told(kept.keeper.refresh(SPY))) == 1


def test_a_symbol_no_source_has_is_told_once_and_does_not_hold_up_readiness() -> None:
    kept = Kept()
    (alert,) = told(kept.keeper.refresh(frozenset({"NOPE"})))
    assert alert.severity == "critical"
    assert "NOPE (alpaca has none; twelvedata has none)" in alert.detail
    assert kept.keeper.unloaded(frozenset({"NOPE"})) == ()
    kept.pass_time(hours=1)
    assert told(kept.keeper.refresh(frozenset({"NOPE"}))) == []
    assert len(kept.alpaca.asked) == 2


def test_a_failed_fetch_is_tried_again_after_a_pause_and_holds_up_readiness() -> None:
    kept = Kept(second=False)
    kept.alpaca.outage = "status 500"
    (alert,) = told(kept.keeper.refresh(SPY))
    assert "could not be fetched" in alert.title
    assert "status 500" in alert.detail
    assert kept.keeper.unloaded(SPY) == ("SPY",)
    kept.pass_time(seconds=30)
    kept.keeper.refresh(SPY)
    assert len(kept.alpaca.asked) == 1
    kept.alpaca.outage = None
    kept.alpaca.rows["SPY"] = rows()
    kept.pass_time(seconds=31)
    kept.keeper.refresh(SPY)
    assert kept.keeper.unloaded(SPY) == ()


def test_old_history_stays_when_new_one_cannot_be_had() -> None:
    kept = Kept(second=False)
    kept.alpaca.rows["SPY"] = rows()
    kept.keeper.refresh(SPY)
    kept.alpaca.outage = "status 500"
    kept.pass_time(hours=6)
    kept.keeper.refresh(SPY)
    assert kept.last_date() == dt.date(2024, 6, 4)


def test_a_backfill_fetches_what_is_still_fresh() -> None:
    kept = Kept()
    kept.alpaca.rows["SPY"] = rows()
    kept.keeper.refresh(SPY)
    kept.alpaca.rows["SPY"] = rows(50.0)
    assert told(kept.keeper.backfill(request("SPY"))) == []
    found = kept.store.get("SPY", "all")
    assert found is not None
    assert found.close[-1] == 50.0


def test_a_backfill_that_a_source_failed_is_asked_to_be_tried_again() -> None:
    kept = Kept(second=False)
    kept.alpaca.outage = "status 500"
    with pytest.raises(SourceUnavailableError, match="SPY"):
        kept.keeper.backfill(request("SPY"))


def test_a_backfill_of_what_no_source_has_is_an_answer_and_not_a_failure() -> None:
    (alert,) = told(Kept().keeper.backfill(request("NOPE")))
    assert "NOPE" in alert.detail


DAYS = [session.date for session in sessions_between(dt.date(2024, 1, 2), dt.date(2024, 6, 7))]
BAD = DAYS[-20]


def ordinary(*, volume: float = 1e5) -> list[DailyBar]:
    """Prices that move; a full history up to the last finished session."""
    closes = [100.0 + (n * 7 % 5) * 0.4 for n in range(len(DAYS))]
    return [
        DailyBar(day, close, close * 1.003, close * 0.997, close, volume)
        for day, close in zip(DAYS, closes, strict=True)
    ]


def without(day: dt.date) -> list[DailyBar]:
    return [row for row in ordinary() if row.date != day]


def unsplit(day: dt.date, factor: float) -> list[DailyBar]:
    """Before that day on another scale."""
    return [
        row
        if row.date >= day
        else DailyBar(row.date, *(p * factor for p in (row.open, row.high, row.low, row.close)), row.volume)
        for row in ordinary()
    ]


def found(kept: Kept, symbol: str = "SPY") -> list[tuple[str, str, str]]:
    history = kept.store.get(symbol, "all")
    assert history is not None
    return [(f.gate, f.verdict, f.repaired_from) for f in history.findings]


def test_a_doubtful_history_is_repaired_from_the_second_source_and_told_once() -> None:
    kept = Kept()
    kept.alpaca.rows |= {"SPY": without(BAD), "QQQ": ordinary()}
    kept.twelvedata.rows |= {"SPY": ordinary(volume=3e6), "QQQ": ordinary(volume=3e6)}
    (alert,) = told(kept.keeper.refresh(SPY | {"QQQ"}))
    assert (alert.severity, "repaired from twelvedata" in alert.title) == ("info", True)
    assert f"SPY (missing session {BAD}: no row" in alert.detail
    assert found(kept) == [("missing session", "repaired", "twelvedata")]
    assert found(kept, "QQQ") == []
    history = kept.store.get("SPY", "all")
    assert history is not None
    assert (history.source, history.close[history.dates.index(BAD)]) == ("alpaca", ordinary()[-20].close)
    assert kept.twelvedata.asked == [("SPY",)]
    kept.pass_time(hours=20)
    assert told(kept.keeper.refresh(SPY)) == []


def test_without_a_second_source_the_doubt_is_refused_and_told_once_by_symbol_and_date() -> None:
    kept = Kept(second=False)
    kept.alpaca.rows["SPY"] = unsplit(BAD, 2)
    (alert,) = told(kept.keeper.refresh(SPY))
    assert alert.severity == "warning"
    assert f"SPY (unapplied split {BAD}: 0.49" in alert.detail
    assert "MARKETDATA_ACCEPTED" in alert.what_to_do
    assert found(kept) == [("unapplied split", "refused", "")]
    kept.pass_time(hours=20)
    assert told(kept.keeper.refresh(SPY)) == []


def test_what_a_person_accepted_is_kept_and_told_to_nobody() -> None:
    kept = Kept(second=False, accepted=frozenset({("SPY", BAD)}))
    kept.alpaca.rows["SPY"] = unsplit(BAD, 2)
    assert told(kept.keeper.refresh(SPY)) == []
    assert found(kept) == [("unapplied split", "accepted", "")]


def test_all_histories_may_be_compared_which_finds_what_one_alone_does_not_show() -> None:
    wrong = [
        replace(row, high=row.close * 1.02, close=row.close * 1.012) if row.date == BAD else row for row in ordinary()
    ]
    for cross_check, expected in (("doubts", []), ("all", [("sources disagree", "repaired", "twelvedata")])):
        kept = Kept(cross_check=cross_check)
        kept.alpaca.rows["SPY"] = wrong
        kept.twelvedata.rows["SPY"] = ordinary(volume=3e6)
        kept.keeper.refresh(SPY)
        assert found(kept) == expected


def test_a_second_source_that_is_away_leaves_the_doubt_refused_and_is_asked_again() -> None:
    kept = Kept()
    kept.alpaca.rows["SPY"] = without(BAD)
    kept.twelvedata.rows["SPY"] = ordinary(volume=3e6)
    kept.twelvedata.outage = "status 429"
    (alert,) = told(kept.keeper.refresh(SPY))
    assert alert.severity == "warning"
    assert found(kept) == [("missing session", "refused", "")]
    kept.twelvedata.outage = None
    kept.pass_time(seconds=200)
    kept.keeper.refresh(SPY)
    assert found(kept) == [("missing session", "refused", "")]
    kept.pass_time(seconds=200)
    (alert,) = told(kept.keeper.refresh(SPY))
    assert alert.severity == "info"
    assert found(kept) == [("missing session", "repaired", "twelvedata")]


def test_a_doubtful_history_is_there_while_the_second_source_is_still_asked() -> None:
    kept = Kept()
    kept.alpaca.rows["SPY"] = without(BAD)
    seen: list[list[tuple[str, str, str]]] = []
    ask = kept.twelvedata.daily

    def slow(*question: Any) -> Fetched:
        seen.append(found(kept))
        return ask(*question)

    kept.twelvedata.daily = slow  # type: ignore[method-assign]
    kept.keeper.refresh(SPY)
    assert seen == [[("missing session", "refused", "")]]


def test_a_history_that_is_misdated_throughout_is_replaced_and_its_source_told() -> None:
    kept = Kept()
    kept.alpaca.rows["SPY"] = [replace(row, date=row.date - dt.timedelta(days=1)) for row in ordinary()]
    kept.twelvedata.rows["SPY"] = ordinary()
    outcome = told(kept.keeper.refresh(SPY))
    history = kept.store.get("SPY", "all")
    assert history is not None
    assert (history.source, history.dates) == ("twelvedata", tuple(DAYS[:-3]))
    assert [alert.severity for alert in outcome] == ["warning", "info"]
    assert "second source, twelvedata" in outcome[0].title
