"""Something a person must know."""

from __future__ import annotations

from typing import Literal

from shared.contracts.base import Message

Severity = Literal["info", "warning", "critical"]


class AlertRaised(Message):
    """`what_to_do` is one sentence for the person who reads it at night."""

    kind: Literal["alerts.alert_raised.v1"] = "alerts.alert_raised.v1"
    source: Literal["marketdata", "strategy", "execution", "notifier"]
    severity: Severity
    title: str
    detail: str
    what_to_do: str = ""
