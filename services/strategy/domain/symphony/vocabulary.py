"""The words of both forms for the same things."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.strategy.domain.indicators import ALL, Indicator
from services.strategy.domain.tree import Operator, Rank

COMPARISONS: Final[Mapping[str, Operator]] = {">": ">", "<": "<", ">=": ">=", "<=": "<="}
RANK_BY_WORD: Final[Mapping[str, Rank]] = {"select-top": "highest", "select-bottom": "lowest"}
WORD_BY_RANK: Final = {rank: word for word, rank in RANK_BY_WORD.items()}

COMPARATORS: Final[Mapping[str, Operator]] = {"gt": ">", "lt": "<", "gte": ">=", "lte": "<=", "eq": "=="}
COMPARATOR_BY_OPERATOR: Final = {operator: word for word, operator in COMPARATORS.items()}
RANK_BY_SELECT_FN: Final[Mapping[str, Rank]] = {"top": "highest", "bottom": "lowest"}
SELECT_FN_BY_RANK: Final = {rank: word for word, rank in RANK_BY_SELECT_FN.items()}

BY_COMPOSER_NAME: Final[Mapping[str, Indicator]] = {i.composer_name or i.name: i for i in ALL}
COMPOSER_NAMES: Final = {indicator.name: name for name, indicator in BY_COMPOSER_NAME.items()}
