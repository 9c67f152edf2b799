"""Observations on an even calendar: complete arrays by market, period, channel.

What is missing is filled so as to harm a fit least, and every filling is a finding. A channel
with no row in a period that others report was not running: zero spend, zero revenue. A period
nobody reports lies on a straight line between its neighbours, spend and revenue alike, so that
the filled point stays near the curve the neighbours lie on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from optimizer.tables.cells import FloatArray
from optimizer.tables.columns import MEASURES, ControlKind, Layout
from optimizer.tables.dates import (
    Days,
    Spacing,
    apart,
    iso,
    period_numbers,
    period_starts,
    snapped_rows,
    spacing_of,
)
from optimizer.tables.findings import Finding, Notebook, Severity, counted, there_are
from optimizer.tables.observations import (
    KEY,
    check_duplicates,
    control_kinds,
    report_unmatched,
)
from optimizer.tables.openings import closed_findings, opening_times

FEWEST_PERIODS = 30  # ESTIMATION: fatal below
MOST_MISSING = 0.4  # share of a market's periods that may be filled

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Grid:
    """Complete arrays of one history; shapes as in ``History``."""

    spacing: Spacing
    dates: pd.DatetimeIndex
    channels: tuple[str, ...]
    markets: tuple[str | None, ...]
    spend: FloatArray
    revenue: FloatArray
    controls: dict[str, tuple[ControlKind, FloatArray]]
    population: FloatArray | None
    measures: dict[str, FloatArray]


@dataclass(slots=True)
class _Axes:
    """The three axes of the arrays, and the calendar's own numbers for the periods."""

    spacing: Spacing
    first: int
    starts: Days  # (n_periods,), days since 1970
    markets: list[str]
    channels: list[str]

    def spread(
        self, observed: pd.DataFrame, names: Sequence[str] | None
    ) -> tuple[FloatArray, BoolArray]:
        """Values on the grid (NaN where none), and where there was an observation at all."""
        width = 1 if names is None else len(names)
        values = np.full((len(self.markets), len(self.starts), width), np.nan)
        seen = np.zeros(values.shape, dtype=bool)
        market = observed["market"].cat.set_categories(self.markets).cat.codes.to_numpy()
        period = observed["period"].to_numpy() - self.first
        if names is None:
            name: npt.NDArray[np.integer] = np.zeros(len(observed), dtype=np.int64)
        else:
            name = observed["name"].cat.set_categories(names).cat.codes.to_numpy()
        values[market, period, name] = observed["value"].to_numpy()
        seen[market, period, name] = True
        return values, seen

    def when(self, period: int) -> str:
        return iso(self.starts[period])


def assemble(observed: pd.DataFrame, layout: Layout, joined: bool, notebook: Notebook) -> Grid:
    """Observations of one history as complete, evenly spaced arrays.

    Parameters
    ----------
    observed : DataFrame
        As :func:`optimizer.tables.observations.observe` returns; rows of all tables, with `WORDS`
        as categories.
    layout : "attributed" or "aggregate"
    joined : bool
        Whether the observations come from several tables, whose rows should find partners.
    notebook : Notebook

    Raises
    ------
    UnusableHistoryError
        With every fatal finding so far.
    """
    spacing = _spacing(observed, notebook)
    days = observed["day"].to_numpy()
    observed = observed.assign(period=period_numbers(days, spacing))
    _report_snapped(observed, spacing, notebook)
    check_duplicates(observed, notebook)
    notebook.raise_if_fatal()
    if joined:
        report_unmatched(observed, layout, notebook)
    observed = _within_revenue(observed, layout, notebook)
    axes = _axes(observed, spacing, days)
    _check_extent(observed, axes, layout, notebook)
    notebook.raise_if_fatal()
    spend, revenue = _filled(observed, axes, layout, notebook)
    measures = _measures(observed, axes, notebook)
    controls = _controls(observed, axes)
    population = _population(observed, axes, notebook)
    notebook.raise_if_fatal()
    return _without_unused(
        Grid(
            spacing,
            pd.DatetimeIndex(axes.starts.astype("datetime64[D]").astype("datetime64[ns]")),
            tuple(axes.channels),
            tuple(market or None for market in axes.markets),
            spend,
            revenue,
            controls,
            population,
            measures,
        ),
        notebook,
    )


def _spacing(observed: pd.DataFrame, notebook: Notebook) -> Spacing:
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


