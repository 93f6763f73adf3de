"""KLM: eight variants of one overbought-then-pop-then-switch flow, of which the most volatile one of late is held."""

# ruff: noqa: PLR2004 - the thresholds are the strategy; a name for each would hide the table

from __future__ import annotations

from decimal import Decimal

from services.strategy.domain.engine import TreeStrategy
from services.strategy.domain.indicators import MOVING_AVERAGE_RETURN, RSI, STDEV_RETURN
from services.strategy.domain.language import (
    Part,
    any_of,
    by,
    close,
    cumulative_return,
    equal,
    first_match,
    group,
    highest,
    lowest,
    moving_average_return,
    rsi,
    sma,
    specified,
    when,
)
from services.strategy.domain.rebalance import Corridor
from services.strategy.domain.symphony.sharing import Shared
from services.strategy.domain.tree import Node

_OVERBOUGHT = (
    ("QQQE", 79),
    ("VTV", 79),
    ("VOX", 79),
    ("TECL", 79),
    ("VOOG", 79),
    ("VOOV", 79),
    ("XLP", 75),
    ("TQQQ", 79),
    ("XLY", 80),
    ("FAS", 80),
    ("SPY", 80),
)
_RSI10 = by(RSI, 10)
_CALM = by(STDEV_RETURN, 6)


def klm() -> TreeStrategy:
    """Held is the variant whose own daily returns deviated most over five days; ties keep this order."""
    variants = (
        _variant("506/38", _switcher("FNGU", _calmest_of_three())),
        group("1280/26", _overbought(_pop_bot(_switcher(_two_oversold(), _bear_or_bond()), labu=True))),
        _variant("1200/28", _switcher(lowest(1, _RSI10, "TECL", "SOXL", "SVIX"), _bear_or_bond())),
        _variant("520/22", _switcher(lowest(1, _RSI10, "TECL", "SVIX"), _three_calmest_of_seven())),
        group("530/18", _variant_530()),
        _variant("410/38", _switcher("FNGU", _calmest_of_three())),
        _variant("Nova", _switcher(_leading_stock(), _calmest_of_three()), volatility="UVIX"),
        _variant("830/21", _switcher(highest(1, _RSI10, "TECL", "SOXL", "SVIX"), _by_bond_trend())),
    )
    tree = Shared().tree(group("most volatile variant", highest(1, by(STDEV_RETURN, 5), *variants)))
    return TreeStrategy("klm", tree, Corridor(Decimal("0.1")))


def _variant(name: str, switcher: Node, *, volatility: str = "UVXY") -> Node:
    """Flow O S P K."""
    return group(name, _overbought(_single_pop(volatility, _pop_bot(switcher))))


def _overbought(otherwise: Node) -> Node:
    """O: the first overbought market sends everything into volatility."""
    return first_match(*((rsi(symbol, 10) > level, "UVXY") for symbol, level in _OVERBOUGHT), otherwise=otherwise)


def _single_pop(volatility: str, otherwise: Node) -> Node:
    """S: volatility itself has popped."""
    return when(rsi(volatility, 21) > 65, then=when(rsi("SPY", 21) > 30, "VIXM", "SPXL"), otherwise=otherwise)


def _pop_bot(otherwise: Node, *, labu: bool = False) -> Node:
    """P: buy what is oversold."""
    cases = [(rsi("TQQQ", 10) < 30, "TECL"), (rsi("SOXL", 10) < 30, "SOXL"), (rsi("SPXL", 10) < 30, "SPXL")]
    if labu:
        cases.append((rsi("LABU", 10) < 25, "LABU"))
    return first_match(*cases, otherwise=otherwise)


def _switcher(technology: Part, rotator: Part) -> Node:
    """K: technology while it leads managed futures."""
    return when(rsi("XLK", 10) > rsi("KMLM", 10), then=technology, otherwise=rotator)


def _two_oversold() -> Node:
    return lowest(2, _RSI10, "TECL", "SOXL", "SVIX")


def _bear_or_bond() -> Node:
    return highest(1, _RSI10, "SQQQ", "TLT")


def _calmest_of_three() -> Node:
    return lowest(1, _CALM, "UUP", "FTLS", "KMLM")


def _three_calmest_of_seven() -> Node:
    return lowest(3, _CALM, "TMV", "TMF", "SVXY", "VIXM", "FTLS", "KMLM", "UUP")


def _leading_stock() -> Node:
    return highest(1, by(RSI, 11), "FNGO", "TSLA", "MSFT", "AAPL", "NVDA", "GOOGL", "AMZN")


