"""What an attributed history counts besides money: read, kept, told, and fitted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from optimizer import (
    History,
    HistoryError,
    Scenario,
    fit,
    history_of_parquet,
    history_to_parquet,
    plan,
)

WEEKS, CHANNELS = 60, ("search", "social")


def table() -> pd.DataFrame:
    """Two channels by week: clicks cost 0.5 and 1.0, and 2 and 3 of a hundred become customers."""
    rng = np.random.default_rng(4)
    spend = np.round(rng.gamma(6.0, 200.0, (WEEKS, 2)), 2)
    clicks = np.round(spend / [0.5, 1.0])
    customers = np.round(40.0 * (spend / 1000) ** [0.6, 0.7])
    return pd.DataFrame({
        "date": np.repeat(pd.date_range("2024-01-01", periods=WEEKS, freq="W-MON"), 2),
        "channel": np.tile(CHANNELS, WEEKS),
        "spend": spend.ravel(),
        "revenue": (customers * [50.0, 40.0]).ravel(),
        "Impressions": (clicks * [20.0, 50.0]).ravel(),
        "clicks": clicks.ravel(),
        "new_customers": customers.ravel(),
        "conversions": (customers * 1.25).ravel(),
    })  # fmt: skip


def codes(history: History) -> set[str]:
    return {finding.code for finding in history.findings}


def test_measures_are_recognised_by_their_usual_names_and_told():
    history = History.from_frame(table())
    assert [one.name for one in history.measures] == [
        "impressions", "clicks", "customers", "orders",
    ]  # fmt: skip
    np.testing.assert_array_equal(
        history.measure("clicks")[0].ravel(), table()["clicks"].to_numpy()
    )
    (roles,) = (found.message for found in history.findings if found.code == "roles")
    assert "customers: new_customers" in roles
    assert "orders: conversions" in roles


def test_a_history_without_measures_keeps_its_hash_and_one_with_them_has_another():
    plain = table()[["date", "channel", "spend", "revenue"]]
    without = dict.fromkeys(("impressions", "clicks", "customers", "orders"))
    ignoring = History.from_frame(table(), columns=without)
    assert ignoring.measures == ()
    assert ignoring.content_hash == History.from_frame(plain).content_hash
    assert History.from_frame(table()).content_hash != ignoring.content_hash


def test_measures_survive_the_store():
    history = History.from_frame(table())
    again = history_of_parquet(history_to_parquet(history))
    assert again.content_hash == history.content_hash
    np.testing.assert_array_equal(again.measure("orders"), history.measure("orders"))


def test_a_column_of_no_counts_is_left_out_and_said():
    text = table().astype({"clicks": object})
    text.loc[3, "clicks"] = "many"
    history = History.from_frame(text)
    assert history.measure("clicks") is None
    assert "measure_left_out" in codes(history)
    negative = table().assign(clicks=lambda rows: -rows["clicks"])
    assert History.from_frame(negative).measure("clicks") is None


def test_two_columns_that_could_be_one_measure_are_both_left_alone():
    history = History.from_frame(table().assign(link_clicks=1.0))
    assert history.measure("clicks") is None
    named = History.from_frame(table().assign(link_clicks=1.0), columns={"clicks": "clicks"})
    assert named.measure("clicks") is not None
    with pytest.raises(HistoryError, match="did you mean"):
        History.from_frame(table(), columns={"clicks": "click"})


def test_gaps_and_channels_that_never_spent_are_treated_as_money_is():
    frame = table()
    gap = frame[frame["date"] != frame["date"].unique()[10]]
    history = History.from_frame(gap)
    clicks = history.measure("clicks")[0]
    np.testing.assert_allclose(clicks[10], (clicks[9] + clicks[11]) / 2)
    idle = frame.assign(spend=frame["spend"].where(frame["channel"] == "search", 0.0))
    assert History.from_frame(idle).measure("clicks").shape == (1, WEEKS, 1)


def test_curves_of_new_customers_are_fitted_and_planned_with():
    history = History.from_frame(table())
    model = fit(history, response="customers")
    assert model.counts == "customers"
    spend = history.spend[0].mean(axis=0)
    expected = 40.0 * (spend / 1000) ** [0.6, 0.7]
    np.testing.assert_allclose(model.response(spend).mean(axis=0), expected, rtol=0.1)
    asked = Scenario(
        periods=13, objective="customer_value", values={"search": 30.0, "social": 90.0}
    )
    found = plan(model, asked)
    assert found.totals.profit.mean > 0.0
    assert type(model).from_dict(model.to_dict()) == model


def test_customers_nobody_counted_cannot_be_fitted():
    plain = History.from_frame(table()[["date", "channel", "spend", "revenue"]])
    with pytest.raises(HistoryError, match="counts no new customers"):
        fit(plain, response="customers")
    with pytest.raises(HistoryError, match="revenue or customers"):
        fit(plain, response="clicks")
