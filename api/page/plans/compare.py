"""Scenarios and kept plans side by side; what is chosen stands in the address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from api.auth import TheDesk
from api.output import csv_text, to_cents
from api.page.frame.rendering import page
from api.page.frame.visitor import Reader
from api.page.plans.advice import advice, sureness
from api.page.plans.side_by_side import side_by_side
from api.page.words.language import Language
from api.problems import RequestError, problem_of
from api.serving import comparing
from api.serving.comparing import FEWEST, MOST, Side
from optimizer import OptimizerError

router = APIRouter(include_in_schema=False)

MOST_NAMED = 20  # ids an address may hold; more is no question
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Ids = Annotated[list[Annotated[str, Query(max_length=80)]], Query(max_length=MOST_NAMED)]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The ids an address names."""

    scenarios: tuple[str, ...]
    plans: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many."""
        return len(self.scenarios) + len(self.plans)

    @property
    def query(self) -> str:
        """The same as a query."""
        named = [("scenario", one) for one in self.scenarios]
        return urlencode([*named, *(("plan", one) for one in self.plans)])


def chosen_in(scenario: Ids = [], plan: Ids = []) -> Chosen:  # noqa: B006  (FastAPI copies it)
    """What the address chooses, each once."""
    return Chosen(tuple(dict.fromkeys(scenario)), tuple(dict.fromkeys(plan)))


TheChosen = Annotated[Chosen, Depends(chosen_in)]


@router.get("/compare")
def compare(request: Request, desk: TheDesk, visitor: Reader, chosen: TheChosen) -> HTMLResponse:
    """Two to four plans side by side, or what there is to choose from."""
    context: dict[str, Any] = {
        "chosen": chosen,
        "fewest": FEWEST,
        "most": MOST,
        "refused": [],
        "problem": None,
        "comparison": None,
        "permalink": str(request.url),
        **comparing.choices(desk, visitor.known),
    }
    if 1 <= chosen.count <= MOST:
        sides, context["refused"] = comparing.sides(
            desk, visitor.known, chosen.scenarios, chosen.plans
        )
        context |= _laid_out(desk, sides, visitor.language)
    return page(request, visitor, "compare.html", **context)


@router.get("/compare/plans.xlsx")
def download_workbook(desk: TheDesk, visitor: Reader, chosen: TheChosen) -> Response:
    """The plans in one workbook."""
    sides = _enough(desk, visitor, chosen)
    return _file(comparing.workbook(sides), XLSX, "comparison.xlsx")


@router.get("/compare/moves.csv")
def download_moves(desk: TheDesk, visitor: Reader, chosen: TheChosen) -> Response:
    """What moved between the plans, as a table."""
    sides = _enough(desk, visitor, chosen)
    records = to_cents(comparing.compared(desk, sides).records())
    return _file(csv_text(records), "text/csv; charset=utf-8", "comparison.csv")


def _laid_out(desk: Any, sides: list[Side], language: Language) -> dict[str, Any]:
    """What the page shows of the plans there are."""
    told = [advice(side.plan.to_dict(), language) for side in sides]
    shown: dict[str, Any] = {"sides": sides, "told": told}
    if len(sides) < FEWEST:
        return shown
    try:
        comparison = comparing.compared(desk, sides).to_dict()
    except OptimizerError as error:
        return shown | {"problem": problem_of(error)}
    picture = side_by_side(comparison)
    sure = [None if one is None else sureness(one, language) for one in picture["better"]]
    return shown | {"comparison": comparison, "picture": picture, "sure": sure}


def _enough(desk: Any, visitor: Any, chosen: Chosen) -> list[Side]:
    """The plans of a file; refused where they are too few or too many."""
    sides: list[Side] = []
    if chosen.count <= MOST:
        sides, _ = comparing.sides(desk, visitor.known, chosen.scenarios, chosen.plans)
    if len(sides) < FEWEST:
        told = "A comparison takes two to four plans that can be made. Choose others."
        raise RequestError(422, "too_few", told)
    return sides


def _file(content: str | bytes, kind: str, name: str) -> Response:
    named = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=kind, headers=named)
