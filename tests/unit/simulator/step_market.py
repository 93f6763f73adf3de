"""A market written down by hand, an exchange on it, and builders for what is sent to it."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from services.simulator.domain.account import Account
from services.simulator.domain.calls import Fate
from services.simulator.domain.exchange import Exchange
from services.simulator.domain.fees import FeeSchedule, NoFees
from services.simulator.domain.fill_models import FillModel, PaperFills
from services.simulator.domain.identity import Identity
from services.simulator.domain.market import Bar, Listing, Quote, Trade
from services.simulator.domain.order_request import OrderRequest, read_order, read_replacement
from services.simulator.domain.orders import Order
from services.simulator.domain.trade_events import TradeEvent

_Item = TypeVar("_Item", Quote, Trade)
NEW_YORK = ZoneInfo("America/New_York")


def new_york(text: str) -> dt.datetime:
    """new_york("2024-06-03 10:00:00")"""
    return dt.datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(dt.UTC)


START = new_york("2024-06-03 10:00:00")


def after(seconds: float) -> dt.datetime:
    return START + dt.timedelta(seconds=seconds)


LISTINGS = (
    Listing("AAA", "Triple A"),
    Listing("BBB", "Triple B"),
    Listing("WHOLE", "Whole shares only", fractionable=False, shortable=False),
    Listing("GONE", "No longer traded", tradable=False),
)


@dataclass
class StepMarket:
    """Quotes and trades by hand; each holds until the next."""

    quotes_of: dict[str, list[Quote]] = field(default_factory=dict)
    trades_of: dict[str, list[Trade]] = field(default_factory=dict)

    def quoted(
        self, at: dt.datetime, bid: str, ask: str, *, symbol: str = "AAA", sizes: tuple[int, int] = (500, 500)
    ) -> StepMarket:
        quote = Quote(symbol, at, Decimal(bid), sizes[0], Decimal(ask), sizes[1])
        self.quotes_of.setdefault(symbol, []).append(quote)
        return self

    def traded(self, at: dt.datetime, price: str, size: int = 100, *, symbol: str = "AAA") -> StepMarket:
        trades = self.trades_of.setdefault(symbol, [])
        trades.append(Trade(symbol, at, Decimal(price), size, len(trades) + 1))
        return self

    def listings(self) -> Sequence[Listing]:
        return LISTINGS

    def quote(self, symbol: str, at: dt.datetime) -> Quote | None:
        return _newest(self.quotes_of.get(symbol, []), at)

    def trade(self, symbol: str, at: dt.datetime) -> Trade | None:
        return _newest(self.trades_of.get(symbol, []), at)

    def quotes(self, symbol: str, after: dt.datetime, until: dt.datetime) -> Iterator[Quote]:
        return (quote for quote in self.quotes_of.get(symbol, []) if after < quote.at <= until)

    def trades(self, symbol: str, after: dt.datetime, until: dt.datetime) -> Iterator[Trade]:
        return (trade for trade in self.trades_of.get(symbol, []) if after < trade.at <= until)

    def daily_bars(
        self, symbol: str, first: dt.date, last: dt.date, adjustment: str, now: dt.datetime
    ) -> Sequence[Bar]:
        return ()

    def minute_bars(self, symbol: str, start: dt.datetime, end: dt.datetime, now: dt.datetime) -> Sequence[Bar]:
        return ()


def _newest(items: list[_Item], at: dt.datetime) -> _Item | None:
    index = bisect_right(items, at, key=lambda item: item.at)
    return items[index - 1] if index else None


class Whole(PaperFills):
    """The paper model without its random partial fills."""

    def _part(self, order: Order, whole: Decimal) -> Decimal | None:
        return None


class Partial(PaperFills):
    """The paper model with a partial fill of half at every first look."""

    def _part(self, order: Order, whole: Decimal) -> Decimal | None:
        order.attempts += 1
        return (whole / 2).to_integral_value() if order.attempts == 1 else None


@dataclass
class Floor:
    """One account on an exchange, moved by hand."""

    market: StepMarket
    exchange: Exchange
    account: Account
    now: dt.datetime = START

    def send(self, **fields: Any) -> Order:
        """The order as acknowledged."""
        return self.exchange.submit(self.account, an_order(**fields), self.now)

    def sent(self, **fields: Any) -> Order:
        """The order itself, as it is after the market has answered."""
        return self.account.orders[self.send(**fields).id]

    def replaced(self, order: Order, fate: Fate = Fate.HONOURED, **changes: Any) -> Order:
        request = read_replacement(changes)
        return self.account.orders[self.exchange.replace(self.account, order.id, request, self.now, fate).id]

    def cancel(self, order: Order, fate: Fate = Fate.HONOURED) -> None:
        self.exchange.cancel(self.account, order.id, self.now, fate)

    def go(self, to: dt.datetime | float) -> None:
        self.now = to if isinstance(to, dt.datetime) else after(to)
        self.exchange.advance(self.now)

    def events(self) -> list[TradeEvent]:
        return self.exchange.drain_events()

    def stories(self) -> list[str]:
        """What happened to which type of order since the last call."""
        return [f"{event.event} {event.order.type}" for event in self.events()]


def an_order(**fields: Any) -> OrderRequest:
    """A market buy of one share, but for what is given; strings and numbers as in JSON."""
    body = {"symbol": "AAA", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day", **fields}
    return read_order({name: value for name, value in body.items() if value is not None})


def a_floor(
    market: StepMarket | None = None,
    *,
    model: FillModel | None = None,
    fees: FeeSchedule | None = None,
    start: dt.datetime = START,
    seed: int = 7,
    cash: str = "100000",
) -> Floor:
    """AAA stands at 99.99 / 100.01 unless a market is given."""
    market = market or StepMarket().quoted(new_york("2024-06-03 09:30:00"), "99.99", "100.01")
    identity = Identity(seed)
    exchange = Exchange(
        market,
        identity=identity,
        model=model or Whole(identity),
        fees=fees or NoFees(),
        start=start,
        starting_cash=Decimal(cash),
    )
    return Floor(market, exchange, exchange.account("bot"), start)
