"""How wide the quote of a symbol is where no quote was recorded: the stated spread model.

Typical widths are cents of the regular session, from one (SPY, TQQQ, BIL) to 3-16 (thin ETFs; IBM's recorded day has a
median of 3 and a 99th percentile of 16). Wider after the open, a cent or two of noise in names that are not one cent wide.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

UNITS_PER_DOLLAR = 10_000
_CENT = 100
_SUB_DOLLAR_TICK = 1
_OPENING_SECONDS = 300
_DEFAULT_BPS = 5.0
_WIDEST_CENTS = 16

_CENTS: dict[int, str] = {
    1: "SPY QQQ TQQQ SQQQ BIL XLF TLT IEF UVXY SOXL AGG BND BSV AAPL NVDA AMZN GOOGL XLE XLP SLV PSQ SVXY SPXU LABD TZA PDBC",
    2: "UPRO SPXL TECL VTV XLK XLY GLD MSFT TSLA IWM VXX VIXY TMF SSO QID EXC UUP XBI JPM XOM FAS",
    3: "IBM SMH SPLV ERX LABU TMV OKLO SMR VOO KO SOXX XRT",
    4: "IOO KMLM BTAL BWXT QQQE TECS UVIX SVIX",
    6: "VOX FTLS VOOG VOOV VIXM NLR UGL GLL",
    9: "RETL USD FNGU",
    14: "LEU FNGO",
}
_WIDTH_BY_SYMBOL = {symbol: cents for cents, symbols in _CENTS.items() for symbol in symbols.split()}


def tick_at(price: int) -> int:
    """The price step of that level, both in 1/10,000 dollars: a cent from one dollar on, else 1/100 of a cent."""
    return _CENT if price >= UNITS_PER_DOLLAR else _SUB_DOLLAR_TICK


def typical_width(symbol: str, price: int) -> int:
    """The calm spread in 1/10,000 dollars: by the table, else five basis points of the price, at most 16 cents."""
    if price < UNITS_PER_DOLLAR:
        return max(_SUB_DOLLAR_TICK, round(price / UNITS_PER_DOLLAR * 10))
    if symbol in _WIDTH_BY_SYMBOL:
        return _WIDTH_BY_SYMBOL[symbol] * _CENT
    cents = round(price * _DEFAULT_BPS / 10_000 / _CENT)
    return min(max(cents, 1), _WIDEST_CENTS) * _CENT


def widest(symbol: str, price: int) -> int:
    """The most that `widths` can say, in 1/10,000 dollars."""
    typical, tick = typical_width(symbol, price), tick_at(price)
    noisy = typical + tick * (2 + typical // tick // 2) if typical > tick else typical
    return min(max(noisy, tick), max(_WIDEST_CENTS * _CENT, tick))


def widths(symbol: str, price: int, seconds: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """The spread of each second of a session, in 1/10,000 dollars, shape (seconds,)."""
    typical, tick = typical_width(symbol, price), tick_at(price)
    result = np.full(seconds, typical, dtype=np.int64)
    if typical > tick:
        result += tick * rng.choice(np.array([-1, 0, 0, 0, 1, 2]), size=seconds)
        result[:_OPENING_SECONDS] += tick * (typical // tick // 2)
    return np.clip(result, tick, max(_WIDEST_CENTS * _CENT, tick))
