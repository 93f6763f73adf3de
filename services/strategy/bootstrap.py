"""Strategy's one composition root: which concrete classes, and the parts of its process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis
from fastapi import FastAPI

from services.strategy.adapters.listeners import DecisionHooks
from services.strategy.adapters.loading import load_strategy
from services.strategy.adapters.readiness import Arrived, history_arrived, prices_arrived
from services.strategy.adapters.redis_history import RedisHistory
from services.strategy.adapters.scheduler import Scheduler
from services.strategy.adapters.web import add_routes
from services.strategy.domain.portfolio import PortfolioError, StrategyManager
from services.strategy.handlers import Decide, announce_symbols, request_scheduled_run
from services.strategy.settings import SERVICE, PortfolioEntry, StrategySettings
from shared.bus import Bus
from shared.bus.redis_bus import RedisBus
from shared.clock import Clock, SystemClock, VenueClock
from shared.contracts.control import RunRequested
from shared.contracts.streams import CONTROL
from shared.http import Checks, create_app, serve, token_check
from shared.listeners import LogHooks, MetricsHooks
from shared.process import Part
from shared.runner import Runner
from shared.settings import SERVICE_PORTS, ClockSettings, HttpSettings, RedisSettings, SettingsError


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything strategy reads from its surroundings, read once."""

    redis: RedisSettings
    http: HttpSettings
    clock: ClockSettings
    strategy: StrategySettings


@dataclass(frozen=True, slots=True)
class StrategyProcess:
    app: FastAPI
    runner: Runner
    scheduler: Scheduler
    parts: dict[str, Part]


def build(configuration: Configuration, *, clock: Clock | None = None) -> StrategyProcess:
    """Raises SettingsError for a portfolio that cannot be; touches Redis only for the trigger token."""
    settings, names = configuration.strategy, configuration.redis
    manager = build_manager(settings.entries)
    client = redis.Redis.from_url(names.redis_url)
    bus = RedisBus(client, names.namespace)
    clock = clock or _clock(configuration.clock)
    history = RedisHistory(client, bus)
    decide = Decide(manager, history, bus, clock, account=names.namespace, rules=settings.price_rules)
    runner = build_runner(bus, decide)
    arrived = history_arrived(history, manager.symbols)
    priced = prices_arrived(history, manager.symbols, clock, settings.price_rules)
    scheduler = Scheduler(
        clock,
        announce=lambda: announce_symbols(bus, manager.symbols),
        request_run=lambda now: request_scheduled_run(
            bus, now, settings.before_close, why_not_ready=lambda: arrived() or priced()
        ),
    )
    token = token_check(client, names.namespace, configuration.http.http_token)
    app = create_app(SERVICE, _checks(client, clock, arrived), token, description=__doc__ or "")
    add_routes(app, bus, clock, tuple(allotment.name for allotment in manager.allotments))
    port = configuration.http.http_port or SERVICE_PORTS[SERVICE]
    parts: dict[str, Part] = {
        "runner": runner.run,
        "schedule": scheduler.run,
        "http": serve(app, configuration.http.http_host, port),
    }
    return StrategyProcess(app, runner, scheduler, parts)


def build_manager(entries: Sequence[PortfolioEntry]) -> StrategyManager:
    manager = StrategyManager()
    try:
        for entry in entries:
            manager.add_strategy(load_strategy(entry.strategy), entry.share)
        manager.require_whole()
    except PortfolioError as error:
        raise SettingsError(f"STRATEGY_PORTFOLIO: {error}") from error
    return manager


def build_runner(bus: Bus, decide: Decide) -> Runner:
    hooks = (MetricsHooks(SERVICE), LogHooks(SERVICE), DecisionHooks())
    return Runner(bus, SERVICE, SERVICE, (CONTROL,), {RunRequested: decide.on_run_requested}, hooks=hooks)


def _clock(settings: ClockSettings) -> Clock:
    return SystemClock() if settings.clock_url is None else VenueClock(settings.clock_url)


def _checks(client: Any, clock: Clock, arrived: Arrived) -> Checks:
    def answers() -> str | None:
        client.ping()
        return None

    def tells_time() -> str | None:
        clock.now()
        return None

    return {"redis": answers, "clock": tells_time, "history": arrived}
