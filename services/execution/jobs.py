"""Execution's RQ work: the job takes a leg's id, `python -m services.execution.jobs` runs a worker for them.

The worker does not fork: a leg is long, starts within milliseconds, and its threads and connections are kept between legs.
"""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from functools import lru_cache
from types import FrameType
from typing import Final

import redis
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer

from services.execution.adapters.desk import Desk
from services.execution.adapters.leg_queue import STAND_BY_SECONDS, queue_name
from services.execution.bootstrap import Configuration, Ground, build_desk, lay_ground
from services.execution.settings import ExecutionSettings
from shared import logs
from shared.settings import LogSettings, RedisSettings, VenueSettings, or_exit, read_or_exit

_REDIS_AWAY_SECONDS: Final = 0.2
_IDLE_SECONDS: Final = 30
"""How long RQ waits for a job in one call. A connection that died without a word is noticed after so long."""

STOP: Final = threading.Event()
"""The process's wish to end; a leg at work is left to the next worker, its orders journalled."""


def work_leg(leg_id: str) -> str:
    """The RQ job. Doing it twice, late or on several workers at once does no harm."""
    return _desk().work(leg_id, STOP)


def stand_by() -> str:
    """The RQ job of whoever is called in while a plan is drawn up."""
    return _desk().stand_by(STAND_BY_SECONDS, STOP)


@lru_cache(maxsize=1)
def _ground() -> Ground:
    configuration = Configuration(
        redis=read_or_exit(RedisSettings),
        venue=read_or_exit(VenueSettings),
        execution=read_or_exit(ExecutionSettings),
    )
    with or_exit():
        return lay_ground(configuration)


@lru_cache(maxsize=1)
def _desk() -> Desk:
    return build_desk(_ground())


class LegWorker(SimpleWorker):
    """Tells the leg at work that the process wants to end. Takes no commands over Redis, and is soon back after an outage."""

    max_connection_wait_time = 0.5

    def subscribe(self) -> None:
        """RQ's remote commands would need a thread and a connection, and end jobs in the middle of anything."""

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        STOP.set()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]  # RQ has not annotated it


def main() -> int:
    logs.configure("execution-worker", read_or_exit(LogSettings))
    _desk()
    # A client of its own: RQ sets timeouts on it that are far too long for a lease.
    client = redis.Redis.from_url(read_or_exit(RedisSettings).redis_url)
    with suppress(StopRequested):  # the signal came between two of RQ's lives
        while not STOP.is_set():
            _serve(client, queue_name(_ground().namespace))
    _desk().close()
    return 0


def _serve(client: redis.Redis, name: str) -> None:
    """Until the process is told to end or RQ gives up, which it does when Redis goes away at the wrong moment."""
    queue = Queue(name, connection=client, serializer=JSONSerializer)
    try:
        worker = LegWorker([queue], connection=client, serializer=JSONSerializer, worker_ttl=_IDLE_SECONDS)
        worker.work(logging_level="WARNING")
    except (redis.ConnectionError, redis.TimeoutError) as error:
        logs.get("execution.worker").warning("RQ lost Redis", error=str(error))
    STOP.wait(_REDIS_AWAY_SECONDS)


if __name__ == "__main__":
    # RQ finds the job by its import name: the module it finds must be this one, with this event and this desk.
    sys.modules["services.execution.jobs"] = sys.modules["__main__"]
    sys.exit(main())
