"""Histories: the list, uploading, one history and what was found in it, fitting curves to it."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi import Path as Part
from fastapi.responses import RedirectResponse, Response

from api.auth import TheDesk
from api.page.data.examples import EXAMPLES, example_csv
from api.page.frame.forms import LONGEST_NAME, Filled, Sent, sent_files, text_of
from api.page.frame.lists import Cursor, newest
from api.page.frame.rendering import page
from api.page.frame.visitor import Reader, Visitor, Writer
from api.problems import RequestError, problem_of
from api.schemas import FitIn
from api.serving import drafts, histories, models, rows, series
from api.serving.desk import Desk
from api.serving.histories import MOST_FILES, BadUploadError
from api.serving.once import Deed
from api.store import tables

router = APIRouter(include_in_schema=False, prefix="/histories")

HistoryId = Annotated[str, Part(max_length=80)]

LARGEST_SEED = 2**63 - 1


@router.get("")
def list_histories(
    request: Request, desk: TheDesk, visitor: Reader, cursor: Cursor = None
) -> Response:
    """Histories, newest first, uploads not kept yet, and the form that uploads one."""
    return _list(request, desk, visitor, Filled({"name": "", "currency": ""}), cursor)


@router.post("")
def upload(request: Request, desk: TheDesk, visitor: Writer, form: Sent) -> Response:
    """Keep files as a draft, to be looked at before they are a history."""
    files = sent_files(form, "file")
    typed = {name: text_of(form, name) for name in ("name", "currency")}
    if not 1 <= len(files) <= MOST_FILES:
        wrong = "no_file" if not files else "too_many"
        return _list(request, desk, visitor, Filled(typed, wrong=wrong))
    name = (typed["name"] or PurePath(files[0][0]).stem)[:LONGEST_NAME]
    try:
        draft = drafts.begin(desk, visitor.known, files, name, typed["currency"][:10] or None)
    except BadUploadError as refused:
        return _list(request, desk, visitor, Filled(typed, problem=refused.problem))
    return RedirectResponse(f"/histories/drafts/{draft.token}", 303)


@router.get("/examples/{layout}.csv")
def download_example(layout: Annotated[str, Part(max_length=20)], _: Reader) -> Response:
    """The shipped example, in either layout."""
    if layout not in EXAMPLES:
        raise RequestError(404, "not_found", "There is no such example. See the view of data.")
    named = f'attachment; filename="{EXAMPLES[layout]}"'
    headers = {"Content-Disposition": named}
    return Response(example_csv(layout), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/{history_id}")
def show_history(
    request: Request, desk: TheDesk, visitor: Reader, history_id: HistoryId
) -> Response:
    """One history: figures, course over time, findings, first rows, and the form that fits."""
    return _one(request, desk, visitor, history_id)


@router.post("/{history_id}/fit")
def fit_curves(
    request: Request, desk: TheDesk, visitor: Writer, history_id: HistoryId, form: Sent
) -> Response:
    """Queue a fit."""
    from optimizer import DocumentError

    typed = {name: text_of(form, name) for name in ("name", "seed", "known")}
    typed["make_current"] = "yes" if text_of(form, "make_current") else ""
    seed = typed["seed"] or "1"
    if not seed.isascii() or not seed.isdigit() or int(seed) > LARGEST_SEED:
        return _one(request, desk, visitor, history_id, Filled(typed, wrong="seed"))
    try:
        wanted = FitIn(
            history=history_id,
            name=typed["name"][:LONGEST_NAME] or "Model",
            fit=_known(typed["known"]),
            lift_tests=_lift_tests(desk, visitor, history_id, form),
            seed=int(seed),
            make_current=bool(typed["make_current"]),
        )
        kept = models.fit(desk, Deed(visitor.known, "model.fit"), wanted)
    except BadUploadError as refused:
        filled = Filled(typed, wrong="lift_tests", problem=refused.problem)
        return _one(request, desk, visitor, history_id, filled)
    except DocumentError as faulty:
        filled = Filled(typed, wrong="known", problem=problem_of(faulty))
        return _one(request, desk, visitor, history_id, filled)
    return RedirectResponse(f"/jobs/{kept.body['job']}", 303)


@router.get("/{history_id}/fit")
def back_to_history(history_id: HistoryId, _: Reader) -> Response:
    """Where a refused form leads when it is loaded again."""
    return RedirectResponse(f"/histories/{history_id}#fit", 303)


@router.post("/{history_id}/delete")
def delete_history(desk: TheDesk, visitor: Writer, history_id: HistoryId, form: Sent) -> Response:
    """Take a history away; models fitted to it stay."""
    del form
    histories.remove(desk, Deed(visitor.known, "history.delete"), history_id)
    return RedirectResponse("/histories", 303)


def _known(text: str) -> dict[str, Any]:
    """What a fit is told beforehand, as under `fit` in a scenario file."""
    from optimizer import parse_document

    return parse_document(text.encode(), "fit.yaml") if text else {}


def _lift_tests(desk: Desk, visitor: Visitor, history: str, form: Any) -> list[dict[str, Any]]:
    files = sent_files(form, "lift_tests")
    if not files:
        return []
    return histories.lift_tests(desk, visitor.known, history, *files[0])


def _list(
    request: Request, desk: Desk, visitor: Visitor, form: Filled, cursor: str | None = None
) -> Response:
    return page(
        request,
        visitor,
        "histories.html",
        form.status,
        found=newest(desk, visitor, tables.histories, cursor=cursor),
        drafts=drafts.listed(desk, visitor.known),
        most_mb=desk.settings.upload_mb,
        **form.context,
    )


def _one(
    request: Request, desk: Desk, visitor: Visitor, identity: str, form: Filled | None = None
) -> Response:
    row, history = histories.kept(desk, visitor.known, identity)
    drawn = series.series_of(history)
    monthly, table = series.table_of(drawn)
    empty = {"name": row["name"], "seed": "", "known": "", "make_current": "yes"}
    form = form or Filled(empty)
    return page(
        request,
        visitor,
        "history.html",
        form.status,
        history=rows.shown(row),
        series=drawn,
        table=table,
        monthly=monthly,
        channels=series.channels_of(history),
        first=histories.first_rows(history),
        models=newest(desk, visitor, tables.models, history=identity)["items"],
        **form.context,
    )
