"""A sweep's points as RQ jobs: any number of workers, here or elsewhere, that see the same Redis and the same folders.

python -m backtest.workers REDIS_URL          one worker, until the queue is empty
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import redis
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer

from backtest.sweep import Point, Store, work

QUEUE: Final = "alchemiser-sweep"
_A_POINT_TAKES_AT_MOST: Final = 3600
_LOOK_EVERY_SECONDS: Final = 0.2


class UnfinishedError(RuntimeError):
    """Points that no worker finished; what is done stays done."""


class NoQueueError(RuntimeError):
    """Redis cannot be reached."""


def queue_of(url: str) -> Queue:
    return Queue(QUEUE, connection=redis.Redis.from_url(url), serializer=JSONSerializer)


def spread(
    points: Sequence[Point], store: Store, url: str, workers: int, tell: Callable[[str, int, int], None]
) -> None:
    """The missing points over that many worker processes of this machine (0: over those elsewhere).

    Raises UnfinishedError, NoQueueError.
    """
    missing = store.missing(points)
    jobs = _enqueued(missing, str(store.folder.resolve()), url)
    processes = [subprocess.Popen([sys.executable, "-m", "backtest.workers", url]) for _ in range(workers)]  # noqa: S603 - ourselves
    try:
        while left := store.missing(missing):
            tell("points", len(missing) - len(left), len(missing))
            idle = processes and all(process.poll() is not None for process in processes)
            if idle or all(job.get_status() == "failed" for job in jobs if job.args[0] in {p.encode() for p in left}):
                break
            time.sleep(_LOOK_EVERY_SECONDS)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()
    _require_done(store.missing(missing), [_error_of(job) for job in jobs if job.is_failed])


def _enqueued(points: Sequence[Point], folder: str, url: str) -> list[Job]:
    try:
        queue = queue_of(url)
        return [queue.enqueue(work, point.encode(), folder, job_timeout=_A_POINT_TAKES_AT_MOST) for point in points]
    except (redis.RedisError, ValueError) as error:
        raise NoQueueError(str(error)) from error


def _error_of(job: Job) -> str:
    result = job.latest_result()
    return str(result.exc_string) if result is not None else "no error was kept"


def _require_done(left: Sequence[Point], errors: Sequence[str]) -> None:
    if left:
        # The last line of a traceback, without the modules before the error's name.
        why = re.sub(r"^(?:\w+\.)+", "", errors[0].strip().splitlines()[-1]) if errors else "its worker ended"
        raise UnfinishedError(
            f"{len(left)} points are not done, first {left[0].parameters}: {why}; the same command goes on from what is done"
        )


def main() -> int:
    """A point's error stands in its job, where `spread` reads it."""
    queue = queue_of(sys.argv[1])
    worker = SimpleWorker([queue], connection=queue.connection, serializer=JSONSerializer)
    with suppress(StopRequested):
        worker.work(burst=True, logging_level="CRITICAL")
    return 0


if __name__ == "__main__":
    sys.exit(main())
