"""NUCLEAR: sell into overbought markets, buy oversold ones, else nuclear energy in a bull and two bear books in a bear."""

# ruff: noqa: PLR2004 - the thresholds are the strategy; a name for each would hide the table

from __future__ import annotations

from services.strategy.domain.engine import TreeStrategy
from services.strategy.domain.indicators import MOVING_AVERAGE_RETURN
from services.strategy.domain.language import (
    any_of,
    by,
    close,
    cumulative_return,
    first_match,
    group,
    highest,
    inverse_volatility,
    rsi,
    sma,
    specified,
    when,
)
from services.strategy.domain.tree import Node, Specified

NUCLEAR_STOCKS = ("SMR", "BWXT", "LEU", "EXC", "NLR", "OKLO")
_GATES = ("SPY", "IOO", "TQQQ", "VTV", "XLF")
_OVERBOUGHT, _EXTREME = 79, 81


def _part_hedge() -> Specified:
    return specified(("0.75", "UVXY"), ("0.25", "BTAL"))


def _hedge(gate: str) -> Node:
    """All into UVXY when the gate itself, or one of IOO, TQQQ, VTV, XLF after it in gate order, is extreme."""
    asked = _GATES[_GATES.index(gate) :]
    extreme = any_of(*(rsi(symbol, 10) > _EXTREME for symbol in asked))
    return group(f"hedge({gate})", when(extreme, then="UVXY", otherwise=_part_hedge()))


def _bull() -> Node:
    return group("bull", highest(3, by(MOVING_AVERAGE_RETURN, 90), *NUCLEAR_STOCKS))


def _bonds_lead(then: str, otherwise: str) -> Node:
    return when(rsi("TLT", 20) > rsi("PSQ", 20), then, otherwise)


def _bear_1() -> Node:
    return group(
        "Bear 1",
        first_match(
            (rsi("PSQ", 10) < 35, "SQQQ"),
            (cumulative_return("QQQ", 60) < -10, _bonds_lead("TQQQ", "PSQ")),
            (close("TQQQ") > sma("TQQQ", 20), _bonds_lead("TQQQ", "SQQQ")),
            (rsi("IEF", 10) > rsi("PSQ", 20), "SQQQ"),
            otherwise=_bonds_lead("QQQ", "SQQQ"),
        ),
    )


def _bear_2() -> Node:
    return group(
        "Bear 2",
        first_match(
            (rsi("PSQ", 10) < 35, "SQQQ"),
            (close("TQQQ") > sma("TQQQ", 20), _bonds_lead("TQQQ", "SQQQ")),
            otherwise=_bonds_lead("QQQ", "SQQQ"),
        ),
    )


def _bear() -> Node:
    return group("bear", inverse_volatility(14, _bear_1(), _bear_2()))


def nuclear() -> TreeStrategy:
    tree = first_match(
        *((rsi(gate, 10) > _OVERBOUGHT, _hedge(gate)) for gate in _GATES),
        (rsi("VOX", 10) > _OVERBOUGHT, when(rsi("XLF", 10) > _EXTREME, then="UVXY", otherwise=_part_hedge())),
        (rsi("TQQQ", 10) < 30, "TQQQ"),
        (rsi("SPY", 10) < 30, "UPRO"),
        (close("SPY") > sma("SPY", 200), _bull()),
        otherwise=_bear(),
    )
    return TreeStrategy("nuclear", tree)
