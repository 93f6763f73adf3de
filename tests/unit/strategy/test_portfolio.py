"""Shares are whole, strategies are consolidated, and one that fails costs its own share and nothing else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from services.strategy.domain.closes import Closes
from services.strategy.domain.engine import Decision, TreeStrategy
from services.strategy.domain.language import cash, close, equal, hold, when
from services.strategy.domain.portfolio import (
    PortfolioError,
    StrategyManager,
    Verdict,
    consolidate,
)
from services.strategy.domain.rebalance import Held
from services.strategy.domain.undefined import UndefinedDecision
from shared.contracts.strategy import StaleShare, Step

HALF = Decimal("0.5")


@dataclass
class Fixed:
    """Says the same every day; `decide` may be swapped for something that breaks."""

    name: str
    weights: Mapping[str, float]
    symbols: tuple[str, ...] = ("SPY", "BIL", "UVXY", "TECL")
    closes_needed: int = 1
    instead: Callable[[Closes], Decision] | None = field(default=None, repr=False)

    def decide(self, closes: Closes) -> Decision:
        return self.instead(closes) if self.instead else Decision(self.weights, (Step(text="as always"),))


def closes() -> Closes:
    days = [dt.date(2024, 6, 3), dt.date(2024, 6, 4)]
    return Closes.of(days, {symbol: [10.0, 11.0] for symbol in ("SPY", "BIL", "UVXY", "TECL")})


def a_portfolio(*strategies: tuple[Fixed, str]) -> StrategyManager:
    manager = StrategyManager()
    for strategy, share in strategies:
        manager.add_strategy(strategy, Decimal(share))
    return manager


def test_the_example_of_the_rules_is_consolidated_exactly() -> None:
    manager = a_portfolio(
        (Fixed("NUCLEAR", {"BIL": 0.6, "UVXY": 0.4}), "0.5"), (Fixed("TECL", {"TECL": 0.8, "BIL": 0.2}), "0.5")
    )
    portfolio = consolidate(manager.decide(closes(), {}))
    assert portfolio.weights == {"BIL": Decimal("0.4"), "UVXY": Decimal("0.2"), "TECL": Decimal("0.4")}
    assert portfolio.stale == ()
    assert portfolio.by_strategy == {
        "NUCLEAR": {"BIL": Decimal("0.3"), "UVXY": Decimal("0.2")},
        "TECL": {"TECL": Decimal("0.4"), "BIL": Decimal("0.1")},
    }


def test_thirds_in_thirds_still_sum_to_exactly_one() -> None:
    third = 1 / 3
    shares = ("0.333333333", "0.333333333", "0.333333334")
    manager = a_portfolio(
        *((Fixed(f"s{n}", {"SPY": third, "BIL": third, "TECL": third}), s) for n, s in enumerate(shares))
    )
    portfolio = consolidate(manager.decide(closes(), {}))
    assert sum(portfolio.weights.values()) == 1


@pytest.mark.parametrize(
    ("shares", "fault"),
    [
        (("0.5", "0.4"), "shares: expected a sum of 1, got 0.9 (s0=0.5, s1=0.4)"),
        (("0.7", "0.4"), "shares: expected a sum of 1, got 1.1"),
        (("0.5", "0.499999998"), "shares: expected a sum of 1"),
        ((), "shares: expected a sum of 1, got 0 (no strategy)"),
    ],
)
def test_shares_that_do_not_sum_to_one_are_refused(shares: tuple[str, ...], fault: str) -> None:
    manager = a_portfolio(*((Fixed(f"s{n}", {"SPY": 1.0}), share) for n, share in enumerate(shares)))
    with pytest.raises(PortfolioError) as refused:
        manager.decide(closes(), {})
    assert fault in str(refused.value)


def test_shares_are_whole_within_a_billionth() -> None:
    a_portfolio(*((Fixed(f"s{n}", {"SPY": 1.0}), "0.333333333") for n in range(3))).require_whole()


@pytest.mark.parametrize(
    "weight", [Decimal("NaN"), Decimal("Infinity"), Decimal(0), Decimal("-0.1"), Decimal("1.1"), 0.5, "0.5"]
)
def test_a_weight_that_is_no_share_is_refused_by_name(weight: object) -> None:
    with pytest.raises(PortfolioError, match=r"^fixed: weight: expected"):
        StrategyManager().add_strategy(Fixed("fixed", {}), weight)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("strategy", "fault"),
    [
        (Fixed("", {}), "name: expected"),
        (Fixed("a=b", {}), "name: expected"),
        (Fixed("x", {}, symbols=()), "x: symbols: expected at least one, got none"),
        (Fixed("x", {}, symbols=("spy",)), "x: symbols: expected tickers such as SPY or BRK.B, got 'spy'"),
        (Fixed("x", {}, symbols=("SPY", 7)), "x: symbols: expected tickers"),  # type: ignore[arg-type]
    ],
)
def test_a_strategy_without_a_proper_name_or_symbols_is_refused(strategy: Fixed, fault: str) -> None:
    with pytest.raises(PortfolioError) as refused:
        StrategyManager().add_strategy(strategy, Decimal(1))
    assert fault in str(refused.value)


def test_one_name_stands_for_one_strategy() -> None:
    manager = a_portfolio((Fixed("tecl", {}), "0.5"))
    with pytest.raises(PortfolioError, match="tecl: expected once, got it twice"):
        manager.add_strategy(Fixed("tecl", {}), HALF)


def raising(error: Exception) -> Callable[[Closes], Decision]:
    def decide(_closes: Closes) -> Decision:
        raise error

    return decide


def answering(answer: object) -> Callable[[Closes], Decision]:
    return lambda _closes: answer  # type: ignore[return-value]


BROKEN: list[tuple[Callable[[Closes], Decision], str]] = [
    (raising(RuntimeError("boom")), "RuntimeError: boom"),
    (raising(RecursionError("deep")), "RecursionError: deep"),
    (
        raising(UndefinedDecision("RSI10(KMLM): 3 of 11 closes needed")),
        "UndefinedDecision: RSI10(KMLM): 3 of 11 closes needed",
    ),
    (answering(Decision({"SPY": 0.5})), "WeightsError: weights: expected a sum of 1, got 0.5"),
    (answering(Decision({"SPY": 0.7, "BIL": 0.7})), "WeightsError: weights: expected a sum of 1, got 1.4"),
    (answering(Decision({"SPY": float("nan")})), "WeightsError: weight of SPY: expected a number from 0 to 1, got nan"),
    (answering(Decision({"SPY": -1.0, "BIL": 2.0})), "WeightsError: weight of SPY"),
    (
        answering(Decision({"GME": 1.0})),
        "UnknownSymbolError: GME: unknown: it is not among the symbols broken asked for",
    ),
    (answering(Decision({"NEW": 1.0})), "UnknownSymbolError: NEW: unknown: there is not one daily close of it"),
    (answering({"SPY": 1.0}), "TypeError: decide: expected a Decision, got dict"),
    (answering(None), "TypeError: decide: expected a Decision, got NoneType"),
    (answering(Decision({"SPY": 1.0}, ("because",))), "TypeError: explanation: expected Steps only"),  # type: ignore[arg-type]
    (answering(Decision(None)), "AttributeError"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("decide", "reason"), BROKEN)
def test_a_broken_strategy_costs_only_its_own_share(decide: Callable[[Closes], Decision], reason: str) -> None:
    broken = Fixed("broken", {}, symbols=("SPY", "BIL", "NEW"), instead=decide)
    manager = a_portfolio((broken, "0.3"), (Fixed("sound", {"TECL": 1.0}), "0.7"))
    first, second = manager.decide(closes(), {})
    assert (first.status, second.status) == ("failed", "fresh")
    assert first.reason.startswith(reason)
    portfolio = consolidate((first, second))
    assert portfolio.weights == {"TECL": Decimal("0.7")}
    assert portfolio.by_strategy == {"sound": {"TECL": Decimal("0.7")}}, "nobody knows what the other one wants"
    assert portfolio.stale == (
        StaleShare(strategy="broken", share=Decimal("0.3"), reason=first.reason, has_weights=False),
    )


def test_a_failed_strategy_keeps_what_it_last_decided() -> None:
    broken = Fixed("broken", {}, instead=raising(RuntimeError("boom")))
    manager = a_portfolio((broken, "0.3"), (Fixed("sound", {"TECL": 1.0}), "0.7"))
    held = Held({"BIL": Decimal("0.6"), "TECL": Decimal("0.4")}, dt.date(2024, 6, 3))
    verdicts = manager.decide(closes(), {"broken": held})
    assert verdicts[0].status == "stale"
    portfolio = consolidate(verdicts)
    assert portfolio.weights == {"BIL": Decimal("0.18"), "TECL": Decimal("0.82")}
    assert portfolio.stale[0].has_weights
    assert portfolio.by_strategy["broken"] == {"BIL": Decimal("0.18"), "TECL": Decimal("0.12")}


@pytest.mark.parametrize("name", ["unassigned", "foreign"])
def test_a_strategy_cannot_have_the_name_of_what_is_no_strategys(name: str) -> None:
    with pytest.raises(PortfolioError, match=name):
        a_portfolio((Fixed(name, {"BIL": 1.0}), "1"))


def test_cash_that_was_decided_is_something_a_strategy_last_held() -> None:
    """Empty weights are known: the share may be in cash, and others may be traded."""
    manager = a_portfolio((Fixed("broken", {}, instead=raising(RuntimeError("boom"))), "1"))
    assert manager.decide(closes(), {"broken": Held({}, dt.date(2024, 6, 3))})[0].status == "stale"


def test_an_undefined_tree_keeps_the_steps_it_took() -> None:
    tree = when(close("SPY") > 1, when(close("KMLM") > 1, "BIL", "TECL"), "SPY")
    manager = StrategyManager()
    manager.add_strategy(TreeStrategy("a tree", tree), Decimal(1))
    (verdict,) = manager.decide(closes(), {})
    assert verdict.reason == "UndefinedDecision: close(KMLM): 0 of 1 closes needed"
    assert [step.text for step in verdict.explanation] == ["close(SPY) > 1"]


def test_a_strategy_sees_only_the_symbols_it_asked_for_and_cannot_disturb_the_next() -> None:
    def greedy(own: Closes) -> Decision:
        assert set(own.columns) == {"SPY"}
        own.columns.clear()  # type: ignore[attr-defined]
        return Decision({"SPY": 1.0})

    manager = a_portfolio(
        (Fixed("greedy", {}, symbols=("SPY",), instead=greedy), "0.5"), (Fixed("calm", {"BIL": 1.0}), "0.5")
    )
    assert [verdict.status for verdict in manager.decide(closes(), {})] == ["failed", "fresh"]


def test_the_symbols_of_all_are_listed_once() -> None:
    manager = a_portfolio(
        (Fixed("a", {}, symbols=("SPY", "BIL")), "0.5"), (Fixed("b", {}, symbols=("TECL", "SPY")), "0.5")
    )
    assert manager.symbols == ("SPY", "BIL", "TECL")


def test_a_tree_may_hold_cash() -> None:
    manager = StrategyManager()
    manager.add_strategy(TreeStrategy("half", equal(hold("SPY"), cash())), Decimal(1))
    assert manager.decide(closes(), {})[0] == Verdict(
        "half",
        Decimal(1),
        "fresh",
        {"SPY": HALF},
        (Step(text="hold 50 % SPY"), Step(text="hold 50 % in cash")),
    )
