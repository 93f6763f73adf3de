"""What a data connection may subscribe to."""

from __future__ import annotations

import pytest

from services.simulator.adapters.data_subscriptions import (
    InvalidSyntax,
    Subscriptions,
    SymbolLimitExceeded,
    UnknownChannel,
)


def test_a_plans_symbol_limit_counts_trades_and_quotes_and_leaves_subscriptions_as_they_were() -> None:
    wanted = Subscriptions(2)
    wanted.add({"action": "subscribe", "quotes": ["SPY"], "trades": ["SPY", "BIL"], "bars": ["*"]})
    for more in (["QQQ"], ["*"]):
        with pytest.raises(SymbolLimitExceeded):
            wanted.add({"action": "subscribe", "quotes": more})
    assert wanted.confirmation()["quotes"] == ["SPY"]


def test_a_star_means_every_listed_symbol() -> None:
    wanted = Subscriptions()
    wanted.add({"quotes": ["*"], "bars": ["TQQQ", "NOSUCH"]})
    assert wanted.symbols("quotes", ["BIL", "SPY"]) == ["BIL", "SPY"]
    assert wanted.symbols("bars", ["BIL", "TQQQ"]) == ["TQQQ"]


@pytest.mark.parametrize("symbols", ["SPY", 5, {"SPY": 1}, [None], [""], [["SPY"]]])
def test_symbols_are_a_list_of_names(symbols: object) -> None:
    with pytest.raises(InvalidSyntax):
        Subscriptions().add({"quotes": symbols})


def test_a_channel_of_another_feed_is_named_as_such() -> None:
    with pytest.raises(UnknownChannel):
        Subscriptions().add({"orderbooks": ["SPY"]})
