"""A benchmark that runs again changes its own section and nothing else."""

from __future__ import annotations

from pathlib import Path

from benchmarks.results_page import put

PAGE = "# Results\n\n## One\n\nfirst\n\n### Two\n\nof the first\n\n## Two\n\nsecond\n\n## Three\n\nthird\n"


def test_a_section_takes_the_place_of_the_one_of_the_same_title(tmp_path: Path) -> None:
    page = tmp_path / "RESULTS.md"
    page.write_text(PAGE, encoding="utf-8")
    put("## Two\n\nmeasured again\n", page)
    assert page.read_text(encoding="utf-8") == PAGE.replace("second", "measured again")


def test_the_same_section_again_changes_nothing(tmp_path: Path) -> None:
    page = tmp_path / "RESULTS.md"
    page.write_text(PAGE, encoding="utf-8")
    for section in ("## One\n\nfirst\n\n### Two\n\nof the first\n", "## Two\n\nsecond\n", "## Three\n\nthird\n\n"):
        put(section, page)
        assert page.read_text(encoding="utf-8") == PAGE


def test_a_new_section_comes_after_all_others(tmp_path: Path) -> None:
    page = tmp_path / "RESULTS.md"
    put("## One\n\nfirst\n", page)
    put("## Four\n\nfourth", page)
    assert page.read_text(encoding="utf-8") == "# Results\n\n## One\n\nfirst\n\n## Four\n\nfourth\n"
