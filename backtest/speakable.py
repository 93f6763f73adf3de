"""Figures as JSON can say them."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any


def speakable(value: Any) -> Any:
    """NaN and infinities, which JSON has no words for, are null; keys are texts."""
    match value:
        case dict():
            return {str(key): speakable(inner) for key, inner in value.items()}
        case list() | tuple():
            return [speakable(inner) for inner in value]
        case float():
            return value if math.isfinite(value) else None
        case dt.date():
            return value.isoformat()
        case _:
            return value
