"""KLM written again as plain loops and dictionaries, from the rules' text: the independent side of its differential test."""

# ruff: noqa: PLR0911 - the tables have as many ends

from __future__ import annotations

import math
import statistics
from collections.abc import Callable

from tests.unit.strategy.loops import History, NotKnownError, wilder

Weights = dict[str, float]
Rule = Callable[[int], Weights]
OVERBOUGHT = {
    "QQQE": 79,
    "VTV": 79,
    "VOX": 79,
    "TECL": 79,
    "VOOG": 79,
    "VOOV": 79,
    "XLP": 75,
    "TQQQ": 79,
    "XLY": 80,
    "FAS": 80,
    "SPY": 80,
}
VB_STRONGEST = {"UVXY": 2 / 3, "VIXM": 1 / 3}
VB_STRONG = {"UVXY": 1 / 3, "VXX": 1 / 3, "VIXM": 1 / 3}
VB = {"VIXY": 1 / 3, "VXX": 1 / 3, "VIXM": 1 / 3}
METALS = {"GLD": 0.5, "SLV": 0.25, "PDBC": 0.25}


class Klm:
    def __init__(self, history: History, days: int) -> None:
        self.h = history
        self.days = days
        self.rules: dict[str, Rule] = {
            "506/38": lambda d: self.flow(d, lambda d: {"FNGU": 1.0}, self.three_currencies),
            "1280/26": lambda d: self.flow(d, self.two_oversold, self.bear_or_bond, pop="", labu=True),
            "1200/28": lambda d: self.flow(d, self.lowest_rsi("TECL", "SOXL", "SVIX"), self.bear_or_bond),
            "520/22": lambda d: self.flow(d, self.lowest_rsi("TECL", "SVIX"), self.three_of_seven),
            "530/18": self.v530,
            "410/38": lambda d: self.flow(d, lambda d: {"FNGU": 1.0}, self.three_currencies),
            "Nova": lambda d: self.flow(d, self.stock, self.three_currencies, pop="UVIX"),
            "830/21": lambda d: self.flow(d, self.highest_rsi("TECL", "SOXL", "SVIX"), self.bonds),
        }
        self.decisions = {name: self.every_day(rule) for name, rule in self.rules.items()}

    # --- the ensemble
    def decide(self, day: int) -> Weights:
        """The variant whose own five daily returns deviate most, the first of equals."""
        deviations = {}
        for name, decisions in self.decisions.items():
            if day >= 5 and all(decisions[d] is not None for d in range(day - 5, day + 1)):
                returns = [self.own_return(decisions[d - 1], d) for d in range(day - 4, day + 1)]
                if not any(math.isnan(value) for value in returns):
                    deviations[name] = statistics.stdev(returns)
        if not deviations:
            raise NotKnownError
        best = max(deviations.values())
        winner = next(name for name, deviation in deviations.items() if best - deviation < 1e-12)
        return dict(self.decisions[winner][day] or {})

    def own_return(self, held: Weights | None, day: int) -> float:
        closes = self.h.closes
        return sum(w * (closes[s][day] / closes[s][day - 1] - 1) for s, w in (held or {}).items())

    def every_day(self, rule: Rule) -> list[Weights | None]:
        found: list[Weights | None] = []
        for day in range(self.days):
            try:
                weights = rule(day)
                listed = all(not math.isnan(self.h.closes[symbol][day]) for symbol in weights)
                found.append(weights if listed else None)
            except NotKnownError:
                found.append(None)
        return found

    # --- rankings
    def ranked(self, symbols: tuple[str, ...], value: Callable[[str], float], count: int, *, up: bool) -> Weights:
        known = []
        for place, symbol in enumerate(symbols):
            try:
                known.append((value(symbol) if up else -value(symbol), -place, symbol))
            except NotKnownError:
                continue
        if not known:
            raise NotKnownError
        best = sorted(known, reverse=True)[:count]
        return {symbol: 1 / len(best) for _, _, symbol in best}

    def lowest_rsi(self, *symbols: str, count: int = 1) -> Rule:
        return lambda d: self.ranked(symbols, lambda s: self.h.rsi(s, 10, d), count, up=False)

    def highest_rsi(self, *symbols: str, count: int = 1) -> Rule:
        return lambda d: self.ranked(symbols, lambda s: self.h.rsi(s, 10, d), count, up=True)

    def calmest(self, day: int, count: int, *symbols: str) -> Weights:
        return self.ranked(symbols, lambda s: self.h.stdev_return(s, 6, day), count, up=False)

    # --- legs
    def two_oversold(self, day: int) -> Weights:
        return self.lowest_rsi("TECL", "SOXL", "SVIX", count=2)(day)

    def bear_or_bond(self, day: int) -> Weights:
        return self.highest_rsi("SQQQ", "TLT")(day)

    def three_currencies(self, day: int) -> Weights:
        return self.calmest(day, 1, "UUP", "FTLS", "KMLM")

    def three_of_seven(self, day: int) -> Weights:
        return self.calmest(day, 3, "TMV", "TMF", "SVXY", "VIXM", "FTLS", "KMLM", "UUP")

    def stock(self, day: int) -> Weights:
        names = ("FNGO", "TSLA", "MSFT", "AAPL", "NVDA", "GOOGL", "AMZN")
        return self.ranked(names, lambda s: self.h.rsi(s, 11, day), 1, up=True)

    def bonds(self, day: int) -> Weights:
        if self.h.mean_return("BND", 20, day) > 0:
            return self.lowest_rsi("KMLM", "SPLV")(day)
        return self.highest_rsi("TLT", "LABD", "TZA")(day)

    # --- O S P K
    def flow(self, day: int, tech: Rule, rotator: Rule, *, pop: str = "UVXY", labu: bool = False) -> Weights:
        rsi = self.h.rsi
        for symbol, level in OVERBOUGHT.items():
            if rsi(symbol, 10, day) > level:
                return {"UVXY": 1.0}
        if pop and rsi(pop, 21, day) > 65:
            return {"VIXM": 1.0} if rsi("SPY", 21, day) > 30 else {"SPXL": 1.0}
        for symbol, bought in (("TQQQ", "TECL"), ("SOXL", "SOXL"), ("SPXL", "SPXL")):
            if rsi(symbol, 10, day) < 30:
                return {bought: 1.0}
        if labu and rsi("LABU", 10, day) < 25:
            return {"LABU": 1.0}
        return tech(day) if rsi("XLK", 10, day) > rsi("KMLM", 10, day) else rotator(day)

    # --- 530/18
    def v530(self, day: int) -> Weights:  # noqa: PLR0912 - one branch per row of the table
        rsi = self.h.rsi
        for symbol, level in (("SPY", 80), ("IOO", 80), ("QQQ", 79)):
            if rsi(symbol, 10, day) > level:
                return VB_STRONGEST if rsi(symbol, 10, day) > 82.5 else VB_STRONG
        for symbol, level in (("VTV", 79), ("XLP", 77), ("XLF", 81)):
            if rsi(symbol, 10, day) > level:
                return VB_STRONG if rsi(symbol, 10, day) > 85 else VB
        if rsi("RETL", 10, day) > 82:
            return VB if rsi("RETL", 10, day) > 85 else {"BTAL": 0.5, "BIL": 0.5}
        if rsi("SPY", 70, day) > 63:
            return self.halves(day)
        if rsi("VOX", 10, day) > 79:
            return VB
        if rsi("XLP", 10, day) > 75:
            return VB
        if self.h.cumulative("TQQQ", 6, day) < -12:
            if self.h.cumulative("TQQQ", 1, day) > 5.5:
                return VB_STRONG
            for symbol, level, bought in (("TQQQ", 31, "TECL"), ("SOXL", 30, "SOXL"), ("SPXL", 30, "SPXL")):
                if rsi(symbol, 10, day) < level:
                    return {bought: 1.0}
            return self.f(day)
        average = self.h.sma("SPY", 200, day)
        if self.h.close("SPY", day) > average:
            if self.h.sma("SPY", 3, day) < average:
                return self.highest_rsi("TQQQ", "SPXL", "TMF", count=2)(day)
            return self.f(day)
        if self.h.sma("SPY", 3, day) > average:
            return self.highest_rsi("SQQQ", "SPXU", "TMF", "TMV", count=2)(day)
        return self.g(day)

    def halves(self, day: int) -> Weights:
        rsi = self.h.rsi
        stocks = dict.fromkeys(("TQQQ", "SPXL", "SOXL", "FNGU", "ERX"), 0.2)
        first = stocks if rsi("AGG", 15, day) > rsi("QQQ", 15, day) else METALS
        hot = any(rsi("QQQ", window, day) > level for window, level in ((90, 60), (14, 80), (5, 90), (3, 95)))
        second = {"VIXY": 1.0} if hot else METALS
        return {s: (first.get(s, 0.0) + second.get(s, 0.0)) / 2 for s in {**first, **second}}

    def half_leader(self, day: int) -> Weights:
        names = ("FNGU", "SPXL", "XLE", "XLK", "AGG")
        (leader,) = self.ranked(names, lambda s: self.h.mean_return(s, 20, day), 1, up=True)
        return {"FNGU": 1.0} if leader == "FNGU" else {"FNGU": 0.5, leader: 0.5}

    def composite_rsi(self, day: int) -> float:
        """RSI10 of what a hundred dollars in the half-and-half make, rebalanced to it every day."""
        if self._cache is None:
            decisions, path = self.every_day(self.half_leader), []
            for d, weights in enumerate(decisions):
                before = path[-1] if path else math.nan
                growth = 1 + self.own_return(decisions[d - 1], d) if d and decisions[d - 1] else math.nan
                grown = before * growth
                path.append(math.nan if weights is None else 100.0 if math.isnan(grown) else grown)
            self._cache = wilder(path, 10)
        return self.h.known(self._cache[day])

    _cache: list[float] | None = None

    def f(self, day: int) -> Weights:
        if self.h.rsi("XLK", 10, day) <= self.h.rsi("KMLM", 10, day):
            return self.calmest(day, 3, "SVXY", "VIXM", "FTLS", "KMLM", "UUP")
        value = lambda name: self.composite_rsi(day) if name == "composite" else self.h.rsi(name, 10, day)  # noqa: E731 - one line reads best
        (lowest,) = self.ranked(("TECL", "SVXY", "composite"), value, 1, up=False)
        return self.half_leader(day) if lowest == "composite" else {lowest: 1.0}

    def g(self, day: int) -> Weights:
        rsi = self.h.rsi
        if rsi("QQQ", 10, day) < 31:
            return {"TECL": 1.0}
        if rsi("SPY", 10, day) < 30:
            return {"UPRO": 1.0}
        if self.h.cumulative("QQQ", 60, day) < -12:
            return {"BIL": 1.0}
        if self.h.close("TQQQ", day) > self.h.sma("TQQQ", 20, day):
            return {"PSQ": 1.0} if rsi("PSQ", 10, day) < 32.5 else self.f(day)
        return {"PSQ": 1.0} if rsi("IEF", 10, day) > rsi("PSQ", 20, day) else {"QID": 1.0}
