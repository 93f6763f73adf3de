"""`alchemiser run`: decide now; what is decided is traded."""

from __future__ import annotations

from cli.endpoint import endpoint
from cli.following import Wait, Within, follow
from cli.tables import AsJson, show


def run(*, wait: Wait = False, within: Within = 900, as_json: AsJson = False) -> None:
    """Decide now. The portfolio that comes of it is traded at once where trading is active and armed."""
    execution = endpoint("execution")
    accepted = endpoint("strategy").post("/run")
    if wait:
        follow(execution, accepted["correlation_id"], within, as_json=as_json)
    else:
        show(accepted, lambda answer: f"asked for; correlation id {answer['correlation_id']}", as_json=as_json)
