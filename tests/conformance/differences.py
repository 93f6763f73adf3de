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


DIFFERENCES: tuple[Difference, ...] = ()
