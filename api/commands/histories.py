"""romi check and romi fit: what is wrong in a history, and the curves it speaks for."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.many import Many, fit_by
from api.commands.options import AsJson, Currency, HistoryFiles, Layout, PlanOutput, Quiet
from api.errors import ExitCode, MisuseError

if TYPE_CHECKING:
    from optimizer import Finding

MANY = "Many series in one table"  # options of fit


def check(  # noqa: PLR0913, PLR0917  (one parameter for each option)
    files: HistoryFiles,
    layout: Layout = None,
    currency: Currency = None,
    as_json: AsJson = False,
    output: PlanOutput = None,
    quiet: Quiet = False,
) -> None:
    """Say what is wrong, or noteworthy, in a history."""
    from api.output import Answer, Delivery
    from api.services import read_named_history
    from api.terminal.funnels import funnel_as_data
    from api.terminal.histories import FINDING_COLUMNS, findings_as_data, show_check
    from optimizer import UnusableHistoryError

    with Delivery(as_json=as_json, output=output, quiet=quiet) as delivery:
        delivery.voice.progress(f"Reading {_names(files)} ...")
        try:
            _, history = read_named_history(files, layout, currency)
            findings: tuple[Finding, ...] = history.findings
        except UnusableHistoryError as unusable:
            history, findings = None, unusable.findings
        records = findings_as_data(findings)
        content: dict[str, Any] = {"usable": history is not None, "findings": records}
        if history is not None and history.measures:
            content["channels"] = funnel_as_data(history)
        show = partial(show_check, _names(files), history, findings)
        delivery.hand_over(Answer(content, records, FINDING_COLUMNS), show)
    if history is None:
        raise SystemExit(ExitCode.FAULTY_INPUT)


def fit(  # noqa: PLR0913, PLR0917  (one parameter for each option)
    files: HistoryFiles,
    layout: Layout = None,
    currency: Currency = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of the draws; the scenario's, or 1.")
    ] = None,
    lift_tests: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Finished lift tests; the scenario's if absent."),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN[,COLUMN]",
            help="A model for every value of these columns, such as market,brand.",
            rich_help_panel=MANY,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes; one per processor.", rich_help_panel=MANY),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on in a folder begun: only what is missing or has changed.",
            rich_help_panel=MANY,
        ),
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write what lies behind the fit: residuals, back-test, beliefs before and after.",
        ),
    ] = None,
    as_json: AsJson = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write FILE.json; with --by, into this folder."
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Fit response curves to a history and say how well they are known."""
    from api.output import Answer, Delivery, document_writer
    from api.services import fit_scenario, read_named_history, read_tests, size_of
    from api.terminal.histories import show_fit

    if by is not None:
        asked = Many(
            files, by, output, lift_tests, layout, currency, seed=seed, workers=workers,
            resume=resume,
        )  # fmt: skip
        with Delivery(as_json=as_json, output=None, quiet=quiet) as delivery:
            fit_by(asked, delivery)
        return
    if workers is not None or resume:
        raise MisuseError("--workers and --resume go with --by: fits of many series.")
    behind = None if report is None else document_writer(report, "--report")
    with Delivery(as_json=as_json, output=output, quiet=quiet, kinds=(".json",)) as delivery:
        delivery.voice.progress(f"Reading {_names(files)} ...")
        scenario, history = read_named_history(files, layout, currency)
        tests = read_tests(scenario, files[0].parent, history, lift_tests)
        delivery.voice.progress(f"Fitting curves to {size_of(history)} ...")
        advance = delivery.voice.advance
        model = fit_scenario(
            scenario, history, tests=tests, seed=seed, advance=advance, report=behind
        )
        delivery.hand_over(Answer(model.to_dict()), partial(show_fit, model, history))


def _names(files: list[Path]) -> str:
    return ", ".join(file.name for file in files)
