"""The prices an account trades and is valued at. A gap is valued at the last known close and cannot be traded."""

from __future__ import annotations

import numpy as np

from backtest.book import Prices
from backtest.conventions import Fill
from backtest.history import History, HistoryError
from backtest.standing import Rows, price_table
from services.strategy.domain.closes import Closes
from services.strategy.domain.indicators import FloatArray


def prices_for(symbols: tuple[str, ...], history: History, closes: Closes, fill: Fill) -> Prices:
    """Raises HistoryError where fills at the open are asked of a source that has no opens."""
    close = price_table(symbols, closes)
    opens = close if fill is Fill.CLOSE else _opens(symbols, history, len(closes))
    there = ~np.isnan(close)
    return Prices(symbols, opens, carried(close), _last_rows(there))


def _opens(symbols: tuple[str, ...], history: History, days: int) -> FloatArray:
    missing = [symbol for symbol in symbols if symbol not in history.opens and history.closes.has_any(symbol)]
    if missing:
        raise HistoryError(
            f"fill next-open: expected opens of {', '.join(missing)}; closes alone have none (use --data)"
        )
    nothing = np.full(days, np.nan)
    return np.column_stack([history.opens.get(symbol, nothing)[:days] for symbol in symbols])


def carried(close: FloatArray) -> FloatArray:
    """Each day's newest close up to it; NaN before the first."""
    newest = np.maximum.accumulate(np.where(np.isnan(close), -1, np.arange(len(close))[:, None]), axis=0)
    carried = np.take_along_axis(close, np.maximum(newest, 0), axis=0)
    return np.where(newest < 0, np.nan, carried)


def _last_rows(there: np.ndarray[tuple[int, int], np.dtype[np.bool_]]) -> Rows:
    days = len(there)
    found = days - 1 - np.argmax(there[::-1], axis=0)
    return np.where(there.any(axis=0), found, -1)
