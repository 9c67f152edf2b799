"""romi experiment: which lift test next; and what a finished geo test found."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from api.commands.options import AsJson, Quiet
from api.errors import MisuseError

if TYPE_CHECKING:
    from api.output import Delivery
    from optimizer import GeoTestResult, LiftTest

DAY = ["%Y-%m-%d"]
PROPOSING, READING = "Which test next", "Reading a finished geo test"


def experiment(  # noqa: PLR0913, PLR0917  (one parameter for each option)
    scenario: Annotated[
        Path | None, typer.Argument(metavar="SCENARIO", help="The plan that tests run beside.")
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Curves to use instead of the scenario's own.",
            rich_help_panel=PROPOSING,
        ),
    ] = None,
    noise: Annotated[
        float | None,
        typer.Option(
            help="How much revenue goes up and down a period, its standard deviation; the fit's.",
            rich_help_panel=PROPOSING,
        ),
    ] = None,
    horizon: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Periods over which what is learned is used; a year.",
            rich_help_panel=PROPOSING,
        ),
    ] = None,
    most: Annotated[
        int, typer.Option("--tests", min=1, help="Most to propose.", rich_help_panel=PROPOSING)
    ] = 2,
    analyse: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Revenue by date and market, a row for each.",
            rich_help_panel=READING,
        ),
    ] = None,
    markets: Annotated[
        str | None,
        typer.Option(help="Where spend was moved, parted by commas.", rich_help_panel=READING),
    ] = None,
    start: Annotated[
        dt.datetime | None,
        typer.Option(formats=DAY, help="First day of the test.", rich_help_panel=READING),
    ] = None,
    end: Annotated[
        dt.datetime | None,
        typer.Option(
            formats=DAY, help="Last day of the test; the last there is.", rich_help_panel=READING
        ),
    ] = None,
    channel: Annotated[
        str | None, typer.Option(help="Whose spend was moved.", rich_help_panel=READING)
    ] = None,
    spend_control: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            help="Spend a period in those markets without the test.",
            rich_help_panel=READING,
        ),
    ] = None,
    spend_test: Annotated[
        float | None,
        typer.Option(min=0.0, help="Spend a period there with it.", rich_help_panel=READING),
    ] = None,
    per: Annotated[
        Literal["day", "week", "month"] | None,
        typer.Option(help="Periods of the history to be fitted.", rich_help_panel=READING),
    ] = None,
    alone: Annotated[
        bool,
        typer.Option(
            "--alone",
            help="A lift row of those markets alone, not scaled to all.",
            rich_help_panel=READING,
        ),
    ] = False,
    as_json: AsJson = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write FILE.json or FILE.csv; of a finished test, the lift row that a fit reads.",
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Say which lift test to run next, or what a finished geo test found."""
    from api.output import Delivery

    if (scenario is None) == (analyse is None):
        raise MisuseError(
            "Give a scenario to be told which test to run next, or --analyse FILE with --markets "
            "and --start to read a finished one."
        )
    with Delivery(as_json=as_json, output=output, quiet=quiet) as delivery:
        if scenario is not None:
            wanted = {"noise": noise, "horizon": horizon, "most": most}
            _propose(scenario, model, delivery, wanted)
            return
        assert analyse is not None, "one of the two was given"
        if markets is None or start is None:
            raise MisuseError("--analyse needs --markets and --start: where and since when.")
        moved = _Moved.of(channel, spend_control, spend_test, per=per, alone=alone)
        if moved is None and output is not None and output.suffix.lower() == ".csv":
            raise MisuseError(
                "A lift row needs --channel, --spend-control and --spend-test beside --output."
            )
        named = [name.strip() for name in markets.split(",") if name.strip()]
        last = end.date() if end else None
        _analyse(analyse, named, (start.date(), last), moved, delivery)


@dataclass(frozen=True)
class _Moved:
    """Whose spend a test moved, and how its row is to be counted."""

    channel: str
    spend_control: float
    spend_test: float
    per: Literal["day", "week", "month"] | None
    alone: bool

    @classmethod
    def of(
        cls,
        channel: str | None,
        control: float | None,
        test: float | None,
        *,
        per: Literal["day", "week", "month"] | None,
        alone: bool,
    ) -> _Moved | None:
        """All of it, or nothing; an error where only some is stated."""
        if channel is None and control is None and test is None:
            return None
        if channel is None or control is None or test is None:
            raise MisuseError(
                "--channel, --spend-control and --spend-test belong together: give all or none."
            )
        if control == test:
            raise MisuseError("--spend-control and --spend-test are the same: nothing was moved.")
        return cls(channel, control, test, per, alone)

    def row(self, found: GeoTestResult) -> LiftTest:
        """The lift row of a finished test."""
        return found.lift_test(
            self.channel,
            spend_control=self.spend_control,
            spend_test=self.spend_test,
            per=self.per,
            whole=not self.alone,
        )


def _propose(
    scenario: Path, model: Path | None, delivery: Delivery, wanted: dict[str, Any]
) -> None:
    """Hand over the tests to run next."""
    from api.output import Answer
    from api.services import read_question
    from api.terminal.experiments import NARROWEST_TESTS, show_experiments
    from optimizer import propose_tests

    voice = delivery.voice
    question = read_question(
        scenario, model, progress=voice.progress, advance=voice.advance, warn=voice.warn
    )
    voice.progress("Weighing what every test would teach ...")
    found = propose_tests(question.model, question.scenario, **wanted)
    rows = [
        {**test.model_dump(mode="json"), "markets": "; ".join(test.markets)}
        for test in (*found.proposals, *found.others)
    ]
    show = partial(show_experiments, found)
    delivery.hand_over(Answer(found.to_dict(), rows), show, NARROWEST_TESTS)


def _analyse(
    path: Path,
    markets: list[str],
    span: tuple[dt.date, dt.date | None],
    moved: _Moved | None,
    delivery: Delivery,
) -> None:
    """Hand over what a finished geo test found, and its lift row."""
    from api.output import Answer
    from api.terminal.experiments import show_geo_test
    from optimizer import analyse_geo_test, lift_test_record, read_geo_revenue

    delivery.voice.progress(f"Reading {path.name} ...")
    geo = read_geo_revenue(path)
    delivery.voice.progress("Putting other markets in the test's place ...")
    found = analyse_geo_test(geo, markets=markets, start=span[0], end=span[1])
    row = moved.row(found) if moved else None
    records = [lift_test_record(row)] if row else []
    content = found.model_dump(mode="json") | {"lift_test": records[0] if records else None}
    delivery.hand_over(Answer(content, records), partial(show_geo_test, found, row))
