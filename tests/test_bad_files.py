"""Bad history files: each is refused in a sentence that ends with advice."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optimizer.errors import FileError, HistoryError, OptimizerError
from optimizer.files import parse_history, read_history
from optimizer.history import Severity, UnusableHistoryError
from tests.test_files import csv, excel, parquet
from tests.test_history import long, wide

TEXT = wide().to_csv(index=False)
LINES = TEXT.splitlines()
BOOK = excel(wide())


def line(number: int, text: str) -> bytes:
    """The clean file with one line (1-based) replaced."""
    return "\n".join([*LINES[: number - 1], text, *LINES[number:]]).encode()


def bomb() -> bytes:
    memory = io.BytesIO()
    with (
        zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as packed,
        packed.open("x", "w") as part,
    ):
        for _ in range(600):
            part.write(bytes(2**20))
    return memory.getvalue()


def nan_in_parquet() -> bytes:
    """A NaN that is no null: pandas itself would write a null."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({name: wide()[name].to_numpy() for name in wide().columns})
    spend = pa.array(np.array([np.nan] + [1.0] * 39))
    memory = io.BytesIO()
    pq.write_table(table.set_column(1, "tv_spend", spend), memory)
    return memory.getvalue()


def zipped(name: str) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as packed:
        packed.writestr(name, TEXT)
    return memory.getvalue()


def book_of(*cells: str) -> bytes:
    return excel(pd.DataFrame({cell: [] for cell in cells}))


