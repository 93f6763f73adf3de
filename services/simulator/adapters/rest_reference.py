"""Clock, calendar and assets: what is the same for every account."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from services.simulator.adapters import requests
from services.simulator.adapters.venue import Venue
from services.simulator.adapters.wire import Json, asset_json, new_york_instant
from services.simulator.domain import rejections
from services.simulator.domain.hours import TradingDay, trading_day
from shared.sessions import NEW_YORK, Session, next_close, next_session, session_at, sessions_between

_FIRST, _LAST = dt.date(1998, 1, 2), dt.date(2030, 11, 30)
# Two business days until 2024-05-27, one since; three before 2017-09-05.
_T_PLUS_ONE, _T_PLUS_TWO = dt.date(2024, 5, 28), dt.date(2017, 9, 5)


def router(venue: Venue) -> APIRouter:
    routes = APIRouter()

    @routes.get("/v2/clock")
    async def clock() -> JSONResponse:
        now = venue.bring_up()
        return JSONResponse(
            {
                "timestamp": new_york_instant(now, fraction=True),
                "is_open": session_at(now) is not None,
                "next_open": new_york_instant(next_session(now).open, fraction=False),
                "next_close": new_york_instant(next_close(now), fraction=False),
            }
        )

    @routes.get("/v2/calendar")
    async def calendar(request: Request) -> JSONResponse:
        query = request.query_params
        first, last = requests.date(query, "start") or _FIRST, requests.date(query, "end") or _LAST
        by = query.get("date_type", "").upper() or "TRADING"
        if by not in {"TRADING", "SETTLEMENT"}:
            raise rejections.malformed_value("date_type must be TRADING or SETTLEMENT")
        return JSONResponse(_days(first, last, by))

    @routes.get("/v2/assets")
    async def assets(request: Request) -> JSONResponse:
        return JSONResponse([asset for asset in _assets(venue) if _is_wanted(asset, request.query_params)])

    @routes.get("/v2/assets/{symbol_or_asset_id}")
    async def asset(symbol_or_asset_id: str) -> JSONResponse:
        listing = venue.exchange.listing(symbol_or_asset_id)
        if listing is None:
            raise rejections.not_found(f"asset not found for {symbol_or_asset_id}")
        return JSONResponse(asset_json(listing))

    return routes


def _assets(venue: Venue) -> list[Json]:
    return [asset_json(listing) for listing in venue.exchange.listings.values()]


def _is_wanted(asset: Json, query: requests.Query) -> bool:
    attributes = requests.words(query, "attributes")
    return (
        query.get("status", "").lower() in {"", "all", asset["status"]}
        and query.get("asset_class", "").lower() in {"", asset["class"]}
        and query.get("exchange", "").upper() in {"", asset["exchange"]}
        and (attributes is None or bool(attributes & set(asset["attributes"])))
    )


def _days(first: dt.date, last: dt.date, by: str) -> list[Json]:
    if by == "TRADING":
        sessions = sessions_between(first, last)
    else:
        # Settlement is at most a week after the trade.
        around = sessions_between(first - dt.timedelta(days=min(10, (first - dt.date.min).days)), last)
        sessions = tuple(session for session in around if first <= _settlement(session.date) <= last)
    days = (trading_day(session.date) for session in sessions)
    return [_day(day) for day in days if day is not None]


def _day(day: TradingDay) -> Json:
    session = day.session
    return {
        "date": session.date.isoformat(),
        "open": _local(session.open, "%H:%M"),
        "close": _local(session.close, "%H:%M"),
        "session_open": _local(day.extended_open, "%H%M"),
        "session_close": _local(day.extended_close, "%H%M"),
        "settlement_date": _settlement(session.date).isoformat(),
    }


def _local(at: dt.datetime, form: str) -> str:
    return at.astimezone(NEW_YORK).strftime(form)


@lru_cache(maxsize=16_384)
def _settlement(date: dt.date) -> dt.date:
    days = 1 if date >= _T_PLUS_ONE else 2 if date >= _T_PLUS_TWO else 3
    coming = _sessions_from(date)
    return coming[min(days, len(coming) - 1)].date


def _sessions_from(date: dt.date) -> tuple[Session, ...]:
    return sessions_between(date, date + dt.timedelta(days=14))
