"""Scenarios: keep, change, run."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Path
from fastapi.responses import Response

from api.auth import Reader, TheDesk, Writer
from api.routes.answers import (
    Cursor,
    IdempotencyKey,
    Limit,
    Said,
    answered,
    as_json,
    problems,
)
from api.routes.waiting import Prefer, answer_of_run, seconds_to_wait
from api.schemas import JobOut, Paged, RunIn, ScenarioIn, ScenarioOut
from api.serving import rows, scenarios
from api.serving.once import Deed
from api.serving.pointers import beneath
from api.store import tables

router = APIRouter(prefix="/v1/scenarios", tags=["scenarios"])

AS_KEPT = RunIn()

ScenarioId = Annotated[str, Path(max_length=80)]
IfMatch = Annotated[str | None, Header(max_length=400, description="the ETag of the last GET")]


@router.post("", status_code=201, response_model=ScenarioOut, responses=problems(400, 409))
def create_scenario(
    desk: TheDesk,
    caller: Writer,
    body: ScenarioIn,
    said: Said,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Keep a scenario."""
    deed = Deed(caller, "scenario.create", idempotency_key, said)
    with beneath("/scenario", body.scenario):
        return answered(scenarios.create(desk, deed, body))


@router.get("", response_model=Paged, responses=problems())
def list_scenarios(
    desk: TheDesk, caller: Reader, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """Scenarios, newest first, without their documents."""
    with desk.database.read() as connection:
        page = rows.listed(
            connection,
            tables.scenarios,
            caller.workspace,
            limit=limit,
            cursor=cursor,
            leave_out=("document",),
        )
    return as_json(page)


@router.get("/{scenario_id}", response_model=ScenarioOut, responses=problems(404))
def get_scenario(desk: TheDesk, caller: Reader, scenario_id: ScenarioId) -> Response:
    """One scenario; its ETag is what a change must send as If-Match."""
    found = scenarios.read(desk, caller, scenario_id)
    response = as_json(found)
    response.headers["ETag"] = scenarios.etag(found["version"])
    return response


@router.put("/{scenario_id}", response_model=ScenarioOut, responses=problems(400, 404, 412, 428))
def put_scenario(
    desk: TheDesk,
    caller: Writer,
    scenario_id: ScenarioId,
    body: ScenarioIn,
    if_match: IfMatch = None,
) -> Response:
    """Replace a scenario's contents, unless somebody else did meanwhile."""
    deed = Deed(caller, "scenario.change")
    with beneath("/scenario", body.scenario):
        return answered(scenarios.change(desk, deed, scenario_id, body, if_match))


@router.delete("/{scenario_id}", status_code=204, responses=problems(404))
def delete_scenario(desk: TheDesk, caller: Writer, scenario_id: ScenarioId) -> Response:
    """Take a scenario away; its plans stay."""
    scenarios.remove(desk, Deed(caller, "scenario.delete"), scenario_id)
    return Response(status_code=204)


@router.post(
    "/{scenario_id}/runs",
    status_code=202,
    response_model=JobOut,
    responses={200: {"model": JobOut}, **problems(400, 404, 409)},
)
def run_scenario(  # noqa: PLR0913, PLR0917  (path, body and three headers)
    desk: TheDesk,
    caller: Writer,
    scenario_id: ScenarioId,
    said: Said,
    body: RunIn = AS_KEPT,
    idempotency_key: IdempotencyKey = None,
    prefer: Prefer = None,
) -> Response:
    """Run a scenario: the ended job (200) if that takes no longer than the wait, else 202."""
    deed = Deed(caller, "scenario.run", idempotency_key, said)
    kept = scenarios.run(desk, deed, scenario_id, body)
    return answer_of_run(desk, caller, kept, seconds_to_wait(prefer))