def _report_snapped(observed: pd.DataFrame, spacing: Spacing, notebook: Notebook) -> None:
    days, rows, files = (observed[key].to_numpy() for key in ("day", "row", "file"))
    moved = snapped_rows(days, spacing, rows, files, "date")
    distinct = list({(found.file, found.row): found for found in moved}.values())
    notebook.warn_each(distinct, "{n} more dates are off the calendar; they were moved onto it.")


def _within_revenue(observed: pd.DataFrame, layout: Layout, notebook: Notebook) -> pd.DataFrame:
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


def _axes(observed: pd.DataFrame, spacing: Spacing, days: Days) -> _Axes:
    first, last = int(observed["period"].min()), int(observed["period"].max())
    starts = period_starts(np.arange(first, last + 1), spacing, days)
    media = observed[observed["part"].isin(["spend", "revenue"])]
    channels = [name for name in media["name"].drop_duplicates() if name]
    return _Axes(spacing, first, starts, list(media["market"].drop_duplicates()), channels)


def _check_extent(observed: pd.DataFrame, axes: _Axes, layout: Layout, notebook: Notebook) -> None:
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


def _check_markets(observed: pd.DataFrame, axes: _Axes, notebook: Notebook) -> None:
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


def _filled(
    observed: pd.DataFrame, axes: _Axes, layout: Layout, notebook: Notebook
) -> tuple[FloatArray, FloatArray]:
    """Spend (market, period, channel) and revenue, complete."""
    spends = observed[observed["part"] == "spend"]
    revenues = observed[observed["part"] == "revenue"]
    spend, spend_seen = axes.spread(spends, axes.channels)
    if layout == "attributed":
        revenue, revenue_seen = axes.spread(revenues, axes.channels)
        seen = spend_seen | revenue_seen
        missing = np.broadcast_to(~seen.any(axis=(0, 2)), seen.shape[:2])
    else:
        revenue, revenue_seen = axes.spread(revenues, None)
        seen = spend_seen
        missing = ~(seen.any(axis=2) | revenue_seen[..., 0])
        closed = _closed(revenue[..., 0], axes, notebook)
        missing, seen = missing & ~closed, seen | closed[..., None]
        revenue[closed & np.isnan(revenue[..., 0])] = 0.0
    _report_missing(missing, axes, layout, notebook)
    absent = ~seen & ~missing[..., None]
    _report_absent(
        absent if layout == "attributed" else absent & ~closed[..., None], axes, notebook
    )
    spend = np.where(np.isnan(spend) & ~missing[..., None], 0.0, spend)
    if layout == "attributed":
        revenue = np.where(np.isnan(revenue) & ~missing[..., None], 0.0, revenue)
    return straight_lines(spend), straight_lines(revenue)[
        ..., slice(None) if layout == "attributed" else 0
    ]


def _closed(revenue: FloatArray, axes: _Axes, notebook: Notebook) -> BoolArray:
    """Periods (n_markets, n_periods) before a market's first revenue and after its last."""
    earned = np.nan_to_num(revenue) != 0.0
    if len(axes.markets) == 1:
        return np.zeros_like(earned)
    days = [axes.when(period) for period in range(len(axes.starts))]
    notebook.findings.extend(closed_findings(axes.markets, days, earned))
    return ~opening_times(earned)


def straight_lines(values: FloatArray) -> FloatArray:
    """NaN along the periods replaced by straight lines; at the ends by the nearest value.

    Parameters
    ----------
    values : ndarray of shape (n_markets, n_periods, n)

    Examples
    --------
    >>> straight_lines(np.array([[[1.0], [np.nan], [3.0]]])).ravel()
    array([1., 2., 3.])
    """
    filled = values.copy()
    periods = np.arange(values.shape[1])
    for market, column in np.argwhere(np.isnan(values).any(axis=1)):
        series = filled[market, :, column]
        known = ~np.isnan(series)
        if known.any():
            series[~known] = np.interp(periods[~known], periods[known], series[known])
        else:
            series[:] = 0.0
    return filled


def _report_missing(missing: BoolArray, axes: _Axes, layout: Layout, notebook: Notebook) -> None:
    """One finding per run of missing periods, per market (attributed: all markets at once)."""
    found = []
    markets = axes.markets[:1] if layout == "attributed" else axes.markets
    for number, market in enumerate(markets):
        for start, end in _runs(missing[number]):
            which = axes.when(start) if start == end else f"{axes.when(start)} to {axes.when(end)}"
            where = f" in {market}" if market and layout == "aggregate" else ""
            filling = (
                "held at the nearest known values"
                if start == 0 or end == len(axes.starts) - 1
                else "filled by straight lines between the neighbouring periods"
            )
            verb = "is" if start == end else "are"
            found.append(
                Finding(
                    "missing_period",
                    Severity.WARNING,
                    f"{which} {verb} missing{where}; spend and revenue were {filling}.",
                )
            )
    notebook.warn_each(found, "{n} more gaps of missing periods were filled in the same way.")


