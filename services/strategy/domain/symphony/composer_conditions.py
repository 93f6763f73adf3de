"""The conditions of Composer's JSON: flat fields in older and newer spellings, and the blocks of newer exports."""

from __future__ import annotations

from typing import Any, Final

from services.strategy.domain.indicators import DEFAULT_WINDOWS, Indicator
from services.strategy.domain.symphony.json_part import Part
from services.strategy.domain.symphony.sharing import Shared
from services.strategy.domain.symphony.symphony import SymphonyError
from services.strategy.domain.symphony.vocabulary import BY_COMPOSER_NAME, COMPARATORS
from services.strategy.domain.tree import AllOf, AnyOf, Comparison, Measure, Metric, Number, Operand, Test

CONDITION_FIELDS: Final = frozenset(
    {
        *("condition", "lhs-fn", "lhs-val", "lhs-fn-params", "lhs-window-days", "comparator"),
        *("rhs-fixed-value?", "rhs-val", "rhs-fn", "rhs-fn-params", "rhs-window-days"),
    }
)
_EACH: Final = "%"
"""What stands for every ticker of a binary-compound in turn."""
_OPERATORS: Final[dict[str, type[AnyOf | AllOf]]] = {"any": AnyOf, "all": AllOf}
_DEEPEST: Final = 50


class Conditions:
    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    def test(self, branch: Part) -> Test:
        """Where a block stands it decides; the flat fields beside it are what an older editor would show."""
        block = branch.get("condition")
        return self._flat(branch) if block.value is None else self._block(block, 0)

    # --- flat fields
    def _flat(self, branch: Part) -> Test:
        left = self._measure(self.metric(branch, "lhs"), branch.get("lhs-val").symbol())
        operator = branch.get("comparator").one_of(COMPARATORS)
        return self._shared.value(Comparison(left, operator, self._right(branch)))

    def _right(self, branch: Part) -> Operand:
        is_fixed = branch.flag("rhs-fixed-value?") or branch.get("rhs-fn").value is None
        if is_fixed:
            return Number(branch.get("rhs-val").number("a number (with rhs-fn, an indicator of a ticker)"))
        return self._measure(self.metric(branch, "rhs"), branch.get("rhs-val").symbol())

    def metric(self, part: Part, side: str) -> Metric:
        """From <side>-fn with <side>-fn-params or the older <side>-window-days; where both stand they must agree."""
        function = part.get(f"{side}-fn")
        indicator = function.one_of(BY_COMPOSER_NAME)
        params, days = part.get(f"{side}-fn-params"), part.get(f"{side}-window-days")
        has_params = params.value not in (None, {})
        if days.value in (None, "") or not indicator.windows:
            return self._with_params(indicator, params)
        old = self._made(indicator, (days.whole(), *self._defaults(indicator, days)), days)
        if has_params and self._with_params(indicator, params) != old:
            days.refuse(f"the same window as in {side}-fn-params")
        return old

    def _defaults(self, indicator: Indicator, part: Part) -> tuple[int, ...]:
        missing = [window for window in indicator.windows[1:] if window not in DEFAULT_WINDOWS]
        if missing:
            part.refuse(
                f"{', '.join(indicator.windows)} in params: one number of days is not enough for {indicator.name}"
            )
        return tuple(DEFAULT_WINDOWS[window] for window in indicator.windows[1:])

    def _with_params(self, indicator: Indicator, params: Part) -> Metric:
        if not indicator.windows:
            return Metric(indicator, ())
        params.object(f"{', '.join(indicator.windows)} of {indicator.name}")
        params.require_only(indicator.windows)
        windows = tuple(
            DEFAULT_WINDOWS[window]
            if window in DEFAULT_WINDOWS and params.get(window).value is None
            else params.get(window).whole()
            for window in indicator.windows
        )
        return self._made(indicator, windows, params)

    def _made(self, indicator: Indicator, windows: tuple[int, ...], part: Part) -> Metric:
        try:
            return self._shared.value(Metric(indicator, windows))
        except ValueError as error:
            raise SymphonyError(part.place(), str(error)) from error

    # --- blocks
    def _block(self, block: Part, depth: int) -> Test:
        block.object("a condition block")
        if depth > _DEEPEST:
            block.refuse(f"at most {_DEEPEST} conditions inside each other")
        kinds = {"binary": self._binary, "binary-compound": self._binary_compound}
        kind = block.get("condition-type")
        if kind.value == "compound":
            return self._compound(block, depth)
        return kind.one_of(kinds)(block) if kind.value in kinds else kind.refuse("binary, compound or binary-compound")

    def _compound(self, block: Part, depth: int) -> Test:
        block.require_only(("condition-type", "operator", "conditions", "id"))
        conditions = block.get("conditions")
        if not isinstance(conditions.value, list) or not conditions.value:
            conditions.refuse("at least one condition")
        inner = tuple(self._block(condition, depth + 1) for condition in conditions.items())
        return self._shared.value(block.get("operator").one_of(_OPERATORS)(inner))

    def _binary(self, block: Part) -> Test:
        block.require_only(("condition-type", "lhs", "comparator", "rhs", "id"))
        return self._comparison(block, None)

    def _binary_compound(self, block: Part) -> Test:
        """One comparison, asked of several tickers."""
        block.require_only(("condition-type", "operator", "tickers", "lhs", "comparator", "rhs", "id"))
        tickers = block.get("tickers")
        if not isinstance(tickers.value, list) or not tickers.value:
            tickers.refuse("at least one ticker")
        if block.get("lhs").value is None or block.value["lhs"].get("ticker") not in (None, _EACH):
            block.get("lhs").refuse(f"an indicator whose ticker is {_EACH}")
        inner = tuple(self._comparison(block, ticker.symbol()) for ticker in tickers.items())
        return self._shared.value(block.get("operator").one_of(_OPERATORS)(inner))

    def _comparison(self, block: Part, each: str | None) -> Comparison:
        operator = block.get("comparator").one_of(COMPARATORS)
        left, right = self._side(block.get("lhs"), each), self._side(block.get("rhs"), each)
        return self._shared.value(Comparison(left, operator, right))

    def _side(self, side: Part, each: str | None) -> Operand:
        side.object("{constant} or {fn, ticker, params}")
        if "constant" in side.value:
            side.require_only(("constant",))
            return Number(side.get("constant").number("a number"))
        side.require_only(("fn", "ticker", "params"))
        metric = self._with_params(side.get("fn").one_of(BY_COMPOSER_NAME), side.get("params"))
        ticker: Any = side.value.get("ticker")
        if each is not None and ticker in (None, _EACH):
            return self._measure(metric, each)
        return self._measure(metric, side.get("ticker").symbol())

    def _measure(self, metric: Metric, symbol: str) -> Measure:
        return self._shared.value(Measure(metric, symbol))
