"""Strategies by what the settings call them: a built-in, a symphony file, or an own one by its path module:attribute."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from services.strategy.domain.engine import StrategyEngine, TreeStrategy
from services.strategy.domain.portfolio import PortfolioError
from services.strategy.domain.strategies import BUILT_IN
from services.strategy.domain.symphony.forms import read_symphony, symphony_strategy
from services.strategy.domain.symphony.symphony import SymphonyError
from services.strategy.settings import is_symphony_file


def load_strategy(name: str) -> StrategyEngine:
    """Raises PortfolioError that says what was expected of it; a symphony's with line and column, or JSON path."""
    if is_symphony_file(name):
        return load_symphony(Path(name))
    if ":" not in name:
        return _built_in(name)
    found = _attribute(name)
    engine: Any = _made(name, found) if isinstance(found, type) or not hasattr(found, "decide") else found
    for needed in ("name", "symbols", "closes_needed", "decide"):
        if not hasattr(engine, needed):
            raise PortfolioError(f"{name}: expected a StrategyEngine, which has {needed}; got {type(engine).__name__}")
    own: StrategyEngine = engine
    return own


def load_symphony(path: Path) -> TreeStrategy:
    """Named after its file."""
    try:
        return symphony_strategy(read_symphony(path.read_text(encoding="utf-8"), path.stem), path.stem)
    except FileNotFoundError:
        raise PortfolioError(
            f"{path}: expected a symphony file, there is none (STRATEGY_SYMPHONIES names the directory)"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise PortfolioError(
            f"{path}: expected a readable symphony file, got {type(error).__name__}: {error}"
        ) from error
    except SymphonyError as error:
        raise PortfolioError(f"{path}: {error}") from error


def _built_in(name: str) -> StrategyEngine:
    build = BUILT_IN.get(name)
    if build is None:
        known = ", ".join(sorted(BUILT_IN))
        raise PortfolioError(
            f"{name}: expected one of {known}, a symphony file, or module:attribute for an own strategy"
        )
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
