"""The one table of where the simulator's answers differ from Alpaca's OpenAPI files, each with its reason.

docs/conformance.md is written from it (`python -m tests.conformance.differences` prints it); a difference that no longer
occurs must leave the table, and one that is not here fails the test.
"""

from __future__ import annotations

from typing import NamedTuple


class Difference(NamedTuple):
    operation: str
    """As "GET /v2/orders"; "*" is every operation."""
    place: str
    what: str
    """Part of the validator's message."""
    reason: str


_STATUSES = (400, 401, 403, 404, 422, 429, 500, 504)
_STATUSES = (400, 401, 403, 404, 422, 429, 500, 504)
_ERRORS = (
    "the files describe hardly any error of the trading API; status and body follow the catalogue of observed errors"
)

DIFFERENCES: tuple[Difference, ...] = (
    *(Difference("*", "(status)", f"{status} is not described", _ERRORS) for status in _STATUSES),
    Difference(
        "GET /v2/account/activities/{activity_type}",
        "[]",
        "fits not exactly one alternative: fits several",
        "the two alternatives require no field and forbid none, so that every fill is described by both",
    ),
)


def as_markdown() -> str:
    rows = [f"| {d.operation} | {d.place} | {d.what} | {d.reason} |" for d in DIFFERENCES]
    return "\n".join(["| operation | where | difference | reason |", "|---|---|---|---|", *rows])


if __name__ == "__main__":
    print(as_markdown())  # noqa: T201 - the page is made from it
