"""Who looks at the page: whose key the session speaks for, in which language."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from hmac import compare_digest
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from api.auth import COOKIE, TheDesk, visited
from api.page.language import Language, wanted
from api.problems import RequestError
from api.serving.sessions import form_token
from api.store.keys import Caller, Scope

LANGUAGE = "romi_language"  # the cookie that holds a stated one
FORM_TOKEN = "form_token"
MOST_FIELDS = 5000


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


async def sent_form(request: Request, visitor: Anyone) -> AsyncIterator[FormData]:
    """The fields of a form that this session's own page sent; its files are open meanwhile."""
    async with request.form(max_fields=MOST_FIELDS, max_files=20) as form:
        given = request.headers.get("x-form-token") or form.get(FORM_TOKEN, "")
        if not compare_digest(str(given).encode(), visitor.form_token.encode()):
            raise RequestError(
                403,
                "form_expired",
                "This form belongs to a session that ended. Load the page again, then send it "
                "again.",
            )
        yield form


Sent = Annotated[FormData, Depends(sent_form)]


def text_of(form: Any, name: str) -> str:
    """A field's text, without blanks around it; empty where it was not sent."""
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def sign_in_address(then: str) -> str:
    """Where to sign in, and come back from."""
    return f"/sign-in?then={quote(then, safe='')}"
