"""Lift tests as people hand them in: read from tables, every fault named at once."""

import dataclasses
import datetime as dt

import pytest

from optimizer import FileError, HistoryError, LiftTest, UnusableTestsError, read_lift_tests
from optimizer.lift_test_table import COLUMNS, lift_test_record
from optimizer.lift_tests import check_lift_tests, lift_tests_hash
from tests.fitting import examples

HEADER = "channel,start,end,spend_control,spend_test,lift,standard_error\n"
GOOD = "a,2023-06-05,2023-07-02,100,0,-80.5,12\n"
SOUND = LiftTest("a", dt.date(2023, 6, 5), dt.date(2023, 7, 2), 100.0, 0.0, -80.5, 12.0)


def read(tmp_path, text, history=None):
    path = tmp_path / "tests.csv"
    path.write_text(text)
    return read_lift_tests(path, history)


def codes(error):
    return [finding.code for finding in error.findings]


def test_a_table_is_read_and_written_back_the_same(tmp_path):
    tests = read(tmp_path, HEADER + GOOD + "b,15/6/2023,28/6/2023,1000,1750,300,90\n")
    assert tests[0] == SOUND
    assert tests[1].end == dt.date(2023, 6, 28)
    records = [lift_test_record(test) for test in tests]
    rows = [",".join(str(value) for value in record.values()) for record in records]
    assert read(tmp_path, HEADER + "\n".join(rows) + "\n") == tests


def test_markets_tested_together_stand_in_one_cell(tmp_path):
    text = HEADER.replace("start", "geo,start") + GOOD.replace("a,", "a,north; south,", 1)
    tests = read(tmp_path, text)
    assert tests[0].markets == ("north", "south")
    assert lift_test_record(tests[0])["market"] == "north; south"


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"standard_error": 0.0}, "no_standard_error", "above 0"),
        ({"standard_error": -3.0}, "no_standard_error", "above 0"),
        ({"standard_error": float("inf")}, "non_finite_value", "finite"),
        ({"lift": float("nan")}, "non_finite_value", "finite"),
        ({"spend_test": -5.0}, "negative_spend", "0 or more"),
        ({"spend_test": 100.0}, "equal_spends", "shows nothing"),
        ({"end": dt.date(2023, 6, 1)}, "end_before_start", "swap"),
        ({"channel": "aa"}, "unknown_channel", "in the history"),
        ({"channel": ""}, "blank_name", "missing"),
        ({"markets": ("north",)}, "unknown_market", "scaled to the whole"),
        ({"start": dt.date(2022, 6, 5)}, "outside_history", "2023-01-02"),
        ({"end": dt.date(2030, 6, 5)}, "outside_history", "lies outside"),
    ],
)
def test_a_test_that_cannot_be_meant_is_named(change, code, words):
    with pytest.raises(UnusableTestsError) as caught:
        check_lift_tests([dataclasses.replace(SOUND, **change)], examples.aggregate())
    assert code in codes(caught.value)
    assert words in str(caught.value)


def test_every_fault_of_a_file_comes_at_once_with_its_row(tmp_path):
    text = (
        HEADER
        + GOOD
        + "serach,2023-06-05,2023-07-02,100,0,-80,0\n"
        + "b,2023-06-05,someday,100,0,many,12\n"
        + "c,2023-06-05,2023-07-02,100,,-80,12\n"
        + "b,2023-07-05,2023-07-02,100,100,-80,12\n"
    )
    with pytest.raises(UnusableTestsError) as caught:
        read(tmp_path, text, examples.aggregate())
    found = {(finding.row, finding.code) for finding in caught.value.findings}
    assert found == {
        (3, "unknown_channel"),
        (3, "no_standard_error"),
        (4, "unreadable_date"),
        (4, "text_in_number"),
        (5, "blank_number"),
        (6, "equal_spends"),
        (6, "end_before_start"),
    }
    assert all(finding.file == "tests.csv" for finding in caught.value.findings)


def test_the_same_test_twice_would_count_twice(tmp_path):
    with pytest.raises(UnusableTestsError, match="given twice"):
        read(tmp_path, HEADER + GOOD + GOOD)


@pytest.mark.parametrize("left_out", [name for name in COLUMNS if name != "market"])
def test_a_missing_column_is_named(tmp_path, left_out):
    names = [name for name in HEADER.strip().split(",") if name != left_out]
    with pytest.raises(HistoryError, match=f"no column {left_out}"):
        read(tmp_path, ",".join(names) + "\n" + ",".join("1" for _ in names) + "\n")


def test_a_table_without_rows_or_a_file_that_is_none_is_refused(tmp_path):
    with pytest.raises(HistoryError, match="no lift tests"):
        read(tmp_path, HEADER)
    with pytest.raises(FileError):
        read_lift_tests(tmp_path / "nowhere.csv")


def test_scripts_may_write_dates_as_text_and_one_market_as_a_name():
    test = LiftTest("a", "2023-06-05", dt.datetime(2023, 7, 2), 100, 0, -80.5, 12, "north")
    assert test == dataclasses.replace(SOUND, markets=("north",))


@pytest.mark.parametrize(
    ("change", "words"),
    [({"start": "someday"}, "not a date"), ({"lift": "many"}, "plain number"),
     ({"end": 7}, "not a date"), ({"spend_test": None}, "plain number")],
)  # fmt: skip
def test_what_is_no_test_at_all_is_refused_when_it_is_made(change, words):
    with pytest.raises(HistoryError, match=words):
        dataclasses.replace(SOUND, **change)


def test_a_path_is_no_test():
    with pytest.raises(HistoryError, match="read_lift_tests"):
        check_lift_tests("tests.csv")


def test_the_hash_is_of_what_tests_say_not_of_their_order_or_rows():
    other = dataclasses.replace(SOUND, channel="b", row=7)
    assert lift_tests_hash([SOUND, other]) == lift_tests_hash(
        [dataclasses.replace(other, row=1), SOUND]
    )
    assert lift_tests_hash([SOUND]) != lift_tests_hash([dataclasses.replace(SOUND, lift=1.0)])
