"""What every message on the bus is: a frozen, strict, versioned fact with a time zone and a correlation id.

Decoding refuses rather than repairs: what is unknown or malformed raises, and the runner keeps its raw bytes as a dead letter.
"""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

Symbol = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]*([./][A-Z0-9]+)?$", max_length=16)]
"""A ticker as Alpaca writes it: AAPL, BRK.B."""

Side = Literal["buy", "sell"]
Money = Annotated[Decimal, Field(allow_inf_nan=False, max_digits=24, decimal_places=9)]
"""US dollars; negative is owed."""
Price = Annotated[Decimal, Field(gt=0, allow_inf_nan=False, max_digits=20, decimal_places=9)]
Qty = Annotated[Decimal, Field(allow_inf_nan=False, max_digits=24, decimal_places=9)]
"""Shares, to nine decimals; a short position is negative."""
Weight = Annotated[Decimal, Field(ge=0, le=1, allow_inf_nan=False)]
"""A share of the portfolio between 0 and 1."""


class Value(BaseModel):
    """A frozen, strict part of a message."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", ser_json_inf_nan="constants")


class Message(Value):
    """A fact. Subclasses narrow `kind` to one literal, "<room>.<what happened>.v<version>"."""

    kind: str
    id: str = Field(default_factory=lambda: uuid.uuid4().hex)
    correlation_id: str = Field(min_length=1)
    at: AwareDatetime

    registry: ClassVar[dict[str, type[Message]]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if cls.model_fields["kind"].annotation is str:
            return  # an abstract family of facts
        kinds = get_args(cls.model_fields["kind"].annotation)
        if len(kinds) != 1:
            raise TypeError(f"{cls.__name__}.kind must be one literal, got {cls.model_fields['kind'].annotation}")
        if cls.registry.setdefault(kinds[0], cls).__qualname__ != cls.__qualname__:
            raise TypeError(f"two messages call themselves {kinds[0]}")

    def encode(self) -> str:
        return self.model_dump_json()

    @classmethod
    def of(cls, raw: str | bytes) -> Self:
        return cls.model_validate_json(raw)


class UndecodableMessageError(ValueError):
    """What arrived is not a message we know; says which field, what it held and what was expected."""


def decode(kind: str, raw: str | bytes) -> Message:
    """The message of that kind. Raises UndecodableMessageError, naming field, value and expectation."""
    model = Message.registry.get(kind)
    if model is None:
        known = ", ".join(sorted(Message.registry))
        raise UndecodableMessageError(f"kind: {kind!r} is unknown; expected one of {known}")
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise UndecodableMessageError(f"{kind}: {faults_in(error)}") from error


def faults_in(error: ValidationError, *, show_values: bool = True) -> str:
    """Every fault as "field: expectation, got value", on one line."""
    lines = []
    for fault in error.errors(include_url=False, include_context=False):
        place = ".".join(str(part) for part in fault["loc"]) or "(whole)"
        value = f", got {str(fault['input'])[:80]!r}" if show_values and fault["type"] != "missing" else ""
        lines.append(f"{place}: {fault['msg']}{value}")
    return "; ".join(lines)
