"""Holds recorded REST answers against Alpaca's published OpenAPI files; knows nothing of the simulator."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer."""

    method: str
    path: str
    status: int
    body: Any


@dataclass(frozen=True, slots=True)
class Fault:
    """Where an answer leaves the description: operation, place in the body, what is wrong."""

    operation: str
    place: str
    what: str


class Description:
    """The operations of one or more OpenAPI 3.0 files."""

    def __init__(self, *files: Path) -> None:
        self._operations = [op for file in files for op in _operations(json.loads(file.read_text()))]

    def faults(self, exchange: Exchange) -> list[Fault]:
        """Empty when the answer is as described. An operation or a status that is not described is a fault too."""
        operation = self._find(exchange)
        if operation is None:
            return [Fault(f"{exchange.method} {exchange.path}", "(operation)", "is not described")]
        name, responses, document = operation
        response = responses.get(str(exchange.status))
        if response is None:
            return [Fault(name, "(status)", f"{exchange.status} is not described")]
        schema = _resolved(response, document).get("content", {}).get("application/json", {}).get("schema")
        if schema is None:
            return []
        validator = Draft202012Validator(_as_json_schema(schema, document), format_checker=FormatChecker())
        return [
            Fault(name, _place(error.absolute_path), _what(error)) for error in validator.iter_errors(exchange.body)
        ]

    def _find(self, exchange: Exchange) -> tuple[str, Mapping[str, Any], Mapping[str, Any]] | None:
        candidates = [
            op for op in self._operations if op[0] == exchange.method.lower() and op[2].fullmatch(exchange.path)
        ]
        if not candidates:
            return None
        # The most literal template wins: /v2/stocks/bars/latest over /v2/stocks/{symbol}/latest.
        method, template, _, responses, document = min(candidates, key=lambda op: op[1].count("{"))
        return f"{method.upper()} {template}", responses, document


def _operations(
    document: Mapping[str, Any],
) -> Iterator[tuple[str, str, re.Pattern[str], Mapping[str, Any], Mapping[str, Any]]]:
    for template, methods in document["paths"].items():
        pattern = re.compile("[^/]+".join(re.escape(part) for part in re.split(r"\{[^}]+\}", template)))
        for method, operation in methods.items():
            if isinstance(operation, dict) and "responses" in operation:
                yield method, template, pattern, operation["responses"], document


def _resolved(node: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in node:
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def _as_json_schema(schema: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """OpenAPI 3.0's dialect as JSON Schema: nullable becomes a type or an alternative, references stay references."""
    defs = {name: _translated(s) for name, s in document.get("components", {}).get("schemas", {}).items()}
    return {**_translated(schema), "components": {"schemas": defs}}


def _translated(node: Any) -> Any:
    if isinstance(node, list):
        return [_translated(item) for item in node]
    if not isinstance(node, dict):
        return node
    out = {
        key: _translated(value)
        for key, value in node.items()
        if key not in {"nullable", "example", "discriminator", "xml"}
    }
    if node.get("nullable"):
        if isinstance(out.get("type"), str) and "enum" not in out:
            out["type"] = [out["type"], "null"]
        else:
            out = {"anyOf": [out, {"type": "null"}]}
    return out


def _what(error: ValidationError) -> str:
    """The message; for alternatives, without the row itself, so that the same fault in many rows is one fault."""
    if error.validator in {"oneOf", "anyOf"}:
        inner = sorted({sub.message[:80] for sub in error.context or ()})
        return f"fits not exactly one alternative: {'; '.join(inner) or 'fits several'}"
    return error.message[:200]


def _place(path: Any) -> str:
    """A path with list indexes replaced by [], so that the same fault in many rows is one fault."""
    return "".join("[]" if isinstance(part, int) else f".{part}" for part in path) or "(body)"


@lru_cache(maxsize=1)
def alpaca(folder: Path) -> Description:
    return Description(folder / "trading-api.json", folder / "market-data-api.json")
