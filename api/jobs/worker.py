"""A worker: claims jobs one after another, runs each in its child, and writes down how it ended.

Everything it writes is fenced by its claim: a worker that was taken for dead, and finds a job
ended or owned by another, drops what it has and goes on.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import structlog
from sqlalchemy import Connection, insert
from sqlalchemy.exc import DBAPIError

from api.jobs import queue
from api.jobs.child import Child, Ended, Limits
from api.settings import Settings
from api.store import audit
from api.store.aliases import point
from api.store.clock import now
from api.store.database import Database
from api.store.ids import new_id
from api.store.tables import models, plans

IDLE_SECONDS = (0.02, 0.25)  # between two looks at an empty queue: first, and at most
BROKEN_SECONDS = 1.0  # between two tries of a database that does not answer
WATCH_SECONDS = 0.2  # between two looks whether a running job is to be cancelled

Write = Callable[[Connection], None]

log = structlog.get_logger("romi.worker")


class Worker:
    """One slot: one job at a time."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings, self.database = settings, database
        self.name = f"{socket.gethostname()[:40]}-{os.getpid()}-{uuid4().hex[:8]}"
        limits = Limits(settings.job_memory_mb, settings.job_seconds)
        self.child = Child(Path(settings.folder), limits)
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Finish nothing more: what is running is given back for another worker."""
        self._stopping.set()

    def run(self, most: int | None = None) -> int:
        """Work until stopped, or until `most` jobs are done; how many were."""
        done, idle, held = 0, IDLE_SECONDS[0], None
        try:
            while not self._stopping.is_set() and (most is None or done < most):
                held = held or self._next()
                if held is None:
                    self._stopping.wait(idle)
                    idle = min(2 * idle, IDLE_SECONDS[1])
                    continue
                idle = IDLE_SECONDS[0]
                done += 1
                held = self._attempt(held, goes_on=done != most)
        finally:
            self.child.stop()
        return done

    def _next(self) -> queue.Claim | None:
        try:
            with self.database.write() as connection:
                return queue.claim(connection, self.name, self.settings.lease_seconds)
        except DBAPIError as wrong:
            log.warning("database_silent", error=str(wrong.orig)[:200])
            self._stopping.wait(BROKEN_SECONDS)
            return None

    def _attempt(self, held: queue.Claim, *, goes_on: bool) -> queue.Claim | None:
        """Run a job and write down its end; the next job, claimed in the same transaction."""
        begun = time.monotonic()
        log.info("job_started", job=held.job, kind=held.kind, attempt=held.attempt)
        watch = _Watch(self.settings, self.database, held, self._stopping)
        ended = self.child.run(
            held.kind,
            held.payload,
            checkpoint=held.checkpoint,
            hear=watch.hear,
            cancelled=watch.wants_stop,
        )
        following = None
        try:
            how, write = self._end(held, ended, watch)
            following = self._kept(write, goes_on=goes_on)
        except queue.LostLeaseError:
            how = "lost"
        log.info("job_ended", job=held.job, how=how, seconds=round(time.monotonic() - begun, 3))
        return following

    @staticmethod
    def _end(held: queue.Claim, ended: Ended, watch: _Watch) -> tuple[str, Write]:
        """How a job ended, and what writes that down."""
        if watch.lost:
            raise queue.LostLeaseError(held.job)
        if ended.how == "cancelled" and not watch.cancelled:
            return "released", lambda connection: queue.release(connection, held)
        if ended.how == "done":
            return "done", lambda connection: _succeed(connection, held, ended.result)
        if ended.how == "failed":
            return "failed", lambda connection: queue.finish(
                connection, held, "failed", problem=ended.result
            )
        return "cancelled", lambda connection: queue.finish(connection, held, "cancelled")

    def _kept(self, write: Write, *, goes_on: bool) -> queue.Claim | None:
        """Write the end of a job, trying again while the database is away and the lease lasts."""
        while True:
            try:
                with self.database.write() as connection:
                    write(connection)
                    if not goes_on or self._stopping.is_set():
                        return None
                    return queue.claim(connection, self.name, self.settings.lease_seconds)
            except DBAPIError as wrong:
                log.warning("database_silent", error=str(wrong.orig)[:200])
                if self._stopping.wait(BROKEN_SECONDS):
                    raise queue.LostLeaseError from wrong


class _Watch:
    """Keeps a running job's lease, hears its child, and sees whether it is to stop."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        held: queue.Claim,
        stopping: threading.Event,
    ) -> None:
        self.settings, self.database, self.held, self.stopping = settings, database, held, stopping
        self.cancelled = self.lost = False
        self._looked = self._beaten = time.monotonic()

    def hear(self, kind: str, data: Any) -> None:
        """Write down an event or a checkpoint of the child's."""
        with self._surviving(), self.database.write() as connection:
            if kind == "checkpoint":
                queue.keep_checkpoint(connection, self.held, data)
            else:
                queue.tell(connection, self.held, kind, data)

    def wants_stop(self) -> bool:
        """Whether the child should stop: cancelled, lost to another worker, or this one ends."""
        if time.monotonic() - self._beaten >= self.settings.beat_seconds:
            self._beaten = time.monotonic()
            with self._surviving(), self.database.write() as connection:
                queue.beat(connection, self.held, self.settings.lease_seconds)
        if time.monotonic() - self._looked >= WATCH_SECONDS:
            self._looked = time.monotonic()
            with self._surviving(), self.database.read() as connection:
                self.cancelled = queue.is_cancelled(connection, self.held.job)
        return self.cancelled or self.lost or self.stopping.is_set()

    @contextmanager
    def _surviving(self) -> Iterator[None]:
        """Note a lost lease; a silent database is asked again at the next look."""
        try:
            yield
        except queue.LostLeaseError:
            self.lost = True
        except DBAPIError as wrong:
            log.warning("database_silent", error=str(wrong.orig)[:200])


def _succeed(connection: Connection, held: queue.Claim, result: dict[str, Any]) -> None:
    """End a job well: what it made, its end and the audit row together."""
    made = _made(connection, held, result)
    queue.finish(connection, held, "succeeded", result=made)
    audit.record(
        connection,
        workspace=held.workspace,
        actor=f"worker:{held.owner}",
        action=f"job.{held.kind}",
        resource=held.job,
        detail=made,
    )


def _made(connection: Connection, held: queue.Claim, result: dict[str, Any]) -> dict[str, Any]:
    """Write the rows a job made; their ids."""
    if held.kind == "fit":
        row = {"history": held.payload["history_id"], "name": held.payload["name"], **result}
        model = _insert(connection, models, "mdl", held, row)
        if held.payload.get("make_current"):
            point(connection, held.workspace, "current", model)
        return {"model": model}
    if held.kind == "runs":
        scenario, model = held.payload.get("scenario_id"), held.payload["model_id"]
        rows = [
            {
                "scenario": scenario,
                "model": model,
                "name": document.get("name") or "Plan",
                "question": question,
                "document": document,
            }
            for question, document in zip(held.payload["scenarios"], result["plans"], strict=True)
        ]
        return {"plans": [_insert(connection, plans, "pln", held, row) for row in rows]}
    return result


def _insert(
    connection: Connection, table: Any, kind: str, held: queue.Claim, row: dict[str, Any]
) -> str:
    identity = new_id(kind)
    connection.execute(
        insert(table).values(id=identity, workspace=held.workspace, created_at=now(), **row)
    )
    return identity
