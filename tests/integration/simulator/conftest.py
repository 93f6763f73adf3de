"""Simulators for tests: `simulator` is one with time standing still; `start_simulator(speed=60, ...)` makes others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from services.simulator.adapters.market_factory import market_for
from services.simulator.domain.market import Market
from tests.conftest import eventually
from tests.integration.simulator.running import Running, Start, running_simulator


@pytest.fixture(scope="session")
def generated_market() -> Market:
    return market_for(None, 7)


@pytest.fixture
def start_simulator(generated_market: Market) -> Iterator[Start]:
    with ExitStack() as running:

        def start(**settings: object) -> Running:
            return running.enter_context(running_simulator(generated_market, eventually, **settings))

        yield start


@pytest.fixture(scope="session")
def standing_simulator(generated_market: Market) -> Iterator[Running]:
    with running_simulator(generated_market, eventually) as simulator:
        yield simulator


@pytest.fixture
def simulator(standing_simulator: Running) -> Running:
    """The one that stands there for all tests, as at its start."""
    standing_simulator.api.post("/sim/reset", json={}).raise_for_status()
    return standing_simulator
