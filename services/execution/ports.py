"""What execution needs from outside: the broker, quotes, the journal, leases. Real adapters and their twins stand in adapters/."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from services.execution.domain.broker import (
    Account,
    Activity,
    Asset,
    BrokerOrder,
    BrokerUpdate,
    CancelOutcome,
    Fill,
    OrderRequest,
    PlaceOutcome,
    Position,
)
from services.execution.domain.records import LegRecord, PlanRecord
from services.execution.domain.reference import Reference
from services.execution.domain.request_budget import Purpose
from shared.bus import Change
from shared.contracts.base import Side
from shared.contracts.marketdata import Quote


class BrokerUnavailableError(ConnectionError):
    """A question could not be answered now (timeout, 5xx, rate limit). Nothing may be concluded from it."""


class Broker(Protocol):
    """Alpaca's trading API. Questions raise BrokerUnavailableError; actions answer with an outcome and never raise."""

    def account(self) -> Account: ...

    def positions(self) -> Sequence[Position]: ...

    def asset(self, symbol: str) -> Asset | None:
        """None when the broker does not know the symbol."""

    def assets(self) -> Sequence[Asset]:
        """All that can be traded as shares: thousands, in one answer."""

    def place(self, request: OrderRequest) -> PlaceOutcome: ...

    def replace(self, order_id: str, *, client_order_id: str, qty: Decimal, limit_price: Decimal) -> PlaceOutcome:
        """`qty` is the chain's total, what is already filled included."""

    def cancel(self, order_id: str) -> CancelOutcome: ...

    def order(self, order_id: str) -> BrokerOrder | None:
        """None when there is none."""

    def order_by_client_id(self, client_order_id: str) -> BrokerOrder | None:
        """None when the broker definitely has none (404)."""

    def open_orders(self) -> Sequence[BrokerOrder]:
        """All of them, however many pages."""

    def orders_since(self, after: dt.datetime, symbols: Sequence[str] = ()) -> Sequence[BrokerOrder]:
        """Every order submitted after that instant, closed ones too; of these symbols, or of all."""

    def fills_since(self, after: dt.datetime) -> Sequence[Fill]: ...

    def activities_since(self, after: dt.datetime) -> Sequence[Activity]:
        """Executions and payments of every type, oldest first."""


class Quotes(Protocol):
    """Newest quotes, whatever brought them."""

    def latest(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """Symbols without any quote are absent."""

    def want(self, symbols: Sequence[str]) -> None:
        """Ask marketdata to deliver these too."""


class Books(Protocol):
    """The account's books as planning needs them."""

    def left_alone(self, held: Mapping[str, Decimal], cash: Decimal) -> Mapping[str, Decimal]:
        """Of the shares that the account holds now, beside so much cash, those that are not the portfolio's.

        Raises BrokerUnavailableError while nobody knows.
        """

    def remembering(self, plan: PlanRecord) -> Sequence[Change]:
        """What to commit with a plan, so that what comes of it is divided as it was wanted."""


class References(Protocol):
    """What the sessions before today say of each symbol."""

    def latest(self, symbols: Sequence[str]) -> Mapping[str, Reference]:
        """Symbols without daily history that can be read are absent."""

    def warm(self) -> None:
        """Read beforehand what is likely to be asked for."""


class Updates(Protocol):
    """The broker's trade updates as execution's own stream keeps them, in order, from a position on."""

    def after(self, position: str, *, block_seconds: float) -> tuple[str, Sequence[BrokerUpdate]]:
        """Updates past `position` ("0" is the beginning) and the new position."""

    def end(self) -> str:
        """The position of the newest update."""


@dataclass(frozen=True, slots=True)
class Intent:
    """Written before an order is sent, so that after any crash the broker can be asked for it by name."""

    client_order_id: str
    plan_id: str
    order_id: str
    symbol: str
    side: str
    qty: Decimal
    limit_price: Decimal | None
    rung: str
    attempt: int
    fence: int
    at: dt.datetime


class FencedOutError(RuntimeError):
    """Another worker holds the lease now; this one must stop at once and send nothing."""


class Journal(Protocol):
    """Every intent and every outcome, durable before the effect they announce. One journal per account."""

    def intend(self, intent: Intent) -> bool:
        """Record before sending. False when this client order id is journalled already (then ask the broker for it).

        Raises FencedOutError when `intent.fence` is older than the leg's newest lease.
        """

    def settle(self, client_order_id: str, outcome: str, broker_order_id: str | None) -> None:
        """Record what became of it: acknowledged, rejected, unknown, absent, or a terminal status."""

    def intents(self, plan_id: str) -> Sequence[tuple[Intent, str | None, str | None]]:
        """(intent, outcome, broker order id) of a plan, oldest first."""

    def unsettled(self) -> Sequence[Intent]:
        """Intents whose outcome is unknown or missing."""

    def knows(self, client_order_id: str) -> bool:
        """Whether this order is ours."""


class Leases(Protocol):
    """One worker per leg. The fencing token grows with every take-over."""

    def take(self, name: str, owner: str, ttl_seconds: float) -> int | None:
        """The fencing token, or None while another owner's lease lives."""

    def renew(self, name: str, owner: str, fence: int, ttl_seconds: float) -> bool:
        """False when the lease was lost. One that has merely ended, and that nobody has taken over, is not."""

    def release(self, name: str, owner: str, fence: int) -> None: ...

    def is_held(self, name: str) -> bool:
        """Whether somebody's lease on it lives now."""

    def newest(self, name: str) -> int | None:
        """The token of the lease that was taken last and never released, whether it lives or has ended."""


class RequestBudget(Protocol):
    """The account's requests, counted for everybody who makes them. Raises BusUnavailableError: then nothing may be spent."""

    def spend(self, purpose: Purpose) -> float:
        """0: spent, send it. Else nothing was spent, and in how many seconds it is worth asking again."""

    def shut(self, seconds: float) -> None:
        """The broker said "too many": until then only cancels are sent."""


@dataclass(frozen=True, slots=True)
class Papers:
    """A leg that is ready, and its plan, as they have just been committed."""

    leg: LegRecord
    plan: PlanRecord


class LegQueue(Protocol):
    """Carries legs to workers; never the only copy of the fact that a leg waits."""

    def offer(self, leg_id: str) -> bool:
        """Make sure that a worker will take it. False when one has it on its way already."""

    def prepare(self) -> None:
        """What calling in takes, made while nothing is in a hurry."""

    def call_in(self) -> None:
        """Have a worker stand by for a moment: a plan is being drawn up."""

    def hand_over(self, papers: Papers) -> bool:
        """To the worker that stands by. False when none was called in; one that was may have died all the same."""

    def take_papers(self, within_seconds: float) -> Papers | None:
        """What this worker, standing by, is to work; None when nothing came."""


@dataclass(frozen=True, slots=True)
class StoppedOrders:
    """How many of ours are no longer open, and which still are, by client order id."""

    ended: int
    still_open: tuple[str, ...]


class StopsOrders(Protocol):
    """Ends our open orders and proves it."""

    def stop(self, symbols: frozenset[str], sides: frozenset[Side]) -> StoppedOrders:
        """All of ours when `symbols` is empty. Raises BrokerUnavailableError."""
