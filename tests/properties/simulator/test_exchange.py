"""Whatever is sent to the exchange, in whatever order: money and shares add up, and orders end where they may."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from functools import partial

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.simulator.adapters.call_log import CALL
from services.simulator.adapters.wire import order_json
from services.simulator.domain.activities import Fill
from services.simulator.domain.calls import Call, Fate
from services.simulator.domain.fees import NoFees, RegulatoryFees
from services.simulator.domain.fill_models import PaperFills, RealisticFills
from services.simulator.domain.identity import Identity
from services.simulator.domain.orders import TERMINAL, Order, Side, TimeInForce
from services.simulator.domain.rejections import Rejection
from tests.unit.simulator.step_market import START, Floor, StepMarket, a_floor

PRICES = st.sampled_from(["97", "98.5", "99.5", "100", "100.5", "101.5", "103"])
QUANTITIES = st.sampled_from(["1", "7", "40", "300", "0.5", "2.25"])
TYPES = st.sampled_from(["market", "market", "limit", "limit", "limit", "stop", "stop_limit", "trailing_stop"])
SIDES = st.sampled_from(["buy", "sell"])
TIFS = st.sampled_from(["day", "day", "gtc", "ioc", "fok"])
EXITS = {"take_profit": {"limit_price": "104"}, "stop_loss": {"stop_price": "96"}}
GROUPS = st.sampled_from([{}, {}, {}, {}, {}, {}, {"order_class": "bracket", **EXITS}, {"order_class": "oco", **EXITS}])


def wavy_market() -> StepMarket:
    """Half an hour in which the price swings by four dollars, sizes are small, and prints happen at both sides."""
    market = StepMarket()
    for second in range(0, 1800, 3):
        at = START + dt.timedelta(seconds=second)
        mid = Decimal(100) + Decimal((second * 7) % 81 - 40) / 10
        market.quoted(at, str(mid - Decimal("0.05")), str(mid + Decimal("0.05")), sizes=(30 + second % 50, 60))
        market.traded(at, str(mid + Decimal("0.05") * (1 if second % 2 else -1)), 20 + second % 90)
    return market


def a_wavy_floor(seed: int, *, is_realistic: bool) -> Floor:
    model = RealisticFills() if is_realistic else PaperFills(Identity(seed))
    return a_floor(wavy_market(), model=model, fees=RegulatoryFees() if is_realistic else NoFees(), seed=seed)


def as_told(floor: Floor) -> object:
    """All that a client can ask of the account."""
    account = floor.account
    orders = [order_json(order, legs=True) for order in account.orders.values()]
    positions = {symbol: (held.qty, held.cost_basis) for symbol, held in account.positions.items()}
    return account.cash, positions, orders, account.activities


class Trading(RuleBasedStateMachine):
    """One account that does anything a client may do."""

    anew: Callable[[], Floor]
    floor: Floor
    seen: dict[str, tuple[Decimal, bool]]

    @initialize(realistic=st.booleans(), seed=st.integers(0, 50))
    def open(self, realistic: bool, seed: int) -> None:  # noqa: FBT001
        self.anew = partial(a_wavy_floor, seed, is_realistic=realistic)
        self.floor = self.anew()
        self.calls: list[Call] = []
        self.floor.exchange.on_call = self.calls.append
        self.seen = {}

    @rule(
        order=st.fixed_dictionaries({"side": SIDES, "type": TYPES, "qty": QUANTITIES, "time_in_force": TIFS}),
        limit=PRICES,
        stop=PRICES,
        group=GROUPS,
    )
    def send(self, order: dict[str, str], limit: str, stop: str, group: dict[str, object]) -> None:
        kind = order["type"]
        prices = {
            "limit_price": limit if kind in {"limit", "stop_limit"} else None,
            "stop_price": stop if kind in {"stop", "stop_limit"} else None,
            "trail_percent": "1" if kind == "trailing_stop" else None,
        }
        self._try(lambda: self.floor.send(**order, **prices, **group))

    @rule(pick=st.integers(0, 30), fate=st.sampled_from(list(Fate)))
    def cancel(self, pick: int, fate: Fate) -> None:
        if (order := self._any(pick)) is not None:
            self._try(lambda: self.floor.cancel(order, fate))

    @rule(pick=st.integers(0, 30), qty=QUANTITIES, limit=PRICES, fate=st.sampled_from([Fate.HONOURED, Fate.FILLED]))
    def replace(self, pick: int, qty: str, limit: str, fate: Fate) -> None:
        if (order := self._any(pick)) is not None:
            self._try(lambda: self.floor.replaced(order, fate, qty=qty, limit_price=limit))

    @rule(seconds=st.sampled_from([1, 2, 10, 60, 400]))
    def wait(self, seconds: int) -> None:
        self.floor.go(self.floor.now + dt.timedelta(seconds=seconds))

    def teardown(self) -> None:
        """After the day only good-till-canceled orders, and groups of them, are open."""
        if not hasattr(self, "floor"):
            return
        self.floor.go(START + dt.timedelta(hours=11))
        assert {order.time_in_force for order in self.floor.account.open_orders.values()} <= {TimeInForce.GTC}
        self.cash_is_what_was_not_spent()
        self.the_same_calls_make_the_same_account_however_time_was_cut()

    def the_same_calls_make_the_same_account_however_time_was_cut(self) -> None:
        again = self.anew()
        for call in self.calls:
            CALL.validate_json(CALL.dump_json(call)).repeat(again.exchange)
        again.go(self.floor.now)
        assert as_told(again) == as_told(self.floor)

    @invariant()
    def cash_is_what_was_not_spent(self) -> None:
        account = self.floor.account
        spent = sum(
            (fill.price * fill.qty * Side(fill.side).sign for fill in account.activities if isinstance(fill, Fill)),
            Decimal(0),
        )
        fees = sum((fee.net_amount for fee in account.activities if not isinstance(fee, Fill)), Decimal(0))
        assert account.cash == account.starting_cash - spent + fees
        assert account.ledger.holdings(self.floor.now).cash == account.cash

    @invariant()
    def positions_are_what_was_traded(self) -> None:
        account = self.floor.account
        net = sum((f.qty * Side(f.side).sign for f in account.activities if isinstance(f, Fill)), Decimal(0))
        assert account.qty("AAA") == net

    @invariant()
    def no_order_fills_beyond_itself_or_backwards(self) -> None:
        for order in self.floor.account.orders.values():
            assert order.qty is None or 0 <= order.filled_qty <= order.qty
            before, ended = self.seen.get(order.id, (Decimal(0), False))
            assert order.filled_qty >= before
            assert not ended or order.filled_qty == before
            self.seen[order.id] = (order.filled_qty, order.status in TERMINAL)

    @invariant()
    def what_is_open_is_known_as_open(self) -> None:
        account = self.floor.account
        assert set(account.open_orders) == {order.id for order in account.orders.values() if order.is_open}

    @invariant()
    def events_come_in_the_order_of_time_and_name_each_execution_once(self) -> None:
        events = self.floor.events()
        assert [e.at for e in events] == sorted(e.at for e in events)
        assert len({e.id for e in events}) == len(events)

    def _any(self, pick: int) -> Order | None:
        orders = list(self.floor.account.orders.values())
        return orders[pick % len(orders)] if orders else None

    def _try(self, call: Callable[[], object]) -> None:
        """A refusal changes nothing, and is a proper one."""
        before = (self.floor.account.cash, len(self.floor.account.orders))
        refusal: Rejection | None = None
        try:
            call()
        except Rejection as error:
            refusal = error
        if refusal is not None:
            assert 400 <= refusal.status < 500
            assert (self.floor.account.cash, len(self.floor.account.orders)) == before


TestTrading = Trading.TestCase
TestTrading.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
