"""A trading room whose account's books are kept: rounds of reconciliation are called by hand, time is given."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from services.execution.adapters.bookkeeper import Bookkeeper, BooksPorts
from services.execution.adapters.books_report import BooksReport, Decision
from services.execution.adapters.reconciliation_loop import ReconciliationLoop
from services.execution.domain.books_check import BooksRules
from services.execution.domain.broker import OrderRequest
from services.execution.domain.ledger import Ledger
from shared.contracts import streams
from shared.contracts.base import Side
from shared.contracts.strategy import TargetPortfolioSet
from tests.integration.execution.trading_room import TradingRoom

Weights = Mapping[str, Mapping[str, str]]


class BooksRoom(TradingRoom):
    """`steady` is the seconds by which doubts grow old."""

    def __init__(
        self,
        prices: dict[str, tuple[str, str]],
        *,
        held: Mapping[str, str] | None = None,
        rules: BooksRules | None = None,
    ) -> None:
        super().__init__(prices, held=held)
        self.rules = rules or BooksRules()
        self.steady = 0.0
        self.restart()

    def restart(self) -> None:
        """The service begins anew: only what Redis and the broker know is left."""
        ports = BooksPorts(self.broker, self.journal, self.bus, self.book, self.clock, lambda: self.steady)
        self.bookkeeper = Bookkeeper(ports, self.rules, "PA3MEMORY")
        self.loop = ReconciliationLoop(
            self.broker,
            self.journal,
            self.updates,
            self.bus,
            self.clock,
            books=self.bookkeeper,
            monotonic=lambda: self.steady,
        )
        self.dispatcher._leadership.let_go()
        self.plan_with(self.bookkeeper)

    def round(self, decision: Decision | None = None) -> BooksReport:
        report = self.loop.once(decision=decision).books
        assert report is not None
        return report

    def decide(self, what: str, *symbols: str) -> BooksReport:
        return self.round(Decision(f"d{self.steady}-{what}", what, symbols, "a test"))  # type: ignore[arg-type]

    def want(self, **by_strategy: Mapping[str, str]) -> TargetPortfolioSet:
        """Publish a target that the strategies share: strategy -> symbol -> weight of the portfolio."""
        parts = {name: {s: Decimal(w) for s, w in weights.items()} for name, weights in by_strategy.items()}
        weights: dict[str, Decimal] = {}
        for part in parts.values():
            for symbol, weight in part.items():
                weights[symbol] = weights.get(symbol, Decimal(0)) + weight
        message = TargetPortfolioSet(
            correlation_id="why",
            at=self.clock.now(),
            run_id="run",
            session=self.clock.now().date(),
            weights=weights,
            by_strategy=parts,
        )
        self.bus.publish(streams.TARGETS, message)
        return message

    @property
    def ledger(self) -> Ledger:
        return self.bookkeeper.books.ledger

    def somebody_trades(self, symbol: str, side: Side, qty: str) -> None:
        """An order of another, at once filled at the market."""
        limit = Decimal(self.quotes.prices[symbol][0]) * (2 if side == "buy" else Decimal("0.5"))
        request = OrderRequest(
            f"by-hand-{side}-{symbol}-{qty}", symbol, side, Decimal(qty), limit.quantize(Decimal("0.01"))
        )
        self.broker.place(request)

    def appears(self, symbol: str, qty: str) -> None:
        """The broker's position changes and no activity says why; "0" and it is gone."""
        if Decimal(qty):
            self.broker.hold(symbol, Decimal(qty), Decimal(self.quotes.prices[symbol][0]))
        else:
            self.broker._held.pop(symbol, None)
