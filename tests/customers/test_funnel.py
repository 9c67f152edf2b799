"""From impressions to customers: ratios over the last year, wherever both ends are counted."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from api.cli import app
from optimizer import Customers, History, funnel
from tests.customers.test_customers import orders
from tests.customers.test_measures import WEEKS, table
from tests.customers.test_plans import document

LAST = 52


def test_ratios_are_those_of_the_last_year():
    rows, last = funnel(History.from_frame(table())), table().iloc[-2 * LAST :]
    assert WEEKS > LAST
    for row in rows:
        own = last[last["channel"] == row.channel]
        spend, customers = own["spend"].sum(), own["new_customers"].sum()
        assert row.cac == pytest.approx(spend / customers)
        assert row.order_value == pytest.approx(own["revenue"].sum() / own["conversions"].sum())
        assert row.conversion_rate == pytest.approx(own["conversions"].sum() / own["clicks"].sum())
        assert row.ltv_to_cac is None
    assert [row.click_through_rate for row in rows] == pytest.approx([1 / 20, 1 / 50])


def test_values_tell_what_a_unit_of_acquisition_cost_brings():
    customers = document(names=("search",))
    search, social = funnel(History.from_frame(table()), customers)
    assert search.ltv_to_cac == pytest.approx(60.0 / search.cac)
    assert social.ltv_to_cac is None


def test_what_is_not_counted_is_left_out():
    money = table()[["date", "channel", "spend", "revenue"]]
    assert funnel(History.from_frame(money)) == ()
    clicks = History.from_frame(money.assign(clicks=table()["clicks"]))
    (search, _) = funnel(clicks)
    assert search.clicks > 0
    assert (search.cac, search.click_through_rate, search.conversion_rate) == (None, None, None)
    idle = table().assign(clicks=0.0)
    assert funnel(History.from_frame(idle))[0].conversion_rate is None


def test_commands_tell_the_funnel(tmp_path):
    table().to_csv(tmp_path / "history.csv", index=False)
    run, history = CliRunner(), str(tmp_path / "history.csv")
    told = run.invoke(app, ["check", history])
    assert told.exit_code == 0, told.output
    assert "CAC" in told.stdout
    assert "5.00 %" in told.stdout
    data = json.loads(run.invoke(app, ["check", history, "--json"]).stdout)
    assert data["channels"][0]["cac"] == pytest.approx(funnel(History.from_frame(table()))[0].cac)
    fitted = run.invoke(app, ["fit", history])
    assert "CAC" in fitted.stdout
    shop = orders().replace({"channel": {"tv": "search", "radio": "social"}})
    shop.to_csv(tmp_path / "orders.csv", index=False)
    command = ["customers", str(tmp_path / "orders.csv"), "--history", history]
    assert "value /" in run.invoke(app, command).stdout
    found = Customers.from_dict(json.loads(run.invoke(app, [*command, "--json"]).stdout))
    assert found.channels[0].ltv_to_cac == pytest.approx(
        found.segments[0].value.mean / found.channels[0].cac
    )
