"""Who asks: an API key in ``Authorization: Bearer``, or a session's cookie on the page.

Either is checked before anything else is read.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from api.problems import RequestError
from api.serving import sessions
from api.serving.desk import Desk
from api.store import keys
from api.store.keys import Caller, Scope

COOKIE = "romi_session"
HOME = Caller("none", "wsp_home", frozenset(keys.SCOPES))  # where keys are switched off


async def desk_of(request: Request) -> Desk:
    """The process's desk; async, for it blocks on nothing."""
    desk: Desk = request.app.state.desk
    return desk


TheDesk = Annotated[Desk, Depends(desk_of)]


async def caller_of(request: Request, desk: TheDesk) -> Caller:
    """Whose key the request came with, as the door found it out or is found out now."""
    known: Caller | None = getattr(request.state, "caller", None)
    if known is not None:
        return known
    return await run_in_threadpool(identified, request, desk)


def identified(request: Request, desk: Desk) -> Caller:
    """Whose key a request came with; 401 where it has none that lives."""
    if not desk.settings.auth:
        return HOME
    kind, _, key = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not key:
        raise _unknown(
            "This needs an API key. Send the header `Authorization: Bearer romi_...`; the command "
            "romi reads the key from ROMI_KEY."
        )
    with desk.database.read() as connection:
        caller = keys.identify(connection, desk.pepper, key.strip())
    if caller is None:
        raise _unknown("The API key is unknown, expired or revoked. Ask for a new one.")
    return _admitted(request, desk, caller)


def visited(request: Request, desk: Desk) -> Caller | None:
    """Whose session a request of the page came with; None where none lives."""
    if not desk.settings.auth:
        return HOME
    token = request.cookies.get(COOKIE)
    caller = sessions.visiting(desk, token) if token else None
    return None if caller is None else _admitted(request, desk, caller)


def _admitted(request: Request, desk: Desk, caller: Caller) -> Caller:
    """The caller, within the limit of its key; remembered for the rest of the request."""
    limiter = request.app.state.limiter
    if not limiter.admits(caller.key):
        raise RequestError(
            429,
            "too_many_requests",
            "This key has sent more requests than its limit. Wait as long as Retry-After says.",
            headers={"Retry-After": str(limiter.seconds_to_wait(caller.key))},
        )
    desk.note_use(caller.key)
    request.state.caller = caller
    return caller


AnyCaller = Annotated[Caller, Depends(caller_of)]


def _unknown(detail: str) -> RequestError:
    return RequestError(
        401, "unauthorized", detail, headers={"WWW-Authenticate": 'Bearer realm="romi"'}
    )


class _Reaching:
    """Lets pass only keys that reach a scope."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(self, caller: AnyCaller) -> Caller:
        if caller.may(self.scope):
            return caller
        raise RequestError(
            403,
            "out_of_scope",
            f"This key may not {self.scope}; it may {', '.join(sorted(caller.scopes))}. "
            f"Use a key with the scope {self.scope}.",
        )


Reader = Annotated[Caller, Depends(_Reaching("read"))]
Writer = Annotated[Caller, Depends(_Reaching("write"))]
Admin = Annotated[Caller, Depends(_Reaching("admin"))]
