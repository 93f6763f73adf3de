"""An account's named lists of symbols. They have nothing to do with trading; clients expect them to be there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.simulator.domain.rejections import Rejection, not_found, unprocessable

_MAX_NAME = 64


@dataclass(slots=True)
class Watchlist:
    """`symbols` in the order in which they were added."""

    id: str
    name: str
    created_at: dt.datetime
    updated_at: dt.datetime
    symbols: list[str]


@dataclass(slots=True)
class Watchlists:
    """Found by id or by name; names are unique."""

    _lists: dict[str, Watchlist] = field(default_factory=dict)

    def all(self) -> list[Watchlist]:
        return list(self._lists.values())

    def get(self, watchlist_id: str) -> Watchlist:
        found = self._lists.get(watchlist_id.lower())
        if found is None:
            raise not_found(f"watchlist not found for {watchlist_id}")
        return found

    def named(self, name: str) -> Watchlist:
        found = next((each for each in self._lists.values() if each.name == name), None)
        if found is None:
            raise not_found(f"watchlist not found for {name}")
        return found

    def create(self, watchlist_id: str, name: str, symbols: Sequence[str], now: dt.datetime) -> Watchlist:
        self._check_name(name, None)
        created = Watchlist(watchlist_id, name, now, now, list(dict.fromkeys(symbols)))
        self._lists[watchlist_id] = created
        return created

    def change(self, watchlist: Watchlist, name: str | None, symbols: Sequence[str] | None, now: dt.datetime) -> None:
        if name is not None:
            self._check_name(name, watchlist)
            watchlist.name = name
        if symbols is not None:
            watchlist.symbols = list(dict.fromkeys(symbols))
        watchlist.updated_at = now

    def delete(self, watchlist: Watchlist) -> None:
        del self._lists[watchlist.id]

    def _check_name(self, name: str, itself: Watchlist | None) -> None:
        if not 1 <= len(name) <= _MAX_NAME:
            raise unprocessable(f"name must have 1 to {_MAX_NAME} characters")
        if any(each.name == name and each is not itself for each in self._lists.values()):
            raise Rejection(422, 40010001, "watchlist name must be unique")


def add_symbol(watchlist: Watchlist, symbol: str, now: dt.datetime) -> None:
    if symbol in watchlist.symbols:
        raise unprocessable(f"duplicate symbol {symbol}")
    watchlist.symbols.append(symbol)
    watchlist.updated_at = now


def remove_symbol(watchlist: Watchlist, symbol: str, now: dt.datetime) -> None:
    if symbol not in watchlist.symbols:
        raise not_found(f"symbol not found: {symbol}")
    watchlist.symbols.remove(symbol)
    watchlist.updated_at = now
