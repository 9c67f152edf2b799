"""Who looks at the page: whose key the session speaks for, in which language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from api.auth import COOKIE, TheDesk, visited
from api.page.words.language import Language, wanted
from api.problems import RequestError
from api.serving.sessions import form_token
from api.store.keys import Caller, Scope

LANGUAGE = "romi_language"  # the cookie that holds a stated one


class SignInNeededError(Exception):
    """There is no session, or it ended: carries where to go on afterwards."""

    def __init__(self, then: str) -> None:
        super().__init__(then)
        self.then = then


@dataclass(frozen=True, slots=True)
class Visitor:
    """One reader of the page."""

    caller: Caller | None
    language: Language
    form_token: str

    @property
    def known(self) -> Caller:
        """The caller, where one is required."""
        assert self.caller is not None
        return self.caller


def language_of(request: Request) -> Language:
    """The language a request asks for."""
    return wanted(request.cookies.get(LANGUAGE), request.headers.get("accept-language", ""))


async def visitor_of(request: Request, desk: TheDesk) -> Visitor:
    """Whoever asks, signed in or not."""
    caller = getattr(request.state, "caller", None)
    if caller is None:
        caller = await run_in_threadpool(visited, request, desk)
    token = form_token(desk, request.cookies.get(COOKIE, "") if desk.settings.auth else "")
    return Visitor(caller, language_of(request), token)


Anyone = Annotated[Visitor, Depends(visitor_of)]


class _Reaching:
    """Lets pass visitors whose key reaches a scope; others are sent to sign in, or refused."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(self, request: Request, visitor: Anyone) -> Visitor:
        if visitor.caller is None:
            asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            raise SignInNeededError(asked if request.method == "GET" else "/")
        if visitor.caller.may(self.scope):
            return visitor
        raise RequestError(
            403,
            "out_of_scope",
            "Your key may look, not change anything. Sign in with a key that may write.",
        )


Reader = Annotated[Visitor, Depends(_Reaching("read"))]
Writer = Annotated[Visitor, Depends(_Reaching("write"))]


def sign_in_address(then: str) -> str:
    """Where to sign in, and come back from."""
    return f"/sign-in?then={quote(then, safe='')}"
