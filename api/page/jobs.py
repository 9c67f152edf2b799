"""Jobs: the list, one that works, and what it came to."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi import Path as Part
from fastapi.responses import RedirectResponse, Response

from api.auth import TheDesk
from api.jobs.queue import ENDED
from api.page.frame.forms import Sent
from api.page.frame.lists import Cursor, newest
from api.page.frame.rendering import page
from api.page.frame.visitor import Reader, Visitor, Writer
from api.serving import jobs
from api.serving.desk import Desk
from api.serving.once import Deed
from api.store import tables

router = APIRouter(include_in_schema=False, prefix="/jobs")

JobId = Annotated[str, Part(max_length=80)]
HEAVY = ("payload", "checkpoint", "result", "problem")


@router.get("")
def list_jobs(request: Request, desk: TheDesk, visitor: Reader, cursor: Cursor = None) -> Response:
    """Jobs, newest first."""
    found = newest(desk, visitor, tables.jobs, cursor=cursor, leave_out=HEAVY)
    return page(request, visitor, "jobs.html", found=found)


@router.get("/{job_id}")
def show_job(request: Request, desk: TheDesk, visitor: Reader, job_id: JobId) -> Response:
    """One job; it looks for news by itself while it works."""
    return page(request, visitor, "job.html", **_context(desk, visitor, job_id))


@router.get("/{job_id}/status")
def job_status(request: Request, desk: TheDesk, visitor: Reader, job_id: JobId) -> Response:
    """How a job stands, for the page that watches it; a fit that ended well leads to its curves."""
    context = _context(desk, visitor, job_id)
    answer = page(request, visitor, "parts/job_state.html", watched=True, **context)
    job = context["job"]
    if job["kind"] == "fit" and job["status"] == "succeeded":
        answer.headers["HX-Redirect"] = f"/models/{job['result']['model']}"
    return answer


@router.post("/{job_id}/cancel")
def cancel_job(desk: TheDesk, visitor: Writer, job_id: JobId, form: Sent) -> Response:
    """Ask a job to stop."""
    del form
    jobs.cancel(desk, visitor.known, job_id)
    return RedirectResponse(f"/jobs/{job_id}", 303)


@router.post("/{job_id}/again")
def try_again(desk: TheDesk, visitor: Writer, job_id: JobId, form: Sent) -> Response:
    """Queue once more what a job was to do."""
    del form
    again = jobs.again(desk, Deed(visitor.known, "job.again"), job_id)
    return RedirectResponse(f"/jobs/{again}", 303)


def _context(desk: Desk, visitor: Visitor, identity: str) -> dict[str, Any]:
    job = jobs.job(desk, visitor.known, identity)
    events, _ = jobs.events(desk, visitor.known, identity, 0)
    return {
        "job": job,
        "about": jobs.about(desk, visitor.known, identity),
        "events": [event for event in events if event["kind"] != "progress"],
        "ended": job["status"] in ENDED,
    }
