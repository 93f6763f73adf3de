"""The strategies that come with the house, by the names the settings use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from services.strategy.domain.engine import StrategyEngine
from services.strategy.domain.strategies.klm import klm
from services.strategy.domain.strategies.nuclear import nuclear
from services.strategy.domain.strategies.tecl import tecl

BUILT_IN: Final[Mapping[str, Callable[[], StrategyEngine]]] = {"nuclear": nuclear, "tecl": tecl, "klm": klm}
