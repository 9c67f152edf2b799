"""Files that make no history, by cause: each cause in several sizes, places or values."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

Files = list[tuple[str, bytes]]  # what one upload holds: names and bytes
PLACES = (0, 1, 7, 19, 30, 44, 58, 59)  # rows


def frame(periods: int = 60) -> pd.DataFrame:
    """A history without faults: two channels, a row per week."""
    rng = np.random.default_rng(0)
    spend = rng.uniform(50, 200, (periods, 2)).round(2)
    dates = pd.date_range("2024-01-01", periods=periods, freq="7D").strftime("%Y-%m-%d")
    revenue = (1000 + 2 * spend[:, 0] + spend[:, 1]).round(2)
    columns = {"date": dates, "tv_spend": spend[:, 0], "search_spend": spend[:, 1]}
    return pd.DataFrame({**columns, "revenue": revenue})


def csv(table: pd.DataFrame, name: str = "history.csv") -> Files:
    return [(name, table.to_csv(index=False).encode())]


def excel(table: pd.DataFrame) -> bytes:
    sink = io.BytesIO()
    table.to_excel(sink, index=False, engine="xlsxwriter")
    return sink.getvalue()


def parquet(table: pd.DataFrame | pa.Table) -> bytes:
    sink = io.BytesIO()
    made = table if isinstance(table, pa.Table) else pa.Table.from_pandas(table)
    pq.write_table(made, sink)
    return sink.getvalue()


def packed(parts: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return sink.getvalue()


def repacked(book: bytes, part: str, content: bytes) -> bytes:
    """A workbook with one part replaced."""
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return packed({**parts, part: content})


def cell(column: str, row: int, value: object) -> Files:
    """The clean history with one cell changed."""
    table = frame().astype(object)
    table.loc[row, column] = value
    return csv(table)


TEXT = frame().to_csv(index=False)
LINES = TEXT.splitlines()
BOOK, PARQUET = excel(frame()), parquet(frame())
SHEET = "xl/worksheets/sheet1.xml"

MAGIC = {
    "a PDF": b"%PDF-1.7\n",
    "a picture": b"\x89PNG\r\n\x1a\n",
    "a photograph": b"\xff\xd8\xff\xe0\x00\x10JFIF",
    "a gzip archive": gzip.compress(TEXT.encode()),
    "a program": b"\x7fELF\x02\x01\x01",
    "a database": b"SQLite format 3\0",
    "an old or locked workbook": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "a web page": b"<!DOCTYPE html><html><table><tr><td>1</td></tr></table>",
    "an archive of another kind": b"7z\xbc\xaf\x27\x1c",
    "a JSON document": json.dumps({"date": ["2024-01-01"], "spend": [1.0]}).encode(),
}
NAMES = (
    "history.csv",
    "history.xlsx",
    "history.parquet",
    "history",
    "история.csv",
    "a.exe",
    "x.txt",
)


def _named(content: bytes) -> list[Files]:
    return [[(name, content)] for name in NAMES]


def _cells(*values: object, columns: tuple[str, ...] = ("tv_spend", "revenue")) -> list[Files]:
    return [
        cell(columns[place % len(columns)], PLACES[place % len(PLACES)], value)
        for place, value in enumerate(values)
    ]


def _lines(row: int, text: str) -> Files:
    return [("history.csv", "\n".join([*LINES[:row], text, *LINES[row + 1 :]]).encode())]


def _formula_sheet(formula: str) -> bytes:
    """A workbook whose spend cells hold formulas that were never worked out."""
    import xlsxwriter

    sink = io.BytesIO()
    book = xlsxwriter.Workbook(sink)
    sheet = book.add_worksheet()
    for place, name in enumerate(frame().columns):
        sheet.write(0, place, name)
    for row, values in enumerate(frame().itertuples(index=False), start=1):
        sheet.write(row, 0, values[0])
        sheet.write_formula(row, 1, formula, value="")
        sheet.write(row, 2, values[2])
        sheet.write(row, 3, values[3])
    book.close()
    return sink.getvalue()


def _laughs(depth: int) -> bytes:
    """A sheet of entities that grow tenfold with each level."""
    levels = "".join(
        f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' if n else '<!ENTITY e0 "ha">' for n in range(depth)
    )
    text = f'<?xml version="1.0"?><!DOCTYPE x [{levels}]><worksheet>&e{depth - 1};</worksheet>'
    return repacked(BOOK, SHEET, text.encode())


def _bomb(megabytes: int) -> bytes:
    return repacked(BOOK, SHEET, b" " * (megabytes << 20))


def _tall(rows: int) -> bytes:
    """A small Parquet file of many rows."""
    return parquet(
        pa.table(
            {
                "date": pa.array(["2024-01-01"] * rows).dictionary_encode(),
                "tv_spend": pa.array(np.zeros(rows)),
                "revenue": pa.array(np.ones(rows)),
            }
        )
    )


def _typed(kind: str) -> bytes:
    count = 60
    columns = {
        "lists": pa.array([[1.0]] * count),
        "structs": pa.array([{"a": 1.0}] * count),
        "bytes": pa.array([b"\x00\x01"] * count),
        "words": pa.array(["lots"] * count),
    }
    table = pa.Table.from_pandas(frame())
    return parquet(table.set_column(1, "tv_spend", columns[kind]))


def _odd_dates(*values: object) -> list[Files]:
    return [cell("date", PLACES[place % len(PLACES)], value) for place, value in enumerate(values)]


def _without(column: str, name: str) -> list[Files]:
    return [csv(frame(periods).rename(columns={column: name})) for periods in (30, 40, 60, 104)]


def causes() -> dict[str, list[Files]]:
    """Every cause with its files."""
    rng = np.random.default_rng(5)
    noise = [rng.bytes(size) for size in (1, 10, 100, 1000, 10_000, 100_000, 1_000_000)]
    cuts = (0.05, 0.2, 0.4, 0.5, 0.6, 0.8, 0.9, 0.99)
    found: dict[str, list[Files]] = {
        "nothing": [[(name, b"")] for name in NAMES],
        "white space": [[("a.csv", b" \n\t" * count)] for count in (1, 3, 50, 5000, 100_000)],
        "noise": [[(name, data)] for data, name in zip(noise, NAMES, strict=True)],
        "NUL bytes": [[("a.csv", b"\0" * count)] for count in (1, 100, 10_000, 1_000_000)],
        "half a workbook": [[("a.xlsx", BOOK[: int(len(BOOK) * cut)])] for cut in cuts],
        "half a Parquet file": [
            [("a.parquet", PARQUET[: int(len(PARQUET) * cut)])] for cut in cuts
        ],
        "a Parquet file with bytes changed": [
            [("a.parquet", PARQUET[:-start] + b"\xff" * 8 + PARQUET[8 - start :])]
            for start in (30, 60, 120, 200, 300, 400)
        ],
        "a zip bomb": [[("a.xlsx", _bomb(size))] for size in (150, 210, 300, 600)],
        "a Parquet bomb": [
            [("a.parquet", _tall(rows))] for rows in (1_000_001, 5_000_000, 20_000_000)
        ],
        "entities within entities": [[("a.xlsx", _laughs(depth))] for depth in (3, 6, 9, 12)],
        "an archive without a workbook": [
            [("a.xlsx", packed({name: b"x" * 100}))]
            for name in (
                "a.txt",
                "../../etc/passwd",
                "/abs",
                "xl/workbook.xml",
                "[Content_Types].xml",
            )
        ],
        "an archive in an archive": [
            [("a.xlsx", packed({"inner.xlsx": BOOK, f"{n}.bin": bytes(n)}))] for n in range(1, 5)
        ],
        "an empty sheet": [
            [("a.xlsx", excel(pd.DataFrame({name: [] for name in names})))]
            for names in ([], ["date"], ["date", "revenue"])
        ],
        "cells of another type in Parquet": [
            [("a.parquet", _typed(kind))] for kind in ("lists", "structs", "bytes", "words")
        ],
        "text in numbers": _cells(
            "lots", "n/a?", "twelve", "12 apples", "--", "1,2,3,4", "0x1F", "٣x"
        ),
        "text somewhere": [cell("tv_spend", row, f"about {row}") for row in range(60)],
        "a date that is none somewhere": [
            cell("date", row, f"week {row}?") for row in range(1, 60, 3)
        ],
        "not finite": _cells("NaN!", "Infinity", "-Infinity", "inf", "1e999", "-1e999"),
        "beyond all money": _cells("1e300", "1e14", "9" * 40, "-1e300", "1e200"),
        "negative spend": _cells(-5, -0.01, -1e6, "(5.00)", columns=("tv_spend",)),
        "formula text": _cells(
            '=HYPERLINK("x")', "=1+1", "@SUM(A1)", "+cmd|x", columns=("tv_spend",)
        ),
        "no revenue": _without("revenue", "x1"),
        "no date": _without("date", "x1"),
        "unreadable dates": _odd_dates(
            "someday", "2024-13-01", "2024-02-30", "32/12/2024", "Q9", ""
        ),
        "dates beyond the calendar": _odd_dates(
            "0001-01-01", "9999-12-31", "1066-10-14", "99999-01-01"
        ),
        "a date given twice": [csv(pd.concat([frame(), frame().iloc[[row]]])) for row in PLACES],
        "too few periods": [csv(frame(count)) for count in (1, 2, 5, 10, 20, 28, 29)],
        "a header alone": [csv(frame().iloc[:0]), *[[(n, LINES[0].encode())] for n in NAMES[:4]]],
        "no header": [
            [("a.csv", "\n".join(LINES[1:]).encode())],
            [("a.csv", "\n".join(LINES[30:]).encode())],
        ],
        "two columns of one name": [
            [("a.csv", TEXT.replace("search_spend", name).encode())]
            for name in ("tv_spend", "revenue", "date")
        ],
        "one column": [[("a.csv", ("x\n" + "1\n" * count).encode())] for count in (1, 40, 1000)],
        "an open quote": [_lines(row + 1, '"' + LINES[row + 1]) for row in PLACES],
        "an endless cell": [
            [("a.csv", TEXT.encode() + b"x" * size + b",1,1,1")] for size in (200_000, 2_000_000)
        ],
        "rows of other lengths": [_lines(row + 1, LINES[row + 1] + ",7,8,9") for row in PLACES],
        "a huge header": [
            [
                (
                    "a.csv",
                    (
                        ",".join(["date", "revenue", *[f"c{n}_spend" for n in range(count)]])
                        + "\n"
                        + "\n".join([f"2024-01-{d:02},1" + ",1" * count for d in range(1, 31)])
                    ).encode(),
                )
            ]
            for count in (201, 1000, 5000)
        ],
        "a name of endless length": [
            [("a.csv", TEXT.replace("tv_spend", "x" * size + "_spend").encode() + b"\n,,,")]
            for size in (300_000, 1_000_000)
        ],
        "two currencies": [
            csv(frame().assign(currency=["EUR"] * count + ["USD"] * (60 - count)))
            for count in (1, 30, 59)
        ],
        "UTF-16 cut in the midst": [
            [("a.csv", TEXT.encode("utf-16")[: 2 * cut + 1])] for cut in (20, 77, 201)
        ],
        "all spend is nothing": [csv(frame().assign(tv_spend=0, search_spend=0, revenue=0))],
        "two files that do not meet": [
            [
                *csv(frame()[["date", "tv_spend"]], "spend.csv"),
                (
                    "revenue.csv",
                    b"date,revenue\n"
                    + b"".join(f"20{year}-06-05,1\n".encode() for year in range(30, 40)),
                ),
            ],
            [
                *csv(frame()[["date", "tv_spend"]], "spend.csv"),
                *csv(frame()[["date", "search_spend"]], "more.csv"),
            ],
        ],
    }
    for name, magic in MAGIC.items():
        found[name] = _named(magic + b"\0" * 64 * name.startswith("a d"))
    return found


def every() -> Iterator[tuple[str, Files]]:
    """Cause and files, one upload after another."""
    for cause, uploads in causes().items():
        for files in uploads:
            yield cause, files


def unworked() -> dict[str, bytes]:
    """Workbooks whose spends are formulas that nobody worked out."""
    links = ("other.xlsx", "http://127.0.0.1/x.xlsx", "\\\\host\\share\\x.xlsx")
    formulas = ("=1+1", "=NOW()", "=SUM(A1:A9)", *(f"='[{link}]Sheet1'!A1" for link in links))
    return {formula: _formula_sheet(formula) for formula in formulas}


def _by_channel(*channels: str) -> str:
    """A history with a row for each channel and week."""
    rows = [
        f"{date},{channel},{spend},{3 * spend:.2f}"
        for date, *spends in frame()[["date", "tv_spend", "search_spend"]].itertuples(index=False)
        for channel, spend in zip(channels, spends, strict=True)
    ]
    return "\n".join(["date,channel,spend,revenue", *rows]) + "\n"


def right() -> dict[str, bytes]:
    """Encodings that are right: the same history, its channels in the letters each can hold."""
    russian = _by_channel("телевидение", "контекстная реклама")
    chinese = _by_channel("电视广告", "搜索引擎广告")
    return {
        "UTF-8": russian.encode(),
        "UTF-8 with BOM": chinese.encode("utf-8-sig"),
        "GB18030": chinese.encode("gb18030"),
        "CP1251": russian.encode("cp1251"),
        "UTF-16": russian.encode("utf-16"),
    }
