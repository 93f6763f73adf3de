"""Messages refuse what is not exactly what they say, and name it."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any, Literal

import pytest
from pydantic import ValidationError, create_model

from shared.contracts import Message, UndecodableMessageError, decode
from shared.contracts.marketdata import Bar, Quote
from shared.contracts.strategy import StaleShare, TargetPortfolioSet

AT = dt.datetime(2024, 6, 3, 19, 45, tzinfo=dt.UTC)


def a_target(**changes: Any) -> TargetPortfolioSet:
    fields: dict[str, Any] = {
        "run_id": "r1",
        "correlation_id": "c1",
        "at": AT,
        "session": AT.date(),
        "weights": {"BIL": Decimal("0.4"), "TECL": Decimal("0.6")},
    }
    return TargetPortfolioSet(**{**fields, **changes})


def a_quote(**changes: Any) -> Quote:
    fields: dict[str, Any] = {
        "symbol": "SPY",
        "at": AT,
        "bid": Decimal("500.00"),
        "bid_size": 300,
        "ask": Decimal("500.01"),
        "ask_size": 200,
    }
    return Quote(**{**fields, **changes})


def raw(**changes: Any) -> bytes:
    return json.dumps({**json.loads(a_target().encode()), **changes}).encode()


def test_every_message_survives_the_wire_unchanged() -> None:
    target = a_target(stale=(StaleShare(strategy="klm", share=Decimal(0), reason="no data", has_weights=False),))
    assert decode(target.kind, target.encode()) == target


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"weights": {"BIL": "NaN"}}, "weights.BIL"),
        ({"weights": {"BIL": "Infinity"}}, "weights.BIL"),
        ({"weights": {"BIL": "1.1"}}, "weights.BIL"),
        ({"weights": {"BIL": "-0.1"}}, "weights.BIL"),
        ({"weights": {"bil": "0.1"}}, "weights.bil"),
        ({"weights": {"BIL": "0.6", "SPY": "0.6"}}, "expected to sum to at most 1"),
        ({"by_strategy": {"a": {"BIL": "0.4"}, "b": {"TECL": "0.5"}}}, "TECL: expected parts that sum to 0.6, got 0.5"),
        ({"by_strategy": {"a": {"BIL": "0.4", "SPY": "0.1", "TECL": "0.6"}}}, "SPY: expected parts that sum to 0"),
        ({"by_strategy": {"foreign": {"BIL": "0.4", "TECL": "0.6"}}}, "foreign cannot be the name of a strategy"),
        ({"weights": None}, "weights"),
        ({"at": "2024-06-03T19:45:00"}, "at"),
        ({"at": "yesterday"}, "at"),
        ({"session": "2024-13-01"}, "session"),
        ({"run_id": ""}, "run_id"),
        ({"run_id": 7}, "run_id"),
        ({"surprise": 1}, "surprise"),
        ({"kind": "strategy.target_portfolio_set.v2"}, "kind"),
    ],
)
def test_a_malformed_message_is_refused_by_field(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(UndecodableMessageError, match=named):
        decode("strategy.target_portfolio_set.v1", raw(**changes))


@pytest.mark.parametrize(("kind", "body"), [("nonsense.v1", b"{}"), ("control.run_requested.v1", b"{"), ("", b"")])
def test_an_unknown_kind_or_no_json_at_all_is_refused(kind: str, body: bytes) -> None:
    with pytest.raises(UndecodableMessageError):
        decode(kind, body)


def test_unknown_shares_count_towards_the_whole() -> None:
    lost = StaleShare(strategy="klm", share=Decimal("0.2"), reason="no data", has_weights=False)
    assert a_target(weights={"BIL": Decimal("0.8")}, stale=(lost,)).unknown_share == Decimal("0.2")
    with pytest.raises(ValidationError, match="sum to at most 1"):
        a_target(stale=(lost,))


def test_a_quote_tells_its_mid_and_spread() -> None:
    quote = a_quote()
    assert (quote.mid, quote.spread) == (Decimal("500.005"), Decimal("0.01"))
    assert quote.spread_bps.quantize(Decimal("0.001")) == Decimal("0.200")
    assert quote.age(AT + dt.timedelta(seconds=3)) == dt.timedelta(seconds=3)


@pytest.mark.parametrize("changes", [{"bid": None}, {"ask": None}, {"bid": Decimal("500.02")}])
def test_a_one_sided_or_crossed_quote_has_no_mid(changes: dict[str, Any]) -> None:
    quote = a_quote(**changes)
    assert not quote.is_two_sided
    with pytest.raises(ValueError, match="no two-sided quote"):
        _ = quote.mid


@pytest.mark.parametrize(
    "changes",
    [
        {"bid": Decimal(0)},
        {"ask": Decimal("NaN")},
        {"ask_size": -1},
        {"symbol": "SP Y"},
        {"symbol": ""},
        {"bid": 500.0},
    ],
)
def test_an_impossible_quote_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        a_quote(**changes)


def test_a_bar_whose_high_is_below_its_low_is_refused() -> None:
    with pytest.raises(ValidationError, match="low <= open, close <= high"):
        Bar(
            symbol="SPY",
            at=AT,
            timeframe="1Day",
            open=Decimal(5),
            high=Decimal(4),
            low=Decimal(6),
            close=Decimal(5),
            volume=1,
        )


def test_two_messages_cannot_share_a_kind() -> None:
    with pytest.raises(TypeError, match=r"two messages call themselves control\.run_requested\.v1"):
        create_model(
            "Impostor",
            __base__=Message,
            kind=(Literal["control.run_requested.v1"], "control.run_requested.v1"),
        )
