"""The limits before every single order, with today's trading state, arming and exposures. What cannot be read keeps it shut."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Final

from services.execution.adapters.desk_book import Book, Controls
from services.execution.domain import limits
from services.execution.domain.broker import Account, Asset
from services.execution.domain.exposure import Exposure, committed_to, exposure_of, standing_of
from services.execution.domain.limits import Bounds, Objection, Proposal
from services.execution.domain.order_events import Place
from services.execution.domain.order_state import SmartOrder
from services.execution.domain.plan import PlanRules, funds_of
from services.execution.domain.records import PlanRecord
from services.execution.ports import BrokerUnavailableError
from shared.bus import BusUnavailableError
from shared.sessions import new_york_date

_ASK_SECONDS: Final = 5.0
"""The broker is asked about its money no more often than this."""
_UNKNOWN: Final = Decimal("NaN")


class Gate:
    """One leg's gate. An order that passes is exposed, durably, before anyone else is judged: no two pass on the same room."""

    def __init__(
        self,
        book: Book,
        obstacle: Callable[[], str | None],
        plan: PlanRecord,
        *,
        bounds: Bounds,
        rules: PlanRules,
        account: Callable[[], Account],
        is_sure: Callable[[], bool] = lambda: True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._is_sure = is_sure
        self._book = book
        self._obstacle = obstacle
        self._bounds = bounds
        self._rules = rules
        self._plan = plan
        self._account = account
        self._monotonic = monotonic
        self._held = {trade.symbol: trade.held_qty for trade in plan.trades}
        self._references = {reference.symbol: reference for reference in plan.references}
        self._sold: Decimal | None = None
        self._ask_at = 0.0
        self._lock = threading.Lock()

    def objection(self, order: SmartOrder, place: Place, now: dt.datetime) -> Objection | None:
        """None when it may be sent: then its exposure is written down. `release` it when it is not sent after all."""
        try:
            with self._lock:  # whoever had to wait for it is judged by what stands now
                return self._judged(order, place, now, self._book.controls(), self._obstacle())
        except (BusUnavailableError, ValueError) as error:
            return Objection("trading state", f"cannot be read: {error}", may_pass=True)

    def release(self, order: SmartOrder, place: Place) -> None:
        """It was not sent. What an outage leaves standing counts for too much, until the order tells of itself again."""
        if place.is_resend:
            return  # its first sending may be live
        name = place.request.client_order_id
        kept = tuple(child for child in order.children if child.client_order_id != name)
        with suppress(BusUnavailableError):
            self._book.expose(exposure_of(replace(order, children=kept)), self._is_sure)

    def _judged(
        self, order: SmartOrder, place: Place, now: dt.datetime, controls: Controls, obstacle: str | None
    ) -> Objection | None:
        trading, worth = controls.trading.state, controls.worth
        if not self._book.expose(exposure_of(order), self._is_sure):
            return Objection("lease", "another worker may have taken over", may_pass=True)
        others = [e for e in self._book.exposures() if e.order_id != order.order_id]
        proposal = self._proposal(order, place, now, others)
        proposal = replace(proposal, trading=trading, worth=worth, obstacle=obstacle)
        found = limits.objection(proposal, self._bounds)
        if found is not None and found.limit == "buying power" and (funds := self._funds_now(others)) is not None:
            found = limits.objection(replace(proposal, funds=funds), self._bounds)
        if found is not None:
            self.release(order, place)
        return found

    def _proposal(self, order: SmartOrder, place: Place, now: dt.datetime, others: list[Exposure]) -> Proposal:
        quote, request = place.quote, place.request
        moved = order.filled if order.side == "buy" else -order.filled
        standing = standing_of(others, new_york_date(now))
        return Proposal(
            symbol=order.symbol,
            side=order.side,
            qty=request.qty,
            price=request.limit_price or (quote.ask if quote and quote.ask else _UNKNOWN),
            held_qty=self._held[order.symbol] + moved,
            equity=self._plan.equity,
            quote=quote,
            asset=Asset(order.symbol, is_tradable=True, is_fractionable=not order.whole_shares),
            trading="HALTED",
            now=now,
            reference=self._references.get(order.symbol),
            traded=standing.traded + order.paid,
            open_orders=standing.open_orders,
            worth=None,
            funds=self._funds(order, others) if order.side == "buy" else Decimal(0),
        )

    def _funds(self, order: SmartOrder, others: list[Exposure]) -> Decimal:
        """The money that was there at planning and what the sells brought, without what our buys took or may take."""
        if self._plan.funds is None:
            return _UNKNOWN  # the broker is asked
        if self._sold is None:
            sells = self._book.leg_of(self._plan.plan_id, "sell") if self._plan.side("sell") else None
            self._sold = sells.sold_or_bought if sells is not None else Decimal(0)
        elsewhere = standing_of(
            (e for e in others if e.plan_id != self._plan.plan_id), new_york_date(order.started_at)
        ).open_buys
        return self._plan.funds + self._sold - committed_to(self._plan.plan_id, others) - elsewhere - order.paid

    def _funds_now(self, others: list[Exposure]) -> Decimal | None:
        """By the broker's word: others trade on the account too. None when it was asked a moment ago or does not answer."""
        if self._monotonic() < self._ask_at:
            return None
        self._ask_at = self._monotonic() + _ASK_SECONDS
        try:
            account = self._account()
        except BrokerUnavailableError:
            return None
        open_buys = standing_of(others, new_york_date(self._plan.created_at)).open_buys
        return funds_of(account, self._rules) - self._plan.set_aside - open_buys
