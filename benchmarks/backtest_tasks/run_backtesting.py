# ruff: noqa: ANN201, E402 - scripts for another environment, written as a user of that tool would

import warnings

warnings.filterwarnings("ignore")
import backtesting
from backtesting import Backtest, Strategy
from common import CASH, LEVEL, closes, report, wilder_rsi

FRAME = closes()
SCALE = 1e7  # the library trades whole units: of a price ten million times smaller


class Switch(Strategy):
    def init(self):
        self.rsi = self.I(lambda: wilder_rsi(FRAME["SPY"]).to_numpy(), plot=False)

    def next(self):
        if self.rsi[-1] >= LEVEL:
            if self.position:
                self.position.close()
        elif not self.position and self.data.index[-1] >= LISTED:
            self.buy()


LISTED = FRAME["TQQQ"].first_valid_index()


def task_b():
    column = FRAME["TQQQ"].bfill() / SCALE
    ohlc = column.to_frame("Close").assign(Open=column, High=column, Low=column)[["Open", "High", "Low", "Close"]]
    found = Backtest(ohlc, Switch, cash=CASH, commission=0, trade_on_close=True, finalize_trades=False).run()
    return found["_equity_curve"]["Equity"]


report({"B": (task_b, "one asset only: cash in place of BIL; task A is impossible")}, 3, backtesting.__version__)
