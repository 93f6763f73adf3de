"""Every service's HTTP face, over a real socket."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from typing import Annotated

import httpx
import pytest
import redis
from fastapi import Depends
from pydantic import BaseModel, Field, SecretStr

from cli.embedded_redis import free_port
from shared import metrics
from shared.bus import BusUnavailableError
from shared.http import TokenCheck, create_app, digest_of, serve, token_check
from shared.settings import SettingsError


class Halt(BaseModel):
    reason: Annotated[str, Field(min_length=1)]


@pytest.fixture
def missing() -> list[str]:
    """What the service lacks; empty is ready."""
    return []


@pytest.fixture
def url(missing: list[str], eventually: Callable[..., object]) -> Iterator[str]:
    app = create_app(
        "probe", {"redis": lambda: missing[0] if missing else None}, TokenCheck(digest_of("the-right-token"))
    )

    @app.post("/halt", dependencies=[Depends(app.state.authorized)])
    def halt(body: Halt) -> dict[str, str]:
        if body.reason == "outage":
            raise BusUnavailableError("Redis cannot be reached: gone")
        return {"reason": body.reason}

    port, stop = free_port(), threading.Event()
    thread = threading.Thread(target=serve(app, "127.0.0.1", port), args=(stop,))
    thread.start()
    base = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return httpx.get(f"{base}/health").is_success
        except httpx.TransportError:
            return False

    eventually(answers)
    yield base
    stop.set()
    thread.join(10)
    assert not thread.is_alive(), "the server must stop when told"


def test_health_metrics_and_docs_need_no_token(url: str) -> None:
    assert httpx.get(f"{url}/health").json() == {"service": "probe", "status": "ok"}
    metrics.DEAD_LETTERS.set(3)
    assert "alchemiser_dead_letters 3.0" in httpx.get(f"{url}/metrics").text


def test_the_docs_name_every_operation_and_load_nothing_from_elsewhere(url: str) -> None:
    answer = httpx.get(f"{url}/docs")
    assert answer.status_code == 200
    for words in ("/halt", "Needs the bearer token", "reason", "length at least 1", "-d &#x27;{&quot;reason&quot;"):
        assert words in answer.text
    assert "<script" not in answer.text
    assert not re.findall(r"(?:src|href)=['\"](?:https?:)?//", answer.text)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert set(httpx.get(f"{url}/openapi.json").json()["paths"]) == {"/health", "/ready", "/halt"}


def test_ready_says_what_is_missing(url: str, missing: list[str]) -> None:
    assert httpx.get(f"{url}/ready").status_code == 200
    missing.append("no answer on port 6379")
    answer = httpx.get(f"{url}/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"redis": "no answer on port 6379"}


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic dGhlOnJpZ2h0"}])
def test_a_missing_or_wrong_token_is_401(url: str, headers: dict[str, str]) -> None:
    answer = httpx.post(f"{url}/halt", json={"reason": "x"}, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_bad_input_is_422_and_names_field_expectation_and_value(url: str) -> None:
    headers = {"Authorization": "Bearer the-right-token"}
    answer = httpx.post(f"{url}/halt", json={"reason": ""}, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["faults"] == [
        {"field": "body.reason", "expected": "String should have at least 1 character", "got": "''"}
    ]


def test_a_body_that_is_no_json_is_422_and_shown_with_the_place_of_the_fault(url: str) -> None:
    headers = {"Authorization": "Bearer the-right-token", "Content-Type": "application/json"}
    answer = httpx.post(f"{url}/halt", content=b"{not json", headers=headers)
    assert answer.status_code == 422
    [fault] = answer.json()["faults"]
    assert (fault["field"], fault["got"]) == ("body", "'{not json'")
    assert fault["expected"].startswith("JSON; ")
    assert fault["expected"].endswith("at character 1")


def test_an_unreachable_bus_is_503_with_its_reason(url: str) -> None:
    answer = httpx.post(f"{url}/halt", json={"reason": "outage"}, headers={"Authorization": "Bearer the-right-token"})
    assert (answer.status_code, answer.json()) == (503, {"detail": "Redis cannot be reached: gone"})


def test_a_generated_token_is_shown_once_and_only_its_digest_is_kept(
    redis_client: redis.Redis, namespace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first = token_check(redis_client, namespace, None)
    token = capsys.readouterr().err.split()[-1]
    second = token_check(redis_client, namespace, None)
    assert capsys.readouterr().err == ""
    assert first.accepts(token)
    assert second.accepts(token)
    assert not second.accepts(token + "x")
    assert token.encode() not in (redis_client.get(f"{{{namespace}}}:http_token_digest") or b"")


def test_a_given_token_is_used(redis_client: redis.Redis, namespace: str) -> None:
    check = token_check(redis_client, namespace, SecretStr("given-token-0123456"))
    assert check.accepts("given-token-0123456")
    assert redis_client.keys("*") == []


def test_a_redis_that_never_answers_is_a_wrong_setting(namespace: str) -> None:
    nowhere = redis.Redis(port=free_port(), retry=None)
    with pytest.raises(SettingsError, match="ALCHEMISER_REDIS_URL: expected a Redis that answers"):
        token_check(nowhere, namespace, None, patience_seconds=0)
