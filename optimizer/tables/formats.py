"""Bytes of a CSV, XLSX or Parquet file as a table of cells with their rows.

Nothing is converted here: a cell is text, or what the file's own type says. Which encoding and
delimiter a text file has is found from its bytes and, where guessed, written down.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections import Counter
from collections.abc import Sequence
from itertools import compress
from typing import Any

import numpy as np
import pandas as pd

from optimizer.errors import FileError
from optimizer.tables.cells import Mark, Table, is_blank
from optimizer.tables.findings import Notebook

MOST_HELD_ONCE = 200_000  # texts: dates and names repeat, numbers mostly do not
LARGEST_UNPACKED = 512 * 2**20  # bytes; a workbook that unpacks to more is refused
_DELIMITERS = (",", ";", "\t", "|")
_GUESSED = ("cp1251", "gb18030", "cp1252")  # encodings tried where a text is not UTF-8
_MARKS: tuple[tuple[bytes, str], ...] = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_WORD = re.compile(rb"[A-Za-z\x80-\xff]+")
_NOT_TABLES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it first"),
    (b"Rar!", "a rar archive; unpack it first"),
    (b"SQLite format 3", "a database"),
)


def table_of_bytes(data: bytes, file: str, notebook: Notebook) -> Table:
    """The table in a file's bytes; the kind is seen from the bytes, not from the name.

    Parameters
    ----------
    data : bytes
    file : str
        Named in findings and errors.
    notebook : Notebook
        Receives a note where the encoding had to be guessed, and rows of the wrong width.

    Raises
    ------
    FileError
        The bytes hold no table of a known kind.
    """
    if not data.strip():
        raise FileError(f"{file} is empty. Give a table with a header row.")
    for start, what in _NOT_TABLES:
        if data.startswith(start):
            raise FileError(f"{file} is {what}. Give a CSV, XLSX or Parquet table.")
    if data.startswith(b"PAR1"):
        return _parquet(data, file)
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return _workbook(data, file)
    return _text(data, file, notebook)


def _parquet(data: bytes, file: str) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        read = pq.read_table(io.BytesIO(data))
        columns = [_arrow_column(column) for column in read.columns]
    except (pa.ArrowException, OSError, ValueError, OverflowError) as wrong:
        message = f"{file} is a damaged Parquet file ({_brief(wrong)}). Write it again."
        raise FileError(message) from wrong
    frame = pd.DataFrame(dict(enumerate(columns)))
    frame.columns = pd.Index([str(name) for name in read.column_names])
    return Table(frame, np.arange(2, len(frame) + 2), file, ".")


def _arrow_column(column: Any) -> Any:
    """Floats without nulls as they are; everything else cell by cell, so that null is no NaN."""
    import pyarrow as pa

    if pa.types.is_floating(column.type) and column.null_count == 0:
        return column.to_numpy()
    return pd.Series(column.to_pylist(), dtype=object)


def _workbook(data: bytes, file: str) -> Table:
    import python_calamine as calamine

    _refuse_bomb(data, file)
    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheets = [
            book.get_sheet_by_name(name).to_python(skip_empty_area=False)
            for name in book.sheet_names
        ]
        for fewest in (2, 1):  # rows: a table of one row may be the header of something else
            for lines in sheets:
                header = _header_line(lines)
                if header is not None and len(lines) > header + fewest:
                    return _table(lines, header, file, None)
    except (calamine.CalamineError, zipfile.BadZipFile, OSError, ValueError, KeyError) as wrong:
        raise FileError(
            f"{file} cannot be read as a workbook ({_brief(wrong)}). Save it again as XLSX or CSV."
        ) from wrong
    raise FileError(f"{file} has no sheet with a table. Put the header in the first used row.")


def _refuse_bomb(data: bytes, file: str) -> None:
    if not data.startswith(b"PK"):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            size = sum(part.file_size for part in packed.infolist())
    except (zipfile.BadZipFile, RuntimeError, ValueError) as wrong:  # zipfile's: odd compression
        raise FileError(f"{file} is a damaged workbook. Save it again as XLSX or CSV.") from wrong
    if size > LARGEST_UNPACKED:
        raise FileError(f"{file} unpacks to {size / 2**20:,.0f} MB. Save the table alone as CSV.")


def _text(data: bytes, file: str, notebook: Notebook) -> Table:
    text = _decoded(data, file, notebook)
    start = text.lstrip()[:200].lower()
    if start.startswith(("<!doctype", "<html", "<?xml", "<table")):
        raise FileError(f"{file} is a web page or XML. Save the table as CSV or XLSX.")
    if start.startswith(("{", "[")):
        raise FileError(
            f"{file} is a JSON document, not a table. Give a CSV, XLSX or Parquet table."
        )
    if text.lower().startswith("sep=") and "\n" in text:
        text = "\n" + text.split("\n", 1)[1]  # Excel's own hint; the line keeps its number
    delimiter = _delimiter(text)
    lines = _lines(text, delimiter, file)
    header = _header_line(lines)
    if header is None:
        raise FileError(
            f"{file} has no table of at least two columns. Separate columns by , or ; or tabs."
        )
    _check_width(lines, header, file, notebook)
    return _table(lines, header, file, "." if delimiter == "," else None)


def _lines(text: str, delimiter: str, file: str) -> list[tuple[str, ...]]:
    """The cells of a text as tuples, which cost the collector least; a name is held once."""
    reader = csv.reader(io.StringIO(text, newline=None), delimiter=delimiter, strict=True)
    known: dict[str, str] = {}
    lines = []
    try:
        for line in reader:
            held = known.setdefault if len(known) < MOST_HELD_ONCE else known.get
            lines.append(tuple(map(held, line, line)))
    except csv.Error as wrong:
        raise FileError(
            f"{file} is not a readable CSV file ({_brief(wrong)}). Close every quote, "
            "or save it again as CSV or XLSX."
        ) from wrong
    return lines


def _decoded(data: bytes, file: str, notebook: Notebook) -> str:
    """A text file's text: by its byte-order mark, as UTF-8, or by the likeliest old encoding."""
    marked = next((name for start, name in _MARKS if data.startswith(start)), None)
    if marked is None and data[:400].count(0) > len(data[:400]) / 4:
        marked = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    if marked is None and b"\0" in data:
        raise FileError(f"{file} is binary, not a table. Give a CSV, XLSX or Parquet table.")
    try:
        text = data.decode(marked or "utf-8")
    except UnicodeDecodeError as wrong:
        if marked is not None:
            raise FileError(f"{file} is damaged {marked} text. Save it again as UTF-8.") from wrong
        text = _guessed_text(data, file, notebook)
    if "\0" in text:
        raise FileError(f"{file} is binary, not a table. Give a CSV, XLSX or Parquet table.")
    return text


