"""What the demo's processes are told: nothing of the person's own keys, modes or proxies reaches them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cli.demo.environment_file import write_environment
from cli.demo.options import Options
from cli.demo.stack import Stack


def a_stack(options: Options | None = None) -> Stack:
    return Stack.on_free_ports("redis://127.0.0.1:1/0", "a-token", options or Options())


def test_no_key_mode_or_proxy_of_the_surroundings_gets_in(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = {
        "ALCHEMISER_MODE": "live",
        "ALPACA_LIVE_KEY": "k",
        "ALPACA_LIVE_SECRET": "s",
        "EXECUTION_LIVE_ACCOUNT": "123456789",
        "HTTP_PROXY": "http://proxy:3128",
        "ALCHEMISER_HTTP_TOKEN": "theirs",
        "STRATEGY_PORTFOLIO": "tecl=1",
    }
    for name, value in theirs.items():
        monkeypatch.setenv(name, value)
    stack = a_stack()
    for program in (*stack.outside(), *stack.house()):
        assert not {"ALPACA_LIVE_KEY", "ALPACA_LIVE_SECRET", "EXECUTION_LIVE_ACCOUNT"} & program.environment.keys()
        assert not {"HTTP_PROXY", "STRATEGY_PORTFOLIO"} & program.environment.keys()
        assert program.environment["ALCHEMISER_MODE"] == "simulated"
        assert program.environment["ALCHEMISER_HTTP_TOKEN"] == "a-token"


def test_every_program_has_a_port_of_its_own() -> None:
    stack = a_stack()
    ports = [stack.simulator, stack.smtp, stack.mailbox, *stack.services.values()]
    assert len(set(ports)) == len(ports) == 7


def test_the_house_stands_on_the_outside_and_ends_before_it() -> None:
    stack = a_stack()
    assert max(p.stage for p in stack.outside()) < min(p.stage for p in stack.house())
    assert [p.name for p in stack.house()] == ["marketdata", "strategy", "execution", "notifier", "worker"]


def test_the_simulator_is_told_what_was_chosen(tmp_path: Path) -> None:
    command = a_stack(Options(tmp_path, 11, "2024-06-03T15:40")).outside()[0].command
    assert list(command[-8:]) == [
        "--port",
        command[-7],
        "--seed",
        "11",
        "--data",
        str(tmp_path),
        "--start",
        "2024-06-03T15:40",
    ]
    assert "--data" not in a_stack().outside()[0].command


def test_the_token_does_not_show_when_the_stack_is_printed() -> None:
    assert "a-token" not in repr(a_stack())


def test_a_page_that_is_not_there_is_a_reason_not_to_be_ready() -> None:
    reason = a_stack().house()[0].is_ready
    assert reason is not None
    assert "/ready" in (reason() or "")


def test_what_the_command_line_is_told_can_be_sourced_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    stack, path = a_stack(), tmp_path / "cli.env"
    path.write_text("of an earlier run")
    path.chmod(0o644)
    write_environment(path, stack.command_line() | {"ODD": "it's $(odd)"})
    assert path.stat().st_mode & 0o777 == 0o600
    sourced = subprocess.run(
        ["sh", "-c", '. "$0"; env', str(path)],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = sourced.stdout.splitlines()
    assert "ODD=it's $(odd)" in lines
    assert f"ALCHEMISER_EXECUTION_URL={stack.url_of('execution')}" in lines
    assert {"ALCHEMISER_HTTP_TOKEN=a-token", "ALCHEMISER_NAMESPACE=demo"} <= set(lines)
