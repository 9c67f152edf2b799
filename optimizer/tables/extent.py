"""What observations reach over: an even calendar, long enough, with revenue in every market."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from optimizer.tables.axes import Axes
from optimizer.tables.columns import Layout
from optimizer.tables.dates import Days, Spacing, apart, iso, snapped_rows, spacing_of
from optimizer.tables.findings import Notebook, counted, there_are

FEWEST_PERIODS = 30  # ESTIMATION: fatal below
MOST_MISSING = 0.4  # share of a market's periods that may be filled


def even_spacing(observed: pd.DataFrame, notebook: Notebook) -> Spacing:
    """How far apart the periods are; fatal where the dates keep no even step."""
    days = np.unique(observed["day"].to_numpy())
    spacing = spacing_of(days)
    if spacing is not None:
        return spacing
    lonely = apart(days) if len(days) >= 3 else days[:0]
    if len(lonely):
        _report_apart(observed, lonely, notebook)
    elif len(days) < 3:
        _too_few(len(days), notebook)
    else:
        step = float(np.median(np.diff(days)))
        notebook.fatal(
            "unknown_spacing",
            f"dates from {iso(days[0])} to {iso(days[-1])} are neither daily nor weekly nor "
            f"monthly (the usual step is {step:g} days); sum the rows by day, week or month.",
        )
    notebook.raise_if_fatal()
    raise AssertionError("unreachable: a fatal finding was just written")


def _report_apart(observed: pd.DataFrame, lonely: Days, notebook: Notebook) -> None:
    """The rows whose date stands far from all others."""
    marked = observed["day"].isin(lonely)
    others = observed.loc[~marked, "day"]
    for row in observed[marked].drop_duplicates(["file", "row"]).itertuples():
        notebook.fatal(
            "date_apart",
            f"{iso(int(str(row.day)))} stands apart from the other dates, which run from "
            f"{iso(others.min())} to {iso(others.max())}; correct it, or delete the row.",
            row=int(str(row.row)),
            column="date",
            file=str(row.file) or None,
        )


def _too_few(count: int, notebook: Notebook) -> None:
    notebook.fatal(
        "too_few_periods",
        f"{there_are(count)}; at least {FEWEST_PERIODS} are needed and 60 are better. "
        "Give a longer history, or finer periods.",
    )


def report_snapped(observed: pd.DataFrame, spacing: Spacing, notebook: Notebook) -> None:
    """Warn of every date that was moved onto the calendar."""
    days, rows, files = (observed[key].to_numpy() for key in ("day", "row", "file"))
    moved = snapped_rows(days, spacing, rows, files, "date")
    distinct = list({(found.file, found.row): found for found in moved}.values())
    notebook.warn_each(distinct, "{n} more dates are off the calendar; they were moved onto it.")


def within_revenue(observed: pd.DataFrame, layout: Layout, notebook: Notebook) -> pd.DataFrame:
    """Aggregate only: leave out periods before the first and after the last revenue."""
    if layout == "attributed":
        return observed
    known = observed[(observed["part"] == "revenue") & observed["value"].notna()]
    if known.empty:
        notebook.fatal("no_revenue", "no row has a revenue; fill in the revenue column.")
        notebook.raise_if_fatal()
    inside = observed["period"].between(known["period"].min(), known["period"].max())
    left_out = observed.loc[~inside, "period"].nunique()
    if left_out:
        verb = "was" if left_out == 1 else "were"
        notebook.warning(
            "outside_revenue",
            f"{counted(left_out, 'period')} before the first or after the last revenue "
            f"{verb} left out; "
            "fill in their revenue to use them.",
        )
    return observed[inside]


def check_extent(observed: pd.DataFrame, axes: Axes, layout: Layout, notebook: Notebook) -> None:
    """Whether there are periods enough, and markets and channels told apart."""
    count = observed.loc[observed["part"] == "spend", "period"].nunique()
    if count < FEWEST_PERIODS:
        _too_few(count, notebook)
    if "" in axes.markets and len(axes.markets) > 1:
        notebook.fatal(
            "market_mismatch",
            "some files name markets and others do not; give every file a market column, or none.",
        )
    elif layout == "aggregate":
        _check_markets(observed, axes, notebook)
    _report_similar("channel", axes.channels, notebook)
    _report_similar("market", axes.markets, notebook)


def _check_markets(observed: pd.DataFrame, axes: Axes, notebook: Notebook) -> None:
    """Gaps in each market's revenue; several markets may start late, end early or have none."""
    revenue = observed[(observed["part"] == "revenue") & observed["value"].notna()]
    known = revenue.groupby("market")["period"].agg(["nunique", "min", "max"])
    for market in axes.markets:
        if market not in known.index:
            continue
        span = known["max"][market] - known["min"][market] + 1
        share = 1 - known["nunique"][market] / span
        if share > MOST_MISSING:
            where = f"market {market}" if market else "the history"
            notebook.fatal(
                "too_many_gaps",
                f"{where} has no revenue in {share:.0%} of the periods; complete it, "
                "or leave it out.",
            )


def _report_similar(what: str, names: Sequence[str], notebook: Notebook) -> None:
    folded: dict[str, str] = {}
    for name in names:
        other = folded.setdefault(name.casefold(), name)
        if other != name:
            notebook.warning(
                "similar_names",
                f'{what}s "{other}" and "{name}" differ only in capital letters and were kept '
                "apart; write them alike if they are one.",
            )
