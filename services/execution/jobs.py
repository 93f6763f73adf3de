"""Execution's RQ work: the job takes a leg's id, `python -m services.execution.jobs` runs a worker for them.

The worker does not fork: a leg is long, starts within milliseconds, and its threads and connections are kept between legs.
"""

from __future__ import annotations

import sys
import threading
from functools import lru_cache
from types import FrameType
from typing import Final

from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from services.execution.adapters.desk import Desk
from services.execution.adapters.leg_queue import queue_name
from services.execution.bootstrap import Configuration, Ground, build_desk, lay_ground
from services.execution.settings import ExecutionSettings
from shared import logs
from shared.settings import LogSettings, RedisSettings, VenueSettings, or_exit, read_or_exit

STOP: Final = threading.Event()
"""The process's wish to end; a leg at work is left to the next worker, its orders journalled."""


def work_leg(leg_id: str) -> str:
    """The RQ job. Doing it twice, late or on several workers at once does no harm."""
    return _desk().work(leg_id, STOP)


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
    """Tells the leg at work that the process wants to end."""

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        STOP.set()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]  # RQ has not annotated it


def main() -> int:
    logs.configure("execution-worker", read_or_exit(LogSettings))
    ground = _ground()
    _desk()
    queue = Queue(queue_name(ground.namespace), connection=ground.client, serializer=JSONSerializer)
    worker = LegWorker([queue], connection=ground.client, serializer=JSONSerializer)
    worker.work(logging_level="WARNING")
    _desk().close()
    return 0


if __name__ == "__main__":
    # RQ finds the job by its import name: the module it finds must be this one, with this event and this desk.
    sys.modules["services.execution.jobs"] = sys.modules["__main__"]
    sys.exit(main())
