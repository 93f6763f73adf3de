"""KLM line by line: every variant and every branch of its flow is reached with told numbers, boundaries included."""

from __future__ import annotations

from decimal import Decimal

import pytest

from services.strategy.domain.rebalance import Corridor
from services.strategy.domain.strategies.klm import klm
from services.strategy.domain.tree import Group, Node, Select
from tests.unit.strategy.told import held

SYMBOLS = klm().symbols
Told = dict[str, float]
THIRD = round(1 / 3, 9)
FLOWING = ("506/38", "1200/28", "520/22", "410/38", "Nova", "830/21")


def variants() -> dict[str, Node]:
    ensemble = klm().tree
    assert isinstance(ensemble, Group)
    assert isinstance(ensemble.child, Select)
    groups = [candidate for candidate in ensemble.child.candidates if isinstance(candidate, Group)]
    assert len(groups) == 8
    return {group.name: group.child for group in groups}


VARIANTS = variants()


def of(variant: str, told: Told) -> dict[str, float]:
    return held(VARIANTS[variant], SYMBOLS, told)


def test_the_ensemble_holds_one_variant_in_listed_order_and_rebalances_in_a_corridor_of_ten_percent() -> None:
    ensemble = klm().tree.child  # type: ignore[union-attr]
    assert isinstance(ensemble, Select)
    assert (str(ensemble.metric), ensemble.rank, ensemble.count) == ("stdev-return 5", "highest", 1)
    assert list(VARIANTS) == ["506/38", "1280/26", "1200/28", "520/22", "530/18", "410/38", "Nova", "830/21"]
    assert klm().rebalance == Corridor(Decimal("0.1"))


OVERBOUGHT = [
    *((symbol, 79.0) for symbol in ("QQQE", "VTV", "VOX", "TECL", "VOOG", "VOOV")),
    ("XLP", 75.0),
    ("TQQQ", 79.0),
    ("XLY", 80.0),
    ("FAS", 80.0),
    ("SPY", 80.0),
]


@pytest.mark.parametrize("variant", [*FLOWING, "1280/26"])
@pytest.mark.parametrize(("symbol", "level"), OVERBOUGHT)
def test_an_overbought_market_means_volatility(variant: str, symbol: str, level: float) -> None:
    assert of(variant, {f"RSI10({symbol})": level + 0.1}) == {"UVXY": 1.0}
    assert of(variant, {f"RSI10({symbol})": level}) != {"UVXY": 1.0}


@pytest.mark.parametrize("variant", FLOWING)
def test_a_pop_of_volatility_buys_mid_term_volatility_or_the_market(variant: str) -> None:
    popped = {f"RSI21({'UVIX' if variant == 'Nova' else 'UVXY'})": 65.1}
    assert of(variant, {**popped, "RSI21(SPY)": 30.1}) == {"VIXM": 1.0}
    assert of(variant, {**popped, "RSI21(SPY)": 30.0}) == {"SPXL": 1.0}
    assert of(variant, dict.fromkeys(popped, 65.0)) not in ({"VIXM": 1.0}, {"SPXL": 1.0})


def test_1280_does_not_ask_whether_volatility_popped() -> None:
    with pytest.raises(AssertionError, match=r"never asked.*RSI21\(UVXY\)"):
        of("1280/26", {"RSI21(UVXY)": 90.0})


@pytest.mark.parametrize("variant", [*FLOWING, "1280/26"])
def test_what_is_oversold_is_bought_in_order(variant: str) -> None:
    assert of(variant, {"RSI10(TQQQ)": 29.9}) == {"TECL": 1.0}
    assert of(variant, {"RSI10(TQQQ)": 30.0, "RSI10(SOXL)": 29.9}) == {"SOXL": 1.0}
    assert of(variant, {"RSI10(SOXL)": 30.0, "RSI10(SPXL)": 29.9}) == {"SPXL": 1.0}


