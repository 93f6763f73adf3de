"""What one rebalance is told as: the orders and what they cost, holdings against targets, cash, refusals, the plan, the reasons."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from services.notifier.domain import figures
from services.notifier.domain.brief import Brief, Explanation, Fact, Paragraph, Reason, Row, Section, Table, Tone
from services.notifier.domain.cost_section import cost_section
from shared.contracts.execution import (
    HoldingResult,
    OrderResult,
    RebalanceCompleted,
    RebalancePlanned,
    Refusal,
    Trade,
)
from shared.contracts.strategy import SignalIssued, Step

_NEAR_WEIGHT = Decimal("0.01")
_HEADLINES: dict[str, tuple[str, Tone]] = {
    "complete": ("Rebalance complete", "good"),
    "partial": ("Rebalance only partly done", "warning"),
    "nothing to do": ("Rebalance: nothing to do", "good"),
    "refused": ("Rebalance refused", "bad"),
    "dry run": ("Rebalance decided, nothing placed", "warning"),
    "halted": ("Rebalance halted", "bad"),
}
_LEADS = {
    "complete": "Every order of the plan is filled.",
    "partial": "Some of the plan was not traded; the orders and refusals below say why.",
    "nothing to do": "What is held already fits the targets.",
    "refused": "The limits let nothing of the plan through.",
    "dry run": "Trading is disarmed: this is what would have been traded. Nothing was sent to the broker.",
    "halted": "Trading was halted while this plan was open; open orders were cancelled.",
}


def rebalance_brief(
    done: RebalanceCompleted, plan: RebalancePlanned | None, signals: Sequence[SignalIssued], mode: str
) -> Brief:
    """`plan` and `signals` are what is known of them; a missing one is said to be missing."""
    headline, tone = _HEADLINES[done.outcome]
    return Brief(
        subject=f"[{mode}] {headline}{_score(done.orders)}",
        headline=headline,
        tone="bad" if any(order.outcome == "unknown" for order in done.orders) else tone,
        lead=_LEADS[done.outcome],
        facts=_facts(done),
        sections=tuple(_sections(done, plan, signals)),
        footer=f"Mode {mode}. Run {done.run_id}, plan {done.plan_id}, correlation {done.correlation_id}.",
    )


def _score(orders: Sequence[OrderResult]) -> str:
    if not orders:
        return ""
    filled = sum(order.outcome == "filled" for order in orders)
    return f": {filled} of {figures.count(len(orders), 'order')} filled"


def _facts(done: RebalanceCompleted) -> tuple[Fact, ...]:
    is_exact = done.cash_gap == 0
    return (
        Fact("Ended", figures.instant(done.at)),
        Fact("Took", figures.duration((done.at - done.started_at).total_seconds())),
        Fact("Equity", figures.dollars(done.equity)),
        Fact("Sold", figures.dollars(done.sold)),
        Fact("Bought", figures.dollars(done.bought)),
        Fact("Slippage", _slippage(done.orders)),
        Fact("Cash", f"{figures.dollars(done.cash_before)} -> {figures.dollars(done.cash_after)}"),
        Fact(
            "Cash identity",
            "exact to the cent" if is_exact else f"off by {figures.dollars(done.cash_gap)}",
            "good" if is_exact else "bad",
        ),
    )


def _slippage(orders: Sequence[OrderResult]) -> str:
    """Weighted by dollars filled, over the orders where it could be measured."""
    measured = [
        (order.slippage_bps, order.filled_qty * order.average_price)
        for order in orders
        if order.slippage_bps is not None and order.average_price is not None
    ]
    notional = sum((weight for _, weight in measured), Decimal(0))
    if not notional:
        return "not measured"
    cost = sum((slip * weight for slip, weight in measured), Decimal(0)) / 10_000
    return f"{figures.bps(cost / notional * 10_000)} of the mid at arrival ({figures.dollars(round(cost, 2))})"


def _sections(
    done: RebalanceCompleted, plan: RebalancePlanned | None, signals: Sequence[SignalIssued]
) -> list[Section]:
    sections: list[Section] = []
    if done.orders:
        sections.append(Table("Orders", ("Order", "Filled", "Price", "Slippage"), tuple(map(_order, done.orders))))
    if (costs := cost_section(done.orders)) is not None:
        sections.append(costs)
    refusals = done.refusals or (plan.refusals if plan else ())
    if refusals:
        sections.append(Table("Refused by a limit", ("Trade", "Dollars"), tuple(map(_refusal, refusals))))
    if done.holdings:
        columns = ("Holding", "Shares", "Weight", "Target", "Off (pp)")
        sections.append(Table("Holdings against targets", columns, tuple(map(_holding, done.holdings))))
    sections.append(_plan(plan))
    return [*sections, *_reasons(signals)]


def _order(order: OrderResult) -> Row:
    is_clean = order.outcome == "filled"
    how = f"{order.outcome} in {figures.duration(order.seconds)}, {figures.count(order.children, 'order')} sent"
    return Row(
        (
            f"{order.side.upper()} {order.symbol}",
            figures.shares(order.qty)
            if is_clean
            else f"{figures.shares(order.filled_qty)} of {figures.shares(order.qty)}",
            figures.price(order.average_price),
            figures.bps(order.slippage_bps),
        ),
        note=how + (f": {order.detail}" if order.detail else ""),
        tone="neutral" if is_clean else "bad" if order.outcome == "unknown" else "warning",
    )


def _refusal(refusal: Refusal) -> Row:
    amount = "-" if refusal.notional is None else figures.whole_dollars(refusal.notional)
    return Row(
        (f"{refusal.side.upper()} {refusal.symbol}", amount), note=f"{refusal.limit}: {refusal.detail}", tone="warning"
    )


def _holding(holding: HoldingResult) -> Row:
    off = holding.weight - holding.target_weight
    is_near = abs(off) <= _NEAR_WEIGHT or abs(holding.qty - holding.target_qty) <= 1
    return Row(
        (
            holding.symbol,
            figures.shares(holding.qty),
            figures.percent(holding.weight),
            figures.percent(holding.target_weight),
            figures.points(off),
        ),
        note="" if is_near else f"the target is {figures.shares(holding.target_qty)} shares",
        tone="neutral" if is_near else "warning",
    )


def _plan(plan: RebalancePlanned | None) -> Section:
    if plan is None:
        return Paragraph("Plan", "The plan of this rebalance did not reach the notifier.")
    if not plan.trades:
        return Paragraph("Plan", "No trades were planned.")
    return Table("Plan", ("Trade", "Shares", "Dollars", "Target"), tuple(map(_trade, plan.trades)))


def _trade(trade: Trade) -> Row:
    cells = (
        f"{trade.side.upper()} {trade.symbol}",
        figures.shares(trade.qty),
        figures.whole_dollars(abs(trade.notional)),
        figures.percent(trade.target_weight),
    )
    return Row(cells, note=trade.reason)


def _reasons(signals: Sequence[SignalIssued]) -> list[Section]:
    if not signals:
        return [Paragraph("Why", "No signals of this run reached the notifier.")]
    return [_signal(signal) for signal in sorted(signals, key=lambda s: s.strategy)]


def _signal(signal: SignalIssued) -> Explanation:
    tones: dict[str, Tone] = {"fresh": "neutral", "stale": "warning", "failed": "bad"}
    notes = {"fresh": "", "stale": "Failed now; its last good weights stand. ", "failed": "Failed; it has no weights. "}
    return Explanation(
        title=f"Why {signal.strategy} ({figures.percent(signal.share, 0)} of the portfolio, {figures.day(signal.session)})",
        conclusion=_weights(signal),
        reasons=tuple(map(_reason, signal.explanation)),
        note=(notes[signal.status] + signal.reason).strip(),
        tone=tones[signal.status],
    )


def _weights(signal: SignalIssued) -> str:
    if not signal.weights:
        return "Holds nothing" if signal.status == "fresh" else "No weights"
    by_size = sorted(signal.weights.items(), key=lambda item: (-item[1], item[0]))
    return "Holds " + ", ".join(f"{symbol} {figures.percent(weight)}" for symbol, weight in by_size)


def _reason(step: Step) -> Reason:
    readings = ", ".join(f"{r.symbol} {r.indicator} {figures.plain(r.value)}" for r in step.readings)
    limit = "" if step.threshold is None else f" against {figures.plain(step.threshold)}"
    return Reason(
        text=step.text,
        answer="" if step.holds is None else "yes" if step.holds else "no",
        numbers=readings + limit if readings else "",
        depth=step.depth,
    )
