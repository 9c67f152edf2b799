"""Scenarios: the list, and the workbench where one is asked, changed, kept and carried away."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi import Path as Part
from fastapi.responses import RedirectResponse, Response

from api.auth import TheDesk
from api.page.bench import faults, files, link, workbench
from api.page.bench.workbench import Answer, Bench
from api.page.frame.forms import Sent, text_of
from api.page.frame.lists import Cursor, newest
from api.page.frame.rendering import is_part, page
from api.page.frame.visitor import Reader, Visitor, Writer
from api.page.plans.again import requests
from api.page.plans.around import frontier_around
from api.page.plans.reading import reading
from api.problems import RequestError
from api.schemas import ScenarioIn
from api.serving import plans, scenarios
from api.serving.desk import Desk
from api.serving.once import Deed
from api.store import tables

router = APIRouter(include_in_schema=False, prefix="/scenarios")

ScenarioId = Annotated[str, Part(max_length=80)]
MODELS_OFFERED = 20


def sent_bench(desk: TheDesk, visitor: Reader, scenario_id: ScenarioId, form: Sent) -> Bench:
    """A scenario on the desk, its form as it was sent."""
    return workbench.opened(desk, visitor.known, scenario_id, form, visitor.language)


SentBench = Annotated[Bench, Depends(sent_bench)]


@router.get("")
def list_scenarios(
    request: Request, desk: TheDesk, visitor: Reader, cursor: Cursor = None
) -> Response:
    """Scenarios, newest first."""
    found = newest(desk, visitor, tables.scenarios, cursor=cursor, leave_out=("document",))
    models = newest(desk, visitor, tables.models, limit=MODELS_OFFERED)["items"]
    return page(request, visitor, "scenarios.html", found=found, models=models)


@router.get("/{scenario_id}")
def open_scenario(
    request: Request,
    desk: TheDesk,
    visitor: Reader,
    scenario_id: ScenarioId,
    draft: Annotated[str | None, Query(max_length=link.LONGEST)] = None,
) -> Response:
    """The workbench, with the scenario as it is kept or as a link carries it."""
    fields = None if draft is None else link.unpacked(draft)
    bench = workbench.opened(desk, visitor.known, scenario_id, fields, visitor.language)
    saved = request.query_params.get("saved")
    return _shown(request, visitor, bench, workbench.answered(bench), saved=saved)


@router.get("/{scenario_id}/{action}")
def back(visitor: Reader, scenario_id: ScenarioId, action: str) -> Response:
    """The scenario, where somebody opens the address of a form they sent."""
    del visitor, action
    return RedirectResponse(f"/scenarios/{scenario_id}", 303)


@router.post("/{scenario_id}")
def ask(request: Request, visitor: Reader, bench: SentBench, form: Sent) -> Response:
    """The workbench with the form as it was sent, answered."""
    choice = text_of(form, "relax")
    if choice.isdecimal():
        bench = workbench.relaxed(bench, int(choice))
    return _shown(request, visitor, bench, workbench.answered(bench))


@router.post("/{scenario_id}/answer")
def answer_part(request: Request, desk: TheDesk, visitor: Reader, bench: SentBench) -> Response:
    """The answer alone, for a script that keeps the form."""
    answer = workbench.answered(bench)
    return page(request, visitor, "parts/answer.html", **_context(desk, bench, answer))


@router.post("/{scenario_id}/frontier")
def frontier_part(request: Request, visitor: Reader, bench: SentBench) -> Response:
    """What every budget would bring, for the form as it stands."""
    from optimizer import Scenario

    answer = workbench.answered(bench)
    if answer.plan is None:
        raise RequestError(
            422, "no_plan", "The question has no answer yet. Mend what is marked, then ask again."
        )
    scenario = Scenario.from_dict(answer.document)
    found = frontier_around(answer.plan, bench.model, scenario)
    read = reading(answer.plan.to_dict(), visitor.language, frontier=found.to_dict())
    if is_part(request):
        return page(request, visitor, "parts/frontier.html", **read)
    state = _address(bench)
    own = read | {"kept": bench.kept, "state": state, "here": state}
    return page(request, visitor, "scenario_frontier.html", **own)


@router.post("/{scenario_id}/save")
def save(
    request: Request, desk: TheDesk, visitor: Writer, bench: SentBench, form: Sent
) -> Response:
    """Keep the form as the scenario, unless somebody else changed it meanwhile."""
    answer = workbench.answered(bench)
    wanted = _wanted(bench, answer)
    if wanted is None:
        return _shown(request, visitor, bench, answer, status=422)
    deed = Deed(visitor.known, "scenario.change")
    tag = f'"v{text_of(form, "replaces") or bench.fields["version"]}"'
    try:
        scenarios.change(desk, deed, bench.identity, wanted, tag)
    except RequestError as error:
        if error.status != 412:
            raise
        return _shown(request, visitor, bench, answer, status=412, changed_meanwhile=True)
    return RedirectResponse(f"/scenarios/{bench.identity}?saved=yes", 303)


@router.post("/{scenario_id}/copy")
def save_as_new(request: Request, desk: TheDesk, visitor: Writer, bench: SentBench) -> Response:
    """Keep the form as a scenario of its own."""
    answer = workbench.answered(bench)
    wanted = _wanted(bench, answer)
    if wanted is None:
        return _shown(request, visitor, bench, answer, status=422)
    if wanted.name == bench.kept["name"]:
        again = visitor.language.words.gettext("%(name)s, copy") % {"name": wanted.name}
        wanted = wanted.model_copy(update={"name": again[:200]})
    kept = scenarios.create(desk, Deed(visitor.known, "scenario.create"), wanted)
    return RedirectResponse(f"/scenarios/{kept.body['id']}?saved=yes", 303)


@router.post("/{scenario_id}/keep")
def keep_plan(request: Request, desk: TheDesk, visitor: Writer, bench: SentBench) -> Response:
    """Keep the answer as a plan that no later change touches."""
    answer = workbench.answered(bench)
    if answer.plan is None:
        return _shown(request, visitor, bench, answer, status=422)
    deed = Deed(visitor.known, "plan.keep")
    made = plans.Made(answer.plan, answer.document, bench.identity, bench.model_id)
    return RedirectResponse(f"/plans/{plans.keep(desk, deed, made)}", 303)


@router.post("/{scenario_id}/delete")
def delete(desk: TheDesk, visitor: Writer, scenario_id: ScenarioId, form: Sent) -> Response:
    """Take the scenario away; its plans stay."""
    del form
    scenarios.remove(desk, Deed(visitor.known, "scenario.delete"), scenario_id)
    return RedirectResponse("/scenarios", 303)


@router.post("/{scenario_id}/plan.{kind}")
def download(
    request: Request,
    visitor: Reader,
    bench: SentBench,
    kind: Annotated[str, Part(pattern="^(xlsx|csv|json|html)$")],
) -> Response:
    """The answer as a file."""
    answer = workbench.answered(bench)
    if answer.plan is None:
        return _shown(request, visitor, bench, answer, status=422)
    return files.file_of(bench, answer, kind)


def _wanted(bench: Bench, answer: Answer) -> ScenarioIn | None:
    """The form as a scenario to keep; None where it is faulty.

    Limits that cannot all hold may be kept: a planner mends them another day.
    """
    if answer.wrong or (answer.problem and "conflicts" not in answer.problem):
        return None
    name = bench.fields.get("name", "").strip() or bench.kept["name"]
    document = {**answer.document, "name": name}
    return ScenarioIn(scenario=document, name=name[:200], model=bench.kept["model"])


def _shown(
    request: Request,
    visitor: Visitor,
    bench: Bench,
    answer: Answer,
    status: int = 200,
    **more: Any,
) -> Response:
    if answer.plan is not None:
        bench.fields = workbench.shown_fields(bench, answer.plan)
    desk: Desk = request.app.state.desk
    context = _context(desk, bench, answer) | {"saved": None, "changed_meanwhile": False} | more
    if request.method != "GET":
        context["here"] = context["state"]
    drawn = workbench.pictures(bench, answer)
    return page(request, visitor, "scenario.html", status, **context, **drawn)


def _address(bench: Bench) -> str:
    """Where the form opens as it stands."""
    return f"/scenarios/{bench.identity}?draft={link.packed(bench.fields)}"


def _context(desk: Desk, bench: Bench, answer: Answer) -> dict[str, Any]:
    """What the workbench's templates need."""
    own = {
        "bench": bench,
        "kept": bench.kept,
        "fields": bench.fields,
        "answer": answer,
        "labels": {name: faults.label(name, bench) for name in answer.wrong},
        "plan": None,
        "marks": workbench.marks(bench, answer),
        "state": _address(bench),
        "slider": workbench.slider(bench, answer),
    }
    if answer.plan is None or answer.now is None:
        return own
    address = f"http://{desk.settings.host}:{desk.settings.port}"
    with_keys = desk.settings.auth
    own["again"] = requests(address, bench.model_id, answer.document, with_keys=with_keys)
    return own | reading(answer.plan.to_dict(), bench.language, now=answer.now.to_dict())
