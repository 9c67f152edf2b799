"""Columns are known by the names people give them; where they are not, the cure is named."""

from __future__ import annotations

import pandas as pd
import pytest
from ruamel.yaml import YAML

from optimizer.errors import HistoryError
from optimizer.files import parse_history
from optimizer.history import History, UnusableHistoryError
from optimizer.tables.headers import channel_of
from tests.test_files import csv
from tests.test_history import codes, long, wide


def said_of(table: pd.DataFrame, **how: object) -> str:
    with pytest.raises(HistoryError) as caught:
        parse_history([("shop.csv", csv(table))], **how)  # type: ignore[arg-type]
    return str(caught.value)


def roles_of(history: History) -> str:
    return next(found.message for found in history.findings if found.code == "roles")


@pytest.mark.parametrize(
    "names",
    [
        ("Datum", "Kanal", "Kosten (EUR)", "Umsatz brutto"),
        ("Woche", "Kampagnenkanal", "Ausgaben", "Erlös"),
        ("Semaine", "Canal", "Dépenses €", "Chiffre d'affaires"),
        ("fecha", "canal", "gasto [EUR]", "ingresos"),
        ("дата", "канал", "расход, руб.", "выручка"),
        ("Date", "Channel", "Cost USD", "revenue_usd"),
    ],
)
def test_usual_names_of_five_languages_are_known(names):
    table = long()
    table.columns = pd.Index(names)
    history = History.from_frame(table)
    assert history.content_hash == History.from_frame(long()).content_hash
    date, channel, spend, revenue = names
    assert roles_of(history).startswith(f"date: {date}; channel: {channel}; revenue: {revenue}")
    assert f"spend: {spend}" in roles_of(history)


@pytest.mark.parametrize(
    ("column", "channel"),
    [
        ("TV Kosten (EUR)", "TV"),
        ("Ausgaben Suche", "Suche"),
        ("gasto_en_tv", "tv"),
        ("tv_spend_eur", "tv"),
        ("Gesamt Kosten", None),
        ("cost pct", None),
        ("spend EUR", None),
        ("revenue", None),
    ],
)
def test_a_spend_column_names_its_channel(column, channel):
    assert channel_of(column) == channel


def test_a_week_number_beside_a_date_is_no_second_date():
    table = long().assign(KW=1)
    assert codes(History.from_frame(table)) == ["ignored_columns"]


def test_a_history_says_which_column_was_taken_for_what():
    table = wide().rename(columns={"revenue": "orders"}).assign(price=0.5, geo="north", heat=1.0)
    columns = {"revenue": ["orders", "price"], "controls": {"heat": "demand"}}
    assert roles_of(History.from_frame(table, columns=columns)) == (
        "date: date; revenue: orders x price; spend: tv_spend as tv, search_spend as search; "
        "market: geo; controls: heat (demand)."
    )


def test_many_channels_are_shortened_and_an_unusable_history_has_its_roles():
    spends = {f"c{number}_spend": float(number) for number in range(20)}
    table = wide().assign(**spends)  # type: ignore[arg-type]
    assert "c9_spend as c9 and 10 more." in roles_of(History.from_frame(table))
    with pytest.raises(UnusableHistoryError) as caught:
        History.from_frame(wide().iloc[:9])
    assert [found.code for found in caught.value.findings] == ["too_few_periods", "roles"]
    assert str(caught.value).startswith("The history cannot be used: there are 9 periods; ")


def test_the_recipe_is_of_the_layout_the_table_looks_like():
    assert "columns: {date: ..., revenue: revenue, channels: {tv: <its" in said_of(
        wide().rename(columns={"date": "when"})
    )
    asked = "{date: date, channel: ..., spend: ..., revenue: revenue}"
    assert asked in said_of(long().rename(columns={"channel": "kind", "spend": "amount"}))
    asked = "{date: date, channel: channel, spend: ..., revenue: revenue}"
    said = said_of(long().rename(columns={"spend": "cost pct"}))
    assert asked in said
    assert "one spend column per channel" not in said
    with pytest.raises(HistoryError, match=r"columns=\{'date': 'date', 'revenue': \.\.\., "):
        History.from_frame(wide().drop(columns="revenue"))


def test_a_table_without_dates_hears_that_dates_are_needed():
    said = said_of(wide().drop(columns="date").rename(columns={"tv_spend": "tv"}))
    assert "needs a dated history, with one row per day, week or month: no date column" in said


def test_the_cure_for_columns_not_used_works_as_written():
    odd = {"on": 1.0, "a: b": 2.0, "Holidays": 0.0, "tv_impressions": 5.0}
    sources = [("shop.csv", csv(wide().assign(**odd)))]  # type: ignore[arg-type]
    (message,) = (
        found.message
        for found in parse_history(sources).findings
        if found.code == "ignored_columns"
    )
    written = YAML(typ="safe").load(message.split("`")[1])["history"]
    assert written == {"file": "shop.csv", "columns": {"controls": ["on", "a: b", "Holidays"]}}
    history = parse_history(sources, columns=written["columns"])
    assert [control.name for control in history.controls] == ["on", "a: b", "Holidays"]
    (message,) = (f.message for f in history.findings if f.code == "ignored_columns")
    assert "impressions, clicks and the like are not needed" in message
    assert "needs no others" in str(History.from_frame(long().assign(mood=1.0)).findings)


@pytest.mark.parametrize("name", ["dat", "revenu"])
def test_a_question_has_no_stop_after_it(name):
    assert said_of(wide(), columns={"date": name}).endswith(("?", "."))
    assert "?." not in said_of(wide(), columns={"date": name})
    assert "?." not in said_of(wide(), columns={"controls": {"tv_spend": "promo"}})
