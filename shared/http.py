"""The HTTP face every service has: /health, /ready, /metrics, /docs, and a bearer token before its triggers."""

from __future__ import annotations

import hashlib
import secrets
import sys
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Annotated, Any

import redis
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request, status
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, SecretStr
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from shared.bus import BusUnavailableError
from shared.docs_page import docs_page
from shared.settings import SettingsError

Checks = Mapping[str, Callable[[], str | None]]
"""Name -> why it is not ready, or None when it is."""


_NOTHING_FOREIGN = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}


class TokenCheck:
    """Compares bearer tokens by digest, in constant time; the token itself is not kept."""

    def __init__(self, digest: str) -> None:
        self._digest = digest

    def accepts(self, token: str) -> bool:
        return secrets.compare_digest(self._digest, digest_of(token))


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def token_check(
    client: redis.Redis, namespace: str, given: SecretStr | None, *, patience_seconds: float = 30
) -> TokenCheck:
    """The given token, else the one generated at the very first start: shown once on stderr, kept as a digest in Redis.

    Waits for a Redis that is only just starting; raises SettingsError when none answers in time.
    """
    if given is not None:
        return TokenCheck(digest_of(given.get_secret_value()))
    waiting = Retrying(
        retry=retry_if_exception_type(redis.ConnectionError),
        wait=wait_fixed(0.5),
        stop=stop_after_delay(patience_seconds),
        reraise=True,
    )
    try:
        return waiting(_kept_or_new, client, f"{{{namespace}}}:http_token_digest")
    except redis.ConnectionError as error:
        raise SettingsError(f"ALCHEMISER_REDIS_URL: expected a Redis that answers, got {error}") from error


def _kept_or_new(client: redis.Redis, key: str) -> TokenCheck:
    token = secrets.token_urlsafe(32)
    if client.set(key, digest_of(token), nx=True):
        sys.stderr.write(
            "\nToken for the HTTP triggers and the CLI, shown this once (set ALCHEMISER_HTTP_TOKEN to it):\n"
            f"  {token}\n\n"
        )
    kept: Any = client.get(key)
    return TokenCheck(kept.decode())


class Health(BaseModel):
    service: str
    status: str


class Readiness(BaseModel):
    service: str
    ready: bool
    checks: dict[str, str]
    """Name -> "ok" or what is missing."""


def create_app(service: str, checks: Checks, token: TokenCheck, *, description: str = "") -> FastAPI:
    """An app with the common endpoints; add routes to it, and `Depends(app.state.authorized)` to those that act."""
    title = f"alchemiser {service}"
    app = FastAPI(title=title, description=description, redirect_slashes=False, docs_url=None, redoc_url=None)
    app.state.authorized = _authorizer(token)
    app.add_exception_handler(RequestValidationError, _unprocessable)
    app.add_exception_handler(BusUnavailableError, _unavailable)

    @app.get("/health")
    def health() -> Health:
        """The process lives."""
        return Health(service=service, status="ok")

    @app.get("/ready", responses={503: {"model": Readiness}})
    def ready(response: Response) -> Readiness:
        """It can do its work; otherwise 503 and why."""
        found = {name: _outcome(check) for name, check in checks.items()}
        is_ready = all(outcome == "ok" for outcome in found.values())
        response.status_code = status.HTTP_200_OK if is_ready else status.HTTP_503_SERVICE_UNAVAILABLE
        return Readiness(service=service, ready=is_ready, checks=found)

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    add_docs(app)
    return app


def add_docs(app: FastAPI) -> None:
    """/docs without scripts or foreign hosts; the app is made with docs_url=None."""

    @app.get("/docs", include_in_schema=False)
    def docs(request: Request) -> HTMLResponse:
        return HTMLResponse(docs_page(app.openapi(), str(request.base_url).rstrip("/")), headers=_NOTHING_FOREIGN)


def serve(app: FastAPI, host: str, port: int) -> Callable[[threading.Event], None]:
    """A part of a process: serves the app until the event is set."""

    def part(stop: threading.Event) -> None:
        server = uvicorn.Server(uvicorn.Config(app, host=host, port=port, log_config=None, timeout_graceful_shutdown=5))
        threading.Thread(target=_exit_on, args=(stop, server), name="http-stop", daemon=True).start()
        server.run()

    return part


def _exit_on(stop: threading.Event, server: uvicorn.Server) -> None:
    stop.wait()
    server.should_exit = True


def _outcome(check: Callable[[], str | None]) -> str:
    try:
        return check() or "ok"
    except Exception as error:  # noqa: BLE001 - a check that breaks is a thing that is not ready
        return f"{type(error).__name__}: {error}"


_bearer = HTTPBearer(auto_error=False)


def _authorizer(token: TokenCheck) -> Callable[..., None]:
    def authorized(given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
        if given is None or not token.accepts(given.credentials):
            raise HTTPException(
                status.HTTP_401_UNAUTHORIZED,
                "a valid bearer token is needed (ALCHEMISER_HTTP_TOKEN)",
                {"WWW-Authenticate": "Bearer"},
            )

    return authorized


def _unprocessable(_request: Request, error: Exception) -> JSONResponse:
    """422 with every fault as field, value and expectation."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type only
    faults = [_fault(fault, error.body) for fault in error.errors()]
    return JSONResponse({"detail": "bad input", "faults": faults}, HTTPStatus.UNPROCESSABLE_ENTITY)


def _fault(fault: Mapping[str, Any], body: Any) -> dict[str, str]:
    if fault["type"] == "json_invalid":  # its place is a character, and its input is always {}
        why = f"JSON; {fault['ctx']['error']} at character {fault['loc'][-1]}"
        return {"field": "body", "expected": why, "got": repr(body)[:120]}
    field = ".".join(str(part) for part in fault["loc"])
    return {"field": field, "expected": fault["msg"], "got": repr(fault.get("input"))[:120]}


def _unavailable(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, status.HTTP_503_SERVICE_UNAVAILABLE)
