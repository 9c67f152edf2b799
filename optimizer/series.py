"""One table of many series, such as market x brand: each is cut out of it when its turn comes.

What the whole table settles (which column plays which part, the decimal mark) is settled once; a
series is then its rows and its key, small enough to send to another process. What is wrong with
the rows of one series stays with that series.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from optimizer.errors import HistoryError, nearest
from optimizer.history import (
    Finding,
    History,
    Layout,
    Severity,
    Table,
    UnusableHistoryError,
    history_of_tables,
    roles_of_table,
    table_of_frame,
)
from optimizer.quality import check
from optimizer.tables.cells import decimal_mark, names
from optimizer.tables.columns import Roles
from optimizer.tables.findings import Notebook, stopped
from optimizer.tables.headers import folded
from optimizer.tables.sharing import Columns

Key = tuple[str, ...]
Rows = npt.NDArray[np.intp]


class Source(Protocol):
    """Where the history of one series comes from."""

    @property
    def key(self) -> Key:
        """What tells the series from the others."""

    @property
    def content_hash(self) -> str:
        """``sha256:`` of all that the history follows from."""

    def history(self) -> History:
        """The history; raises HistoryError where there is none."""


def in_words(key: Key) -> str:
    """A key as people read it.

    Examples
    --------
    >>> in_words(("north", "acme")), in_words(("",))
    ('north / acme', '(blank)')
    """
    return " / ".join(part or "(blank)" for part in key)


@dataclass(frozen=True, slots=True)
class Known:
    """A series whose history is there already."""

    key: Key
    known: History

    @property
    def content_hash(self) -> str:
        """Of the numbers and names."""
        return self.known.content_hash

    def history(self) -> History:
        """The history, as it was given."""
        return self.known


@dataclass(frozen=True, slots=True)
class Series:
    """The rows of one series, unread."""

    key: Key
    tables: tuple[Table, ...]
    columns: tuple[Columns, ...]  # one per table
    layout: Layout | None
    currency: str | None
    faults: tuple[Finding, ...] = ()  # found in its rows while the whole table was read

    @property
    def content_hash(self) -> str:
        """Of the cells and of how they are read; not of the rows they stood in."""
        digest = hashlib.sha256(repr((self.key, self.layout, self.currency)).encode())
        digest.update(repr([finding.code for finding in self.faults]).encode())
        for table, columns in zip(self.tables, self.columns, strict=True):
            digest.update(repr((columns, table.usual_mark)).encode())
            for name, cells in table.frame.items():
                digest.update(repr((name, cells.tolist())).encode(errors="surrogatepass"))
        return f"sha256:{digest.hexdigest()}"

    def history(self) -> History:
        """The rows as a History; its market is the key, unless the rows name markets.

        Raises
        ------
        HistoryError
            The rows cannot be used; as UnusableHistoryError with every fatal finding.
        """
        if self.faults:
            raise UnusableHistoryError(self.faults)
        history = history_of_tables(
            self.tables, layout=self.layout, columns=self.columns, currency=self.currency
        )
        if history.markets == (None,):
            history = replace(history, markets=(in_words(self.key),))
        return replace(history, findings=check(history))


@dataclass(frozen=True, slots=True)
class SeriesTable:
    """All series of a table; going through it makes one at a time, in order of appearance."""

    by: tuple[str, ...]  # the key columns
    tables: tuple[Table, ...]  # without the key columns
    columns: tuple[Columns, ...]
    layout: Layout | None
    currency: str | None
    rows: Mapping[Key, tuple[Rows, ...]]  # places in each table
    faults: Mapping[Key, tuple[Finding, ...]]

    @classmethod
    def of(  # noqa: PLR0913  (what is known of the tables)
        cls,
        tables: Sequence[Table],
        by: str | Sequence[str],
        *,
        layout: Layout | None = None,
        columns: Sequence[Columns | None] | None = None,
        currency: str | None = None,
        findings: Sequence[Finding] = (),
    ) -> SeriesTable:
        """The series of tables that all have the key columns.

        Parameters
        ----------
        tables : sequence of Table
            Several are joined, series by series.
        by : str or sequence of str
            The key columns, such as market and brand.
        layout, columns, currency
            As :meth:`History.from_frame`; columns one per table.
        findings : sequence of Finding
            Made while the tables were read; those of one row go to the series of that row.

        Raises
        ------
        HistoryError
            A key column is missing, or the other columns cannot be recognised; as
            UnusableHistoryError where a finding concerns no single row.
        """
        by = (by,) if isinstance(by, str) else tuple(by)
        notebook = Notebook(list(findings))
        columns = columns or [None] * len(tables)
        whole = len(tables) == 1
        parts = [
            _Part.of(table, by, given, layout if whole else None, whole, notebook)
            for table, given in zip(tables, columns, strict=True)
        ]
        return cls(
            by=by,
            tables=tuple(part.table for part in parts),
            columns=tuple(part.columns for part in parts),
            layout=layout,
            currency=currency,
            rows=_rows_of_all(parts),
            faults=_faults_by_key(parts, notebook),
        )

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        by: str | Sequence[str],
        *,
        layout: Layout | None = None,
        columns: Columns | None = None,
        currency: str | None = None,
    ) -> SeriesTable:
        """The series of a data frame; as :meth:`History.from_frame`, with key columns.

        Examples
        --------
        >>> weeks = [f"2024-01-{day:02}" for day in (1, 8, 15, 22)] * 2
        >>> frame = pd.DataFrame({"date": weeks, "market": ["north"] * 4 + ["south"] * 4,
        ...                       "tv_spend": 5.0, "revenue": 9.0})
        >>> [series.key for series in SeriesTable.from_frame(frame, "market")]
        [('north',), ('south',)]
        """
        tables = [table_of_frame(frame)]
        return cls.of(tables, by, layout=layout, columns=[columns], currency=currency)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Series]:
        for key, places in self.rows.items():
            own = [number for number, rows in enumerate(places) if rows.size]
            yield Series(
                key,
                tuple(_cut(self.tables[number], places[number]) for number in own),
                tuple(self.columns[number] for number in own),
                self.layout,
                self.currency,
                self.faults.get(key, ()),
            )


@dataclass(frozen=True, slots=True)
class _Part:
    """One table, its columns settled and its rows told apart."""

    table: Table
    columns: Columns
    keys: list[Key]  # of every row

    @classmethod
    def of(  # noqa: PLR0913, PLR0917  (what is known of one table)
        cls,
        table: Table,
        by: Key,
        given: Columns | None,
        layout: Layout | None,
        whole: bool,
        notebook: Notebook,
    ) -> _Part:
        by = tuple(_existing(table, name) for name in by)
        keys = list(zip(*(names(table, name, notebook) for name in by), strict=True))
        kept = replace(table, frame=table.frame.drop(columns=list(by)))
        given = {role: name for role, name in (given or {}).items() if name not in by}
        roles = roles_of_table(kept, layout, given, whole)
        return cls(replace(kept, usual_mark=_mark(kept, roles)), _stated(roles), keys)


def _existing(table: Table, name: str) -> str:
    """The key column of this name, capital letters and blanks apart."""
    present = [str(column) for column in table.frame.columns]
    alike = [column for column in present if folded(column) == folded(name)]
    if present.count(name) == 1:
        return name
    if len(alike) == 1:
        return alike[0]
    where = f"{table.file}: " if table.file else ""
    hint = stopped(nearest(name, present))
    raise HistoryError(f'{where}there is no column "{name}" to tell the series by; {hint}')


def _mark(table: Table, roles: Roles) -> Any:
    """The decimal mark that the whole table proves, for series too short to prove one."""
    cells = (cell for name in roles.number_columns() for cell in table.frame[name].tolist())
    return decimal_mark([cell for cell in cells if isinstance(cell, str)], table.usual_mark)


def _stated(roles: Roles) -> dict[str, Any]:
    """Roles as columns given for every series, so that none is recognised differently."""
    revenue: Any = (
        list(roles.revenue) if len(roles.revenue) > 1 else next(iter(roles.revenue), None)
    )
    shared = {"date": roles.date, "revenue": revenue, "market": roles.market}
    shared["currency"] = roles.currency
    if roles.layout == "attributed":
        return shared | {"channel": roles.channel, "spend": roles.spend}
    wide = {"population": roles.population, "channels": roles.channels, "controls": roles.controls}
    return shared | wide


def _rows_of_all(parts: Sequence[_Part]) -> dict[Key, tuple[Rows, ...]]:
    """The places of every key in every table, keys in order of appearance."""
    found: dict[Key, list[list[int]]] = {}
    for number, part in enumerate(parts):
        for place, key in enumerate(part.keys):
            found.setdefault(key, [[] for _ in parts])[number].append(place)
    return {
        key: tuple(np.array(places, dtype=np.intp) for places in own) for key, own in found.items()
    }


def _faults_by_key(parts: Sequence[_Part], notebook: Notebook) -> dict[Key, tuple[Finding, ...]]:
    """Fatal findings by the series they concern; one that concerns all is raised."""
    found: dict[Key, list[Finding]] = {}
    fatal = [finding for finding in notebook.findings if finding.severity is Severity.FATAL]
    for finding in fatal:
        own = next((part for part in parts if part.table.file == finding.file), None)
        place = None if own is None else np.flatnonzero(own.table.rows == finding.row)
        if own is None or place is None or place.size == 0:
            raise UnusableHistoryError(tuple(fatal))
        found.setdefault(own.keys[int(place[0])], []).append(finding)
    return {key: tuple(findings) for key, findings in found.items()}


def _cut(table: Table, places: Rows) -> Table:
    """Some rows of a table."""
    return replace(table, frame=table.frame.iloc[places], rows=table.rows[places])
