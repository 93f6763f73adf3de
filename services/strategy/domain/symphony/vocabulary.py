"""The words of both forms for the same things."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.strategy.domain.indicators import BY_NAME, RSI, STDEV_PRICE, STDEV_RETURN, Indicator
from services.strategy.domain.tree import Operator, Rank

DEFAULT_WINDOWS: Final[Mapping[str, int]] = {"std-dev": 2}
"""A window that may be left out."""

COMPARISONS: Final[Mapping[str, Operator]] = {">": ">", "<": "<", ">=": ">=", "<=": "<="}
RANK_BY_WORD: Final[Mapping[str, Rank]] = {"select-top": "highest", "select-bottom": "lowest"}
WORD_BY_RANK: Final = {rank: word for word, rank in RANK_BY_WORD.items()}

COMPARATORS: Final[Mapping[str, Operator]] = {"gt": ">", "lt": "<", "gte": ">=", "lte": "<=", "eq": "=="}
COMPARATOR_BY_OPERATOR: Final = {operator: word for word, operator in COMPARATORS.items()}
RANK_BY_SELECT_FN: Final[Mapping[str, Rank]] = {"top": "highest", "bottom": "lowest"}
SELECT_FN_BY_RANK: Final = {rank: word for word, rank in RANK_BY_SELECT_FN.items()}

_OTHER_NAMES: Final[Mapping[str, Indicator]] = {
    "relative-strength-index": RSI,
    "standard-deviation-price": STDEV_PRICE,
    "standard-deviation-return": STDEV_RETURN,
}
_SAME_NAMES: Final = {n: i for n, i in BY_NAME.items() if i not in _OTHER_NAMES.values()}
BY_COMPOSER_NAME: Final[Mapping[str, Indicator]] = _SAME_NAMES | dict(_OTHER_NAMES)
COMPOSER_NAMES: Final = {indicator.name: name for name, indicator in BY_COMPOSER_NAME.items()}