def _runs(marked: BoolArray) -> list[tuple[int, int]]:
    edges = np.diff(np.concatenate([[0], marked.astype(np.int8), [0]]))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
    return [(int(start), int(end)) for start, end in zip(starts, ends, strict=True)]


def _report_absent(absent: BoolArray, axes: _Axes, notebook: Notebook) -> None:
    """One finding per channel that has no row in periods others report."""
    several = len(axes.markets) > 1
    for number, channel in enumerate(axes.channels):
        count = int(absent[..., number].sum())
        if count:
            pairs = f"{counted(count, 'pair')} of period and market"
            where = pairs if several else counted(count, "period")
            verb = "it counts" if count == 1 else "they count"
            notebook.note(
                "absent_rows",
                f"{channel} has no row in {where}; {verb} as 0 spend and 0 revenue.",
            )


def _controls(observed: pd.DataFrame, axes: _Axes) -> dict[str, tuple[ControlKind, FloatArray]]:
    """Controls by name; a control given without markets holds for all of them."""
    found: dict[str, tuple[ControlKind, FloatArray]] = {}
    for name, kind in control_kinds(observed).items():
        rows = observed[(observed["part"] == kind) & (observed["name"] == name)]
        values, _ = axes.spread(rows[rows["market"].isin(axes.markets)], None)
        if kind in ("promotion", "holiday"):
            values = np.nan_to_num(values)
        found[name] = (kind, straight_lines(values)[..., 0])
    return found


def _measures(observed: pd.DataFrame, axes: _Axes, notebook: Notebook) -> dict[str, FloatArray]:
    """Measures by name (market, period, channel); 0 where a channel counts none."""
    found = {}
    for measure in MEASURES:
        rows = observed[observed["part"] == measure]
        rows = rows[rows["market"].isin(axes.markets) & rows["name"].isin(axes.channels)]
        if rows.duplicated(KEY).any():
            text = f"{measure} are counted in several files; those of the first were taken."
            notebook.warning("measure_twice", text, column=str(rows["column"].iloc[0]))
        if not rows.empty:
            rows = rows.drop_duplicates(KEY)
            values, seen = axes.spread(rows, axes.channels)
            told = seen.any(axis=(0, 2), keepdims=True)
            found[measure] = straight_lines(np.where(told, np.nan_to_num(values), np.nan))
    return found


def _population(observed: pd.DataFrame, axes: _Axes, notebook: Notebook) -> FloatArray | None:
    rows = observed[observed["part"] == "population"]
    if rows.empty:
        return None
    grouped = rows.groupby("market")["value"]
    means = grouped.mean().reindex(axes.markets)
    for market in axes.markets:
        if not means[market] > 0:
            notebook.fatal(
                "no_population",
                f"market {market} has no population above 0; fill it in for every market.",
                column=str(rows["column"].iloc[0]),
            )
    if bool((grouped.max() > grouped.min() * 1.001).any()):
        notebook.note(
            "population_varies",
            "the population changes over time; its mean was taken.",
            column=str(rows["column"].iloc[0]),
        )
    return means.to_numpy(dtype=np.float64)


def _without_unused(grid: Grid, notebook: Notebook) -> Grid:
    """The grid without channels that never spent anything."""
    used = grid.spend.sum(axis=(0, 1)) > 0
    if not used.any():
        notebook.fatal("no_spend", "no channel has any spend; fill in the spend columns.")
        notebook.raise_if_fatal()
    attributed = grid.revenue.ndim == 3
    for number in np.flatnonzero(~used):
        earned = float(grid.revenue[..., number].sum()) if attributed else 0.0
        lost = f", its revenue of {earned:,.0f} with it" if earned else ""
        notebook.warning(
            "zero_channel",
            f"{grid.channels[number]} has no spend at all; it was left out{lost}.",
        )
    return Grid(
        grid.spacing,
        grid.dates,
        tuple(name for name, kept in zip(grid.channels, used, strict=True) if kept),
        grid.markets,
        grid.spend[..., used],
        grid.revenue[..., used] if attributed else grid.revenue,
        grid.controls,
        grid.population,
        {name: values[..., used] for name, values in grid.measures.items()},
    )
