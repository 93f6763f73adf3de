"""/v2/account and what stands under it: configurations, activities, portfolio history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from services.simulator.adapters import requests
from services.simulator.adapters.account_views import account_json, configuration_json
from services.simulator.adapters.history_window import history_window
from services.simulator.adapters.venue import Venue
from services.simulator.adapters.wire import activity_json, numbers
from services.simulator.domain import rejections
from services.simulator.domain.activities import TRADE_ACTIVITY, ActivityFilter, select
from services.simulator.domain.numbers import to_decimal
from services.simulator.domain.order_request import shown
from services.simulator.domain.portfolio_history import portfolio_history
from shared.sessions import NEW_YORK

_MAX_PAGE = 100
_OTHER_ACTIVITIES = frozenset({"FEE"})


def router(venue: Venue) -> APIRouter:
    routes = APIRouter()

    @routes.get("/v2/account")
    async def account(request: Request) -> JSONResponse:
        with venue.at_now() as now:
            return JSONResponse(account_json(venue.exchange, venue.account_of(request), now))

    @routes.get("/v2/account/configurations")
    async def configurations(request: Request) -> JSONResponse:
        return JSONResponse(configuration_json(venue.account_of(request).configuration))

    @routes.patch("/v2/account/configurations")
    async def configure(request: Request) -> JSONResponse:
        changes = _changes(await requests.object_body(request))
        account = venue.account_of(request)
        with venue.at_now() as now:
            venue.exchange.configure(account, changes, now)
        return JSONResponse(configuration_json(account.configuration))

    @routes.get("/v2/account/activities")
    async def activities(request: Request) -> JSONResponse:
        types, category = requests.words(request.query_params, "activity_types"), _category(request.query_params)
        if types is not None and category is not None:
            raise rejections.malformed_value("category cannot be used with activity_types")
        return _activities(venue, request, types or category)

    @routes.get("/v2/account/activities/{activity_type}")
    async def activities_of_type(request: Request, activity_type: str) -> JSONResponse:
        return _activities(venue, request, frozenset({activity_type}))

    @routes.get("/v2/account/portfolio/history")
    async def history(request: Request) -> JSONResponse:
        with venue.at_now() as now:
            window, timeframe = history_window(request.query_params, now)
            told = portfolio_history(venue.account_of(request), window, venue.exchange.marks, now)
        return JSONResponse(
            {
                "timestamp": told.timestamps,
                "equity": numbers(told.equity),
                "profit_loss": numbers(told.profit_loss),
                "profit_loss_pct": [None if pct is None else float(pct) for pct in told.profit_loss_pct],
                "base_value": float(told.base_value),
                "base_value_asof": told.base_value_asof.isoformat(),
                "timeframe": timeframe,
                "cashflow": {},
            }
        )

    return routes


def _activities(venue: Venue, request: Request, types: frozenset[str] | None) -> JSONResponse:
    query = request.query_params
    after, until = requests.instant(query, "after"), requests.instant(query, "until")
    day = requests.date(query, "date")
    if day is not None:
        # Both bounds are exclusive; the day's own first instant belongs to it.
        after = dt.datetime.combine(day, dt.time(), NEW_YORK) - dt.timedelta(microseconds=1)
        until = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), NEW_YORK)
    direction = query.get("direction", "").lower()
    if direction not in {"", "asc", "desc"}:
        raise rejections.malformed_value("direction must be asc or desc")
    wanted = ActivityFilter(
        types=types,
        after=after,
        until=until,
        order_id=query.get("order_id") or None,
        ascending=direction == "asc",
        page_size=requests.integer(query, "page_size", _MAX_PAGE, 1, _MAX_PAGE),
        page_token=query.get("page_token") or None,
    )
    with venue.at_now():
        return JSONResponse([activity_json(each) for each in select(venue.account_of(request).activities, wanted)])


def _category(query: requests.Query) -> frozenset[str] | None:
    category = query.get("category", "")
    if category == "trade_activity":
        return frozenset({TRADE_ACTIVITY})
    if category == "non_trade_activity":
        return _OTHER_ACTIVITIES
    if category:
        raise rejections.malformed_value("category must be trade_activity or non_trade_activity")
    return None


def _changes(body: Mapping[str, Any]) -> dict[str, Any]:
    """Only known switches are taken; the ones that ended in 2026 and unknown ones are passed over, as Alpaca does."""
    return {
        name: _SWITCHES[name](name, value) for name, value in body.items() if name in _SWITCHES and value is not None
    }


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise rejections.unprocessable(f"{name} must be true or false, got {shown(value)}")
    return value


def _one_of(*choices: int) -> Callable[[str, object], int]:
    def check(name: str, value: object) -> int:
        number = to_decimal(value)
        if number is None or number not in choices:
            raise rejections.unprocessable(f"{name} must be one of {', '.join(map(str, choices))}, got {shown(value)}")
        return int(number)

    return check


def _mails(name: str, value: object) -> str:
    if not isinstance(value, str) or value not in {"all", "none"}:
        raise rejections.unprocessable(f"{name} must be all or none, got {shown(value)}")
    return value


_SWITCHES: Mapping[str, Callable[[str, object], Any]] = {
    "suspend_trade": _flag,
    "no_shorting": _flag,
    "fractional_trading": _flag,
    "ptp_no_exception_entry": _flag,
    "disable_overnight_trading": _flag,
    "max_margin_multiplier": _one_of(1, 2, 4),
    "max_options_trading_level": _one_of(0, 1, 2, 3),
    "trade_confirm_email": _mails,
}
