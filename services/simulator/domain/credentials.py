"""Who may log in: any new non-empty key becomes an account whose secret is the first one given with it, or one pinned pair.

Knows nothing of headers or sockets.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

# A bearer token is a credential in one piece; its account is named after this and the token.
TOKEN_KEY = "oauth"  # noqa: S105 - the word the wire uses in place of a key, not a secret


@dataclass(slots=True)
class KeyRing:
    """Known keys and their secrets. With `pinned`, nobody else gets in."""

    pinned: tuple[str, str] | None = field(default=None, repr=False)
    _secrets: dict[str, str] = field(default_factory=dict, repr=False)

    def admit(self, key: str, secret: str) -> str | None:
        """The name of the account these credentials open, or None when they are refused."""
        if not key or not secret:
            return None
        if key in {TOKEN_KEY, "access_token"}:
            return self._admit_token(secret)
        if self.pinned is not None:
            return key if _same(key, self.pinned[0]) and _same(secret, self.pinned[1]) else None
        return key if _same(self._secrets.setdefault(key, secret), secret) else None

    def _admit_token(self, token: str) -> str | None:
        if self.pinned is not None:
            return self.pinned[0] if _same(token, self.pinned[1]) else None
        return f"{TOKEN_KEY}:{token}"


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))
