"""One service's HTTP face as a command sees it: every way in which asking can fail becomes one line and an exit code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from cli.exit_codes import CommandError, ExitCode, UnreachableError
from cli.settings import CliSettings
from shared.settings import SERVICE_PORTS, read

SERVICES = tuple(SERVICE_PORTS)
_CODES = {401: ExitCode.REFUSED, 403: ExitCode.REFUSED, 409: ExitCode.REFUSED, 422: ExitCode.USAGE}
_CODES[503] = ExitCode.UNREACHABLE  # the service answers, what it stands on does not

_LOCAL = ("127.0.0.1", "localhost", "::1")


class Endpoint:
    """`timeout_seconds` bounds every request; nothing is repeated."""

    def __init__(self, service: str, settings: CliSettings, *, timeout_seconds: float = 10) -> None:
        token = settings.http_token
        self._service = service
        self.url = settings.url_of(service)
        self._timeout = timeout_seconds
        self._headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}

    def get(self, path: str, **query: Any) -> Any:
        """The decoded answer. Raises CommandError for every other outcome."""
        return self._decoded(self._request("GET", path, params={k: v for k, v in query.items() if v is not None}))

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return self._decoded(self._request("POST", path, json=dict(body or {})))

    def readiness(self) -> dict[str, Any]:
        """What /ready says, whether ready or not."""
        answer = self._request("GET", "/ready")
        if answer.status_code not in (httpx.codes.OK, httpx.codes.SERVICE_UNAVAILABLE):
            self._refuse(answer)
        return self._object(answer)

    def _request(self, method: str, path: str, **how: Any) -> httpx.Response:
        try:
            # A proxy of the environment has no business between a person and the services on the same machine.
            local = httpx.URL(self.url).host in _LOCAL
            url = f"{self.url}{path}"
            return httpx.request(method, url, headers=self._headers, timeout=self._timeout, trust_env=not local, **how)
        except httpx.TransportError as error:
            raise UnreachableError(
                f"{self._service} cannot be reached at {self.url}: {str(error) or type(error).__name__} "
                f"(is it running? another address: ALCHEMISER_{self._service.upper()}_URL)"
            ) from error

    def _decoded(self, answer: httpx.Response) -> Any:
        if not answer.is_success:
            self._refuse(answer)
        return self._json(answer)

    def _json(self, answer: httpx.Response) -> Any:
        try:
            return answer.json()
        except ValueError as error:
            raise CommandError(
                ExitCode.FAILED, f"{self._service} at {self.url}: expected JSON, got {answer.text[:80]!r}"
            ) from error

    def _object(self, answer: httpx.Response) -> dict[str, Any]:
        found = self._json(answer)
        if not isinstance(found, dict):
            raise CommandError(ExitCode.FAILED, f"{self._service} at {self.url}: expected an object, got {found!r:.80}")
        return found

    def _refuse(self, answer: httpx.Response) -> None:
        code = _CODES.get(answer.status_code, ExitCode.FAILED)
        raise CommandError(code, f"{self._service} answered {answer.status_code}: {_reason(answer)}")


def _reason(answer: httpx.Response) -> str:
    """The service's own words: its detail, and each fault as field, expectation, value."""
    try:
        body = answer.json()
    except ValueError:
        return answer.text[:200] or answer.reason_phrase
    if not isinstance(body, dict):
        return str(body)[:200]
    faults = [f"{f.get('field')}: {f.get('expected')}, got {f.get('got')}" for f in body.get("faults", [])]
    return "; ".join([str(body.get("detail", body)), *faults])


def endpoint(service: str, *, timeout_seconds: float = 10) -> Endpoint:
    """The endpoint of that service as the environment configures it. Raises SettingsError."""
    return Endpoint(service, read(CliSettings), timeout_seconds=timeout_seconds)
