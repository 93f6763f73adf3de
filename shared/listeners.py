"""The hooks that turn what a runner does into metrics and logs."""

from __future__ import annotations

import time

from shared import logs, metrics
from shared.bus import Delivery, Outcome
from shared.contracts import Message
from shared.runner import Hooks


class MetricsHooks(Hooks):
    def __init__(self, service: str) -> None:
        self._service = service

    def received(self, delivery: Delivery, message: Message) -> None:
        # The entry id is the server's clock in milliseconds; replays and virtual clocks do not disturb it.
        written = int(delivery.entry_id.split("-")[0]) / 1000
        metrics.MESSAGE_AGE_SECONDS.labels(self._service, message.kind).observe(max(0.0, time.time() - written))

    def committed(self, delivery: Delivery, message: Message, outcome: Outcome, seconds: float) -> None:
        metrics.MESSAGES_HANDLED.labels(self._service, message.kind).inc()
        metrics.HANDLE_SECONDS.labels(self._service, message.kind).observe(seconds)

    def failed(self, delivery: Delivery, message: Message | None, error: Exception) -> None:
        metrics.MESSAGES_FAILED.labels(self._service, message.kind if message else "undecodable").inc()

    def buried(self, delivery: Delivery, error: str) -> None:
        metrics.MESSAGES_BURIED.labels(self._service).inc()


class LogHooks(Hooks):
    def __init__(self, service: str) -> None:
        self._log = logs.get(service)

    def committed(self, delivery: Delivery, message: Message, outcome: Outcome, seconds: float) -> None:
        self._log.debug(
            "handled", kind=message.kind, correlation_id=message.correlation_id, ms=round(seconds * 1000, 2)
        )

    def failed(self, delivery: Delivery, message: Message | None, error: Exception) -> None:
        kind = message.kind if message else "undecodable"
        self._log.warning(
            "handler failed", kind=kind, attempt=delivery.attempt, error=f"{type(error).__name__}: {error}"
        )

    def buried(self, delivery: Delivery, error: str) -> None:
        self._log.error("moved to the dead letters", stream=delivery.stream, entry=delivery.entry_id, error=error)

    def unavailable(self, error: Exception) -> None:
        self._log.warning("bus unavailable", error=str(error))
