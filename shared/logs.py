"""Structured logs on stdout; whatever looks like a secret is masked before it is written."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from pydantic import SecretStr

from shared.settings import LogSettings

_SECRET_NAME = re.compile(r"secret|token|password|authorization|api[_-]?key|apca", re.IGNORECASE)
_BEARER = re.compile(r"(Bearer|Basic)\s+\S+", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(\w+://[^:/@\s]*:)[^@\s]+@")
_MASK = "***"

Event = MutableMapping[str, Any]


def masked(value: Any) -> Any:
    """The value with credentials in URLs and authorization headers replaced."""
    if isinstance(value, SecretStr):
        return _MASK
    if not isinstance(value, str):
        return value
    return _URL_PASSWORD.sub(rf"\1{_MASK}@", _BEARER.sub(rf"\1 {_MASK}", value))


def mask_secrets(_logger: Any, _method: str, event: Event) -> Event:
    for name, value in event.items():
        event[name] = _MASK if _SECRET_NAME.search(name) else masked(value)
    return event


def configure(service: str, settings: LogSettings) -> None:
    """Send our logs and the libraries' through one masking pipeline; `service` stands on every line."""
    level = logging.getLevelNamesMapping()[settings.log_level]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_secrets,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer() if settings.log_format == "json" else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("uvicorn.access", "httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(service=service)


def get(name: str) -> Any:
    """A logger for a module."""
    return structlog.stdlib.get_logger(name)
