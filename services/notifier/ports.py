"""What the notifier needs from outside: a way to set HTML, channels that carry letters to people; and where its own state stands."""

from __future__ import annotations

from typing import Final, Protocol

from services.notifier.domain.brief import Brief
from services.notifier.domain.outbox import Letter

# State hashes on the bus
OUTBOX: Final = "notifier_outbox"
"""posting key -> Posting"""
JOURNAL: Final = "notifier_journal"
"""posting key -> Record"""
SIGNALS: Final = "notifier_signals"
"""run/strategy -> SignalIssued, of the newest runs"""
PLANS: Final = "notifier_plans"
"""plan id -> RebalancePlanned, the newest"""
REPEATS: Final = "notifier_repeats"
"""sameness -> Repeats"""


class NotSentError(Exception):
    """The letter certainly did not go: nobody answered, or the channel refused it. The text carries no secret."""


class OutcomeUnknownError(Exception):
    """The channel fell silent after it may have taken the letter."""


class Typesetter(Protocol):
    def html(self, brief: Brief) -> str: ...


class Channel(Protocol):
    @property
    def name(self) -> str: ...

    def send(self, letter: Letter) -> str:
        """Returns what is worth remembering about it, often nothing. Raises NotSentError or OutcomeUnknownError."""
