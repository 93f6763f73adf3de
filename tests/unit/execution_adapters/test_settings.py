"""Execution's settings: defaults that let one strategy hold one symbol, and every wrong value named in one line."""

from __future__ import annotations

from decimal import Decimal

import pytest

from services.execution.domain.limits import Bounds
from services.execution.domain.stops import WatchRules
from services.execution.settings import ExecutionSettings
from shared.settings import SettingsError, read


def test_the_defaults_let_everything_be_in_one_symbol_and_no_naked_market_order() -> None:
    settings = read(ExecutionSettings)
    assert settings.bounds().max_position_weight == 1
    for side, reason in (("buy", "new in the target"), ("sell", "not in the target")):
        policy = settings.policies(sees_whole_market=True).of(side, reason)  # type: ignore[arg-type]
        assert [rung.kind for rung in policy.rungs].count("market") == 0
        assert (policy.rungs[0].name, policy.rungs[-1].name) == ("near", "take")
    assert settings.live_account is None


def test_values_reach_the_rules_they_belong_to(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "MAX_POSITION_WEIGHT": "0.25",
        "MAX_ORDER_NOTIONAL": "5000",
        "MAX_SPREAD_BPS": "12.5",
        "MAX_QUOTE_AGE_SECONDS": "5",
        "CASH_RESERVE": "0.01",
        "MIN_TRADE_NOTIONAL": "25",
        "PATIENCE_SECONDS": "3",
        "COLLAR_BPS": "7",
        "MARKET_ORDER_FALLBACK": "true",
        "LIVE_ACCOUNT": "471234567",
    }.items():
        monkeypatch.setenv(f"EXECUTION_{name}", value)
    settings = read(ExecutionSettings)
    bounds, rules = settings.bounds(), settings.plan_rules()
    policy = settings.policies(sees_whole_market=True).of("buy", "new in the target")
    assert (bounds.max_position_weight, bounds.max_order_notional) == (Decimal("0.25"), Decimal(5000))
    assert (bounds.max_spread_bps, bounds.max_quote_age_seconds) == (Decimal("12.5"), 5)
    assert (rules.cash_reserve, rules.min_notional, rules.buy_margin_bps) == (Decimal("0.01"), 25, 7)
    assert (policy.collar_bps, policy.rungs[0].follows_seconds, policy.rungs[-1].kind) == (7, 3, "market")
    assert settings.live_account == "471234567"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_POSITION_WEIGHT", "0"),
        ("MAX_POSITION_WEIGHT", "1.01"),
        ("MAX_POSITION_WEIGHT", "NaN"),
        ("MAX_POSITION_WEIGHT", "much"),
        ("MAX_ORDER_NOTIONAL", "-1"),
        ("MAX_ORDER_NOTIONAL", "Infinity"),
        ("MAX_SPREAD_BPS", "-0.1"),
        ("SPREAD_FLOOR", "NaN"),
        ("MAX_QUOTE_AGE_SECONDS", "0"),
        ("MAX_QUOTE_AGE_SECONDS", "nan"),
        ("MAX_DAILY_LOSS", "-0.1"),
        ("MAX_DRAWDOWN", "NaN"),
        ("LOSS_STOP", "ACTIVE"),
        ("DATA_LOSS_SECONDS", "-1"),
        ("DATA_LOSS_STOP", "halted"),
        ("WATCH_SECONDS", "0"),
        ("MAX_TURNOVER", "-1"),
        ("MAX_OPEN_ORDERS", "0"),
        ("ALLOW_MARGIN", "perhaps"),
        ("MAX_BEYOND_QUOTE_BPS", "-1"),
        ("MAX_CLOSE_MOVE", "NaN"),
        ("CLOSE_MOVE_MULTIPLE", "-1"),
        ("MAX_VOLUME_SHARE", "-0.1"),
        ("IEX_VOLUME_SHARE", "0"),
        ("COLLAR_BPS", "101"),
        ("ALLOW_SYMBOLS", "SPY, TLT"),
        ("DENY_SYMBOLS", "spy"),
        ("CASH_RESERVE", "2"),
        ("MIN_TRADE_NOTIONAL", "0.5"),
        ("PATIENCE_SECONDS", "-3"),
        ("STEPS", "21"),
        ("STEPS", "1.5"),
        ("POLICY", "greedy"),
        ("POLICY", "patient,sell=greedy"),
        ("POLICY", "patient,short=take"),
        ("URGENCY", "now"),
        ("URGENCY", "normal,sell=now"),
        ("MAX_LEAN", "1.1"),
        ("DEADLINE_SECONDS", "0"),
        ("SLICE_NOTIONAL", "0"),
        ("SLICE_SHOWN_SHARE", "-1"),
        ("SLICE_VOLUME_SHARE", "-1"),
        ("SLICE_SECONDS", "NaN"),
        ("COLLAR_BPS", "20000"),
        ("MARKET_ORDER_FALLBACK", "perhaps"),
        ("LIVE_ACCOUNT", "my account"),
        ("RECONCILE_SECONDS", "0"),
        ("LEASE_SECONDS", "inf"),
        ("JOURNAL_FSYNC_SECONDS", "-1"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"EXECUTION_{name}", value)
    with pytest.raises(SettingsError, match=f"^EXECUTION_{name}: .*") as caught:
        read(ExecutionSettings)
    assert "\n" not in str(caught.value)


