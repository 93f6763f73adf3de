"""S-expressions as symphony files use them: calls, vectors, keyword maps, strings, numbers, keywords, nil. Knows no symphony."""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias

from services.strategy.domain.symphony.symphony import SymphonyError

Kind: TypeAlias = Literal["call", "vector", "map", "string", "number", "keyword", "symbol", "nil"]

_TOKEN: Final = re.compile(
    r"""(?P<blank>[\s,]+|;[^\n]*)
      | (?P<opening>[(\[{])
      | (?P<closing>[)\]}])
      | "(?P<string>[^"\\]*(?:\\.[^"\\]*)*)"
      | (?P<atom>[^\s,()\[\]{}";]+)""",
    re.VERBOSE | re.DOTALL,
)
_NUMBER: Final = re.compile(r"[+-]?\d+(?:/[1-9]\d*|(?:\.\d*)?(?:[eE][+-]?\d+)?)", re.ASCII)
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED: Final = {'"': '"', "\\": "\\", "n": "\n", "t": "\t", "r": "\r", "/": "/"}
_OPENED_KIND: Final[dict[str, Kind]] = {"(": "call", "[": "vector", "{": "map"}
_CLOSES: Final = {")": "(", "]": "[", "}": "{"}
_CLOSED_BY: Final = {opening: closing for closing, opening in _CLOSES.items()}


class Form:
    """`text` of an atom, `items` of a call, vector or map; `offset` into the source."""

    __slots__ = ("items", "kind", "offset", "text")

    def __init__(self, kind: Kind, offset: int, text: str = "") -> None:
        self.kind: Kind = kind
        self.offset = offset
        self.text = text
        self.items: list[Form] = []

    def __str__(self) -> str:
        """As a fault quotes it: short."""
        if self.kind in _CLOSED_KIND:
            opening, closing = _CLOSED_KIND[self.kind]
            inside = " ".join(str(item) if not item.items else "..." for item in self.items[:2])
            return f"{opening}{inside}{' ...' if len(self.items) > 2 else ''}{closing}"  # noqa: PLR2004 - the first two tell what it is
        return f'"{self.text}"' if self.kind == "string" else self.text


_CLOSED_KIND: Final = {kind: (opening, _CLOSED_BY[opening]) for opening, kind in _OPENED_KIND.items()}


def read_form(source: str) -> Form:
    """The one form the text consists of. Raises SymphonyError with line and column of a bracket or string that does not fit."""
    top = Form("vector", 0)
    stack: list[Form] = [top]
    position = 0
    while position < len(source):
        token = _TOKEN.match(source, position)
        if token is None:
            raise SymphonyError(
                place_of(source, position), 'expected a closing " of this string, got the end of the file'
            )
        _take(token, source, stack)
        position = token.end()
    if len(stack) > 1:
        opening, closing = _CLOSED_KIND[stack[-1].kind]
        raise SymphonyError(
            place_of(source, len(source)),
            f"expected {closing} to close the {opening} of {place_of(source, stack[-1].offset)}, got the end of the file",
        )
    return _only(top, source)


def place_of(source: str, offset: int) -> str:
    """Both counted from 1."""
    return f"line {source.count(chr(10), 0, offset) + 1}, column {offset - source.rfind(chr(10), 0, offset)}"


def _take(token: re.Match[str], source: str, stack: list[Form]) -> None:
    kind, offset = token.lastgroup, token.start()
    if kind == "opening":
        form = Form(_OPENED_KIND[token[0]], offset)
        stack[-1].items.append(form)
        stack.append(form)
    elif kind == "closing":
        _close(token[0], offset, source, stack)
    elif kind == "string":
        stack[-1].items.append(Form("string", offset, _unescaped(token["string"], source, offset)))
    elif kind == "atom":
        stack[-1].items.append(Form(_kind_of_atom(token[0]), offset, token[0]))


def _close(closing: str, offset: int, source: str, stack: list[Form]) -> None:
    if len(stack) == 1:
        raise SymphonyError(place_of(source, offset), f"expected no {closing} here: nothing is open")
    opening, expected = _CLOSED_KIND[stack[-1].kind]
    if closing != expected:
        opened = place_of(source, stack[-1].offset)
        raise SymphonyError(
            place_of(source, offset), f"expected {expected} to close the {opening} of {opened}, got {closing}"
        )
    stack.pop()


def _kind_of_atom(text: str) -> Kind:
    if text == "nil":
        return "nil"
    if text.startswith(":") and len(text) > 1:
        return "keyword"
    return "number" if _NUMBER.fullmatch(text) else "symbol"


def _unescaped(text: str, source: str, offset: int) -> str:
    if "\\" not in text:
        return text

    def character(escape: re.Match[str]) -> str:
        code = escape[1]
        if len(code) > 1:
            return chr(int(code[1:], 16))
        if code not in _ESCAPED:
            raise SymphonyError(
                place_of(source, offset + 1 + escape.start()), f"expected an escape such as \\n, got \\{code}"
            )
        return _ESCAPED[code]

    return _ESCAPE.sub(character, text)


def _only(top: Form, source: str) -> Form:
    if not top.items:
        raise SymphonyError(place_of(source, len(source)), "expected a symphony, got an empty file")
    if len(top.items) > 1:
        raise SymphonyError(place_of(source, top.items[1].offset), f"expected the end of the file, got {top.items[1]}")
    return top.items[0]
