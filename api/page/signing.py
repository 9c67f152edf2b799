"""Signing in and out, and the language."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.auth import COOKIE, TheDesk
from api.page.frame import address
from api.page.frame.forms import Sent
from api.page.frame.rendering import page
from api.page.frame.visitor import LANGUAGE, Anyone
from api.page.words.language import LANGUAGES
from api.serving import sessions
from api.store.sessions import LIVES

router = APIRouter(include_in_schema=False)

Then = Annotated[str, Query(max_length=address.LONGEST)]
SentThen = Annotated[str, Form(max_length=address.LONGEST)]
YEAR = 365 * 24 * 3600  # seconds


@router.get("/sign-in")
def sign_in_form(request: Request, visitor: Anyone, then: Then = "/") -> Response:
    """The form that takes a key."""
    if visitor.caller is not None:
        return RedirectResponse(_inside(then), 303)
    return page(request, visitor, "sign_in.html", then=_inside(then), wrong=False)


@router.post("/sign-in")
def sign_in(
    request: Request,
    visitor: Anyone,
    desk: TheDesk,
    key: Annotated[str, Form(max_length=500)] = "",
    then: SentThen = "/",
) -> Response:
    """A session for a key that lives."""
    token = sessions.sign_in(desk, key)
    if token is None:
        return page(request, visitor, "sign_in.html", 401, then=_inside(then), wrong=True)
    return _entered(request, token, then)


@router.get("/enter")
def enter_form(
    request: Request, visitor: Anyone, link: Annotated[str, Query(max_length=200)] = ""
) -> HTMLResponse:
    """A one-time link, used up only by the button: a look ahead by a mail reader costs nothing."""
    return page(request, visitor, "enter.html", link=link, wrong=False)


@router.post("/enter")
def enter(
    request: Request,
    visitor: Anyone,
    desk: TheDesk,
    link: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """A session for a one-time link."""
    token = sessions.enter(desk, link)
    if token is None:
        return page(request, visitor, "enter.html", 401, link="", wrong=True)
    return _entered(request, token, "/")


@router.post("/sign-out")
def sign_out(request: Request, desk: TheDesk, form: Sent) -> Response:
    """End the session."""
    del form
    sessions.sign_out(desk, request.cookies.get(COOKIE, ""))
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(COOKIE)
    return answer


@router.post("/language")
def choose_language(
    code: Annotated[str, Form(max_length=10)], then: SentThen = "/"
) -> RedirectResponse:
    """Remember a language."""
    answer = RedirectResponse(_inside(then), 303)
    if code in LANGUAGES:
        answer.set_cookie(LANGUAGE, code, max_age=YEAR, httponly=True, samesite="strict")
    return answer


def _entered(request: Request, token: str, then: str) -> RedirectResponse:
    answer = RedirectResponse(_inside(then), 303)
    answer.set_cookie(
        COOKIE,
        token,
        max_age=LIVES["cookie"] // 1000,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


def _inside(named: str) -> str:
    """An address of this service; its first page where another host is named.

    Examples
    --------
    >>> _inside("/jobs?x=1"), _inside("//elsewhere.example"), _inside("https://elsewhere.example")
    ('/jobs?x=1', '/', '/')
    """
    plain = named.startswith("/") and not named.startswith(("//", "/\\"))
    return named if plain and named.isprintable() else "/"
