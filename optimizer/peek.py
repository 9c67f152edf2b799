"""A look at a table before it is a history: its header, its first rows, what its columns seem.

Reading refuses what it cannot settle. A look refuses only what is no table at all, so that
whoever sent it can see what was understood, and say the rest by hand.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from optimizer.errors import FileError, HistoryError
from optimizer.history import Layout, Table, roles_of_table
from optimizer.tables.cells import holds_words, is_blank
from optimizer.tables.findings import Notebook
from optimizer.tables.formats import table_of_bytes
from optimizer.tables.guess import Guess, Part, guessed, settled
from optimizer.tables.headers import channel_of

ROWS_SHOWN = 10
LONGEST_CELL = 60  # characters
HEAD = 2**20  # bytes of a text that are looked at
PACKED = (b"PAR1", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # read whole: Parquet and workbooks


@dataclass(frozen=True, slots=True)
class PeekedColumn:
    """One column: its name, and the part it seems to play."""

    name: str
    part: Part
    channel: str  # whose spend it would be, by its name


@dataclass(frozen=True, slots=True)
class Peek:
    """A table as it came, and what its columns seem to be."""

    file: str
    layout: Layout
    columns: tuple[PeekedColumn, ...]
    doubtful: dict[str, tuple[str, ...]]  # role -> the columns that could each play it
    rows: tuple[tuple[str, ...], ...]  # (n_shown, n_columns), cells as text
    places: tuple[int, ...]  # (n_shown,), 1-based rows of the file, header is row 1
    n_rows: int  # of the whole table


def peek_tables(
    sources: Sequence[tuple[str, bytes]], *, layouts: Sequence[Layout | None] | None = None
) -> tuple[Peek, ...]:
    """A look at each of the files of one history.

    Parameters
    ----------
    sources : sequence of (file name, bytes)
    layouts : sequence of "attributed", "aggregate" or None, one per file, optional
        What each table's columns are to be understood by; None: by their names.

    Raises
    ------
    FileError
        A file's bytes hold no table of a known kind.

    Examples
    --------
    >>> found, = peek_tables([("a.csv", b"week,tv cost,sales\\n2024-01-01,5,9\\n")])
    >>> [(one.name, one.part.role) for one in found.columns]
    [('week', 'date'), ('tv cost', 'channel_spend'), ('sales', 'revenue')]
    >>> found.rows, found.places
    ((('2024-01-01', '5', '9'),), (2,))
    """
    whole = len(sources) == 1
    stated = layouts or [None] * len(sources)
    return tuple(
        _peek(data, name, layout, whole=whole)
        for (name, data), layout in zip(sources, stated, strict=True)
    )


def _peek(data: bytes, file: str, layout: Layout | None, *, whole: bool) -> Peek:
    table, n_rows = _first_rows(data, file)
    names = [str(name) for name in table.frame.columns]
    guess = _parts(table, names, layout, whole=whole)
    shown = table.frame.iloc[:ROWS_SHOWN]
    columns = [
        [_text(cell) for cell in shown.iloc[:, place].tolist()] for place in range(len(names))
    ]
    return Peek(
        file,
        guess.layout,
        tuple(
            PeekedColumn(name, part, channel_of(name) or name)
            for name, part in zip(names, guess.parts, strict=True)
        ),
        guess.doubtful,
        tuple(zip(*columns, strict=True)),
        tuple(table.rows[:ROWS_SHOWN].tolist()),
        n_rows,
    )


def _first_rows(data: bytes, file: str) -> tuple[Table, int]:
    """The table, of a long text its first lines alone, and how many rows the file has."""
    head = data[: data.rfind(b"\n", 0, HEAD) + 1]
    if len(data) > HEAD and b"\0" not in head and not data.startswith(PACKED):
        with suppress(FileError):  # such as a quote that the cut left open
            table = table_of_bytes(head, file, Notebook())
            lines = data.count(b"\n") + (not data.endswith(b"\n"))
            return table, lines - head.count(b"\n") + len(table.frame)
    table = table_of_bytes(data, file, Notebook())
    return table, len(table.frame)


def _parts(table: Table, names: list[str], layout: Layout | None, *, whole: bool) -> Guess:
    """The parts as a reader would settle them, else the likeliest."""
    try:
        return settled(names, roles_of_table(table, layout, None, whole))
    except HistoryError:
        places = range(len(names))
        words = [names[place] for place in places if holds_words(table.frame.iloc[:, place])]
        return guessed(names, words, layout)


def _text(cell: Any) -> str:
    """A cell as its file shows it, a long one cut."""
    if is_blank(cell):
        return ""
    if isinstance(cell, float):
        return format(cell, ".12g")
    if isinstance(cell, dt.datetime) and cell.time() == dt.time():
        return cell.date().isoformat()
    text = " ".join(str(cell).split())
    return text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1] + "…"
