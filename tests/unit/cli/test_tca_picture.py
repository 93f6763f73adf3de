"""The picture of what orders cost: one file that any browser opens, whatever is missing in it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from cli.drawing import save
from cli.svg import Axis
from cli.tca_picture import picture
from tests.unit.execution.worked_orders import ARRIVAL, measured

WHOLE = measured(("100", "100.05", ARRIVAL), order_id="o1", later=ARRIVAL)
BLIND = measured(order_id="o2", arrival=None, symbol="TLT")
LOST = measured(("60", "100.20", None), order_id="o3", side="sell", symbol="QQQ")


def words(svg: str) -> list[str]:
    found = ET.fromstring(svg)  # noqa: S314 - our own text
    return [element.text or "" for element in found.iter("{http://www.w3.org/2000/svg}text")]


def test_it_says_the_figures_and_names_every_order() -> None:
    said = words(picture([WHOLE, LOST], "order", 40))
    assert "+14.99 bps" in said
    assert "$15.00 of 1 of 2 orders" in said
    assert {"10:00:12 buy SPY", "10:00:12 sell QQQ", "$5.00"} <= set(said)
    assert said.count("not known") >= 1, "the order without a quote at its end"


def test_it_needs_nothing_from_elsewhere() -> None:
    svg = picture([WHOLE], "order", 40)
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")
    assert "<script" not in svg


@pytest.mark.parametrize("orders", [[BLIND], [LOST], [WHOLE], [WHOLE, BLIND, LOST]])
def test_it_can_be_drawn_whatever_is_unknown(orders: list[object]) -> None:
    svg = picture(orders, "symbol", 40)  # type: ignore[arg-type]
    assert "nan" not in svg
    assert "inf" not in svg
    assert words(svg)


def test_of_too_many_the_dearest_are_drawn_and_it_is_said() -> None:
    cheap = [measured(("1", "100.05", ARRIVAL), order_id=f"c{n}", total="1", symbol="IWM") for n in range(5)]
    said = words(picture([*cheap, WHOLE], "order", 2))
    assert "10:00:12 buy SPY" in said
    assert "the 2 that cost or saved most of 6" in said
    assert "6 orders, $10,505, 2024-06-03" in said


def test_of_very_many_fills_the_largest_are_drawn_and_it_is_said() -> None:
    one = measured(("100", "100.05", ARRIVAL), order_id="many", later=ARRIVAL)
    fills = tuple(one.fills[0].model_copy(update={"execution_id": str(n)}) for n in range(1_200))
    svg = picture([one.model_copy(update={"fills": fills})], "order", 40)
    assert svg.count("<circle") == 1_000
    assert any("the 1000 largest of 1200 fills" in said for said in words(svg))


def test_a_name_cannot_break_the_picture() -> None:
    odd = WHOLE.model_copy(update={"symbol": '<b>&"'})
    assert '10:00:12 buy <b>&"' in words(picture([odd], "order", 40))


def test_a_page_holds_the_picture(tmp_path: Path) -> None:
    page = tmp_path / "tca.html"
    save(picture([WHOLE], "order", 40), page)
    text = page.read_text()
    assert text.startswith("<!doctype html>")
    assert "<svg " in text


@pytest.mark.parametrize(("values", "ticks"), [([0.3, 4.1], 5), ([-80.0, 20.0], 5), ([0.0], 1), ([1e-4], 5), ([], 1)])
def test_an_axis_has_round_numbers_and_zero(values: list[float], ticks: int) -> None:
    axis = Axis.over(values, 0, 100)
    assert 0 in axis.ticks()
    assert ticks <= len(axis.ticks()) <= 9
    assert all(0 <= axis.at(value) <= 100 for value in [0, *values])
