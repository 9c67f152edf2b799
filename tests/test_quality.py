"""Every finding is found where it is, says where, and is not found where it is not."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.files import parse_history, read_history
from optimizer.history import Finding, History, Severity, UnusableHistoryError
from optimizer.quality import check, largest_shift

DATA = Path(os.environ.get("ROMI_DATA", "../shared/data"))
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="no shared data here")
PERIODS = 80
Frame = pd.DataFrame


def clean(periods: int = PERIODS) -> Frame:
    """A weekly aggregate table with nothing to remark."""
    rng = np.random.default_rng(5)
    tv, search = rng.lognormal(4, 0.4, periods).round(2), rng.lognormal(4, 0.4, periods).round(2)
    dates = pd.date_range("2024-01-01", periods=periods, freq="7D")
    revenue = (900 + 2 * tv + search).round(2)
    return Frame({"date": dates, "tv_spend": tv, "search_spend": search, "revenue": revenue})


def clean_long() -> Frame:
    """A weekly attributed table with nothing to remark: tv in even file rows, search in odd."""
    table = clean()
    dates = table["date"].repeat(2)
    spend = table[["tv_spend", "search_spend"]].to_numpy().ravel()
    return Frame(
        {"date": dates, "channel": ["tv", "search"] * PERIODS, "spend": spend, "revenue": 2 * spend}
    ).reset_index(drop=True)


def put(row: int, column: str, value: Any) -> Callable[[Frame], Frame]:
    """A change: this value in this row of the file (header is row 1)."""

    def change(table: Frame) -> Frame:
        table = table.astype({column: object})
        table.loc[row - 2, column] = value
        return table

    return change


def scaled(rows: slice, column: str, factor: float) -> Callable[[Frame], Frame]:
    def change(table: Frame) -> Frame:
        table.loc[rows, column] *= factor
        return table

    return change


def geo(table: Frame, **changes: Any) -> Frame:
    """Two markets, the second on another course and changed."""
    north = table.assign(geo="north", population=10.0)
    own = {name: table[name].to_numpy()[::-1] for name in ("tv_spend", "search_spend")}
    return pd.concat(
        [north, table.assign(**{"geo": "south", "population": 20.0, **own, **changes})]
    )


def findings_of(table: Frame, **how: Any) -> tuple[Finding, ...]:
    """All findings of a table, fatal or not, but for which column was taken for what."""
    try:
        return without_roles(check(History.from_frame(table, **how)))
    except UnusableHistoryError as error:
        return without_roles(error.findings)


def without_roles(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple(found for found in findings if found.code != "roles")


def findings_of_files(*sources: tuple[str, str | bytes]) -> tuple[Finding, ...]:
    ready = [(name, data.encode() if isinstance(data, str) else data) for name, data in sources]
    try:
        return without_roles(parse_history(ready).findings)
    except UnusableHistoryError as error:
        return without_roles(error.findings)


FATAL, WARNING, NOTE = Severity.FATAL, Severity.WARNING, Severity.NOTE
Row = tuple[str, Severity, int | None, str | None, Callable[[Frame], Frame]]

WIDE: list[Row] = [
    ("text_in_number", FATAL, 7, "tv_spend", put(7, "tv_spend", "twelve")),
    ("text_in_number", FATAL, 9, "revenue", put(9, "revenue", "#N/A")),
    ("non_finite_value", FATAL, 7, "tv_spend", put(7, "tv_spend", np.nan)),
    ("non_finite_value", FATAL, 7, "tv_spend", put(7, "tv_spend", "NaN")),
    ("non_finite_value", FATAL, 8, "revenue", put(8, "revenue", -np.inf)),
    ("number_too_large", FATAL, 9, "revenue", put(9, "revenue", 1e300)),
    ("number_too_large", FATAL, 9, "revenue", put(9, "revenue", "1e14")),
    ("non_finite_value", FATAL, 9, "revenue", put(9, "revenue", "1e999")),
    ("non_finite_value", FATAL, 9, "revenue", put(9, "revenue", 10**400)),
    ("negative_spend", FATAL, 12, "search_spend", put(12, "search_spend", -0.01)),
    ("unreadable_date", FATAL, 81, "date", put(81, "date", "Total")),
    ("unreadable_date", FATAL, 5, "date", put(5, "date", None)),
    ("unreadable_date", FATAL, 5, "date", put(5, "date", "2024-02-30")),
    ("unreadable_date", FATAL, 5, "date", put(5, "date", "0001-01-01")),
    ("duplicate_row", FATAL, 11, None, lambda t: put(11, "date", t["date"][8])(t)),
    ("too_few_periods", FATAL, None, None, lambda t: t.iloc[:29]),
    ("too_few_periods", FATAL, None, None, lambda t: t.iloc[:1]),
    ("unknown_spacing", FATAL, None, None, lambda t: t.iloc[::2]),
    ("no_spend", FATAL, None, None, lambda t: t.assign(tv_spend=0, search_spend=0)),
    ("no_revenue", FATAL, None, None, lambda t: t.assign(revenue="")),
    ("two_currencies", FATAL, 4, "currency", lambda t: put(4, "currency", "USD")(eur(t))),
    ("blank_cell", WARNING, 6, "tv_spend", put(6, "tv_spend", None)),
    ("negative_revenue", WARNING, 6, "revenue", put(6, "revenue", -5.0)),
    ("irregular_spacing", WARNING, 6, "date", put(6, "date", "2024-01-30")),
    ("missing_period", WARNING, None, None, lambda t: t.drop(index=[4])),
    ("outside_revenue", WARNING, None, None, put(2, "revenue", "")),
    ("zero_channel", WARNING, None, None, lambda t: t.assign(mail_spend=0)),
    ("rare_spend", WARNING, None, "tv_spend", scaled(slice(0, 70), "tv_spend", 0.0)),
    ("repeated_spend", WARNING, None, "tv_spend", lambda t: geo(t, tv_spend=t["tv_spend"])),
    ("market_without_revenue", WARNING, None, None, lambda t: geo(t, revenue=0.0)),
    ("market_without_revenue", WARNING, None, None, lambda t: geo(t, revenue="")),
    ("market_without_spend", NOTE, None, None, lambda t: geo(t, tv_spend=0.0, search_spend=0.0)),
    ("late_market", WARNING, None, None, lambda t: geo(t).iloc[[*range(80), *range(125, 160)]]),
    ("late_market", WARNING, None, None, lambda t: geo(t, revenue=t["revenue"] * (t.index > 9))),
    ("closed_market", WARNING, None, None, lambda t: geo(t).iloc[:-40]),
    ("date_apart", FATAL, 81, "date", put(81, "date", "2033-12-25")),
    ("single_channel", WARNING, None, None, lambda t: t.drop(columns="search_spend")),
    ("constant_spend", WARNING, None, "tv_spend", lambda t: t.assign(tv_spend=50.0)),
    ("collinear_spend", WARNING, None, "tv_spend", lambda t: t.assign(tv_spend=t["search_spend"])),
    ("level_shift", WARNING, None, "tv_spend", scaled(slice(40, 79), "tv_spend", 10.0)),
    ("level_shift", WARNING, None, "tv_spend", scaled(slice(0, 30), "tv_spend", 1000.0)),
    ("level_shift", WARNING, None, "revenue", scaled(slice(40, 79), "revenue", 0.01)),
    ("outlier", WARNING, None, "revenue", scaled(slice(33, 33), "revenue", 10.0)),
    ("outlier", WARNING, None, "revenue", scaled(slice(33, 33), "revenue", 0.0)),
    ("outlier", WARNING, None, "tv_spend", scaled(slice(33, 33), "tv_spend", 100.0)),
    ("ignored_columns", NOTE, None, None, lambda t: t.assign(weather="mild")),
    ("date_order", NOTE, None, "date", lambda t: t.assign(date=t["date"].dt.strftime("%m/%d/%Y"))),
    ("excel_dates", NOTE, None, "date", lambda t: t.assign(date=45292 + 7 * t.index)),
    ("few_periods", NOTE, None, None, lambda t: t.iloc[:59]),
    ("mostly_zero_spend", NOTE, None, "tv_spend", scaled(slice(0, 44), "tv_spend", 0.0)),
    ("population_varies", NOTE, None, "population", lambda t: geo(t, population=t.index + 1.0)),
    ("no_population", FATAL, None, "population", lambda t: geo(t, population=0.0)),
    (
        "too_many_gaps",
        FATAL,
        None,
        None,
        lambda t: pd.concat([t.assign(geo="a"), t.assign(geo="b").iloc[[0, *range(40, 80)]]]),
    ),
    ("missing_period", WARNING, None, None, lambda t: geo(t).iloc[[*range(100), *range(109, 160)]]),
]
LONG: list[Row] = [
    ("blank_name", FATAL, 7, "channel", put(7, "channel", " ")),
    ("duplicate_row", FATAL, 7, None, put(7, "channel", "tv")),
    ("absent_rows", NOTE, None, None, lambda t: t.drop(index=[5])),
    ("similar_names", WARNING, None, None, put(7, "channel", "Search")),
    ("similar_names", WARNING, None, "Searchh", put(7, "channel", "Searchh")),
    ("revenue_without_spend", WARNING, None, "search", put(7, "spend", 0.0)),
    ("zero_channel", WARNING, None, None, lambda t: t.assign(spend=t["spend"] * (t.index % 2))),
    ("level_shift", WARNING, None, "tv", scaled(slice(80, 159), "revenue", 100.0)),
    ("outlier", WARNING, None, "search", scaled(slice(5, 5), "revenue", 100.0)),
    ("negative_spend", FATAL, 7, "spend", put(7, "spend", "(5.00)")),
]


def eur(table: Frame) -> Frame:
    return table.assign(currency="EUR")


def matches(found: Finding, code: str, severity: Severity, row: int | None) -> bool:
    return (found.code, found.severity, found.row) == (code, severity, row)


def assert_found(findings: tuple[Finding, ...], row: Row) -> None:
    code, severity, place, column, _ = row
    named = {found.column for found in findings if matches(found, code, severity, place)}
    bare = None if column is None else column.removesuffix("_spend")
    assert named & {column, bare}, findings


@pytest.mark.parametrize("row", WIDE, ids=lambda row: row[0])
def test_each_change_of_a_clean_wide_table_is_found_in_its_place(row):
    assert_found(findings_of(row[-1](clean())), row)


@pytest.mark.parametrize("row", LONG, ids=lambda row: row[0])
def test_each_change_of_a_clean_long_table_is_found_in_its_place(row):
    assert_found(findings_of(row[-1](clean_long())), row)


@pytest.mark.parametrize(
    "table", [clean(), clean_long(), geo(clean())], ids=["wide", "long", "geo"]
)
def test_a_clean_table_has_no_findings(table):
    assert not findings_of(table)


def test_findings_name_the_file_and_the_line_in_it():
    text = clean().to_csv(index=False).replace("2024-01-15", "2024-01-15,1")
    (found, *_) = findings_of_files(("shop.csv", text))
    assert (found.code, found.severity, found.row, found.file) == (
        "ragged_row",
        FATAL,
        4,
        "shop.csv",
    )


def test_a_guessed_encoding_is_noted():
    table = clean_long().replace({"tv": "телевизор", "search": "поиск"})
    (found,) = findings_of_files(("shop.csv", table.to_csv(index=False).encode("cp1251")))
    assert (found.code, found.severity, found.file) == ("encoding_guessed", NOTE, "shop.csv")


def test_numbers_that_could_be_read_two_ways_are_fatal():
    text = "date;tv_spend;revenue\n" + "\n".join(
        f"{day:%Y-%m-%d};1.{100 + step};2,{100 + step}" for step, day in enumerate(clean()["date"])
    )
    (found,) = findings_of_files(("shop.csv", text))
    assert (found.code, found.severity) == ("ambiguous_numbers", FATAL)


def test_dates_that_could_be_read_two_ways_are_fatal():
    table = clean(36)
    table["date"] = [f"{1 + step % 12:02}/{1 + step // 12:02}/2024" for step in range(36)]
    found = findings_of(table)[0]
    assert (found.code, found.severity, found.row) == ("ambiguous_dates", FATAL, 2)


def test_text_controls_become_flags_or_are_too_many():
    for words, code, severity in (
        (["sale", ""], "text_flags", NOTE),
        ([f"word {step}" for step in range(PERIODS)], "too_many_levels", FATAL),
    ):
        table = clean().assign(news=(words * PERIODS)[:PERIODS])
        found = findings_of(table, columns={"controls": {"news": "promotion"}})
        assert (found[0].code, found[0].severity, found[0].column) == (code, severity, "news")


@pytest.mark.parametrize(
    ("column", "cells", "code", "says"),
    [
        ("date", "1", "unreadable_date", 'holds no dates, but cells such as "1"'),
        ("revenue", "n/a", "text_in_number", 'holds no numbers, but cells such as "n/a"'),
        ("tv_spend", -5.0, "negative_spend", "write spend as positive numbers"),
        ("tv_spend", 1e15, "number_too_large", "nearly every value is above 1e13"),
        ("revenue", "NaN", "non_finite_value", "nearly every value is not a finite number"),
    ],
)
def test_a_column_that_fails_everywhere_is_told_once(column, cells, code, says):
    for change in (0, 3):  # all rows, or all but three
        table = clean().astype({column: object})
        table.loc[change:, column] = cells
        (found,) = findings_of(table)
        assert (found.code, found.severity, found.row, found.column) == (code, FATAL, None, column)
        assert says in found.message


def test_a_column_without_names_is_told_once():
    (found, *_) = findings_of(clean_long().assign(channel=" "))
    assert (found.code, found.row) == ("blank_name", None)


def test_every_row_that_stands_apart_is_named():
    table = clean_long().astype({"date": object})
    table.loc[150:151, "date"] = "2033-12-25"
    assert [(found.code, found.row) for found in findings_of(table)] == [
        ("date_apart", 152),
        ("date_apart", 153),
    ]


@pytest.mark.parametrize(
    ("rare", "usual", "alike"),
    [
        ("Sociall", "social", True),
        ("scoial", "social", True),
        ("afiliates", "affiliates", True),
        ("video2", "video1", False),
        ("tvx", "tv", False),
        ("display", "tv", False),
    ],
)
def test_a_rare_name_nearly_anothers_is_pointed_out(rare, usual, alike):
    table = clean_long().replace({"tv": usual})
    table.loc[10, "channel"] = rare
    codes = {found.code for found in findings_of(table)}
    assert ("similar_names" in codes) == alike
    assert "rare_spend" in codes


def test_alike_names_that_both_spend_are_two_channels():
    assert findings_of(clean_long().replace({"tv": "search b", "search": "search a"})) == ()


def test_files_that_do_not_match_are_told():
    table = clean_long()
    ads = table.drop(columns="revenue").to_csv(index=False)
    crm = table.drop(columns="spend").drop(index=[5]).to_csv(index=False)
    (found,) = findings_of_files(("ads.csv", ads), ("crm.csv", crm))
    assert (found.code, found.severity, found.row, found.file) == (
        "unmatched_row",
        WARNING,
        7,
        "ads.csv",
    )
    crm = table.drop(columns="spend").assign(market="north").to_csv(index=False)
    found = findings_of_files(("ads.csv", ads), ("crm.csv", crm))[0]
    assert (found.code, found.severity) == ("market_mismatch", FATAL)


def test_measures_that_cannot_be_read_or_come_twice_are_told():
    table = clean_long().assign(clicks="many")
    (found,) = findings_of(table)
    assert (found.code, found.severity, found.column) == ("measure_left_out", WARNING, "clicks")
    ads = clean_long().assign(clicks=5).drop(columns="revenue").to_csv(index=False)
    crm = clean_long().assign(clicks=6).drop(columns="spend").to_csv(index=False)
    (found,) = findings_of_files(("ads.csv", ads), ("crm.csv", crm))
    assert (found.code, found.severity) == ("measure_twice", WARNING)


def test_no_code_is_without_a_test():
    source = Path(check.__code__.co_filename).parent
    files = [source / "quality.py", *(source / "tables").glob("*.py")]
    call = re.compile(r'(?:fatal|warning|note|Finding|_warning)\(\s*"([a-z_]+)"')
    written = {code for file in files for code in call.findall(file.read_text("utf-8"))}
    here = Path(__file__).read_text("utf-8")
    assert len(written) > 35
    assert {code for code in written if f'"{code}"' not in here} == set()


@pytest.mark.parametrize("row", [*WIDE, *LONG], ids=lambda row: row[0])
def test_every_message_is_a_whole_sentence_with_what_was_done_or_what_to_do(row):
    table = clean_long() if row in LONG else clean()
    for found in findings_of(row[-1](table)):
        assert found.message.endswith(".")
        assert re.search(r"[;,:] |\. ", found.message)


def test_checking_twice_says_nothing_twice():
    history = History.from_frame(clean().iloc[:40].assign(mail_spend=0))
    once = check(history)
    assert check(dataclasses.replace(history, findings=once)) == once
    assert [found.code for found in once] == ["roles", "zero_channel", "few_periods"]


def test_a_history_made_by_hand_is_checked_for_broken_numbers():
    history = History.from_frame(clean())
    for value, code in (
        (np.nan, "non_finite_value"),
        (1e300, "number_too_large"),
        (-1.0, "negative_spend"),
    ):
        spend = history.spend.copy()
        spend[0, 3, 1] = value
        found = check(dataclasses.replace(history, spend=spend))[1]
        assert (found.code, found.severity) == (code, FATAL)
    short = dataclasses.replace(
        history,
        dates=history.dates[:20],
        spend=history.spend[:, :20],
        revenue=history.revenue[:, :20],
    )
    assert check(short)[1].code == "too_few_periods"
    idle = dataclasses.replace(history, spend=history.spend * [1.0, 0.0])
    assert [found.code for found in check(idle)] == ["roles", "zero_channel"]


@needs_data
@pytest.mark.parametrize(
    ("file", "columns", "expected"),
    [
        ("meridian_national_all_channels.csv", None, set()),
        ("meridian_geo_media.csv", None, set()),
        ("mmm_stan_retailer_weekly.csv", None, set()),
        ("robyn_simulated_weekly.csv", None, {"mostly_zero_spend"}),
        ("pymc_mmm_example.csv", {"channels": ["x1", "x2"]}, {"mostly_zero_spend"}),
    ],
)
def test_published_tables_raise_no_false_alarm(file, columns, expected):
    history = read_history(DATA / file, columns=columns)
    assert {found.code for found in history.findings} == expected | {"ignored_columns", "roles"}


@needs_data
@pytest.mark.parametrize("factor", [1000.0, 0.001])
@pytest.mark.parametrize("place", range(30, 180, 30))
def test_a_change_of_unit_is_found_in_noisy_published_spend(factor, place):
    frame = pd.read_csv(DATA / "mmm_stan_retailer_weekly.csv")
    frame.loc[place:, ["mdsp_vidtr", "sales"]] *= factor
    shifted = {f.column for f in check(History.from_frame(frame)) if f.code == "level_shift"}
    assert shifted == {"revenue", "vidtr"}


@needs_data
def test_a_tenfold_change_is_found_in_noisy_published_sales_at_most_places():
    history = read_history(DATA / "mmm_stan_retailer_weekly.csv")
    found = 0
    for place in range(30, 180, 10):
        sales = history.revenue[0].copy()
        sales[place:] *= 10
        found += largest_shift(sales) is not None
    assert found >= 10  # of 15; near Christmas a tenfold change hides in the season


def test_revenue_that_follows_its_spend_has_not_changed_its_unit():
    table = clean_long()
    table.loc[80:, ["spend", "revenue"]] *= 30.0
    shifted = [f.message for f in findings_of(table) if f.code == "level_shift"]
    assert len(shifted) == 2
    assert all("the spend is" in message for message in shifted)


@given(seed=st.integers(0, 10_000), spread=st.floats(0.05, 0.8), idle=st.floats(0, 0.8))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_noise_flights_and_seasons_are_no_level_shift(seed, spread, idle):
    rng = np.random.default_rng(seed)
    season = 0.5 * np.sin(2 * np.pi * np.arange(156) / 52)
    values = np.exp(rng.normal(5, spread, 156) + season)[rng.random(156) >= idle]
    assert largest_shift(values) is None


@given(seed=st.integers(0, 10_000), place=st.integers(20, 130), factor=st.sampled_from([10.0, 1e3]))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_a_lasting_jump_is_found_where_it_is(seed, place, factor):
    values = np.exp(np.random.default_rng(seed).normal(5, 0.1, 156))
    values[place:] *= factor
    found = largest_shift(values)
    assert found is not None
    assert found[0] == place
    assert found[1] == pytest.approx(factor, rel=0.6)
