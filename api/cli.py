"""The command line: one command per verb; stdout carries data, stderr everything else.

Slow libraries are imported inside the commands, so that `romi --help` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial, wraps
from io import TextIOWrapper
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from api.commands import service
from api.commands.customers import customers
from api.commands.experiment import experiment
from api.commands.many import Many, fit_by
from api.errors import ExitCode, MisuseError, told

if TYPE_CHECKING:
    from rich.console import Console

    from api.output import Answer, Delivery
    from api.services import Question
    from optimizer import Finding, Frontier, Plan, RiskFrontier, Sensitivity

EXAMPLE = Path(__file__).parent / "example"
MANY = "Many series in one table"  # options of fit

app = typer.Typer(
    help="Split a marketing budget, with the doubt and the proof.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_debug: ContextVar[bool] = ContextVar("debug", default=False)
_server: ContextVar[str | None] = ContextVar("server", default=None)

AsJson = Annotated[bool, typer.Option("--json", help="Print the document as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no asides.")]
PlanOutput = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write FILE.json, FILE.csv or FILE.xlsx."),
]
ReportOutput = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write FILE.json, FILE.csv, FILE.xlsx, or FILE.html: a report to open and print.",
    ),
]
ReportLanguage = Annotated[
    Literal["en", "ru", "zh"],
    typer.Option("--language", envvar="ROMI_LANGUAGE", help="Of the report FILE.html."),
]
ScenarioFile = Annotated[
    Path, typer.Argument(metavar="SCENARIO", help="The question, a YAML or JSON file.")
]
ModelFile = Annotated[
    Path | None,
    typer.Option("--model", metavar="FILE", help="Curves to use instead of the scenario's own."),
]
HistoryFiles = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...",
        help="CSV, XLSX or Parquet; several are joined. Or one scenario, for the history it names.",
    ),
]
Layout = Annotated[
    Literal["attributed", "aggregate"] | None,
    typer.Option(help="attributed or aggregate; by the columns if absent."),
]
Currency = Annotated[str | None, typer.Option(help="Of all money in the files.")]


def _command(function: Callable[..., None]) -> Callable[..., None]:
    """Register a command whose failures end in one sentence and an exit code."""

    return app.command(function.__name__.replace("_", "-"))(_telling(function))


def _telling(function: Callable[..., None]) -> Callable[..., None]:
    """A function whose failures end in one sentence and an exit code."""

    @wraps(function)
    def command(*args: Any, **kwargs: Any) -> None:
        with told(_debug.get()):
            function(*args, **kwargs)

    return command


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"romi {version('romi')}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error arose.")] = False,
    version: Annotated[  # noqa: ARG001  (answered by its callback)
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
    server: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="ROMI_SERVER",
            help="Have a service fit and plan; its key is read from ROMI_KEY.",
        ),
    ] = None,
) -> None:
    _debug.set(debug)
    _server.set(server)


@_command
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
        answer = _answer(services.Question(scenario, model), None, delivery)
        way = Way(history, model, spent, answer)
        written = _in_every_form(answer, services.Question(scenario, model), language)
        delivery.hand_over(written, partial(show_demo, way, copy_to), NARROWEST_PLAN)


@_command
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


@_command
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


@_command
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
        question = _question(scenario, model, delivery)
        _deliver(question, None, delivery, language, tells_sensitivity=sensitivity)


@_command
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
        _deliver(_question(scenario, model, delivery), split, delivery, language)


@_command
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


@_command
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
        question = _question(scenario, model, delivery)
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


def _question(path: Path, model: Path | None, delivery: Delivery) -> Question:
    """A scenario file with its model."""
    from api.services import read_question

    voice = delivery.voice
    read, server = read_question, _server.get()
    if server is not None:
        from api.client import Client
        from api.remote import ask_service

        client = Client(server, os.environ.get("ROMI_KEY"))
        delivery.at_end(client.close)
        read = partial(ask_service, client)
    return read(path, model, progress=voice.progress, advance=voice.advance, warn=voice.warn)


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

    answer = _answer(question, split, delivery)
    show: Callable[[Console], None] = partial(show_plan, answer)
    if tells_sensitivity:
        found = _sensitivity(question, answer, delivery)
        show = partial(_show_both, answer, found)
        answer = answer.model_copy(update={"sensitivity": found})
    delivery.hand_over(_in_every_form(answer, question, language), show, NARROWEST_PLAN)


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


def _in_every_form(plan: Plan, question: Question, language: str) -> Answer:
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


def _answer(question: Question, split: Path | None, delivery: Delivery) -> Plan:
    """The best split, or what the split of a file would bring."""
    from api.services import read_split

    if split is not None:
        return question.what_if(read_split(split))
    delivery.voice.progress("Looking for the best split ...")
    return question.plan()


_command(experiment)
_command(customers)


def _names(files: list[Path]) -> str:
    return ", ".join(file.name for file in files)


for _verb in service.VERBS:
    _command(_verb)
for _name, (_help, _verbs) in service.GROUPS.items():
    _group = typer.Typer(help=_help, no_args_is_help=True)
    for _deed in _verbs:
        _group.command(_deed.__name__.split("_")[0])(_telling(_deed))
    app.add_typer(_group, name=_name)


def main() -> None:
    """The entry point of the command `romi`."""
    for library in ("OPENBLAS", "OMP", "MKL"):  # matrices here are small: threads cost, not gain
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="plainly")  # a terminal without dashes shows hyphens
    app()


if __name__ == "__main__":
    main()
