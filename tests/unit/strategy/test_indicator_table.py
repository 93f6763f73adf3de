"""The indicators stand in one table: every way to name one finds it, and what people read lists them all."""

from __future__ import annotations

import inspect
from collections import Counter
from pathlib import Path

import pytest

from cli import indicator as command
from services.strategy.domain import language
from services.strategy.domain.indicators import ALL, Indicator
from services.strategy.domain.symphony.vocabulary import BY_COMPOSER_NAME
from services.strategy.domain.tree import Measure

FOLDER = Path(inspect.getfile(Indicator)).parent
DOCUMENT = (Path(__file__).resolve().parents[3] / "docs" / "strategies.md").read_text()
each = pytest.mark.parametrize("indicator", ALL, ids=lambda i: i.word)


def test_every_file_of_the_folder_is_an_indicator_of_the_table() -> None:
    files = {path.stem for path in FOLDER.glob("*.py")} - {"__init__", "indicator"}
    assert files == {indicator.word for indicator in ALL}


def test_no_two_indicators_share_a_name() -> None:
    assert [name for name, count in Counter(name for i in ALL for name in i.names).items() if count > 1] == []


@each
def test_its_word_in_python_makes_a_measure_of_it(indicator: Indicator) -> None:
    made = getattr(language, indicator.word)("SPY", *range(2, 2 + len(indicator.windows)))
    assert isinstance(made, Measure)
    assert made.metric.indicator is indicator


@each
def test_json_and_the_command_line_know_it(indicator: Indicator) -> None:
    assert BY_COMPOSER_NAME[indicator.composer_name or indicator.name] is indicator
    assert all(command._found(name) is indicator for name in (indicator.word, *indicator.names))
    options = {name.replace("_", "-") for name in inspect.signature(command.indicator).parameters}
    assert set(indicator.windows) <= options


@each
def test_the_documents_list_it(indicator: Indicator) -> None:
    rows = [line for line in DOCUMENT.splitlines() if line.startswith(f"| `{indicator.word}`")]
    assert len(rows) == 1
    assert f"| `{indicator.name}` |" in rows[0]
    assert (f"`{indicator.composer_name}`" if indicator.composer_name else "the same") in rows[0]
