"""A look at a table finds what reading finds, and shows what reading would refuse."""

from __future__ import annotations

import datetime as dt
import io

import pandas as pd
import pytest

from optimizer import FileError, HistoryError, Peek, parse_history, peek_tables
from tests.service.bad_files import excel, frame, parquet
from tests.test_files import csv
from tests.test_history import long, wide


def peeked(table: pd.DataFrame, **how: object) -> Peek:
    (found,) = peek_tables([("shop.csv", csv(table))], **how)  # type: ignore[arg-type]
    return found


def roles(found: Peek) -> dict[str, str]:
    return {column.name: column.part.role for column in found.columns}


@pytest.mark.parametrize("table", [long(), wide()], ids=["attributed", "aggregate"])
def test_a_look_settles_what_reading_settles(table):
    found, history = peeked(table), parse_history([("shop.csv", csv(table))])
    assert found.layout == history.layout
    assert found.n_rows == len(table)
    said = {column.part.of for column in found.columns if column.part.role == "channel_spend"}
    assert history.layout == "attributed" or said == set(history.channels)


def test_a_table_that_reading_refuses_is_shown_with_what_is_known_of_it():
    table = frame().rename(columns={"revenue": "money in"})
    with pytest.raises(HistoryError):
        parse_history([("shop.csv", csv(table))])
    found = peeked(table)
    assert roles(found) == {
        "date": "date",
        "tv_spend": "channel_spend",
        "search_spend": "channel_spend",
        "money in": "ignored",
    }
    assert found.rows[0][0] == "2024-01-01"
    assert found.places == tuple(range(2, 12))


def test_columns_that_could_each_be_one_are_named_and_none_is_taken():
    found = peeked(frame().assign(sales=1.0))
    assert found.doubtful == {"revenue": ("revenue", "sales")}
    assert roles(found)["revenue"] == roles(found)["sales"] == "ignored"


def test_a_long_table_without_usual_names_is_known_by_its_repeated_words():
    table = long().set_axis(["d1", "d2", "d3", "d4"], axis=1)
    assert peeked(table).layout == "attributed"


def test_a_stated_layout_is_taken():
    assert peeked(frame(), layouts=["attributed"]).layout == "attributed"
    assert "channel_spend" not in roles(peeked(frame(), layouts=["attributed"])).values()


def test_a_column_tells_whose_spend_it_would_be():
    named = {column.name: column.channel for column in peeked(frame()).columns}
    assert named["tv_spend"] == "tv"
    assert named["revenue"] == "revenue"


@pytest.mark.parametrize("write", [excel, parquet])
def test_cells_of_other_kinds_of_files_are_shown_as_text(write):
    table = frame().assign(date=[dt.date(2024, 1, 1) + dt.timedelta(7 * i) for i in range(60)])
    (found,) = peek_tables([("shop", write(table))])
    assert found.rows[1][0] == "2024-01-08"
    assert float(found.rows[0][1]) == pytest.approx(float(table["tv_spend"][0]))


def test_long_cells_are_cut_and_blank_ones_are_empty():
    table = frame().astype(object)
    table.loc[0, "tv_spend"], table.loc[1, "tv_spend"] = "x" * 500, None
    found = peeked(table)
    assert len(found.rows[0][1]) == 60
    assert found.rows[1][1] == ""


@pytest.mark.parametrize(
    "text",
    ["date,revenue\n", "date,date,revenue\n2024-01-01,2,3\n", "a,b\n1,2,3\n4,5\n"],
    ids=["a header alone", "two columns of one name", "ragged rows"],
)
def test_odd_tables_can_be_looked_at(text):
    (found,) = peek_tables([("odd.csv", text.encode())])
    assert all(len(row) == len(found.columns) for row in found.rows)


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7", b"{}"])
def test_what_is_no_table_is_refused(data):
    with pytest.raises(FileError):
        peek_tables([("no.csv", data)])


def test_files_to_be_joined_need_not_have_every_part():
    spend = frame().drop(columns="revenue")
    revenue = frame()[["date", "revenue"]]
    found = peek_tables([("spend.csv", csv(spend)), ("revenue.csv", csv(revenue))])
    assert [sorted(set(roles(one).values())) for one in found] == [
        ["channel_spend", "date"],
        ["date", "revenue"],
    ]


def test_a_workbook_is_looked_at_from_its_header():
    sink = io.BytesIO()
    frame().to_excel(sink, index=False, startrow=3, engine="xlsxwriter")
    (found,) = peek_tables([("shop.xlsx", sink.getvalue())])
    assert found.places[0] == 5


def test_a_long_text_is_looked_at_by_its_first_lines(monkeypatch):
    whole = peeked(frame(200))
    monkeypatch.setattr("optimizer.peek.HEAD", 2000)
    assert peeked(frame(200)) == whole
    quoted = frame(200).assign(note="two\nlines, and more of them than the head can hold")
    (found,) = peek_tables([("shop.csv", csv(quoted))])
    assert [column.name for column in found.columns][-1] == "note"
