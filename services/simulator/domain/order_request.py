"""What a client asks for, read out of an undecoded JSON body: types and ranges only, no rule of trading.

JSON numbers arrive as Decimal, strings as str; both are accepted, as Alpaca does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from services.simulator.domain import rejections
from services.simulator.domain.numbers import QTY_STEP, decimals, floor_qty, to_decimal
from services.simulator.domain.orders import Intent, OrderClass, OrderType, Side, TimeInForce

Body = Mapping[str, object]
_E = TypeVar("_E", bound=StrEnum)
_MAX_QTY = Decimal(10) ** 9
_MAX_PRICE = Decimal(10) ** 7
_MAX_NOTIONAL = Decimal(10) ** 12
_QTY_DECIMALS = 9
_NOTIONAL_DECIMALS = 2
_MAX_CLIENT_ORDER_ID = 128
_MAX_SYMBOL = 36


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """A well-formed wish for an order; whether it is allowed is another question."""

    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    qty: Decimal | None = None
    notional: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    extended_hours: bool = False
    client_order_id: str | None = None
    order_class: OrderClass = OrderClass.SIMPLE
    intent: Intent | None = None
    take_profit_limit: Decimal | None = None
    stop_loss_stop: Decimal | None = None
    stop_loss_limit: Decimal | None = None

    @property
    def is_fractional(self) -> bool:
        return self.qty is None or decimals(self.qty) > 0


@dataclass(frozen=True, slots=True)
class ReplaceRequest:
    """What shall be different; None leaves it as it is."""

    qty: Decimal | None = None
    time_in_force: TimeInForce | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail: Decimal | None = None
    client_order_id: str | None = None


def read_order(body: object) -> OrderRequest:
    """Raises Rejection naming the field that is missing or malformed."""
    fields = _mapping(body, "request body")
    take_profit = _nested(fields, "take_profit")
    stop_loss = _nested(fields, "stop_loss")
    return OrderRequest(
        symbol=_symbol(fields),
        side=_required(fields, "side", Side),
        type=_required(fields, "type", OrderType),
        time_in_force=_required(fields, "time_in_force", TimeInForce),
        **_quantities(fields),
        limit_price=_price(fields, "limit_price"),
        stop_price=_price(fields, "stop_price"),
        trail_price=_price(fields, "trail_price"),
        trail_percent=_price(fields, "trail_percent"),
        extended_hours=_flag(fields, "extended_hours"),
        client_order_id=_client_order_id(fields),
        order_class=_optional(fields, "order_class", OrderClass) or OrderClass.SIMPLE,
        intent=_optional(fields, "position_intent", Intent),
        take_profit_limit=_price(take_profit, "limit_price", "take_profit.limit_price"),
        stop_loss_stop=_price(stop_loss, "stop_price", "stop_loss.stop_price"),
        stop_loss_limit=_price(stop_loss, "limit_price", "stop_loss.limit_price"),
    )


def read_replacement(body: object) -> ReplaceRequest:
    """Raises Rejection naming the field that is malformed."""
    fields = _mapping(body, "request body")
    if fields.get("notional") is not None:
        raise rejections.unprocessable("notional orders cannot be replaced")
    return ReplaceRequest(
        qty=read_qty(fields.get("qty"), "qty"),
        time_in_force=_optional(fields, "time_in_force", TimeInForce),
        limit_price=_price(fields, "limit_price"),
        stop_price=_price(fields, "stop_price"),
        trail=_price(fields, "trail"),
        client_order_id=_client_order_id(fields),
    )


def read_qty(value: object, name: str) -> Decimal | None:
    """A quantity > 0 of at most nine decimals; a binary float's noise beyond them is cut off, a string's is refused."""
    if value is None or value == "":
        return None
    number = _positive(value, name, _MAX_QTY)
    if isinstance(value, str) and decimals(number) > _QTY_DECIMALS:
        raise rejections.malformed_value(f"{name} must have at most {_QTY_DECIMALS} decimals, got {shown(value)}")
    number = floor_qty(number)
    if number < QTY_STEP:
        raise rejections.malformed_value(f"{name} must be > 0")
    return number


def shown(value: object) -> str:
    """A value of unknown size and kind, fit for an error message."""
    text = str(value) if isinstance(value, (str, Decimal)) else type(value).__name__
    return ascii(text[:60])


def _quantities(fields: Body) -> dict[str, Decimal | None]:
    qty = read_qty(fields.get("qty"), "qty")
    notional = _notional(fields)
    if qty is None and notional is None:
        raise rejections.missing("qty or notional")
    if qty is not None and notional is not None:
        raise rejections.Rejection(422, 40010001, "only one of qty or notional is accepted")
    return {"qty": qty, "notional": notional}


def _notional(fields: Body) -> Decimal | None:
    value = fields.get("notional")
    if value is None or value == "":
        return None
    number = _positive(value, "notional", _MAX_NOTIONAL)
    # 100.1 sent as a binary float is 100.09999999999999431566...: only the first decimals were meant.
    number = number if isinstance(value, str) else round(number, _QTY_DECIMALS)
    if decimals(number) > _NOTIONAL_DECIMALS:
        raise rejections.Rejection(422, 40010001, "notional amount must be limited to 2 decimal places")
    return number


def _price(fields: Body, key: str, name: str | None = None) -> Decimal | None:
    value = fields.get(key)
    return None if value is None or value == "" else _positive(value, name or key, _MAX_PRICE)


def _positive(value: object, name: str, limit: Decimal) -> Decimal:
    number = to_decimal(value)
    if number is None:
        raise rejections.malformed_value(f"{name} must be a finite number, got {shown(value)}")
    if number <= 0:
        raise rejections.malformed_value(f"{name} must be > 0")
    if number > limit:
        raise rejections.malformed_value(f"{name} must be <= {limit:f}, got {shown(value)}")
    return number


def _mapping(value: object, name: str) -> Body:
    if not isinstance(value, Mapping):
        raise rejections.malformed_body(f"{name} must be a JSON object, got {shown(value)}")
    return value


def _nested(fields: Body, name: str) -> Body:
    value = fields.get(name)
    return {} if value is None else _mapping(value, name)


def _text(fields: Body, name: str) -> str | None:
    value = fields.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise rejections.malformed_value(f"{name} must be a string, got {shown(value)}")
    return value


def _symbol(fields: Body) -> str:
    symbol = _text(fields, "symbol")
    if symbol is None:
        raise rejections.missing("symbol")
    if len(symbol) > _MAX_SYMBOL:
        raise rejections.unprocessable(f"asset {shown(symbol)} not found")
    return symbol


def _client_order_id(fields: Body) -> str | None:
    text = _text(fields, "client_order_id")
    if text is not None and len(text) > _MAX_CLIENT_ORDER_ID:
        raise rejections.unprocessable(f"client_order_id must be at most {_MAX_CLIENT_ORDER_ID} characters")
    if text is not None and not text.isprintable():
        raise rejections.unprocessable(f"client_order_id must be printable, got {shown(text)}")
    return text


def _optional(fields: Body, name: str, kind: Callable[[str], _E]) -> _E | None:
    text = _text(fields, name)
    if text is None:
        return None
    try:
        return kind(text)
    except ValueError:
        raise rejections.malformed_value(f"invalid {name} {shown(text)}") from None


def _required(fields: Body, name: str, kind: Callable[[str], _E]) -> _E:
    value = _optional(fields, name, kind)
    if value is None:
        raise rejections.missing(name)
    return value


def _flag(fields: Body, name: str) -> bool:
    value = fields.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise rejections.malformed_value(f"{name} must be true or false, got {shown(value)}")
