"""`alchemiser strategy new`: a working strategy of your own with its test, to be changed into what you mean."""

from __future__ import annotations

import importlib.util
import keyword
import re
from pathlib import Path
from typing import Annotated, Final

import typer

from cli.exit_codes import CommandError, ExitCode, FailedError

strategy = typer.Typer(name="strategy", help="Strategies of your own.", no_args_is_help=True)

_STRATEGY: Final = '''"""{title}: in words, what it holds and when."""

from __future__ import annotations

from services.strategy.domain.engine import TreeStrategy
from services.strategy.domain.indicators import CUMULATIVE_RETURN
from services.strategy.domain.language import by, close, first_match, highest, rsi, sma

strategy = TreeStrategy(
    "{name}",
    first_match(
        (rsi("QQQ", 10) > 80, "BIL"),  # overheated: bills
        (close("SPY") > sma("SPY", 200), highest(1, by(CUMULATIVE_RETURN, 60), "SPY", "QQQ", "TLT")),
        otherwise="BIL",
    ),
)
'''
_TEST: Final = '''"""Each branch of {name} is reached, on closes made for it."""

from __future__ import annotations

import datetime as dt

import pytest

from {name} import strategy
from services.strategy.domain.closes import Closes

DAYS = [dt.date(2020, 1, 1) + dt.timedelta(days=day) for day in range(260)]


def closes(spy: float, qqq: float) -> Closes:
    """A day up and a day down in turn; what is asked for is how much the whole 260 days change."""

    def path(growth: float) -> list[float]:
        return [100 * growth ** (day / 259) * (1.01 if day % 2 else 1.0) for day in range(260)]

    return Closes.of(DAYS, {{"SPY": path(spy), "QQQ": path(qqq), "TLT": path(1.0), "BIL": path(1.0)}})


@pytest.mark.parametrize(
    ("spy", "qqq", "held"), [(1.5, 1.2, "SPY"), (1.2, 1.5, "QQQ"), (0.7, 0.7, "BIL"), (1.5, 1000.0, "BIL")]
)
def test_{name}_holds_what_the_market_asks_for(spy: float, qqq: float, held: str) -> None:
    assert dict(strategy.decide(closes(spy, qqq)).weights) == {{held: 1.0}}


def test_{name}_knows_its_symbols_and_its_history() -> None:
    assert set(strategy.symbols) == {{"QQQ", "SPY", "TLT", "BIL"}}
    assert strategy.closes_needed == 200
'''


@strategy.callback()
def _group() -> None:
    """Strategies of your own."""


@strategy.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A Python name, such as my_strategy.")],
    folder: Annotated[Path, typer.Option("--in", metavar="DIR", help="Where the two files are written.")] = Path(),
) -> None:
    """Write NAME.py and test_NAME.py: a strategy that works, and its test."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise CommandError(
            ExitCode.USAGE, f"NAME: expected a Python name in small letters such as my_strategy, got {name!r}"
        )
    if not (folder / f"{name}.py").exists() and importlib.util.find_spec(name) is not None:
        raise CommandError(ExitCode.USAGE, f"NAME: expected the name of no other Python module, got {name}")
    texts = {
        folder / f"{name}.py": _STRATEGY.format(name=name, title=name.replace("_", " ").capitalize()),
        folder / f"test_{name}.py": _TEST.format(name=name),
    }
    for path in texts:
        if path.exists():
            raise CommandError(ExitCode.USAGE, f"{path}: expected no such file yet; it is left as it is")
    try:
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FailedError(f"{folder}: cannot be written: {error}") from error
    typer.echo(
        f"wrote {' and '.join(map(str, texts))}\n"
        f"test it:  python -m pytest {folder / f'test_{name}.py'}\n"
        f"trade it: STRATEGY_PORTFOLIO={name}:strategy=1 (the file must be on PYTHONPATH)"
    )
