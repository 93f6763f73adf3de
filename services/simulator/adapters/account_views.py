"""An account and its positions as Alpaca shows them, at the market's prices of an instant."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from services.simulator.adapters.wire import Json, instant
from services.simulator.domain.account import Account, Configuration, Position
from services.simulator.domain.exchange import Exchange
from services.simulator.domain.identity import asset_id
from services.simulator.domain.marks import Marks, last_close
from services.simulator.domain.numbers import ZERO, cents, plain
from services.simulator.domain.valuation import value

_MAINTENANCE = Decimal("0.3")


def account_json(exchange: Exchange, account: Account, now: dt.datetime) -> Json:
    valuation = value(account, exchange.marks.at(now))
    close = last_close(now)
    last_equity, last_gross = _worth_at(exchange.marks, account, close.close)
    fees = sum(account.accrued_fees.values(), ZERO)
    margin = valuation.multiplier > 1
    amounts = {
        "cash": valuation.cash,
        "buying_power": valuation.buying_power,
        "regt_buying_power": valuation.regt_buying_power,
        "non_marginable_buying_power": valuation.non_marginable_buying_power,
        "options_buying_power": valuation.non_marginable_buying_power,
        "equity": valuation.equity,
        "last_equity": last_equity,
        "portfolio_value": valuation.equity,
        "long_market_value": valuation.long_market_value,
        "short_market_value": valuation.short_market_value,
        "position_market_value": valuation.gross,
        "initial_margin": valuation.initial_margin,
        "maintenance_margin": valuation.maintenance_margin,
        "last_maintenance_margin": cents(last_gross * _MAINTENANCE),
        "accrued_fees": fees,
        "pending_reg_taf_fees": account.accrued_fees.get("TAF", ZERO),
        "pending_transfer_in": ZERO,
        "intraday_adjustments": ZERO,
        "sma": ZERO,
    }
    return {
        "id": account.id,
        "account_number": account.number,
        "status": "ACTIVE",
        "crypto_status": "INACTIVE",
        "currency": "USD",
        **{name: plain(amount) for name, amount in amounts.items()},
        "multiplier": str(valuation.multiplier),
        "trading_blocked": False,
        "transfers_blocked": False,
        "account_blocked": False,
        "trade_suspended_by_user": account.configuration.suspend_trade,
        "shorting_enabled": margin and not account.configuration.no_shorting,
        "created_at": instant(account.created_at),
        "balance_asof": close.date.isoformat(),
        "options_approved_level": 3,
        "options_trading_level": account.configuration.max_options_trading_level,
    }


def _worth_at(marks: Marks, account: Account, at: dt.datetime) -> tuple[Decimal, Decimal]:
    """Equity and gross position value at a past instant."""
    holdings = account.ledger.holdings(at)
    worth = [cents(qty * (marks.last(symbol, at) or ZERO)) for symbol, qty in holdings.shares.items()]
    return cents(holdings.cash) + sum(worth, ZERO), sum((abs(amount) for amount in worth), ZERO)


def position_json(exchange: Exchange, account: Account, position: Position, now: dt.datetime) -> Json:
    symbol, qty = position.symbol, position.qty
    close = last_close(now).close
    price = exchange.marks.last(symbol, now) or position.avg_entry_price
    last_day = exchange.marks.last(symbol, close) or price
    # Shares bought today have gained since they were bought, the others since yesterday's close.
    held_before = account.ledger.holdings(close).shares.get(symbol, ZERO) != 0
    reference = last_day if held_before else position.avg_entry_price
    market_value, cost = cents(qty * price), cents(position.cost_basis)
    intraday = cents(qty * (price - reference))
    return {
        "asset_id": asset_id(symbol),
        "symbol": symbol,
        "exchange": exchange.listings[symbol].exchange,
        "asset_class": "us_equity",
        "asset_marginable": True,
        "qty": plain(qty),
        "qty_available": plain(account.available(symbol)),
        "avg_entry_price": plain(round(position.avg_entry_price, 6)),
        "side": "long" if qty > 0 else "short",
        "market_value": plain(market_value),
        "cost_basis": plain(cost),
        "unrealized_pl": plain(market_value - cost),
        "unrealized_plpc": _ratio(market_value - cost, abs(cost)),
        "unrealized_intraday_pl": plain(intraday),
        "unrealized_intraday_plpc": _ratio(intraday, abs(qty * reference)),
        "current_price": plain(price),
        "lastday_price": plain(last_day),
        "change_today": _ratio(price - last_day, last_day),
    }


def _ratio(part: Decimal, whole: Decimal) -> str:
    return "0" if whole == 0 else plain(round(part / whole, 6))


def configuration_json(configuration: Configuration) -> Json:
    """Without the pattern-day-trader fields, which ended on 2026-07-06."""
    return {
        "fractional_trading": configuration.fractional_trading,
        "max_margin_multiplier": str(configuration.max_margin_multiplier),
        "max_options_trading_level": configuration.max_options_trading_level,
        "no_shorting": configuration.no_shorting,
        "suspend_trade": configuration.suspend_trade,
        "trade_confirm_email": configuration.trade_confirm_email,
        "ptp_no_exception_entry": configuration.ptp_no_exception_entry,
        "disable_overnight_trading": configuration.disable_overnight_trading,
    }
