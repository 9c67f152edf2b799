"""A history is the same whatever table it came in, and says everything that was done to it."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.errors import HistoryError
from optimizer.history import (
    Finding,
    History,
    Severity,
    Spacing,
    UnusableHistoryError,
)

DATA = Path(os.environ.get("ROMI_DATA", "../shared/data"))
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="no shared data here")

MERIDIAN = {
    "date": "time",
    "revenue": ["conversions", "revenue_per_conversion"],
    "channels": {f"c{number}": f"Channel{number}_spend" for number in range(4)},
}


def wide(periods: int = 40, freq: str = "7D", start: str = "2024-01-01") -> pd.DataFrame:
    """A clean aggregate table: two channels that move apart, revenue of both."""
    step = np.arange(periods)
    tv, search = 100.0 + 40 * np.sin(step), 80.0 + 30 * np.cos(1.7 * step)
    return pd.DataFrame(
        {
            "date": pd.date_range(start, periods=periods, freq=freq),
            "tv_spend": tv.round(2),
            "search_spend": search.round(2),
            "revenue": (900 + 2 * tv + search).round(2),
        }
    )


def long(periods: int = 40, freq: str = "7D", *, cents: bool = False) -> pd.DataFrame:
    """The clean attributed table of the same two channels."""
    table = wide(periods, freq)
    parts = [
        pd.DataFrame(
            {
                "date": table["date"],
                "channel": channel,
                "spend": table[f"{channel}_spend"],
                "revenue": table[f"{channel}_spend"] * factor,
            }
        )
        for channel, factor in (("tv", 2.0), ("search", 3.0))
    ]
    table = pd.concat(parts).sort_values("date", kind="stable").reset_index(drop=True)
    return table.assign(revenue=table["revenue"].round(2)) if cents else table


def told(history: History) -> list[Finding]:
    """The findings, but for the note on which column was taken for what."""
    return [found for found in history.findings if found.code != "roles"]


def codes(history: History) -> list[str]:
    return [found.code for found in told(history)]


def fatal_codes(frame: pd.DataFrame, **how: object) -> list[str]:
    with pytest.raises(UnusableHistoryError) as caught:
        History.from_frame(frame, **how)  # type: ignore[arg-type]
    return [found.code for found in caught.value.findings if found.code != "roles"]


def test_a_clean_aggregate_table_is_read_without_a_finding():
    table = wide()
    history = History.from_frame(table)
    assert (history.layout, history.spacing, history.markets) == ("aggregate", "week", (None,))
    assert history.channels == ("tv", "search")
    np.testing.assert_array_equal(history.spend[0, :, 1], table["search_spend"])
    np.testing.assert_array_equal(history.revenue[0], table["revenue"])
    assert told(history) == []


def test_a_clean_attributed_table_is_read_without_a_finding():
    table = long()
    history = History.from_frame(table)
    assert (history.layout, history.channels) == ("attributed", ("tv", "search"))
    assert history.spend.shape == history.revenue.shape == (1, 40, 2)
    np.testing.assert_allclose(history.revenue[0] / history.spend[0], [[2.0, 3.0]] * 40)
    assert told(history) == []


@pytest.mark.parametrize(
    ("freq", "spacing"), [("1D", "day"), ("7D", "week"), ("MS", "month"), ("ME", "month")]
)
@pytest.mark.parametrize("table", [wide, long])
def test_days_weeks_and_months_are_told_apart(table, freq, spacing):
    history = History.from_frame(table(40, freq))
    assert (history.spacing, len(history.dates), codes(history)) == (spacing, 40, [])


def test_spacing_knows_its_periods_per_year():
    assert [round(one.periods_per_year, 2) for one in Spacing] == [365.25, 52.18, 12.0]


@given(order=st.permutations(range(40)), names=st.permutations(["tv_spend", "search_spend"]))
@settings(max_examples=15, deadline=None)
def test_the_order_of_rows_and_columns_changes_no_hash(order, names):
    table = wide()
    mixed = table.iloc[list(order)][["revenue", *names, "date"]]
    assert History.from_frame(mixed).content_hash == History.from_frame(table).content_hash


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.assign(revenue=table["revenue"] + 0.01),
        lambda table: table.rename(columns={"tv_spend": "radio_spend"}),
        lambda table: table.assign(date=table["date"] + pd.Timedelta(days=7)),
        lambda table: table.iloc[:-1],
        lambda table: table.assign(currency="EUR"),
        lambda table: table.assign(market="north"),
    ],
)
def test_any_other_number_or_name_changes_the_hash(change):
    assert (
        History.from_frame(change(wide())).content_hash != History.from_frame(wide()).content_hash
    )


def test_a_date_index_and_typed_cells_read_as_plain_columns():
    table = wide()
    plain = History.from_frame(table).content_hash
    assert History.from_frame(table.set_index("date")).content_hash == plain
    assert History.from_frame(table.set_index(table["date"])).content_hash == plain
    assert History.from_frame(table.astype(str)).content_hash == plain
    assert History.from_frame(table.astype({"revenue": "Float64"})).content_hash == plain


DATE_WRITINGS = {
    "iso": "%Y-%m-%d",
    "iso with time": "%Y-%m-%dT00:00:00",
    "year first, slashes": "%Y/%m/%d",
    "compact": "%Y%m%d",
    "day.month.year": "%d.%m.%Y",
    "day.month, two-digit year": "%d.%m.%y",
    "day/month/year": "%d/%m/%Y",
    "month/day/year": "%m/%d/%Y",
    "month/day, two-digit year": "%m/%d/%y",
    "day-month-year": "%d-%m-%Y",
    "iso week": "%G-W%V",
    "German week": "KW %V/%G",
    "year and German week": "%G KW%V",
    "month's name": "%d %b %Y",
    "month's whole name first": "%B %d, %Y",
    "month's name, two-digit year": "%d-%b-%y",
}


@pytest.mark.parametrize("writing", DATE_WRITINGS.values(), ids=DATE_WRITINGS)
def test_every_usual_way_of_writing_dates_gives_the_same_history(writing):
    table = wide()
    written = table.assign(date=table["date"].dt.strftime(writing))
    assert History.from_frame(written).content_hash == History.from_frame(table).content_hash


@pytest.mark.parametrize(
    "writing",
    ["%Y-%m", "%Y/%m", "%m.%Y", "%Y%m", "%d/%m/%Y", "%m/%d/%Y", "%b %Y", "%B %Y", "%b-%y"],
)
def test_months_may_be_written_without_days_and_slashes_are_proved_by_even_steps(writing):
    table = wide(40, "MS")
    written = table.assign(date=table["date"].dt.strftime(writing))
    assert History.from_frame(written).content_hash == History.from_frame(table).content_hash


@pytest.mark.parametrize("written", ["5. März 2024", "5 Mrz. 2024", "5-Mar-24", "March 5, 2024"])
def test_a_month_may_be_named_in_english_or_german(written):
    table = wide(start="2024-03-05").assign(date=lambda t: t["date"].astype(str))
    table.loc[0, "date"] = written
    assert History.from_frame(table).dates[0] == pd.Timestamp("2024-03-05")


def test_excel_day_counts_and_date_objects_are_dates():
    table = wide()
    plain = History.from_frame(table).content_hash
    counts = (table["date"] - pd.Timestamp("1899-12-30")).dt.days
    numbered = History.from_frame(table.assign(date=counts))
    assert (numbered.content_hash, codes(numbered)) == (plain, ["excel_dates"])
    for dates in (table["date"].dt.date, table["date"].dt.tz_localize("UTC")):
        assert History.from_frame(table.assign(date=dates)).content_hash == plain
    weekly = table.assign(date=table["date"].dt.to_period("W"))
    assert History.from_frame(weekly).content_hash == plain


def test_the_order_that_was_proved_is_noted():
    table = wide()
    written = table.assign(date=table["date"].dt.strftime("%m/%d/%Y"))
    (found,) = told(History.from_frame(written))
    assert (found.code, found.severity, found.column) == ("date_order", Severity.NOTE, "date")
    assert "month/day/year" in found.message


def test_a_missing_period_lies_on_a_straight_line_and_is_named():
    table = wide()
    history = History.from_frame(table.drop(index=[10, 20, 21]))
    assert len(history.dates) == 40
    assert codes(history) == ["missing_period", "missing_period"]
    assert "2024-03-11 is missing" in told(history)[0].message
    assert "2024-05-20 to 2024-05-27 are missing" in told(history)[1].message
    middle = (table["tv_spend"][9] + table["tv_spend"][11]) / 2
    assert history.spend[0, 10, 0] == pytest.approx(middle)
    third = table["revenue"][19] + (table["revenue"][22] - table["revenue"][19]) / 3
    assert history.revenue[0, 20] == pytest.approx(third)


def test_a_missing_period_of_an_attributed_history_stays_between_its_neighbours():
    table = long()
    history = History.from_frame(table[table["date"] != "2024-03-11"])
    assert codes(history) == ["missing_period"]
    np.testing.assert_allclose(history.spend[0, 10], history.spend[0, [9, 11]].mean(axis=0))
    np.testing.assert_allclose(history.revenue[0, 10], history.revenue[0, [9, 11]].mean(axis=0))


def test_many_gaps_are_listed_five_and_counted():
    history = History.from_frame(wide(60).drop(index=range(3, 59, 5)))
    assert codes(history) == ["missing_period"] * 6
    assert told(history)[-1].message.startswith("7 more gaps")


def test_a_channel_without_a_row_was_not_running():
    table = long()
    history = History.from_frame(table.drop(index=[1, 3, 5]))
    (found,) = told(history)
    assert (found.code, found.severity) == ("absent_rows", Severity.NOTE)
    assert found.message.startswith("search has no row in 3 periods")
    assert history.spend[0, :3, 1].tolist() == history.revenue[0, :3, 1].tolist() == [0, 0, 0]


def test_a_channel_that_never_spends_is_left_out():
    history = History.from_frame(wide().assign(radio_spend=0.0))
    assert history.channels == ("tv", "search")
    assert codes(history) == ["zero_channel"]
    extra = pd.DataFrame({"date": wide()["date"], "channel": "mail", "spend": 0.0, "revenue": 10.0})
    history = History.from_frame(pd.concat([long(), extra]))
    assert history.revenue.shape == (1, 40, 2)
    assert "revenue of 400 with it" in told(history)[0].message


def test_a_date_a_day_off_goes_to_its_week():
    table = wide()
    moved = table.copy()
    moved.loc[5, "date"] += pd.Timedelta(days=1)
    moved.loc[6, "date"] -= pd.Timedelta(days=3)
    history = History.from_frame(moved)
    assert history.content_hash == History.from_frame(table).content_hash
    assert [(found.code, found.row) for found in told(history)] == [
        ("irregular_spacing", 7),
        ("irregular_spacing", 8),
    ]


def test_a_day_off_its_month_goes_to_that_month():
    moved = wide(40, "MS")
    moved.loc[5, "date"] += pd.Timedelta(days=3)
    history = History.from_frame(moved)
    assert [(found.code, found.row) for found in told(history)] == [("irregular_spacing", 7)]
    assert history.content_hash == History.from_frame(wide(40, "MS")).content_hash


def test_text_flags_become_one_column_per_level():
    events = ["na", "event1", "", "event2", "No", None, "none", "event1"] * 5
    table = wide().assign(events=events)
    history = History.from_frame(table, columns={"controls": {"events": "promotion"}})
    assert [(one.name, one.kind) for one in history.controls] == [
        ("events_event1", "promotion"),
        ("events_event2", "promotion"),
    ]
    (first, _) = history.controls
    assert first.values[0, :8].tolist() == [0, 1, 0, 0, 0, 0, 0, 1]  # noqa: PD011
    assert "text_flags" in codes(history)


def test_a_plain_list_of_controls_is_of_kind_other_and_negative_values_are_kept():
    table = wide().assign(heat=np.linspace(-2, 2, 40))
    history = History.from_frame(table, columns={"controls": ["heat"]})
    (heat,) = history.controls
    assert heat.kind == "other"
    np.testing.assert_allclose(heat.values[0], table["heat"])  # noqa: PD011


def test_what_is_not_named_is_ignored_and_listed():
    table = wide().assign(radio_spend=5.0, weather="mild")
    history = History.from_frame(table, columns={"channels": {"tv": "tv_spend"}})
    assert history.channels == ("tv",)
    (found,) = told(history)
    assert (found.code, found.severity) == ("ignored_columns", Severity.NOTE)
    for name in ("search_spend", "radio_spend", "weather"):
        assert f'"{name}"' in found.message


def test_revenue_may_be_a_product():
    table = wide().rename(columns={"revenue": "orders"}).assign(price=0.5)
    history = History.from_frame(table, columns={"revenue": ["orders", "price"]})
    np.testing.assert_allclose(history.revenue[0], wide()["revenue"] / 2)


def test_markets_have_their_own_rows_and_population():
    parts = [
        wide().assign(geo=geo, population=size) for geo, size in (("north", 10.0), ("south", 20.0))
    ]
    history = History.from_frame(pd.concat(parts))
    assert history.markets == ("north", "south")
    assert history.population is not None
    assert history.population.tolist() == [10.0, 20.0]
    assert history.spend.shape == (2, 40, 2)
    assert history.revenue.shape == (2, 40)


def test_a_gap_of_one_market_is_filled_in_that_market():
    parts = [wide().assign(geo="north"), wide().drop(index=[7]).assign(geo="south")]
    history = History.from_frame(pd.concat(parts))
    assert codes(history) == ["missing_period"]
    assert "in south" in told(history)[0].message
    assert len(history.dates) == 40


@pytest.mark.parametrize("blank", [False, True], ids=["no rows", "blank revenue"])
def test_a_market_that_opens_late_or_closes_early_is_not_made_up(blank):
    north, south = wide().assign(geo="north"), wide().assign(geo="south")
    south["tv_spend"] = south["tv_spend"].to_numpy()[::-1]
    closed = [*range(12), 39]
    if blank:
        south = south.astype({"revenue": object})
        south.loc[closed, "revenue"] = ""
    else:
        south = south.drop(index=closed)
    history = History.from_frame(pd.concat([north, south]))
    open_ = np.setdiff1d(np.arange(40), closed)
    np.testing.assert_array_equal(history.revenue[1, closed], 0.0)
    np.testing.assert_array_equal(history.revenue[1, open_], wide()["revenue"][open_])
    spent = wide()["tv_spend"].to_numpy()[::-1][closed] if blank else 0.0
    np.testing.assert_array_equal(history.spend[1, closed, 0], spent)
    said = {found.code: found.message for found in history.findings}
    assert "market south has revenue from 2024-03-25 on" in said["late_market"]
    assert "market south has revenue up to 2024-09-23" in said["closed_market"]
    assert "missing_period" not in said
    assert "absent_rows" not in said


def test_blank_cells_of_spend_are_zero_and_of_revenue_a_straight_line():
    table = wide().astype({"tv_spend": object, "revenue": object})
    table.loc[3, "tv_spend"], table.loc[8, "revenue"] = None, ""
    history = History.from_frame(table)
    assert [(one.code, one.row, one.column) for one in told(history)] == [
        ("blank_cell", 5, "tv_spend"),
        ("blank_cell", 10, "revenue"),
    ]
    assert history.spend[0, 3, 0] == 0
    assert history.revenue[0, 8] == pytest.approx(history.revenue[0, [7, 9]].mean())


def test_periods_without_any_revenue_at_the_ends_are_left_out():
    table = wide().astype({"revenue": object})
    table.loc[[0, 1, 39], "revenue"] = None
    history = History.from_frame(table)
    assert len(history.dates) == 37
    assert codes(history) == ["blank_cell", "outside_revenue"]


def test_a_currency_column_gives_the_currency():
    assert History.from_frame(wide().assign(currency="EUR")).currency == "EUR"
    assert History.from_frame(wide(), currency="USD").currency == "USD"
    same = History.from_frame(wide().assign(currency="eur"), currency="EUR")
    assert same.currency == "EUR"


def test_names_that_differ_in_capitals_only_are_pointed_out():
    table = long()
    table.loc[0, "channel"] = "TV"
    assert "similar_names" in codes(History.from_frame(table))


def test_a_single_period_is_spoken_of_as_one():
    table = wide(60)
    assert fatal_codes(table.iloc[:1]) == ["too_few_periods"]
    (found,) = told(History.from_frame(long(60).drop(index=[1])))
    assert found.message == "search has no row in 1 period; it counts as 0 spend and 0 revenue."
    history = History.from_frame(wide(70).drop(index=range(3, 33, 5)))
    assert codes(history) == ["missing_period"] * 6  # a sixth is told, not counted


def test_negative_revenue_is_kept_and_warned_of():
    table = wide()
    table.loc[4, "revenue"] = -20.0
    (found,) = told(History.from_frame(table))
    assert (found.code, found.row, found.column) == ("negative_revenue", 6, "revenue")


def test_all_fatal_findings_come_at_once_and_eight_are_shown():
    table = wide().astype({"tv_spend": object})
    table.loc[0:9, "tv_spend"] = "oops"
    table.loc[3, "search_spend"] = -1.0
    with pytest.raises(UnusableHistoryError) as caught:
        History.from_frame(table)
    fatal = [found for found in caught.value.findings if found.severity is Severity.FATAL]
    assert len(fatal) == 11
    assert str(caught.value).count("\n") == 9
    assert str(caught.value).endswith("and 3 more.")


def test_the_error_survives_a_trip_between_processes():
    error = UnusableHistoryError((Finding("a", Severity.FATAL, "Mend it.", row=3),))
    again = pickle.loads(pickle.dumps(error))
    assert again.findings == error.findings
    assert str(again) == str(error) == "The history cannot be used: row 3: Mend it."


BAD_COLUMNS = {
    "a column that is not there": ({"date": "dat"}, 'did you mean "date"?'),
    "an unknown key": ({"channels": ["tv_spend"], "kosts": "x"}, "columns has no key"),
    "an unknown kind": ({"controls": {"tv_spend": "promo"}}, 'did you mean "promotion"?'),
    "a channel without column": ({"channels": {"tv": "tv_spent"}}, 'did you mean "tv_spend"?'),
    "a column that is a number": ({"date": 3}, "must be a column's name"),
    "no channels": ({"channels": "tv_spend"}, "channels must map"),
    "an empty product": ({"revenue": []}, "empty list"),
    "controls of a wrong type": ({"controls": "heat"}, "controls must map"),
    "a channel called no": ({"channels": {False: "tv_spend"}}, "is no channel name"),
    "two roles": ({"controls": ["revenue"]}, "given two roles"),
    "one column twice": ({"channels": {"a": "tv_spend", "b": "tv_spend"}}, "given two roles"),
    "attributed without channel": ({"channel": "medium"}, 'no column "medium"'),
}


@pytest.mark.parametrize(("columns", "says"), BAD_COLUMNS.values(), ids=BAD_COLUMNS)
def test_wrong_columns_are_refused_with_advice(columns, says):
    with pytest.raises(HistoryError) as caught:
        History.from_frame(wide(), columns=columns)
    assert says in str(caught.value)


AMBIGUOUS = {
    "two dates": wide().assign(week=wide()["date"]),
    "two revenues": wide().assign(sales=1.0),
    "one channel twice": wide().assign(tv_cost=1.0),
    "long and wide": wide().assign(channel="tv"),
    "nothing known": wide().rename(columns={"tv_spend": "a", "search_spend": "b"}),
    "no revenue": wide().drop(columns="revenue"),
    "no date": wide().drop(columns="date"),
    "long without spend": long().drop(columns="spend"),
}


@pytest.mark.parametrize("table", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_what_cannot_be_recognised_is_asked_for_by_columns(table):
    with pytest.raises(HistoryError, match="Say ") as caught:
        History.from_frame(table)
    assert "columns" in str(caught.value)


def test_a_wrong_layout_is_refused():
    with pytest.raises(HistoryError, match='did you mean "attributed"'):
        History.from_frame(wide(), layout="atributed")  # type: ignore[arg-type]
    with pytest.raises(HistoryError, match="no channel"):
        History.from_frame(wide(), layout="attributed")


def test_only_frames_are_taken():
    with pytest.raises(HistoryError, match="Use read_history"):
        History.from_frame("shop.csv")  # type: ignore[arg-type]


def test_two_columns_of_one_name_and_an_empty_frame_are_refused():
    table = wide()
    table.columns = ["date", "tv_spend", "tv_spend", "revenue"]
    with pytest.raises(HistoryError, match="Rename one"):
        History.from_frame(table)
    with pytest.raises(HistoryError, match="no rows"):
        History.from_frame(wide().iloc[:0])


@needs_data
def test_the_national_example_reads_as_the_design_shows():
    controls = {"Promo": "promotion", "competitor_sales_control": "demand"}
    frame = pd.read_csv(DATA / "meridian_national_all_channels.csv")
    history = History.from_frame(frame, columns={**MERIDIAN, "controls": controls})
    assert history.spend.shape == (1, 156, 4)
    expected = frame["conversions"] * frame["revenue_per_conversion"]
    np.testing.assert_array_equal(history.revenue[0], expected)
    assert [one.kind for one in history.controls] == ["promotion", "demand"]
    assert codes(history) == ["ignored_columns"]


@needs_data
def test_the_geo_example_has_its_markets_and_population():
    frame = pd.read_csv(DATA / "meridian_geo_media.csv")
    columns = {**MERIDIAN, "market": "geo", "population": "population"}
    history = History.from_frame(frame, columns=columns)
    assert history.spend.shape == (20, 156, 4)
    assert set(history.markets) == set(frame["geo"])
    assert history.population is not None
    assert history.population.shape == (20,)
    one = frame[frame["geo"] == history.markets[7]]
    np.testing.assert_array_equal(history.spend[7, :, 2], one["Channel2_spend"])


@needs_data
def test_other_published_tables_are_recognised_by_their_names():
    robyn = History.from_frame(pd.read_csv(DATA / "robyn_simulated_weekly.csv"))
    assert robyn.channels == ("tv", "ooh", "print", "search", "facebook")
    retailer = History.from_frame(pd.read_csv(DATA / "mmm_stan_retailer_weekly.csv"))
    assert retailer.spend.shape == (1, 209, 10)
    pymc = pd.read_csv(DATA / "pymc_mmm_example.csv")
    with pytest.raises(HistoryError, match="no spend columns"):
        History.from_frame(pymc)
    columns = {"channels": {"x1": "x1", "x2": "x2"}, "controls": ["event_1", "event_2"]}
    assert History.from_frame(pymc, columns=columns).spend.shape == (1, 179, 2)
