"""From what should be held and what is held to the trades between them: pure, Decimal all through.

Sells come before buys; each trade that a limit refuses is named with its reason; what cannot be known plans nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from services.execution.domain import grid
from services.execution.domain.broker import Account, Position
from services.execution.domain.docket import Docket, refusal
from services.execution.domain.limits import Bounds
from services.execution.domain.records import TargetLine
from services.execution.domain.situation import Situation
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
    allows_margin: bool = False
    """True pays with the broker's buying power, which may be borrowed; else with cash alone."""
    buy_margin_bps: Decimal = Decimal(20)
    """Buys are held to cost this much more than the midpoint: their last rung may pay the collar."""
    equity_tolerance: Decimal = Decimal("0.05")
    """How far our own sum of cash and positions may stand from the broker's equity before nothing is believed."""


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
    funds: Decimal = Decimal(0)
    """What buys may be paid with before any sell; `set_aside` of the money is not theirs."""
    set_aside: Decimal = Decimal(0)


class UnplannableError(ValueError):
    """Nothing can be planned at all: `limit` names what stands in the way."""

    def __init__(self, limit: str, detail: str) -> None:
        super().__init__(f"{limit}: {detail}")
        self.limit, self.detail = limit, detail


def symbols_of(target: TargetPortfolioSet, positions: Mapping[str, Position]) -> tuple[str, ...]:
    """Every symbol that a plan will look at."""
    held = (symbol for symbol, position in positions.items() if position.is_share and _EQUITY_SYMBOL.match(symbol))
    return tuple(sorted({*target.weights, *held}))


def draw_up(target: TargetPortfolioSet, situation: Situation, rules: PlanRules, bounds: Bounds) -> Plan:
    """The plan, or only refusals when the account or its equity cannot be trusted."""
    symbols = symbols_of(target, situation.positions)
    untouched = tuple(sorted(set(situation.positions) - set(symbols)))
    try:
        equity = _equity(situation, rules)
    except UnplannableError as error:
        refusals = tuple(_refuse_all(symbol, target, error) for symbol in symbols)
        return Plan(_shown(situation.account.equity), _shown(situation.account.cash), (), refusals, (), (), untouched)
    lines = [_line(symbol, target, situation, equity, rules) for symbol in symbols]
    unmade = tuple(line for line in lines if isinstance(line, Refusal))
    docket = Docket(situation, equity, bounds)
    sells = docket.let_through([line for line in lines if isinstance(line, Trade) and line.side == "sell"])
    buys = docket.let_through([line for line in lines if isinstance(line, Trade) and line.side == "buy"])
    whole = tuple(t.symbol for t in (*sells, *buys) if not situation.assets[t.symbol].is_fractionable)
    set_aside = (target.unknown_share * equity + situation.foreign_buys).quantize(_CENT)
    spendable = _spendable(situation, rules, sells) - set_aside
    fitted, starved = fit_buys(buys, spendable, whole, rules)
    return Plan(
        equity=equity,
        cash=situation.account.cash,
        trades=(*sells, *docket.paid_for(fitted, spendable)),
        refusals=(*unmade, *docket.refusals, *starved),
        whole_share_symbols=whole,
        funds=funds_of(situation.account, rules) - set_aside,
        set_aside=set_aside,
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
        return refusal(symbol, "buy", "short sale", f"{held} shares are held short; short positions are for a person")
    goal = _goal(symbol, target, situation, equity, rules)
    if goal is None or situation.fresh_price(symbol) is None:
        side: Side = "buy" if weight > 0 and held == 0 else "sell"
        return refusal(symbol, side, "quote", _why_no_price(situation.quotes.get(symbol)))
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


def funds_of(account: Account, rules: PlanRules) -> Decimal:
    """What the account may pay with now; NaN where that is not known, which pays for nothing."""
    if account.is_blocked or not (account.cash.is_finite() and account.buying_power.is_finite()):
        return Decimal("NaN")
    return account.buying_power if rules.allows_margin else min(account.cash, account.buying_power)


def _spendable(situation: Situation, rules: PlanRules, sells: tuple[Trade, ...]) -> Decimal:
    """The funds and what the sells should free, beside what is open already."""
    freed = sum((sell.notional for sell in sells), Decimal(0))
    return funds_of(situation.account, rules) + freed - situation.standing.open_buys


def _resized(trade: Trade, qty: Decimal, reason: str) -> Trade:
    update = {"qty": qty, "notional": (qty * trade.price).quantize(_CENT), "reason": reason}
    return trade.model_copy(update=update)


def _starved(buy: Trade, spendable: Decimal) -> Refusal:
    return refusal(buy.symbol, "buy", "cash", f"only ${spendable:.2f} can be spent", buy.notional)


def _refuse_all(symbol: str, target: TargetPortfolioSet, error: UnplannableError) -> Refusal:
    return refusal(symbol, "buy" if target.weights.get(symbol) else "sell", error.limit, error.detail)


def _why_no_price(quote: Quote | None) -> str:
    return "there is no quote" if quote is None else f"no two-sided quote: bid {quote.bid}, ask {quote.ask}"


def _shown(value: Decimal) -> Decimal:
    return value if value.is_finite() else Decimal(0)
