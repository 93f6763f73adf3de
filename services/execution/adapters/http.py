"""Execution's endpoints: triggers put facts on `control`, everything else only looks. Account numbers are shown masked."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request, status
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from services.execution.adapters.arming_store import ArmingDesk
from services.execution.adapters.cost_store import CostStore
from services.execution.adapters.http_views import (
    Accepted,
    AccountView,
    ArmBody,
    ArmedUntil,
    CancelBody,
    CostsView,
    HaltBody,
    OrderView,
    PlanView,
    PositionView,
    ResumeBody,
    Resumed,
    StateView,
    account_view,
    order_view,
)
from services.execution.adapters.plan_store import PlanStore
from services.execution.adapters.reconciliation import ReconciliationReport
from services.execution.adapters.reconciliation_views import reconciliation_view
from services.execution.domain.alerts import alert
from services.execution.domain.arming import Armed, Disarmed, masked
from services.execution.domain.records import PlanRecord
from services.execution.domain.stops import counted_anew_by
from services.execution.ports import Broker, BrokerUnavailableError, Journal
from shared.bus import Bus
from shared.clock import Clock
from shared.contracts import Message, streams
from shared.contracts.alerts import AlertRaised
from shared.contracts.control import CancelOrdersRequested, HaltRequested, RebalanceRequested, ResumeRequested

_OTHER_ACCOUNT = {
    "type": "value_error",
    "loc": ("body", "account"),
    "msg": "the number of the account that this process trades",
    "input": "another one",
}
_WRONG_WAY_ROUND = {"type": "value_error", "loc": ("query", "from"), "msg": "a day not after `to`"}


@dataclass(frozen=True, slots=True)
class Room:
    """What the endpoints look at."""

    bus: Bus
    clock: Clock
    broker: Broker
    journal: Journal
    plans: PlanStore
    arming: ArmingDesk
    costs: CostStore
    reconciliation: Callable[[], ReconciliationReport | None] = lambda: None


def create_routes(app: FastAPI, room: Room) -> None:
    """Add execution's endpoints to an app made by shared.http.create_app."""
    app.add_exception_handler(BrokerUnavailableError, _unavailable)
    guard = [Depends(app.state.authorized)]
    app.include_router(_triggers(room), dependencies=guard)
    app.include_router(_arming(room), dependencies=guard)
    app.include_router(_plans(room))
    app.include_router(_costs(room))
    app.include_router(_broker_views(room))


def _triggers(room: Room) -> APIRouter:
    router = APIRouter()

    def put(message: Message) -> Accepted:
        room.bus.publish(streams.CONTROL, message)
        return Accepted(id=message.id, correlation_id=message.correlation_id)

    @router.post("/rebalance", status_code=status.HTTP_202_ACCEPTED)
    def rebalance() -> Accepted:
        """Trade into the newest target portfolio now."""
        return put(RebalanceRequested(**_fresh(room.clock), origin="http"))

    @router.post("/halt", status_code=status.HTTP_202_ACCEPTED)
    def halt(body: HaltBody) -> Accepted:
        """Stop placing orders (REDUCING: place sells only) and cancel open ones; survives restarts."""
        return put(HaltRequested(**_fresh(room.clock), origin="http", state=body.state, reason=body.reason))

    @router.post("/resume", status_code=status.HTTP_202_ACCEPTED)
    def resume(body: ResumeBody) -> Resumed:
        """Trade again after a halt. After a loss that stopped trading it is acknowledged by this, and counted anew."""
        note = counted_anew_by(room.plans.trading().cause)
        accepted = put(ResumeRequested(**_fresh(room.clock), origin="http", reason=body.reason))
        return Resumed(**accepted.model_dump(), note=note)

    @router.post("/orders/cancel", status_code=status.HTTP_202_ACCEPTED)
    def cancel(body: CancelBody | None = None) -> Accepted:
        """Cancel our open orders: of these symbols, or all."""
        symbols = body.symbols if body is not None else ()
        return put(CancelOrdersRequested(**_fresh(room.clock), origin="http", symbols=symbols))

    return router


