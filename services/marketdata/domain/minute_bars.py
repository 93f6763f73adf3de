"""Minute bars from the stream: taken as contracts, or refused by name."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from services.marketdata.domain.quotes import Refusal
from services.marketdata.domain.wire_numbers import exact
from shared.contracts import faults_in
from shared.contracts.marketdata import Bar


@dataclass(frozen=True, slots=True)
class ObservedBar:
    """A closed minute bar as the wire says it; prices in dollars, volume in shares."""

    symbol: Any
    at: dt.datetime | None
    open: Any
    high: Any
    low: Any
    close: Any
    volume: Any


def bar_of(observed: ObservedBar) -> Bar | Refusal:
    """The bar, or why it is none."""
    try:
        return Bar(
            symbol=observed.symbol,
            at=observed.at,  # type: ignore[arg-type]  # None is refused by the contract, with its name
            timeframe="1Min",
            open=exact("open", observed.open),
            high=exact("high", observed.high),
            low=exact("low", observed.low),
            close=exact("close", observed.close),
            volume=int(exact("volume", observed.volume)),
        )
    except ValidationError as error:
        return Refusal(str(observed.symbol)[:16], "malformed", faults_in(error))
    except ValueError as error:
        return Refusal(str(observed.symbol)[:16], "not_a_number", str(error))
