"""What people and schedules ask for; facts that something was asked, not that it was done."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from shared.contracts.base import Message, Symbol

Origin = Literal["schedule", "http", "cli"]
HaltCause = Literal["person", "daily loss", "drawdown", "data loss"]
Reason = Annotated[str, Field(min_length=1, max_length=500)]


class RunRequested(Message):
    """Decide now."""

    kind: Literal["control.run_requested.v1"] = "control.run_requested.v1"
    origin: Origin


class RebalanceRequested(Message):
    """Trade into the newest target portfolio now."""

    kind: Literal["control.rebalance_requested.v1"] = "control.rebalance_requested.v1"
    origin: Origin


class HaltRequested(Message):
    """`cause` other than a person: it never loosens what is in force, and holds only while trading is as `seen_since` says."""

    kind: Literal["control.halt_requested.v1"] = "control.halt_requested.v1"
    origin: Origin
    state: Literal["REDUCING", "HALTED"] = "HALTED"
    reason: Reason
    cause: HaltCause = "person"
    seen_since: AwareDatetime | None = None


class ResumeRequested(Message):
    kind: Literal["control.resume_requested.v1"] = "control.resume_requested.v1"
    origin: Origin
    reason: Reason


class CancelOrdersRequested(Message):
    """Cancel our open orders: of these symbols, or all of them when empty."""

    kind: Literal["control.cancel_orders_requested.v1"] = "control.cancel_orders_requested.v1"
    origin: Origin
    symbols: tuple[Symbol, ...] = ()


class BackfillRequested(Message):
    """Fetch daily history again for these symbols."""

    kind: Literal["control.backfill_requested.v1"] = "control.backfill_requested.v1"
    origin: Origin
    symbols: Annotated[tuple[Symbol, ...], Field(min_length=1)]