def _guessed_text(data: bytes, file: str, notebook: Notebook) -> str:
    likely = ["cp1252"] if _looks_western(data) else _likely_encoding(data)
    for encoding in [*likely, *_GUESSED]:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        notebook.note(
            "encoding_guessed",
            f"the text is not UTF-8 and was read as {encoding}; check names with accents.",
            file=file,
        )
        return text
    raise FileError(f"{file} is text of no known encoding. Save it as UTF-8.")


def _likely_encoding(data: bytes) -> list[str]:
    from charset_normalizer import from_bytes

    best = from_bytes(data[: 2**18], cp_isolation=list(_GUESSED)).best()
    return [best.encoding] if best is not None else []


def _looks_western(data: bytes) -> bool:
    """Whether letters beyond ASCII stand among ASCII letters, as in Kanäle, and not in a row."""
    words = [word for word in _WORD.findall(data[: 2**18]) if not word.isascii()]
    foreign = [word for word in words if len(word) > 1 and min(word) > 127]
    mixed = [word for word in words if min(word) < 128]
    return len(mixed) >= len(foreign)


def _delimiter(text: str) -> str:
    """The delimiter that splits the first lines most often and most evenly."""
    lines = [line for line in text.splitlines()[:60] if line.strip()]

    def evenness(delimiter: str) -> tuple[int, int]:
        widths = Counter(len(line) for line in csv.reader(lines, delimiter=delimiter))
        if not widths:
            return (0, 0)
        usual, times = max(widths.items(), key=lambda item: (item[0] > 1, item[1]))
        return (times, usual) if usual > 1 else (0, 0)

    try:
        return max(_DELIMITERS, key=evenness)
    except csv.Error:
        return ","


def _header_line(lines: Sequence[Sequence[Any]]) -> int | None:
    """The first line as wide as the table is; titles above it are narrower."""
    filled = [sum(not is_blank(cell) for cell in line) for line in lines[:200]]
    if not filled or max(filled) < 2:
        return None
    usual = Counter(count for count in filled if count > 1).most_common(1)[0][0]
    return next(
        number for number, count in enumerate(filled) if count >= min(usual, 2 + usual // 2)
    )


def _check_width(
    lines: Sequence[Sequence[Any]], header: int, file: str, notebook: Notebook
) -> None:
    width = len(lines[header])
    for number, line in enumerate(lines[header + 1 :], start=header + 2):
        if len(line) != width and not all(map(is_blank, line)):
            extra = [cell for cell in line[width:] if not is_blank(cell)]
            if len(line) > width and not extra:
                continue
            notebook.fatal(
                "ragged_row",
                f"the row has {len(line)} cells and the header {width}; "
                "add what is missing, or put text that holds the delimiter in quotes.",
                row=number,
                file=file,
            )


def _table(
    lines: Sequence[Sequence[Any]], header: int, file: str, usual_mark: Mark | None
) -> Table:
    head = [_header_name(cell) for cell in lines[header]]
    below = lines[header + 1 :]
    filled = [not all(map(is_blank, line)) for line in below]
    columns = _columns(list(compress(below, filled)), len(head))
    used = [place for place in range(len(head)) if head[place] or any(columns[place])]
    frame = pd.DataFrame(
        {number: pd.Series(columns[place], dtype=object) for number, place in enumerate(used)}
    )
    frame.columns = pd.Index([head[place] or f"column {place + 1}" for place in used])
    return Table(frame, np.flatnonzero(filled) + header + 2, file, usual_mark)


def _columns(lines: Sequence[Sequence[Any]], width: int) -> list[Sequence[Any]]:
    """Lines of any length as so many columns of equal length; what is missing is empty text."""
    even = [line if len(line) == width else (list(line) + [""] * width)[:width] for line in lines]
    return list(zip(*even, strict=True)) if even else [()] * width


def _header_name(cell: Any) -> str:
    return "" if is_blank(cell) else " ".join(str(cell).split())


def _brief(wrong: BaseException) -> str:
    return " ".join(str(wrong).split())[:120]
