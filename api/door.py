"""The door behind the gate: whoever sends a body shows a key before the body is read.

A framework reads a body before it asks who sent it. A stranger could so learn what a route takes,
and fill a disk; here the key comes first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from api.auth import identified

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

WITH_A_BODY = ("POST", "PUT", "PATCH")
GUARDED = "/v1/"


class Door:
    """Lets requests with a body pass once their key is known."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Pass one request on, or answer as the application answers that error."""
        guarded = scope["type"] == "http" and scope["path"].startswith(GUARDED)
        if not guarded or scope["method"] not in WITH_A_BODY:
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        try:
            await run_in_threadpool(identified, request, request.app.state.desk)
        except Exception as wrong:
            handler = _handler_of(request, wrong)
            await handler(request, wrong)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _handler_of(request: Request, error: Exception) -> Any:
    """What the application does with an error of this class, or of its nearest ancestor's."""
    handlers = request.app.exception_handlers
    return next(handlers[kind] for kind in type(error).__mro__ if kind in handlers)
