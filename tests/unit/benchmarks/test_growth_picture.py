"""The picture of growth says the power that its points have, and shows each of them."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from benchmarks.growth_picture import Panel, svg

LINEAR = Panel("Days", "sessions", [(100, 0.1), (1000, 1.0), (5000, 5.0)])
SQUARE = Panel("Symbols", "symbols", [(10, 0.01), (100, 1.0)])


def test_the_power_is_the_slope_on_logarithmic_axes() -> None:
    assert LINEAR.power == pytest.approx(1)
    assert SQUARE.power == pytest.approx(2)


def test_every_point_is_drawn_with_its_numbers() -> None:
    drawn = ET.fromstring(svg("Growth", [LINEAR, SQUARE]))  # noqa: S314 - our own text
    name = "{http://www.w3.org/2000/svg}"
    titles = [title.text for title in drawn.iter(f"{name}title")]
    assert titles == ["100: 0.1 s", "1,000: 1 s", "5,000: 5 s", "10: 0.01 s", "100: 1 s"]
    texts = [text.text for text in drawn.iter(f"{name}text")]
    assert "Days: as size to the power 1.00" in texts
    assert {"0.01 s", "10 s"} <= set(texts)
