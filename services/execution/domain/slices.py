"""How much of a large order is shown to the market at once: slices over time whose sum is the order, to the last fraction."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Final

from services.execution.domain import grid

_SESSION_SECONDS: Final = Decimal(23_400)
"""Volume is not even over the day; what is usual at noon is less than this says, and more at the open and the close."""


@dataclass(frozen=True, slots=True)
class Slicing:
    """`notional` dollars at a time (TWAP), and no more than a share of what is displayed or usually traded (participation)."""

    notional: Decimal | None = None
    """None: never cut by size."""
    shown_share: Decimal | None = None
    """Of the shares displayed on the far side; None: sizes are not looked at."""
    volume_share: Decimal | None = None
    """Of the shares that are usually traded in the time of one slice; None: volumes are not looked at."""
    every_seconds: float = 30
    """From the beginning of one slice to the beginning of the next; less where the deadline leaves less."""

    def count(self, notional: Decimal) -> int:
        """Slices by size; those by what is displayed are not known beforehand."""
        if self.notional is None:
            return 1
        return max(1, int((notional / self.notional).to_integral_value(ROUND_CEILING)))

    def __post_init__(self) -> None:
        for name, value in (
            ("notional", self.notional),
            ("shown_share", self.shown_share),
            ("volume_share", self.volume_share),
        ):
            if value is not None and not value > 0:
                raise ValueError(f"{name}: expected more than 0, got {value}")


WHOLE: Final = Slicing()
"""Everything at once."""


@dataclass(frozen=True, slots=True)
class Liquidity:
    """What a slice is measured by. `shown` shares on the far side, 0 where it is not told; `usual_volume` shares a day."""

    price: Decimal
    shown: int = 0
    usual_volume: Decimal | None = None


def slice_of(slicing: Slicing, remaining: Decimal, market: Liquidity, *, whole: bool) -> Decimal:
    """The shares of the next slice; all that remains when it is not large. Never more than remains, never nothing of something.

    Slices by notional are of one size, so that the last is no crumb. What is not known bounds nothing.
    """
    qty = remaining / slicing.count(remaining * market.price)
    if slicing.shown_share is not None and market.shown > 0:
        qty = min(qty, max(market.shown * slicing.shown_share, Decimal(1)))
    if slicing.volume_share is not None and market.usual_volume:
        traded = market.usual_volume * Decimal(slicing.every_seconds) / _SESSION_SECONDS
        qty = min(qty, max(traded * slicing.volume_share, Decimal(1)))
    if qty >= remaining:
        return remaining
    cut = grid.shares_down(qty, whole=whole)
    return cut if cut > 0 else min(remaining, Decimal(1))


def slices_left(remaining: Decimal, slice_qty: Decimal) -> int:
    """How many slices of that size the rest takes."""
    return int((remaining / slice_qty).to_integral_value(ROUND_CEILING)) if slice_qty > 0 else 0