NO_TABLE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "is empty"),
    "white space": (b" \n\n \t\n", "is empty"),
    "a byte-order mark alone": (b"\xef\xbb\xbf\n", "no table"),
    "one word": (b"hello", "no table of at least two columns"),
    "one column": (b"date\n2024-01-01\n2024-01-02\n", "no table of at least two columns"),
    "a PDF": (b"%PDF-1.7 ...", "a PDF document"),
    "a picture": (b"\x89PNG\r\n\x1a\n....", "a picture"),
    "a gzip archive": (b"\x1f\x8b\x08\x00....", "unpack it first"),
    "a database": (b"SQLite format 3\0....", "a database"),
    "random bytes": (bytes(range(256)) * 8, "binary"),
    "a web page": (b"<!DOCTYPE html><html><table>", "a web page"),
    "JSON": (b'{"date": ["2024-01-01"]}', "a JSON document"),
    "an open quote": (TEXT.replace("2024-01-08", '"2024-01-08').encode(), "Close every quote"),
    "an endless cell": (TEXT.encode() + b"x" * 200_000 + b",1,1,1", "not a readable CSV"),
    "half a workbook": (BOOK[: len(BOOK) // 2], "damaged workbook"),
    "an archive of another kind": (zipped("shop.csv"), "cannot be read as a workbook"),
    "an unpacking bomb": (bomb(), "unpacks to 600 MB"),
    "a workbook without rows": (book_of("date", "spend"), "no sheet with a table"),
    "a workbook of one column": (excel(wide()[["date"]]), "no sheet with a table"),
    "an old workbook that is none": (b"\xd0\xcf\x11\xe0" + b"x" * 600, "as a workbook"),
    "half a Parquet file": (parquet(wide())[:-20], "damaged Parquet"),
    "damaged UTF-16": (b"\xff\xfe" + "a,b\n".encode("utf-16-le") + b"\x00\xd8\x01", "damaged"),
}

FATAL_FILES: dict[str, tuple[bytes, str, int | None, str | None]] = {
    "text in a number": (line(7, "2024-02-05,abc,1,2"), "text_in_number", 7, "tv_spend"),
    "an Excel error": (line(7, "2024-02-05,#REF!,1,2"), "text_in_number", 7, "tv_spend"),
    "a formula": (line(7, "2024-02-05,=B6*2,1,2"), "text_in_number", 7, "tv_spend"),
    "a percentage": (line(7, "2024-02-05,5%,1,2"), "text_in_number", 7, "tv_spend"),
    "two dots": (line(7, "2024-02-05,1.2.3,1,2"), "text_in_number", 7, "tv_spend"),
    "NaN": (line(7, "2024-02-05,1,NaN,2"), "non_finite_value", 7, "search_spend"),
    "infinity": (line(7, "2024-02-05,1,2,inf"), "non_finite_value", 7, "revenue"),
    "division by zero": (line(7, "2024-02-05,1,2,#DIV/0!"), "non_finite_value", 7, "revenue"),
    "1e300": (line(7, "2024-02-05,1e300,1,2"), "number_too_large", 7, "tv_spend"),
    "a long number": (line(7, f"2024-02-05,{'9' * 400},1,2"), "non_finite_value", 7, "tv_spend"),
    "negative spend": (line(7, "2024-02-05,-1,1,2"), "negative_spend", 7, "tv_spend"),
    "accounting brackets": (line(7, "2024-02-05,(1),1,2"), "negative_spend", 7, "tv_spend"),
    "a total below": (TEXT.encode() + b"Total,1,2,3\n", "unreadable_date", 42, "date"),
    "no date": (line(7, ",1,1,2"), "unreadable_date", 7, "date"),
    "30 February": (line(7, "2024-02-30,1,1,2"), "unreadable_date", 7, "date"),
    "a month's name": (line(7, "5 Lutego 2024,1,1,2"), "unreadable_date", 7, "date"),
    "week 60": (line(7, "2024-W60,1,1,2"), "unreadable_date", 7, "date"),
    "the year 20244": (line(7, "20244-02-05,1,1,2"), "unreadable_date", 7, "date"),
    "too few cells": (line(7, "2024-02-05,1,1"), "ragged_row", 7, None),
    "too many cells": (line(7, "2024-02-05,1,000,1,2"), "ragged_row", 7, None),
    "a week twice": (line(7, LINES[5]), "duplicate_row", 7, None),
    "two days of one week": (line(7, "2024-01-30,1,1,2"), "duplicate_row", 7, None),
    "29 weeks": ("\n".join(LINES[:30]).encode(), "too_few_periods", None, None),
    "one row": ("\n".join(LINES[:2]).encode(), "too_few_periods", None, None),
    "every second week": (csv(wide(80).iloc[::2]), "unknown_spacing", None, None),
    "one date far away": (line(41, "2199-01-01,1,1,2"), "date_apart", 41, "date"),
    "no spend at all": (csv(wide().assign(tv_spend=0, search_spend=0)), "no_spend", None, None),
    "no revenue at all": (csv(wide().assign(revenue="")), "no_revenue", None, None),
    "two currencies": (
        csv(wide().assign(currency=["EUR"] * 9 + ["USD"] * 31)),
        "two_currencies",
        11,
        "currency",
    ),
    "a channel without name": (
        csv(long().assign(channel=["tv", ""] * 40)),
        "blank_name",
        3,
        "channel",
    ),
    "a channel twice": (csv(long().assign(channel="tv")), "duplicate_row", 3, None),
    "day or month": (
        csv(wide(36).assign(date=[f"{1 + i % 12}/{1 + i // 12}/2024" for i in range(36)])),
        "ambiguous_dates",
        2,
        "date",
    ),
    "thousands or decimals": (
        csv(wide().assign(revenue="1,5", tv_spend="2.5")),
        "ambiguous_numbers",
        None,
        None,
    ),
    "NaN in Parquet": (
        nan_in_parquet(),
        "non_finite_value",
        2,
        "tv_spend",
    ),
    "text in a workbook": (
        excel(wide().assign(revenue=["?"] + [1.0] * 39)),
        "text_in_number",
        2,
        "revenue",
    ),
}


@pytest.mark.parametrize(("data", "says"), NO_TABLE.values(), ids=NO_TABLE)
def test_a_file_without_a_table_is_refused_by_name_with_advice(data, says):
    with pytest.raises(FileError) as caught:
        parse_history([("shop.csv", data)])
    assert says in str(caught.value)
    assert str(caught.value).startswith("shop.csv ")
    assert_advises(str(caught.value))


@pytest.mark.parametrize(("data", "code", "row", "column"), FATAL_FILES.values(), ids=FATAL_FILES)
def test_a_fatal_fault_names_file_row_and_column_with_advice(data, code, row, column):
    with pytest.raises(UnusableHistoryError) as caught:
        parse_history([("shop.csv", data)])
    first = caught.value.findings[0]
    assert (first.code, first.severity, first.row, first.column) == (
        code,
        Severity.FATAL,
        row,
        column,
    )
    assert row is None or f"shop.csv, row {row}" in str(caught.value)
    assert_advises(first.message)


ADVICE = ("write", "give", "fill", "delete", "keep", "sum", "convert", "correct", "put", "save")
ADVICE += ("add", "book", "name", "separate", "unpack", "close", "use", "complete")


def assert_advises(sentence: str) -> None:
    """The last clause tells the reader what to do."""
    assert sentence.endswith(".")
    starts = sentence.replace(". ", "; ").replace(", ", "; ").split("; ")
    assert any(part.lower().startswith(ADVICE) for part in starts[1:]), sentence


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (TEXT.replace("date", "when"), "no date column"),
        (TEXT.replace("revenue", "clicks"), "no revenue column"),
        (TEXT.replace("_spend", "_clicks"), "no spend columns"),
        (TEXT.replace("search_spend", "tv_spend"), "two columns are called"),
        (LINES[0] + "\n", "no rows"),
    ],
)
def test_a_table_that_is_no_history_is_refused_by_name(text, says):
    with pytest.raises(HistoryError) as caught:
        parse_history([("shop.csv", text.encode())])
    assert str(caught.value).startswith("shop.csv: ")
    assert says in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_missing_file_a_folder_and_no_file_are_refused(tmp_path):
    (tmp_path / "shop.csv").write_text(TEXT)
    with pytest.raises(FileError, match=r'did you mean "shop.csv"\?'):
        read_history(tmp_path / "shp.csv")
    with pytest.raises(FileError, match=r"is a folder\. Name a file"):
        read_history(tmp_path)
    with pytest.raises(FileError, match=r"Name at least one\."):
        read_history([])


