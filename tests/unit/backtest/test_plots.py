"""The geometry of the plots, and a tear sheet that stands alone."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from backtest import plots
from backtest.conventions import Conventions, Costs
from backtest.engine import run
from backtest.files import write_report
from backtest.result import evaluate
from backtest.sheet import dollars
from services.strategy.domain.language import equal, group, rsi, when
from tests.unit.backtest.builders import a_tree, allotted, days, random_history


def test_ticks_are_round_and_inside() -> None:
    scale = plots.Scale(-0.37, 0.12, 200)
    assert [tick.text for tick in scale.ticks(lambda v: f"{v:g}")] == ["-0.3", "-0.2", "-0.1", "0", "0.1"]
    growth = plots.Scale(90_000, 450_000, 200, is_log=True)
    assert [tick.text for tick in growth.ticks(dollars)] == ["$100k", "$200k"]


def test_higher_values_stand_higher_and_no_peak_is_lost_by_thinning() -> None:
    values = np.ones(5000)
    values[3333] = 9.0
    chart = plots.line_chart("one", days(2) * 2500, [("one", "red", values)], str)
    heights = [float(y) for y in re.findall(r",([\d.]+)", chart.lines[0].path)]
    assert len(heights) <= 1202
    assert min(heights) == plots.TOP
    assert max(heights) == chart.bottom


def test_layers_fill_the_whole_height_together() -> None:
    half = np.full(10, 0.5)
    chart = plots.stacked_chart("parts", days(10), [("a", "red", half), ("b", "blue", half)])
    heights = [float(y) for line in chart.lines for y in re.findall(r",([\d.]+)", line.path)]
    assert (min(heights), max(heights)) == (plots.TOP, chart.bottom)


@pytest.mark.parametrize(
    ("value", "text"),
    [(950, "$950"), (12_345, "$12.3k"), (123_456, "$123k"), (1.5e6, "$1.5M"), (-2e9, "-$2B"), (3.2e15, "$3,200T")],
)
def test_dollars_are_short(value: float, text: str) -> None:
    assert dollars(value) == text


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in {"src", "href"}]
        if tag not in {"meta", "br", "line", "path"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            assert self.open.pop() == tag


@pytest.mark.parametrize("sessions", [3, 40, 700])
def test_the_tear_sheet_stands_alone_and_shows_every_part(tmp_path: Path, sessions: int) -> None:
    tree = when(rsi("AAA", 2) > 50, then=group("</script> <b>up", "AAA"), otherwise=equal("AAA", "BBB"))
    outcome = run(
        allotted(a_tree(tree)), random_history(("AAA", "BBB", "SPY"), sessions, 1), Conventions(costs=Costs.HONEST)
    )
    write_report(evaluate(outcome, ["BBB"]), tmp_path)
    text = (tmp_path / "index.html").read_text()
    page = _Page()
    page.feed(text)
    assert page.open == []
    assert page.links == []
    assert "http" not in text
    assert "<b>up" not in text
    assert {
        f'data-chart="{name}"' in text for name in ("equity", "drawdown", "sharpe", "volatility", "allocation")
    } == {True}
    assert not re.search(r"nan|inf,|NaN|undefined,", text.split("<script>")[0])
    data = re.search(r'id="data">(.*?)</script>', text, re.DOTALL)
    assert data is not None
    assert len(json.loads(data[1])["dates"]) == sessions
    tables = {f"{name}.{form}" for name in ("days", "trades") for form in ("csv", "parquet")}
    assert {path.name for path in tmp_path.iterdir()} == {"index.html", "result.json", *tables}
