"""Turns the newest waiting target into a plan: asks the broker and the quotes, and commits the plan with its legs, once.

    waiting target ──► (a plan at work is asked to stop; it ends first) ──► situation ──► plan ──► legs ready | completed at once

Rule: the newest target supersedes. What the plan at work has open is cancelled and proven, then everything is planned anew.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from pydantic import TypeAdapter, ValidationError

from services.execution.adapters.asset_book import AssetBook
from services.execution.adapters.desk_book import Book
from services.execution.adapters.equity_book import EquityBook
from services.execution.adapters.memory_books import NoBooks
from services.execution.adapters.order_stopper import OrderStopper
from services.execution.adapters.plan_facts import begin, impossible, unanswered
from services.execution.domain import foreign_orders, identity, plan, records
from services.execution.domain.broker import Account, BrokerOrder, Position
from services.execution.domain.exposure import Exposure, standing_of
from services.execution.domain.limits import Bounds
from services.execution.domain.market_limits import widest_spread
from services.execution.domain.plan import PlanRules
from services.execution.domain.records import CostWatch, WaitingTarget
from services.execution.domain.reference import Reference
from services.execution.domain.set_apart import ours_among, without_worth
from services.execution.domain.situation import Situation
from services.execution.ports import Books, Broker, BrokerUnavailableError, Papers, Quotes, References, Updates
from shared import logs
from shared.bus import Bus, Outcome, Put, Remove, Stands
from shared.clock import Clock
from shared.contracts import faults_in, streams
from shared.contracts.base import Side
from shared.contracts.marketdata import Quote
from shared.sessions import new_york_date

_NO_PLAN_AT_WORK: Final = Outcome(only_if=(Stands(records.TRADING, records.ACTIVE_PLAN, None),))
_QUOTE_PAUSE_SECONDS: Final = 0.05
_AHEAD_SECONDS: Final = 1.0
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


@dataclass(frozen=True, slots=True)
class _Asked:
    """Questions to the broker that went out together: `seconds` are real ones, and so many plans had been made."""

    seconds: float
    at: dt.datetime
    plans: int
    account: Future[Account]
    positions: Future[Sequence[Position]]
    open_orders: Future[tuple[BrokerOrder, ...]]


class Planner:
    """One at a time: the dispatcher calls it. Questions to the broker go out together."""

    def __init__(
        self,
        ports: PlannerPorts,
        rules: PlanRules,
        bounds: Bounds,
        *,
        quote_seconds: float = 5.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ports = ports
        self._rules = rules
        self._bounds = bounds
        self._quote_tries = max(1, int(quote_seconds / _QUOTE_PAUSE_SECONDS))
        self._pool = ThreadPoolExecutor(8, "planner")
        self._assets = AssetBook(ports.broker, ports.bus, ports.clock)
        self._monotonic = monotonic
        self._wanted: frozenset[str] = frozenset()
        """The newest wish for quotes that went out."""
        self._ahead: _Asked | None = None
        self._plans = 0
        """How often something was planned here: what was asked before the newest one is of no use."""
        self._log = logs.get("execution.planner")

    def close(self) -> None:
        self._pool.shutdown(wait=False)

    def ask_ahead(self) -> bool:
        """A target has come and is being written down: the broker can be asked meanwhile. Called from any thread.

        False while a plan is at work, since answers from before its end are of no use, and where it was asked just now.
        """
        plans = self._plans
        if self._is_new(self._ahead) or self._ports.book.active_plan() is not None:
            return False
        self._ahead = self._asked(plans)
        return True

    def plan_newest(self, active: str | None) -> Papers | None:
        """What can be worked now; None too where nothing is to be placed. `active` is the plan at work, which must end first.

        Raises BrokerUnavailableError, BusUnavailableError: then it is tried again.
        """
        waiting = self._waiting()
        if not waiting:
            return None
        if active is not None:
            self._ask_to_stop(active)
            return None
        try:
            return self._planned(max(waiting, key=lambda w: w.asked_at), waiting)
        finally:
            self._plans += 1

    def _planned(self, newest: WaitingTarget, waiting: Sequence[WaitingTarget]) -> Papers | None:
        plan_id = identity.plan_id(newest.target.session, newest.trigger)
        papers: Papers | None = None
        try:
            outcome, papers = self._drawn_up(plan_id, newest)
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
                return papers
            if self._ports.book.active_plan() is not None:
                return None  # a Redis that came back from its file has one at work again
        self._ports.bus.commit(removed)  # it was planned before
        return None

    def want_quotes(self) -> None:
        """Ask marketdata for what is held, was just traded or is to be, to know its price; and the broker for what may come."""
        held = [position.symbol for position in self._ports.broker.positions() if position.is_share]
        waiting = [symbol for w in self._waiting() for symbol in w.target.weights]
        ours = sorted({*held, *waiting, *self._at_work()})
        self._want({*ours, *self._watched()})
        self._ports.references.warm()
        self._assets.learn_ahead(sorted({*ours, *self._wanted_by_others()}))

    def _want(self, symbols: Iterable[str]) -> None:
        wanted = frozenset(symbols)
        self._ports.quotes.want(sorted(wanted))
        self._wanted = wanted

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
            still = Stands(records.TRADING, records.ACTIVE_PLAN, plan_id)
            self._ports.bus.commit(Outcome(changes=(put,), only_if=(still,)))

    def _drawn_up(self, plan_id: str, waiting: WaitingTarget) -> tuple[Outcome, Papers | None]:
        """What to commit, and the leg that may begin with it."""
        ports = self._ports
        exposures, updates_from = ports.book.mended_exposures(), ports.updates.end()  # while the broker answers
        asked = self._newly_asked()
        situation = self._situation(waiting, asked, exposures)
        drawn = plan.draw_up(waiting.target, situation, self._rules, self._bounds)
        begun, papers = begin(
            plan_id,
            waiting,
            drawn,
            situation,
            obstacle=ports.obstacle(),
            asked_at=asked.at,
            updates_from=updates_from,
            remembering=ports.books.remembering,
        )
        old = (exposure for exposure in exposures if exposure.date < new_york_date(situation.now))
        return begun + Outcome(changes=tuple(Remove(records.EXPOSURES, each.order_id) for each in old)), papers

    def _asked(self, plans: int) -> _Asked:
        ports, submit = self._ports, self._pool.submit
        account, positions = submit(ports.broker.account), submit(ports.broker.positions)
        orders = submit(ports.orders.open_orders)
        return _Asked(self._monotonic(), ports.clock.now(), plans, account, positions, orders)

    def _newly_asked(self) -> _Asked:
        """What was asked ahead for this plan, if it is new; asked after orders of ours that an earlier plan left have ended."""
        ahead, self._ahead = self._ahead, None
        asked = ahead if ahead is not None and self._is_new(ahead) else self._asked(self._plans)
        if any(self._ports.orders.is_ours(order) for order in asked.open_orders.result()):
            self._ports.orders.stop(frozenset(), _SIDES)
            return self._asked(self._plans)
        return asked

    def _is_new(self, ahead: _Asked | None) -> bool:
        """Not too long ago, and no plan came between."""
        return ahead is not None and ahead.plans == self._plans and self._monotonic() - ahead.seconds < _AHEAD_SECONDS

    def _situation(self, waiting: WaitingTarget, asked: _Asked, exposures: Sequence[Exposure]) -> Situation:
        ports = self._ports
        worth = self._pool.submit(lambda: ports.equity.read(asked.account.result()))
        held = {position.symbol: position for position in asked.positions.result()}
        shares = {p.symbol: p.qty for p in held.values() if p.is_share and p.qty}
        apart = ports.books.left_alone(shares, asked.account.result().cash)
        positions = ours_among(held, apart)
        symbols = plan.symbols_of(waiting.target, positions)
        if not self._wanted.issuperset(symbols):
            self._want({*self._wanted, *symbols})
        assets, (quotes, references) = self._assets.known(symbols), self._market(symbols)
        others, now = asked.open_orders.result(), ports.clock.now()  # what of ours did not end counts as foreign
        return Situation(
            account=without_worth(asked.account.result(), held, apart),
            positions=positions,
            quotes=quotes,
            assets=assets,
            foreign_orders=foreign_orders.by_symbol(others),
            trading=ports.book.trading().state,
            now=now,
            references=references,
            left_alone={symbol: qty for symbol, qty in apart.items() if qty},
            standing=standing_of(exposures, new_york_date(now)),
            worth=worth.result(),
            foreign_buys=foreign_orders.tied_up(others),
        )

    def _market(self, symbols: Sequence[str]) -> tuple[Mapping[str, Quote], Mapping[str, Reference]]:
        """The newest quotes and what came before today.

        Given a moment to arrive where a quote is missing, one-sided or old, or a symbol is new and its history is fetched
        just now; and to narrow where a quote is wide.
        """
        quotes: Mapping[str, Quote] = {}
        references: Mapping[str, Reference] = {}
        for tries in range(self._quote_tries):
            references, quotes = self._ports.references.latest(symbols), self._ports.quotes.latest(symbols)
            if len(references) == len(symbols) and all(s in quotes and self._is_fit(quotes[s]) for s in symbols):
                break
            if tries == 0:
                self._want({*self._wanted, *symbols})  # a Redis that forgot may have forgotten the wish
            self._ports.pause(_QUOTE_PAUSE_SECONDS)
        return quotes, references

    def _is_fit(self, quote: Quote) -> bool:
        age = quote.age(self._ports.clock.now()).total_seconds()
        is_fresh = quote.is_two_sided and age <= self._bounds.max_quote_age_seconds
        return is_fresh and quote.spread <= widest_spread(quote, self._bounds)
