"""A value of a parsed JSON text that knows its path, and refuses itself with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NoReturn, TypeVar

from services.strategy.domain.symphony.symphony import SymphonyError, decimal_of, symbol_of

_V = TypeVar("_V")
_SHORT: Final = 60
_LONGEST_WINDOW: Final = 6


class Part:
    """An absent field is a Part whose value is None, so that its fault has a path too."""

    __slots__ = ("_key", "_parent", "value")

    def __init__(self, value: Any, parent: Part | None = None, key: str | int = "") -> None:
        self.value = value
        self._parent = parent
        self._key = key

    def place(self) -> str:
        """$.children[0].lhs-fn"""
        keys: list[str] = []
        part = self
        while part._parent is not None:
            keys.append(f"[{part._key}]" if isinstance(part._key, int) else f".{part._key}")
            part = part._parent
        return "$" + "".join(reversed(keys))

    def refuse(self, expected: str) -> NoReturn:
        raise SymphonyError(self.place(), f"expected {expected}, got {_short(self.value)}")

    def get(self, key: str) -> Part:
        return Part(self.value.get(key), self, key)

    def items(self) -> list[Part]:
        return [Part(value, self, place) for place, value in enumerate(self.value)]

    def object(self, expected: str) -> None:
        if not isinstance(self.value, dict):
            self.refuse(expected)

    def require_only(self, keys: Sequence[str]) -> None:
        for key in self.value:
            if key not in keys:
                self.get(key).refuse(f"only {', '.join(keys) or 'nothing'} here")

    def text_or(self, key: str, default: str) -> str:
        found = self.get(key)
        if found.value is None:
            return default
        return found.value if isinstance(found.value, str) else found.refuse("a string")

    def flag(self, key: str) -> bool:
        found = self.get(key)
        return bool(found.value) if found.value in (None, True, False) else found.refuse("true or false")

    def one_of(self, words: Mapping[str, _V]) -> _V:
        if not isinstance(self.value, str) or self.value not in words:
            self.refuse(f"one of {', '.join(words)}")
        return words[self.value]

    def number(self, expected: str) -> Decimal:
        """Numbers come as numbers or as strings."""
        if isinstance(self.value, Decimal):
            return self.value
        try:
            found = decimal_of(self.value.strip()) if isinstance(self.value, str) else None
        except (ArithmeticError, ValueError):
            found = None
        return found if found is not None and found.is_finite() else self.refuse(expected)

    def whole(self) -> int:
        found = self.number("a whole number")
        return (
            int(found)
            if found == found.to_integral_value() and abs(found) < 10**_LONGEST_WINDOW
            else self.refuse("a whole number")
        )

    def symbol(self) -> str:
        try:
            return symbol_of(self.value if isinstance(self.value, str) else "")
        except ValueError:
            self.refuse("a US ticker such as SPY, BRK/B or EQUITIES::BIL//USD")


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return f"an object with {', '.join(list(value)[:5]) or 'nothing'}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHORT else f"{text[:_SHORT]}..."