def test_only_1280_buys_an_oversold_biotech_market() -> None:
    assert of("1280/26", {"RSI10(SPXL)": 30.0, "RSI10(LABU)": 24.9}) == {"LABU": 1.0}
    assert of("1280/26", {"RSI10(LABU)": 25.0}) != {"LABU": 1.0}
    for variant in FLOWING:
        with pytest.raises(AssertionError, match=r"never asked.*RSI10\(LABU\)"):
            of(variant, {"RSI10(LABU)": 1.0})


LEADS = {"RSI10(XLK)": 50.1}
"""Technology over managed futures."""
TECHNOLOGY: list[tuple[str, Told, dict[str, float]]] = [
    ("506/38", {}, {"FNGU": 1.0}),
    ("410/38", {}, {"FNGU": 1.0}),
    ("1280/26", {}, {"TECL": 0.5, "SOXL": 0.5}),
    ("1280/26", {"RSI10(SVIX)": 40.0, "RSI10(SOXL)": 45.0}, {"SOXL": 0.5, "SVIX": 0.5}),
    ("1200/28", {}, {"TECL": 1.0}),
    ("1200/28", {"RSI10(SOXL)": 49.0}, {"SOXL": 1.0}),
    ("1200/28", {"RSI10(SVIX)": 49.0}, {"SVIX": 1.0}),
    ("520/22", {}, {"TECL": 1.0}),
    ("520/22", {"RSI10(SVIX)": 49.0}, {"SVIX": 1.0}),
    *(("Nova", {f"RSI11({s})": 51.0}, {s: 1.0}) for s in ("FNGO", "TSLA", "MSFT", "AAPL", "NVDA", "GOOGL", "AMZN")),
    ("Nova", {}, {"FNGO": 1.0}),
    ("830/21", {}, {"TECL": 1.0}),
    ("830/21", {"RSI10(SOXL)": 51.0}, {"SOXL": 1.0}),
    ("830/21", {"RSI10(SVIX)": 51.0}, {"SVIX": 1.0}),
]


@pytest.mark.parametrize(("variant", "told", "expected"), TECHNOLOGY)
def test_while_technology_leads(variant: str, told: Told, expected: dict[str, float]) -> None:
    assert of(variant, {**LEADS, "RSI10(KMLM)": 50.0, **told}) == expected


def calm(*symbols: str) -> Told:
    """These deviate least; the more so the earlier they are listed."""
    return {f"stdev-return 6 ({symbol})": place - 10.0 for place, symbol in enumerate(symbols)}


ROTATION: list[tuple[str, Told, dict[str, float]]] = [
    *((v, calm(s), {s: 1.0}) for v in ("506/38", "410/38", "Nova") for s in ("UUP", "FTLS", "KMLM")),
    *((v, {}, {"UUP": 1.0}) for v in ("506/38", "410/38", "Nova")),
    *((v, {f"RSI10({s})": 51.0}, {s: 1.0}) for v in ("1280/26", "1200/28") for s in ("SQQQ", "TLT")),
    *((v, {}, {"SQQQ": 1.0}) for v in ("1280/26", "1200/28")),
    ("520/22", {}, {"TMV": THIRD, "TMF": THIRD, "SVXY": THIRD}),
    ("520/22", calm("UUP", "VIXM", "KMLM"), {"UUP": THIRD, "VIXM": THIRD, "KMLM": THIRD}),
    ("520/22", calm("FTLS"), {"FTLS": THIRD, "TMV": THIRD, "TMF": THIRD}),
    ("830/21", {"moving-average-return 20 (BND)": 0.01}, {"KMLM": 1.0}),
    ("830/21", {"moving-average-return 20 (BND)": 0.01, "RSI10(SPLV)": 49.0}, {"SPLV": 1.0}),
    ("830/21", {"moving-average-return 20 (BND)": 0.0}, {"TLT": 1.0}),
    ("830/21", {"RSI10(LABD)": 51.0}, {"LABD": 1.0}),
    ("830/21", {"RSI10(TZA)": 51.0}, {"TZA": 1.0}),
]


@pytest.mark.parametrize(("variant", "told", "expected"), ROTATION)
def test_while_technology_does_not_lead_equality_included(variant: str, told: Told, expected: dict[str, float]) -> None:
    assert of(variant, {"RSI10(XLK)": 50.0, "RSI10(KMLM)": 50.0, **told}) == expected


