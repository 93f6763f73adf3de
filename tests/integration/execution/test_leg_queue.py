"""Legs on RQ, with a real Redis: offered once, offered again when their worker died, harmless when doubled."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import redis
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from services.execution.adapters import leg_queue
from services.execution.adapters.leg_queue import RqLegQueue, queue_name
from services.execution.adapters.redis_leases import RedisLeases

LEG = "20240603-abc-sells"


@pytest.fixture
def leases(redis_client: redis.Redis, namespace: str) -> RedisLeases:
    return RedisLeases(redis_client, namespace)


@pytest.fixture
def legs(redis_client: redis.Redis, namespace: str, leases: RedisLeases) -> RqLegQueue:
    return RqLegQueue(redis_client, namespace, leases)


def the_job(client: redis.Redis, namespace: str) -> Job:
    return Job.fetch(f"{namespace}-{LEG}", connection=client, serializer=JSONSerializer)


def length(client: redis.Redis, namespace: str) -> int:
    return int(client.llen(f"rq:queue:{queue_name(namespace)}"))  # type: ignore[arg-type]


def test_a_leg_is_queued_once_and_the_job_carries_nothing_but_its_id(
    legs: RqLegQueue, redis_client: redis.Redis, namespace: str
) -> None:
    assert legs.offer(LEG)
    assert not legs.offer(LEG)
    assert length(redis_client, namespace) == 1
    job = the_job(redis_client, namespace)
    assert (job.func_name, job.args, job.kwargs) == ("services.execution.jobs.work_leg", [LEG], {})


def test_a_leg_somebody_works_is_not_offered(legs: RqLegQueue, leases: RedisLeases) -> None:
    fence = leases.take(LEG, "a worker", 5)
    assert not legs.offer(LEG)
    leases.release(LEG, "a worker", fence or 0)
    assert legs.offer(LEG)


def test_a_job_that_was_taken_and_whose_worker_died_is_offered_again(
    legs: RqLegQueue,
    redis_client: redis.Redis,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
    eventually: Callable[..., object],
) -> None:
    monkeypatch.setattr(leg_queue, "_GRACE_SECONDS", 0.05)
    legs.offer(LEG)
    redis_client.lpop(f"rq:queue:{queue_name(namespace)}")
    the_job(redis_client, namespace).set_status(JobStatus.STARTED)
    assert not legs.offer(LEG), "a worker that has just taken it needs a moment"
    eventually(lambda: legs.offer(LEG), within=5)
    assert length(redis_client, namespace) == 1


def test_a_leg_whose_worker_let_its_lease_end_is_offered_at_once(
    legs: RqLegQueue, leases: RedisLeases, redis_client: redis.Redis, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leg_queue, "_GRACE_SECONDS", 3600)
    for worker in ("first", "second"):
        assert legs.offer(LEG)
        redis_client.lpop(f"rq:queue:{queue_name(namespace)}")
        the_job(redis_client, namespace).set_status(JobStatus.STARTED)
        assert not legs.offer(LEG), "the lease that has ended is not of the worker which has just taken the job"
        leases.take(LEG, worker, 0)
    assert legs.offer(LEG)


def test_a_service_that_has_just_started_offers_a_left_leg_at_once(
    legs: RqLegQueue, leases: RedisLeases, redis_client: redis.Redis, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leg_queue, "_GRACE_SECONDS", 3600)
    legs.offer(LEG)
    redis_client.lpop(f"rq:queue:{queue_name(namespace)}")
    the_job(redis_client, namespace).set_status(JobStatus.STARTED)
    leases.take(LEG, "a worker", 0)
    assert RqLegQueue(redis_client, namespace, leases).offer(LEG)


def test_a_leg_that_was_worked_for_long_is_offered_without_the_pause_of_one_that_comes_back(
    legs: RqLegQueue, redis_client: redis.Redis, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    for _ in range(8):
        assert legs.offer(LEG)
        redis_client.delete(f"rq:queue:{queue_name(namespace)}")
        the_job(redis_client, namespace).set_status(JobStatus.FINISHED)
        now += 30


def test_a_leg_that_was_left_is_offered_at_once_but_not_for_ever_without_a_pause(
    legs: RqLegQueue, redis_client: redis.Redis, namespace: str
) -> None:
    offered = 0
    for _ in range(10):
        offered += legs.offer(LEG)
        redis_client.delete(f"rq:queue:{queue_name(namespace)}")
        the_job(redis_client, namespace).set_status(JobStatus.FINISHED)
    assert offered == 3


def test_two_offers_at_once_do_no_harm(redis_client: redis.Redis, namespace: str, leases: RedisLeases) -> None:
    queues = [RqLegQueue(redis_client, namespace, leases) for _ in range(4)]
    threads = [threading.Thread(target=q.offer, args=(LEG,)) for q in queues]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= length(redis_client, namespace) <= 4
