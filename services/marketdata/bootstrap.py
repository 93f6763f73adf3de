"""Marketdata's one composition root: which concrete classes, and the parts of its process."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import redis
from fastapi import FastAPI

from services.marketdata.adapters.alpaca_rest import data_client
from services.marketdata.adapters.bus_quotes import BusQuotes
from services.marketdata.adapters.history_alpaca import AlpacaHistory
from services.marketdata.adapters.history_store_redis import RedisHistories
from services.marketdata.adapters.history_twelvedata import TwelveDataHistory
from services.marketdata.adapters.inbox import BoundedInbox
from services.marketdata.adapters.latest_alpaca import AlpacaLatest
from services.marketdata.adapters.polite_http import Politeness
from services.marketdata.adapters.rounds import HistoryRound, PollRound, WantedRound
from services.marketdata.adapters.stream_alpaca import AlpacaStream
from services.marketdata.adapters.telemetry import Telemetry
from services.marketdata.adapters.web import add_routes
from services.marketdata.domain.desk import Desk
from services.marketdata.domain.quotes import QuoteBook
from services.marketdata.handlers import FeedDesk, HistoryKeeper, KeeperOptions
from services.marketdata.ports import HistorySource, Observer, QuoteStream
from services.marketdata.settings import SERVICE, MarketdataSettings
from shared.bus import Bus
from shared.bus.redis_bus import RedisBus
from shared.clock import Clock, SystemClock, VenueClock
from shared.contracts import streams
from shared.contracts.control import BackfillRequested
from shared.http import Checks, create_app, serve, token_check
from shared.listeners import LogHooks, MetricsHooks
from shared.process import Part
from shared.runner import Runner
from shared.settings import SERVICE_PORTS, HttpSettings, RedisSettings, Venue, VenueSettings

_HISTORY_ROUND_SECONDS = 1.0
_CLOCK_PATIENCE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything marketdata reads from its surroundings, read once."""

    redis: RedisSettings
    http: HttpSettings
    venue: VenueSettings
    marketdata: MarketdataSettings


@dataclass(frozen=True, slots=True)
class MarketdataProcess:
    app: FastAPI
    parts: dict[str, Part]


def build(
    configuration: Configuration,
    stop: threading.Event,
    *,
    clock: Clock | None = None,
    stream: Callable[[BoundedInbox], QuoteStream] | None = None,
) -> MarketdataProcess:
    """`stop` also cuts waits short. `stream` replaces Alpaca's client by another one."""
    settings, names, venue = configuration.marketdata, configuration.redis, configuration.venue.venue()
    client = redis.Redis.from_url(names.redis_url)
    bus, observer = RedisBus(client, names.namespace), Telemetry()
    clock = clock or (SystemClock() if venue.clock_url is None else VenueClock(venue.clock_url))
    quotes, histories, inbox = BusQuotes(bus), RedisHistories(client, bus), BoundedInbox(observer)
    feed_stream = stream(inbox) if stream else AlpacaStream(venue, configuration.venue.alpaca_feed, inbox)
    desk = _desk(configuration, venue, quotes)
    front = FeedDesk(
        desk,
        inbox=inbox,
        stream=feed_stream,
        store=quotes,
        bus=bus,
        clock=clock,
        steady=time.monotonic,
        observer=observer,
    )
    keeper = HistoryKeeper(
        sources=_sources(configuration, venue, stop),
        store=histories,
        clock=clock,
        steady=time.monotonic,
        observer=observer,
        options=KeeperOptions(
            settings.history_start,
            settings.history_ttl,
            settings.kept_adjustments,
            cross_check=settings.cross_check,
            accepted=settings.accepted_doubts,
        ),
    )
    wanted = WantedRound(bus, inbox, observer, always=settings.always, seconds=settings.wanted_seconds)
    latest = AlpacaLatest(data_client(venue, _hasty(stop)), configuration.venue.alpaca_feed)
    poll = PollRound(lambda: desk.symbols_to_poll, latest, inbox, seconds=settings.poll_seconds)
    history = HistoryRound(lambda: keeper.refresh(wanted.current), bus, observer, seconds=_HISTORY_ROUND_SECONDS)
    runner = _runner(bus, keeper)
    token = token_check(client, names.namespace, configuration.http.http_token)
    app = create_app(SERVICE, _checks(bus, clock, desk, keeper, wanted), token, description=__doc__ or "")
    add_routes(app, quotes=quotes, histories=histories, bus=bus, clock=clock, stale_seconds=settings.stale_seconds)
    parts: dict[str, Part] = {
        "http": serve(app, configuration.http.http_host, configuration.http.http_port or SERVICE_PORTS[SERVICE]),
        "wanted": wanted.run,
        "stream": feed_stream.run,
        "feed": _once_told_the_time(clock, observer, front.run),
        "poll": poll.run,
        "history": _once_told_the_time(clock, observer, history.run),
        "control": _once_told_the_time(clock, observer, runner.run),
    }
    return MarketdataProcess(app, parts)