# --- 530/18 -----------------------------------------------------------------------------------------------------------

STRONGEST = {"UVXY": round(2 / 3, 9), "VIXM": THIRD}
STRONG = {"UVXY": THIRD, "VXX": THIRD, "VIXM": THIRD}
MILD = {"VIXY": THIRD, "VXX": THIRD, "VIXM": THIRD}
METALS = {"GLD": 0.5, "SLV": 0.25, "PDBC": 0.25}
HOT, FALL = {"RSI70(SPY)": 63.1}, {"cumulative-return 6 (TQQQ)": -12.1}
ABOVE, UP = {"close(SPY)": 101.0}, {"close(TQQQ)": 101.0}
COMPOSITE = {"RSI10(XLK)": 50.1, "RSI10(TECL)": 99.0, "RSI10(SVXY)": 99.0}
"""Technology leads, and the composite has the lowest RSI."""
ROTATED = {"SVXY": THIRD, "VIXM": THIRD, "FTLS": THIRD}
GRADED = [
    *((symbol, level, 82.5, STRONGEST, STRONG) for symbol, level in (("SPY", 80.0), ("IOO", 80.0), ("QQQ", 79.0))),
    *((symbol, level, 85.0, STRONG, MILD) for symbol, level in (("VTV", 79.0), ("XLP", 77.0), ("XLF", 81.0))),
    ("RETL", 82.0, 85.0, MILD, {"BTAL": 0.5, "BIL": 0.5}),
]


@pytest.mark.parametrize(("symbol", "level", "strong_level", "strong", "mild"), GRADED)
def test_530_grades_what_is_overbought(
    symbol: str, level: float, strong_level: float, strong: dict[str, float], mild: dict[str, float]
) -> None:
    reading = f"RSI10({symbol})"
    assert of("530/18", {reading: level + 0.1}) == mild
    assert of("530/18", {reading: strong_level}) == mild
    assert of("530/18", {reading: strong_level + 0.1}) == strong
    assert of("530/18", {reading: level}) not in ([mild] if symbol != "XLP" else [])


