"""Jobs as their owners see them."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from api.jobs import queue
from api.problems import RequestError
from api.serving import rows
from api.serving.desk import Desk
from api.serving.once import Deed, store_once
from api.store.idempotency import Kept
from api.store.keys import Caller
from api.store.pages import row_of
from api.store.tables import histories, job_events, jobs, scenarios

POLL_SECONDS = 0.05
INNER = ("payload", "checkpoint", "owner", "lease_until", "lost")


def queued(connection: Connection, caller: Caller, kind: str, payload: dict[str, Any]) -> Kept:
    """A new job, and the answer that says where to look."""
    job = queue.enqueue(connection, workspace=caller.workspace, kind=kind, payload=payload)
    headers = {"Location": f"/v1/jobs/{job}", "Retry-After": "1"}
    return Kept(202, headers, {"job": job, "status": "queued"})


def job(desk: Desk, caller: Caller, identity: str) -> dict[str, Any]:
    """How a job stands."""
    with desk.database.read() as connection:
        row = rows.found(connection, jobs, caller.workspace, identity)
        return _shown(connection, row)


def cancel(desk: Desk, caller: Caller, identity: str) -> dict[str, Any]:
    """Ask a job to stop: at once where it waits, within seconds where it runs."""

    def make(connection: Connection) -> tuple[str, Kept]:
        return identity, Kept(200, {}, cancelled(connection, caller, identity))

    found: dict[str, Any] = store_once(desk, Deed(caller, "job.cancel"), make).body
    return found


def about(desk: Desk, caller: Caller, identity: str) -> dict[str, Any]:
    """What a job is about: its name, the history it fits or the scenario it runs.

    Returns
    -------
    dict
        ``name``, ``history``, ``scenario``; None where there is none, or it is there no more.
    """
    with desk.database.read() as connection:
        payload = rows.found(connection, jobs, caller.workspace, identity)["payload"]
        kept = {
            kind: row_of(connection, table, caller.workspace, payload.get(f"{kind}_id") or "")
            for kind, table in (("history", histories), ("scenario", scenarios))
        }
    there = {kind: None if row is None else row["id"] for kind, row in kept.items()}
    of_scenario = None if kept["scenario"] is None else kept["scenario"]["name"]
    return {**there, "name": payload.get("name") or of_scenario}


def again(desk: Desk, deed: Deed, identity: str) -> str:
    """Queue once more what a job that ended was to do; the new job's id."""

    def make(connection: Connection) -> tuple[str, Kept]:
        row = rows.found(connection, jobs, deed.caller.workspace, identity)
        if row["status"] not in ("failed", "cancelled"):
            raise RequestError(
                409, "not_ended", "This job has not failed. Wait for its end, or cancel it first."
            )
        kept = queued(connection, deed.caller, row["kind"], row["payload"])
        return kept.body["job"], kept

    return str(store_once(desk, deed, make).body["job"])


def cancelled(connection: Connection, caller: Caller, identity: str) -> dict[str, Any]:
    """A job after it was asked to stop."""
    row = queue.cancel(connection, caller.workspace, identity)
    if row is None:
        raise rows.missing("jobs", identity)
    return _shown(connection, row)


def events(desk: Desk, caller: Caller, identity: str, after: int) -> tuple[list[Any], bool]:
    """The events behind a number, and whether the job has ended."""
    with desk.database.read() as connection:
        row = rows.found(connection, jobs, caller.workspace, identity)
        later = queue.events_after(connection, identity, after)
    return [rows.shown(event, "job") for event in later], row["status"] in queue.ENDED


def ended_within(desk: Desk, caller: Caller, identity: str, seconds: float) -> dict[str, Any]:
    """How a job stands once it ended, or when the time is up."""
    until = time.monotonic() + seconds
    while True:
        found = job(desk, caller, identity)
        if found["status"] in queue.ENDED or time.monotonic() >= until:
            return found
        time.sleep(POLL_SECONDS)


def _shown(connection: Connection, row: RowMapping) -> dict[str, Any]:
    newest = (
        select(job_events.c.data)
        .where((job_events.c.job == row["id"]) & (job_events.c.kind == "progress"))
        .order_by(job_events.c.seq.desc())
        .limit(1)
    )
    told = connection.execute(newest).scalar_one_or_none()
    share = 1.0 if row["status"] == "succeeded" else (told or {}).get("share")
    return rows.shown(row, *INNER, progress=share)
