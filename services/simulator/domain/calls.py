"""What clients did to the exchange, as facts: repeated in their order on the same seed, they make the same exchange again."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from services.simulator.domain.order_request import OrderRequest, ReplaceRequest

if TYPE_CHECKING:
    from services.simulator.domain.exchange import Exchange

Switch = bool | int | str


class Fate(StrEnum):
    """How a cancel or replace request ends: as asked, never, or too late because the order fills."""

    HONOURED = "honoured"
    STUCK = "stuck"
    FILLED = "filled"


@dataclass(frozen=True, slots=True)
class Submitted:
    account: str
    at: dt.datetime
    request: OrderRequest
    did: Literal["submitted"] = "submitted"

    def repeat(self, exchange: Exchange) -> None:
        exchange.submit(exchange.account(self.account), self.request, self.at)


@dataclass(frozen=True, slots=True)
class Cancelled:
    account: str
    at: dt.datetime
    order_id: str
    fate: Fate
    did: Literal["cancelled"] = "cancelled"

    def repeat(self, exchange: Exchange) -> None:
        exchange.cancel(exchange.account(self.account), self.order_id, self.at, self.fate)


@dataclass(frozen=True, slots=True)
class Replaced:
    account: str
    at: dt.datetime
    order_id: str
    request: ReplaceRequest
    fate: Fate
    did: Literal["replaced"] = "replaced"

    def repeat(self, exchange: Exchange) -> None:
        exchange.replace(exchange.account(self.account), self.order_id, self.request, self.at, self.fate)


@dataclass(frozen=True, slots=True)
class Configured:
    account: str
    at: dt.datetime
    changes: dict[str, Switch]
    did: Literal["configured"] = "configured"

    def repeat(self, exchange: Exchange) -> None:
        exchange.configure(exchange.account(self.account), self.changes, self.at)


@dataclass(frozen=True, slots=True)
class Halted:
    """Trading in a symbol stopped, or went on."""

    symbol: str
    at: dt.datetime
    is_halted: bool
    did: Literal["halted"] = "halted"

    def repeat(self, exchange: Exchange) -> None:
        exchange.halt(self.symbol, self.at, is_halted=self.is_halted)


Call = Submitted | Cancelled | Replaced | Configured | Halted
