"""Every refusal in Alpaca's catalogue, as (status, code, text), and what it must be taken for."""

from __future__ import annotations

import json

import pytest

from services.execution.adapters.broker_errors import outcome_of, refusal_of
from services.execution.domain.broker import Rejected, RejectKind, Unknown


def outcome(status: int, body: object, headers: dict[str, str] | None = None) -> Rejected | Unknown:
    text = body if isinstance(body, str) else json.dumps(body)
    return outcome_of(refusal_of(status, headers or {}, text, epoch=1000))


CATALOGUE = [
    (400, 40010001, "qty must be > 0", RejectKind.OTHER),
    (401, 40110000, "request is not authorized", RejectKind.UNAUTHORIZED),
    (403, None, "forbidden.", RejectKind.UNAUTHORIZED),
    (403, 40310000, "insufficient buying power", RejectKind.BUYING_POWER),
    (403, 40310000, "insufficient qty available for order (requested: 23, available: 0)", RejectKind.HELD_SHARES),
    (403, 40310000, "potential wash trade detected. use complex orders", RejectKind.WASH_TRADE),
    (403, 40310000, "trading in XYZ is halted", RejectKind.HALTED),
    (422, 42210000, "asset XYZ is under a trading halt", RejectKind.HALTED),
    (403, 40310000, "cost basis must be >= minimal amount of order 1", RejectKind.MINIMUM_NOTIONAL),
    (403, 40310000, "cannot open a short sell while a long buy order is open", RejectKind.OTHER),
    (403, 40310000, 'asset "XYZ" is not fractionable', RejectKind.NOT_FRACTIONABLE),
    (404, 40410000, "order not found for 1", RejectKind.NOT_FOUND),
    (404, 40410000, "asset not found for XYZ", RejectKind.UNKNOWN_ASSET),
    (422, 40010001, "client_order_id must be unique", RejectKind.DUPLICATE_CLIENT_ID),
    (422, 40010001, "a text nobody has seen yet", RejectKind.DUPLICATE_CLIENT_ID),
    (422, 40010001, "unable to replace order, order isn't sent to exchange yet", RejectKind.NOT_CANCELABLE),
    (422, 42210000, "invalid limit_price 290.123. sub-penny increment does not fulfill", RejectKind.SUB_PENNY),
    (422, 42210000, 'asset "XYZ" is not fractionable', RejectKind.NOT_FRACTIONABLE),
    (422, 42210000, 'asset "XYZ" not found', RejectKind.UNKNOWN_ASSET),
    (422, 42210000, 'order is already in "filled" state', RejectKind.NOT_CANCELABLE),
    (422, 42210000, "cannot replace order in pending_new status", RejectKind.NOT_CANCELABLE),
    (422, 42210000, "fractional orders must be DAY orders", RejectKind.OTHER),
    (422, 49999999, "sub-penny", RejectKind.OTHER),
    (429, 42910000, "rate limit exceeded", RejectKind.RATE_LIMITED),
]


@pytest.mark.parametrize(("status", "code", "message", "kind"), CATALOGUE)
def test_a_refusal_is_what_status_and_code_say_it_is(
    status: int, code: int | None, message: str, kind: RejectKind
) -> None:
    found = outcome(status, {"message": message} if code is None else {"code": code, "message": message})
    assert isinstance(found, Rejected)
    assert (found.kind, found.http_status, found.code) == (kind, status, code)
    assert message in found.message


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 520, 599])
@pytest.mark.parametrize("body", [{"code": 50410000, "message": "request timed out"}, "<html>bad gateway</html>", ""])
def test_what_may_have_happened_is_unknown_and_never_a_no(status: int, body: object) -> None:
    assert isinstance(outcome(status, body), Unknown)


@pytest.mark.parametrize("body", ["<html>", "[]", "null", '{"code": "x", "message": 5}', '{"code": true}', "\x00"])
def test_a_body_that_is_no_error_object_still_refuses(body: str) -> None:
    found = outcome(422, body)
    assert isinstance(found, Rejected)
    assert (found.kind, found.code) == (RejectKind.OTHER, None)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "3"}, 3.0),
        ({"X-RateLimit-Reset": "1012"}, 12.0),
        ({"X-RateLimit-Reset": "990"}, 0.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({}, None),
    ],
)
def test_a_rate_limit_says_when_to_come_back(headers: dict[str, str], seconds: float | None) -> None:
    found = outcome(429, {"code": 42910000, "message": "rate limit exceeded"}, headers)
    assert isinstance(found, Rejected)
    assert found.retry_after_seconds == seconds


def test_the_broker_s_request_id_is_kept_for_its_support() -> None:
    found = outcome(500, {"code": 50010000, "message": "oops"}, {"X-Request-ID": "abc123"})
    assert isinstance(found, Unknown)
    assert found.reason == "HTTP 500 50010000: oops (request abc123)"
