"""Opens of symbols whose closes another symbol's returns stand in for (the rules: services/strategy/domain/proxies.py)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from services.strategy.domain.closes import Closes
from services.strategy.domain.indicators import FloatArray
from services.strategy.domain.proxies import PROXIES


def stand_in_opens(own: Closes, filled: Closes, opens: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """They move from the close before by the same multiple of the source's move overnight; an own open is never replaced."""
    found = dict(opens)
    for proxy in PROXIES:
        if proxy.symbol in filled.stand_ins and proxy.source in opens:
            before, source_before = (_a_session_later(filled.column(s)) for s in (proxy.symbol, proxy.source))
            opened = before * (1.0 + float(proxy.factor) * (opens[proxy.source] / source_before - 1.0))
            nothing = np.full(len(filled), np.nan)
            is_stand_in = np.isnan(own.columns.get(proxy.symbol, nothing))
            found[proxy.symbol] = np.where(is_stand_in, opened, opens.get(proxy.symbol, nothing))
    return found


def _a_session_later(column: FloatArray) -> FloatArray:
    return np.concatenate(([np.nan], column[:-1]))