ROWS_530: list[tuple[Told, dict[str, float]]] = [
    ({"RSI10(VTV)": 80.0, "RSI10(QQQ)": 79.0}, MILD),
    ({**HOT, "RSI15(AGG)": 50.0}, METALS),
    (
        {**HOT, "RSI15(AGG)": 50.1},
        dict.fromkeys(("TQQQ", "SPXL", "SOXL", "FNGU", "ERX"), 0.1) | {"GLD": 0.25, "SLV": 0.125, "PDBC": 0.125},
    ),
    *(
        ({**HOT, reading: level + 0.1}, {"VIXY": 0.5, "GLD": 0.25, "SLV": 0.125, "PDBC": 0.125})
        for reading, level in (("RSI90(QQQ)", 60.0), ("RSI14(QQQ)", 80.0), ("RSI5(QQQ)", 90.0), ("RSI3(QQQ)", 95.0))
    ),
    ({**HOT, "RSI90(QQQ)": 60.0, "RSI14(QQQ)": 80.0, "RSI5(QQQ)": 90.0, "RSI3(QQQ)": 95.0}, METALS),
    ({"RSI70(SPY)": 63.0, "RSI10(VOX)": 79.1}, MILD),
    ({"RSI10(VOX)": 79.0, "RSI10(XLP)": 75.1}, MILD),
    ({**FALL, "cumulative-return 1 (TQQQ)": 5.6}, STRONG),
    ({**FALL, "cumulative-return 1 (TQQQ)": 5.5, "RSI10(TQQQ)": 30.9}, {"TECL": 1.0}),
    ({**FALL, "RSI10(TQQQ)": 31.0, "RSI10(SOXL)": 29.9}, {"SOXL": 1.0}),
    ({**FALL, "RSI10(SOXL)": 30.0, "RSI10(SPXL)": 29.9}, {"SPXL": 1.0}),
    ({**FALL, "RSI10(SPXL)": 30.0}, ROTATED),
    ({**FALL, **COMPOSITE}, {"FNGU": 1.0}),
    ({**ABOVE, "SMA3(SPY)": 99.0}, {"TQQQ": 0.5, "SPXL": 0.5}),
    ({**ABOVE, "SMA3(SPY)": 99.0, "RSI10(TMF)": 51.0}, {"TMF": 0.5, "TQQQ": 0.5}),
    ({**ABOVE, "SMA3(SPY)": 100.0}, ROTATED),
    ({**ABOVE, "cumulative-return 6 (TQQQ)": -12.0, "RSI10(XLK)": 50.1, "RSI10(TECL)": -1.0}, {"TECL": 1.0}),
    ({**ABOVE, "RSI10(XLK)": 50.1, "RSI10(SVXY)": -1.0}, {"SVXY": 1.0}),
    ({**ABOVE, **COMPOSITE}, {"FNGU": 1.0}),
    *(
        ({**ABOVE, **COMPOSITE, f"moving-average-return 20 ({leader})": 1.0}, {"FNGU": 0.5, leader: 0.5})
        for leader in ("SPXL", "XLE", "XLK", "AGG")
    ),
    ({**ABOVE, **calm("UUP", "KMLM", "FTLS")}, {"UUP": THIRD, "KMLM": THIRD, "FTLS": THIRD}),
    ({"SMA3(SPY)": 100.1}, {"SQQQ": 0.5, "SPXU": 0.5}),
    ({"SMA3(SPY)": 100.1, "RSI10(TMF)": 51.0, "RSI10(TMV)": 52.0}, {"TMF": 0.5, "TMV": 0.5}),
    ({"close(SPY)": 100.0, "SMA3(SPY)": 100.0, "RSI10(QQQ)": 30.9}, {"TECL": 1.0}),
    ({"RSI10(QQQ)": 31.0, "RSI10(SPY)": 29.9}, {"UPRO": 1.0}),
    ({"RSI10(SPY)": 30.0, "cumulative-return 60 (QQQ)": -12.1}, {"BIL": 1.0}),
    ({"cumulative-return 60 (QQQ)": -12.0, **UP, "RSI10(PSQ)": 32.4}, {"PSQ": 1.0}),
    ({**UP, "RSI10(PSQ)": 32.5}, ROTATED),
    ({**UP, **COMPOSITE}, {"FNGU": 1.0}),
    ({"close(TQQQ)": 100.0, "RSI10(IEF)": 50.1, "RSI20(PSQ)": 50.0}, {"PSQ": 1.0}),
    ({"RSI10(IEF)": 50.0}, {"QID": 1.0}),
]


@pytest.mark.parametrize(("told", "expected"), ROWS_530)
def test_530_row_by_row(told: Told, expected: dict[str, float]) -> None:
    assert of("530/18", told) == expected


@pytest.mark.parametrize(
    ("told", "first"),
    [
        ({"RSI10(SPY)": 81.0, "RSI10(VTV)": 90.0}, STRONG),
        ({"RSI10(SPY)": 81.0, "RSI10(QQQ)": 90.0}, STRONG),
        ({"RSI10(XLF)": 82.0, "RSI10(RETL)": 90.0}, MILD),
        ({"RSI10(RETL)": 83.0, "RSI70(SPY)": 70.0}, {"BTAL": 0.5, "BIL": 0.5}),
        ({"RSI10(VOX)": 80.0, "cumulative-return 6 (TQQQ)": -20.0}, MILD),
        ({**FALL, "cumulative-return 1 (TQQQ)": 6.0, "close(SPY)": 101.0}, STRONG),
    ],
)
def test_530_takes_the_first_test_that_holds(told: Told, first: dict[str, float]) -> None:
    with pytest.raises(AssertionError, match="never asked"):
        of("530/18", told)
    asked_first = dict(list(told.items())[:-1])
    assert of("530/18", asked_first) == first


def test_klm_names_its_symbols_and_needs_two_hundred_closes_and_its_own_five_returns() -> None:
    assert len(SYMBOLS) == 58
    assert klm().closes_needed == 205
