"""One strategy's parameters, each combination a backtest of its own, in a store that a later run goes on from.

A point's name in the store is a digest of all it depends on: strategy, parameters, data, period, conventions.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib
import itertools
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from backtest.conventions import Conventions, Costs, Fill, Shares
from backtest.engine import run
from backtest.history import History, read_closes, read_folder
from backtest.result import evaluate
from services.strategy.domain.engine import StrategyEngine
from services.strategy.domain.portfolio import PortfolioError, StrategyManager

Value = int | float | str
_NAME_LENGTH: Final = 24
_KEPT: Final = ("final_equity", "total_return", "cagr", "volatility", "sharpe", "sortino", "max_drawdown", "calmar", "turnover", "costs", "exposure")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ground:
    """What all points of a sweep share. `prices` is a file of closes or a folder, `digest` that of its content."""

    prices: str
    digest: str
    since: str | None
    until: str | None
    fill: str
    costs: str
    shares: str
    cash: float

    @property
    def conventions(self) -> Conventions:
        return Conventions(Fill(self.fill), Costs(self.costs), Shares(self.shares), self.cash)

    @property
    def period(self) -> tuple[dt.date | None, dt.date | None]:
        since, until = (None if day is None else dt.date.fromisoformat(day) for day in (self.since, self.until))
        return since, until


@dataclass(frozen=True, slots=True)
class Point:
    """`strategy` is module:factory, called with the parameters by name."""

    strategy: str
    parameters: dict[str, Value]
    ground: Ground

    @property
    def name(self) -> str:
        return hashlib.sha256(self.encode().encode()).hexdigest()[:_NAME_LENGTH]

    def encode(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def of(cls, text: str) -> Point:
        told = json.loads(text)
        return cls(told["strategy"], told["parameters"], Ground(**told["ground"]))


@dataclass(frozen=True, slots=True)
class Store:
    """One JSON file a point: written whole or not at all, so that what is there is done."""

    folder: Path

    def has(self, point: Point) -> bool:
        return self._path(point).exists()

    def read(self, point: Point) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._path(point).read_text(encoding="utf-8"))
        return found

    def write(self, point: Point, result: Mapping[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self.folder / f".{point.name}.{os.getpid()}"
        unfinished.write_text(json.dumps({**asdict(point), **result}), encoding="utf-8")
        unfinished.replace(self._path(point))

    def missing(self, points: Iterable[Point]) -> list[Point]:
        return [point for point in points if not self.has(point)]

    def _path(self, point: Point) -> Path:
        return self.folder / f"{point.name}.json"


def points_of(strategy: str, parameters: Mapping[str, Sequence[Value]], ground: Ground) -> tuple[Point, ...]:
    """Every combination, the last parameter changing first."""
    values = itertools.product(*parameters.values())
    return tuple(Point(strategy, dict(zip(parameters, combination, strict=True)), ground) for combination in values)


def work(point_text: str, folder: str) -> str:
    """The RQ job: the point, unless its result is there already. Doing it twice does no harm. Returns its name."""
    point, store = Point.of(point_text), Store(Path(folder))
    if not store.has(point):
        store.write(point, tested(point))
    return point.name


def tested(point: Point) -> dict[str, Any]:
    """Figures and the daily equity. Raises PortfolioError, HistoryError, PeriodError."""
    manager = StrategyManager()
    manager.add_strategy(_engine(point), Decimal(1))
    outcome = run(
        manager.allotments,
        _history(point.ground.prices, point.ground.digest),
        point.ground.conventions,
        point.ground.period,
    )
    said = evaluate(outcome).as_json()
    return {"figures": {name: said[name] for name in _KEPT}, "equity": said["equity"]}


def work_here(points: Sequence[Point], store: Store, tell: Callable[[str, int, int], None]) -> None:
    for number, point in enumerate(points):
        tell("points", number, len(points))
        work(point.encode(), str(store.folder))


def digest_of(prices: Path) -> str:
    """Of the content, so that changed data is a new sweep."""
    digest = hashlib.sha256()
    for file in sorted(prices.rglob("*.csv")) if prices.is_dir() else [prices]:
        digest.update(file.name.encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:_NAME_LENGTH]


def parameters_of(texts: Iterable[str]) -> dict[str, list[Value]]:
    """From `window=5,10,20`; numbers where they read as such. Raises PortfolioError."""
    return dict(_parameter(text) for text in texts)


def _parameter(text: str) -> tuple[str, list[Value]]:
    name, _, values = text.partition("=")
    if not name.isidentifier() or not values:
        raise PortfolioError(f"--param {text}: expected name=value,value such as window=5,10,20")
    return name, list(_values(values))


def _values(text: str) -> Iterator[Value]:
    for part in text.split(","):
        for kind in (int, float, str):
            try:
                yield kind(part.strip())
                break
            except ValueError:
                continue


def _engine(point: Point) -> StrategyEngine:
    module, _, factory = point.strategy.partition(":")
    try:
        engine: StrategyEngine = getattr(importlib.import_module(module), factory)(**point.parameters)
    except Exception as error:  # foreign code may raise anything
        told = ", ".join(f"{name}={value}" for name, value in point.parameters.items())
        raise PortfolioError(f"{point.strategy}({told}): {type(error).__name__}: {error}") from error
    return engine


@lru_cache(maxsize=2)
def _history(prices: str, _digest: str) -> History:
    """Read once a process; the digest keeps a changed file from being taken for the old one."""
    path = Path(prices)
    return (read_folder(path) if path.is_dir() else read_closes(path)).spelled_as_traded()
