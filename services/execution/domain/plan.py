"""From what should be held and what is held to the trades between them: pure, Decimal all through.

Sells come before buys; each trade that a limit refuses is named with its reason; what cannot be known plans nothing.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from services.execution.domain import grid, limits
from services.execution.domain.broker import Account, Asset, Position
from services.execution.domain.records import TargetLine, TradingStateName
from services.execution.domain.reference import Reference
from shared.contracts.base import Side
from shared.contracts.execution import Refusal, Trade
from shared.contracts.marketdata import Quote
from shared.contracts.strategy import TargetPortfolioSet

_EQUITY_SYMBOL = re.compile(r"^(?=.{1,16}$)[A-Z][A-Z0-9]*(\.[A-Z0-9]+)?$")
_CENT = Decimal("0.01")
_SHOWN = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class PlanRules:
    """`cash_reserve` is the share of equity never invested; `drift_tolerance` the share of a target not worth trading."""

    cash_reserve: Decimal = Decimal("0.0025")
    drift_tolerance: Decimal = Decimal("0.005")
    min_notional: Decimal = Decimal(1)
    buy_margin_bps: Decimal = Decimal(20)
    """Buys are held to cost this much more than the midpoint: their last rung may pay the collar."""
    equity_tolerance: Decimal = Decimal("0.05")
    """How far our own sum of cash and positions may stand from the broker's equity before nothing is believed."""


@dataclass(frozen=True, slots=True)
class Situation:
    """The account and its market at `now`. Symbols without a quote, an asset or daily history are absent."""

    account: Account
    positions: Mapping[str, Position]
    quotes: Mapping[str, Quote]
    assets: Mapping[str, Asset]
    foreign_orders: Mapping[str, tuple[str, ...]]
    trading: TradingStateName
    now: dt.datetime
    references: Mapping[str, Reference]
    obstacle: str | None = None
    left_alone: Mapping[str, Decimal] = field(default_factory=dict)
    """Shares in the account that are not the portfolio's; the positions and the account are told without them."""

    def held(self, symbol: str) -> Decimal:
        position = self.positions.get(symbol)
        return position.qty if position else Decimal(0)

    def fresh_price(self, symbol: str) -> Decimal | None:
        """The quote's midpoint, None without a two-sided quote."""
        quote = self.quotes.get(symbol)
        return quote.mid if quote is not None and quote.is_two_sided else None

    def value_price(self, symbol: str) -> Decimal | None:
        """What a held share counts for: the midpoint, else the broker's last price."""
        fresh = self.fresh_price(symbol)
        position = self.positions.get(symbol)
        return fresh if fresh is not None or position is None else position.price


@dataclass(frozen=True, slots=True)
class Plan:
    """`trades` has the sells first. `untouched` are positions that are no shares (options, crypto): valued, never traded."""

    equity: Decimal
    cash: Decimal
    trades: tuple[Trade, ...]
    refusals: tuple[Refusal, ...]
    whole_share_symbols: tuple[str, ...]
    lines: tuple[TargetLine, ...] = ()
    untouched: tuple[str, ...] = ()


class UnplannableError(ValueError):
    """Nothing can be planned at all: `limit` names what stands in the way."""

    def __init__(self, limit: str, detail: str) -> None:
        super().__init__(f"{limit}: {detail}")
        self.limit, self.detail = limit, detail


def symbols_of(target: TargetPortfolioSet, positions: Mapping[str, Position]) -> tuple[str, ...]:
    """Every symbol that a plan will look at."""
    held = (symbol for symbol in positions if _EQUITY_SYMBOL.match(symbol))
    return tuple(sorted({*target.weights, *held}))


