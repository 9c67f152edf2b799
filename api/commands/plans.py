"""romi plan and romi what-if: the best split of a budget, or what a given one would bring."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.options import (
    AsJson,
    ModelFile,
    Quiet,
    ReportLanguage,
    ReportOutput,
    ScenarioFile,
)
from api.commands.questions import question_of

if TYPE_CHECKING:
    from rich.console import Console

    from api.output import Answer, Delivery
    from api.services import Question
    from optimizer import Plan, Sensitivity


def plan(  # noqa: PLR0913, PLR0917  (one parameter for each option)
    scenario: ScenarioFile,
    sensitivity: Annotated[
        bool, typer.Option("--sensitivity", help="Say also what would change the plan.")
    ] = False,
    model: ModelFile = None,
    as_json: AsJson = False,
    output: ReportOutput = None,
    language: ReportLanguage = "en",
    quiet: Quiet = False,
) -> None:
    """Find the best split of a budget, and prove it."""
    from api.output import REPORT_KINDS, Delivery

    with Delivery(as_json=as_json, output=output, quiet=quiet, kinds=REPORT_KINDS) as delivery:
        question = question_of(scenario, model, delivery)
        _deliver(question, None, delivery, language, tells_sensitivity=sensitivity)


def what_if(  # noqa: PLR0913, PLR0917  (one parameter for each option)
    scenario: ScenarioFile,
    split: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help='The split to try: {"tv": 412000} in JSON, or a plan, JSON or CSV.'
        ),
    ],
    model: ModelFile = None,
    as_json: AsJson = False,
    output: ReportOutput = None,
    language: ReportLanguage = "en",
    quiet: Quiet = False,
) -> None:
    """Say what a given split would bring."""
    from api.output import REPORT_KINDS, Delivery

    with Delivery(as_json=as_json, output=output, quiet=quiet, kinds=REPORT_KINDS) as delivery:
        _deliver(question_of(scenario, model, delivery), split, delivery, language)


def answered(question: Question, split: Path | None, delivery: Delivery) -> Plan:
    """The best split, or what the split of a file would bring."""
    from api.services import read_split

    if split is not None:
        return question.what_if(read_split(split))
    delivery.voice.progress("Looking for the best split ...")
    return question.plan()


def in_every_form(plan: Plan, question: Question, language: str) -> Answer:
    """A plan as JSON, as CSV, as a workbook and as a report."""
    from api.output import Answer, to_cents
    from optimizer import full_workbook

    def report() -> str:
        from api.page.plans.report import report_html

        return report_html(plan, question.model, question.scenario, language)

    content = plan.to_dict()
    workbook = partial(full_workbook, question.model, question.scenario, plan)
    records = to_cents(content["allocation"])
    return Answer(content, records, workbook=workbook, report=report)


def _deliver(
    question: Question,
    split: Path | None,
    delivery: Delivery,
    language: str,
    *,
    tells_sensitivity: bool = False,
) -> None:
    """Answer a question and hand the plan over."""
    from api.terminal.plans import NARROWEST_PLAN, show_plan

    answer = answered(question, split, delivery)
    show: Callable[[Console], None] = partial(show_plan, answer)
    if tells_sensitivity:
        found = _sensitivity(question, answer, delivery)
        show = partial(_show_both, answer, found)
        answer = answer.model_copy(update={"sensitivity": found})
    delivery.hand_over(in_every_form(answer, question, language), show, NARROWEST_PLAN)


def _sensitivity(question: Question, answer: Plan, delivery: Delivery) -> Sensitivity:
    """What would change a plan."""
    import optimizer

    delivery.voice.progress("Looking for what would change it ...")
    return optimizer.sensitivity(question.model, question.scenario, answer)


def _show_both(answer: Plan, found: Sensitivity, console: Console) -> None:
    """A plan, and under it what would change it."""
    from api.terminal.frontiers import show_sensitivity
    from api.terminal.plans import show_plan

    show_plan(answer, console)
    show_sensitivity(found, console)
