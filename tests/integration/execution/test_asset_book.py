"""How the broker is asked about symbols: once a day, and for many of them in one question."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence

import pytest

from services.execution.adapters.asset_book import AssetBook
from services.execution.adapters.memory_broker import MemoryBroker
from services.execution.domain.broker import Asset
from services.execution.ports import BrokerUnavailableError
from shared.bus.memory_bus import MemoryBus
from shared.clock import ManualClock

MONDAY = dt.datetime(2024, 6, 3, 14, 0, tzinfo=dt.UTC)
NAMES = ("AAPL", "IBM", "MSFT", "SPY", "TLT")


class Asked(MemoryBroker):
    """Counts the questions about assets."""

    def __init__(self, symbols: Sequence[str] = NAMES) -> None:
        super().__init__(
            lambda: MONDAY, assets=[Asset(s, is_tradable=True, is_fractionable=s != "IBM") for s in symbols]
        )
        self.asked: Counter[str] = Counter()

    def asset(self, symbol: str) -> Asset | None:
        self.asked["one"] += 1
        return super().asset(symbol)

    def assets(self) -> Sequence[Asset]:
        self.asked["all"] += 1
        return super().assets()


def test_many_symbols_cost_one_question_a_few_are_asked_one_by_one() -> None:
    broker = Asked()
    book = AssetBook(broker, MemoryBus(), ManualClock(MONDAY))
    assert sorted(book.known(("SPY", "IBM"))) == ["IBM", "SPY"]
    assert broker.asked == {"one": 2}
    found = AssetBook(broker, MemoryBus(), ManualClock(MONDAY)).known(NAMES)
    assert broker.asked == {"one": 2, "all": 1}
    assert [asset.symbol for asset in found.values() if not asset.is_fractionable] == ["IBM"]


def test_what_was_learnt_today_survives_a_restart_and_is_asked_anew_tomorrow() -> None:
    broker, bus, clock = Asked(), MemoryBus(), ManualClock(MONDAY)
    AssetBook(broker, bus, clock).known(NAMES)
    again = AssetBook(broker, bus, clock)
    assert again.known(NAMES) == AssetBook(broker, bus, clock).known(NAMES)
    assert broker.asked["all"] == 1
    clock.advance(dt.timedelta(days=1))
    again.known(NAMES)
    assert broker.asked["all"] == 2


def test_a_symbol_the_broker_does_not_know_is_absent_and_asked_about_by_each_plan_only() -> None:
    broker = Asked()
    book = AssetBook(broker, MemoryBus(), ManualClock(MONDAY))
    book.learn_ahead(["SPY", "NOPE"])
    book.learn_ahead(["SPY", "NOPE"])
    assert broker.asked == {"one": 2}
    assert list(book.known(["SPY", "NOPE"])) == ["SPY"]
    assert broker.asked == {"one": 3}


def test_an_outage_is_no_answer() -> None:
    broker = Asked()
    broker.script("question", BrokerUnavailableError("503"))
    with pytest.raises(BrokerUnavailableError):
        AssetBook(broker, MemoryBus(), ManualClock(MONDAY)).known(["SPY"])
