"""What a person must know at once: alerts, the feed's state, halts and resumes, and how often one was repeated."""

from __future__ import annotations

import datetime as dt

from services.notifier.domain import figures
from services.notifier.domain.brief import Brief, Fact, Paragraph, Section, Tone
from services.notifier.domain.repeats import Repeats
from shared.contracts.alerts import AlertRaised, Severity
from shared.contracts.execution import TradingHalted, TradingResumed
from shared.contracts.marketdata import FeedStateChanged

_TONES: dict[Severity, Tone] = {"info": "good", "warning": "warning", "critical": "bad"}
_FEED: dict[str, tuple[Severity, str, str]] = {
    "degraded": (
        "warning",
        "Market data degraded to polling",
        "Nothing needs doing at once: quotes are polled over REST until the stream is back. They are older than usual.",
    ),
    "down": (
        "critical",
        "Market data is down",
        "Orders need fresh quotes and are refused without them. See `alchemiser status` and marketdata's log.",
    ),
    "recovered": ("info", "Market data recovered", ""),
}


def alert_brief(alert: AlertRaised, mode: str) -> Brief:
    return Brief(
        subject=f"[{mode}] {alert.severity.upper()}: {alert.title}",
        headline=alert.title,
        tone=_TONES[alert.severity],
        lead=alert.detail,
        facts=(
            Fact("Severity", alert.severity, _TONES[alert.severity]),
            Fact("From", alert.source),
            Fact("At", figures.instant(alert.at)),
        ),
        sections=_todo(alert.what_to_do),
        footer=f"Mode {mode}. Correlation {alert.correlation_id}.",
    )


def feed_alert(change: FeedStateChanged) -> AlertRaised | None:
    """The alert a change of the feed amounts to; None where nobody need be told."""
    if change.state not in _FEED:
        return None
    severity, title, what_to_do = _FEED[change.state]
    return AlertRaised(
        id=change.id,
        correlation_id=change.correlation_id,
        at=change.at,
        source="marketdata",
        severity=severity,
        title=title,
        detail=f"Feed {change.feed}: {change.detail}",
        what_to_do=what_to_do,
    )


def halted_brief(halt: TradingHalted, mode: str) -> Brief:
    what = "HALTED: nothing is placed." if halt.state == "HALTED" else "REDUCING: sells only."
    return Brief(
        subject=f"[{mode}] Trading {halt.state}: {halt.reason}",
        headline=f"Trading {halt.state.lower()}",
        tone="bad",
        lead=f"Trading is {what}",
        facts=(
            Fact("Reason", halt.reason),
            Fact("Cancelled", figures.count(halt.cancelled, "open order")),
            Fact("At", figures.instant(halt.at)),
        ),
        sections=_todo("When the cause is gone: alchemiser resume --reason '...'. The halt survives restarts."),
        footer=f"Mode {mode}. Correlation {halt.correlation_id}.",
    )


def resumed_brief(resume: TradingResumed, mode: str) -> Brief:
    return Brief(
        subject=f"[{mode}] Trading resumed: {resume.reason}",
        headline="Trading resumed",
        tone="good",
        lead="Orders may be placed again.",
        facts=(Fact("Reason", resume.reason), Fact("At", figures.instant(resume.at))),
        footer=f"Mode {mode}. Correlation {resume.correlation_id}.",
    )


def repeats_brief(repeats: Repeats, mode: str) -> Brief:
    """The repetitions of an alert that was told before."""
    last, times = repeats.last, figures.count(repeats.count, "more time")
    span = figures.duration((repeats.last_at - repeats.opened_at).total_seconds())
    return Brief(
        subject=f"[{mode}] {last.severity.upper()}, {times}: {last.title}",
        headline=last.title,
        tone=_TONES[last.severity],
        lead=f"Raised {times} in the {span} after it was first told.",
        facts=(
            Fact("Severity", last.severity, _TONES[last.severity]),
            Fact("From", last.source),
            Fact("Last at", figures.instant(last.at)),
        ),
        sections=(
            Paragraph("What was said", "\n".join(f"- {detail}" for detail in repeats.details)),
            *_todo(last.what_to_do),
        ),
        footer=f"Mode {mode}. Correlation of the last {last.correlation_id}.",
    )


def trial_brief(at: dt.datetime, mode: str) -> Brief:
    return Brief(
        subject=f"[{mode}] Test message",
        headline="The notifier reaches you",
        tone="good",
        lead="Somebody asked for this test message. Mails about rebalances and alerts come the same way.",
        facts=(Fact("At", figures.instant(at)),),
        footer=f"Mode {mode}.",
    )


def _todo(what_to_do: str) -> tuple[Section, ...]:
    return (Paragraph("What to do", what_to_do),) if what_to_do else ()