def _arming(room: Room) -> APIRouter:
    router = APIRouter()

    @router.post("/arm")
    def arm(body: ArmBody) -> ArmedUntil:
        """Let live trading place orders for so many hours. 409 outside mode live, 422 for another account."""
        desk = room.arming
        if desk.mode != "live":
            raise HTTPException(status.HTTP_409_CONFLICT, f"mode is {desk.mode}: there is nothing to arm")
        if body.account != desk.account:
            raise RequestValidationError([_OTHER_ACCOUNT])
        state = desk.arm(body.hours)
        if isinstance(state, Disarmed):
            raise HTTPException(status.HTTP_409_CONFLICT, state.reason)
        room.bus.publish(streams.alerts_of("execution"), _armed_alert(room, state))
        return ArmedUntil(armed_until=state.until)

    @router.post("/disarm")
    def disarm() -> ArmedUntil:
        """Take the arming token away: nothing more is placed in mode live."""
        room.arming.disarm()
        return ArmedUntil(armed_until=None)

    return router


def _plans(room: Room) -> APIRouter:
    router = APIRouter()

    @router.get("/plans")
    def plans(limit: Annotated[int, Query(ge=1, le=500)] = 20) -> Sequence[PlanRecord]:
        """The newest plans first."""
        return room.plans.plans(limit)

    @router.get("/plans/{plan_id}")
    def plan(plan_id: str) -> PlanView:
        """One plan with its legs and their results."""
        found = room.plans.plan(plan_id)
        if found is None:
            raise HTTPException(status.HTTP_404_NOT_FOUND, f"no plan {plan_id!r}")
        return PlanView(plan=found.plan, legs=found.legs)

    @router.get("/state")
    def state() -> StateView:
        """Whether trading goes on, and why not."""
        trading, arming, report = room.plans.trading(), room.arming.state(), room.reconciliation()
        return StateView(
            mode=room.arming.mode,
            account=masked(room.arming.account),
            state=trading.state,
            reason=trading.reason,
            since=trading.since,
            cause=trading.cause,
            active_plan=room.plans.active_plan(),
            armed=isinstance(arming, Armed),
            armed_until=arming.until if isinstance(arming, Armed) else None,
            disarmed_because=arming.reason if isinstance(arming, Disarmed) else None,
            reconciliation=None if report is None else reconciliation_view(report),
        )

    return router


def _costs(room: Room) -> APIRouter:
    router = APIRouter()

    @router.get("/tca")
    def tca(
        plan_id: str | None = None,
        since: Annotated[dt.date | None, Query(alias="from")] = None,
        until: Annotated[dt.date | None, Query(alias="to")] = None,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
    ) -> CostsView:
        """What orders cost (docs/tca.md), the newest first: of one plan, or of New York days, both ends included."""
        if since is not None and until is not None and since > until:
            raise RequestValidationError([_WRONG_WAY_ROUND | {"input": f"{since} to {until}"}])
        chosen: dict[str, Any] = {"plan_id": plan_id, "since": since, "until": until}
        waiting = room.costs.waiting(**chosen)
        known_better = {found.order_id for found in waiting}
        measured = [found for found in room.costs.measured(**chosen, limit=limit) if found.order_id not in known_better]
        return CostsView(measured=tuple(measured), waiting=tuple(waiting))

    return router


def _broker_views(room: Room) -> APIRouter:
    router = APIRouter(responses={503: {"description": "the broker does not answer"}})

    @router.get("/orders")
    def orders() -> list[OrderView]:
        """Open orders of the account; `is_ours` tells which we placed."""
        return [order_view(o, is_ours=room.journal.knows(o.client_order_id)) for o in room.broker.open_orders()]

    @router.get("/positions")
    def positions() -> list[PositionView]:
        return [PositionView.model_validate(position) for position in room.broker.positions()]

    @router.get("/account")
    def account() -> AccountView:
        return account_view(room.broker.account())

    return router


def _fresh(clock: Clock) -> dict[str, Any]:
    """What every new fact begins with; its own id starts the correlation."""
    name = uuid.uuid4().hex
    return {"id": name, "correlation_id": name, "at": clock.now().astimezone(dt.UTC)}


def _armed_alert(room: Room, armed: Armed) -> AlertRaised:
    detail = f"Account {masked(room.arming.account)} may be traded until {armed.until}."
    do = "If this was not you: `alchemiser halt`, then change the HTTP token."
    now = room.clock.now().astimezone(dt.UTC)
    return alert(uuid.uuid4().hex, now, "warning", "Live trading is armed", detail, do=do)


def _unavailable(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, status.HTTP_503_SERVICE_UNAVAILABLE)
