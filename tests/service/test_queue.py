"""Laws of the queue: in order, by lease, fenced, every job ended exactly once."""

from __future__ import annotations

import threading

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import select

from api.jobs import queue
from api.store import keys
from api.store.tables import job_events, jobs

LEASE = 10.0


class Clock:
    """Milliseconds that pass when told to."""

    def __init__(self) -> None:
        self.at = 1_000_000

    def __call__(self) -> int:
        self.at += 1  # no two moments are the same
        return self.at

    def pass_(self, seconds: float) -> None:
        self.at += round(1000 * seconds)


class Queue:
    """The queue of one workspace, each deed in a transaction of its own."""

    def __init__(self, database, workspace, clock) -> None:
        self.database, self.workspace, self.clock = database, workspace, clock

    def do(self, what, *arguments, **named):
        with self.database.write() as connection:
            return what(connection, *arguments, **named)

    def enqueue(self, **payload):
        """A new job's id."""
        return self.do(queue.enqueue, workspace=self.workspace, kind="probe", payload=payload)

    def take(self, owner="first", lease=LEASE):
        """The next job, claimed for an owner."""
        return self.do(queue.claim, owner, lease)

    def row(self, job):
        with self.database.read() as connection:
            return connection.execute(select(jobs).where(jobs.c.id == job)).mappings().one()

    def events(self, job):
        """Numbers and kinds of a job's events."""
        with self.database.read() as connection:
            return [(e["seq"], e["kind"]) for e in queue.events_after(connection, job, 0)]


