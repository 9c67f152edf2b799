"""Files of every format say the same; documents are read to the letter; writing is whole."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import stat
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.errors import FileError, HistoryError, OptimizerError
from optimizer.files import parse_history, read_document, read_history, write_whole
from optimizer.history import History, Severity
from optimizer.tables.cells import bare, decimal_mark, plain_numbers, to_number
from optimizer.tables.findings import Notebook
from optimizer.tables.formats import table_of_bytes
from tests.test_history import DATA, long, needs_data, wide


def excel(frame: pd.DataFrame, *, sheet_before: bool = False, dates: bool = True) -> bytes:
    """A workbook of one table, its dates as Excel dates or as ISO text."""
    import xlsxwriter

    memory = io.BytesIO()
    book = xlsxwriter.Workbook(memory)
    if sheet_before:
        book.add_worksheet("notes").write(0, 0, "Made by the media team")
    sheet = book.add_worksheet("data")
    as_date = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.write_row(0, 0, list(frame.columns))
    for row, cells in enumerate(frame.itertuples(index=False), start=1):
        for column, cell in enumerate(cells):
            if isinstance(cell, pd.Timestamp) and dates:
                sheet.write_datetime(row, column, cell.to_pydatetime(), as_date)
            elif isinstance(cell, pd.Timestamp):
                sheet.write(row, column, cell.date().isoformat())
            else:
                sheet.write(row, column, cell)
    book.close()
    return memory.getvalue()


def parquet(frame: pd.DataFrame) -> bytes:
    memory = io.BytesIO()
    frame.to_parquet(memory)
    return memory.getvalue()


def german(frame: pd.DataFrame) -> bytes:
    """Semicolons, decimal commas, thousands dots, day.month.year."""
    written = frame.copy()
    for name in frame.columns[1:]:
        if frame[name].dtype.kind == "f":
            swapped = [f"{cell:,.2f}".translate(str.maketrans(",.", ".,")) for cell in frame[name]]
            written[name] = swapped
    return written.to_csv(index=False, sep=";", date_format="%d.%m.%Y").encode()


FORMATS = {
    "comma": lambda t: t.to_csv(index=False).encode(),
    "semicolon": lambda t: t.to_csv(index=False, sep=";").encode(),
    "tab": lambda t: t.to_csv(index=False, sep="\t").encode(),
    "bar": lambda t: t.to_csv(index=False, sep="|").encode(),
    "utf-8 with mark": lambda t: t.to_csv(index=False).encode("utf-8-sig"),
    "utf-16": lambda t: t.to_csv(index=False, sep="\t").encode("utf-16"),
    "utf-16 big end": lambda t: b"\xfe\xff" + t.to_csv(index=False).encode("utf-16-be"),
    "utf-16 unmarked": lambda t: t.to_csv(index=False).encode("utf-16-le"),
    "windows lines": lambda t: t.to_csv(index=False, lineterminator="\r\n").encode(),
    "old mac lines": lambda t: t.to_csv(index=False, lineterminator="\r").encode(),
    "blank lines": lambda t: t.to_csv(index=False, lineterminator="\n\n").encode(),
    "excel hint": lambda t: b"sep=;\n" + t.to_csv(index=False, sep=";").encode(),
    "title above": lambda t: b"Report of the year\n\n" + t.to_csv(index=False).encode(),
    "all quoted": lambda t: t.to_csv(index=False, quoting=1).encode(),
    "trailing delimiters": lambda t: t.to_csv(index=False).replace("\n", ",\n").encode(),
    "german": german,
    "thousands commas": lambda t: (
        t.assign(revenue=[f"{cell:,.2f}" for cell in t["revenue"]]).to_csv(index=False).encode()
    ),
    "currency signs": lambda t: (
        t.assign(revenue=[f"€ {cell:,.2f}" for cell in t["revenue"]]).to_csv(index=False).encode()
    ),
    "spaces for thousands": lambda t: (
        t.assign(revenue=[f"{cell:,.2f} EUR".replace(",", "\u00a0") for cell in t["revenue"]])
        .to_csv(index=False)
        .encode()
    ),
    "workbook": excel,
    "workbook, text dates": lambda t: excel(t, dates=False),
    "workbook, second sheet": lambda t: excel(t, sheet_before=True),
    "parquet": parquet,
}


@pytest.mark.parametrize("table", [wide(), long(cents=True)], ids=["wide", "long"])
@pytest.mark.parametrize("written", FORMATS.values(), ids=FORMATS)
def test_the_same_data_in_any_format_is_the_same_history(tmp_path, written, table):
    path = tmp_path / "shop.any"
    path.write_bytes(written(table))
    history = read_history(path)
    assert history.content_hash == History.from_frame(table).content_hash
    assert {found.code for found in history.findings} <= {"roles", "few_periods"}


@pytest.mark.parametrize(
    ("encoding", "tv", "search"),
    [
        ("cp1251", "телевидение", "поисковая реклама"),
        ("cp1252", "Köln", "Straße"),
        ("cp1252", "télé", "Fußball für Mädchen"),
        ("gb18030", "电视广告投放", "搜索引擎推广"),
        ("utf-8", "télévision", "搜索"),
        ("utf-16", "телевидение", "搜索"),
    ],
)
def test_names_survive_old_encodings(encoding, tv, search):
    table = long().replace({"tv": tv, "search": search})
    history = parse_history([("shop.csv", table.to_csv(index=False).encode(encoding))])
    assert history.channels == (tv, search)


def test_rows_are_counted_as_an_editor_counts_them():
    lines = wide().to_csv(index=False).splitlines()
    lines[5] = lines[5].replace("2024", "never")
    text = "\n".join(["A report", "", *lines[:3], "", *lines[3:]])
    with pytest.raises(HistoryError, match="row 9"):
        parse_history([("shop.csv", text.encode())])


def test_null_in_parquet_is_blank_and_nan_is_wrong():
    table = wide()
    table["tv_spend"] = table["tv_spend"].astype("Float64")
    table.loc[4, "tv_spend"] = pd.NA
    found = parse_history([("a.parquet", parquet(table))]).findings[1]
    assert (found.code, found.row, found.column) == ("blank_cell", 6, "tv_spend")


NUMBERS = [
    ("1 234,50 €", ",", 1234.5),
    ("1.234.567", ",", 1234567.0),
    ("$1,234.50", ".", 1234.5),
    ("-$5", ".", -5.0),
    ("1'234", ".", 1234.0),
    ("(12.5)", ".", -12.5),
    ("−3", ".", -3.0),
    ("1e3", ".", 1000.0),
    ("12 руб.", ".", 12.0),
    ("USD 12", ".", 12.0),
    (".5", ".", 0.5),
    ("1,23", ".", None),
    ("1.2.3", ".", None),
    ("12a", ".", None),
    ("5%", ".", None),
    ("", ".", None),
    ("1-2", ".", None),
    ("--1", ".", None),
]


@pytest.mark.parametrize(("text", "mark", "number"), NUMBERS)
def test_numbers_are_read_as_people_write_them(text, mark, number):
    assert to_number(text, mark) == number


def test_a_number_that_is_none_is_told_from_text():
    assert np.isnan(to_number("-inf", ".") or 0)
    assert bare(" € 5 ") == "5"


@pytest.mark.parametrize(
    ("texts", "usual", "mark"),
    [
        (["1,5", "2,25"], None, ","),
        (["1.5"], None, "."),
        (["1,234,567"], None, "."),
        (["0,123"], None, ","),
        (["1,234"], ".", "."),
        (["1,234"], None, None),
        (["1,5", "2.5"], ".", None),
        (["1,5"] * 20 + ["2.5"], None, ","),
        (["1.2.3", "a,b", "4,5"], None, ","),
        (["5", "6"], None, "."),
    ],
)
def test_the_decimal_mark_is_proved_or_asked_for(texts, usual, mark):
    assert decimal_mark(texts, usual) == mark


WRITTEN = st.from_regex(r"[-+ ]?[0-9]{0,17}[.,]?[0-9]{0,18}(e[0-9])? ?", fullmatch=True)


@given(st.lists(st.one_of(WRITTEN, st.text(max_size=8), st.none(), st.floats())))
def test_what_is_read_at_once_is_what_is_read_cell_by_cell(cells):
    plain, values = plain_numbers(cells)
    for cell, is_plain, value in zip(cells, plain, values, strict=True):
        assert np.isnan(value) if not is_plain else value == to_number(cell, ".")


@pytest.mark.parametrize(
    "text", ["5", "-0.1", "1234.50", "0.1234567890123456", "123456789012345.25"]
)
def test_plain_numbers_are_read_at_once_and_exactly(text):
    plain, values = plain_numbers(["n/a", None, text, "1.234", "1,5"])
    assert plain.tolist() == [False, False, True, False, False]
    assert values[2] == float(text)


def csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False).encode()


def test_two_files_join_on_date_channel_and_market():
    table = long()
    ads = table[["date", "channel", "spend"]].rename(columns={"channel": "medium"})
    crm = table[["date", "channel", "revenue"]].iloc[::-1]
    history = parse_history([("ads.csv", csv(ads)), ("crm.csv", csv(crm))])
    assert history.content_hash == History.from_frame(table).content_hash
    assert {found.code for found in history.findings} == {"roles", "few_periods"}


def test_three_files_join_and_every_row_without_partner_is_named():
    table = long()
    television, search = table[::2], table[1::2]
    crm = table[["date", "channel", "revenue"]].drop(index=[6])
    history = parse_history(
        [
            ("tv.csv", csv(television[["date", "channel", "spend"]])),
            ("search.csv", csv(search[["date", "channel", "spend"]].drop(index=[9]))),
            ("crm.csv", csv(crm)),
        ]
    )
    lonely = [found for found in history.findings if found.code == "unmatched_row"]
    assert {(found.file, found.row) for found in lonely} == {("tv.csv", 5), ("crm.csv", 10)}
    assert history.revenue[0, 3, 0] == 0
    assert history.spend[0, 4, 1] == 0
    assert "given revenue 0" in lonely[0].message
    assert "given spend 0" in lonely[1].message


def test_long_spend_and_a_total_of_revenue_make_an_aggregate_history():
    total = wide()[["date", "revenue"]]
    history = parse_history(
        [("ads.csv", csv(long()[["date", "channel", "spend"]])), ("crm.csv", csv(total))]
    )
    assert history.content_hash == History.from_frame(wide()).content_hash


@pytest.mark.parametrize("how", ["list", "by file", "shared"])
def test_columns_may_be_given_per_file_or_for_all(how):
    ads = wide()[["date", "tv_spend", "search_spend"]]
    crm = wide()[["date", "revenue"]].rename(columns={"revenue": "takings"})
    crm = crm.assign(promo=[0, 1] * 20)
    mine = {"revenue": "takings", "controls": {"promo": "promotion"}}
    channels = {"tv": "tv_spend", "search": "search_spend"}
    columns = {
        "list": [None, mine],
        "by file": {"crm.csv": mine},
        "shared": {**mine, "date": "date", "channels": channels},
    }[how]
    history = parse_history([("ads.csv", csv(ads)), ("crm.csv", csv(crm))], columns=columns)
    assert history.spend.shape == (1, 40, 2)
    assert [control.name for control in history.controls] == ["promo"]
    np.testing.assert_allclose(history.revenue[0], wide()["revenue"])


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ([None], "1 entries for 2 files"),
        ({"ads.csv": {}, "crn.csv": {}}, 'did you mean "crm.csv"?'),
        ({"revenue": "revenu"}, 'did you mean "revenue"?'),
        ({"channels": {"tv": "tvspend"}}, 'did you mean "tv_spend"?'),
    ],
)
def test_columns_that_no_file_has_are_refused(columns, says):
    sources = [
        ("ads.csv", csv(wide()[["date", "tv_spend"]])),
        ("crm.csv", csv(wide()[["date", "revenue"]])),
    ]
    with pytest.raises(HistoryError) as caught:
        parse_history(sources, columns=columns)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        (wide()[["date", "tv_spend"]], wide()[["date", "search_spend"]], "no file has a revenue"),
        (wide()[["date", "revenue"]], wide()[["date", "revenue"]], "no file has spend columns"),
        (long(), wide()[["date", "revenue"]], "by channel and another in total"),
    ],
)
def test_files_that_make_no_history_together_are_refused(first, second, says):
    with pytest.raises(HistoryError, match=says):
        parse_history([("a.csv", csv(first)), ("b.csv", csv(second))])


def test_a_second_currency_in_the_second_file_is_fatal():
    ads = long()[["date", "channel", "spend"]].assign(currency="EUR")
    crm = long()[["date", "channel", "revenue"]].assign(currency="USD")
    with pytest.raises(HistoryError, match=r"crm.csv, row 2.*USD here, EUR before"):
        parse_history([("ads.csv", csv(ads)), ("crm.csv", csv(crm))])
    with pytest.raises(HistoryError, match="EUR here, CHF before"):
        parse_history([("shop.csv", csv(long().assign(currency="EUR")))], currency="CHF")


def test_a_key_given_by_two_files_names_both_rows():
    table = long()
    spend = table[["date", "channel", "spend"]]
    with pytest.raises(HistoryError, match=r"b.csv, row 2: .*already given in row 2 of a.csv"):
        parse_history([("a.csv", csv(table)), ("b.csv", csv(spend.iloc[:3]))])


def test_files_of_one_name_in_two_folders_are_told_apart(tmp_path):
    for name, part in (("one", ["date", "channel", "spend"]), ("two", ["date", "channel"])):
        (tmp_path / name).mkdir()
        extra = [] if name == "one" else ["revenue"]
        (tmp_path / name / "t.csv").write_bytes(csv(long()[part + extra].iloc[: 80 - len(extra)]))
    history = read_history([tmp_path / "one" / "t.csv", tmp_path / "two" / "t.csv"])
    (found,) = [one for one in history.findings if one.code == "unmatched_row"]
    assert found.file == str(tmp_path / "one" / "t.csv")


@needs_data
def test_published_files_read_from_disk_as_from_frames():
    path = DATA / "robyn_simulated_weekly.csv"
    columns = {
        "date": "DATE",
        "revenue": "revenue",
        "channels": {name: f"{name}_S" for name in ("tv", "ooh", "print", "search", "facebook")},
        "controls": {"events": "promotion", "competitor_sales_B": "demand"},
    }
    history = read_history(path, columns=columns)
    frame = pd.read_csv(path, keep_default_na=False)
    assert history.content_hash == History.from_frame(frame, columns=columns).content_hash
    assert len(history.controls) == 3
    assert not [one for one in history.findings if one.severity is Severity.WARNING]


# Writing


def test_a_file_is_written_whole_and_replaced_whole(tmp_path):
    path = tmp_path / "plan.json"
    write_whole(path, b"one")
    path.chmod(0o600)
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["plan.json"]


@pytest.mark.parametrize("step", ["replace", "fsync"])
def test_a_write_that_breaks_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step):
    path = tmp_path / "plan.json"
    write_whole(path, b"one")

    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, broken)
    with pytest.raises(FileError, match=r"No space left.*free space\.$"):
        write_whole(path, b"two")
    assert path.read_bytes() == b"one"
    assert [one.name for one in tmp_path.iterdir()] == ["plan.json"]


def test_an_interrupted_write_leaves_nothing_behind(tmp_path, monkeypatch):
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", stopped)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "plan.json", b"one")
    assert list(tmp_path.iterdir()) == []


def test_places_that_cannot_be_written_are_refused(tmp_path, monkeypatch):
    with pytest.raises(FileError, match=r"is a folder. Name a file"):
        write_whole(tmp_path, b"one")
    with pytest.raises(FileError, match=r"does not exist. Create it first"):
        write_whole(tmp_path / "none" / "plan.json", b"one")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileError, match=r"does not exist. Create it first"):
        write_whole(tmp_path / "file" / "plan.json", b"one")

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refused)
    with pytest.raises(FileError, match=r"Permission denied.*may write to"):
        write_whole(tmp_path / "plan.json", b"one")


# Documents


def test_yaml_is_read_by_core_rules(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text(
        "a: [1e6, 1e+300, .5, 12, -3, 0o10, 0x1f, 1_000, 010]\n"
        "b: [NO, on, yes, off, true, null, ~, '5', \"1e6\"]\n"
        "c: {start: 2027-01-04, at: 12:30:45}\n"
        "1: one\n",
        "utf-8",
    )
    document = read_document(path)
    assert document["a"] == [1e6, 1e300, 0.5, 12, -3, 8, 31, "1_000", 10]
    assert document["b"] == ["NO", "on", "yes", "off", True, None, None, "5", "1e6"]
    assert document["c"] == {"start": "2027-01-04", "at": "12:30:45"}
    assert document["1"] == "one"
    assert not isinstance(document["c"]["start"], dt.date)


def test_json_is_read_as_written(tmp_path):
    path = tmp_path / "model.json"
    document = {"model": 1, "channels": [{"a": 1.5, "b": None, "c": "é😀"}], "deep": [[[1]]]}
    path.write_text(json.dumps(document), "utf-8")
    assert read_document(path) == document
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_document(str(path)) == document


BAD_DOCUMENTS = {
    "empty": ("a.yaml", "", "is empty"),
    "only a comment": ("a.yaml", "# nothing", "top level"),
    "a list": ("a.yaml", "- 1", "top level"),
    "a word": ("a.json", '"word"', "top level"),
    "a duplicate key": ("a.yaml", "a: 1\nb: 2\na: 3", 'line 3: the key "a" is given twice'),
    "a number and its text": ("a.yaml", "1: a\n'1': b", "line 2: the key"),
    "nested duplicate": ("a.json", '{"a": {"b": 1},\n"b": 1,\n"c": {"b": 1,\n"b": 2}}', "line 4"),
    "nan": ("a.yaml", "a: 1\nb: .nan", "line 2: .nan is not a finite"),
    "inf": ("a.yaml", "a: -.inf", "line 1"),
    "json NaN": ("a.json", '{"x": "NaN",\n"a": NaN}', "line 2: NaN is not a number"),
    "json Infinity": ("a.json", '{"a": -Infinity}', "line 1"),
    "json overflow": ("a.json", '{"a":\n 1e999}', "line 2: 1e999 is too large"),
    "yaml overflow": ("a.yaml", "a: 1e999", "too large"),
    "endless integer": ("a.json", '{"a": ' + "9" * 5000 + "}", "too large"),
    "endless yaml integer": ("a.yaml", "a: " + "9" * 5000, "too large"),
    "an alias": ("a.yaml", "a: 1\nb: *a", "line 2: anchors"),
    "a bomb": ("a.yaml", "a: &a [x]\nb: [*a, *a]", "line 1: anchors"),
    "a tag": ("a.yaml", "a: !!python/name:os.system ''", "the tag"),
    "a tagged mapping": ("a.yaml", "a: !x {b: 1}", "the tag"),
    "a merge key": ("a.yaml", "<<: {a: 1}", "merge keys"),
    "a key that is a list": ("a.yaml", "? [1]\n: 2", "a key must be a word"),
    "deep json": ("a.json", "[" * 100_000, "levels of nesting"),
    "deep yaml": ("a.yaml", "[" * 2000, "levels of nesting"),
    "two documents": ("a.yaml", "--- {a: 1}\n--- {b: 2}", "line 2: a second document"),
    "a tab": ("a.yaml", "a: b\n\tc: d", "line 2: not valid YAML"),
    "an open quote": ("a.yaml", "a: 'x", "not valid YAML"),
    "a control character": ("a.yaml", "a: \x07", "not valid YAML"),
    "a trailing comma": ("a.json", '{"a": 1,}', "line 1: not valid JSON at column"),
    "half a character": ("a.json", '{"a":\n"\\ud800"}', "line 2: half a character"),
    "too much yaml": ("a.yaml", "a: " + "x" * (5 << 20), "write it as JSON"),
}


@pytest.mark.parametrize(("name", "text", "says"), BAD_DOCUMENTS.values(), ids=BAD_DOCUMENTS)
def test_bad_documents_are_refused_with_line_and_advice(tmp_path, name, text, says):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    with pytest.raises(OptimizerError) as caught:
        read_document(path)
    assert says in str(caught.value)
    assert name in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_document_of_another_encoding_is_refused(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_bytes("a: 1\nназвание: x".encode("cp1251"))
    with pytest.raises(OptimizerError, match="line 2: the text is not UTF-8"):
        read_document(path)


def test_missing_documents_suggest_the_nearest(tmp_path):
    (tmp_path / "spring.yaml").write_text("a: 1")
    with pytest.raises(FileError, match=r'did you mean "spring.yaml"\?'):
        read_document(tmp_path / "sprnig.yaml")
    with pytest.raises(FileError, match="is a folder"):
        read_document(Path(tmp_path))
    with pytest.raises(FileError, match="cannot be read"):
        read_document("a\0b.yaml")


def test_hidden_files_are_not_proposed(tmp_path: Path) -> None:
    for name in (".venv", "shop.csv"):
        (tmp_path / name).write_text("")
    with pytest.raises(FileError, match=r"\(known: shop\.csv\)"):
        read_history(tmp_path / "zzz")


def test_a_workbook_of_one_row_is_a_table(tmp_path):
    table = pd.DataFrame({"channel": ["tv"], "lift": [5.0]})
    table.to_excel(tmp_path / "one.xlsx", index=False, engine="xlsxwriter")
    read = table_of_bytes((tmp_path / "one.xlsx").read_bytes(), "one.xlsx", Notebook())
    assert list(read.frame.columns) == ["channel", "lift"]
    assert len(read.frame) == 1
