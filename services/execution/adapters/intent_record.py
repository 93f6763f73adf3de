"""An intent as one JSON document, and which outcomes are the end of it."""

from __future__ import annotations

from typing import Final

from pydantic import TypeAdapter

from services.execution.ports import Intent

ENDED: Final = frozenset({"filled", "canceled", "expired", "replaced", "done_for_day"})
"""Nothing but another of these may follow. "rejected" and "absent" may be followed by sending the same id again."""

_INTENT = TypeAdapter(Intent)


def intent_to(intent: Intent) -> str:
    return _INTENT.dump_json(intent).decode()


def intent_from(raw: bytes | str) -> Intent:
    return _INTENT.validate_json(raw)
