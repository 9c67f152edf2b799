"""Customer value: gradients, published figures, known truth, and what transactions may hold."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime
from typer.testing import CliRunner

from api.cli import app
from optimizer import (
    Customers,
    DocumentError,
    FitError,
    HistoryError,
    Transactions,
    UnusableTransactionsError,
    value_customers,
)
from optimizer.customers.purchases import CENTRE, Purchases, expected_orders
from optimizer.customers.spending import Spending
from optimizer.misspecified_shops import KINDS, misspecified_shop
from optimizer.synthetic_shops import simulated_shop

CDNOW = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}  # Fader, Hardie and Lee (2005)
PUBLISHED_DIGITS = 5e-3  # relative: the published parameters have three digits
MEDIAN_ERROR, ROUGH = 0.10, 0.15  # ROUGH: where the models are wrong
COVERED = (0.80, 0.97)
SHOPS = range(40, 52)


def test_expected_orders_are_those_published_for_cdnow():
    weeks = np.array([0.1429, 1.0, 3.0, 31.8571, 32.0, 78.0])
    published = [0.0078, 0.0532, 0.1506, 1.0405, 1.0437, 1.8576]
    np.testing.assert_allclose(expected_orders(weeks, **CDNOW), published, rtol=PUBLISHED_DIGITS)


@pytest.mark.parametrize("a", [0.2, 0.4, 1.0, 1.0 + 1e-9, 3.0, 30.0, 300.0])
def test_expected_orders_rise_and_never_exceed_those_of_customers_who_stay(a):
    weeks = np.linspace(0.0, 1e4, 200)
    orders = expected_orders(weeks, r=0.5, alpha=5.0, a=a, b=0.6)
    assert orders[0] == pytest.approx(0.0, abs=1e-9)
    assert np.all(np.diff(orders) > 0.0)
    assert np.all(orders <= 0.1 * weeks + 1e-9)


@pytest.mark.parametrize("weeks", [4.0, 26.0, 104.0])
def test_expected_orders_are_the_mean_of_simulated_customers(weeks):
    rng, size = np.random.default_rng(11), 200_000
    truth = {"r": 0.7, "alpha": 6.0, "a": 0.9, "b": 2.2}
    rate, leaves = rng.gamma(0.7, 1.0 / 6.0, size), rng.beta(0.9, 2.2, size)
    orders, when, stays = np.zeros(size), np.zeros(size), np.ones(size, dtype=bool)
    while stays.any():
        when += rng.exponential(1.0, size) / np.maximum(rate, 1e-12)
        again = stays & (when <= weeks)
        orders += again
        stays = again & (rng.uniform(size=size) > leaves)
    error = float(orders.std() / np.sqrt(size))
    assert abs(orders.mean() - float(expected_orders(np.array(weeks), **truth))) < 4.0 * error


def test_gradients_are_those_of_the_likelihoods():
    rng = np.random.default_rng(3)
    repeats = rng.poisson(1.0, 200).astype(float)
    recency = np.where(repeats > 0, rng.uniform(1, 20, 200), 0.0)
    bought = Purchases.of(repeats, recency, rng.uniform(20, 50, 200))
    spent = Spending(rng.poisson(2, 100) + 1.0, rng.gamma(3, 0.3, 100))
    for model, at in ((bought, CENTRE + 0.3), (spent, np.array([1.0, 1.0, 0.1]))):
        value, slope = model.log_likelihood(at)
        rough = approx_fprime(at, lambda logs, own=model: own.log_likelihood(logs)[0], 1e-6)
        np.testing.assert_allclose(slope, rough, rtol=1e-3, atol=1e-2)
        assert np.isfinite(value)


def test_the_value_of_known_shops_is_found_and_segments_matter():
    errors, ignoring, covered = [], [], []
    for seed in SHOPS:
        shop = simulated_shop(seed)
        found = value_customers(shop.transactions, seed=seed)
        for row in found.segments:
            truth = shop.value[row.segment]
            errors.append(abs(row.value.mean / truth - 1.0))
            ignoring.append(abs(found.whole.value.mean / truth - 1.0))
            covered.append(row.value.p05 <= truth <= row.value.p95)
    assert np.median(errors) < MEDIAN_ERROR
    assert np.median(errors) < 0.7 * np.median(ignoring)
    assert np.mean(covered) >= COVERED[0]


def orders(n: int = 400) -> pd.DataFrame:
    """A readable file of orders: two channels, every other customer twice or more."""
    rng = np.random.default_rng(1)
    rows = []
    for number in range(n):
        first, channel = int(rng.integers(0, 300)), "tv" if number < n - 30 else "radio"
        for again in range(1 + int(rng.poisson(0.9))):
            day = dt.date(2024, 1, 1) + dt.timedelta(days=min(first + 25 * again, 400))
            rows.append((f"c{number}", day.isoformat(), round(float(rng.gamma(4, 12)), 2), channel))
    return pd.DataFrame(rows, columns=["customer", "date", "amount", "channel"])


def codes(found: Transactions) -> set[str]:
    return {finding.code for finding in found.findings}


def test_refunds_are_netted_and_a_customer_of_refunds_alone_is_left_out():
    frame = pd.DataFrame(
        [("a", "2024-01-01", 50.0), ("a", "2024-02-01", 30.0), ("a", "2024-02-20", -40.0),
         ("b", "2024-03-01", -5.0)],
        columns=["customer", "date", "amount"],
    )  # fmt: skip
    found = Transactions.from_frame(frame)
    assert found.repeats.tolist() == [0.0]
    assert found.first_order.tolist() == [40.0]
    assert {"refunds", "only_refunds", "one_time_buyers"} <= codes(found)


def test_what_was_done_to_the_orders_is_said():
    frame = pd.DataFrame(
        [("a", "2024-01-01", 50.0, "tv"), ("a", "2024-01-01", 20.0, "tv"),
         ("a", "2024-02-01", 9.0, "mail"), ("b", "2024-01-05", 7.0, None),
         ("b", "2024-01-05", 7.0, None), ("c", "2031-01-01", 7.0, "tv")],
        columns=["customer", "date", "amount", "channel"],
    )  # fmt: skip
    found = Transactions.from_frame(frame, as_of=dt.date(2024, 12, 31))
    said = {"same_day", "two_segments", "blank_segment", "duplicate_row", "future_date"}
    assert said <= codes(found)
    assert found.segment.tolist() == ["tv", ""]
    assert found.first_order.tolist() == [70.0, 7.0]


def test_a_stray_year_ends_neither_the_data_nor_the_customers_lives():
    frame = orders()
    frame.loc[5, "date"], frame.loc[9, "date"] = "2042-03-01", "1970-01-01"
    found = Transactions.from_frame(frame)
    (stray,) = (finding for finding in found.findings if finding.code == "date_apart")
    assert stray.message.startswith("2 rows")
    assert stray.row == 7
    assert found.as_of == Transactions.from_frame(frame.drop(index=[5, 9])).as_of
    stated = Transactions.from_frame(frame, as_of=dt.date(2025, 3, 1))
    assert stated.as_of == dt.date(2025, 3, 1)


def test_few_orders_far_apart_are_no_strays():
    frame = pd.DataFrame({"customer": ["a", "b"], "date": ["2022-01-01", "2024-01-01"],
                          "amount": [5.0, 6.0]})  # fmt: skip
    assert "date_apart" not in codes(Transactions.from_frame(frame))


def test_refunds_beyond_what_was_paid_are_said():
    frame = pd.DataFrame(
        [("a", "2024-01-01", 50.0), ("a", "2024-02-01", -80.0), ("a", "2024-03-01", 20.0),
         ("b", "2024-01-05", 10.0), ("b", "2024-01-09", -10.0), ("b", "2024-02-09", 7.0)],
        columns=["customer", "date", "amount"],
    )  # fmt: skip
    found = Transactions.from_frame(frame)
    (excess,) = (finding for finding in found.findings if finding.code == "refund_too_large")
    assert "1 refund took" in excess.message
    assert "30.00" in excess.message
    assert excess.row == 3
    assert found.first_order.tolist() == [20.0, 7.0]


def test_rows_without_a_customer_or_an_amount_are_left_out():
    frame = orders().astype(object)
    frame.loc[2, "customer"], frame.loc[4, "amount"], frame.loc[6, "amount"] = None, None, 0.0
    found = Transactions.from_frame(frame)
    told = {finding.code: finding.message for finding in found.findings}
    assert told["blank_customer"].startswith("1 rows")
    assert told["blank_amount"].startswith("2 rows")
    with pytest.raises(HistoryError, match="No order is left"):
        Transactions.from_frame(frame.assign(customer=None))


def test_which_column_was_taken_for_what_is_told():
    found = Transactions.from_frame(orders().assign(shop="web"))
    told = {finding.code: finding.message for finding in found.findings}
    assert "segment: channel" in told["roles"]
    assert '"shop"' in told["ignored_columns"]


def test_a_small_segment_takes_the_value_of_all_with_a_wider_interval():
    found = value_customers(Transactions.from_frame(orders()), margin=0.4)
    radio, tv = found.segments
    assert (radio.segment, radio.is_pooled, tv.is_pooled) == ("radio", True, False)
    assert radio.value.mean == pytest.approx(found.whole.value.mean)
    assert radio.value.p95 - radio.value.p05 > tv.value.p95 - tv.value.p05
    assert "small_segment" in {finding.code for finding in found.findings}
    assert Customers.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    assert found.values["tv"] == tv.value.mean  # noqa: PD011  (not pandas)
    assert found.values_per_revenue["tv"] * tv.first_order == pytest.approx(tv.value.mean)


def test_what_cannot_be_used_is_refused():
    frame = orders()
    with pytest.raises(FitError, match="1 customers"):
        value_customers(Transactions.from_frame(frame[frame["customer"] == "c1"]))
    mixed = frame.assign(currency=["EUR", "USD"] * (len(frame) // 2) + ["EUR"] * (len(frame) % 2))
    with pytest.raises(UnusableTransactionsError, match="mixed"):
        Transactions.from_frame(mixed)
    with pytest.raises(UnusableTransactionsError, match="not a number"):
        Transactions.from_frame(frame.assign(amount=["many", *frame["amount"].astype(str)[1:]]))
    with pytest.raises(HistoryError, match="did you mean"):
        Transactions.from_frame(frame, columns={"segment": "chanel"})
    with pytest.raises(DocumentError, match="above 0"):
        value_customers(Transactions.from_frame(frame), margin=0.0)


def test_the_command_prints_a_table_and_writes_the_document(tmp_path):
    orders().to_csv(tmp_path / "orders.csv", index=False)
    out = tmp_path / "customers.json"
    run = CliRunner()
    told = run.invoke(app, ["customers", str(tmp_path / "orders.csv"), "--margin", "0.4"])
    assert told.exit_code == 0, told.output
    assert "radio *" in told.stdout
    written = run.invoke(app, ["customers", str(tmp_path / "orders.csv"), "-o", str(out)])
    assert written.exit_code == 0, written.output
    assert Customers.from_dict(json.loads(out.read_text())).margin == 1.0
    missing = run.invoke(app, ["customers", str(tmp_path / "none.csv")])
    assert missing.exit_code == 3


@pytest.mark.parametrize("kind", KINDS)
def test_customers_who_behave_otherwise_are_still_valued_roughly(kind):
    errors = []
    for seed in range(60, 63):
        shop = misspecified_shop(seed, kind)
        seen = shop.transactions
        assert np.all(seen.recency <= seen.age)
        assert np.all((seen.repeats > 0) == (seen.repeat_mean > 0))
        found = value_customers(seen)
        errors += [abs(row.value.mean / shop.value[row.segment] - 1.0) for row in found.segments]
    assert np.median(errors) < ROUGH


def test_the_first_order_and_those_after_it_are_doubted_together():
    shop = simulated_shop(44, n_segments=1).transactions
    apart = replace(shop, first_order=np.random.default_rng(2).permutation(shop.first_order))

    def doubt(seen: Transactions) -> float:
        return float(np.std(value_customers(seen, draws=4000).whole.draws))

    assert doubt(shop) > 1.01 * doubt(apart)
