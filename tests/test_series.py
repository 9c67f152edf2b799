"""Series are cut out of a table as if each had a table of its own, and keep their faults."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from optimizer import History, HistoryError, SeriesTable, UnusableHistoryError, read_series
from tests.many_cases import rows, table

BY = ["market", "brand"]


def by_key(series: SeriesTable) -> dict:
    return {one.key: one for one in series}


def test_a_series_is_the_history_its_rows_would_be_alone():
    frame = table(3)
    for number, series in enumerate(SeriesTable.from_frame(frame, BY)):
        alone = History.from_frame(rows(number))
        found = series.history()
        np.testing.assert_array_equal(found.spend, alone.spend)
        np.testing.assert_array_equal(found.revenue, alone.revenue)
        assert found.channels == alone.channels
        assert found.markets == (" / ".join(series.key),)


def test_series_come_in_order_of_appearance_however_their_rows_are_mixed():
    frame = table(4)
    mixed = frame.sample(frac=1.0, random_state=3)
    wanted = list(dict.fromkeys(zip(mixed["market"], mixed["brand"], strict=True)))
    series = SeriesTable.from_frame(mixed, BY)
    assert [one.key for one in series] == wanted
    assert len(series) == 4


def test_a_key_that_leaves_markets_in_the_rows_keeps_them_as_markets():
    found = by_key(SeriesTable.from_frame(table(4), "brand"))
    assert found["acme",].history().markets == ("market 0", "market 1")


def test_a_hash_follows_the_cells_and_nothing_else_in_the_table():
    frame = table(2)
    base = by_key(SeriesTable.from_frame(frame, BY))
    key, other = base
    moved = by_key(SeriesTable.from_frame(frame.iloc[::-1].iloc[::-1].tail(80), BY))
    assert moved[other].content_hash == base[other].content_hash
    changed = frame.copy()
    changed.loc[0, "spend"] += 0.01
    after = by_key(SeriesTable.from_frame(changed, BY))
    assert after[key].content_hash != base[key].content_hash
    assert after[other].content_hash == base[other].content_hash


def test_the_whole_table_proves_the_decimal_mark_of_a_series_that_cannot(tmp_path):
    frame = table(2).astype({"spend": str, "revenue": str})
    first = frame["brand"] == "acme"
    for column in ("spend", "revenue"):
        frame.loc[first, column] = "1,250"  # read alone: a thousand, or one and a quarter
        frame.loc[~first, column] = frame.loc[~first, column].str.replace(".", ",")
    path = tmp_path / "german.csv"
    frame.to_csv(path, index=False, sep=";")
    found = by_key(read_series(path, BY))
    assert found["market 0", "acme"].history().spend.max() == 1.25


def test_a_row_of_the_wrong_width_is_the_fault_of_its_series_alone(tmp_path):
    frame = table(2)[["market", "brand", "date", "channel", "spend", "revenue"]]
    path = tmp_path / "ragged.csv"
    lines = frame.to_csv(index=False).splitlines()
    lines[3] += ",1,2"
    path.write_text("\n".join(lines) + "\n")
    bad, good = read_series(path, BY)
    with pytest.raises(UnusableHistoryError, match="cells and the header") as refused:
        bad.history()
    assert refused.value.findings[0].row == 4
    assert good.history().spend.sum() > 0


def test_rows_without_a_key_are_one_bad_series():
    frame = table(2)
    frame.loc[:4, "market"] = None
    found = by_key(SeriesTable.from_frame(frame, BY))
    assert len(found) == 3
    with pytest.raises(UnusableHistoryError, match="name is missing"):
        found["", "acme"].history()


def test_a_key_column_that_names_no_row_is_refused_whole():
    with pytest.raises(UnusableHistoryError, match="holds no names"):
        SeriesTable.from_frame(table(2).assign(market=None), BY)


def test_a_missing_key_column_is_named_with_the_nearest():
    with pytest.raises(HistoryError, match=r'no column "markt".*did you mean "market"'):
        SeriesTable.from_frame(table(1), ["markt"])


def test_key_columns_are_found_whatever_their_capitals():
    frame = table(2).rename(columns={"market": "Market"})
    assert len(SeriesTable.from_frame(frame, BY)) == 2


def test_files_are_joined_series_by_series(tmp_path):
    frame = table(2)
    shared = ["market", "brand", "date", "channel"]
    frame[[*shared, "spend"]].to_csv(tmp_path / "ads.csv", index=False)
    frame[[*shared, "revenue"]].to_csv(tmp_path / "sales.csv", index=False)
    joined = by_key(read_series([tmp_path / "ads.csv", tmp_path / "sales.csv"], BY))
    whole = by_key(SeriesTable.from_frame(frame, BY))
    for key, series in joined.items():
        np.testing.assert_array_equal(series.history().revenue, whole[key].history().revenue)


def test_a_wide_table_gives_every_series_the_same_columns():
    dates = pd.date_range("2024-01-01", periods=40, freq="7D")
    parts = [
        pd.DataFrame({"date": dates, "market": name, "tv_spend": tv, "web_spend": 2.0,
                      "sales": np.arange(40.0) + 9.0})
        for name, tv in (("north", np.linspace(1, 5, 40)), ("south", 3.0))
    ]  # fmt: skip
    found = by_key(SeriesTable.from_frame(pd.concat(parts), "market"))
    assert all(one.history().channels == ("tv", "web") for one in found.values())