def _desk(configuration: Configuration, venue: Venue, quotes: BusQuotes) -> Desk:
    """A simulated venue's clock may jump, and its quotes know before we do."""
    ahead = dt.timedelta(minutes=5) if venue.clock_url is None else None
    book = QuoteBook(quotes.latest().values(), ahead=ahead)
    settings = configuration.marketdata
    feed_name = "simulated" if venue.mode == "simulated" else configuration.venue.alpaca_feed
    return Desk(book, feed_name, settings.patience, stream_limit=settings.stream_symbol_limit)


def _sources(configuration: Configuration, venue: Venue, stop: threading.Event) -> list[HistorySource]:
    settings, patient = configuration.marketdata, Politeness(sleep=_waiting_for(stop))
    sources: list[HistorySource] = [AlpacaHistory(data_client(venue, patient), configuration.venue.alpaca_feed)]
    if settings.twelvedata_key is not None:
        sources.append(TwelveDataHistory(settings.twelvedata_url, settings.twelvedata_key, patient))
    return sources


def _hasty(stop: threading.Event) -> Politeness:
    """A poll is repeated every few seconds anyway; a late answer is worth nothing."""
    return Politeness(attempts=1, connect_seconds=2, read_seconds=3, sleep=_waiting_for(stop))


def _waiting_for(stop: threading.Event) -> Callable[[float], None]:
    def wait(seconds: float) -> None:
        stop.wait(seconds)

    return wait


def _runner(bus: Bus, keeper: HistoryKeeper) -> Runner:
    hooks = (MetricsHooks(SERVICE), LogHooks(SERVICE))
    return Runner(bus, SERVICE, SERVICE, (streams.CONTROL,), {BackfillRequested: keeper.backfill}, hooks=hooks)


def _checks(bus: Bus, clock: Clock, desk: Desk, keeper: HistoryKeeper, wanted: WantedRound) -> Checks:
    def bus_answers() -> str | None:
        bus.get(streams.WANTED_SYMBOLS, SERVICE)
        return None

    def time_is_told() -> str | None:
        clock.now()
        return None

    def feed_is_known() -> str | None:
        if not wanted.has_read:
            return "what is wanted has not been read yet"
        if desk.feed is None:
            return "nothing was heard yet" if wanted.current else None
        return f"{desk.feed.state}: {desk.feed.detail}" if desk.feed.state in {"starting", "lost"} else None

    def history_is_loaded() -> str | None:
        missing = keeper.unloaded(wanted.current)
        return f"history of {len(missing)} symbols is still to come: {', '.join(missing[:10])}" if missing else None

    return {"bus": bus_answers, "clock": time_is_told, "feed": feed_is_known, "history": history_is_loaded}


def _once_told_the_time(clock: Clock, observer: Observer, part: Part) -> Part:
    """The venue may start after us: without its time nothing can be judged, and nothing needs to fail."""

    def patient(stop: threading.Event) -> None:
        is_said = False
        while not stop.is_set():
            try:
                clock.now()
            except httpx.HTTPError as error:
                if not is_said:
                    observer.clock_unavailable(error)
                is_said = True
                stop.wait(_CLOCK_PATIENCE_SECONDS)
            else:
                part(stop)
                return

    return patient
