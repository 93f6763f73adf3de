"""A wrong setting stops the service with one line that names it; own strategies come by a dotted path."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from services.strategy.adapters.loading import load_strategy
from services.strategy.bootstrap import build_manager
from services.strategy.domain.closes import Closes
from services.strategy.domain.engine import Decision
from services.strategy.domain.portfolio import PortfolioError
from services.strategy.settings import StrategySettings, parse_portfolio
from shared.settings import SettingsError, read


class Calm:
    name = "calm"
    symbols = ("BIL",)
    closes_needed = 1

    def decide(self, closes: Closes) -> Decision:
        return Decision({"BIL": 1.0})


class BreaksOnBirth(Calm):
    def __init__(self) -> None:
        raise RuntimeError("not today")


class HasNoSymbols:
    name = "half made"
    closes_needed = 1

    def decide(self, closes: Closes) -> Decision:
        return Decision({})


@pytest.fixture(autouse=True)
def my_module() -> Iterator[None]:
    module = types.ModuleType("my_module")
    module.__dict__.update(
        Calm=Calm, make=Calm, ready_made=Calm(), BreaksOnBirth=BreaksOnBirth, HasNoSymbols=HasNoSymbols, number=7
    )
    sys.modules["my_module"] = module
    yield
    del sys.modules["my_module"]


def test_without_settings_both_strategies_get_half() -> None:
    settings = read(StrategySettings, _env_file=None)
    assert [(e.strategy, e.share) for e in settings.entries] == [("nuclear", Decimal("0.5")), ("tecl", Decimal("0.5"))]
    assert settings.before_close.total_seconds() == 900
    assert build_manager(settings.entries).symbols[0] == "SPY"


def test_built_in_and_own_strategies_share_a_portfolio() -> None:
    manager = build_manager(parse_portfolio("nuclear=0.3, tecl=0.5 ,my_module:Calm=0.2"))
    assert [(a.name, str(a.share)) for a in manager.allotments] == [
        ("nuclear", "0.3"),
        ("tecl", "0.5"),
        ("calm", "0.2"),
    ]


@pytest.mark.parametrize("path", ["my_module:Calm", "my_module:make", "my_module:ready_made"])
def test_an_own_strategy_is_a_class_a_function_or_an_object(path: str) -> None:
    assert load_strategy(path).name == "calm"


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("nucular", "nucular: expected one of klm, nuclear, tecl, a symphony file, or module:attribute"),
        ("no_such_module_of_ours:X", "expected an importable strategy, got ModuleNotFoundError"),
        ("my_module:Missing", "expected an importable strategy, got AttributeError"),
        (":X", "expected an importable strategy, got ValueError"),
        ("my_module:number", "expected a class or function that makes a StrategyEngine, got 7"),
        ("my_module:BreaksOnBirth", "could not be made: RuntimeError: not today"),
        ("my_module:HasNoSymbols", "expected a StrategyEngine, which has symbols; got HasNoSymbols"),
    ],
)
def test_what_is_no_strategy_is_refused_by_name(path: str, fault: str) -> None:
    with pytest.raises(PortfolioError) as refused:
        load_strategy(path)
    assert fault in str(refused.value)


EXAMPLES = Path(__file__).parents[3] / "examples" / "symphonies"


def test_a_directory_of_symphony_files_is_traded_with_no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATEGY_SYMPHONIES", str(EXAMPLES))
    monkeypatch.setenv("STRATEGY_PORTFOLIO", "nuclear=0.3, klm.clj=0.5 ,holy_grail.clj=0.2")
    allotments = build_manager(read(StrategySettings, _env_file=None).entries).allotments
    assert [(a.name, str(a.share), str(a.rebalance)) for a in allotments] == [
        ("nuclear", "0.3", "daily"),
        ("klm", "0.5", "corridor of 10 %"),
        ("holy_grail", "0.2", "daily"),
    ]
    assert "SOXL" in allotments[2].symbols


def test_a_symphony_may_be_named_by_its_whole_path_too() -> None:
    assert load_strategy(str(EXAMPLES / "gold.clj")).name == "gold"


def test_a_symphony_that_does_not_read_stops_the_start_with_file_and_place(tmp_path: Path) -> None:
    (tmp_path / "mine.clj").write_text('(weight-equal\n [(asset "SPY" nil)')
    (tmp_path / "odd name!.json").write_text('{"step": "asset", "ticker": "SPY", "leverage": 2}')
    (tmp_path / "bytes.clj").write_bytes(b"\xff")
    for name, fault in (
        ("mine.clj", "mine.clj: line 2, column 20: expected ] to close the [ of line 2, column 2"),
        ("odd name!.json", "odd name!.json: $.leverage: expected no such field in asset"),
        ("bytes.clj", "expected a readable symphony file, got UnicodeDecodeError"),
        ("none.clj", "none.clj: expected a symphony file, there is none (STRATEGY_SYMPHONIES names the directory)"),
    ):
        settings = StrategySettings(portfolio=f"{name}=1", symphonies=tmp_path)
        with pytest.raises(SettingsError) as refused:
            build_manager(settings.entries)
        assert fault in str(refused.value)


@pytest.mark.parametrize("portfolio", ["nuclear", "nuclear=", "=0.5", "nuclear=half", "nuclear=0.5,,tecl=0.5", ","])
def test_a_portfolio_that_does_not_read_is_named(portfolio: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATEGY_PORTFOLIO", portfolio)
    with pytest.raises(SettingsError, match=r"STRATEGY_PORTFOLIO: expected name=share such as nuclear=0.5, got"):
        read(StrategySettings, _env_file=None)


@pytest.mark.parametrize(
    ("portfolio", "fault"),
    [
        ("nuclear=0.5,tecl=0.4", "STRATEGY_PORTFOLIO: shares: expected a sum of 1, got 0.9 (nuclear=0.5, tecl=0.4)"),
        ("nuclear=NaN,tecl=0.4", "STRATEGY_PORTFOLIO: nuclear: weight: expected more than 0 and at most 1, got NaN"),
        ("nuclear=-0.5,tecl=1.5", "STRATEGY_PORTFOLIO: nuclear: weight: expected more than 0 and at most 1, got -0.5"),
        ("tecl=0.5,tecl=0.5", "STRATEGY_PORTFOLIO: tecl: expected once, got it twice"),
        ("klm9=1", "STRATEGY_PORTFOLIO: klm9: expected one of klm, nuclear, tecl"),
    ],
)
def test_a_portfolio_that_cannot_be_is_named(portfolio: str, fault: str) -> None:
    with pytest.raises(SettingsError) as refused:
        build_manager(parse_portfolio(portfolio))
    assert fault in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRATEGY_DECIDE_BEFORE_CLOSE_MINUTES", "0"),
        ("STRATEGY_DECIDE_BEFORE_CLOSE_MINUTES", "soon"),
        ("STRATEGY_DECIDE_BEFORE_CLOSE_MINUTES", "390"),
        ("STRATEGY_PRICE_MAX_AGE_SECONDS", "-5"),
        ("STRATEGY_PRICE_MAX_SPREAD_BPS", "NaN"),
        ("STRATEGY_PRICE_MAX_SPREAD_BPS", "0"),
    ],
)
def test_a_wrong_number_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^{name}: .*{value}"):
        read(StrategySettings, _env_file=None)
