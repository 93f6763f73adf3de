"""What must be true when a schedule over the room has come to its end."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from services.execution.adapters.activity_entries import name_of
from services.execution.adapters.desk_book import Book
from services.execution.domain import identity
from services.execution.domain.broker import BrokerOrder
from shared.contracts import Message, decode, streams
from shared.contracts.alerts import AlertRaised
from shared.contracts.control import HaltRequested
from shared.contracts.execution import OrderFilled, OrderPartlyFilled, RebalanceCompleted, RebalancePlanned
from tests.chaos.room import ChaosRoom

_A_CENT = Decimal("0.011")
_EXACT = Decimal("1e-9")
_CENT = Decimal("0.01")


def judge(room: ChaosRoom) -> None:
    """Raises AssertionError for the first broken promise."""
    told, orders = _told(room, streams.EXECUTION), tuple(room.world.broker._orders.values())
    done = [message for message in told if isinstance(message, RebalanceCompleted)]
    lost = {r.order_id for message in done for r in message.orders if r.outcome == "unknown"}
    _every_target_was_heard(room, told, done)
    _every_intent_is_accounted_for(room, orders, lost)
    _shares_are_exact(room, done, orders, told, lost)
    _cash_is_exact(room, done, lost)
    _the_books_are_the_brokers(room, orders)
    _exposures_are_exact(room, orders, lost)


def _every_target_was_heard(room: ChaosRoom, told: list[Message], done: list[RebalanceCompleted]) -> None:
    """Nothing waits in a stream; the newest target was planned, and every plan ended once."""
    newest = room.targets[-1]
    planned = [message.plan_id for message in told if isinstance(message, RebalancePlanned)]
    is_late = any(isinstance(alert, AlertRaised) and "too late" in alert.title for alert in _alerts(room))
    assert identity.plan_id(newest.session, newest.id) in planned or is_late, "the newest target was never planned"
    assert len(set(planned)) == len(planned), "a plan began twice"
    assert sorted(message.plan_id for message in done) == sorted(planned), "a plan did not end, or ended twice"


def _every_intent_is_accounted_for(room: ChaosRoom, orders: tuple[BrokerOrder, ...], lost: set[str]) -> None:
    assert not room.world.journal.unsettled(), "an intent is not settled"
    for order in orders:
        assert room.world.journal.knows(order.client_order_id), f"{order.client_order_id}: sent without an intent"
        assert order.status.is_terminal or _smart(order) in lost, f"{order.client_order_id}: still live at the end"
    names = [order.client_order_id for order in orders]
    assert len(set(names)) == len(names), "an order exists twice"


def _shares_are_exact(
    room: ChaosRoom,
    done: list[RebalanceCompleted],
    orders: tuple[BrokerOrder, ...],
    told: list[Message],
    lost: set[str],
) -> None:
    filled, heard = defaultdict[str, Decimal](Decimal), defaultdict[str, Decimal](Decimal)
    for order in orders:
        filled[_smart(order)] += order.filled_qty
    for fact in told:
        if isinstance(fact, OrderFilled | OrderPartlyFilled):
            heard[fact.order_id] += fact.qty
    for result in (result for message in done for result in message.orders if result.order_id not in lost):
        name = result.order_id
        assert abs(result.filled_qty - filled[name]) <= _EXACT, (
            f"{name}: {result.filled_qty} told, {filled[name]} filled"
        )
        # A rewind takes facts of the last moment back; the records that matter are checked above all the same.
        assert room.world.was_rewound or abs(heard[name] - filled[name]) <= _EXACT, f"{name}: facts tell {heard[name]}"
    held = defaultdict[str, Decimal](Decimal, room.started)
    for order in orders:
        held[order.symbol] += order.filled_qty if order.side == "buy" else -order.filled_qty
    positions = {position.symbol: position.qty for position in room.world.broker.positions()}
    assert {symbol: qty for symbol, qty in held.items() if qty} == positions, "positions are not what was filled"
    assert all(qty >= 0 for qty in positions.values()), "sold short"


def _cash_is_exact(room: ChaosRoom, done: list[RebalanceCompleted], lost: set[str]) -> None:
    for message in done:
        if not lost & {result.order_id for result in message.orders}:
            assert message.cash_gap == 0, f"{message.plan_id}: ${message.cash_gap} unexplained"


def _the_books_are_the_brokers(room: ChaosRoom, orders: tuple[BrokerOrder, ...]) -> None:
    """Each execution once, the owners' shares the broker's to the last digit, cash to the cent, and no false alarm."""
    ledger, broker = room.bookkeeper.books.ledger, room.world.broker
    assert ledger.quantities() == {position.symbol: position.qty for position in broker.positions()}, "books"
    booked = defaultdict[str, Decimal](Decimal, ledger.executed_of)
    for fill in broker._fills:
        if ledger.opened is not None and name_of(fill) in ledger.opened.known:
            booked[fill.order_id] += fill.qty  # after a rewind the books may be opened anew: it is in what they found
    told = {order.id: order.filled_qty for order in orders if order.filled_qty}
    assert {name: qty for name, qty in booked.items() if qty} == told, "an execution is missing or booked twice"
    assert abs(ledger.cash - broker.cash) < 2 * _CENT, f"cash: ours {ledger.cash}, the broker's {broker.cash}"
    halts = [halt for halt in _told(room, streams.CONTROL) if isinstance(halt, HaltRequested)]
    assert not [halt for halt in halts if halt.reason.startswith("the books")], "a false alarm halted trading"


def _exposures_are_exact(room: ChaosRoom, orders: tuple[BrokerOrder, ...], lost: set[str]) -> None:
    """What the day's limits add up is what the broker filled, and nothing is counted as open that has ended."""
    if room.world.was_rewound:
        return  # what was written in the last moment is gone; the next order writes anew
    paid = defaultdict[str, Decimal](Decimal)
    for order in orders:
        paid[_smart(order)] += order.filled_qty * (order.filled_avg_price or 0)
    book = Book(room.world.bus)
    for exposure in book.mended_exposures():  # as before every plan
        if exposure.order_id not in lost:
            assert not exposure.is_open, f"{exposure.order_id}: counts as open and has ended"
            gap = abs(exposure.spent - paid[exposure.order_id])
            assert gap <= _A_CENT, f"{exposure.order_id}: ${exposure.spent} counted, ${paid[exposure.order_id]} filled"


def _smart(order: BrokerOrder) -> str:
    return order.client_order_id.rsplit("-", 2)[0]


def _told(room: ChaosRoom, stream: str) -> list[Message]:
    return [decode(fields[b"kind"].decode(), fields[b"data"]) for _, fields in room.world.bus._streams[stream]]


def _alerts(room: ChaosRoom) -> list[Message]:
    return _told(room, streams.alerts_of("execution"))
