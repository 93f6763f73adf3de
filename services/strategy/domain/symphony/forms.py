"""Either form from its text, and the strategy that a symphony is. Where the text comes from it does not know."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from services.strategy.domain.engine import TreeStrategy
from services.strategy.domain.symphony.clj_reader import read_clj
from services.strategy.domain.symphony.clj_writer import write_clj
from services.strategy.domain.symphony.composer_reader import read_composer
from services.strategy.domain.symphony.composer_writer import write_composer
from services.strategy.domain.symphony.symphony import Symphony

WRITERS: Final[Mapping[str, Callable[[Symphony], str]]] = {".clj": write_clj, ".json": write_composer}
"""By the suffix of the file's name."""


def read_symphony(source: str, name: str) -> Symphony:
    """JSON begins with a brace or a bracket, which no node of the other form does. Raises SymphonyError."""
    text = source.removeprefix("\ufeff")
    return read_composer(text, name) if text.lstrip().startswith(("{", "[")) else read_clj(text, name)


def symphony_strategy(symphony: Symphony, name: str) -> TreeStrategy:
    """Under a name of your own: titles in files are free text, and two files may have the same."""
    return TreeStrategy(re.sub(r"[^A-Za-z0-9_. -]", "_", name), symphony.tree, symphony.rebalance)
