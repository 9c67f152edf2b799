"""The one door to disk: histories and documents come in, and whole files go out.

A file that is written appears whole or not at all: it is written beside its place under another
name, forced to disk, and renamed.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.errors import FileError, nearest
from optimizer.tables.findings import Notebook
from optimizer.tables.texts import parse_document

if TYPE_CHECKING:
    from optimizer.customers.transactions import Transactions
    from optimizer.geo_revenue import GeoRevenue
    from optimizer.history import History, Layout
    from optimizer.lift_tests import LiftTest
    from optimizer.series import SeriesTable
    from optimizer.tables.sharing import Columns

LARGEST_HISTORY = 256 * 2**20  # bytes

PathLike = str | os.PathLike[str]


def read_history(
    path_or_paths: PathLike | Sequence[PathLike],
    *,
    layout: Layout | None = None,
    columns: Columns | Sequence[Columns | None] | None = None,
    currency: str | None = None,
) -> History:
    """A history from one CSV, XLSX or Parquet file, or from several joined.

    Parameters
    ----------
    path_or_paths : path or sequence of paths
        Several files are joined on date, channel and market.
    layout : "attributed" or "aggregate", optional
        By the columns if absent.
    columns : mapping or sequence of mappings, optional
        As ``History.from_frame``. For several files: a list beside them, a mapping of file name
        to columns, or one mapping for all (each file takes the keys whose columns it has).
    currency : str, optional
        Of all money.

    Returns
    -------
    History
        With the findings of reading and of :func:`optimizer.quality.check`.

    Raises
    ------
    FileError
        A file is missing, unreadable or holds no table.
    HistoryError
        The columns cannot be recognised; as UnusableHistoryError with every fatal finding where
        the numbers cannot be used.
    """
    sources = _sources(path_or_paths)
    return parse_history(sources, layout=layout, columns=columns, currency=currency)


def _sources(path_or_paths: PathLike | Sequence[PathLike]) -> list[tuple[str, bytes]]:
    """Files by a name each that tells them apart."""
    if isinstance(path_or_paths, str | os.PathLike):
        path_or_paths = [path_or_paths]
    paths = [Path(path) for path in path_or_paths]
    alike = len({path.name for path in paths}) < len(paths)
    return [(str(path) if alike else path.name, _read(path, LARGEST_HISTORY)) for path in paths]


def read_series(
    path_or_paths: PathLike | Sequence[PathLike],
    by: str | Sequence[str],
    *,
    layout: Layout | None = None,
    columns: Columns | Sequence[Columns | None] | None = None,
    currency: str | None = None,
) -> SeriesTable:
    """The series of one table, or of several joined: a history for every value of key columns.

    Parameters
    ----------
    path_or_paths : path or sequence of paths
    by : str or sequence of str
        The key columns, such as market and brand; every file has them.
    layout, columns, currency
        As :func:`read_history`.

    Returns
    -------
    SeriesTable
        Each series is read when its turn comes, so what is wrong in one stays with it.

    Raises
    ------
    FileError
        A file is missing, unreadable or holds no table.
    HistoryError
        A key column is missing, or the others cannot be recognised.
    """
    from optimizer.series import SeriesTable
    from optimizer.tables.formats import table_of_bytes
    from optimizer.tables.sharing import columns_by_table

    notebook = Notebook()
    tables = [table_of_bytes(data, name, notebook) for name, data in _sources(path_or_paths)]
    if not tables:
        raise FileError("No history file was given. Name at least one.")
    return SeriesTable.of(
        tables,
        by,
        layout=layout,
        columns=columns_by_table(tables, columns),
        currency=currency,
        findings=notebook.findings,
    )


def parse_history(
    sources: Sequence[tuple[str, bytes]],
    *,
    layout: Layout | None = None,
    columns: Columns | Sequence[Columns | None] | None = None,
    currency: str | None = None,
) -> History:
    """As :func:`read_history`, from (file name, bytes) pairs, such as an upload's."""
    from optimizer.history import history_of_tables  # loads pandas: documents do without
    from optimizer.quality import check
    from optimizer.tables.formats import table_of_bytes
    from optimizer.tables.sharing import columns_by_table

    if not sources:
        raise FileError("No history file was given. Name at least one.")
    notebook = Notebook()
    tables = [table_of_bytes(data, name, notebook) for name, data in sources]
    notebook.raise_if_fatal()
    given = columns_by_table(tables, columns)
    history = history_of_tables(tables, layout=layout, columns=given, currency=currency)
    history = replace(history, findings=(*notebook.findings, *history.findings))
    return replace(history, findings=check(history))


def read_lift_tests(path: PathLike, history: History | None = None) -> tuple[LiftTest, ...]:
    """Finished lift tests from a CSV, XLSX or Parquet file, one a row.

    Parameters
    ----------
    path : path
        Columns ``channel, start, end, spend_control, spend_test, lift, standard_error`` and, where
        there are several, ``market``; money per period, of the whole market the curve describes.
    history : History, optional
        What the tests are held against as well: its channels, markets and dates.

    Raises
    ------
    FileError
        The file is missing, unreadable or holds no table.
    HistoryError
        A column is missing; as UnusableTestsError with every fault of the rows at once.
    """
    place = Path(path)
    return parse_lift_tests(place.name, _read(place, LARGEST_HISTORY), history)


