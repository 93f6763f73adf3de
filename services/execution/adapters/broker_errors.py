"""What a refused call means: (HTTP status, code) decide; the text only tells the kinds of 40310000, 42210000 and 40010001 apart.

5xx, 408, timeout, reset, unreadable ──► Unknown: may have happened      429, other 4xx ──► Rejected: did not happen
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from services.execution.domain.broker import Rejected, RejectKind, Unknown

_TEXTS: tuple[tuple[str, RejectKind], ...] = (
    # The first text that is found decides: "wash trade" bodies also speak of orders, minimums also of cost.
    ("wash trade", RejectKind.WASH_TRADE),
    ("halted", RejectKind.HALTED),
    ("trading halt", RejectKind.HALTED),
    ("insufficient buying power", RejectKind.BUYING_POWER),
    ("insufficient day trading buying power", RejectKind.BUYING_POWER),
    ("insufficient qty", RejectKind.HELD_SHARES),
    ("minimal amount of order", RejectKind.MINIMUM_NOTIONAL),
    ("sub-penny", RejectKind.SUB_PENNY),
    ("minimum pricing criteria", RejectKind.SUB_PENNY),
    ("not fractionable", RejectKind.NOT_FRACTIONABLE),
    ("could not find asset", RejectKind.UNKNOWN_ASSET),
    ("order is already in", RejectKind.NOT_CANCELABLE),
    ("order is not cancelable", RejectKind.NOT_CANCELABLE),
    ("cannot replace order", RejectKind.NOT_CANCELABLE),
    ("unable to replace order", RejectKind.NOT_CANCELABLE),
    ("order already replaced", RejectKind.NOT_CANCELABLE),
)
_STATUSES: Mapping[int, RejectKind] = {
    HTTPStatus.UNAUTHORIZED: RejectKind.UNAUTHORIZED,
    HTTPStatus.NOT_FOUND: RejectKind.NOT_FOUND,
    HTTPStatus.TOO_MANY_REQUESTS: RejectKind.RATE_LIMITED,
}
_CLIENT_ID_TAKEN = 40010001
_REFUSED_BY_RULE = (40310000, 42210000)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer outside 2xx, as it came. `message` is the body's own, or the beginning of a body that is no JSON."""

    status: int
    code: int | None
    message: str
    request_id: str | None
    retry_after_seconds: float | None

    @property
    def may_have_happened(self) -> bool:
        """True where the request can be live in spite of the answer."""
        return not 400 <= self.status < 500 or self.status == HTTPStatus.REQUEST_TIMEOUT  # noqa: PLR2004 - HTTP's classes

    @property
    def is_passing(self) -> bool:
        """Worth asking again, when it was only a question."""
        return self.may_have_happened or self.status == HTTPStatus.TOO_MANY_REQUESTS

    @property
    def text(self) -> str:
        code = f" {self.code}" if self.code is not None else ""
        request = f" (request {self.request_id})" if self.request_id else ""
        return f"HTTP {self.status}{code}: {self.message}{request}"


def refusal_of(status: int, headers: Mapping[str, str], body: str, *, epoch: float) -> Refusal:
    """`epoch` seconds now, against which X-RateLimit-Reset counts."""
    found = _object_in(body)
    code, message = found.get("code"), found.get("message")
    return Refusal(
        status=status,
        code=code if isinstance(code, int) and not isinstance(code, bool) else None,
        message=message if isinstance(message, str) else body[:200],
        request_id=headers.get("X-Request-ID"),
        retry_after_seconds=_retry_after(headers, epoch),
    )


def outcome_of(refusal: Refusal) -> Rejected | Unknown:
    """What an action's caller must believe."""
    if refusal.may_have_happened:
        return Unknown(refusal.text)
    kind = kind_of(refusal.status, refusal.code, refusal.message)
    return Rejected(kind, refusal.status, refusal.code, refusal.text, refusal.retry_after_seconds)


def kind_of(status: int, code: int | None, message: str) -> RejectKind:
    text = message.lower()
    kind = next((kind for part, kind in _TEXTS if part in text), None)
    if kind is None and "asset" in text and "not found" in text:
        kind = RejectKind.UNKNOWN_ASSET
    if status in _STATUSES:
        return RejectKind.UNKNOWN_ASSET if kind is RejectKind.UNKNOWN_ASSET else _STATUSES[status]
    if code == _CLIENT_ID_TAKEN and status == HTTPStatus.UNPROCESSABLE_ENTITY:
        # Adopting asks the broker first, so an unknown text is safest read as "this id exists".
        return kind or RejectKind.DUPLICATE_CLIENT_ID
    if status == HTTPStatus.FORBIDDEN and code is None:
        return RejectKind.UNAUTHORIZED
    return kind if kind is not None and code in _REFUSED_BY_RULE else RejectKind.OTHER


def _object_in(body: str) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _retry_after(headers: Mapping[str, str], epoch: float) -> float | None:
    try:
        if "Retry-After" in headers:
            return max(0.0, float(headers["Retry-After"]))
        if "X-RateLimit-Reset" in headers:
            return max(0.0, float(headers["X-RateLimit-Reset"]) - epoch)
    except ValueError:  # a date, or nonsense: the caller has its own pace
        return None
    return None