@pytest.fixture
def q(database, workspace, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(queue, "now", clock)
    return Queue(database, workspace, clock)


def test_jobs_are_claimed_in_the_order_they_came(q):
    asked = [q.enqueue(place=place) for place in range(5)]
    assert [q.take().job for _ in asked] == asked
    assert q.take() is None


def test_a_job_whose_lease_ran_out_is_claimed_before_younger_ones(q):
    old = q.enqueue()
    q.take("lost")
    q.enqueue()
    q.clock.pass_(LEASE + 1)
    again = q.take("second")
    assert (again.job, again.attempt) == (old, 2)


def test_a_younger_job_waits_no_longer_than_the_one_before_it(q):
    first = q.enqueue()
    held = q.take("slow", lease=5 * LEASE)
    waiting = q.enqueue()
    q.clock.pass_(LEASE + 1)
    assert held.job == first
    assert q.take("second").job == waiting


def test_a_beat_keeps_a_job_from_others(q):
    q.enqueue()
    held = q.take()
    for _ in range(5):
        q.clock.pass_(LEASE * 0.9)
        q.do(queue.beat, held, LEASE)
    assert q.take("second") is None


WRITES = {
    "a beat": lambda connection, held: queue.beat(connection, held, LEASE),
    "an event": lambda connection, held: queue.tell(connection, held, "progress", {"share": 1}),
    "a checkpoint": lambda connection, held: queue.keep_checkpoint(connection, held, [1]),
    "an end": lambda connection, held: queue.finish(connection, held, "succeeded", result={"a": 1}),
    "a failure": lambda connection, held: queue.finish(connection, held, "failed", problem={}),
    "a release": queue.release,
}


@pytest.mark.parametrize("written", WRITES)
def test_a_lost_owner_writes_nothing(written, q):
    job = q.enqueue()
    lost = q.take("lost")
    q.clock.pass_(LEASE + 1)
    q.take("second")
    before = q.row(job), q.events(job)
    with pytest.raises(queue.LostLeaseError):
        q.do(WRITES[written], lost)
    assert (q.row(job), q.events(job)) == before


@pytest.mark.parametrize("written", WRITES)
def test_nobody_writes_to_a_job_that_ended(written, q):
    job = q.enqueue()
    held = q.take()
    q.do(queue.finish, held, "succeeded", result={"made": 1})
    before = q.row(job), q.events(job)
    with pytest.raises(queue.LostLeaseError):
        q.do(WRITES[written], held)
    assert (q.row(job), q.events(job)) == before


def test_the_same_worker_cannot_write_for_its_earlier_attempt(q):
    q.enqueue()
    first = q.take("same")
    q.clock.pass_(LEASE + 1)
    second = q.take("same")
    with pytest.raises(queue.LostLeaseError):
        q.do(queue.finish, first, "succeeded")
    q.do(queue.finish, second, "succeeded")


def test_a_job_lost_three_times_without_progress_fails_and_says_so(q):
    job = q.enqueue()
    for attempt in range(1, queue.MOST_LOST + 1):
        assert q.take().attempt == attempt
        q.clock.pass_(LEASE + 1)
    assert q.take() is None
    found = q.row(job)
    assert (found["status"], found["problem"]["code"]) == ("failed", "worker_lost")
    assert found["problem"]["detail"].endswith("send the job again.")
    assert [kind for _, kind in q.events(job)] == ["queued", *["started"] * 3, "failed"]


def test_an_attempt_lost_after_a_checkpoint_does_not_count(q):
    q.enqueue()
    for step in range(3 * queue.MOST_LOST):
        held = q.take()
        assert held is not None
        assert held.checkpoint == (step or None)
        q.do(queue.keep_checkpoint, held, step + 1)
        q.clock.pass_(LEASE + 1)


def test_a_released_job_is_free_at_once_and_not_lost(q):
    job = q.enqueue()
    q.do(queue.release, q.take())
    assert q.take("second").attempt == 2
    assert q.row(job)["lost"] == 0


def test_a_waiting_job_is_cancelled_at_once(q):
    job = q.enqueue()
    assert q.do(queue.cancel, q.workspace, job)["status"] == "cancelled"
    assert q.take() is None
    assert q.events(job) == [(1, "queued"), (2, "cancelled")]
    assert q.row(job)["finished_at"] is not None


def test_a_running_job_is_cancelled_by_its_worker(q):
    job = q.enqueue()
    held = q.take()
    assert q.do(queue.cancel, q.workspace, job)["status"] == "running"
    with q.database.read() as connection:
        assert queue.is_cancelled(connection, job)
    q.do(queue.finish, held, "cancelled")
    assert q.take() is None


def test_a_cancelled_job_whose_worker_is_lost_ends_cancelled(q):
    job = q.enqueue()
    q.take()
    q.do(queue.cancel, q.workspace, job)
    q.clock.pass_(LEASE + 1)
    assert q.take("second") is None
    assert q.row(job)["status"] == "cancelled"


def test_cancelling_what_ended_changes_nothing(q):
    job = q.enqueue()
    q.do(queue.finish, q.take(), "succeeded", result={"made": 1})
    before = q.row(job), q.events(job)
    assert q.do(queue.cancel, q.workspace, job)["status"] == "succeeded"
    assert (q.row(job), q.events(job)) == before


def test_another_workspace_cancels_nothing(q):
    job = q.enqueue()
    stranger = q.do(keys.make_workspace, "strangers")
    assert q.do(queue.cancel, stranger, job) is None
    assert q.row(job)["status"] == "queued"


def test_workers_at_once_share_jobs_without_overlap(q):
    asked = [q.enqueue(place=place) for place in range(40)]
    done: list[str] = []

    def work(owner):
        while True:
            with q.database.write() as connection:
                held = queue.claim(connection, owner, LEASE)
            if held is None:
                return
            with q.database.write() as connection:
                queue.finish(connection, held, "succeeded")
            done.append(held.job)

    threads = [threading.Thread(target=work, args=(f"w{place}",)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == sorted(asked)


STEPS = st.lists(
    st.sampled_from(["enqueue", "take", "lapse", "checkpoint", "tell", "finish", "cancel", "free"]),
    min_size=5,
    max_size=40,
)


@given(steps=STEPS)
@examples(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_events_have_no_gaps_and_every_job_ends_once(steps, q):
    held, asked = [], []
    for step in steps:
        if step == "enqueue":
            asked.append(q.enqueue())
        elif step == "take":
            claim = q.take(f"w{len(held)}")
            held += [claim] if claim else []
        elif step == "lapse":
            q.clock.pass_(LEASE + 1)
        elif step == "cancel" and asked:
            q.do(queue.cancel, q.workspace, asked[-1])
        elif held:
            _try(q.do, step, held[-1])
    q.clock.pass_(LEASE + 1)
    while (claim := q.take("last")) is not None:
        q.do(queue.finish, claim, "succeeded")
    _check(q.database, asked)


def _try(do, step, held):
    what = {
        "checkpoint": WRITES["a checkpoint"],
        "tell": WRITES["an event"],
        "finish": WRITES["an end"],
        "free": queue.release,
    }.get(step)
    try:
        do(what, held)
    except queue.LostLeaseError:
        return


def _check(database, asked):
    with database.read() as connection:
        for job in asked:
            found = connection.execute(select(jobs).where(jobs.c.id == job)).mappings().one()
            told = (
                connection.execute(
                    select(job_events).where(job_events.c.job == job).order_by(job_events.c.seq)
                )
                .mappings()
                .all()
            )
            assert [event["seq"] for event in told] == list(range(1, len(told) + 1))
            endings = [event["kind"] for event in told if event["kind"] in queue.ENDED]
            assert endings == [found["status"]]
            assert told[-1]["kind"] == found["status"]
