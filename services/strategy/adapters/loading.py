"""Own strategies by their dotted path: module:attribute, where the attribute is a class, a function or an object."""

from __future__ import annotations

import importlib
from typing import Any

from services.strategy.domain.engine import StrategyEngine
from services.strategy.domain.portfolio import PortfolioError
from services.strategy.domain.strategies import BUILT_IN


def load_strategy(name: str) -> StrategyEngine:
    """A built-in by name, or an own one. Raises PortfolioError that says what was expected of it."""
    if ":" not in name:
        return _built_in(name)
    found = _attribute(name)
    engine: Any = _made(name, found) if isinstance(found, type) or not hasattr(found, "decide") else found
    for needed in ("name", "symbols", "closes_needed", "decide"):
        if not hasattr(engine, needed):
            raise PortfolioError(f"{name}: expected a StrategyEngine, which has {needed}; got {type(engine).__name__}")
    own: StrategyEngine = engine
    return own


def _built_in(name: str) -> StrategyEngine:
    build = BUILT_IN.get(name)
    if build is None:
        known = ", ".join(sorted(BUILT_IN))
        raise PortfolioError(f"{name}: expected one of {known}, or module:attribute for an own strategy")
    return build()


def _attribute(name: str) -> object:
    module, _, attribute = name.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except Exception as error:  # importing runs foreign code, which may raise anything
        raise PortfolioError(f"{name}: expected an importable strategy, got {type(error).__name__}: {error}") from error


def _made(name: str, build: object) -> object:
    if not callable(build):
        raise PortfolioError(f"{name}: expected a class or function that makes a StrategyEngine, got {build!r}")
    try:
        return build()
    except Exception as error:  # the same: its constructor is foreign code
        raise PortfolioError(f"{name}: could not be made: {type(error).__name__}: {error}") from error
