"""Figures as people read them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from rich.console import Console

from cli.tables import bad, moment, money, percent, price, shares, table


@pytest.mark.parametrize(
    ("shown", "value", "text"),
    [
        (money, Decimal("1234567.005"), "1,234,567.00"),
        (money, "-3.5", "-3.50"),
        (money, None, "-"),
        (price, "99.5", "99.50"),
        (price, "0.12345", "0.1234"),
        (price, Decimal("99.505"), "99.505"),
        (price, "100", "100.00"),
        (shares, "100", "100"),
        (shares, "12.500000000", "12.5"),
        (shares, "1E+3", "1,000"),
        (shares, None, "-"),
        (percent, "0.3333", "33.33 %"),
        (moment, "2024-06-03T15:40:10.5-04:00", "2024-06-03 19:40:10"),
        (moment, "2024-06-03T19:40:10.123456Z", "2024-06-03 19:40:10"),
        (moment, None, None),
    ],
)
def test_figures(shown: Any, value: Any, text: str) -> None:
    assert shown(value) == text


def drawn(part: Any) -> str:
    console = Console(width=100)
    with console.capture() as captured:
        console.print(part)
    return captured.get()


def test_what_is_absent_is_a_dash_and_a_table_of_nothing_says_so() -> None:
    assert [line.rstrip() for line in drawn(table("A long title", ["a"], [[None]])).splitlines()] == [
        "A long title",
        "a",
        "-",
    ]
    assert drawn(table("Rows", ["a"], [], empty="nothing to trade")) == "Rows: nothing to trade\n"


def test_text_is_never_taken_for_markup_but_marked_text_is() -> None:
    text = drawn(table("Rows", ["a", "b"], [["[bold]x[/]", bad("[y]")]]))
    assert "[bold]x[/]" in text
    assert "[y]" in text
    assert "[red]" not in text
