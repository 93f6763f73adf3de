"""The whole house as programs on this machine: which processes, on which ports, with which settings, ready when."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import httpx
import redis

from cli.demo.crew import Program
from cli.demo.options import Options
from cli.embedded_redis import free_ports
from shared.settings import SERVICE_PORTS

# Only what a program needs to run at all: a key, a mode or a proxy of the person at the terminal must not reach the demo.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "PYTHONPATH", "VIRTUAL_ENV", "SYSTEMROOT")
SIMULATOR_KEY, SIMULATOR_SECRET = "demo", "demo"
_PATIENCE_SECONDS = "0.5"
"""A turn of patience, of which an order has six; nobody wants to watch a demo for as long as a patient order takes."""
_MAX_SPREAD_BPS = "100"
"""Thin shares are quoted up to 65 bps wide here; waiting for a narrower quote is right with money and tedious in a demo."""
MAIL_FROM, MAIL_TO = "alchemiser@localhost", "you@localhost"


@dataclass(frozen=True, slots=True)
class Stack:
    """Addresses of one run, and the programs that listen there."""

    redis_url: str
    token: str = field(repr=False)
    options: Options
    simulator: int
    smtp: int
    mailbox: int
    services: Mapping[str, int]

    @classmethod
    def on_free_ports(cls, redis_url: str, token: str, options: Options) -> Self:
        simulator, smtp, mailbox, *rest = free_ports(3 + len(SERVICE_PORTS))
        return cls(redis_url, token, options, simulator, smtp, mailbox, dict(zip(SERVICE_PORTS, rest, strict=True)))

    @property
    def simulator_url(self) -> str:
        return f"http://127.0.0.1:{self.simulator}"

    @property
    def mailbox_url(self) -> str:
        return f"http://127.0.0.1:{self.mailbox}"

    def url_of(self, service: str) -> str:
        return f"http://127.0.0.1:{self.services[service]}"

    def outside(self) -> tuple[Program, ...]:
        """The world the services live in: an exchange and a mailbox."""
        return (
            self._program("simulator", self._simulator_command(), 0, ready_at(f"{self.simulator_url}/sim/health")),
            self._program("mailbox", self._mailbox_command(), 0, ready_at(f"{self.mailbox_url}/health")),
        )

    def house(self) -> tuple[Program, ...]:
        """The four services, and one worker that places orders."""
        services = [
            self._program(name, _module(f"services.{name}"), 1, ready_at(f"{self.url_of(name)}/ready"), port=port)
            for name, port in self.services.items()
        ]
        return (*services, self._program("worker", _module("services.execution.jobs"), 1, _worker_in(self.redis_url)))

    def environment(self, port: int | None = None) -> dict[str, str]:
        """What every process of the house is told; nothing else of the surroundings reaches it."""
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        settings = {
            "PYTHONUNBUFFERED": "1",
            "ALCHEMISER_MODE": "simulated",
            "ALCHEMISER_REDIS_URL": self.redis_url,
            "ALCHEMISER_NAMESPACE": "demo",
            "ALCHEMISER_HTTP_TOKEN": self.token,
            "SIMULATOR_URL": self.simulator_url,
            "SIMULATOR_KEY": SIMULATOR_KEY,
            "SIMULATOR_SECRET": SIMULATOR_SECRET,
            "EXECUTION_PATIENCE_SECONDS": _PATIENCE_SECONDS,
            "EXECUTION_MAX_SPREAD_BPS": _MAX_SPREAD_BPS,
            "EXECUTION_OPENING_POSITIONS": "trade",
            "NOTIFIER_SMTP_HOST": "127.0.0.1",
            "NOTIFIER_SMTP_PORT": str(self.smtp),
            "NOTIFIER_SMTP_SECURITY": "none",
            "NOTIFIER_SMTP_FROM": MAIL_FROM,
            "NOTIFIER_SMTP_TO": MAIL_TO,
        }
        return inherited | settings | ({} if port is None else {"ALCHEMISER_HTTP_PORT": str(port)})

    def command_line(self) -> dict[str, str]:
        """What `alchemiser` in another terminal must be told to reach this run."""
        urls = {f"ALCHEMISER_{name.upper()}_URL": self.url_of(name) for name in self.services}
        shared = ("ALCHEMISER_MODE", "ALCHEMISER_REDIS_URL", "ALCHEMISER_NAMESPACE", "ALCHEMISER_HTTP_TOKEN")
        return urls | {name: value for name, value in self.environment().items() if name in shared}

    def _program(
        self,
        name: str,
        command: Sequence[str],
        stage: int,
        is_ready: Callable[[], str | None] | None,
        *,
        port: int | None = None,
    ) -> Program:
        return Program(name, command, self.environment(port), stage, is_ready)

    def _simulator_command(self) -> list[str]:
        chosen = {"--data": self.options.data, "--start": self.options.start}
        extra = [part for name, value in chosen.items() if value is not None for part in (name, str(value))]
        given = ["--port", str(self.simulator), "--seed", str(self.options.seed)]
        return [*_module("cli.main"), "simulator", *given, *extra]

    def _mailbox_command(self) -> list[str]:
        return [*_module("cli.mail_sink"), "--smtp-port", str(self.smtp), "--http-port", str(self.mailbox)]


def ready_at(url: str) -> Callable[[], str | None]:
    """Asks that page; anything but 200 is a reason not to be ready."""

    def reason() -> str | None:
        try:
            answer = httpx.get(url, timeout=3, trust_env=False)
        except httpx.TransportError as error:
            return f"{url}: {str(error) or type(error).__name__}"
        return None if answer.is_success else f"{url} answered {answer.status_code}: {answer.text[:300]}"

    return reason


def _worker_in(redis_url: str) -> Callable[[], str | None]:
    """A worker has no page to ask; RQ's register tells that it takes jobs."""
    client = redis.Redis.from_url(redis_url)

    def reason() -> str | None:
        return None if client.exists("rq:workers") else "no worker has registered"

    return reason


def _module(name: str) -> list[str]:
    return [sys.executable, "-m", name]
