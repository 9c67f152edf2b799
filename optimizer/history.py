"""A History: what was spent and what came of it, one immutable table of past periods.

Two layouts (ESTIMATION: two kinds of history). *Attributed*: revenue known per channel and
period. *Aggregate*: one revenue series per market, several spends, optional controls.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from optimizer.errors import HistoryError
from optimizer.tables.cells import FloatArray, Table, holds_words
from optimizer.tables.columns import ControlKind, Layout, Roles, roles_of
from optimizer.tables.dates import NO_DAY, Spacing
from optimizer.tables.extent import FEWEST_PERIODS
from optimizer.tables.findings import ROLES, Finding, Notebook, Severity, UnusableHistoryError
from optimizer.tables.grid import assemble
from optimizer.tables.observations import WORDS, currency_of, observe

__all__ = [
    "FEWEST_PERIODS",
    "Control",
    "ControlKind",
    "Finding",
    "FloatArray",
    "History",
    "Layout",
    "Measure",
    "Severity",
    "Spacing",
    "Table",
    "UnusableHistoryError",
    "history_of_tables",
    "roles_of_table",
    "table_of_frame",
]


@dataclass(frozen=True, slots=True)
class Control:
    """A series that explains revenue but is not bought."""

    name: str
    kind: ControlKind
    values: FloatArray  # (n_markets, n_periods), as in the file


@dataclass(frozen=True, slots=True)
class Measure:
    """A count of what spend bought: impressions, clicks, customers (new ones) or orders."""

    name: str
    counts: FloatArray  # (n_markets, n_periods, n_channels), per period


@dataclass(frozen=True, slots=True)
class History:
    """Spend and revenue by period; every array is ordered market, period, channel.

    A history of a single unnamed market has ``markets == (None,)``. Periods are complete and
    evenly spaced: gaps were filled, and every filling is a finding.
    """

    layout: Layout
    spacing: Spacing
    dates: pd.DatetimeIndex  # (n_periods,)
    channels: tuple[str, ...]
    markets: tuple[str | None, ...]
    spend: FloatArray  # (n_markets, n_periods, n_channels), currency per period
    revenue: FloatArray  # attributed: as spend; aggregate: (n_markets, n_periods); currency
    controls: tuple[Control, ...] = ()
    population: FloatArray | None = None  # (n_markets,)
    currency: str | None = None
    findings: tuple[Finding, ...] = field(default=())
    content_hash: str = ""  # "sha256:..." of the numbers, not of the file's bytes; always computed
    measures: tuple[Measure, ...] = ()  # attributed only

    def __post_init__(self) -> None:
        object.__setattr__(self, "content_hash", _content_hash(self))

    def measure(self, name: str) -> FloatArray | None:
        """A measure by its name (n_markets, n_periods, n_channels); None where there is none."""
        return next((found.counts for found in self.measures if found.name == name), None)

    def counting(self, response: str) -> History:
        """The history with another response: itself for revenue, else with new customers.

        Raises
        ------
        HistoryError
            It counts no new customers by channel, or another response is asked for.
        """
        if response == "revenue":
            return self
        if response != "customers":
            raise HistoryError(f'there is no response "{response}". Write revenue or customers.')
        counts = self.measure("customers")
        if counts is None or not counts.any():
            raise HistoryError(
                "the history counts no new customers by channel. Name their column, as "
                "`columns: {customers: new_customers}`, or fit revenue."
            )
        return replace(self, revenue=counts)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        layout: Layout | None = None,
        columns: Mapping[str, Any] | None = None,
        currency: str | None = None,
    ) -> History:
        """A history from a data frame, its columns named or recognised.

        Parameters
        ----------
        frame : DataFrame
            Attributed: one row per date, channel (and market), with spend and revenue. Aggregate:
            one row per date (and market), with one spend column per channel, revenue, and
            whatever else `columns` names. Money per period.
        layout : "attributed" or "aggregate", optional
            By the columns if absent.
        columns : mapping, optional
            As ``history.columns`` of a scenario. Attributed: ``date, channel, spend, revenue,
            market, currency, impressions, clicks, customers, orders``. Aggregate: ``date``,
            ``revenue`` (a list is a product), ``market``, ``population``, ``channels`` (channel ->
            spend column), ``controls`` (column -> promotion, holiday, demand or other; or a list).
            What it does not name is recognised by usual names, controls excepted.
        currency : str, optional
            Of all money; must agree with a currency column.

        Returns
        -------
        History
            With a finding for everything that was filled, moved, left out or ignored.

        Raises
        ------
        UnusableHistoryError
            The numbers cannot be used: carries every fatal finding. Rows are counted as in a
            file whose header is row 1.
        HistoryError
            A named column is missing, or the columns cannot be recognised.
        """
        if not isinstance(frame, pd.DataFrame):
            raise HistoryError(
                f"a History is made of a pandas DataFrame, not of a {type(frame).__name__}. "
                "Use read_history for files."
            )
        return history_of_tables(
            [table_of_frame(frame)], layout=layout, columns=[columns], currency=currency
        )


def table_of_frame(frame: pd.DataFrame) -> Table:
    """A script's frame as a table; a date index becomes a column."""
    index_name = str(frame.index.name or "date")
    dated = isinstance(frame.index, pd.DatetimeIndex | pd.PeriodIndex)
    if dated and index_name not in frame.columns:
        frame = frame.reset_index(names=index_name)
    named = frame.set_axis([str(name) for name in frame.columns], axis=1)
    if named.columns.is_unique:  # a missing text is a blank cell, whatever pandas calls it
        for name, cells in named.items():
            if isinstance(cells.dtype, pd.StringDtype):
                named[name] = cells.astype(object).where(cells.notna(), None)
    return Table(named, np.arange(2, len(frame) + 2))


