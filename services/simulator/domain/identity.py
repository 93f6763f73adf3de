"""Ids and draws that follow from the seed and a name alone.

Nothing here has a state: asking for one id or one draw never changes another, so that reads cannot disturb writes.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from functools import lru_cache

_ACCOUNT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Identity:
    """Derives everything from `seed`."""

    seed: int

    def uuid(self, *name: object) -> str:
        return str(uuid.UUID(bytes=self._digest(16, name), version=4))

    def uniform(self, *name: object) -> float:
        """A number in [0, 1)."""
        return int.from_bytes(self._digest(6, name)) / 2**48

    def account_number(self, key: str) -> str:
        """Paper accounts begin with PA; clients tell paper from live by it."""
        digest = self._digest(10, ("account_number", key))
        return "PA" + "".join(_ACCOUNT_ALPHABET[byte % len(_ACCOUNT_ALPHABET)] for byte in digest)

    def _digest(self, size: int, name: tuple[object, ...]) -> bytes:
        text = "\x1f".join((str(self.seed), *map(str, name)))
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).digest()


@lru_cache(maxsize=4096)
def asset_id(symbol: str) -> str:
    """An asset keeps its id over seeds, as the real one does over accounts."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{symbol}.us_equity"))
