"""Puts the notifier together: one thread that reads facts and delivers letters, one that serves HTTP."""

from __future__ import annotations

import datetime as dt
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass

import redis
from fastapi import FastAPI

from services.notifier.adapters.chat import ChatChannel
from services.notifier.adapters.endpoints import add_endpoints
from services.notifier.adapters.html_mail import HtmlMail
from services.notifier.adapters.postman import Postman
from services.notifier.adapters.smtp import SmtpChannel
from services.notifier.handlers import Correspondent
from services.notifier.ports import Channel
from services.notifier.settings import NotifierSettings, SmtpSettings
from shared import logs, metrics
from shared.bus import Bus, BusUnavailableError
from shared.bus.redis_bus import RedisBus
from shared.clock import Clock, SystemClock
from shared.contracts import streams
from shared.http import Checks, create_app, serve, token_check
from shared.listeners import LogHooks, MetricsHooks
from shared.process import Part
from shared.runner import Runner, RunnerOptions
from shared.settings import SERVICE_PORTS, HttpSettings, RedisSettings

SERVICE = "notifier"
# One batch is read in this order: signals before the rebalance they led to, alerts before the change of state they are about.
STREAMS = (
    streams.SIGNALS,
    streams.EXECUTION,
    *(streams.alerts_of(service) for service in ("marketdata", "strategy", "execution", "notifier")),
    streams.FEED_STATUS,
)


@dataclass(frozen=True, slots=True)
class Desk:
    """Reads facts and delivers letters by turns, in one thread, so that nothing needs a lock."""

    runner: Runner
    correspondent: Correspondent
    postman: Postman
    bus: Bus
    pause_seconds: float = 0.5

    def __call__(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self.turn(stop)
            except BusUnavailableError as error:
                logs.get(SERVICE).warning("bus unavailable", error=str(error))
                stop.wait(self.pause_seconds)

    def turn(self, stop: threading.Event | None = None) -> None:
        self.runner.step(block_seconds=self.pause_seconds, stop=stop)
        told = self.correspondent.close_windows()
        if told.changes:
            self.bus.commit(told)
        self.postman.deliver_due()
        self._measure()

    def _measure(self) -> None:
        metrics.DEAD_LETTERS.set(self.bus.depth("dead"))
        for stream in STREAMS:
            metrics.STREAM_PENDING.labels(SERVICE, stream).set(self.bus.pending(SERVICE, stream))


@dataclass(frozen=True, slots=True)
class Notifier:
    desk: Desk
    app: FastAPI
    http: HttpSettings

    def parts(self) -> Mapping[str, Part]:
        port = self.http.http_port or SERVICE_PORTS[SERVICE]
        return {"desk": self.desk, "http": serve(self.app, self.http.http_host, port)}


def channels_of(smtp: SmtpSettings, settings: NotifierSettings) -> list[Channel]:
    """Raises SettingsError naming the setting of a channel that cannot be made."""
    mail: list[Channel] = [] if smtp.host is None else [SmtpChannel(smtp)]
    return [*mail, *(ChatChannel(url, number) for number, url in enumerate(settings.chats(), 1))]


def build(
    redis_settings: RedisSettings,
    http: HttpSettings,
    smtp: SmtpSettings,
    settings: NotifierSettings,
    *,
    clock: Clock | None = None,
    options: RunnerOptions | None = None,
) -> Notifier:
    client = redis.Redis.from_url(redis_settings.redis_url)
    bus, clock = RedisBus(client, redis_settings.namespace), clock or SystemClock()
    channels = channels_of(smtp, settings)
    correspondent = Correspondent(
        bus,
        HtmlMail(),
        clock,
        channels=[channel.name for channel in channels],
        window=dt.timedelta(seconds=settings.collapse_seconds),
        mode=settings.mode,
    )
    postman = Postman(bus, channels, clock, patience=dt.timedelta(hours=settings.give_up_after_hours))
    hooks = (MetricsHooks(SERVICE), LogHooks(SERVICE))
    consumer = f"{socket.gethostname()}-{SERVICE}"
    runner = Runner(
        bus, SERVICE, consumer, STREAMS, correspondent.handlers(), hooks=hooks, options=options or RunnerOptions()
    )
    token = token_check(client, redis_settings.namespace, http.http_token)
    app = create_app(SERVICE, _checks(bus, postman), token, description="One mail per rebalance and per alert.")
    add_endpoints(app, bus, correspondent.trial)
    return Notifier(Desk(runner, correspondent, postman, bus), app, http)


def _checks(bus: Bus, postman: Postman) -> Checks:
    def redis_answers() -> None:
        bus.depth(streams.EXECUTION)

    def channels_work() -> str | None:
        return "; ".join(f"{name}: {trouble}" for name, trouble in postman.troubles.items()) or None

    return {"redis": redis_answers, "channels": channels_work}
