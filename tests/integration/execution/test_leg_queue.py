"""Legs on RQ, with a real Redis: offered once, offered again when their worker died, harmless when doubled."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from decimal import Decimal

import pytest
import redis
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from services.execution.adapters import leg_queue
from services.execution.adapters.leg_queue import RqLegQueue, queue_name
from services.execution.adapters.redis_leases import RedisLeases
from services.execution.domain.records import LegRecord, PlanRecord
from services.execution.ports import Papers

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


def a_leg_of_a_plan() -> Papers:
    plan = PlanRecord(
        plan_id="20240603-abc",
        run_id="r",
        correlation_id="c",
        created_at=dt.datetime(2024, 6, 3, 14, tzinfo=dt.UTC),
        equity=Decimal("100000.07"),
        cash=Decimal("0.1"),
        trades=(),
        refusals=(),
    )
    return Papers(LegRecord(leg_id=LEG, plan_id=plan.plan_id, side="sell", status="ready"), plan)


def test_one_worker_is_called_in_and_has_exactly_what_is_handed_over(
    legs: RqLegQueue, redis_client: redis.Redis, namespace: str, leases: RedisLeases
) -> None:
    legs.prepare()
    legs.call_in()
    legs.call_in()
    assert length(redis_client, namespace) == 1
    [name] = redis_client.lrange(f"rq:queue:{queue_name(namespace)}", 0, -1)  # type: ignore[misc]
    job = Job.fetch(name.decode(), connection=redis_client, serializer=JSONSerializer)
    assert (job.func_name, job.args, job.timeout) == ("services.execution.jobs.stand_by", [], -1)
    assert legs.hand_over(a_leg_of_a_plan())
    assert RqLegQueue(redis_client, namespace, leases).take_papers(5) == a_leg_of_a_plan()
    assert legs.take_papers(0.01) is None


def test_every_plan_calls_a_worker_in_of_its_own(legs: RqLegQueue, redis_client: redis.Redis, namespace: str) -> None:
    for _ in range(2):
        legs.call_in()
        assert legs.hand_over(a_leg_of_a_plan())
    assert length(redis_client, namespace) == 2


def test_nothing_is_handed_over_where_nobody_was_called_in(
    legs: RqLegQueue, redis_client: redis.Redis, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not legs.hand_over(a_leg_of_a_plan())
    legs.call_in()
    monkeypatch.setattr(leg_queue, "STAND_BY_SECONDS", 0.0)
    assert not legs.hand_over(a_leg_of_a_plan()), "whoever was called in has gone"
    assert redis_client.exists(f"{{{namespace}}}:execution:handed_over") == 0


def test_what_nobody_took_is_gone_before_the_next_plan(
    legs: RqLegQueue, redis_client: redis.Redis, namespace: str
) -> None:
    legs.call_in()
    legs.hand_over(a_leg_of_a_plan())
    assert 0 < redis_client.ttl(f"{{{namespace}}}:execution:handed_over") <= leg_queue.STAND_BY_SECONDS + 1  # type: ignore[operator]
