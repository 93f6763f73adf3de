"""What a person is told about the market data, and what to do about it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence

from services.marketdata.domain.feed import Refused
from services.marketdata.domain.judging import Told
from shared.contracts.alerts import AlertRaised, Severity
from shared.contracts.marketdata import FeedState

_FEED: Mapping[FeedState, tuple[Severity, str, str]] = {
    "degraded": (
        "warning",
        "Quotes come by REST polling: the stream does not deliver",
        "Nothing at once; quotes are a few seconds old at most. If it lasts, look at the stream's status page and the log.",
    ),
    "down": (
        "critical",
        "No quotes: neither the stream nor REST delivers",
        "Check the network and the broker's status page; execution refuses to trade on stale quotes.",
    ),
    "recovered": ("info", "The quote stream delivers again", ""),
}
_SHOWN = 20


def of_feed(state: FeedState, detail: str, at: dt.datetime) -> AlertRaised | None:
    """None for the states that are nobody's business at night."""
    if state not in _FEED:
        return None
    severity, title, what_to_do = _FEED[state]
    return _alert(severity, title, detail, what_to_do, at)


def of_refusal(refusal: Refused, at: dt.datetime) -> AlertRaised:
    what_to_do = (
        "Correct the key or the subscription and restart marketdata; it does not try again by itself."
        if refusal.for_good
        else "Nothing at once; it is tried again, and REST polling stands in."
    )
    severity: Severity = "critical" if refusal.for_good else "warning"
    return _alert(severity, "The quote stream refuses us", f"{refusal.code} {refusal.message}", what_to_do, at)


def of_second_source(symbols: Sequence[str], source: str, reasons: Mapping[str, str], at: dt.datetime) -> AlertRaised:
    return _alert(
        "warning",
        f"Daily history of {len(symbols)} symbols comes from the second source, {source}",
        _listed(symbols, reasons),
        "Nothing at once. Compare the last closes if a decision looks odd: the two sources adjust differently.",
        at,
    )


def of_missing(symbols: Sequence[str], reasons: Mapping[str, str], at: dt.datetime) -> AlertRaised:
    return _alert(
        "critical",
        f"No daily history for {len(symbols)} symbols from any source",
        _listed(symbols, reasons),
        "Check the symbols; strategies that need them will not decide. POST /backfill tries again.",
        at,
    )


def of_failed_fetch(symbols: Sequence[str], reasons: Mapping[str, str], at: dt.datetime) -> AlertRaised:
    return _alert(
        "critical",
        f"Daily history of {len(symbols)} symbols could not be fetched",
        _listed(symbols, reasons),
        "It is tried again every minute; what is cached stays until its time to live. Check the network and the keys.",
        at,
    )


def of_refused_closes(told: Told, at: dt.datetime) -> AlertRaised:
    """Names every symbol with its newest dates and what was seen."""
    return _alert(
        "warning",
        f"Daily closes of {len(told)} symbols are not to be trusted: {_gates(told)}",
        _findings(told),
        "Decisions that need them are undefined. A second source repairs or confirms them (MARKETDATA_TWELVEDATA_KEY); "
        "what you know to be true is told by MARKETDATA_ACCEPTED=SYMBOL:DATE. See docs/data-quality.md.",
        at,
    )


def of_repaired_closes(told: Told, source: str, at: dt.datetime) -> AlertRaised:
    title = f"Daily closes of {len(told)} symbols were repaired from {source}: {_gates(told)}"
    return _alert("info", title, _findings(told), "", at)


def _gates(told: Told) -> str:
    return ", ".join(sorted({finding.gate for findings in told.values() for finding in findings}))


def _findings(told: Told) -> str:
    reasons = {symbol: "; ".join(map(str, findings)) for symbol, findings in told.items()}
    return _listed(sorted(told), reasons)


def _listed(symbols: Sequence[str], reasons: Mapping[str, str]) -> str:
    shown = "; ".join(f"{symbol} ({reasons.get(symbol, 'no data')})" for symbol in symbols[:_SHOWN])
    return shown + (f"; and {len(symbols) - _SHOWN} more" if len(symbols) > _SHOWN else "")


def _alert(severity: Severity, title: str, detail: str, what_to_do: str, at: dt.datetime) -> AlertRaised:
    return AlertRaised(
        correlation_id=uuid.uuid4().hex,
        at=at,
        source="marketdata",
        severity=severity,
        title=title,
        detail=detail,
        what_to_do=what_to_do,
    )
