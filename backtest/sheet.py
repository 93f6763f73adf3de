"""The tear sheet: one HTML file with its plots, styles and hover data inside, so that it opens from the file system."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import jinja2
import numpy as np

from backtest import plots, statistics
from backtest.result import Result
from services.strategy.domain.indicators import FloatArray

_OURS: Final = "var(--ours)"
_BENCHMARKS: Final = ("var(--b1)", "var(--b2)", "var(--b3)", "var(--b4)")
_LAYERS: Final = (
    "#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#b07aa1", "#76b7b2", "#edc948", "#9c755f", "#ff9da7", "#86bcb6",
)  # fmt: skip
_OTHERS, _CASH = "#8a8f98", "var(--grid)"
_ROLLING: Final = 126
_MOST_BRANCHES: Final = 25
_FULL_HEAT: Final = 0.15
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Cell:
    """One month of the heat map; `heat` from -1 (deep loss) to 1."""

    text: str
    heat: float


def tear_sheet(result: Result, title: str) -> str:
    """The page's HTML."""
    house = jinja2.Environment(
        loader=jinja2.PackageLoader("backtest"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    return house.get_template("tear_sheet.html.jinja").render(
        title=title,
        result=result,
        sessions=result.outcome.sessions,
        cards=_cards(result),
        charts=_charts(result),
        allocation=_allocation(result),
        rows=_figure_rows(result),
        months=_MONTHS,
        years=_years(result),
        walked=result.walked,
        walked_figures=_WALKED,
        strategies=_strategies(result),
        branches=sorted(result.contributions.branches, key=lambda b: -abs(b.dollars))[:_MOST_BRANCHES],
        window=_window(result),
        more_branches=max(0, len(result.contributions.branches) - _MOST_BRANCHES),
        largest=max((abs(b.dollars) for b in result.contributions.branches), default=1.0) or 1.0,
        hover=_hover(result),
        left=plots.LEFT,
        width=plots.WIDTH,
        percent=percent,
        dollars=dollars,
    )


def percent(value: float | None, digits: int = 1) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value * 100:,.{digits}f} %"  # noqa: RUF001


def dollars(value: float) -> str:
    """Short where it is long: $1.2M."""
    size, sign = abs(value), "-" if value < 0 else ""
    for unit, name in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e4, "k")):
        if size >= unit:
            scaled = size / (1e3 if name == "k" else unit)
            return f"{sign}${scaled:,.3g}{name}" if scaled < 1000 else f"{sign}${scaled:,.0f}{name}"  # noqa: PLR2004
    return f"{sign}${size:,.0f}"


