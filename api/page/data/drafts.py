"""An upload on its way to a history: its first rows, and what its columns are for."""

from __future__ import annotations

from copy import deepcopy
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi import Path as Part
from fastapi.responses import RedirectResponse, Response

from api.auth import TheDesk
from api.page.data import columns
from api.page.frame.forms import Sent
from api.page.frame.rendering import page
from api.page.frame.visitor import Reader, Visitor, Writer
from api.serving import drafts
from api.serving.desk import Desk
from api.serving.drafts import Draft
from api.serving.histories import BadUploadError

router = APIRouter(include_in_schema=False, prefix="/histories/drafts")

Token = Annotated[str, Part(max_length=40)]


@router.get("/{token}")
def show_draft(request: Request, desk: TheDesk, visitor: Reader, token: Token) -> Response:
    """A draft as it stands."""
    return _shown(request, visitor, drafts.find(desk, visitor.known, token))


@router.post("/{token}")
def read_again(
    request: Request, desk: TheDesk, visitor: Writer, token: Token, form: Sent
) -> Response:
    """Take what the form says of the columns, and read the files by it."""
    draft = drafts.find(desk, visitor.known, token)
    if not _corrected(desk, draft, form):
        return _shown(request, visitor, draft, 422)
    return RedirectResponse(f"/histories/drafts/{token}", 303)


@router.post("/{token}/keep")
def keep_draft(
    request: Request, desk: TheDesk, visitor: Writer, token: Token, form: Sent
) -> Response:
    """Take what the form says, and keep the history where it can be read by that."""
    draft = drafts.find(desk, visitor.known, token)
    if not _corrected(desk, draft, form):
        return _shown(request, visitor, draft, 422)
    try:
        history = drafts.keep(desk, visitor.known, draft)
    except BadUploadError as wrong:
        draft.reading = {"summary": None, "findings": [], "problem": wrong.problem}
        return _shown(request, visitor, draft, 422)
    return RedirectResponse(f"/histories/{history}", 303)


@router.get("/{token}/keep")
def back_to_draft(token: Token, _: Reader) -> Response:
    """Where a refused form leads when it is loaded again."""
    return RedirectResponse(f"/histories/drafts/{token}", 303)


@router.post("/{token}/discard")
def discard_draft(desk: TheDesk, visitor: Writer, token: Token, form: Sent) -> Response:
    """Take a draft away."""
    del form
    drafts.discard(desk, visitor.known, token)
    return RedirectResponse("/histories", 303)


def _corrected(desk: Desk, draft: Draft, form: Any) -> bool:
    """Take the form into the draft and read it anew; whether it can be a history now."""
    before = deepcopy(draft)
    layouts = columns.apply(draft, form)
    if layouts is not None:
        said = draft.files
        drafts.look_again(desk, draft, layouts)
        columns.overlay(draft, said)
    elif draft == before and _is_usable(draft):
        return True
    if any(columns.faults_of(draft)):
        draft.reading = None
        drafts.save(draft)
        return False
    drafts.read_again(desk, draft)
    return _is_usable(draft)


def _is_usable(draft: Draft) -> bool:
    return draft.reading is not None and draft.reading["problem"] is None


def _shown(request: Request, visitor: Visitor, draft: Draft, status: int = 200) -> Response:
    """The view of a draft; a fault of the columns is told before what reading said of it."""
    return page(
        request,
        visitor,
        "draft.html",
        status,
        draft=draft,
        faults=columns.faults_of(draft),
        choices=columns.choices,
        choice_of=columns.choice_of,
    )
