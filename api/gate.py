"""What every request passes: an id, a size limit, security headers, a log line, counters."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from uuid import uuid4

import structlog
from fastapi import Request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from prometheus_client import CollectorRegistry, Counter, Histogram

from api.page import errors as page_errors
from api.problems import problem

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

log = structlog.get_logger("romi.http")

SECURITY = [
    (
        b"content-security-policy",
        b"default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
]
UNKEPT = (b"cache-control", b"no-store")  # unless an answer says otherwise
LARGEST_ID = 80


class TooLargeError(Exception):
    """The body is longer than the service takes."""


class Gate:
    """The outermost layer of the application."""

    def __init__(self, app: App, *, most_bytes: int, registry: CollectorRegistry) -> None:
        self.app, self.most_bytes = app, most_bytes
        self.count = Counter(
            "romi_requests", "Requests", ["method", "route", "status"], registry=registry
        )
        self.seconds = Histogram(
            "romi_request_seconds", "Seconds to answer", ["method", "route"], registry=registry
        )

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked, scope = scope["method"], _in_full(scope)
        passage = _Passage(scope, receive, send, self.most_bytes)
        begun = time.perf_counter()
        try:
            if passage.stated_bytes > self.most_bytes:
                raise TooLargeError
            await self.app(scope, passage.receive, passage.send)
            if passage.over:
                raise TooLargeError
        except TooLargeError:
            await passage.refuse(self.most_bytes)
        except Exception:
            passage.status = passage.status or 500  # which is answered outside
            raise
        finally:
            self._note(asked, scope, passage, time.perf_counter() - begun)

    def _note(
        self, asked: str, scope: MutableMapping[str, Any], passage: _Passage, seconds: float
    ) -> None:
        route = getattr(scope.get("route"), "path", "none")
        self.count.labels(asked, route, str(passage.status)).inc()
        self.seconds.labels(asked, route).observe(seconds)
        log.info(
            "request",
            method=asked,
            path=scope["path"],
            status=passage.status,
            ms=round(1000 * seconds, 1),
            request=passage.identity,
        )


def _in_full(scope: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """HEAD as the GET whose head it asks for; the server is told HEAD, and keeps the body back."""
    return {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope


class _Passage:
    """One request on its way in and its answer on the way out."""

    def __init__(
        self, scope: MutableMapping[str, Any], receive: Receive, send: Send, most_bytes: int
    ) -> None:
        self._receive, self._send, self._most = receive, send, most_bytes
        self._request = Request(scope)
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        plain = given.isascii() and given.replace("-", "").isalnum()
        self.identity = given if plain and len(given) <= LARGEST_ID else uuid4().hex
        scope.setdefault("state", {})["request_id"] = self.identity
        length = headers.get(b"content-length", b"0")
        self.stated_bytes = int(length) if length.isdigit() else 0
        self.status, self._seen = 0, 0
        self.over = False  # whether more came than may

    async def receive(self) -> Message:
        """The next part of the body, counted."""
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        if self._seen > self._most:
            self.over = True
            raise TooLargeError
        return message

    async def send(self, message: Message) -> None:
        """The next part of the answer, with the headers every answer has."""
        if self.over and not self.status:
            return  # whatever the application makes of half a body
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = [(b"x-request-id", self.identity.encode()), *SECURITY]
            said = {name for name, _ in message["headers"]}
            own += [] if UNKEPT[0] in said else [UNKEPT]
            message["headers"] = [*message["headers"], *own]
        await self._send(message)

    async def refuse(self, most_bytes: int) -> None:
        """413, unless an answer was begun."""
        if self.status:
            return
        told = f"The body is larger than {most_bytes >> 20} MB. Send less at once."
        answer = problem(413, "too_large", told, request=self.identity)
        body, kind = json.dumps(answer).encode(), b"application/problem+json"
        if page_errors.is_read_by_a_person(self._request):
            told_page = page_errors.told(self._request, answer)
            body, kind = bytes(told_page.body), b"text/html; charset=utf-8"
        headers = [(b"content-type", kind), (b"connection", b"close")]
        self.over = False
        await self.send({"type": "http.response.start", "status": 413, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


class Limiter:
    """So many requests a minute of each key, counted by this process."""

    def __init__(self, per_minute: int) -> None:
        self._window = MovingWindowRateLimiter(MemoryStorage())
        self._item = RateLimitItemPerMinute(per_minute)

    def admits(self, key: str) -> bool:
        """Whether one more request of this key is within its limit."""
        return self._window.hit(self._item, key)

    def seconds_to_wait(self, key: str) -> int:
        """Until the next one is."""
        return max(
            1, round(self._window.get_window_stats(self._item, key).reset_time - time.time())
        )
