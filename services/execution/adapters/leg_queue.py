"""Legs as RQ jobs: the job carries a leg's id and nothing else, and may be lost or doubled without harm.

RQ's keys have no namespace of ours, so the queue and the jobs carry it in their names.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final, cast

import redis
from pydantic import TypeAdapter
from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from services.execution.ports import Leases, Papers
from shared.bus.redis_bus import reachable

WORK: Final = "services.execution.jobs.work_leg"
STAND_BY: Final = "services.execution.jobs.stand_by"
STAND_BY_SECONDS: Final = 2.0
"""So long a worker that was called in waits for its leg; every target calls one in, at most one at a time."""
_PAPERS: Final = TypeAdapter(Papers)
_NO_TIMEOUT: Final = -1
"""RQ would end a job by a signal in the middle of anything; a leg has its own deadlines."""
_GRACE_SECONDS: Final = 1.0
"""Between taking a job and holding its lease a worker needs a moment."""
_KEEP_SECONDS: Final = 3600
_AT_ONCE: Final = 3
"""Offers without a pause; a leg that keeps coming back breaks its workers, and must not keep them busy with that."""
_LONGEST_PAUSE_SECONDS: Final = 2.0
_FORGOTTEN_SECONDS: Final = 2 * _LONGEST_PAUSE_SECONDS
"""A leg that was worked for so long since it was offered does not break its workers at once."""


def queue_name(namespace: str) -> str:
    return f"{namespace}.legs"


@dataclass(frozen=True, slots=True)
class _Offer:
    count: int = 0
    at: float = 0.0
    lease: int | None = None
    """The newest lease when it was made: a newer one is of a worker that took it."""


class RqLegQueue:
    """The LegQueue port. Raises BusUnavailableError when Redis cannot be reached."""

    def __init__(self, client: redis.Redis, namespace: str, leases: Leases) -> None:
        self._redis = client
        self._namespace = namespace
        self._leases = leases
        self._queue = Queue(queue_name(namespace), connection=client, serializer=JSONSerializer)
        self._suspected: dict[str, float] = {}
        self._offers: dict[str, _Offer] = {}
        self._prepared: tuple[str, float] | None = None
        self._called_in_at = float("-inf")
        self._handed_over = f"{{{namespace}}}:execution:handed_over"

    def offer(self, leg_id: str) -> bool:
        with reachable():
            if self._is_too_soon(leg_id) or self._leases.is_held(leg_id) or not self._is_free(leg_id):
                return False
            self._suspected.pop(leg_id, None)
            count, lease = self._last_offer(leg_id).count, self._leases.newest(leg_id)
            self._offers[leg_id] = _Offer(count + 1, time.monotonic(), lease)
            self._queue.enqueue(
                WORK,
                leg_id,
                job_id=self._job_id(leg_id),
                job_timeout=_NO_TIMEOUT,
                result_ttl=_KEEP_SECONDS,
                failure_ttl=_KEEP_SECONDS,
            )
            return True

    def prepare(self) -> None:
        self._prepared = self._prepared_job()

    def call_in(self) -> None:
        if self._stands_by():
            return
        (job_id, _), self._prepared = self._prepared_job(), None
        with reachable(), self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(self._handed_over)  # papers that nobody took are offered by another way
            self._queue.push_job_id(job_id, pipeline=pipe)
            pipe.execute()
        self._called_in_at = time.monotonic()

    def _prepared_job(self) -> tuple[str, float]:
        """The one that waits for its use, else a new one: its id, and when it was made."""
        prepared = self._prepared
        if prepared is not None and time.monotonic() - prepared[1] < _KEEP_SECONDS / 2:
            return prepared
        with reachable():
            job = self._queue.create_job(STAND_BY, timeout=_NO_TIMEOUT, result_ttl=0, failure_ttl=_KEEP_SECONDS)
            job.save()
            self._redis.sadd(self._queue.redis_queues_keys, self._queue.key)
            self._redis.expire(job.key, _KEEP_SECONDS)  # a worker that takes it makes it stay
        return job.id, time.monotonic()

    def hand_over(self, papers: Papers) -> bool:
        if not self._stands_by():
            return False
        self._called_in_at = float("-inf")  # it has its leg now
        with reachable(), self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(self._handed_over)
            pipe.lpush(self._handed_over, _PAPERS.dump_json(papers))
            pipe.expire(self._handed_over, int(STAND_BY_SECONDS) + 1)
            pipe.execute()
        return True

    def take_papers(self, within_seconds: float) -> Papers | None:
        with reachable():
            found = cast("tuple[bytes, bytes] | None", self._redis.blpop([self._handed_over], timeout=within_seconds))
        return None if found is None else _PAPERS.validate_json(found[1])

    def _stands_by(self) -> bool:
        return time.monotonic() - self._called_in_at < STAND_BY_SECONDS

    def _is_too_soon(self, leg_id: str) -> bool:
        last = self._last_offer(leg_id)
        if last.count < _AT_ONCE:
            return False
        return time.monotonic() - last.at < min(_LONGEST_PAUSE_SECONDS, 0.25 * 2.0 ** (last.count - _AT_ONCE))

    def _last_offer(self, leg_id: str) -> _Offer:
        found = self._offers.get(leg_id, _Offer())
        return found if time.monotonic() - found.at < _FORGOTTEN_SECONDS else _Offer(lease=found.lease)

    def _is_free(self, leg_id: str) -> bool:
        """Whether no worker has it or is about to take it."""
        try:
            job = Job.fetch(self._job_id(leg_id), connection=self._redis, serializer=JSONSerializer)
        except NoSuchJobError:
            return True
        status = job.get_status(refresh=False)
        if status == JobStatus.QUEUED and self._queue.get_job_position(job) is not None:
            return False
        if status not in (JobStatus.QUEUED, JobStatus.STARTED):
            return True
        return self._was_left(leg_id) or self._is_long_suspected(leg_id)

    def _was_left(self, leg_id: str) -> bool:
        """Its worker took the lease after our offer and let it end: it is dead, or stands still."""
        newest = self._leases.newest(leg_id)
        return newest is not None and newest != self._last_offer(leg_id).lease

    def _is_long_suspected(self, leg_id: str) -> bool:
        """Taken off the queue and nobody holds its lease: its worker died, or has not come that far yet."""
        since = self._suspected.setdefault(leg_id, time.monotonic())
        return time.monotonic() - since >= _GRACE_SECONDS

    def _job_id(self, leg_id: str) -> str:
        return f"{self._namespace}-{leg_id}"