def parse_lift_tests(
    name: str, data: bytes, history: History | None = None
) -> tuple[LiftTest, ...]:
    """As :func:`read_lift_tests`, from a file's name and bytes, such as an upload's."""
    from optimizer.lift_test_table import lift_tests_of_table
    from optimizer.tables.formats import table_of_bytes

    notebook = Notebook()
    table = table_of_bytes(data, name, notebook)
    notebook.raise_if_fatal()
    return lift_tests_of_table(table, history)


def read_geo_revenue(path: PathLike) -> GeoRevenue:
    """Revenue of many markets, such as a geo test is read from, from a CSV, XLSX or Parquet file.

    Parameters
    ----------
    path : path
        Columns of dates, markets and revenue (or conversions), a row for each date and market.

    Raises
    ------
    FileError
        The file is missing, unreadable or holds no table.
    HistoryError
        A column is missing; as UnusableHistoryError with every fault of the cells at once.
    """
    from optimizer.geo_revenue import geo_revenue_of_table
    from optimizer.tables.formats import table_of_bytes

    place, notebook = Path(path), Notebook()
    table = table_of_bytes(_read(place, LARGEST_HISTORY), place.name, notebook)
    notebook.raise_if_fatal()
    return geo_revenue_of_table(table)


def read_transactions(
    path: PathLike, *, columns: Columns | None = None, as_of: dt.date | None = None
) -> Transactions:
    """Orders of a CSV, XLSX or Parquet file, customer by customer.

    Parameters
    ----------
    path : path
    columns : mapping, optional
        Role (customer, date, amount, segment, currency) -> column; by usual names if absent.
    as_of : date, optional
        Last day that counts; the data's last if absent.

    Raises
    ------
    FileError
        The file is missing, unreadable or holds no table.
    HistoryError
        A column is missing; as UnusableTransactionsError with every fatal finding.
    """
    from optimizer.customers.transactions import transactions_of_table
    from optimizer.tables.formats import table_of_bytes

    place, notebook = Path(path), Notebook()
    table = table_of_bytes(_read(place, LARGEST_HISTORY), place.name, notebook)
    return transactions_of_table(table, notebook, columns=columns, as_of=as_of)


def read_document(path: PathLike) -> dict[str, Any]:
    """A scenario, model or plan document, from JSON or YAML 1.2.

    Parameters
    ----------
    path : path
        ``.json`` is read as JSON, anything else as YAML.

    Raises
    ------
    FileError
        The file is missing, unreadable or too large.
    DocumentError
        The text is no document; with the line and what to do.
    """
    place = Path(path)
    return parse_document(_read(place, LARGEST_HISTORY), place.name)


def write_whole(path: PathLike, data: bytes) -> None:
    """Write a file so that it appears whole or not at all.

    Parameters
    ----------
    path : path
        Replaced if it exists; the folder must exist.
    data : bytes

    Raises
    ------
    FileError
        The folder is missing or not writable, or the path is a folder; nothing is left behind.
    """
    place = Path(path)
    if place.is_dir():
        raise FileError(f"{place} is a folder. Name a file in it.")
    if not place.parent.is_dir():
        raise FileError(f"The folder {place.parent} does not exist. Create it first.")
    try:
        _write_and_rename(place, data)
    except OSError as wrong:
        raise FileError(
            f"{place} could not be written ({wrong.strerror or wrong}). "
            "Choose a folder you may write to, with free space."
        ) from wrong


def _write_and_rename(place: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name[:40]}.", suffix=".part")
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(_usual_mode(place))
        os.replace(draft, place)  # noqa: PTH105  (tests make this one step fail)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise


def _usual_mode(place: Path) -> int:
    """The mode of the file replaced, or the usual one of a new file."""
    with contextlib.suppress(OSError):
        return place.stat().st_mode & 0o777
    return 0o644


def _read(path: Path, largest: int) -> bytes:
    if path.is_dir():
        raise FileError(f"{path} is a folder. Name a file in it.")
    try:
        if path.stat().st_size > largest:
            raise FileError(f"{path} is larger than {largest >> 20} MB. Give a smaller file.")
        return path.read_bytes()
    except FileNotFoundError as wrong:
        hint = _neighbours(path)
        raise FileError(f"There is no file {path}. Check the name{hint}.") from wrong
    except (OSError, ValueError) as wrong:
        raise FileError(f"{path} cannot be read ({wrong}). Check its name and rights.") from wrong


def _neighbours(path: Path) -> str:
    with contextlib.suppress(OSError):
        names = [near.name for near in path.parent.iterdir()]
        shown = (name for name in names if not name.startswith(".") or path.name.startswith("."))
        return f" ({nearest(path.name, shown)})"
    return ""
