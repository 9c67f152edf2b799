"""Observations on an even calendar: complete arrays by market, period, channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from optimizer.tables.axes import Axes, axes_of
from optimizer.tables.cells import FloatArray
from optimizer.tables.columns import MEASURES, ControlKind, Layout
from optimizer.tables.dates import Spacing, period_numbers
from optimizer.tables.extent import check_extent, even_spacing, report_snapped, within_revenue
from optimizer.tables.findings import Notebook
from optimizer.tables.gaps import complete, straight_lines
from optimizer.tables.observations import (
    KEY,
    check_duplicates,
    control_kinds,
    report_unmatched,
)


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
    spacing = even_spacing(observed, notebook)
    days = observed["day"].to_numpy()
    observed = observed.assign(period=period_numbers(days, spacing))
    report_snapped(observed, spacing, notebook)
    check_duplicates(observed, notebook)
    notebook.raise_if_fatal()
    if joined:
        report_unmatched(observed, layout, notebook)
    observed = within_revenue(observed, layout, notebook)
    axes = axes_of(observed, spacing, days)
    check_extent(observed, axes, layout, notebook)
    notebook.raise_if_fatal()
    spend, revenue = complete(observed, axes, layout, notebook)
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


def _controls(observed: pd.DataFrame, axes: Axes) -> dict[str, tuple[ControlKind, FloatArray]]:
    """Controls by name; a control given without markets holds for all of them."""
    found: dict[str, tuple[ControlKind, FloatArray]] = {}
    for name, kind in control_kinds(observed).items():
        rows = observed[(observed["part"] == kind) & (observed["name"] == name)]
        values, _ = axes.spread(rows[rows["market"].isin(axes.markets)], None)
        if kind in ("promotion", "holiday"):
            values = np.nan_to_num(values)
        found[name] = (kind, straight_lines(values)[..., 0])
    return found


def _measures(observed: pd.DataFrame, axes: Axes, notebook: Notebook) -> dict[str, FloatArray]:
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


def _population(observed: pd.DataFrame, axes: Axes, notebook: Notebook) -> FloatArray | None:
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
