"""A brief set for a mail program on a phone: one column, inline styles, no images, nothing loaded from elsewhere."""

from __future__ import annotations

from pathlib import Path

import jinja2

from services.notifier.domain.brief import Brief, Section


class HtmlMail:
    def __init__(self) -> None:
        pages = jinja2.Environment(
            loader=jinja2.FileSystemLoader(Path(__file__).parent),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        pages.tests["kind"] = _is_kind
        self._page = pages.get_template("mail.html.jinja")

    def html(self, brief: Brief) -> str:
        return self._page.render(brief=brief)


def _is_kind(section: Section, name: str) -> bool:
    return type(section).__name__ == name
