"""romi compare: two to four plans side by side."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from api.commands.options import AsJson, Quiet


def compare(  # noqa: PLR0913, PLR0917  (one parameter for each option)
    plans: Annotated[
        list[Path], typer.Argument(metavar="PLAN PLAN...", help="Two to four plans as JSON.")
    ],
    model: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The model of the plans: says how sure differences are."),
    ] = None,
    scenario: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="A scenario of the plans, where it changes costs, channels or the schedule; "
            "may be given for each.",
        ),
    ] = None,
    as_json: AsJson = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write FILE.json or FILE.csv."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Put two to four plans side by side: what moved, why, how sure the difference is."""
    import optimizer
    from api.output import Answer, Delivery, to_cents
    from api.services import read_model, read_plans, read_scenario, with_customers
    from api.terminal.comparisons import show_comparison

    with Delivery(as_json=as_json, output=output, quiet=quiet) as delivery:
        named = read_plans(plans)
        curves = read_model(model) if model is not None else None
        asked = [with_customers(read_scenario(path), path.parent) for path in scenario or ()]
        found = optimizer.compare(list(named.values()), curves, scenarios=asked, labels=list(named))
        written = Answer(found.to_dict(), to_cents(found.records()))
        delivery.hand_over(written, partial(show_comparison, found))
