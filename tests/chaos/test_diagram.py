"""docs/smart-order.md says what the table does."""

from __future__ import annotations

from tests.chaos.diagram import PAGE, page


def test_the_page_is_the_one_that_the_table_writes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it again: python -m tests.chaos.diagram"
