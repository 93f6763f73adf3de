# ruff: noqa: ANN001, ANN201, ANN204 - scripts for another environment, written as a user of that tool would

import backtrader as bt
import pandas as pd
from common import CASH, LEVEL, SYMBOLS_A, WINDOW, closes, report

FRAME = closes()
ALMOST = 1 - 1e-9  # a buy that overspends by the last bit of a float is refused


class Fractions(bt.CommissionInfo):
    """Fractional shares, which the library's own sizing cuts."""

    def getsize(self, price, cash):
        return self.p.leverage * (cash / price)


class Recorded(bt.Strategy):
    def __init__(self):
        self.equity = {}

    def note(self):
        self.equity[self.data.datetime.date(0)] = self.broker.getvalue()

    def go(self, targets):
        """Sells first, so that the cash is there."""
        worth = {data: self.broker.getposition(data).size * data.close[0] for data in targets}
        total = self.broker.getvalue()
        for data, share in sorted(targets.items(), key=lambda item: item[1] * total - worth[item[0]]):
            self.order_target_percent(data, share * ALMOST)


class Monthly(Recorded):
    def next(self):
        today = self.data.datetime.date(0)
        if len(self) == 1 or self.data.datetime.date(-1).month != today.month:
            self.go({data: 1 / len(self.datas) for data in self.datas})
        self.note()


class Switch(Recorded):
    def __init__(self):
        super().__init__()
        self.rsi = bt.ind.RSI_Safe(self.datas[0].close, period=WINDOW, movav=bt.ind.SmoothedMovingAverage)

    def prenext(self):
        self.note()

    def next(self):
        _, tqqq, bil = self.datas
        if self.rsi[0] >= LEVEL:
            self.go({tqqq: 0.0, bil: 1.0})
        elif self.data.datetime.date(0) >= LISTED:
            self.go({tqqq: 1.0, bil: 0.0})
        self.note()


LISTED = FRAME["TQQQ"].first_valid_index().date()


def run(strategy, symbols):
    cerebro = bt.Cerebro(stdstats=False)
    for symbol in symbols:
        column = FRAME[symbol].bfill()
        ohlc = pd.DataFrame(dict.fromkeys(("open", "high", "low", "close"), column)).assign(volume=1e12)
        cerebro.adddata(bt.feeds.PandasData(dataname=ohlc, openinterest=None), name=symbol)
    cerebro.broker.setcash(CASH)
    cerebro.broker.addcommissioninfo(Fractions())
    cerebro.broker.set_coc(True)
    cerebro.broker.set_checksubmit(False)
    cerebro.addstrategy(strategy)
    return pd.Series(cerebro.run()[0].equity)


report(
    {"A": (lambda: run(Monthly, SYMBOLS_A), ""), "B": (lambda: run(Switch, ["SPY", "TQQQ", "BIL"]), "")},
    2,
    bt.__version__,
)
