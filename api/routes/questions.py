"""Questions answered at once; nothing is kept, so no Idempotency-Key is needed."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from api.auth import Reader, TheDesk
from api.routes.answers import document, problems
from api.schemas import CompareIn, FrontierIn, RecommendationIn, WhatIfIn
from api.serving import answers
from optimizer import Comparison, Frontier, Plan, RiskFrontier

router = APIRouter(prefix="/v1", tags=["questions"])


@router.post(
    "/recommendations", response_model=Plan | list[Plan], responses=problems(400, 404, 413)
)
def recommend(desk: TheDesk, caller: Reader, body: RecommendationIn) -> Response:
    """The best split of a scenario; of a list of scenarios, a list of plans."""
    found = answers.recommend(desk, caller, body)
    if isinstance(found, list):
        return document(f"[{','.join(_text(plan) for plan in found)}]")
    return document(_text(found))


@router.post("/what-ifs", response_model=Plan, responses=problems(400, 404, 413))
def what_if(desk: TheDesk, caller: Reader, body: WhatIfIn) -> Response:
    """What a stated split would bring."""
    return document(_text(answers.what_if(desk, caller, body)))


@router.post(
    "/frontiers", response_model=Frontier | RiskFrontier, responses=problems(400, 404, 413)
)
def frontier(desk: TheDesk, caller: Reader, body: FrontierIn) -> Response:
    """The best value of every budget, with marginal ROMI and the budget that breaks even."""
    return document(_text(answers.frontier(desk, caller, body)))


@router.post("/plans:compare", response_model=Comparison, responses=problems(400, 404))
def compare_plans(desk: TheDesk, caller: Reader, body: CompareIn) -> Response:
    """Two to four kept plans side by side: what moved, why, how sure."""
    return document(_text(answers.compare(desk, caller, body)))


def _text(found: Any) -> str:
    """A document's JSON, the same as `to_dict` gives."""
    text: str = found.model_dump_json(by_alias=True)
    return text
