"""Turns the newest waiting target into a plan: asks the broker and the quotes, and commits the plan with its legs, once.

    waiting target ──► (a plan at work is asked to stop; it ends first) ──► situation ──► plan ──► legs ready | completed at once

Rule: the newest target supersedes. What the plan at work has open is cancelled and proven, then everything is planned anew.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from pydantic import TypeAdapter, ValidationError

from services.execution.adapters.asset_book import AssetBook
from services.execution.adapters.desk_book import Book
from services.execution.adapters.equity_book import EquityBook
from services.execution.adapters.memory_books import NoBooks
from services.execution.adapters.order_stopper import OrderStopper
from services.execution.adapters.plan_facts import begun, impossible, unanswered
from services.execution.domain import foreign_orders, identity, plan, records
from services.execution.domain.broker import BrokerOrder, Position
from services.execution.domain.exposure import standing_of
from services.execution.domain.limits import Bounds
from services.execution.domain.market_limits import widest_spread
from services.execution.domain.plan import PlanRules
from services.execution.domain.records import CostWatch, WaitingTarget
from services.execution.domain.reference import Reference
from services.execution.domain.set_apart import ours_among, without_worth
from services.execution.domain.situation import Situation
from services.execution.ports import Books, Broker, BrokerUnavailableError, Quotes, References, Updates
from shared import logs
from shared.bus import Bus, Outcome, Put, Remove, Stands
from shared.clock import Clock
from shared.contracts import faults_in, streams
from shared.contracts.base import Side
from shared.contracts.marketdata import Quote
from shared.sessions import new_york_date

_NO_PLAN_AT_WORK: Final = Outcome(only_if=(Stands(records.TRADING, records.ACTIVE_PLAN, None),))
_QUOTE_PAUSE_SECONDS: Final = 0.05
_SYMBOLS: Final = TypeAdapter(list[str])
_SIDES: Final[frozenset[Side]] = frozenset({"buy", "sell"})


@dataclass(frozen=True, slots=True)
class PlannerPorts:
    """`obstacle` tells why nothing may be placed; `pause` waits real seconds."""

    bus: Bus
    book: Book
    broker: Broker
    quotes: Quotes
    references: References
    updates: Updates
    orders: OrderStopper
    clock: Clock
    obstacle: Callable[[], str | None]
    pause: Callable[[float], object]
    equity: EquityBook
    books: Books = field(default_factory=NoBooks)


class Planner:
    """One at a time: the dispatcher calls it. Questions to the broker go out together."""

    def __init__(self, ports: PlannerPorts, rules: PlanRules, bounds: Bounds, *, quote_seconds: float = 5.0) -> None:
        self._ports = ports
        self._rules = rules
        self._bounds = bounds
        self._quote_tries = max(1, int(quote_seconds / _QUOTE_PAUSE_SECONDS))
        self._pool = ThreadPoolExecutor(8, "planner")
        self._assets = AssetBook(ports.broker, ports.bus, ports.clock)
        self._log = logs.get("execution.planner")

    def close(self) -> None:
        self._pool.shutdown(wait=False)

    def plan_newest(self) -> str | None:
        """The id of a plan that began now. Raises BrokerUnavailableError, BusUnavailableError: then it is tried again."""
        waiting = self._waiting()
        if not waiting:
            return None
        active = self._ports.book.active_plan()
        if active is not None:
            self._ask_to_stop(active)
            return None
        newest = max(waiting, key=lambda w: w.asked_at)
        plan_id = identity.plan_id(newest.target.session, newest.trigger)
        try:
            outcome = self._drawn_up(plan_id, newest)
        except BrokerUnavailableError as error:
            self._ports.bus.commit(
                unanswered(plan_id, newest, str(error), self._ports.clock.now()), once=f"{plan_id}:late"
            )
            raise
        except (ValueError, ArithmeticError) as error:
            self._log.error("a target cannot be planned", plan=plan_id, exc_info=True)
            outcome = impossible(plan_id, newest, f"{type(error).__name__}: {error}", self._ports.clock.now())
        removed = Outcome(changes=tuple(Remove(records.WAITING, w.trigger) for w in waiting))
        for _ in range(2):  # again where the plan that stood in the way has just ended
            if self._ports.bus.commit(outcome + removed + _NO_PLAN_AT_WORK, once=f"{plan_id}:planned"):
                return plan_id
            if self._ports.book.active_plan() is not None:
                return None  # a Redis that came back from its file has one at work again
        self._ports.bus.commit(removed)  # it was planned before
        return None

    def want_quotes(self) -> None:
        """Ask marketdata for what is held, was just traded or is to be, to know its price; and the broker for what may come."""
        held = [position.symbol for position in self._ports.broker.positions() if position.is_share]
        waiting = [symbol for w in self._waiting() for symbol in w.target.weights]
        ours = sorted({*held, *waiting, *self._at_work()})
        self._ports.quotes.want(sorted({*ours, *self._watched()}))
        self._ports.references.warm()
        self._assets.learn_ahead(sorted({*ours, *self._wanted_by_others()}))

    def _at_work(self) -> list[str]:
        """What the plan at work trades: its target no longer waits, and what it has yet to buy is not held."""
        active = self._ports.book.active_plan()
        plan = self._ports.book.plan(active) if active is not None else None
        return [trade.symbol for trade in plan.trades] if plan is not None else []

    def _wanted_by_others(self) -> set[str]:
        """Symbols that strategies watch: what they may decide to hold next."""
        wanted: set[str] = set()
        for raw in self._ports.bus.get_all(streams.WANTED_SYMBOLS).values():
            with suppress(ValidationError):
                wanted.update(_SYMBOLS.validate_json(raw))
        return wanted

    def _watched(self) -> list[str]:
        """Symbols whose quotes tell what was done with an order's fills; one that cannot be read wants nothing."""
        found = []
        for raw in self._ports.bus.get_all(records.COST_WATCHES).values():
            with suppress(ValidationError):
                found.append(CostWatch.model_validate_json(raw).symbol)
        return found

    def _waiting(self) -> list[WaitingTarget]:
        found = []
        for trigger, raw in self._ports.bus.get_all(records.WAITING).items():
            try:
                found.append(WaitingTarget.model_validate_json(raw))
            except ValidationError as error:
                self._log.error(
                    "a waiting target cannot be read and is dropped", trigger=trigger, error=faults_in(error)
                )
                self._ports.bus.commit(Outcome(changes=(Remove(records.WAITING, trigger),)))
        return found

    def _ask_to_stop(self, plan_id: str) -> None:
        if not self._ports.book.stop_reason(plan_id):
            put = Put(records.STOPS, plan_id, "superseded by a newer target")
            self._ports.bus.commit(Outcome(changes=(put,)))

    def _drawn_up(self, plan_id: str, waiting: WaitingTarget) -> Outcome:
        situation = self._situation(waiting)
        drawn = plan.draw_up(waiting.target, situation, self._rules, self._bounds)
        outcome = begun(
            plan_id,
            waiting,
            drawn,
            situation,
            obstacle=self._ports.obstacle(),
            updates_from=self._ports.updates.end(),
            remembering=self._ports.books.remembering,
        )
        return outcome + self._without_old_exposures(new_york_date(situation.now))

    def _without_old_exposures(self, today: dt.date) -> Outcome:
        old = [exposure for exposure in self._ports.book.exposures() if exposure.date < today]
        return Outcome(changes=tuple(Remove(records.EXPOSURES, exposure.order_id) for exposure in old))

    def _situation(self, waiting: WaitingTarget) -> Situation:
        ports = self._ports
        leaving = self._pool.submit(ports.books.left_alone)
        account, held = self._pool.submit(ports.broker.account), self._pool.submit(self._positions)
        foreign = self._pool.submit(self._foreign)
        apart = leaving.result()
        positions = ours_among(held.result(), apart)
        symbols = plan.symbols_of(waiting.target, positions)
        ports.quotes.want(symbols)
        references = self._pool.submit(self._references, symbols)
        assets = self._assets.known(symbols)
        quotes, others = self._fresh_quotes(symbols), foreign.result()
        worth = ports.equity.read(account.result())
        ports.book.mend_exposures()
        now = ports.clock.now()
        return Situation(
            account=without_worth(account.result(), held.result(), apart),
            positions=positions,
            quotes=quotes,
            assets=assets,
            foreign_orders=foreign_orders.by_symbol(others),
            trading=ports.book.trading().state,
            now=now,
            references=references.result(),
            left_alone={symbol: qty for symbol, qty in apart.items() if qty},
            standing=standing_of(ports.book.exposures(), new_york_date(now)),
            worth=worth,
            foreign_buys=foreign_orders.tied_up(others),
        )

    def _positions(self) -> Mapping[str, Position]:
        return {position.symbol: position for position in self._ports.broker.positions()}

    def _foreign(self) -> Sequence[BrokerOrder]:
        """Orders that are not ours. Ours from an earlier plan are ended first; what does not end counts as foreign."""
        left = self._ports.orders.open_orders()
        if any(self._ports.orders.is_ours(order) for order in left):
            self._ports.orders.stop(frozenset(), _SIDES)
            left = self._ports.orders.open_orders()
        return left

    def _references(self, symbols: Sequence[str]) -> Mapping[str, Reference]:
        """Given a moment to arrive: a symbol that nobody wanted before has its history fetched now."""
        found: Mapping[str, Reference] = {}
        for _ in range(self._quote_tries):
            found = self._ports.references.latest(symbols)
            if len(found) == len(symbols):
                break
            self._ports.pause(_QUOTE_PAUSE_SECONDS)
        return found

    def _fresh_quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """The newest quotes, given a moment to arrive where one is missing, one-sided or old, and to narrow where it is wide."""
        found: Mapping[str, Quote] = {}
        for _ in range(self._quote_tries):
            found = self._ports.quotes.latest(symbols)
            if all(symbol in found and self._is_fit(found[symbol]) for symbol in symbols):
                break
            self._ports.pause(_QUOTE_PAUSE_SECONDS)
        return found

    def _is_fit(self, quote: Quote) -> bool:
        age = quote.age(self._ports.clock.now()).total_seconds()
        is_fresh = quote.is_two_sided and age <= self._bounds.max_quote_age_seconds
        return is_fresh and quote.spread <= widest_spread(quote, self._bounds)