def test_a_limit_that_is_zero_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(ExecutionSettings).bounds() == Bounds()
    assert read(ExecutionSettings).watch_rules() == WatchRules()
    for name in ("MAX_CLOSE_MOVE", "MAX_VOLUME_SHARE", "MAX_TURNOVER", "MAX_DAILY_LOSS", "MAX_DRAWDOWN"):
        monkeypatch.setenv(f"EXECUTION_{name}", "0")
    bounds = read(ExecutionSettings).bounds()
    assert (bounds.max_close_move, bounds.max_volume_share) == (None, None)
    assert (bounds.max_turnover, bounds.max_daily_loss, bounds.max_drawdown) == (None, None, None)


def test_after_a_loss_sells_go_on_only_where_trading_is_reduced(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(ExecutionSettings).bounds().sells_go_on
    monkeypatch.setenv("EXECUTION_LOSS_STOP", "HALTED")
    settings = read(ExecutionSettings)
    assert (settings.bounds().sells_go_on, settings.watch_rules().loss_state) == (False, "HALTED")


def test_policies_differ_by_side_reason_and_feed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXECUTION_POLICY", "peg,trim=passive")
    monkeypatch.setenv("EXECUTION_URGENCY", "normal,exit=urgent")
    monkeypatch.setenv("EXECUTION_SLICE_NOTIONAL", "5000")
    settings = read(ExecutionSettings)
    policies = settings.policies(sees_whole_market=True)
    assert policies.of("buy", "new in the target").rungs[0].name == "mid"
    assert policies.of("sell", "above its target").rungs[0].name == "join"
    assert policies.of("sell", "not in the target").rungs[0].name == "take"
    assert policies.default.rungs[0].leaves_at_lean == Decimal("0.7")
    assert policies.default.slicing.notional == 5000
    assert settings.policies(sees_whole_market=False).default.rungs[0].leaves_at_lean is None


def test_a_policy_that_does_not_exist_is_told_with_those_that_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXECUTION_POLICY", "greedy")
    with pytest.raises(SettingsError, match=r"EXECUTION_POLICY: expected one of patient, passive, mid.*got 'greedy'"):
        read(ExecutionSettings)


def test_the_symbol_lists_reach_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXECUTION_ALLOW_SYMBOLS", "SPY,BRK.B")
    monkeypatch.setenv("EXECUTION_DENY_SYMBOLS", "TLT")
    bounds = read(ExecutionSettings).bounds()
    assert bounds.allowed_symbols == {"SPY", "BRK.B"}
    assert bounds.denied_symbols == {"TLT"}
