"""What people see of the limits: each of them, its bound, and a reading that is true."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from services.execution.domain.exposure import Standing
from services.execution.domain.limit_views import Picture, rows
from services.execution.domain.limits import LIMITS, Bounds
from services.execution.domain.records import TradingRecord
from tests.unit.execution.builders import NOW, a_position, a_reading, an_account, seconds


def a_picture() -> Picture:
    return Picture(
        bounds=Bounds(),
        trading=TradingRecord(),
        obstacle=None,
        worth=a_reading("90000"),
        standing=Standing(Decimal(50_000), 3, Decimal(10_000)),
        account=an_account("20000", "100000"),
        positions=[a_position("SPY", "500"), a_position("TLT", "300"), a_position("ODD", "1", None)],
        funds=Decimal(10_000),
        now=NOW + seconds(7),
    )


def seen(picture: Picture) -> dict[str, tuple[str, str]]:
    return {row.limit: (row.bound, row.reading) for row in rows(picture)}


def test_every_limit_is_shown_in_the_order_in_which_it_is_looked_at() -> None:
    assert [row.limit for row in rows(a_picture())] == [limit.name for limit in LIMITS]


def test_readings_are_those_of_the_account() -> None:
    found = seen(a_picture())
    assert found["trading state"][1] == "ACTIVE"
    assert found["session"][1] == "open"
    assert found["equity reading"][1] == "7 s ago"
    assert found["drawdown"] == ("at most 50%", "10.00% below $100,000.00")
    assert found["daily loss"] == ("at most 25%", "10.00% below $100,000.00")
    assert found["position size"] == ("at most 100% of the equity", "SPY 50.0%")
    assert found["open orders"] == ("at most 100", "3")
    assert found["daily turnover"] == ("at most 4 times the equity", "$50,000.00, 0.50 times")
    assert found["buying power"][1] == "$10,000.00"


def test_what_stands_in_the_way_is_said() -> None:
    halted = TradingRecord(state="REDUCING", reason="daily loss: too much", cause="daily loss")
    found = seen(replace(a_picture(), trading=halted, obstacle="not armed", worth=None))
    assert found["trading state"][1] == "REDUCING: daily loss: too much"
    assert found["arming"][1] == "not armed"
    assert found["drawdown"][1] == found["daily loss"][1] == found["equity reading"][1] == "not read yet"


def test_what_is_switched_off_says_so() -> None:
    off = Bounds(max_daily_loss=None, max_drawdown=None, max_turnover=None, max_volume_share=None, max_close_move=None)
    found = seen(replace(a_picture(), bounds=off))
    for name in ("daily loss", "drawdown", "daily turnover", "average volume", "last close"):
        assert found[name][0] == "off", name


def test_nothing_held_and_nothing_worth_is_no_fault() -> None:
    broke = replace(a_picture(), positions=[], account=an_account("0", "0"))
    assert seen(broke)["position size"][1] == "nothing is held"
    assert "NaN" in seen(broke)["daily turnover"][1]
