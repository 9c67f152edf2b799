"""The n-th call to the database or the disk fails, for every n: nothing half-done is kept."""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import OperationalError

from api.jobs import worker as worker_module
from api.jobs.child import Ended
from api.jobs.tasks import Context, run_task
from api.jobs.worker import Worker
from api.problems import problem_of
from api.store import audit
from api.store.backup import named_blobs
from api.store.tables import histories, job_events, jobs, models, plans, scenarios
from tests.service.running import MODEL, SCENARIO, SHOP

MOST_CALLS = 200  # of one flow
LEDGERS = (histories, models, scenarios, plans, jobs)


def full():
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def broken():
    return OSError(errno.EIO, os.strerror(errno.EIO))


def locked():
    return OperationalError("a statement", {}, sqlite3.OperationalError("database is locked"))


#: In turn in the short lane; each for every call in the slow one.
ERRORS = pytest.mark.parametrize(
    "errors",
    [
        pytest.param((full, locked, broken), id="in turn"),
        pytest.param((full,), id="ENOSPC", marks=pytest.mark.slow),
        pytest.param((broken,), id="EIO", marks=pytest.mark.slow),
        pytest.param((locked,), id="locked", marks=pytest.mark.slow),
    ],
)


class Faults:
    """Counts calls to the database and the disk, and fails one of them."""

    def __init__(self, engine, monkeypatch):
        self.at, self.count, self.error = 0, 0, locked
        event.listen(engine, "before_cursor_execute", self._on_database)
        event.listen(engine, "commit", self._on_database)
        for place, name in (
            (os, "fsync"),
            (Path, "rename"),
            (Path, "open"),
            (tempfile, "mkdtemp"),
        ):
            monkeypatch.setattr(place, name, self._failing(getattr(place, name)))

    def _on_database(self, *_):
        self._look(locked if self.error is locked else _as_database(self.error))

    def _failing(self, usual):
        def call(*arguments, **named):
            self._look(broken if self.error is locked else self.error)
            return usual(*arguments, **named)

        return call

    def _look(self, error):
        if self.at:
            self.count += 1
            if self.count == self.at:
                raise error()

    @contextmanager
    def armed(self, at, error):
        """Fail the call of this number; tells whether there was one."""
        self.at, self.count, self.error = at, 0, error
        try:
            yield lambda: self.count >= at
        finally:
            self.at = 0


def _as_database(error):
    words = {full: "database or disk is full", broken: "disk I/O error"}[error]
    return lambda: OperationalError("a statement", {}, sqlite3.OperationalError(words))


class Inline:
    """Does a child's work in this process, where its calls can fail."""

    def __init__(self, folder):
        self.folder = folder

    def run(self, kind, payload, *, checkpoint=None, hear=None, cancelled=None):
        context = Context(self.folder, lambda _: None, threading.Event(), checkpoint)
        try:
            return Ended("done", run_task(kind, payload, context))
        except Exception as error:
            return Ended("failed", problem_of(error))

    def stop(self):
        """There is no process."""


@dataclass
class Bench:
    """A service whose calls can be made to fail."""

    service: object
    client: object
    faults: Faults
    number: int = 0

    def key(self):
        self.number += 1
        return {"Idempotency-Key": f"flow-{self.number}"}

    def kept(self):
        """How many rows each table has."""
        with self.service.desk.database.read() as connection:
            return {t.name: len(connection.execute(select(t.c.id)).all()) for t in LEDGERS}


@pytest.fixture
def bench(fresh, monkeypatch):
    monkeypatch.setattr(worker_module, "BROKEN_SECONDS", 0.0)
    fresh.desk.parser.stop()
    fresh.desk.parser = Inline(fresh.desk.settings.folder)
    with fresh.client() as client:
        body = {"model": MODEL, "make_current": True}
        assert client.post("/v1/models/import", json=body).is_success
        assert client.post("/v1/scenarios", json={"scenario": SCENARIO}).is_success
        yield Bench(fresh, client, Faults(fresh.desk.database.engine, monkeypatch))


def upload(bench):
    content, headers = SHOP.read_bytes() + b"\n" * bench.number, bench.key()
    return lambda: bench.client.post(
        "/v1/histories", files={"file": ("shop.csv", content)}, headers=headers
    )


def bring_in(bench):
    model = {**MODEL, "currency": f"C{bench.number}"}
    return post(bench, "/v1/models/import", {"model": model, "make_current": True})


def create(bench):
    return post(bench, "/v1/scenarios", {"scenario": SCENARIO})


def change(bench):
    place = f"/v1/scenarios/{newest(bench, 'scenarios')}"
    body = {"scenario": {**SCENARIO, "budget": 1000.0 + bench.number}}
    bench.number += 1
    return lambda: bench.client.put(place, json=body, headers={"If-Match": "*"})


def run(bench):
    return post(bench, f"/v1/scenarios/{newest(bench, 'scenarios')}/runs", {})


