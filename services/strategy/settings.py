"""Which strategies with which shares, when they decide, and what may stand in for today's close."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from services.strategy.domain.history import PriceRules
from shared.settings import Settings

SERVICE: Final = "strategy"
SYMPHONY_SUFFIXES: Final = (".clj", ".json")


@dataclass(frozen=True, slots=True)
class PortfolioEntry:
    """`strategy` is a built-in name, a symphony file, or module:attribute of an own StrategyEngine."""

    strategy: str
    share: Decimal


class StrategySettings(Settings):
    model_config = SettingsConfigDict(env_prefix="STRATEGY_")

    portfolio: str = "nuclear=0.5,tecl=0.5"
    """name=share, file.clj=share or module:attribute=share, separated by commas; the shares sum to 1."""
    symphonies: Path = Path("symphonies")
    """The directory in which the symphony files of the portfolio lie (.clj, or Composer's .json)."""
    decide_before_close_minutes: Annotated[int, Field(ge=1, le=389)] = 15
    """When the day is decided: so many minutes before the close, on half days too."""
    price_max_age_seconds: Annotated[int, Field(ge=1, le=3600)] = 600
    """An older quote does not stand in for today's close."""
    price_max_spread_bps: Annotated[Decimal, Field(gt=0, le=1000, allow_inf_nan=False)] = Decimal(200)
    """A wider quote does not stand in for today's close."""

    @model_validator(mode="after")
    def _portfolio_reads(self) -> Self:
        parse_portfolio(self.portfolio)
        return self

    @property
    def entries(self) -> tuple[PortfolioEntry, ...]:
        """With symphony files looked for in their directory first, then from where the service was started."""
        return tuple(replace(entry, strategy=self._found(entry.strategy)) for entry in parse_portfolio(self.portfolio))

    def _found(self, strategy: str) -> str:
        path = self.symphonies / strategy
        return str(path) if is_symphony_file(strategy) and path.is_file() else strategy

    @property
    def before_close(self) -> dt.timedelta:
        return dt.timedelta(minutes=self.decide_before_close_minutes)

    @property
    def price_rules(self) -> PriceRules:
        return PriceRules(dt.timedelta(seconds=self.price_max_age_seconds), self.price_max_spread_bps)


def is_symphony_file(strategy: str) -> bool:
    return strategy.endswith(SYMPHONY_SUFFIXES)


def parse_portfolio(text: str) -> tuple[PortfolioEntry, ...]:
    """Raises ValueError naming the part that is not name=share. What the shares sum to, the portfolio itself checks."""
    return tuple(_entry(part.strip()) for part in text.split(","))


def _entry(part: str) -> PortfolioEntry:
    strategy, equals, share = (piece.strip() for piece in part.partition("="))
    try:
        if strategy and equals:
            return PortfolioEntry(strategy, Decimal(share))
    except InvalidOperation:
        pass
    raise ValueError(f"STRATEGY_PORTFOLIO: expected name=share such as nuclear=0.5, got {part!r}")
