"""What an upload may hold: told from the outside, before anything is unpacked."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optimizer import History

MOST_ROWS = 1_000_000
MOST_CHANNELS = 200
MOST_COLUMNS = 600
LONGEST_HEADER = 1 << 16  # bytes looked at
MOST_EXPANDED = 200 << 20  # bytes
MOST_EXPANSION = 100  # times
SMALL = 1 << 20  # bytes; what expands to less is let be, however much it was packed


def check_file(name: str, data: bytes) -> None:
    """Refuse a file that would take too much to read.

    Raises
    ------
    FileError
        More rows or columns than are taken, or an archive that expands too far.
    """
    from optimizer import FileError

    if data.startswith(b"PK"):
        _check_archive(name, data)
        return
    rows, columns = _shape(data)
    if columns > MOST_COLUMNS:
        raise FileError(
            f"{name} has more than {MOST_COLUMNS:,} columns. Send those of at most "
            f"{MOST_CHANNELS} channels, or a row for each channel and date."
        )
    if rows > MOST_ROWS:
        raise FileError(
            f"{name} has more than {MOST_ROWS:,} rows. Add it up by week, or send part of it."
        )


def check_history(history: History) -> None:
    """Refuse a history of more channels than `MOST_CHANNELS`, by a HistoryError."""
    from optimizer import HistoryError

    if len(history.channels) > MOST_CHANNELS:
        raise HistoryError(
            f"there are {len(history.channels)} channels; at most {MOST_CHANNELS} are taken. "
            "Add up those that are planned together."
        )


def _check_archive(name: str, data: bytes) -> None:
    from optimizer import FileError

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            expanded = sum(part.file_size for part in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return  # damaged: the reader says how
    if expanded > MOST_EXPANDED or expanded > max(SMALL, MOST_EXPANSION * len(data)):
        raise FileError(
            f"{name} expands to {expanded >> 20:,} MB from {len(data) >> 10:,} KB, more than a "
            "table does. Save it anew, or send it as CSV."
        )


def _shape(data: bytes) -> tuple[int, int]:
    """Lines and fields of the first one of a text; rows and columns of a Parquet file."""
    if not data.startswith(b"PAR1"):
        header = data[:LONGEST_HEADER].partition(b"\n")[0]
        return data.count(b"\n"), 1 + max(header.count(mark) for mark in (b",", b";", b"\t"))
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        found = pq.read_metadata(io.BytesIO(data))
    except (pa.ArrowException, OSError, ValueError):
        return 0, 0  # damaged: the reader says how
    return int(found.num_rows), int(found.num_columns)
