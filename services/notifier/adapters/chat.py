"""Chat rooms and push services through apprise. None of them knows a Message-ID: a repeated attempt may show twice."""

from __future__ import annotations

import logging

import apprise
from pydantic import SecretStr

from services.notifier.domain.outbox import Letter
from services.notifier.ports import NotSentError
from shared.settings import SettingsError


class ChatChannel:
    """One apprise URL. `number` names it, since the URL itself holds a secret."""

    def __init__(self, url: SecretStr, number: int) -> None:
        self.name = f"chat-{number}"
        self._scheme = url.get_secret_value().partition("://")[0]
        self._rooms = apprise.Apprise()
        # apprise logs whole URLs, tokens included, when it cannot reach one.
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        if not self._rooms.add(url.get_secret_value()):
            raise SettingsError(f"NOTIFIER_CHAT_URLS: number {number} ({self._scheme}://) is no URL that apprise knows")

    def send(self, letter: Letter) -> str:
        if not self._rooms.notify(title=letter.subject, body=letter.short):
            raise NotSentError(f"{self._scheme}:// did not take it")
        return ""
