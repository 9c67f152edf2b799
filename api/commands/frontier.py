"""romi frontier: what every budget would bring, or what less risk costs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.options import AsJson, ModelFile, PlanOutput, Quiet, ScenarioFile
from api.commands.questions import question_of
from api.errors import MisuseError

if TYPE_CHECKING:
    from api.output import Answer, Delivery
    from api.services import Question
    from optimizer import Frontier, RiskFrontier


def frontier(  # noqa: PLR0913, PLR0917  (one parameter for each option)
    scenario: ScenarioFile,
    points: Annotated[
        int | None, typer.Option(help="How many budgets, 50 if absent; with --risk, plans, 11.")
    ] = None,
    least: Annotated[
        float | None, typer.Option("--from", help="Smallest budget; half the scenario's if absent.")
    ] = None,
    most: Annotated[
        float | None, typer.Option("--to", help="Largest budget; 1.5 times it if absent.")
    ] = None,
    risk: Annotated[
        bool, typer.Option("--risk", help="Mean uplift against risk, at one budget, instead.")
    ] = False,
    model: ModelFile = None,
    as_json: AsJson = False,
    output: PlanOutput = None,
    quiet: Quiet = False,
) -> None:
    """Say what every budget would bring, and where profit peaks; or what less risk costs."""
    from api.output import PLAN_KINDS, TABULAR, Delivery
    from api.terminal.frontiers import show_frontier, show_risk_frontier

    if risk and (least is not None or most is not None):
        raise MisuseError("--risk keeps to one budget: leave --from and --to out.")
    kinds = TABULAR if risk else PLAN_KINDS
    with Delivery(as_json=as_json, output=output, quiet=quiet, kinds=kinds) as delivery:
        question = question_of(scenario, model, delivery)
        if risk:
            careful, written = _risk_frontier(question, points, delivery)
            delivery.hand_over(written, partial(show_risk_frontier, careful))
        else:
            found, written = _frontier(question, (points, least, most), delivery)
            delivery.hand_over(written, partial(show_frontier, found))


def _frontier(
    question: Question,
    span: tuple[int | None, float | None, float | None],
    delivery: Delivery,
) -> tuple[Frontier, Answer]:
    """The best plan of every budget, and in every form it is written in."""
    from api.output import Answer, to_cents

    points, least, most = span
    delivery.voice.progress("Looking for the best plan of every budget ...")
    keys = {} if points is None else {"points": points}
    found = question.frontier(least=least, most=most, **keys)
    records = found.records()

    def workbook() -> bytes:
        plan = question.plan()
        return plan.workbook(question.model, question.scenario, found.to_dict())

    return found, Answer(found.to_dict(), to_cents(records), workbook=workbook)


def _risk_frontier(
    question: Question, points: int | None, delivery: Delivery
) -> tuple[RiskFrontier, Answer]:
    """What regard for risk costs, and in every form it is written in."""
    from api.output import Answer, to_cents

    delivery.voice.progress("Looking for plans of less and less risk ...")
    keys = {} if points is None else {"points": points}
    found = question.risk_frontier(**keys)
    return found, Answer(found.to_dict(), to_cents(found.records()))
