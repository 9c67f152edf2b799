"""romi demo: the shipped example, from its history to the best split."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

import api
from api.commands.options import AsJson, Quiet, ReportLanguage, ReportOutput
from api.commands.plans import answered, in_every_form

EXAMPLE = Path(api.__file__).parent / "example"


def demo(
    as_json: AsJson = False,
    output: ReportOutput = None,
    language: ReportLanguage = "en",
    quiet: Quiet = False,
    copy_to: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Copy the example there, to edit it.")
    ] = None,
) -> None:
    """Run the shipped example: a shop's history, its curves, the best split."""
    from api import services
    from api.output import REPORT_KINDS, Delivery, copy_folder
    from api.terminal.demo import Way, show_demo
    from api.terminal.plans import NARROWEST_PLAN

    with Delivery(as_json=as_json, output=output, quiet=quiet, kinds=REPORT_KINDS) as delivery:
        if copy_to is not None:
            copy_folder(EXAMPLE, copy_to)
        scenario = services.read_scenario(EXAMPLE / "scenario.yaml")
        history = services.read_scenario_history(scenario, EXAMPLE)
        delivery.voice.progress(f"Fitting curves to {services.size_of(history)} ...")
        begun = perf_counter()
        model = services.fit_scenario(scenario, history, advance=delivery.voice.advance)
        spent = perf_counter() - begun
        answer = answered(services.Question(scenario, model), None, delivery)
        way = Way(history, model, spent, answer)
        written = in_every_form(answer, services.Question(scenario, model), language)
        delivery.hand_over(written, partial(show_demo, way, copy_to), NARROWEST_PLAN)
