"""The union of what subscribers want, whatever strangers write."""

from __future__ import annotations

import json

import pytest

from services.marketdata.domain.wanted import union_of


def test_the_union_of_all_lists_is_served_with_what_is_always_wanted() -> None:
    wanted, faults = union_of({"strategy": '["SPY", "TQQQ"]', "execution": '["SPY", "BRK.B"]'}, always=["TLT"])
    assert wanted == {"SPY", "TQQQ", "BRK.B", "TLT"}
    assert faults == {}


@pytest.mark.parametrize("text", ["", "SPY,QQQ", '{"SPY": 1}', '"SPY"', "null", "7", "[" * 10])
def test_a_list_that_is_none_is_named_and_the_others_count(text: str) -> None:
    wanted, faults = union_of({"a": text, "b": '["SPY"]'})
    assert wanted == {"SPY"}
    assert "expected a JSON list of symbols" in faults["a"]


@pytest.mark.parametrize("bad", ["spy", "", "S P", "../x", "A" * 17, "SPY\n", 7, None, ["SPY"], {"a": 1}])
def test_the_good_symbols_of_a_list_with_a_bad_one_count(bad: object) -> None:
    wanted, faults = union_of({"a": json.dumps(["SPY", bad])})
    assert wanted == {"SPY"}
    assert "expected symbols like SPY" in faults["a"]
