"""Every setting of every process, read from the settings classes themselves, so that the table in the README cannot go stale."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import pkgutil
import textwrap
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

import services
import shared.settings
from cli.settings import CliSettings
from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable. `default` is None where a value must be given or nothing is the default; secrets show none."""

    variable: str
    read_by: str
    expected: str
    default: str | None
    meaning: str


def settings_classes() -> Iterator[tuple[str, type[Settings]]]:
    """(who reads it, class), shared ones first."""
    yield from (("all", found) for found in _defined_in(shared.settings))
    for package in sorted(pkgutil.iter_modules(services.__path__), key=lambda found: found.name):
        name = f"services.{package.name}.settings"
        if importlib.util.find_spec(name) is not None:
            yield from ((package.name, found) for found in _defined_in(importlib.import_module(name)))
    yield "cli", CliSettings


def catalogue() -> tuple[Setting, ...]:
    """Every setting once, even where several classes read it."""
    found: dict[str, Setting] = {}
    for read_by, cls in settings_classes():
        for setting in _settings_of(cls, read_by):
            found.setdefault(setting.variable, setting)
    return tuple(found.values())


def as_markdown(settings: Iterable[Setting]) -> str:
    """A table for the README."""
    lines = ["| variable | read by | expected | default | meaning |", "|---|---|---|---|---|"]
    for each in settings:
        cells = (f"`{each.variable}`", each.read_by, each.expected, _code(each.default), each.meaning)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def _code(default: str | None) -> str:
    return "" if default is None else f"`{default}`"


def _defined_in(module: types.ModuleType) -> list[type[Settings]]:
    return [
        each
        for each in vars(module).values()
        if inspect.isclass(each)
        and issubclass(each, Settings)
        and each is not Settings
        and each.__module__ == module.__name__
    ]


def _settings_of(cls: type[Settings], read_by: str) -> Iterator[Setting]:
    docs = _field_docs(cls)
    prefix = str(cls.model_config.get("env_prefix", ""))
    for name, field in cls.model_fields.items():
        yield Setting(
            variable=field.alias or (prefix + name).upper(),
            read_by=read_by,
            expected=_expected(field),
            default=_default(field),
            meaning=docs.get(name) or field.description or "",
        )


def _field_docs(cls: type[Settings]) -> dict[str, str]:
    """The string below a field, on one line."""
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef)  # noqa: S101 - the source of a class
    found: dict[str, str] = {}
    for field, after in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(after, ast.Expr):
            text = after.value.value if isinstance(after.value, ast.Constant) else None
            found[field.target.id] = " ".join(str(text).split()) if text else ""
    return found


def _default(field: FieldInfo) -> str | None:
    default = field.get_default()
    if default is PydanticUndefined or default is None or isinstance(default, SecretStr):
        return None
    if isinstance(default, tuple | list | frozenset):
        return ",".join(str(each) for each in default) or None
    return str(default) or None


def _expected(field: FieldInfo) -> str:
    bounds = [text for each in field.metadata if (text := _bound(each))]
    return ", ".join([_type(field.annotation), *bounds])


def _type(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is Literal:
        return " or ".join(f"`{each}`" for each in get_args(annotation))
    if origin in (Union, types.UnionType):
        return " or ".join(_type(each) for each in get_args(annotation) if each is not type(None))
    if origin is not None and hasattr(annotation, "__metadata__"):
        inner, *metadata = get_args(annotation)
        return ", ".join([_type(inner), *(text for each in metadata for text in _bounds(each))])
    if origin in (tuple, list, frozenset):
        return "list of " + _type(get_args(annotation)[0])
    return _NAMES.get(annotation, getattr(annotation, "__name__", str(annotation)))


_NAMES: dict[Any, str] = {SecretStr: "secret", str: "text", int: "whole number", bool: "`true` or `false`"}
_NAMES |= {float: "number"}


def _bounds(metadata: Any) -> list[str]:
    parts = metadata.metadata if isinstance(metadata, FieldInfo) else [metadata]
    return [text for part in parts if (text := _bound(part))]


def _bound(part: Any) -> str:
    signs = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than", "pattern": "like"}
    signs |= {"min_length": "length at least", "max_length": "length at most"}
    found = [
        f"{words} {f'`{value}`' if sign == 'pattern' else value}"
        for sign, words in signs.items()
        if (value := getattr(part, sign, None)) is not None
    ]
    return ", ".join(found)
