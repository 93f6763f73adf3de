"""The four services behind real sockets, and the command in-process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import httpx
import pytest

from cli.embedded_redis import free_ports
from cli.main import main
from shared.http import serve
from shared.settings import SERVICE_PORTS
from tests.integration.cli.house import TOKEN, Ended, House


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch, eventually: Callable[..., object]) -> Iterator[House]:
    house, stop = House(), threading.Event()
    threads = [threading.Thread(target=part, args=(stop,)) for part in (house.obey, house.reconciliation.run)]
    for service, port in zip(SERVICE_PORTS, free_ports(len(SERVICE_PORTS)), strict=True):
        house.urls[service] = f"http://127.0.0.1:{port}"
        monkeypatch.setenv(f"ALCHEMISER_{service.upper()}_URL", house.urls[service])
        threads.append(threading.Thread(target=serve(house.app(service), "127.0.0.1", port), args=(stop,)))
    monkeypatch.setenv("ALCHEMISER_HTTP_TOKEN", TOKEN)
    for thread in threads:
        thread.start()
    eventually(lambda: all(_answers(url) for url in house.urls.values()), what="all four listen")
    yield house
    house.obeys.set()
    stop.set()
    for thread in threads:
        thread.join(10)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").is_success
    except httpx.TransportError:
        return False


@pytest.fixture
def alchemiser(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """Runs the command line in this process: its exit code and what it wrote."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> Ended:
        with pytest.raises(SystemExit) as end:
            main(arguments)
        captured = capsys.readouterr()
        return Ended(int(end.value.code or 0), captured.out, captured.err)

    return run
