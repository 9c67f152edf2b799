"""RFC 7240: how long a caller likes to wait before a 202 is given instead of the result."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Header
from fastapi.responses import JSONResponse

from api.jobs.queue import ENDED
from api.serving import jobs
from api.serving.desk import Desk
from api.store.idempotency import Kept
from api.store.keys import Caller

USUAL_WAIT = 2.0  # seconds
LONGEST_WAIT = 60.0

Prefer = Annotated[
    str | None, Header(max_length=200, description="`respond-async`, or `wait=n` seconds")
]


def seconds_to_wait(prefer: str | None) -> float:
    """How long to wait for a job before answering.

    Examples
    --------
    >>> seconds_to_wait(None), seconds_to_wait("respond-async"), seconds_to_wait("wait=5")
    (2.0, 0.0, 5.0)
    """
    if prefer is None:
        return USUAL_WAIT
    named = re.search(r"wait\s*=\s*(\d+)", prefer)
    if named:
        return min(float(named[1]), LONGEST_WAIT)
    return 0.0 if "respond-async" in prefer else USUAL_WAIT


def answer_of_run(desk: Desk, caller: Caller, kept: Kept, seconds: float) -> JSONResponse:
    """The job as it stands after the wait: 200 where it ended, else 202."""
    found = jobs.ended_within(desk, caller, kept.body["job"], seconds)
    status = 200 if found["status"] in ENDED else 202
    return JSONResponse(found, status, headers=kept.headers)
