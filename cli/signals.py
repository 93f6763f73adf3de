"""`alchemiser signals`: what each strategy says and why, and the portfolio they make together."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.text import Text

from cli.endpoint import endpoint
from cli.tables import AsJson, percent, show, table


def signals(*, as_json: AsJson = False) -> None:
    """What each strategy says and why, and the portfolio they make together."""
    show(endpoint("strategy").get("/signals"), signals_view, as_json=as_json)


def signals_view(answer: dict[str, Any]) -> RenderableType:
    parts: list[RenderableType] = []
    for signal in answer["signals"]:
        parts += [signal_view(signal), Text()]
    return Group(
        *(parts or [Text("no signal yet (`alchemiser run` asks for one)"), Text()]), target_view(answer["target"])
    )


def signal_view(signal: dict[str, Any]) -> RenderableType:
    """One strategy: its weights, then the path through its tree with the numbers."""
    weights = ", ".join(f"{symbol} {percent(weight)}" for symbol, weight in signal["weights"].items()) or "nothing"
    colour = {"fresh": "green", "stale": "yellow"}.get(signal["status"], "red")
    head = (
        f"[bold]{escape(signal['strategy'])}[/] ({percent(signal['share'])} of the portfolio, session {signal['session']}, "
        f"[{colour}]{escape(signal['status'])}[/]): [bold]{escape(weights)}[/]"
    )
    reason = [Text.from_markup(f"  {escape(signal['reason'])}")] if signal.get("reason") else []
    return Group(Text.from_markup(head), *reason, *(step_view(step) for step in signal["explanation"]))


def step_view(step: dict[str, Any]) -> Text:
    """One decision, indented by its depth: what was asked, yes or no, and the numbers."""
    mark = {True: "[green]yes[/]", False: "[red]no [/]", None: " · "}[step.get("holds")]
    head = f"  {'  ' * int(step.get('depth', 0))}{mark} {escape(step['text'])}"
    numbers = _numbers(step)
    return Text.from_markup(f"{head}  [dim]{escape(numbers)}[/]" if numbers else head)


def _numbers(step: dict[str, Any]) -> str:
    """A comparison names its indicators itself, so its values are enough; a ranking's values need their names."""
    readings = [r for r in step.get("readings", ()) if r["value"] is not None]
    if step.get("holds") is not None:
        return " and ".join(_value(r) for r in readings)
    return ", ".join(f"{r['indicator']}({r['symbol']}) {_value(r)}" for r in readings)


def _value(reading: dict[str, Any]) -> str:
    """As many places as a person reads."""
    return f"{float(reading['value']):,.2f}"


def target_view(target: dict[str, Any] | None) -> RenderableType:
    if target is None:
        return Text("no target portfolio yet")
    title = f"Target portfolio of {target['session']}"
    return table(title, ["symbol", "weight>"], target_rows(target), empty="all cash")


def target_rows(target: dict[str, Any]) -> list[tuple[str, str]]:
    return [(symbol, percent(weight)) for symbol, weight in sorted(target["weights"].items())]
