"""The demo's own look at the broker, past all services: the account as Alpaca's wire tells it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx

from cli.demo.verdict import BrokerAccount


class Venue:
    """Raises httpx.HTTPError where the broker does not answer as it should."""

    def __init__(self, url: str, key: str, secret: str) -> None:
        headers = {"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=10, trust_env=False)

    def clock(self) -> dict[str, Any]:
        """{"now": ISO instant, "speed": factor, "is_open": bool}"""
        return dict(self._get("/sim/clock"))

    def account(self) -> BrokerAccount:
        account, positions = self._get("/v2/account"), self._get("/v2/positions")
        return BrokerAccount(
            cash=Decimal(account["cash"]),
            equity=Decimal(account["equity"]),
            positions={p["symbol"]: Decimal(p["qty"]) for p in positions},
        )

    def buy(self, symbol: str, notional: int) -> str:
        """A market order for so many dollars; its id."""
        order = {"symbol": symbol, "notional": str(notional), "side": "buy", "type": "market", "time_in_force": "day"}
        return str(self._client.post("/v2/orders", json=order).raise_for_status().json()["id"])

    def is_filled(self, order_id: str) -> bool:
        return str(self._get(f"/v2/orders/{order_id}")["status"]) == "filled"

    def _get(self, path: str) -> Any:
        return self._client.get(path).raise_for_status().json()
