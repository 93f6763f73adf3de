"""What the broker says about symbols, asked once a day and kept in Redis: it changes rarely, and the broker allows few questions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import ValidationError

from services.execution.domain import records
from services.execution.domain.broker import Asset
from services.execution.domain.records import AssetRecord
from services.execution.ports import Broker
from shared.bus import Bus, Outcome, Put
from shared.clock import Clock
from shared.sessions import new_york_date

ONE_BY_ONE: Final = 3
"""The list of all assets is megabytes long: worth it from here on."""


class AssetBook:
    """Used by one thread. Raises BrokerUnavailableError, BusUnavailableError."""

    def __init__(self, broker: Broker, bus: Bus, clock: Clock) -> None:
        self._broker = broker
        self._bus = bus
        self._clock = clock
        self._today = dt.date.min
        self._known: dict[str, Asset] = {}
        self._tried: set[str] = set()

    def known(self, symbols: Sequence[str]) -> Mapping[str, Asset]:
        """Symbols that the broker does not know are absent, and asked about again the next time."""
        self._turn_over()
        if missing := [symbol for symbol in symbols if symbol not in self._known]:
            self._learn(missing)
        return {symbol: self._known[symbol] for symbol in symbols if symbol in self._known}

    def learn_ahead(self, symbols: Sequence[str]) -> None:
        """What may be planned later today; a symbol the broker does not know is not asked about twice by this."""
        self._turn_over()
        self.known([symbol for symbol in symbols if symbol not in self._tried])
        self._tried.update(symbols)

    def _turn_over(self) -> None:
        """A new day begins with what another process has learnt today already."""
        today = new_york_date(self._clock.now())
        if today != self._today:
            kept = (_record_in(raw) for raw in self._bus.get_all(records.ASSETS).values())
            self._known = {r.symbol: r.asset for r in kept if r is not None and r.on == today}
            self._today, self._tried = today, set()

    def _learn(self, missing: Sequence[str]) -> None:
        found = self._listed(missing) if len(missing) > ONE_BY_ONE else {}
        for symbol in missing:
            asset = found.get(symbol) or self._broker.asset(symbol)
            if asset is not None:
                self._known[symbol] = asset
        learnt = [AssetRecord.of(self._known[symbol], self._today) for symbol in missing if symbol in self._known]
        puts = tuple(Put(records.ASSETS, record.symbol, record.model_dump_json()) for record in learnt)
        self._bus.commit(Outcome(changes=puts))

    def _listed(self, missing: Sequence[str]) -> Mapping[str, Asset]:
        wanted = set(missing)
        return {asset.symbol: asset for asset in self._broker.assets() if asset.symbol in wanted}


def _record_in(raw: str) -> AssetRecord | None:
    try:
        return AssetRecord.model_validate_json(raw)
    except ValidationError:
        return None  # asked anew
