"""zipline wants a bundle on disk, written before the clock starts: prices in 1/1000, so they are given a hundredfold."""

# ruff: noqa: ANN001, ANN201, ARG001, E402, PLR0917 - scripts for another environment, written as a user of that tool would

import os
import sys
import tempfile
import warnings

os.environ["ZIPLINE_ROOT"] = tempfile.mkdtemp(prefix="zipline-")
warnings.filterwarnings("ignore")
import pandas as pd
import zipline
from common import CASH, LEVEL, SYMBOLS_A, closes, report, wilder_rsi
from zipline.api import order_target_percent, set_commission, set_slippage, symbol
from zipline.data.bundles import ingest, register
from zipline.finance import commission, slippage

FRAME = closes()
SCALE, MONEY = 100.0, 10_000.0
SESSIONS = FRAME.index


def write(environ, assets, minutes, daily, adjustments, calendar, start, end, cache, show, output):
    symbols = list(FRAME.columns)
    daily.write(((n, bars(FRAME[s])) for n, s in enumerate(symbols)), show_progress=False)
    spans = [(s, SESSIONS[0], SESSIONS[-1], SESSIONS[-1] + pd.Timedelta(days=1), "NYSE") for s in symbols]
    assets.write(
        equities=pd.DataFrame(spans, columns=["symbol", "start_date", "end_date", "auto_close_date", "exchange"])
    )
    adjustments.write()


def bars(column):
    price = column.bfill() * SCALE
    return pd.DataFrame({"open": price, "high": price, "low": price, "close": price, "volume": 1_000_000_000})


def free(context):
    set_commission(commission.NoCommission())
    set_slippage(slippage.FixedSlippage(spread=0.0))
    context.month = None


def monthly(context, data):
    today = data.current_session
    if today.month != context.month:
        context.month = today.month
        for s in SYMBOLS_A:
            order_target_percent(symbol(s), 1 / len(SYMBOLS_A))


def switch(context, data):
    today = data.current_session.tz_localize(None)
    hot = context.rsi.loc[today] >= LEVEL
    if hot or (today >= LISTED and context.rsi.loc[today] < LEVEL):
        order_target_percent(symbol("TQQQ"), 0.0 if hot else 1.0)
        order_target_percent(symbol("BIL"), 1.0 if hot else 0.0)


def switching(context):
    free(context)
    context.rsi = wilder_rsi(FRAME["SPY"])


LISTED = FRAME["TQQQ"].first_valid_index()


def run(initialize, handle_data):
    found = zipline.run_algorithm(
        start=SESSIONS[0],
        end=SESSIONS[-1],
        initialize=initialize,
        handle_data=handle_data,
        capital_base=CASH * MONEY,
        data_frequency="daily",
        bundle="closes",
        benchmark_returns=pd.Series(0.0, index=SESSIONS),
    )
    value = found["portfolio_value"] / MONEY
    value.index = SESSIONS[: len(value)]
    return value


register("closes", write, calendar_name="XNYS", start_session=SESSIONS[0], end_session=SESSIONS[-1])
stdout, sys.stdout = sys.stdout, sys.stderr
ingest("closes", show_progress=False)
sys.stdout = stdout
LATE = "filled at the next session's close, whole units"
report({"A": (lambda: run(free, monthly), LATE), "B": (lambda: run(switching, switch), LATE)}, 1, zipline.__version__)
