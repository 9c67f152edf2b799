"""romi fit --by: a model for every market x brand of one table, in a folder of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from api.errors import ExitCode, MisuseError

if TYPE_CHECKING:
    from api.output import Delivery
    from api.services import Layout

#: Codes of findings that are no fault of the data.
OURS = ("internal_error", "worker_lost")


@dataclass(frozen=True)
class Many:
    """What `romi fit --by` was asked for."""

    files: list[Path]
    by: str  # columns, parted by commas
    folder: Path | None
    lift_tests: Path | None
    layout: Layout | None
    currency: str | None
    seed: int | None
    workers: int | None
    resume: bool

    def place(self) -> Path:
        """The folder the models go into."""
        if self.folder is None or self.folder.suffix.lower() == ".json":
            raise MisuseError("--by writes a model for every series: name a folder, as -o models/.")
        return self.folder

    def columns(self) -> list[str]:
        """The key columns."""
        names = [name.strip() for name in self.by.split(",") if name.strip()]
        if not names:
            raise MisuseError("--by names no column. Say which tell the series apart: --by market.")
        return names


def fit_by(asked: Many, delivery: Delivery) -> None:
    """Fit every series, tell of them all, and end with what the failures mean to a script."""
    from api.output import Answer
    from api.services import fit_options, read_named_series
    from api.settings import Settings
    from api.terminal.series import Run, run_as_data, show_run
    from optimizer import fit_many, open_archive

    folder, columns = asked.place(), asked.columns()
    delivery.voice.progress(f"Reading {', '.join(file.name for file in asked.files)} ...")
    scenario, series = read_named_series(asked.files, columns, asked.layout, asked.currency)
    named = scenario is not None and scenario.history and scenario.history.lift_tests
    if named or asked.lift_tests:
        raise MisuseError(
            "--by takes no lift tests: they are of one market. Leave them out, or fit that "
            "market alone."
        )
    with open_archive(folder, writes=True) as archive:
        if archive.records and not asked.resume:
            raise MisuseError(
                f"{folder} holds what became of {len(archive.records):,} series already. "
                "Add --resume to do only what is missing or has changed, or choose another folder."
            )
        begun = perf_counter()
        delivery.voice.progress(f"Fitting {len(series):,} series ...")
        fits = fit_many(
            series,
            workers=asked.workers,
            cluster=Settings().cluster,
            archive=archive,
            progress=delivery.voice.advance,
            **fit_options(scenario, asked.seed),
        )
        run = Run(fits, archive, series.by, folder, perf_counter() - begun)
        delivery.hand_over(Answer(run_as_data(run)), partial(show_run, run))
    if fits.failed:
        codes = {finding.code for findings in fits.failed.values() for finding in findings}
        raise SystemExit(ExitCode.INTERNAL if codes & set(OURS) else ExitCode.FAULTY_INPUT)