def _ratio(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "–"  # noqa: RUF001


_WALKED: Final = (("sharpe", _ratio), ("cagr", percent), ("volatility", percent), ("max_drawdown", percent))


def _cards(result: Result) -> list[tuple[str, str, str]]:
    """(name, figure, beside the first benchmark)."""
    found = result.figures
    other = statistics.of_returns(result.benchmarks[0].returns) if result.benchmarks else {}
    against = result.benchmarks[0].symbol if result.benchmarks else ""

    def beside(name: str, text: str) -> str:
        return f"{against} {text}" if name in other else ""

    started = dollars(result.outcome.conventions.cash)
    return [
        ("Final equity", dollars(found["final_equity"]), f"from {started}"),
        *(
            (title, say(found[name]), beside(name, say(other.get(name, math.nan))))
            for title, name, say in (
                ("CAGR", "cagr", percent),
                ("Volatility", "volatility", percent),
                ("Sharpe", "sharpe", _ratio),
                ("Sortino", "sortino", _ratio),
                ("Max drawdown", "max_drawdown", percent),
            )
        ),
        ("Turnover a year", f"{found['turnover']:.1f}x", f"costs {dollars(found['costs'])}"),
    ]


def _charts(result: Result) -> dict[str, plots.Chart]:
    sessions, cash = result.outcome.sessions, result.outcome.conventions.cash
    coloured = list(zip(result.benchmarks, _BENCHMARKS, strict=False))
    falls = [(b.symbol, c, statistics.drawdowns(b.curve)) for b, c in coloured]
    window = _window(result)

    def rolling(of: Any, name: str, say: Any) -> plots.Chart:
        lines = [("portfolio", _OURS, of(result.returns, window))]
        lines += [(b.symbol, c, of(b.returns, window)) for b, c in coloured]
        return plots.line_chart(name, sessions[1:], lines, say, height=180)

    return {
        "equity": plots.line_chart(
            "equity",
            sessions,
            [("portfolio", _OURS, result.curve), *((b.symbol, c, b.curve * cash) for b, c in coloured)],
            dollars,
            height=340,
            is_log=True,
        ),
        "drawdown": plots.line_chart(
            "drawdown",
            sessions,
            [("portfolio", _OURS, statistics.drawdowns(result.curve)), *falls],
            lambda v: percent(v, 0),
            height=200,
            filled=True,
        ),
        "sharpe": rolling(statistics.rolling_sharpe, "sharpe", _ratio),
        "volatility": rolling(statistics.rolling_volatility, "volatility", lambda v: percent(v, 0)),
    }


def _window(result: Result) -> int:
    """Half a year, or less where there is little."""
    return max(5, min(_ROLLING, len(result.returns) // 4))


def _layers(result: Result) -> list[tuple[str, str, FloatArray]]:
    """The symbols held most, the rest together, and cash."""
    outcome = result.outcome
    shares = outcome.positions / outcome.equity[:, None]
    order = [int(p) for p in np.argsort(-shares.mean(axis=0), kind="stable") if shares[:, p].any()]
    top, rest = order[: len(_LAYERS)], order[len(_LAYERS) :]
    layers = [(outcome.symbols[p], colour, shares[:, p]) for p, colour in zip(top, _LAYERS, strict=False)]
    if rest:
        layers.append((f"{len(rest)} others", _OTHERS, shares[:, rest].sum(axis=1)))
    cash = np.maximum(outcome.cash / outcome.equity, 0.0)
    return [*layers, ("cash", _CASH, cash)] if cash.max() > 0.01 or not layers else layers  # noqa: PLR2004 - a visible band


def _allocation(result: Result) -> plots.Chart:
    return plots.stacked_chart("allocation", result.outcome.sessions, _layers(result))


def _figure_rows(result: Result) -> list[tuple[str, list[str]]]:
    ours = result.figures
    others = [statistics.of_returns(b.returns) for b in result.benchmarks]
    rows = []
    for name, value in ours.items():
        say = _said(name)
        rows.append((name.replace("_", " "), [say(value), *(say(o[name]) if name in o else "" for o in others)]))
    return rows


def _said(name: str) -> Any:
    if name in {"final_equity", "starting_cash", "costs", "spread_costs", "fees"}:
        return lambda v: f"${v:,.2f}"
    if name in {"trades", "sessions", "longest_drawdown_sessions"}:
        return lambda v: f"{v:,.0f}"
    return _ratio if name in {"sharpe", "sortino", "calmar", "turnover", "years"} else lambda v: percent(v, 2)


def _years(result: Result) -> list[tuple[int, list[Cell | None], Cell]]:
    totals = statistics.yearly_returns(result.monthly)
    return [
        (year, [_cell(inside[month]) if month in inside else None for month in range(1, 13)], _cell(totals[year], 3.0))
        for year, inside in result.monthly.items()
    ]


def _cell(value: float, width: float = 1.0) -> Cell:
    digits = 1 if abs(value) < 1 else 0
    return Cell(f"{value * 100:,.{digits}f}", round(max(-1.0, min(1.0, value / (_FULL_HEAT * width))), 3))


def _strategies(result: Result) -> list[tuple[str, float, float]]:
    """(name, share, dollars)."""
    parts = result.contributions.strategies
    return [
        (d.allotment.name, float(d.allotment.share), parts[d.allotment.name]) for d in result.outcome.targets.decided
    ]


def _hover(result: Result) -> str:
    """What the pointer reads: sessions and series by chart."""
    cash, window = result.outcome.conventions.cash, _window(result)
    named: Sequence[tuple[str, FloatArray, FloatArray]] = [
        ("portfolio", result.curve, result.returns),
        *((b.symbol, b.curve * cash, b.returns) for b in result.benchmarks),
    ]
    lead = np.full(1, np.nan)
    data = {
        "dates": [day.isoformat() for day in result.outcome.sessions],
        "equity": {name: _rounded(curve) for name, curve, _ in named},
        "drawdown": {name: _rounded(statistics.drawdowns(curve)) for name, curve, _ in named},
        "sharpe": {n: _rounded(np.concatenate((lead, statistics.rolling_sharpe(r, window)))) for n, _, r in named},
        "volatility": {
            n: _rounded(np.concatenate((lead, statistics.rolling_volatility(r, window)))) for n, _, r in named
        },
        "allocation": {name: _rounded(shares, 3) for name, _, shares in _layers(result)},
    }
    # "</" would end the script element.
    return json.dumps(data, separators=(",", ":")).replace("</", "<\\/")


def _rounded(values: FloatArray, digits: int = 4) -> list[float | None]:
    return [round(v, digits) if math.isfinite(v) else None for v in values.tolist()]
