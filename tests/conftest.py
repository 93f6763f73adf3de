"""What every test may ask for: a real Redis of its own, recorded market data, waiting without sleeping."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
import redis
from hypothesis import settings

from cli.embedded_redis import EmbeddedRedis, embedded_redis

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"
IN_CI = os.environ.get("CI") == "true"

# In CI the same examples each time, so that a red run means a change; at home new ones, which find what nobody thought of.
settings.register_profile("ci", derandomize=True, deadline=None)
if IN_CI:
    settings.load_profile("ci")

_T = TypeVar("_T")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What a test wrote down with record_property("report", text) stands at the end of the output, under xdist too."""
    reports = [test for kind in ("passed", "failed") for test in terminalreporter.stats.get(kind, ())]
    lines = [text for test in reports for name, text in test.user_properties if name == "report"]
    if lines:
        terminalreporter.section("reports")
        for line in sorted(lines):
            terminalreporter.write_line(str(line))


@pytest.fixture(scope="session")
def redis_server() -> Iterator[EmbeddedRedis]:
    """One real redis-server per test run (and per xdist worker)."""
    with embedded_redis() as server:
        yield server


@pytest.fixture
def redis_url(redis_server: EmbeddedRedis) -> str:
    """The URL of a real, empty Redis."""
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
    return redis_server.url


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(redis_url)
    yield client
    client.close()


@pytest.fixture
def namespace() -> str:
    return f"test-{uuid.uuid4().hex[:8]}"


def need(what: str, *, present: bool) -> None:
    """Skip where something optional is absent; fail in CI, where it must be there."""
    if present:
        return
    if IN_CI:
        pytest.fail(f"{what} is needed in CI and is not there")
    pytest.skip(f"{what} is not there", allow_module_level=True)  # some modules need it before they have a test


@pytest.fixture(scope="session")
def market_data_dir() -> Path:
    """../shared/data, recorded market data that is never copied into the project."""
    need(f"recorded market data ({DATA})", present=DATA.is_dir())
    return DATA


@pytest.fixture(scope="session")
def docker() -> str:
    """A Docker engine that answers."""
    program = shutil.which("docker")
    answers = (
        program is not None and subprocess.run([program, "info"], capture_output=True, check=False).returncode == 0
    )
    need("a Docker engine", present=answers)
    return str(program)


def eventually(probe: Callable[[], _T], *, within: float = 10.0, what: str = "") -> _T:
    """The first truthy answer of `probe`, asked again and again until `within` seconds have passed."""
    deadline, pause = time.monotonic() + within, threading.Event()
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {what or probe}; last answer {answer!r}")
        pause.wait(0.01)


@pytest.fixture(name="eventually")
def _eventually() -> Callable[..., object]:
    return eventually
