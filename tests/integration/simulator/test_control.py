"""The control surface, resets, time, and that the same calls give the same bytes."""

from __future__ import annotations

import datetime as dt
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from cli.embedded_redis import free_port
from tests.integration.simulator.running import Running, Start


class TestTime:
    def test_it_stands_still_until_it_is_moved(self, simulator: Running) -> None:
        clock = {"now": "2024-06-03T14:00:00+00:00", "speed": 0.0, "is_open": True}
        assert simulator.get("/sim/clock") == simulator.get("/sim/clock") == clock
        simulator.advance(6 * 3600)
        assert simulator.get("/sim/clock") == {**clock, "now": "2024-06-03T20:00:00+00:00", "is_open": False}

    def test_moving_it_makes_orders_live(self, simulator: Running) -> None:
        order = simulator.order(type="limit", limit_price="1").json()
        simulator.go_to("2024-06-03T16:00")
        assert simulator.get(f"/v2/orders/{order['id']}")["status"] == "expired"

    def test_it_runs_at_its_speed(self, start_simulator: Start, eventually: Callable[..., object]) -> None:
        simulator = start_simulator(speed=30_000)
        order = simulator.order(type="limit", limit_price="1").json()
        assert order["expired_at"] is None
        eventually(lambda: simulator.get(f"/v2/orders/{order['id']}")["status"] == "expired", what="the close")
        (one, one_asked, one_told), (other, other_asked, other_told) = (_clock_read(simulator) for _ in range(2))
        assert 30_000 * (other_asked - one_told) <= (other - one).total_seconds() <= 30_000 * (other_told - one_asked)

    @pytest.mark.parametrize(
        "command",
        [
            {},
            {"to": "2024-06-01T10:00"},
            {"to": "soon"},
            {"to": 5},
            {"advance_seconds": -1},
            {"advance_seconds": "NaN"},
            {"advance_seconds": 1e300},
            {"speed": -1},
            {"speed": 1e9},
            {"speed": 1, "advance_seconds": 1},
        ],
    )
    def test_a_command_it_cannot_obey_is_refused_and_time_is_as_before(
        self, simulator: Running, command: dict[str, object]
    ) -> None:
        before = simulator.get("/sim/clock")
        answer = simulator.api.post("/sim/clock", json=command)
        assert answer.status_code == 422
        assert any(name in answer.json()["message"] for name in ("to", "advance_seconds", "speed"))
        assert simulator.get("/sim/clock") == before


def _clock_read(simulator: Running) -> tuple[dt.datetime, float, float]:
    """The virtual instant, and between which real seconds it was read."""
    asked = time.monotonic()
    now = dt.datetime.fromisoformat(simulator.get("/sim/clock")["now"])
    return now, asked, time.monotonic()


class TestFaults:
    def test_each_is_listed_with_a_line_and_whether_it_is_armed(self, simulator: Running) -> None:
        simulator.arm("500", seconds=9)
        listed = {fault["name"]: fault for fault in simulator.get("/sim/faults")}
        assert len(listed) >= 15
        assert all(fault["description"] for fault in listed.values())
        assert (listed["500"]["armed"], listed["500"]["seconds_left"]) == (True, 9)
        assert not any(f["armed"] for f in simulator.api.delete("/sim/faults").json())

    @pytest.mark.parametrize(
        "body",
        [{}, {"name": "nope", "count": 1}, {"name": "500"}, {"name": "500", "count": 0}, {"name": "500", "count": 1.5},
         {"name": "500", "count": 1, "seconds": 1}, {"name": "500", "seconds": -1}, {"name": ["500"], "count": 1}],
    )  # fmt: skip
    def test_what_cannot_be_armed_is_refused(self, simulator: Running, body: dict[str, object]) -> None:
        assert simulator.api.post("/sim/faults", json=body).status_code == 422
        assert not any(fault["armed"] for fault in simulator.get("/sim/faults"))


class TestHalts:
    def test_a_halted_symbol_refuses_orders_and_fills_none_until_it_trades_again(self, simulator: Running) -> None:
        resting = simulator.order(type="limit", limit_price="1").json()
        assert simulator.api.post("/sim/halts", json={"symbol": "SPY", "halted": True}).json() == {"halted": ["SPY"]}
        refused = simulator.order()
        assert (refused.status_code, refused.json()["code"]) == (403, 40310000)
        assert refused.json()["message"] == "trading in SPY is halted"
        assert simulator.order(symbol="TLT").is_success
        marketable = simulator.api.patch(f"/v2/orders/{resting['id']}", json={"limit_price": "9999"}).json()
        simulator.advance(600)
        assert simulator.get(f"/v2/orders/{marketable['id']}")["status"] == "new"
        assert simulator.api.post("/sim/halts", json={"symbol": "SPY", "halted": False}).json() == {"halted": []}
        simulator.advance(120)
        assert simulator.get(f"/v2/orders/{marketable['id']}")["status"] == "filled"

    def test_an_order_can_be_cancelled_in_a_halt(self, simulator: Running) -> None:
        resting = simulator.order(type="limit", limit_price="1").json()
        simulator.api.post("/sim/halts", json={"symbol": "SPY", "halted": True}).raise_for_status()
        assert simulator.api.delete(f"/v2/orders/{resting['id']}").status_code == 204
        assert simulator.get(f"/v2/orders/{resting['id']}")["status"] == "canceled"

    @pytest.mark.parametrize(
        "body", [{}, {"symbol": "SPY"}, {"symbol": "NOPE", "halted": True}, {"symbol": 1, "halted": True}]
    )
    def test_what_cannot_be_halted_is_refused(self, simulator: Running, body: dict[str, object]) -> None:
        assert simulator.api.post("/sim/halts", json=body).status_code == 422

    def test_a_halt_outlives_a_restart_of_the_venue(self, start_simulator: Start, tmp_path: Path) -> None:
        first = start_simulator(state=tmp_path)
        first.api.post("/sim/halts", json={"symbol": "SPY", "halted": True}).raise_for_status()
        first.stop()
        assert start_simulator(state=tmp_path).get("/sim/halts") == {"halted": ["SPY"]}


