"""The door behind the gate: whoever sends a body shows a key, or a session, before it is read.

A framework reads a body before it asks who sent it. A stranger could so learn what a route takes,
and fill a disk; here the key comes first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from api.auth import identified, visited
from api.page.frame.visitor import SignInNeededError
from api.problems import RequestError

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

WITH_A_BODY = ("POST", "PUT", "PATCH")
BY_KEY = "/v1/"
OPEN = ("/sign-in", "/enter", "/language")  # forms of whoever has no session yet
MOST_OPEN_BYTES = 10_000


class Door:
    """Lets requests with a body pass once whoever sends them is known."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Pass one request on, or answer as the application answers that error."""
        if scope["type"] != "http" or scope["method"] not in WITH_A_BODY:
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        try:
            await run_in_threadpool(_check, request)
        except Exception as wrong:
            handler = _handler_of(request, wrong)
            await handler(request, wrong)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _check(request: Request) -> None:
    """Raise where a stranger sends more than a stranger may."""
    path, desk = request.url.path, request.app.state.desk
    if path.startswith(BY_KEY):
        identified(request, desk)
    elif path in OPEN:
        length = request.headers.get("content-length", "")
        if not length.isdigit() or int(length) > MOST_OPEN_BYTES:
            raise RequestError(413, "too_large", "This form is longer than it can be. Send less.")
    elif visited(request, desk) is None:
        raise SignInNeededError("/")


def _handler_of(request: Request, error: Exception) -> Any:
    """What the application does with an error of this class, or of its nearest ancestor's."""
    handlers = request.app.exception_handlers
    return next(handlers[kind] for kind in type(error).__mro__ if kind in handlers)
