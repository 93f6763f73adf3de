"""The demo from the first process to the last word. Every number it shows comes from the running services."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from rich.console import Console
from rich.markup import escape
from rich.status import Status

from cli.demo import report
from cli.demo.crew import Crew, CrewError, Program
from cli.demo.environment_file import COMMAND_LINE_FILE, write_environment
from cli.demo.mailbox import mail_about
from cli.demo.milestones import milestone
from cli.demo.options import Options
from cli.demo.stack import SIMULATOR_KEY, SIMULATOR_SECRET, Stack
from cli.demo.story import Story
from cli.demo.venue import Venue
from cli.demo.verdict import checks, sums
from cli.embedded_redis import EmbeddedRedis
from cli.endpoint import Endpoint
from cli.exit_codes import CommandError
from cli.settings import CliSettings
from cli.stream_view import StreamView
from shared.contracts import streams
from shared.settings import SERVICE_PORTS, RedisSettings

_START_SECONDS = 60
_FILL_SECONDS = 20
_RUN_SECONDS = 90
_MAIL_SECONDS = 15
_HELD_BEFORE = {"SPY": 30_000, "XLP": 15_000}
"""Bought before the services start, so that the rebalance has something to sell: symbol -> dollars."""
_FOLLOWED = (streams.SIGNALS, streams.TARGETS, streams.EXECUTION, *(streams.alerts_of(s) for s in SERVICE_PORTS))


@dataclass
class Demo:
    """One run in `folder`, where logs and Redis's data stand."""

    folder: Path
    options: Options
    console: Console
    started: float = field(default_factory=time.monotonic)

    def play(self, crew: Crew) -> bool:
        """Start everything, rebalance once, report. Whether every promise was kept. Raises CrewError when a process fails."""
        stack = self._start(crew)
        story = self._rebalance(crew, stack)
        took = time.monotonic() - self.started
        account = self._venue(stack).account() if story.completed else None
        mail = self._mail(crew, stack, story)
        books = self._books(stack) if story.completed else None
        for part in report.report(story, account, mail, books):
            self.console.print(part)
        found = checks(story, account, 0 if mail is None else 1, sums(books))
        self.console.print()
        self.console.print(report.verdict(found))
        self.console.print()
        self.console.print(report.addresses(stack))
        kept = all(check.holds for check in found)
        ending = "[green]every promise kept[/]" if kept else "[red]a promise was broken[/]"
        self.console.print(f"\n[bold]{took:.1f} s[/] from the first process to the end of the rebalance; {ending}.")
        return kept

    def _start(self, crew: Crew) -> Stack:
        self.console.print(f"[bold]Starting[/] [dim](logs in {escape(str(self.folder))})[/]")
        redis = EmbeddedRedis(self.folder)
        redis.start()
        crew.adopt("redis", redis.pid or 0, redis.stop)
        self._say(f"[green]redis[/] at {redis.url}")
        token = secrets.token_urlsafe(24)
        stack = Stack.on_free_ports(redis.url, token, self.options)
        write_environment(self.folder / COMMAND_LINE_FILE, stack.command_line())
        self._bring_up(crew, stack.outside())
        self._hold_something(crew, self._venue(stack))
        self._bring_up(crew, stack.house())
        return stack

    def _bring_up(self, crew: Crew, programs: Sequence[Program]) -> None:
        waiting = {program.name for program in programs}
        with self.console.status("") as status:

            def announce(name: str) -> None:
                waiting.discard(name)
                self._say(f"[green]{name}[/]")

            def tick() -> None:
                self._show(status, f"waiting for {', '.join(sorted(waiting))}")

            for program in programs:
                crew.start(program)
            crew.wait_until_ready(programs, seconds=_START_SECONDS, tick=tick, on_ready=announce)

    def _hold_something(self, crew: Crew, venue: Venue) -> None:
        """An account with a past, as anybody's is."""
        orders = [venue.buy(symbol, dollars) for symbol, dollars in _HELD_BEFORE.items()]
        self._until(crew, lambda: all(venue.is_filled(order) for order in orders), _FILL_SECONDS, "the first holdings")
        account = venue.account()
        held = ", ".join(f"{qty.normalize():f} {symbol}" for symbol, qty in account.positions.items())
        self._say(f"the account already holds {held} and {account.cash:,.2f} dollars")

    def _rebalance(self, crew: Crew, stack: Stack) -> Story:
        """Ask strategy to decide, and follow what comes of it until the rebalance is over."""
        self.console.print("\n[bold]Rebalancing[/]")
        strategy = Endpoint(
            "strategy", CliSettings(strategy_url=stack.url_of("strategy"), http_token=SecretStr(stack.token))
        )
        correlation_id = str(strategy.post("/run")["correlation_id"])
        self._say(f"POST {strategy.url}/run -> {correlation_id}")
        story, positions = Story(correlation_id), dict.fromkeys(_FOLLOWED, "0")
        deadline = time.monotonic() + _RUN_SECONDS
        settings = RedisSettings(redis_url=stack.redis_url, namespace="demo")
        with StreamView.open(settings) as view, self.console.status("waiting for the strategies") as status:
            while story.completed is None and time.monotonic() < deadline:
                crew.check()
                for _, message in view.after(positions, block_seconds=0.2):
                    if story.take(message) and (text := milestone(message)):
                        self._say(text)
                self._show(status, "the desk is working" if story.orders else "waiting for the strategies")
        return story

    def _mail(self, crew: Crew, stack: Stack, story: Story) -> str | None:
        """The text of the mail about this plan, or None when none came in time."""
        if story.completed is None:
            return None
        plan_id, found = story.completed.plan_id, ""

        def arrived() -> bool:
            nonlocal found
            found = mail_about(plan_id, stack.mailbox_url) or ""
            return bool(found)

        try:
            self._until(crew, arrived, _MAIL_SECONDS, "the mail")
        except CrewError:
            crew.check()
            return None
        return found

    def _books(self, stack: Stack) -> dict[str, Any] | None:
        """What each strategy holds and made, after one more comparison with the broker; None when there is no answer."""
        settings = CliSettings(execution_url=stack.url_of("execution"), http_token=SecretStr(stack.token))
        execution = Endpoint("execution", settings, timeout_seconds=40)
        try:
            execution.post("/reconcile")
            return dict(execution.get("/pnl"))
        except CommandError:
            return None

    def _until(self, crew: Crew, happened: Callable[[], bool], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        with self.console.status(f"waiting for {what}") as status:
            while not happened():
                crew.check()
                if time.monotonic() > deadline:
                    raise CrewError(f"{what}: not there after {seconds:g} s")
                self._show(status, f"waiting for {what}")
                time.sleep(0.05)

    def _venue(self, stack: Stack) -> Venue:
        return Venue(stack.simulator_url, SIMULATOR_KEY, SIMULATOR_SECRET)

    def _say(self, text: str) -> None:
        self.console.print(f"  [dim]{time.monotonic() - self.started:5.1f} s[/]  {text}")

    def _show(self, status: Status, text: str) -> None:
        status.update(f"[dim]{time.monotonic() - self.started:5.1f} s[/]  {escape(text)}")
