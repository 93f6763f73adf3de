"""The soak's own judge: what it must find, it finds."""

from __future__ import annotations

import datetime as dt
import math
import threading
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from shared.contracts import Message
from shared.contracts.base import Side
from shared.contracts.execution import OrderFilled, RebalanceCompleted, RebalancePlanned
from tests.soak.house import House
from tests.soak.ledger import Ledger
from tests.soak.strikes import percentile

AT = dt.datetime(2024, 6, 3, 15, tzinfo=dt.UTC)
PLAN = "20240603-abc"


class Books:
    """A broker's answers and our facts, as the house would give them; right at first."""

    def __init__(self) -> None:
        self.orders = [self.order("p-SPY-buy-mid-1")]
        self.positions = [{"symbol": "SPY", "qty": "10"}]
        self.fills = [{"id": "1", "side": "buy", "qty": "10", "price": "500.01"}]
        self.cash, self.facts = "100000", [planned(), filled("10"), completed()]

    @staticmethod
    def order(name: str, **changes: str) -> dict[str, Any]:
        order = {"id": name, "client_order_id": f"{PLAN}-SPY-buy-{name.rsplit('-', 2)[1]}-{name.rsplit('-', 1)[1]}"}
        return order | {"symbol": "SPY", "side": "buy", "qty": "10", "filled_qty": "10", "status": "filled"} | changes

    def ask(self, path: str) -> Any:
        if path.startswith("/v2/orders"):
            return self.orders
        if path.startswith("/v2/account/activities"):
            return self.fills
        return self.positions if path == "/v2/positions" else {"cash": self.cash}


def planned() -> RebalancePlanned:
    return RebalancePlanned.model_construct(plan_id=PLAN, trades=(a_trade("buy"),))


def a_trade(side: Side) -> Any:
    class Trade:
        symbol, qty = "SPY", Decimal(10)

    trade = Trade()
    trade.side = side  # type: ignore[attr-defined]
    return trade


def filled(qty: str) -> OrderFilled:
    return OrderFilled.model_construct(order_id=f"{PLAN}-SPY-buy", qty=Decimal(qty))


def completed(gap: str = "0") -> RebalanceCompleted:
    return RebalanceCompleted.model_construct(
        plan_id=PLAN, outcome="complete", cash_gap=Decimal(gap), orders=(), refusals=(), holdings=()
    )


class AwayRedis(Books):
    """A house whose Redis is away for so many questions."""

    until, once_back = House.until, House.once_back

    def __init__(self, questions: float) -> None:
        super().__init__()
        self._stop, self._away_for = threading.Event(), questions
        self.bus, self.client = SimpleNamespace(key=str), self

    def xrange(self, _key: str, _after: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
        self._away_for -= 1
        if self._away_for >= 0:
            raise redis.ConnectionError("refused")
        return [(b"1-0", {})]


class HeardLedger(Ledger):
    """Hears the facts it is given instead of Redis's."""

    def __init__(self, books: Books) -> None:
        super().__init__(books)  # type: ignore[arg-type]
        self._facts: list[Message] = books.facts
        books.cash = "94999.90"

    def _listen(self) -> None:
        while self._facts:
            self._take(self._facts.pop(0))


def breaches(books: Books, cash: str | None = None) -> list[str]:
    ledger = HeardLedger(books)
    books.cash = cash or books.cash
    ledger.check()
    return ledger.breaches


def test_right_books_have_no_breach() -> None:
    assert breaches(Books()) == []


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ({"orders": [Books.order("p-SPY-buy-mid-1"), Books.order("p-SPY-buy-mid-1", filled_qty="0")]}, "sent twice"),
        ({"orders": [Books.order("p-SPY-buy-mid-1"), Books.order("p-SPY-buy-step1-2")]}, "10 wanted"),
        ({"orders": [Books.order("p-SPY-buy-mid-1", filled_qty="0", status="new")]}, "still new at the end"),
        ({"positions": [{"symbol": "SPY", "qty": "10.00000001"}]}, "held"),
        ({"facts": [planned(), filled("9"), completed()]}, "10 filled, 9 told"),
        ({"facts": [planned(), filled("10"), completed("0.01")]}, "unexplained"),
        ({"facts": [planned(), filled("10")]}, "did not end exactly once"),
        ({"facts": [planned(), planned(), filled("10"), completed()]}, "planned twice"),
    ],
)
def test_a_wrong_book_is_found(wrong: dict[str, Any], found: str) -> None:
    books = Books()
    for name, value in wrong.items():
        setattr(books, name, value)
    assert any(found in breach for breach in breaches(books))


def test_a_missing_cent_is_found() -> None:
    assert any("cash" in breach for breach in breaches(Books(), cash="94999.89"))


def test_a_redis_on_its_way_up_is_waited_for() -> None:
    house = AwayRedis(2)
    assert house.once_back(lambda: house.xrange("", "-"))[0][0] == b"1-0"


def test_a_redis_that_never_comes_back_ends_the_soak_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.soak.house.AWAY_SECONDS", 0.1)
    with pytest.raises(TimeoutError, match=r"Redis: expected back within 0\.1 s"):
        Ledger(AwayRedis(math.inf)).check()  # type: ignore[arg-type]


@pytest.mark.parametrize(("share", "expected"), [(0.5, 5.0), (0.9, 9.0), (0.99, 10.0), (1.0, 10.0)])
def test_a_percentile_is_one_of_the_values(share: float, expected: float) -> None:
    assert percentile([float(n) for n in range(10, 0, -1)], share) == expected
