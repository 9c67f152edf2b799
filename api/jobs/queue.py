"""The queue: rows of the table of jobs, claimed by lease, every write fenced.

A worker owns a job from claim to finish as (owner, attempt), for as long as it renews its lease.
Whoever finds a lease run out may claim the job anew; the attempt before can then write nothing
more. An attempt that was lost after a checkpoint does not count as lost: work goes forward.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from api.store.clock import now
from api.store.ids import new_id
from api.store.tables import job_events, jobs

MOST_LOST = 3
ENDED = ("succeeded", "failed", "cancelled")

Ending = Literal["succeeded", "failed", "cancelled"]


class LostLeaseError(Exception):
    """Another worker has the job, or it was ended: this attempt may write nothing more."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt at a job, owned by one worker."""

    job: str
    workspace: str
    kind: str
    payload: dict[str, Any]
    checkpoint: Any
    owner: str
    attempt: int


def enqueue(connection: Connection, *, workspace: str, kind: str, payload: dict[str, Any]) -> str:
    """A new job, in the transaction of what asks for it; its id."""
    identity = new_id("job")
    row = {"id": identity, "workspace": workspace, "kind": kind, "payload": payload}
    connection.execute(insert(jobs).values(**row, status="queued", created_at=now()))
    _tell(connection, identity, "queued", {})
    return identity


def claim(connection: Connection, owner: str, lease_seconds: float) -> Claim | None:
    """The oldest job that waits, or whose lease ran out; None where there is none.

    A job lost three times without progress is ended as failed instead, and so is, as cancelled,
    one whose cancelling was asked for.
    """
    while True:
        row = _oldest_free(connection)
        if row is None:
            return None
        lost = row["lost"] + (row["status"] == "running")
        if row["cancel"]:
            _end(connection, row["id"], "cancelled")
        elif lost >= MOST_LOST:
            _end(connection, row["id"], "failed", problem=_lost(lost))
        else:
            return _take(connection, row, owner, lost, lease_seconds)


def _oldest_free(connection: Connection) -> RowMapping | None:
    """The job that has waited longest, or that was lost; two looks, each along an index."""
    lapsed = (jobs.c.status == "running") & (jobs.c.lease_until < now())
    found: list[RowMapping] = []
    for free in (jobs.c.status == "queued", lapsed):
        oldest = select(jobs).where(free).order_by(jobs.c.created_at, jobs.c.id).limit(1)
        found += connection.execute(oldest.with_for_update(skip_locked=True)).mappings().all()
    return min(found, key=lambda row: (row["created_at"], row["id"]), default=None)


def _take(
    connection: Connection, row: RowMapping, owner: str, lost: int, lease_seconds: float
) -> Claim:
    attempt, at = row["attempt"] + 1, now()
    values = {
        "status": "running",
        "owner": owner,
        "attempt": attempt,
        "lost": lost,
        "lease_until": at + round(1000 * lease_seconds),
        "started_at": row["started_at"] or at,
    }
    connection.execute(update(jobs).where(jobs.c.id == row["id"]).values(**values))
    _tell(connection, row["id"], "started", {"attempt": attempt})
    return Claim(
        row["id"],
        row["workspace"],
        row["kind"],
        row["payload"],
        row["checkpoint"],
        owner,
        attempt,
    )


def beat(connection: Connection, held: Claim, lease_seconds: float) -> None:
    """Renew the lease."""
    _fenced(connection, held, lease_until=now() + round(1000 * lease_seconds))


def is_cancelled(connection: Connection, job: str) -> bool:
    """Whether a job's cancelling was asked for."""
    return bool(connection.execute(select(jobs.c.cancel).where(jobs.c.id == job)).scalar())


def tell(connection: Connection, held: Claim, kind: str, data: dict[str, Any]) -> None:
    """Add an event to a held job."""
    _fenced(connection, held, owner=held.owner)
    _tell(connection, held.job, kind, data)


def keep_checkpoint(connection: Connection, held: Claim, checkpoint: Any) -> None:
    """Keep what is done so far: the next attempt goes on from there."""
    _fenced(connection, held, checkpoint=checkpoint, lost=0)


def finish(
    connection: Connection,
    held: Claim,
    ending: Ending,
    *,
    result: dict[str, Any] | None = None,
    problem: dict[str, Any] | None = None,
) -> None:
    """End a held job, in the transaction of what it made."""
    _fenced(connection, held, **_ended(ending, result, problem))
    _tell(connection, held.job, ending, {"problem": problem} if problem else {})


def release(connection: Connection, held: Claim) -> None:
    """Give a job back unfinished, for another worker to take at once."""
    _fenced(connection, held, status="queued", owner=None, lease_until=None)
    _tell(connection, held.job, "released", {"attempt": held.attempt})


def cancel(connection: Connection, workspace: str, job: str) -> RowMapping | None:
    """Ask a job to stop: at once where it waits, else by its worker. Its row, or None."""
    own = (jobs.c.workspace == workspace) & (jobs.c.id == job)
    waiting = jobs.c.status.in_(("queued", "running"))
    connection.execute(update(jobs).where(own & waiting).values(cancel=True))
    row = connection.execute(select(jobs).where(own).with_for_update()).mappings().one_or_none()
    if row is not None and row["status"] == "queued":
        _end(connection, job, "cancelled")
        row = connection.execute(select(jobs).where(own)).mappings().one()
    return row


def events_after(connection: Connection, job: str, seq: int, limit: int = 1000) -> list[RowMapping]:
    """The events of a job behind a number, in order."""
    later = (job_events.c.job == job) & (job_events.c.seq > seq)
    query = select(job_events).where(later).order_by(job_events.c.seq).limit(limit)
    return list(connection.execute(query).mappings())


def _lost(times: int) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": "Job failed",
        "status": 500,
        "code": "worker_lost",
        "detail": f"The worker was lost {times} times without any progress. Check its memory "
        "limit and its log, then send the job again.",
    }


def _fenced(connection: Connection, held: Claim, **values: Any) -> None:
    """Write to a job's row as its owner, or not at all."""
    mine = (
        (jobs.c.id == held.job)
        & (jobs.c.owner == held.owner)
        & (jobs.c.attempt == held.attempt)
        & (jobs.c.status == "running")
    )
    if connection.execute(update(jobs).where(mine).values(**values)).rowcount != 1:
        raise LostLeaseError(held.job)


def _end(
    connection: Connection, job: str, ending: Ending, problem: dict[str, Any] | None = None
) -> None:
    """End a job nobody holds."""
    connection.execute(update(jobs).where(jobs.c.id == job).values(**_ended(ending, None, problem)))
    _tell(connection, job, ending, {"problem": problem} if problem else {})


def _ended(
    ending: Ending, result: dict[str, Any] | None, problem: dict[str, Any] | None
) -> dict[str, Any]:
    """The columns of a job that ended."""
    return {
        "status": ending,
        "result": result,
        "problem": problem,
        "owner": None,
        "lease_until": None,
        "checkpoint": None,
        "finished_at": now(),
    }


def _tell(connection: Connection, job: str, kind: str, data: dict[str, Any]) -> None:
    """Append an event; its writer holds the job's row, so numbers have no gaps."""
    newest = select(func.coalesce(func.max(job_events.c.seq), 0)).where(job_events.c.job == job)
    seq = connection.execute(newest).scalar_one() + 1
    row = {"job": job, "seq": seq, "kind": kind, "data": data, "at": now()}
    connection.execute(insert(job_events).values(**row))