def draw_up(target: TargetPortfolioSet, situation: Situation, rules: PlanRules, bounds: limits.Bounds) -> Plan:
    """The plan, or only refusals when the account or its equity cannot be trusted."""
    symbols = symbols_of(target, situation.positions)
    untouched = tuple(sorted(set(situation.positions) - set(symbols)))
    try:
        equity = _equity(situation, rules)
    except UnplannableError as error:
        refusals = tuple(_refuse_all(symbol, target, error) for symbol in symbols)
        return Plan(_shown(situation.account.equity), _shown(situation.account.cash), (), refusals, (), (), untouched)
    lines = [_line(symbol, target, situation, equity, rules) for symbol in symbols]
    judged = [_judged(line, situation, equity, bounds) for line in lines if line is not None]
    refused = tuple(found for found in judged if isinstance(found, Refusal))
    trades = tuple(found for found in judged if isinstance(found, Trade))
    sells = tuple(trade for trade in trades if trade.side == "sell")
    buys = tuple(trade for trade in trades if trade.side == "buy")
    whole = tuple(t.symbol for t in trades if not situation.assets[t.symbol].is_fractionable)
    fitted, starved = fit_buys(buys, _spendable(target, situation, equity, sells), whole, rules)
    return Plan(
        equity=equity,
        cash=situation.account.cash,
        trades=(*sells, *fitted),
        refusals=(*refused, *starved),
        whole_share_symbols=whole,
        lines=tuple(
            line for symbol in symbols if (line := _goal(symbol, target, situation, equity, rules)) is not None
        ),
        untouched=untouched,
    )


def fit_buys(
    buys: tuple[Trade, ...], spendable: Decimal, whole_share_symbols: tuple[str, ...], rules: PlanRules
) -> tuple[tuple[Trade, ...], tuple[Refusal, ...]]:
    """The buys shrunk alike until `spendable` dollars pay for all of them, and those that became too small."""
    if not buys:
        return (), ()  # nothing to pay for, however little there is
    if not spendable.is_finite():
        return (), tuple(_starved(buy, spendable) for buy in buys)
    margin = 1 + rules.buy_margin_bps / 10_000
    cost = sum((buy.qty * buy.price * margin for buy in buys), Decimal(0))
    if cost <= spendable:
        return buys, ()
    scale = max(Decimal(0), spendable) / cost
    fitted, starved = [], []
    for buy in buys:
        qty = grid.shares_down(buy.qty * scale, whole=buy.symbol in whole_share_symbols)
        if qty * buy.price < rules.min_notional:
            starved.append(_starved(buy, spendable))
        else:
            fitted.append(_resized(buy, qty, f"{buy.reason}; shrunk to the cash there is"))
    return tuple(fitted), tuple(starved)


def _equity(situation: Situation, rules: PlanRules) -> Decimal:
    """Cash and positions at today's prices. Raises UnplannableError rather than guess."""
    account = situation.account
    if account.is_blocked:
        raise UnplannableError("account", f"the broker blocks trading (status {account.status})")
    equity = account.cash
    for symbol, position in situation.positions.items():
        price = situation.value_price(symbol)
        if price is None:
            raise UnplannableError("equity", f"{symbol} is held and has no price")
        equity += position.qty * price
    for name, value in (("cash", account.cash), ("equity", account.equity), ("sum of cash and positions", equity)):
        if not value.is_finite():
            raise UnplannableError("equity", f"{name} is {value}; expected a number")
    if equity <= 0 or account.equity <= 0:
        raise UnplannableError("equity", f"it is ${equity} (the broker says ${account.equity}); it must be positive")
    if abs(equity - account.equity) > rules.equity_tolerance * account.equity:
        raise UnplannableError("equity", f"our sum is ${equity:.2f}, the broker says ${account.equity:.2f}")
    return equity.quantize(_CENT)


def _goal(
    symbol: str, target: TargetPortfolioSet, situation: Situation, equity: Decimal, rules: PlanRules
) -> TargetLine | None:
    """Where one symbol should go; None while it has no price to say so in shares."""
    price, weight = situation.value_price(symbol), target.weights.get(symbol, Decimal(0))
    if price is None:
        return None
    asset = situation.assets.get(symbol)
    whole = asset is not None and not asset.is_fractionable
    wanted = _target_qty(weight, target, equity, price, rules=rules, whole=whole)
    held, shown = situation.held(symbol), price.quantize(_SHOWN)
    return TargetLine(symbol=symbol, held_qty=held, target_qty=wanted, target_weight=weight, price=shown)


def _line(
    symbol: str, target: TargetPortfolioSet, situation: Situation, equity: Decimal, rules: PlanRules
) -> Trade | Refusal | None:
    """The trade that would bring one symbol to its target; None when it is there or what it holds may not be sold."""
    weight, held = target.weights.get(symbol, Decimal(0)), situation.held(symbol)
    if weight == 0 and held == 0:
        return None
    if held < 0:
        return _refusal(symbol, "buy", "short sale", f"{held} shares are held short; short positions are for a person")
    goal = _goal(symbol, target, situation, equity, rules)
    if goal is None or situation.fresh_price(symbol) is None:
        side: Side = "buy" if weight > 0 and held == 0 else "sell"
        return _refusal(symbol, side, "quote", _why_no_price(situation.quotes.get(symbol)))
    asset = situation.assets.get(symbol)
    line = _difference(goal, rules, whole=asset is not None and not asset.is_fractionable)
    decided = target.prices.get(symbol)
    if line is not None and decided is not None:
        line = line.model_copy(update={"decision_price": decided.quantize(_SHOWN)})
    if line is not None and line.side == "sell" and target.unknown_share > 0:
        return None  # part of what is held may belong to a strategy that could not say what it wants
    return line


