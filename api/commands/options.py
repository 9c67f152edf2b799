"""Options and arguments that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

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