def _by_bond_trend() -> Node:
    return when(
        moving_average_return("BND", 20) > 0,
        then=lowest(1, _RSI10, "KMLM", "SPLV"),
        otherwise=highest(1, _RSI10, "TLT", "LABD", "TZA"),
    )


# --- 530/18 -----------------------------------------------------------------------------------------------------------


def _blend_strongest() -> Node:
    """VB++."""
    return specified(("2/3", "UVXY"), ("1/3", "VIXM"))


def _blend_strong() -> Node:
    """VB+."""
    return equal("UVXY", "VXX", "VIXM")


def _blend() -> Node:
    """VB."""
    return equal("VIXY", "VXX", "VIXM")


def _variant_530() -> Node:
    return first_match(
        *((rsi(s, 10) > level, _graded(s, 82.5, _blend_strongest(), _blend_strong())) for s, level in _MARKETS),
        *((rsi(s, 10) > level, _graded(s, 85, _blend_strong(), _blend())) for s, level in _SECTORS),
        (rsi("RETL", 10) > 82, _graded("RETL", 85, _blend(), equal("BTAL", "BIL"))),
        (rsi("SPY", 70) > 63, equal(_half_on_bonds(), _half_on_heat())),
        (any_of(rsi("VOX", 10) > 79, rsi("XLP", 10) > 75), _blend()),
        (cumulative_return("TQQQ", 6) < -12, _after_a_fall()),
        (close("SPY") > sma("SPY", 200), _above_the_average()),
        otherwise=_below_the_average(),
    )


_MARKETS = (("SPY", 80), ("IOO", 80), ("QQQ", 79))
_SECTORS = (("VTV", 79), ("XLP", 77), ("XLF", 81))


def _graded(symbol: str, strong_above: float, strong: Node, mild: Node) -> Node:
    return when(rsi(symbol, 10) > strong_above, then=strong, otherwise=mild)


def _metals() -> Node:
    return specified(("0.5", "GLD"), ("0.25", "SLV"), ("0.25", "PDBC"))


def _half_on_bonds() -> Node:
    return when(rsi("AGG", 15) > rsi("QQQ", 15), then=equal("TQQQ", "SPXL", "SOXL", "FNGU", "ERX"), otherwise=_metals())


def _half_on_heat() -> Node:
    hot = any_of(rsi("QQQ", 90) > 60, rsi("QQQ", 14) > 80, rsi("QQQ", 5) > 90, rsi("QQQ", 3) > 95)
    return when(hot, then="VIXY", otherwise=_metals())


def _after_a_fall() -> Node:
    return when(
        cumulative_return("TQQQ", 1) > 5.5,
        then=_blend_strong(),
        otherwise=first_match(
            (rsi("TQQQ", 10) < 31, "TECL"),
            (rsi("SOXL", 10) < 30, "SOXL"),
            (rsi("SPXL", 10) < 30, "SPXL"),
            otherwise=_composite_switcher(),
        ),
    )


def _above_the_average() -> Node:
    turning_down = sma("SPY", 3) < sma("SPY", 200)
    return when(turning_down, then=highest(2, _RSI10, "TQQQ", "SPXL", "TMF"), otherwise=_composite_switcher())


def _below_the_average() -> Node:
    turning_up = sma("SPY", 3) > sma("SPY", 200)
    return when(turning_up, then=highest(2, _RSI10, "SQQQ", "SPXU", "TMF", "TMV"), otherwise=_bear_book())


def _composite_switcher() -> Node:
    """F: one candidate is a composite, ranked by the RSI of its own return path."""
    leaders = highest(1, by(MOVING_AVERAGE_RETURN, 20), "FNGU", "SPXL", "XLE", "XLK", "AGG")
    composite = group("half FNGU, half the leader", equal("FNGU", leaders))
    return _switcher(
        lowest(1, _RSI10, "TECL", "SVXY", composite),
        lowest(3, _CALM, "SVXY", "VIXM", "FTLS", "KMLM", "UUP"),
    )


def _bear_book() -> Node:
    """G."""
    return first_match(
        (rsi("QQQ", 10) < 31, "TECL"),
        (rsi("SPY", 10) < 30, "UPRO"),
        (cumulative_return("QQQ", 60) < -12, "BIL"),
        (close("TQQQ") > sma("TQQQ", 20), when(rsi("PSQ", 10) < 32.5, "PSQ", _composite_switcher())),
        (rsi("IEF", 10) > rsi("PSQ", 20), "PSQ"),
        otherwise="QID",
    )
