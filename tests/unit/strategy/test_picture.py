"""The picture of a tree: one row per turn downwards, repeated parts once, and only what was taken is lit."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from services.strategy.domain import picture as drawn
from services.strategy.domain.closes import Closes
from services.strategy.domain.columns import Columns
from services.strategy.domain.indicators import CLOSE
from services.strategy.domain.language import by, cash, close, equal, group, highest, inverse_volatility, rsi, when
from services.strategy.domain.picture import PictureTooLargeError, picture
from services.strategy.domain.tree import Node


def columns(**closes: list[float]) -> Columns:
    days = [dt.date(2024, 1, 1) + dt.timedelta(days=day) for day in range(len(next(iter(closes.values()))))]
    return Columns(Closes.of(days, closes))


def lit(svg: str) -> list[str]:
    return re.findall(r'<g class="\w+ lit"><rect[^>]*/><text[^>]*>([^<]*)<', svg)


A = [10.0, 11.0, 10.0, 12.0]
B = [5.0, 5.5, 5.2, 5.1]


def test_a_ranking_lights_whom_it_chose_and_tells_every_number() -> None:
    svg = picture(highest(1, by(CLOSE), "AAA", "BBB"), "x", columns(AAA=A, BBB=B))
    assert lit(svg) == ["1 highest close", "AAA 100 %"]
    assert ">12</text>" in svg
    assert ">5.1</text>" in svg


def test_an_inverse_volatility_lights_what_a_ranking_inside_it_chose() -> None:
    tree = inverse_volatility(2, highest(1, by(CLOSE), "AAA", "BBB"), "BBB")
    shares = lit(picture(tree, "x", columns(AAA=A, BBB=B)))
    assert shares[:2] == ["inverse volatility 2", "1 highest close"]
    assert [text.split()[0] for text in shares[2:]] == ["AAA", "BBB"]
    assert sum(float(text.split()[1]) for text in shares[2:]) == pytest.approx(100, abs=0.2)


def test_shares_and_cash_are_told_and_titles_are_escaped() -> None:
    svg = picture(equal("AAA", cash(), group("<b>&", "AAA")), "<title>", columns(AAA=A))
    assert lit(svg) == ["equal weights", "AAA 33.3 %", "cash 33.3 %", "&lt;b&gt;&amp;", "AAA 33.3 %"]
    assert "&lt;title&gt;" in svg
    assert "AAA 66.7 %, cash 33.3 %" in svg


def test_an_undefined_test_is_where_the_light_ends() -> None:
    svg = picture(when(rsi("AAA", 10) > 50, "AAA", "BBB"), "x", columns(AAA=A, BBB=B))
    assert lit(svg) == ["RSI10(AAA) &gt; 50: undefined: RSI10(AAA): 4 of 11 closes needed"]
    assert ": undefined</text>" in svg


def test_what_is_repeated_is_drawn_once_and_referred_to() -> None:
    block = when(close("AAA") > 1, equal("AAA", "BBB"), when(close("BBB") > 1, "CCC", "DDD"))
    svg = picture(equal(block, block), "x")
    assert svg.count("CCC") == 1
    assert "as in row 1: close(AAA) &gt; 1" in svg


def test_a_picture_nobody_can_look_at_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn, "MOST_ROWS", 10)
    tree: Node = equal(*(f"S{number}" for number in range(30)))
    with pytest.raises(PictureTooLargeError, match="expected at most 10 rows"):
        picture(tree, "x")


def test_of_a_tree_too_large_to_look_at_only_the_path_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn, "MOST_ROWS", 10)
    aside = equal(*(f"S{number}" for number in range(30)))
    svg = picture(when(close("AAA") > 1, "AAA", aside), "x", columns(AAA=A))
    assert lit(svg) == ["close(AAA) &gt; 1 · 12, yes by 11", "AAA 100 %"]
    assert "equal weights ... 31 nodes" in svg
