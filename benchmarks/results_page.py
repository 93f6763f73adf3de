"""RESULTS.md: each benchmark has its section there, known by its title."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

RESULTS: Final = Path(__file__).with_name("RESULTS.md")


def put(section: str, page: Path = RESULTS) -> None:
    """In place of the section of the same title, else after all others, which stay as they are. Its first line is its title."""
    title = section.partition("\n")[0]
    kept = page.read_text(encoding="utf-8") if page.exists() else "# Results\n"
    old = re.search(rf"^{re.escape(title)}\n.*?(?=^## |\Z)", kept, flags=re.DOTALL | re.MULTILINE)
    before, after = (kept[: old.start()], kept[old.end() :]) if old else (kept, "")
    parts = (part.strip("\n") for part in (before, section, after))
    page.write_text("\n\n".join(part for part in parts if part) + "\n", encoding="utf-8")