def cancel(bench):
    job = run(bench)().json()["id"]
    return lambda: bench.client.post(f"/v1/jobs/{job}:cancel")


def post(bench, path, body):
    headers = {**bench.key(), "Prefer": "respond-async"}
    return lambda: bench.client.post(path, json=body, headers=headers)


def newest(bench, kind):
    return bench.client.get(f"/v1/{kind}?limit=1").json()["items"][0]["id"]


FLOWS = {
    "upload": (upload, "histories"),
    "import": (bring_in, "models"),
    "create": (create, "scenarios"),
    "change": (change, None),
    "run": (run, "jobs"),
    "cancel": (cancel, None),
}


def assert_sound(bench):
    """The database is whole, every file a row names is readable, the audit log fits."""
    desk = bench.service.desk
    with desk.database.read() as connection:
        assert audit.verify(connection).broken_at is None
        if desk.database.is_sqlite:
            assert connection.execute(text("pragma integrity_check")).scalar_one() == "ok"
        for job in connection.execute(select(jobs.c.id)).scalars():
            query = select(job_events.c.seq).where(job_events.c.job == job)
            seen = sorted(connection.execute(query).scalars())
            assert seen == list(range(1, len(seen) + 1))
    for name in named_blobs(desk.database):
        desk.blobs.get(name)
    assert not list(desk.settings.folder.glob("uploads/*"))


def assert_told(answer):
    """A failure is told as what it is, with what to do."""
    told = answer.json()
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    assert told["code"] in ("store_away", "disk_full", "disk_away", "damaged_file"), told
    assert answer.status_code in (503, 507)
    assert told["request"]


@ERRORS
@pytest.mark.parametrize("flow", FLOWS)
def test_whatever_call_fails_nothing_half_done_is_kept(bench, flow, errors):
    prepare, table = FLOWS[flow]
    failed = 0
    for at in range(1, MOST_CALLS):
        ask = prepare(bench)
        before = bench.kept()
        with bench.faults.armed(at, errors[at % len(errors)]) as was_hit:
            answer = ask()
        if not answer.is_success:
            assert_told(answer)
            failed += 1
        assert_sound(bench)
        again = ask()  # the same request, as it would be sent again
        assert again.is_success, again.text
        if table is not None:
            assert bench.kept() == before | {table: before[table] + 1}
            assert bench.client.get(f"/v1/{table}/{again.json()['id']}").is_success
            assert not answer.is_success or again.json()["id"] == answer.json()["id"]
        if not was_hit():
            break
    else:
        pytest.fail("the flow never ended")
    assert failed >= 5


@ERRORS
def test_a_job_ends_once_whatever_call_of_its_worker_fails(bench, errors):
    desk = bench.service.desk
    for at in range(1, MOST_CALLS):
        job = run(bench)().json()["id"]
        before = bench.kept()["plans"]
        worker = Worker(desk.settings, desk.database)
        worker.child = Inline(desk.settings.folder)
        with bench.faults.armed(at, errors[at % len(errors)]) as was_hit:
            worker.run(1)
        assert_sound(bench)
        found = bench.client.get(f"/v1/jobs/{job}").json()
        if found["status"] == "failed":  # a file it needed was not to be read, and that is told
            assert found["problem"]["code"] in ("disk_away", "disk_full")
            assert bench.kept()["plans"] == before
        else:
            assert found["status"] == "succeeded"
            assert bench.kept()["plans"] == before + 1
        if not was_hit():
            return
    pytest.fail("the job never ended")


def test_a_database_that_is_gone_is_told_and_comes_back(fresh, monkeypatch):
    with fresh.client() as client:
        assert client.get("/readyz").is_success
        faults = Faults(fresh.desk.database.engine, monkeypatch)
        with faults.armed(1, locked):
            answer = client.get("/readyz")
        assert_told(answer)
        assert client.get("/readyz").is_success


def test_a_full_disk_of_the_database_is_told_as_that(fresh, monkeypatch):
    with fresh.client() as client:
        body = {"scenario": SCENARIO}
        assert client.post("/v1/scenarios", json=body).is_success
        faults = Faults(fresh.desk.database.engine, monkeypatch)
        with faults.armed(2, full):
            answer = client.post("/v1/scenarios", json=body)
        assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")
        assert "Retry-After" not in answer.headers


def test_a_damaged_file_is_told_as_that(fresh):
    with fresh.client() as client:
        made = client.post("/v1/models/import", json={"model": MODEL}).json()
        for name in named_blobs(fresh.desk.database):
            next(fresh.desk.settings.folder.glob(f"blobs/*/{name}")).write_bytes(b"x")
        answer = client.get(f"/v1/models/{made['id']}/document")
        assert (answer.status_code, answer.json()["code"]) == (500, "damaged_file")
        assert answer.json()["detail"].endswith("Restore it from a backup.")
