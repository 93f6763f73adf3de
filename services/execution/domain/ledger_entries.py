"""What the ledger is made of: facts about the account, each under a name that makes a repetition harmless.

Executions and payments are the broker's activities under the broker's ids; the rest is what we, or a person, decided.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, ClassVar, Final, Literal

from pydantic import AwareDatetime, Field, TypeAdapter

from shared.contracts.base import Side, Value, Weight

Number = Annotated[Decimal, Field(allow_inf_nan=False)]
Positive = Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]
Instrument = Annotated[str, Field(min_length=1, max_length=40)]
"""Whatever the broker calls a position, shares or not."""
Category = Literal["fee", "income", "deposit", "other"]
"""fee and income are profit or loss; a deposit is neither; other is what no rule of ours knows."""


class Found(Value):
    """A position that was there before the ledger."""

    symbol: Instrument
    qty: Number
    average_price: Number


class Opened(Value):
    """The account as the ledger found it. `known` are activities of just before that the positions contain already.

    They reach back so far that no clock and no delay makes an older activity come later.
    """

    reach: ClassVar[dt.timedelta] = dt.timedelta(minutes=15)

    kind: Literal["opened"] = "opened"
    id: str
    at: AwareDatetime
    cash: Number
    positions: tuple[Found, ...]
    owner: Literal["foreign", "unassigned"]
    known: frozenset[str] = frozenset()


class WantedLine(Value):
    """Where a plan wants one symbol to go; `crosses` when there was a price at which shares may change hands inside."""

    symbol: Instrument
    target_qty: Number
    price: Positive
    crosses: bool


class Wanted(Value):
    """A plan: what it wants, and whose the parts of it are."""

    kind: Literal["wanted"] = "wanted"
    id: str
    at: AwareDatetime
    plan_id: str
    lines: tuple[WantedLine, ...]
    by_strategy: dict[str, dict[Instrument, Weight]]
    silent: tuple[str, ...] = ()


class Executed(Value):
    """One execution. Without a plan it is somebody else's."""

    kind: Literal["executed"] = "executed"
    id: str
    at: AwareDatetime
    order_id: str
    """The broker's."""
    client_order_id: str | None = None
    plan_id: str | None = None
    symbol: Instrument
    side: Side
    qty: Positive
    price: Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


class Paid(Value):
    """Money that came (or, negative, went) otherwise than by an execution. `type` is the broker's."""

    kind: Literal["paid"] = "paid"
    id: str
    at: AwareDatetime
    type: str
    category: Category
    amount: Number
    symbol: Instrument | None = None
    description: str = ""


class Accepted(Value):
    """A person takes the broker's word: `qty` shares are held. scaled: a split, everybody's lots at the same cost.

    difference: what is more is foreign, at `price`; what is less goes at its cost, foreign shares first.
    """

    kind: Literal["accepted"] = "accepted"
    id: str
    at: AwareDatetime
    symbol: Instrument
    qty: Number
    price: Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]
    how: Literal["difference", "scaled"]
    reason: str


class Adopted(Value):
    """A person hands the foreign shares of a symbol to the portfolio: from now on they are traded."""

    kind: Literal["adopted"] = "adopted"
    id: str
    at: AwareDatetime
    symbol: Instrument
    reason: str


Entry = Annotated[Opened | Wanted | Executed | Paid | Accepted | Adopted, Field(discriminator="kind")]
_ENTRY: Final[TypeAdapter[Entry]] = TypeAdapter(Entry)


def entry_of(raw: str) -> Entry:
    """Raises ValidationError."""
    return _ENTRY.validate_json(raw)


_DEPOSITS: Final = frozenset({"TRANS", "CSD", "CSW", "JNL", "JNLC", "ACATC", "FOPT"})
_FEES: Final = frozenset({"FEE", "CFEE", "PTC", "DIVFEE"})


def category_of(activity_type: str) -> Category:
    """Alpaca's activity types as far as money is concerned: DIV..., INT..., CGD and rebates are income."""
    if activity_type in _FEES:
        return "fee"
    if activity_type in _DEPOSITS:
        return "deposit"
    is_income = activity_type.startswith(("DIV", "INT")) or activity_type in {"CGD", "PTR"}
    return "income" if is_income else "other"
