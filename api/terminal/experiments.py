"""Proposed lift tests and the reading of finished ones, as tables and sentences."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from api.terminal.figures import MINUS, NONE, compact
from optimizer import Experiments, GeoTestResult, LiftTest, ProposedTest, lift_test_record

NARROWEST_TESTS = 76  # characters
ROOMY = 90  # characters from which columns stand two apart


def show_experiments(found: Experiments, console: Console) -> None:
    """Print which test to run next, and why not another."""
    console.print(f"[bold]{escape(found.statement)}[/bold]\n", highlight=False)
    for number, test in enumerate(found.proposals, 1):
        console.print(f"{number}. {test.statement}", markup=False, highlight=False)
        if test.name.endswith("markets"):
            where = ", ".join(test.markets)
            console.print(f"   The markets: {where}.", markup=False, highlight=False)
    if found.proposals:
        console.print()
    rows = [*found.proposals, *found.others]
    if rows:
        console.print(_tests(found, rows, console.width))
    source = "as stated" if found.noise == "stated" else "as the fit left it unexplained"
    console.print(
        f"\nWhat is learned counts over {found.horizon} {found.period}s; revenue is as noisy "
        f"{source}.",
        style="dim",
        highlight=False,
    )


def _tests(found: Experiments, tests: Sequence[ProposedTest], width: int) -> Table:
    """A row for each test: what to do, what it shows, what it is worth."""
    unit = found.currency or ""
    table = Table(box=None, pad_edge=False, padding=(0, 2 if width >= ROOMY else 1, 0, 0))
    table.add_column("\ntest", overflow="fold", min_width=12)
    for heading in (
        "\nspend",
        f"\n{found.period}s",
        f"lift a\n{found.period}",
        "give or\ntake",
        "seen to\nwithin",
        "doubt in\nuplift",
        f"worth\n{unit}",
        f"forgone\n{unit}",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for place, test in enumerate(tests):
        name = escape(test.name)
        table.add_row(
            f"[bold]{name}[/bold]" if place < len(found.proposals) else name,
            "off" if test.multiple == 0.0 else f"x {test.multiple:g}",
            str(test.n_periods),
            compact(test.expected_lift),
            compact(test.lift_sd),
            compact(test.standard_error),
            _fall(test.uplift_sd_before, test.uplift_sd_after),
            compact(test.value),
            compact(test.cost),
        )
    return table


def _fall(before: float, after: float) -> str:
    """How much less the doubt is, in whole per cent.

    Examples
    --------
    >>> _fall(100.0, 94.0), _fall(100.0, 99.9), _fall(0.0, 0.0)
    ('−6 %', '0 %', '–')
    """
    if before == 0.0:
        return NONE
    share = round(100.0 * (1.0 - after / before))
    return f"{MINUS if share > 0 else ''}{abs(share)} %"


def show_geo_test(found: GeoTestResult, row: LiftTest | None, console: Console) -> None:
    """Print what a finished geo test found, and the row a fit reads."""
    names = escape(" and ".join(found.markets))
    console.print(
        f"{names} from {found.start} to {found.end}: {found.n_periods} {found.period}s, after "
        f"{found.n_before} before, against {found.controls} other markets\n",
        highlight=False,
    )
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("control", f"lift a {found.period}", "misses a period by"):
        table.add_column(heading, justify="left" if heading == "control" else "right")
    for entry in found.methods:
        name = {"ridge": "ridge", "non_negative": "non-negative weights"}[entry.method]
        used = " (used)" if entry.method == found.method else ""
        table.add_row(f"{name}{used}", compact(entry.lift), f"{100.0 * entry.missed:.1f} %")
    console.print(table)
    console.print(f"\n[bold]{escape(found.statement)}[/bold]", highlight=False)
    console.print(
        f"Standard error {compact(found.standard_error)} a {found.period}, from putting other "
        "markets in the test's place.",
        highlight=False,
    )
    if row is not None:
        where = " and ".join(row.markets) or "all markets together"
        console.print(f"\nFor history.lift_tests, of {where}:", markup=False, highlight=False)
        cells = ", ".join(f"{key} {_plain(value)}" for key, value in lift_test_record(row).items())
        console.print(cells, markup=False, highlight=False)


def _plain(value: object) -> str:
    return f"{value:,.6g}" if isinstance(value, float) else str(value)
