"""Gaps in spend and revenue, filled so as to harm a fit least; every filling is a finding.

A channel with no row in a period that others report was not running: zero spend, zero revenue. A
period nobody reports lies on a straight line between its neighbours, spend and revenue alike, so
that the filled point stays near the curve the neighbours lie on.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.tables.axes import Axes
from optimizer.tables.cells import BoolArray, FloatArray
from optimizer.tables.columns import Layout
from optimizer.tables.findings import Finding, Notebook, Severity, counted
from optimizer.tables.openings import closed_findings, opening_times


def complete(
    observed: pd.DataFrame, axes: Axes, layout: Layout, notebook: Notebook
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


def _closed(revenue: FloatArray, axes: Axes, notebook: Notebook) -> BoolArray:
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


def _report_missing(missing: BoolArray, axes: Axes, layout: Layout, notebook: Notebook) -> None:
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


def _report_absent(absent: BoolArray, axes: Axes, notebook: Notebook) -> None:
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
