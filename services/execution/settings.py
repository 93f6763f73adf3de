"""Execution's settings, EXECUTION_*: limits, how orders are worked, live arming, and how often the broker is asked.

The defaults let one strategy hold everything in one symbol, as NUCLEAR and TECL do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_settings import SettingsConfigDict

from services.execution.domain.books_check import BooksRules
from services.execution.domain.fair_value import Guard
from services.execution.domain.limits import Bounds
from services.execution.domain.plan import PlanRules
from services.execution.domain.policies import POLICIES, URGENCIES, Choice, Policies, Terms, chosen
from services.execution.domain.request_budget import Allowance
from services.execution.domain.slices import Slicing
from services.execution.domain.stops import StopState, WatchRules
from shared.settings import Settings

Share = Annotated[Decimal, Field(ge=0, le=1, allow_inf_nan=False)]
Factor = Annotated[Decimal, Field(ge=0, le=1000, allow_inf_nan=False)]
Dollars = Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]
Bps = Annotated[Decimal, Field(ge=0, le=10_000, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]

_NAME = r"[A-Z][A-Z0-9]*(\.[A-Z0-9]+)?"
Symbols = Annotated[str, Field(pattern=rf"^({_NAME}(,{_NAME})*)?$")]
"""Names separated by commas, without blanks."""


def _words(known: Iterable[str]) -> Callable[[str], str]:
    """A check that text is one of these words, with exceptions."""

    def checked(text: str) -> str:
        Choice.parse(text, tuple(known))
        return text

    return checked


class ExecutionSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="EXECUTION_")

    max_position_weight: Annotated[Decimal, Field(gt=0, le=1, allow_inf_nan=False)] = Decimal(1)
    """The most one symbol may weigh after an order, as a share of equity; 1 allows everything in one symbol."""
    max_order_notional: Dollars = Decimal(250_000)
    """The most dollars one order may be worth."""
    max_spread_bps: Bps = Decimal(50)
    """A wider spread refuses the order."""
    spread_floor: Annotated[Decimal, Field(ge=0, allow_inf_nan=False)] = Decimal("0.03")
    """A spread of so few dollars is never too wide."""
    wide_spread_bps: Bps = Decimal(25)
    """On the feed iex a wider spread is narrowed around the last minute's trades, if there were any; else the limit above decides."""
    max_quote_age_seconds: Seconds = 60
    """An older quote refuses the order."""
    max_beyond_quote_bps: Bps = Decimal(100)
    """A price further beyond the quote's far side refuses the order; one cent always passes."""
    max_close_move: Factor = Decimal("0.2")
    """A price further from the last close than this share of it refuses the order; 0 switches it off."""
    close_move_multiple: Annotated[Decimal, Field(ge=0, le=1000, allow_inf_nan=False)] = Decimal(10)
    """Where so many usual daily moves of the symbol are more than that, they are allowed."""
    max_turnover: Factor = Decimal(4)
    """The most dollars bought and sold in a day, as a multiple of equity; out of everything into everything else is 2. 0 switches it off."""
    max_daily_loss: Factor = Decimal("0.25")
    """Losing more than this share of the equity since the session before stops trading; 0 switches it off."""
    max_drawdown: Factor = Decimal("0.5")
    """Losing more than this share of the highest equity stops trading; 0 switches it off."""
    loss_stop: StopState = "REDUCING"
    """What trading becomes after such a loss: sells only, or nothing. Only `resume` ends it."""
    data_loss_seconds: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] = 240
    """So long without a fresh quote of anything that is held, in session, stops trading; 0 switches it off."""
    data_loss_stop: StopState = "REDUCING"
    """What trading becomes then."""
    watch_seconds: Seconds = 15
    """How often the account and its quotes are looked at for these while the market is open."""
    max_open_orders: Annotated[int, Field(ge=1, le=10_000)] = 100
    """The most orders of ours open at once; more wait."""
    allow_margin: bool = False
    """True pays with the broker's buying power, which may be borrowed; else with cash alone."""
    max_volume_share: Factor = Decimal("0.1")
    """The most of a day's usual volume that one order may be; 0 switches it off."""
    iex_volume_share: Annotated[Decimal, Field(gt=0, le=1, allow_inf_nan=False)] = Decimal("0.025")
    """The share of the market's volume that the feed iex sees; usual volumes from it are scaled up by this."""
    allow_symbols: Symbols = ""
    """Only these are traded, as in SPY,TLT; empty allows every symbol. Other positions are left alone."""
    deny_symbols: Symbols = ""
    """These are neither bought nor sold, as in SPY,TLT; wins over EXECUTION_ALLOW_SYMBOLS."""

    cash_reserve: Share = Decimal("0.0025")
    """The share of equity that is never invested."""
    drift_tolerance: Share = Decimal("0.005")
    """A change smaller than this share of its target is not worth trading."""
    min_trade_notional: Annotated[Decimal, Field(ge=1, allow_inf_nan=False)] = Decimal(1)
    """The broker refuses orders under one dollar."""

    policy: Annotated[str, AfterValidator(_words(POLICIES))] = "patient"
    """How orders are worked: patient, passive, mid, peg, ladder, spread, close or take; exceptions as in patient,sell=peg,exit=take."""
    urgency: Annotated[str, AfterValidator(_words(URGENCIES))] = "normal"
    """passive waits twice as long, urgent begins beyond the far side; exceptions for buy, sell, exit, trim, enter, add as above."""
    patience_seconds: Seconds = 10
    """One turn of patience; patient waits for six of them."""
    steps: Annotated[int, Field(ge=0, le=20)] = 2
    """Of the policy ladder: prices between the midpoint and the far side, which the last of them touches."""
    max_lean: Share = Decimal("0.7")
    """A one-cent spread whose sizes lean against the order by more is crossed at once; only with a feed of the whole market. 1: never."""
    deadline_seconds: Seconds = 120
    """So long before the close everything left is marketable; patience is shortened to the time before that."""
    slice_notional: Dollars = Decimal(250_000)
    """A larger order is worked in equal slices of at most so many dollars."""
    slice_shown_share: Annotated[Decimal, Field(ge=0, le=100, allow_inf_nan=False)] = Decimal(0)
    """A slice is at most this share of the shares displayed on the far side; 0 does not look at them."""
    slice_volume_share: Annotated[Decimal, Field(ge=0, le=100, allow_inf_nan=False)] = Decimal(0)
    """A slice is at most this share of what usually trades in the seconds of one; 0 does not look at it."""
    slice_seconds: Seconds = 30
    """From one slice to the next."""
    collar_bps: Bps = Decimal(20)
    """How far beyond the far side the last limit reaches; buys are planned to cost this much more."""
    market_order_fallback: bool = False
    """True adds a naked market order after the last limit."""

    realised_spread_seconds: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] = 60
    """How long after a fill its quote is looked at again, to tell the realised spread."""

    live_account: Annotated[str, Field(pattern=r"^[A-Z0-9]{4,20}$")] | None = None
    """The number of the one account that may be traded with real money."""

    requests_per_minute: Annotated[int, Field(ge=0, le=100_000)] = 180
    """How many requests a minute the account's service and workers make together; the broker allows 200. 0: they are not counted."""
    requests_reserved: Annotated[int, Field(ge=0, le=100_000)] = 40
    """How many of them only cancels and questions about orders in doubt may use."""
    requests_per_rebalance: Annotated[int, Field(ge=0, le=100_000)] = 200
    """The more orders a rebalance has, the fewer prices each of them tries, to make no more requests than this. 0: no bound."""
    reconcile_seconds: Seconds = 30
    """How often orders, fills, positions and cash are compared with the broker's; sooner while orders are worked."""
    breach_seconds: Seconds = 30
    """How long our books may differ from the broker's positions, unchanged, before trading halts."""
    opening_positions: Literal["leave", "trade"] = "leave"
    """What the account held before the first start: left alone until `alchemiser reconcile --adopt`, or the portfolio's own."""
    lease_seconds: Annotated[float, Field(ge=0.2, le=300, allow_inf_nan=False)] = 2
    """A desk that gives no sign of life for this long loses its leg to another one."""
    journal_fsync_seconds: Annotated[float, Field(ge=0, le=60, allow_inf_nan=False)] = 2
    """How long an intent may take to be on disk before nothing is sent; 0 trusts the server's appendfsync."""

    @model_validator(mode="after")
    def _collars_agree(self) -> Self:
        if self.collar_bps > self.max_beyond_quote_bps:
            raise ValueError(
                f"EXECUTION_COLLAR_BPS: expected at most EXECUTION_MAX_BEYOND_QUOTE_BPS ({self.max_beyond_quote_bps}), "
                f"got {self.collar_bps}: the limit would refuse every last price"
            )
        return self

    @model_validator(mode="after")
    def _leaves_requests_to_orders(self) -> Self:
        if self.requests_per_minute and self.requests_reserved >= self.requests_per_minute:
            raise ValueError(
                f"EXECUTION_REQUESTS_RESERVED: expected less than EXECUTION_REQUESTS_PER_MINUTE, got {self.requests_reserved}"
            )
        return self

    def request_allowance(self) -> Allowance:
        return Allowance(self.requests_per_minute, self.requests_reserved)

    def bounds(self) -> Bounds:
        return Bounds(
            max_position_weight=self.max_position_weight,
            max_order_notional=self.max_order_notional,
            max_spread_bps=self.max_spread_bps,
            spread_floor=self.spread_floor,
            max_quote_age_seconds=self.max_quote_age_seconds,
            max_beyond_quote_bps=self.max_beyond_quote_bps,
            max_close_move=_unless_off(self.max_close_move),
            close_move_multiple=self.close_move_multiple,
            max_daily_loss=_unless_off(self.max_daily_loss),
            max_drawdown=_unless_off(self.max_drawdown),
            sells_go_on=self.loss_stop == "REDUCING",
            max_turnover=_unless_off(self.max_turnover),
            max_open_orders=self.max_open_orders,
            max_volume_share=_unless_off(self.max_volume_share),
            allowed_symbols=_symbols_in(self.allow_symbols),
            denied_symbols=_symbols_in(self.deny_symbols),
        )

    def books_rules(self) -> BooksRules:
        owner: Literal["foreign", "unassigned"] = "foreign" if self.opening_positions == "leave" else "unassigned"
        return BooksRules(opening=owner, patience_seconds=self.breach_seconds)

    def guard(self) -> Guard:
        return Guard(self.wide_spread_bps, self.spread_floor)

    def watch_rules(self) -> WatchRules:
        return WatchRules(self.watch_seconds, self.data_loss_seconds, self.loss_stop, self.data_loss_stop)

    def plan_rules(self) -> PlanRules:
        return PlanRules(
            cash_reserve=self.cash_reserve,
            drift_tolerance=self.drift_tolerance,
            min_notional=self.min_trade_notional,
            buy_margin_bps=self.collar_bps,
            allows_margin=self.allow_margin,
        )

    def policies(self, *, sees_whole_market: bool) -> Policies:
        """`sees_whole_market`: whether the sizes of quotes are those of all exchanges."""
        terms = Terms(
            patience_seconds=self.patience_seconds,
            steps=self.steps,
            collar_bps=self.collar_bps,
            allows_naked_market=self.market_order_fallback,
            leaves_at_lean=self.max_lean if sees_whole_market else None,
            deadline_seconds_before_close=self.deadline_seconds,
            slicing=Slicing(
                self.slice_notional,
                self.slice_shown_share or None,
                self.slice_volume_share or None,
                self.slice_seconds,
            ),
        )
        return chosen(Choice.parse(self.policy, tuple(POLICIES)), Choice.parse(self.urgency, URGENCIES), terms)


def _unless_off(bound: Decimal) -> Decimal | None:
    return bound if bound > 0 else None


def _symbols_in(names: str) -> frozenset[str]:
    return frozenset(names.split(",")) if names else frozenset()
