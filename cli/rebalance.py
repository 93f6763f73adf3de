"""`alchemiser rebalance`: trade into the newest target portfolio now."""

from __future__ import annotations

from cli.endpoint import endpoint
from cli.following import Wait, Within, follow
from cli.tables import AsJson, show


def rebalance(*, wait: Wait = False, within: Within = 900, as_json: AsJson = False) -> None:
    """Trade into the newest target portfolio now, without deciding anew (`run` decides)."""
    execution = endpoint("execution")
    accepted = execution.post("/rebalance")
    if wait:
        follow(execution, accepted["correlation_id"], within, as_json=as_json)
    else:
        show(accepted, lambda answer: f"asked for; correlation id {answer['correlation_id']}", as_json=as_json)