def test_a_file_too_large_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("optimizer.files.LARGEST_HISTORY", 100)
    (tmp_path / "shop.csv").write_text(TEXT)
    with pytest.raises(FileError, match=r"larger than .* Give a smaller file\."):
        read_history(tmp_path / "shop.csv")


def damaged(make: Callable[[], bytes]) -> st.SearchStrategy[bytes]:
    """A file's bytes with a few of them changed, or its end cut off."""
    data = make()
    change = st.tuples(st.integers(0, len(data) - 1), st.integers(0, 255))

    def apply(changes: list[tuple[int, int]], end: int) -> bytes:
        changed = bytearray(data)
        for place, byte in changes:
            changed[place] = byte
        return bytes(changed[:end])

    return st.builds(apply, st.lists(change, max_size=6), st.integers(1, len(data)))


@pytest.mark.parametrize("make", [TEXT.encode, lambda: BOOK, lambda: parquet(wide())])
@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_file_is_read_or_refused_and_never_breaks_the_reader(make, data):
    broken = data.draw(damaged(make))
    try:
        history = parse_history([("shop.csv", broken)])
    except OptimizerError:
        return
    assert np.isfinite(history.spend).all()
    assert np.isfinite(history.revenue).all()
    assert len(history.dates) >= 30


def test_there_are_more_than_thirty_bad_files():
    assert len({data for data, *_ in [*NO_TABLE.values(), *FATAL_FILES.values()]}) > 30
