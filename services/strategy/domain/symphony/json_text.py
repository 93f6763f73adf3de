"""JSON without recursion: exported symphonies nest deeper than the standard reader goes. Numbers stay exact, keys unique."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from services.strategy.domain.symphony.sexpr import place_of
from services.strategy.domain.symphony.symphony import SymphonyError, decimal_of

_TOKEN: Final = re.compile(
    r"""[ \t\r\n]*(?:
        (?P<mark>[{}\[\]:,])
      | (?P<string>"[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*")
      | (?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
      | (?P<word>true|false|null)
      | (?P<end>\Z))""",
    re.VERBOSE,
)
_WORDS: Final = {"true": True, "false": False, "null": None}
_DEEPEST_INDENT: Final = 40


class _Open:
    """An array or object that is being read; `key` is the one whose value comes next."""

    __slots__ = ("key", "offset", "value")

    def __init__(self, value: dict[str, Any] | list[Any], offset: int) -> None:
        self.value = value
        self.offset = offset
        self.key: str | None = None


class _Parser:
    def __init__(self, source: str) -> None:
        self._source = source
        self._stack: list[_Open] = []
        self._done: list[Any] = []
        self._position = 0

    def parsed(self) -> Any:
        kind, text, offset = self._next()
        while True:
            self._value(kind, text, offset)
            while True:
                kind, text, offset = self._next()
                if not self._stack:
                    if kind != "end":
                        self._refuse(offset, "the end of the file", text)
                    return self._done[0]
                if not self._closes(text, offset):
                    break
            kind, text, offset = self._after_comma(text, offset)

    def _next(self) -> tuple[str, str, int]:
        token = _TOKEN.match(self._source, self._position)
        if token is None:
            blank = len(self._source) - len(self._source[self._position :].lstrip(" \t\r\n"))
            raise SymphonyError(
                place_of(self._source, blank), f"expected JSON, got {self._source[blank : blank + 20]!r}"
            )
        self._position = token.end()
        kind = str(token.lastgroup)
        return kind, token[kind], token.start(kind)

    def _value(self, kind: str, text: str, offset: int) -> None:
        """Take one value, opening arrays and objects until a finished one stands."""
        while kind == "mark" and text in "[{":
            opened = _Open([] if text == "[" else {}, offset)
            self._add(opened.value)
            self._stack.append(opened)
            kind, text, offset = self._next()
            if text in "]}" and kind == "mark":
                self._close(text, offset)
                return
            if isinstance(opened.value, dict):
                kind, text, offset = self._key(kind, text, offset)
        self._add(self._scalar(kind, text, offset))

    def _after_comma(self, text: str, offset: int) -> tuple[str, str, int]:
        if text != ",":
            self._refuse(offset, "a comma or the end of what is open", text)
        kind, text, offset = self._next()
        if isinstance(self._stack[-1].value, dict):
            return self._key(kind, text, offset)
        return kind, text, offset

    def _key(self, kind: str, text: str, offset: int) -> tuple[str, str, int]:
        if kind != "string":
            self._refuse(offset, "a key as a string", text)
        opened = self._stack[-1]
        opened.key = self._scalar(kind, text, offset)
        if opened.key in opened.value:
            self._refuse(offset, f"{text} once", "it twice")
        colon, mark, at = self._next()
        if mark != ":":
            self._refuse(at, f"a colon after {text}", mark or colon)
        return self._next()

    def _closes(self, text: str, offset: int) -> bool:
        if text not in ("]", "}"):
            return False
        self._close(text, offset)
        return True

    def _close(self, text: str, offset: int) -> None:
        opened = self._stack.pop()
        expected = "}" if isinstance(opened.value, dict) else "]"
        if text != expected:
            opening = "{" if expected == "}" else "["
            self._refuse(offset, f"{expected} to close the {opening} of {place_of(self._source, opened.offset)}", text)

    def _add(self, value: Any) -> None:
        if not self._stack:
            self._done.append(value)
            return
        opened = self._stack[-1]
        if isinstance(opened.value, list):
            opened.value.append(value)
        else:
            opened.value[str(opened.key)] = value

    def _scalar(self, kind: str, text: str, offset: int) -> Any:
        try:
            if kind == "string":
                return json.loads(text)
            if kind == "number":
                return decimal_of(text)
        except ValueError as error:
            raise SymphonyError(place_of(self._source, offset), str(error)) from error
        if kind != "word":
            self._refuse(offset, "a value", text)
        return _WORDS[text]

    def _refuse(self, offset: int, expected: str, got: str) -> None:
        raise SymphonyError(place_of(self._source, offset), f"expected {expected}, got {got or 'the end of the file'}")


def parse_json(source: str) -> Any:
    """Objects, lists, str, Decimal, bool, None. Raises SymphonyError with line and column."""
    return _Parser(source).parsed()


def write_json(value: Any) -> str:
    """Indented as long as that is readable; shared parts are written again wherever they stand."""
    out: list[str] = []
    waiting: list[tuple[Any, int, bool]] = [(value, 0, False)]
    while waiting:
        part, depth, is_text = waiting.pop()
        if is_text:
            out.append(part)
        elif isinstance(part, dict | list) and part:
            waiting.extend(reversed(_pieces(part, depth)))
        else:
            out.append(json.dumps(part, ensure_ascii=False, default=str))
    return "".join(out) + "\n"


def _pieces(part: dict[str, Any] | list[Any], depth: int) -> list[tuple[Any, int, bool]]:
    line = "\n" + " " * (depth + 1) if depth < _DEEPEST_INDENT else ""
    last = "\n" + " " * depth if depth < _DEEPEST_INDENT else ""
    opening, closing = "{}" if isinstance(part, dict) else "[]"
    pieces: list[tuple[Any, int, bool]] = [(opening, depth, True)]
    pairs = part.items() if isinstance(part, dict) else ((None, item) for item in part)
    for place, (key, item) in enumerate(pairs):
        label = "" if key is None else f"{json.dumps(key, ensure_ascii=False)}: "
        pieces += [(f"{',' if place else ''}{line}{label}", depth, True), (item, depth + 1, False)]
    return [*pieces, (last + closing, depth, True)]
