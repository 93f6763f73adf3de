"""The /docs page of a service, drawn from its OpenAPI description: one page without scripts that asks nobody for anything.

FastAPI's own page loads its scripts from a public host: blank on a machine without the Internet, and no page to type a token into.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any

Schema = Mapping[str, Any]

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; color: #1f2933; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.05rem; margin: 0; font-family: ui-monospace, monospace; }
section { border: 1px solid #d9dee5; border-radius: 6px; padding: .8rem 1rem; margin: 1rem 0; }
.method { display: inline-block; min-width: 3.4rem; color: #0b6e4f; } .acts .method { color: #b4540a; }
.note { color: #52606d; margin: .3rem 0; } table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
td, th { text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0; border-top: 1px solid #eef1f4; }
th { color: #52606d; font-weight: normal; border: 0; } code, pre { font: 13px/1.5 ui-monospace, monospace; }
pre { background: #f4f6f8; padding: .5rem .7rem; border-radius: 4px; white-space: pre-wrap; margin: .5rem 0 0; }
"""


def docs_page(openapi: Schema, base_url: str) -> str:
    """HTML with every operation: what it does, what it takes, what it answers, and a line of curl. `base_url` without a slash."""
    title, about = (escape(str(openapi["info"].get(key, ""))) for key in ("title", "description"))
    parts = [_operation(openapi, base_url, *found) for found in _operations(openapi)]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body><h1>{title}</h1>'
        f"<p>{about}</p><p class=note>Also <a href='openapi.json'>openapi.json</a> for machines, and /metrics.</p>"
        f"{''.join(parts)}</body></html>"
    )


def _operations(openapi: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, methods in openapi.get("paths", {}).items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _operation(openapi: Schema, base_url: str, method: str, path: str, operation: Schema) -> str:
    guarded = bool(operation.get("security"))
    about = escape(str(operation.get("description") or operation.get("summary") or ""))
    token = " Needs the bearer token." if guarded else ""
    body = _body(openapi, operation)
    inputs = [*_parameters(openapi, operation), *_fields(openapi, body)]
    return (
        f'<section class="{"acts" if guarded else "looks"}"><h2><span class=method>{method}</span> {escape(path)}</h2>'
        f"<p>{about}{token}</p>{_table(inputs)}<p class=note>answers {_answers(operation)}</p>"
        f"<pre>{escape(_curl(base_url, method, path, guarded=guarded, example=_example(openapi, body)))}</pre></section>"
    )


def _table(rows: Iterable[tuple[str, str, str]]) -> str:
    drawn = "".join(
        f"<tr><td><code>{escape(a)}</code></td><td>{escape(b)}</td><td>{escape(c)}</td></tr>" for a, b, c in rows
    )
    return f"<table>{drawn}</table>" if drawn else ""


def _parameters(openapi: Schema, operation: Schema) -> Iterator[tuple[str, str, str]]:
    for parameter in operation.get("parameters", ()):
        needed = "" if parameter.get("required") else ", may be left out"
        kind = _kind(openapi, parameter.get("schema", {}))
        yield parameter["name"], f"{kind}, in the {parameter['in']}{needed}", str(parameter.get("description", ""))


def _body(openapi: Schema, operation: Schema) -> Schema:
    content = operation.get("requestBody", {}).get("content", {})
    body = _resolved(openapi, content.get("application/json", {}).get("schema", {}))
    # A body that may be left out is one choice, nothing is the other.
    return _resolved(openapi, next((each for each in body.get("anyOf", ()) if each.get("type") != "null"), body))


def _fields(openapi: Schema, body: Schema) -> Iterator[tuple[str, str, str]]:
    for name, schema in body.get("properties", {}).items():
        needed = "" if name in body.get("required", ()) else ", may be left out"
        yield name, f"{_kind(openapi, schema)}, in the body{needed}", str(schema.get("description", ""))


def _answers(operation: Schema) -> str:
    answers = operation.get("responses", {}).items()
    return escape(", ".join(f"{code} {answer.get('description', '')}".strip() for code, answer in answers))


def _kind(openapi: Schema, schema: Schema) -> str:
    """The type in words, as narrow as the schema says it."""
    found = _resolved(openapi, schema)
    if choices := found.get("anyOf"):
        return " or ".join(dict.fromkeys(_kind(openapi, each) for each in choices if each.get("type") != "null"))
    if "enum" in found or "const" in found:
        return " | ".join(str(each) for each in found.get("enum", [found.get("const")]))
    kind = (
        f"list of {_kind(openapi, found.get('items', {}))}"
        if found.get("type") == "array"
        else found.get("type", "any")
    )
    limits = [f"{word} {found[key]}" for key, word in _LIMITS.items() if key in found]
    return ", ".join([str(kind), *limits])


_LIMITS = {
    "pattern": "like",
    "minimum": "at least",
    "maximum": "at most",
    "minLength": "length at least",
    "maxLength": "length at most",
}


def _resolved(openapi: Schema, schema: Schema) -> Schema:
    """What a reference within the description stands for."""
    found: Schema = schema
    while reference := found.get("$ref"):
        found = openapi
        for step in str(reference).removeprefix("#/").split("/"):
            found = found[step]
    return found


def _example(openapi: Schema, body: Schema) -> str | None:
    if not body:
        return None
    needed = {name: _resolved(openapi, body["properties"][name]) for name in body.get("required", ())}
    return json.dumps({name: ["SPY"] if schema.get("type") == "array" else "..." for name, schema in needed.items()})


def _curl(base_url: str, method: str, path: str, *, guarded: bool, example: str | None) -> str:
    parts = ["curl", *(["-X", method] if method != "GET" else [])]
    parts += ['-H "Authorization: Bearer $ALCHEMISER_HTTP_TOKEN"'] if guarded else []
    parts += ["-H 'Content-Type: application/json'", f"-d '{example}'"] if example is not None else []
    return " ".join([*parts, base_url + path.replace("{symbol}", "SPY")])