class TestReset:
    def test_everything_is_as_at_the_start(self, simulator: Running) -> None:
        simulator.order()
        simulator.arm("500")
        simulator.advance(100)
        simulator.api.post("/sim/reset", json={}).raise_for_status()
        assert simulator.get("/sim/clock")["now"] == "2024-06-03T14:00:00+00:00"
        assert simulator.get("/v2/orders", status="all") == []
        assert simulator.get("/v2/account")["cash"] == "100000"
        other = simulator.http(**{**simulator.login, "APCA-API-SECRET-KEY": "new"})
        simulator.api.post("/sim/reset").raise_for_status()
        assert other.get("/v2/account").status_code == 200

    def test_another_seed_is_another_world_and_another_start_another_day(self, simulator: Running) -> None:
        first = simulator.order().json()["id"], simulator.ask()
        simulator.api.post("/sim/reset", json={"seed": 8, "start": "2024-06-04T11:00"}).raise_for_status()
        assert simulator.get("/sim/clock")["now"] == "2024-06-04T15:00:00+00:00"
        assert (simulator.order().json()["id"], simulator.ask()) != first

    @pytest.mark.parametrize("body", [{"seed": -1}, {"seed": "7"}, {"seed": 1.5}, {"start": "never"}, {"start": 7}])
    def test_a_reset_that_makes_no_sense_changes_nothing(self, simulator: Running, body: dict[str, object]) -> None:
        simulator.order()
        assert simulator.api.post("/sim/reset", json=body).status_code == 422
        assert len(simulator.get("/v2/orders", status="all")) == 1


def the_same_calls(simulator: Running) -> list[tuple[int, list[tuple[str, str]], bytes]]:
    """A day of everything, as (status, headers, body) of each answer."""
    answers: list[httpx.Response] = []
    api = simulator.api

    def order(**fields: object) -> str:
        body = {"symbol": "SPY", "qty": "30", "side": "buy", "type": "market", "time_in_force": "day", **fields}
        answers.append(api.post("/v2/orders", json=body))
        return str(answers[-1].json().get("id"))

    for symbol in ("SPY", "QQQ", "TLT", "SPY", "QQQ", "TLT", "SPY"):
        order(symbol=symbol)
        simulator.advance(1)
    resting = order(type="limit", limit_price="1")
    answers.extend([api.patch(f"/v2/orders/{resting}", json={"qty": "31"}), api.delete("/v2/orders")])
    order(qty="nonsense")
    answers.append(api.delete("/v2/positions/QQQ", params={"percentage": "50"}))
    simulator.advance(600)
    paths = ["/v2/account", "/v2/positions", "/v2/orders?status=all", "/v2/account/activities", "/v2/clock"]
    paths += [
        "/v2/account/portfolio/history?period=1D&timeframe=5Min",
        "/v2/stocks/snapshots?symbols=SPY",
        "/v2/nosuch",
    ]
    answers.extend(api.get(path) for path in paths)
    return [(answer.status_code, list(answer.headers.multi_items()), answer.content) for answer in answers]


@pytest.mark.parametrize("fills", ["paper", "realistic"])
def test_the_same_seed_and_the_same_calls_give_the_same_bytes(start_simulator: Start, fills: str) -> None:
    one, other = (start_simulator(fills=fills) for _ in range(2))
    first = the_same_calls(one)
    other.get("/health")  # nobody's business
    assert the_same_calls(other) == first


def test_reading_does_not_change_what_others_get(start_simulator: Start) -> None:
    one, other = start_simulator(), start_simulator()
    bodies = []
    for simulator, reads in ((one, 0), (other, 3)):
        for _ in range(20):
            for _ in range(reads):
                simulator.get("/v2/account")
                simulator.get("/v2/stocks/quotes/latest", symbols="QQQ")
            simulator.order(qty="50")
        bodies.append(simulator.get("/v2/orders", status="all"))
    assert bodies[0] == bodies[1]


def test_the_process_serves_until_it_is_told_to_stop(tmp_path: Path, eventually: Callable[..., object]) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "services.simulator"],
        env={"SIM_PORT": str(port), "SIM_KEY": "k", "SIM_SECRET": "hush-hush", "PATH": ""},
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        eventually(lambda: _answers(f"http://127.0.0.1:{port}/sim/health"), within=30)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=15)
    finally:
        process.kill()
    assert process.returncode == 0
    assert f"http://127.0.0.1:{port}" in said
    assert "hush-hush" not in said


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
