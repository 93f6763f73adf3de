"""Every Prometheus name of the house, in one place. Nothing counts by itself: hooks and listeners do."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SLOW = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)

# The runner, in every service
MESSAGES_HANDLED = Counter("alchemiser_messages_handled_total", "Messages handled and committed", ["service", "kind"])
MESSAGES_FAILED = Counter(
    "alchemiser_messages_failed_total", "Handler failures, retried or buried", ["service", "kind"]
)
MESSAGES_BURIED = Counter("alchemiser_messages_buried_total", "Messages moved to the dead letters", ["service"])
HANDLE_SECONDS = Histogram("alchemiser_handle_seconds", "From delivery to commit", ["service", "kind"], buckets=_FAST)
MESSAGE_AGE_SECONDS = Histogram(
    "alchemiser_message_age_seconds", "From writing to delivery", ["service", "kind"], buckets=_FAST
)
STREAM_PENDING = Gauge("alchemiser_stream_pending", "Entries delivered and not finished", ["service", "stream"])
DEAD_LETTERS = Gauge("alchemiser_dead_letters", "Entries in the dead letters")
UP_PARTS = Gauge("alchemiser_part_up", "1 while that part of the process runs", ["service", "part"])

# Market data
QUOTES_RECEIVED = Counter("alchemiser_quotes_received_total", "Quotes taken in", ["source"])
QUOTES_REFUSED = Counter("alchemiser_quotes_refused_total", "Quotes and bars not taken, by reason", ["reason"])
QUOTES_DROPPED = Counter("alchemiser_quotes_dropped_total", "Observations thrown away because the inbox was full")
QUOTE_LAG_SECONDS = Histogram(
    "alchemiser_quote_lag_seconds", "From the quote's time to its arrival here", buckets=_FAST
)
FEED_STATE = Gauge("alchemiser_feed_state", "1 for the state the feed is in", ["state"])
HISTORY_REQUESTS = Counter("alchemiser_history_requests_total", "Daily history fetches", ["source", "result"])
DATA_FINDINGS = Counter("alchemiser_data_findings_total", "Findings in kept daily histories", ["gate", "verdict"])

# Strategy
DECISIONS = Counter("alchemiser_decisions_total", "Decisions by strategy and status", ["strategy", "status"])
DECISION_SECONDS = Histogram("alchemiser_decision_seconds", "One whole run: inputs to target", buckets=_FAST)

# Execution
ORDERS = Counter("alchemiser_orders_total", "Order facts by what happened", ["event", "side"])
ORDER_ACK_SECONDS = Histogram(
    "alchemiser_order_ack_seconds", "From sending an order to the broker's answer", buckets=_FAST
)
ORDER_FILL_SECONDS = Histogram(
    "alchemiser_order_fill_seconds", "From first sending to completely filled", buckets=_SLOW
)
ORDER_SLIPPAGE_BPS = Histogram(
    "alchemiser_order_slippage_bps",
    "Paid against the arrival mid, basis points; negative is better",
    ["side"],
    buckets=(-20, -10, -5, -2, -1, -0.5, 0, 0.5, 1, 2, 5, 10, 20, 50),
)
_BPS = (-20, -10, -5, -2, -1, -0.5, 0, 0.5, 1, 2, 5, 10, 20, 50)
ORDER_SHORTFALL_BPS = Histogram(
    "alchemiser_order_shortfall_bps",
    "From the decision to the end of an order, basis points of all it wanted; negative is better",
    ["side"],
    buckets=_BPS,
)
EFFECTIVE_SPREAD_BPS = Histogram(
    "alchemiser_fill_effective_spread_bps", "Twice a fill's distance from the midpoint it met", ["rung"], buckets=_BPS
)
REALISED_SPREAD_BPS = Histogram(
    "alchemiser_fill_realised_spread_bps", "The same from the midpoint some time after it", ["rung"], buckets=_BPS
)
COST_DOLLARS = Counter(
    "alchemiser_order_cost_dollars_total",
    "Dollars of delay, execution and opportunity, and what a market order on arrival would have cost more",
    ["part", "direction"],
)
COSTS_UNKNOWN = Counter("alchemiser_order_costs_unknown_total", "Orders of which that part is not known", ["part"])
FILL_COST_DOLLARS = Counter(
    "alchemiser_fill_cost_dollars_total", "Dollars paid against the midpoint at arrival", ["rung", "direction"]
)
FILL_DOLLARS = Counter(
    "alchemiser_fill_dollars_total", "Dollars filled whose cost against the arrival is known", ["rung"]
)
FILLED_NOTIONAL = Counter("alchemiser_filled_notional_dollars_total", "Dollars filled", ["side"])
TARGET_TO_FIRST_ORDER_SECONDS = Histogram(
    "alchemiser_target_to_first_order_seconds", "From target published to first order accepted", buckets=_FAST
)
REBALANCES = Counter("alchemiser_rebalances_total", "Rebalances by outcome", ["outcome"])
BROKER_CALLS = Counter("alchemiser_broker_calls_total", "Calls to the broker by result", ["call", "result"])
STRATEGY_PROFIT = Gauge(
    "alchemiser_strategy_profit_dollars", "Made since the books began, at the broker's last prices", ["strategy"]
)
STRATEGY_VALUE = Gauge("alchemiser_strategy_value_dollars", "What a strategy's shares are worth", ["strategy"])
BOOKS_DIFFERENCES = Gauge(
    "alchemiser_books_differences", "Symbols (and cash) in which our books differ from the broker's"
)
TRADING_STATE = Gauge("alchemiser_trading_state", "1 for the state trading is in", ["state"])
DAILY_LOSS = Gauge("alchemiser_daily_loss_ratio", "Equity lost since the session before; negative is a profit")
DRAWDOWN = Gauge("alchemiser_drawdown_ratio", "Equity lost since its highest mark")
REFUSALS = Counter("alchemiser_refusals_total", "Trades and orders refused, by limit", ["limit"])
EQUITY = Gauge("alchemiser_equity_dollars", "Account equity as last seen")
WORKER_EVENTS_LAG_SECONDS = Histogram(
    "alchemiser_fill_to_position_seconds", "From a fill event to the position updated", buckets=_FAST
)

# Notifier
MAILS = Counter("alchemiser_mails_total", "Mails and chat messages by result", ["channel", "result"])

# Simulator
SIMULATOR_REQUESTS = Counter(
    "alchemiser_simulator_requests_total", "Requests to the simulator", ["method", "area", "status"]
)
SIMULATOR_REQUEST_SECONDS = Histogram(
    "alchemiser_simulator_request_seconds", "From a request to the simulator to its answer", ["area"], buckets=_FAST
)
