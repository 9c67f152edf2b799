"""kill -9 and cancelling: what was acknowledged is kept, every job ends once, and soon."""

from __future__ import annotations

import os
import signal
import statistics
import time

import pytest
from sqlalchemy import select

from api.jobs import queue
from api.settings import Settings
from api.store.clock import now
from api.store.tables import jobs, workspaces
from benchmarks import service_kills
from benchmarks.service_databases import own_database, why_not
from benchmarks.service_processes import Group, until
from tests.service.running import working

SHORT_KILLS = 10  # on each database
SHIPPED_LEASE = 15.0
RESUMED = 20.0  # seconds
CANCELLED, CANCELLED_HARD = 1.0, 3.0  # seconds
BOTH = ("sqlite", "postgresql")


def show(figure):
    """Print a figure that a test holds; seen with `pytest -s` or where the test fails."""
    print(figure)  # noqa: T201


@pytest.fixture
def kind(request):
    reason = why_not() if request.param == "postgresql" else None
    if reason:
        pytest.skip(reason)
    return request.param


def assert_survived(outcome, kills):
    show(outcome)
    assert outcome.faults == []
    assert outcome.kills >= kills
    assert all(0 < seconds <= RESUMED for seconds in outcome.resumed)


@pytest.mark.parametrize("kind", BOTH, indirect=True)
def test_kills_lose_nothing_and_repeat_nothing(kind):
    assert_survived(service_kills.run(kind, SHORT_KILLS, service_kills.LEASE, seed=7), SHORT_KILLS)


@pytest.mark.parametrize("kind", BOTH[:1], indirect=True)
def test_a_job_is_taken_up_again_in_time_at_the_shipped_lease(kind):
    assert_survived(service_kills.run(kind, 1, SHIPPED_LEASE, seed=8), 1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", BOTH, indirect=True)
def test_many_kills_lose_nothing_and_repeat_nothing(kind):
    assert_survived(service_kills.run(kind, 100, service_kills.LEASE, seed=9), 100)


@pytest.fixture
def idle(tmp_path):
    """Settings of a worker; its database is the one it is given."""
    return Settings(folder=tmp_path, lease_seconds=1.5, _env_file=None)


@pytest.fixture
def enqueue(database, workspace):
    """Enqueues a probe that lasts."""

    def one(**payload):
        with database.write() as connection:
            return queue.enqueue(connection, workspace=workspace, kind="probe", payload=payload)

    return one


def row(database, job):
    with database.read() as connection:
        return connection.execute(select(jobs).where(jobs.c.id == job)).mappings().one()


def is_running(database, job):
    return lambda: row(database, job)["status"] == "running"


def test_of_two_workers_the_one_left_finishes_the_job(tmp_path):
    """At the shipped lease, on PostgreSQL, where workers may stand on many hosts."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    with (
        own_database() as address,
        service_kills.stand(tmp_path, address, SHIPPED_LEASE, 1) as what,
    ):
        other = Group(("worker",), what.settings, tmp_path / "other.log")
        other.start()
        try:
            with what.database.write() as connection:
                home = connection.execute(select(workspaces.c.id)).scalar_one()
                payload = {"steps": 20, "seconds": 2.0}
                job = queue.enqueue(connection, workspace=home, kind="probe", payload=payload)
            until(is_running(what.database, job))
            owner = row(what.database, job)["owner"]
            group = next(one for one in (what.worker, other) if f"-{one.pid}-" in owner)
            group.kill()
            begun = time.monotonic()
            until(lambda: row(what.database, job)["status"] == "succeeded", RESUMED)
            show(f"finished by the other worker {time.monotonic() - begun:.1f} s after the kill")
            assert row(what.database, job)["attempt"] == 2
        finally:
            other.stop()


def cancelled_after(database, workspace, job):
    """Seconds from asking a job to stop until it has ended."""
    begun = time.monotonic()
    with database.write() as connection:
        queue.cancel(connection, workspace, job)
    until(lambda: row(database, job)["status"] in queue.ENDED, 30)
    assert row(database, job)["status"] == "cancelled"
    return time.monotonic() - begun


def test_a_running_job_is_cancelled_within_a_second(idle, enqueue, database, workspace):
    seconds = []
    with working(idle, database):
        for _ in range(20):
            job = enqueue(steps=1, seconds=60.0)
            until(is_running(database, job))
            seconds.append(cancelled_after(database, workspace, job))
    p95 = statistics.quantiles(seconds, n=20)[-1]
    show(f"cancelled: p95 {p95:.2f} s")
    assert p95 <= CANCELLED


@pytest.mark.parametrize("stuck", [signal.SIGSTOP], ids=["a child that does not listen"])
def test_a_child_that_does_not_listen_is_ended_by_force(stuck, idle, enqueue, database, workspace):
    with working(idle, database) as (worker,):
        job = enqueue(steps=1, seconds=60.0)
        until(is_running(database, job))
        until(lambda: worker.child.pid is not None)
        os.kill(worker.child.pid, stuck)
        seconds = cancelled_after(database, workspace, job)
        show(f"cancelled by force in {seconds:.2f} s")
        assert seconds <= CANCELLED_HARD
        after = enqueue(steps=1)
        until(lambda: row(database, after)["status"] == "succeeded", 20)


def test_a_child_that_is_killed_fails_its_job_with_advice(idle, enqueue, database):
    with working(idle, database) as (worker,):
        job = enqueue(steps=1, seconds=60.0)
        until(is_running(database, job))
        until(lambda: worker.child.pid is not None)
        os.kill(worker.child.pid, signal.SIGKILL)
        until(lambda: row(database, job)["status"] == "failed", 20)
        assert row(database, job)["problem"]["code"] == "stopped_by_system"
        after = enqueue(steps=1)
        until(lambda: row(database, after)["status"] == "succeeded", 20)


def test_a_job_that_takes_too_long_is_stopped(idle, enqueue, database):
    short = idle.model_copy(update={"job_seconds": 0.5})
    with working(short, database):
        job = enqueue(steps=1, seconds=60.0)
        until(lambda: row(database, job)["status"] == "failed", 20)
    assert row(database, job)["problem"]["code"] == "too_slow"


def test_a_worker_told_to_stop_gives_its_job_back_at_once(idle, enqueue, database):
    with working(idle, database):
        job = enqueue(steps=10, seconds=60.0)
        until(is_running(database, job))
    found = row(database, job)
    assert (found["status"], found["lost"]) == ("queued", 0)
    assert found["lease_until"] is None or found["lease_until"] < now()
