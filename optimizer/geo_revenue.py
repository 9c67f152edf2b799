"""Revenue of many markets over the same periods: what a geo test is read from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from optimizer.errors import HistoryError, nearest
from optimizer.history import History
from optimizer.tables.cells import FloatArray, Table, decimal_mark, names, numbers
from optimizer.tables.dates import NO_DAY, Spacing, days_of, iso, spacing_of
from optimizer.tables.findings import Finding, Notebook, fatal, stopped
from optimizer.tables.headers import folded, usual_for

#: Columns that hold markets in tables of tests, beside the usual names.
PLACES = ("location", "city", "store", "dma")


@dataclass(frozen=True)
class GeoRevenue:
    """One series for every market, complete over evenly spaced periods."""

    spacing: Spacing
    dates: pd.DatetimeIndex  # (n_periods,)
    markets: tuple[str, ...]
    revenue: FloatArray  # (n_periods, n_markets), currency (or conversions) per period

    @classmethod
    def of(cls, history: History) -> GeoRevenue:
        """The revenue of a history of several markets."""
        attributed = history.layout == "attributed"
        revenue = history.revenue.sum(axis=2) if attributed else history.revenue
        markets = tuple(str(name) for name in history.markets)
        return cls(history.spacing, history.dates, markets, np.asarray(revenue.T))

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> GeoRevenue:
        """From a data frame with a row for each date and market."""
        named = frame.set_axis([str(name) for name in frame.columns], axis=1)
        return geo_revenue_of_table(Table(named, np.arange(2, len(frame) + 2)))


def geo_revenue_of_table(table: Table) -> GeoRevenue:
    """Revenue by market from a table with columns of dates, markets and revenue.

    Raises
    ------
    HistoryError
        A column is missing, or the dates are not evenly spaced; as UnusableHistoryError with
        every fault of the cells at once.
    """
    places, notebook = _columns(table), Notebook()
    days = days_of(table, places["date"], notebook)
    where = names(table, places["market"], notebook)
    texts = [cell for cell in table.frame[places["revenue"]].tolist() if isinstance(cell, str)]
    mark = decimal_mark(texts, table.usual_mark) or "."
    revenue = numbers(table, places["revenue"], mark, notebook)
    long = pd.DataFrame({"day": days, "market": where, "revenue": revenue, "row": table.rows})
    long = long[long["day"] != NO_DAY]
    notebook.findings.extend(_twice(long, places["market"], table.file))
    notebook.raise_if_fatal()
    wide = long.pivot_table(index="day", columns="market", values="revenue", dropna=False)
    notebook.findings.extend(_gaps(wide, places["revenue"], table.file))
    notebook.raise_if_fatal()
    spacing = spacing_of(wide.index.to_numpy())
    if spacing is None:
        raise HistoryError(
            f"{table.file or 'The table'}: the dates are neither days, weeks nor months in a row. "
            "Fill the gaps, or leave odd rows out."
        )
    dates = pd.DatetimeIndex([iso(day) for day in wide.index])
    return GeoRevenue(spacing, dates, tuple(wide.columns), wide.to_numpy(np.float64))


def _columns(table: Table) -> dict[str, str]:
    """Which column holds dates, markets and revenue."""
    present = [str(name) for name in table.frame.columns]
    found: dict[str, str] = {}
    for role in ("date", "market", "revenue"):
        usual = usual_for(role, present)
        if role == "market":
            usual += [name for name in present if folded(name) in PLACES]
        if not usual:
            hint = stopped(nearest(role, present))
            raise HistoryError(
                f"{table.file or 'The table'} has no column of {role}s; {hint} A geo test is read "
                "from the columns date, market and revenue, a row for each date and market."
            )
        found[role] = usual[0]
    if table.frame.empty:
        raise HistoryError(f"{table.file or 'The table'} has a header but no rows.")
    return found


def _twice(long: pd.DataFrame, column: str, file: str | None) -> Iterator[Finding]:
    """Dates and markets given more than once."""
    again = long[long.duplicated(["day", "market"])]
    for _, row in again.iterrows():
        message = f"{row['market']} has {iso(row['day'])} already; keep one row of the two."
        yield fatal("duplicate_row", message, row["row"], column, file)


def _gaps(wide: pd.DataFrame, column: str, file: str | None) -> Iterator[Finding]:
    """Markets that lack dates others have."""
    for market, missing in wide.isna().sum().items():
        if missing:
            first = iso(wide.index[wide[market].isna()][0])
            message = (
                f"{market} has no revenue on {missing} of {len(wide)} dates, first on {first}; "
                "fill them in (0 is a number too), or leave the market out."
            )
            yield fatal("missing_period", message, 1, column, file)