def _target_qty(
    weight: Decimal, target: TargetPortfolioSet, equity: Decimal, price: Decimal, *, rules: PlanRules, whole: bool
) -> Decimal:
    total = sum(target.weights.values(), Decimal(0)) + target.unknown_share
    investable = 1 - rules.cash_reserve
    scale = investable / total if total > investable else Decimal(1)
    return grid.shares_down(weight * scale * equity / price, whole=whole)


def _difference(goal: TargetLine, rules: PlanRules, *, whole: bool) -> Trade | None:
    wanted, price = goal.target_qty, goal.price
    change = wanted - goal.held_qty
    qty = grid.shares_down(abs(change), whole=whole) if wanted > 0 or whole else abs(change)
    if qty * price < max(rules.min_notional, rules.drift_tolerance * wanted * price) or qty == 0:
        return None
    return Trade(
        symbol=goal.symbol,
        side="buy" if change > 0 else "sell",
        qty=qty,
        price=price,
        notional=(qty * price).quantize(_CENT),
        held_qty=goal.held_qty,
        target_qty=wanted,
        target_weight=goal.target_weight,
        reason=_reason(goal.held_qty, wanted),
    )


def _reason(held: Decimal, wanted: Decimal) -> str:
    if wanted == 0:
        return "not in the target"
    if held == 0:
        return "new in the target"
    return "below its target" if wanted > held else "above its target"


def _judged(line: Trade | Refusal, situation: Situation, equity: Decimal, bounds: limits.Bounds) -> Trade | Refusal:
    if isinstance(line, Refusal):
        return line
    found = limits.objection(proposal_of(line, situation, equity), bounds)
    return line if found is None else _refusal(line.symbol, line.side, found.limit, found.detail, line.notional)


def proposal_of(trade: Trade, situation: Situation, equity: Decimal) -> limits.Proposal:
    return limits.Proposal(
        symbol=trade.symbol,
        side=trade.side,
        qty=trade.qty,
        price=trade.price,
        held_qty=trade.held_qty,
        equity=equity,
        quote=situation.quotes.get(trade.symbol),
        asset=situation.assets.get(trade.symbol),
        trading=situation.trading,
        now=situation.now,
        reference=situation.references.get(trade.symbol),
        obstacle=situation.obstacle,
        foreign_orders=situation.foreign_orders.get(trade.symbol, ()),
    )


def _spendable(target: TargetPortfolioSet, situation: Situation, equity: Decimal, sells: tuple[Trade, ...]) -> Decimal:
    """Cash and what the sells should free; what may belong to a strategy that could not speak stays."""
    freed = sum((sell.notional for sell in sells), Decimal(0))
    return min(situation.account.cash, situation.account.buying_power) + freed - target.unknown_share * equity


def _resized(trade: Trade, qty: Decimal, reason: str) -> Trade:
    update = {"qty": qty, "notional": (qty * trade.price).quantize(_CENT), "reason": reason}
    return trade.model_copy(update=update)


def _starved(buy: Trade, spendable: Decimal) -> Refusal:
    return _refusal(buy.symbol, "buy", "cash", f"only ${spendable:.2f} can be spent", buy.notional)


def _refuse_all(symbol: str, target: TargetPortfolioSet, error: UnplannableError) -> Refusal:
    return _refusal(symbol, "buy" if target.weights.get(symbol) else "sell", error.limit, error.detail)


def _refusal(symbol: str, side: Side, limit: str, detail: str, notional: Decimal | None = None) -> Refusal:
    return Refusal(symbol=symbol, side=side, limit=limit, detail=detail, notional=notional)


def _why_no_price(quote: Quote | None) -> str:
    return "there is no quote" if quote is None else f"no two-sided quote: bid {quote.bid}, ask {quote.ask}"


def _shown(value: Decimal) -> Decimal:
    return value if value.is_finite() else Decimal(0)
