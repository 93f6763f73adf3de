"""The Books port of who keeps none: everything in the account is the portfolio's, and nothing is remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from services.execution.domain.records import PlanRecord
from shared.bus import Change


class NoBooks:
    def left_alone(self, held: Mapping[str, Decimal], cash: Decimal) -> Mapping[str, Decimal]:
        return {}

    def remembering(self, plan: PlanRecord) -> Sequence[Change]:
        return ()
