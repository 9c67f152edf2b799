"""What became of the series of one table, in a few lines however many they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from api.terminal.histories import findings_as_data, place
from optimizer import Archive, Finding, ManyFits

MOST_NAMED = 20  # failed series that are listed; all are in the journal
JOURNAL = "series.jsonl"


@dataclass(frozen=True)
class Run:
    """One run over the series of a table."""

    fits: ManyFits
    archive: Archive
    by: Sequence[str]
    folder: Path
    seconds: float

    @property
    def count(self) -> int:
        """All series of the table."""
        return len(self.fits.models) + len(self.fits.failed)


def show_run(run: Run, console: Console) -> None:
    """Print how many series have a model, how long it took, and why the others have none."""
    console.print(summary(run), highlight=False, markup=False)
    if run.fits.failed:
        console.print()
        console.print(_failed(run))
        hidden = len(run.fits.failed) - MOST_NAMED
        if hidden > 0:
            where = run.folder / JOURNAL
            console.print(f"and {hidden:,} more, in {where}.", highlight=False, markup=False)


def summary(run: Run) -> str:
    """One line on a run."""
    fitted, failed, resumed = len(run.fits.models), len(run.fits.failed), run.fits.resumed
    parts = [f"{fitted:,} of {run.count:,} series have a model in {run.folder}"]
    parts += [f"{failed:,} could not be fitted"] if failed else []
    parts += [f"{resumed:,} were done before"] if resumed else []
    new = run.count - resumed
    each = f", {1e3 * run.seconds / new:,.0f} ms a series" if new else ""
    return f"{'; '.join(parts)}. {run.seconds:,.1f} s{each}."


def _failed(run: Run) -> Table:
    """The first of the series without a model, and why."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in run.by:
        table.add_column(escape(column), overflow="fold")
    table.add_column("why there is no model", overflow="fold")
    for key, findings in list(run.fits.failed.items())[:MOST_NAMED]:
        table.add_row(*(escape(part or "(blank)") for part in key), escape(_reason(findings)))
    return table


def _reason(findings: Sequence[Finding]) -> str:
    """The first fault, where it stands, and how many others there are."""
    first = findings[0]
    placed = first.row is not None or first.column is not None
    where = f"{place(first, with_file=False)}: " if placed else ""
    more = f" (and {len(findings) - 1} more faults)" if len(findings) > 1 else ""
    return f"{where}{first.message}{more}"


def run_as_data(run: Run) -> dict[str, Any]:
    """A run as plain data: every series with its file, or with its findings."""
    return {
        "folder": str(run.folder),
        "by": list(run.by),
        "series": run.count,
        "fitted": len(run.fits.models),
        "resumed": run.fits.resumed,
        "seconds": round(run.seconds, 3),
        "models": [
            {**_named(run.by, key), "file": run.archive.records[key].file}
            for key in run.fits.models
        ],
        "failed": [
            {**_named(run.by, key), "findings": findings_as_data(findings)}
            for key, findings in run.fits.failed.items()
        ],
    }


def _named(by: Sequence[str], key: tuple[str, ...]) -> Mapping[str, str]:
    return dict(zip(by, key, strict=True))