def history_of_tables(
    tables: Sequence[Table],
    *,
    layout: Layout | None,
    columns: Sequence[Mapping[str, Any] | None],
    currency: str | None,
) -> History:
    """A history from one table, or from several joined on date, channel and market.

    Parameters
    ----------
    tables : sequence of Table
    layout : "attributed", "aggregate" or None
        Of the history; None: attributed if revenue is known per channel.
    columns : sequence of mapping or None, one per table
    currency : str or None
    """
    notebook = Notebook()
    whole = len(tables) == 1
    all_roles = [
        roles_of_table(table, layout if whole else None, given, whole)
        for table, given in zip(tables, columns, strict=True)
    ]
    for table, roles in zip(tables, all_roles, strict=True):
        notebook.note(ROLES, roles.sentence(), file=table.file)
    settled = _joined_layout(all_roles, layout)
    observed = pd.concat(
        [observe(table, roles, notebook) for table, roles in zip(tables, all_roles, strict=True)],
        ignore_index=True,
    ).astype(dict.fromkeys(WORDS, "category"))
    currency = currency_of(tables, all_roles, currency, notebook)
    if bool((observed["day"] == NO_DAY).all()):
        notebook.raise_if_fatal()
    readable = observed[observed["day"] != NO_DAY]
    grid = assemble(readable, settled, not whole, notebook)
    return History(
        settled,
        grid.spacing,
        grid.dates,
        grid.channels,
        grid.markets,
        grid.spend,
        grid.revenue,
        tuple(Control(name, kind, values) for name, (kind, values) in grid.controls.items()),
        grid.population,
        currency,
        tuple(notebook.findings),
        measures=tuple(Measure(name, values) for name, values in grid.measures.items()),
    )


def roles_of_table(
    table: Table, layout: Layout | None, given: Mapping[str, Any] | None, whole: bool
) -> Roles:
    """The part each column of a table plays; HistoryError where that cannot be told."""
    named = list(table.frame.columns)
    twice = sorted({name for name in named if named.count(name) > 1})
    where = f"{table.file}: " if table.file else ""
    if twice:
        raise HistoryError(f'{where}two columns are called "{twice[0]}". Rename one of them.')
    words = [name for name in named if holds_words(table.frame[name])]
    roles = roles_of(named, layout=layout, columns=given, whole=whole, file=table.file, words=words)
    if table.frame.empty:
        raise HistoryError(f"{where}the table has a header but no rows. Give at least 30 periods.")
    return roles


def _joined_layout(all_roles: Sequence[Roles], wanted: Layout | None) -> Layout:
    """Attributed where revenue has channels; all files must agree."""
    with_revenue = [roles for roles in all_roles if roles.revenue]
    if not with_revenue:
        raise HistoryError(
            "no file has a revenue column. Add the file that has, or name the column."
        )
    if not any(roles.spend or roles.channels for roles in all_roles):
        raise HistoryError("no file has spend columns. Add the file that has, or name the columns.")
    found: set[Layout] = {"attributed" if roles.channel else "aggregate" for roles in with_revenue}
    if len(found) > 1:
        raise HistoryError(
            "one file gives revenue by channel and another in total. Leave one of them out."
        )
    layout = found.pop()
    if wanted is not None and wanted != layout:
        raise HistoryError(
            f"layout {wanted} was asked for, but the revenue is "
            f"{'known by channel' if layout == 'attributed' else 'one total'}. "
            f"Say layout {layout}, or name the columns."
        )
    return layout


def _content_hash(history: History) -> str:
    """The sha256 of names and numbers; channels, markets and controls in alphabetical order.

    What a history need not have is in it only where it is there.
    """
    markets = sorted(range(len(history.markets)), key=lambda place: history.markets[place] or "")
    channels = sorted(range(len(history.channels)), key=lambda place: history.channels[place])
    controls = sorted(history.controls, key=lambda control: control.name)
    names = {
        "layout": history.layout,
        "spacing": str(history.spacing),
        "dates": [date.date().isoformat() for date in history.dates],
        "channels": [history.channels[place] for place in channels],
        "markets": [history.markets[place] for place in markets],
        "controls": [[control.name, control.kind] for control in controls],
        "population": history.population is not None,
        "currency": history.currency,
    }
    measures = sorted(history.measures, key=lambda measure: measure.name)
    if measures:
        names["measures"] = [measure.name for measure in measures]
    digest = hashlib.sha256(json.dumps(names, sort_keys=True, ensure_ascii=True).encode())
    revenue = history.revenue[markets]
    arrays = [
        history.spend[markets][..., channels],
        revenue[..., channels] if history.layout == "attributed" else revenue,
        *(control.values[markets] for control in controls),  # noqa: PD011  (not pandas)
    ]
    if history.population is not None:
        arrays.append(history.population[markets])
    arrays += [measure.counts[markets][..., channels] for measure in measures]
    for numbers in arrays:  # + 0.0 turns -0.0 into 0.0; "<f8" is the same bytes on any machine
        digest.update(np.ascontiguousarray(numbers + 0.0, dtype="<f8").tobytes())
    return f"sha256:{digest.hexdigest()}"
