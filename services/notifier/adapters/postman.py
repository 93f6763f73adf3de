"""Takes letters from the outbox to their channels: marks each before it is tried, and records it after it is known to have gone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from services.notifier.domain.outbox import Posting, Record, Result, recorded
from services.notifier.ports import JOURNAL, OUTBOX, Channel, NotSentError, OutcomeUnknownError
from shared import logs, metrics
from shared.bus import Bus, Outcome, Put, Remove
from shared.clock import Clock

_REMEMBERED = 200


class Postman:
    """`patience`: how long a letter is tried again before it is given up, loudly."""

    def __init__(self, bus: Bus, channels: Sequence[Channel], clock: Clock, *, patience: dt.timedelta) -> None:
        self._bus = bus
        self._channels = {channel.name: channel for channel in channels}
        self._clock = clock
        self._patience = patience
        self._troubles: dict[str, str] = {}
        self._log = logs.get("notifier")

    @property
    def troubles(self) -> Mapping[str, str]:
        """Channel -> why its last attempt failed; empty when all went well."""
        return dict(self._troubles)

    def deliver_due(self) -> int:
        """Try what is due, oldest first; a channel that fails is left alone until the next round. Returns how many went."""
        now, failed, sent = self._clock.now(), set[str](), 0
        for posting in waiting(self._bus):
            if posting.channel not in failed and posting.is_due(now):
                if self._deliver(posting):
                    sent += 1
                else:
                    failed.add(posting.channel)
        return sent

    def _deliver(self, posting: Posting) -> bool:
        channel = self._channels.get(posting.channel)
        if channel is None:
            return self._finish(posting, "no channel", f"{posting.channel} is not configured any more")
        if posting.in_flight:
            self._log.warning("cut off while sending; sent again under the same Message-ID", letter=posting.letter.id)
        tried = posting.tried()
        self._bus.commit(Outcome(changes=(_put(tried),)))
        try:
            remark = channel.send(tried.letter)
        except (NotSentError, OutcomeUnknownError) as error:
            self._keep(tried, str(error), is_unknown=isinstance(error, OutcomeUnknownError))
            return False
        except Exception as error:  # noqa: BLE001 - one letter that cannot be set must not stop the others
            self._keep(tried, f"{type(error).__name__}: {error}", is_unknown=True)
            return False
        self._troubles.pop(channel.name, None)
        return self._finish(tried, "sent", remark)

    def _keep(self, tried: Posting, why: str, *, is_unknown: bool) -> None:
        now = self._clock.now()
        problem = f"outcome unknown: {why}" if is_unknown else why
        self._troubles[tried.channel] = problem
        metrics.MAILS.labels(tried.channel, "unknown" if is_unknown else "failed").inc()
        self._log.warning(
            "not sent", channel=tried.channel, letter=tried.letter.id, attempt=tried.attempts, why=problem
        )
        if tried.is_hopeless(now, self._patience):
            self._finish(tried, "given up", problem)
        else:
            self._bus.commit(Outcome(changes=(_put(tried.failed(problem, now)),)))

    def _finish(self, posting: Posting, result: Result, detail: str) -> bool:
        record = recorded(posting, result, self._clock.now(), detail)
        forgotten = tuple(Remove(JOURNAL, name) for name in _oldest(self._bus.get_all(JOURNAL), posting.key))
        put = Put(JOURNAL, posting.key, record.model_dump_json())
        self._bus.commit(Outcome(changes=(Remove(OUTBOX, posting.key), put, *forgotten)))
        metrics.MAILS.labels(posting.channel, result).inc()
        level = self._log.info if result == "sent" else self._log.error
        level(result, channel=posting.channel, subject=posting.letter.subject, attempts=posting.attempts, detail=detail)
        return result == "sent"


def waiting(bus: Bus) -> list[Posting]:
    """What is in the outbox, oldest first."""
    found = [Posting.model_validate_json(raw) for raw in bus.get_all(OUTBOX).values()]
    return sorted(found, key=lambda p: (p.letter.made_at, p.key))


def records(bus: Bus, limit: int) -> list[Record]:
    """What went and what still waits, newest first."""
    gone = [Record.model_validate_json(raw) for raw in bus.get_all(JOURNAL).values()]
    here = [recorded(p, "waiting", p.not_before, p.problem) for p in waiting(bus)]
    return sorted([*gone, *here], key=lambda r: (r.made_at, r.channel), reverse=True)[:limit]


def _put(posting: Posting) -> Put:
    return Put(OUTBOX, posting.key, posting.model_dump_json())


def _oldest(journal: Mapping[str, str], newcomer: str) -> list[str]:
    """What must go so that the journal, newcomer included, stays within its bound."""
    kept = {name: Record.model_validate_json(raw).at for name, raw in journal.items() if name != newcomer}
    surplus = max(0, len(kept) + 1 - _REMEMBERED)
    return sorted(kept, key=lambda name: kept[name])[:surplus]
