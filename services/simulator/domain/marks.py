"""What a share is taken to be worth at an instant, for valuing positions and for judging what an order may cost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

from services.simulator.domain.hours import Phase, phase_at, trading_day
from services.simulator.domain.market import Market, Quote
from services.simulator.domain.orders import Side
from shared.sessions import Session, new_york_date, previous_session, session_on

Mark = Callable[[str], Decimal | None]


class Marks:
    """Prices of a market; None where it knows none."""

    def __init__(self, market: Market) -> None:
        self._market = market

    def last(self, symbol: str, at: dt.datetime) -> Decimal | None:
        """The last trade, else the middle of the last quote."""
        trade = self._market.trade(symbol, at)
        if trade is not None:
            return trade.price
        quote = self._market.quote(symbol, at)
        return None if quote is None else middle(quote)

    def at(self, instant: dt.datetime) -> Mark:
        return lambda symbol: self.last(symbol, instant)

    def cost(self, symbol: str, side: Side, at: dt.datetime) -> Decimal | None:
        """Far side of the market in regular hours, its middle in extended ones, the last trade when it is closed."""
        phase = phase_at(at)
        quote = None if phase is Phase.CLOSED else self._market.quote(symbol, at)
        if quote is not None:
            price = _far(quote, side) if phase is Phase.REGULAR else middle(quote)
            if price:
                return price
        return self.last(symbol, at)


def middle(quote: Quote) -> Decimal | None:
    """Between bid and ask; the one there is when the other is absent."""
    if quote.bid > 0 and quote.ask > 0:
        return (quote.bid + quote.ask) / 2
    return quote.bid or quote.ask or None


def _far(quote: Quote, side: Side) -> Decimal:
    return quote.ask if side is Side.BUY else quote.bid


def last_close(at: dt.datetime) -> Session:
    """The newest session that is no longer today's trading day: its close is what `last` and `lastday` mean."""
    date = new_york_date(at)
    day = trading_day(date)
    today = session_on(date)
    if today is not None and day is not None and at >= day.extended_close:
        return today
    return previous_session(date)
