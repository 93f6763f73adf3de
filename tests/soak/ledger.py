"""What must be true of the broker's books and ours after every rebalance, whoever was killed meanwhile."""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from services.execution.handlers import GROUP, STREAMS
from shared.contracts import Message, decode, streams
from shared.contracts.execution import OrderFilled, OrderPartlyFilled, RebalanceCompleted, RebalancePlanned
from tests.soak.house import House

_EXACT = Decimal("1e-9")
_CENT = Decimal("0.01")
_SETTLED_SECONDS = 100.0
"""An intent that never left its worker is believed absent after a minute."""


class Ledger:
    """`breaches` only grows. Reads `execution.events` from where it was the last time."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._position = "0"
        self._wanted: dict[str, Decimal] = {}
        """smart order -> shares that its plan wants"""
        self._told = defaultdict[str, Decimal](Decimal)
        self._planned: Counter[str] = Counter()
        self._completed: list[RebalanceCompleted] = []
        self._started_with: Decimal = Decimal(house.ask("/v2/account")["cash"])
        self.breaches: list[str] = []
        self.fills = 0

    @property
    def completed(self) -> list[RebalanceCompleted]:
        """Every rebalance that has ended so far."""
        self._listen()
        return self._completed

    def check(self) -> None:
        """Nothing is at work now: the broker's books against what we promised and reported."""
        self._listen()
        orders = self._all_orders()
        self._check_orders(orders)
        self._check_positions(orders)
        for done in self._completed[-1:]:
            self._must(done.cash_gap == 0, f"{done.plan_id}: ${done.cash_gap} unexplained")
            self._must(done.outcome != "refused", f"{done.plan_id}: nothing was traded, {done.refusals[:1]}")
            lost = [order.order_id for order in done.orders if order.outcome == "unknown"]
            self._must(not lost, f"of unknown fate: {lost}")
        twice = [plan for plan, count in self._planned.items() if count > 1]
        self._must(not twice, f"planned twice: {twice}")
        ends = Counter(done.plan_id for done in self._completed)
        self._must(ends == self._planned, f"plans that did not end exactly once: {ends} of {self._planned}")

    def check_the_end(self) -> None:
        """After the last rebalance: intents settled, streams drained, no dead letters."""
        self.check()
        house = self._house
        if house.until(lambda: not house.journal.unsettled(), _SETTLED_SECONDS) is None:
            self._must(False, f"not settled: {[intent.client_order_id for intent in house.journal.unsettled()]}")
        if house.until(lambda: not any(house.bus.pending(GROUP, name) for name in STREAMS), 15) is None:
            self._must(False, "an entry was read and never finished")
        letters = [letter.error for letter in house.bus.dead_letters()]
        self._must(not letters, f"dead letters: {letters}")
        unknown = [o["client_order_id"] for o in self._all_orders() if not house.journal.knows(o["client_order_id"])]
        self._must(not unknown, f"sent without an intent: {unknown}")

    def _check_orders(self, orders: list[dict[str, Any]]) -> None:
        names = Counter(order["client_order_id"] for order in orders)
        self._must(all(count == 1 for count in names.values()), f"sent twice: {names.most_common(3)}")
        at_stake = defaultdict[str, Decimal](Decimal)
        filled = defaultdict[str, Decimal](Decimal)
        for order in orders:
            smart = order["client_order_id"].rsplit("-", 2)[0]
            filled[smart] += Decimal(order["filled_qty"])
            at_stake[smart] += Decimal(order["filled_qty"] if order["status"] in _ENDED else order["qty"])
            self._must(order["status"] in _ENDED, f"{order['client_order_id']}: still {order['status']} at the end")
        for smart, qty in at_stake.items():
            self._must(qty <= self._wanted[smart], f"{smart}: {qty} live or filled, {self._wanted[smart]} wanted")
            gap = abs(self._told[smart] - filled[smart])
            self._must(gap <= _EXACT, f"{smart}: {filled[smart]} filled, {self._told[smart]} told")

    def _check_positions(self, orders: list[dict[str, Any]]) -> None:
        held, cash = defaultdict[str, Decimal](Decimal), self._started_with
        for order in orders:
            sign = 1 if order["side"] == "buy" else -1
            qty = Decimal(order["filled_qty"])
            held[order["symbol"]] += sign * qty
        for fill in self._fills():
            sign = 1 if fill["side"] == "buy" else -1
            cash -= sign * Decimal(fill["qty"]) * Decimal(fill["price"])
        positions = {p["symbol"]: Decimal(p["qty"]) for p in self._house.ask("/v2/positions")}
        for symbol in {*held, *positions}:
            gap = abs(held[symbol] - positions.get(symbol, Decimal(0)))
            self._must(gap <= _EXACT, f"{symbol}: {held[symbol]} filled, {positions.get(symbol)} held")
        for done in self._completed[-1:]:
            for holding in done.holdings:
                gap = abs(holding.qty - positions.get(holding.symbol, Decimal(0)))
                self._must(gap <= _EXACT, f"{holding.symbol}: {holding.qty} reported, {positions.get(holding.symbol)}")
        there = Decimal(self._house.ask("/v2/account")["cash"])
        self._must(
            abs(cash - there) < _CENT, f"cash: {cash.quantize(_CENT, ROUND_HALF_UP)} follows from the fills, {there}"
        )

    def _all_orders(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            page = self._house.ask(f"/v2/orders?status=all&direction=asc&limit=500{after}")
            found += page
            if len(page) < 500:
                return found
            after = f"&after_order_id={page[-1]['id']}"

    def _fills(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        token = ""
        while True:
            page = self._house.ask(f"/v2/account/activities/FILL?direction=asc&page_size=100{token}")
            found += page
            if len(page) < 100:
                self.fills = len(found)
                return found
            token = f"&page_token={page[-1]['id']}"

    def _listen(self) -> None:
        """Patiently: Redis may be on its way down or up."""
        for entry, fields in self._house.once_back(self._entries):
            self._position = entry.decode()
            self._take(decode(fields[b"kind"].decode(), fields[b"data"]))

    def _entries(self) -> Any:
        house, after = self._house, f"({self._position}" if self._position != "0" else "-"
        return house.client.xrange(house.bus.key(streams.EXECUTION), after)

    def _take(self, message: Message) -> None:
        match message:
            case RebalancePlanned():
                self._planned[message.plan_id] += 1
                self._wanted |= {f"{message.plan_id}-{t.symbol}-{t.side}": t.qty for t in message.trades}
            case OrderFilled() | OrderPartlyFilled():
                self._told[message.order_id] += message.qty
            case RebalanceCompleted():
                self._completed.append(message)

    def _must(self, holds: bool, breach: str) -> None:  # noqa: FBT001 - reads as a sentence
        if not holds and breach not in self.breaches:
            self.breaches.append(breach)


_ENDED = frozenset({"filled", "canceled", "expired", "rejected", "replaced", "done_for_day"})
