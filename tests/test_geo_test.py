"""Finished geo tests: known lifts are found, intervals cover, nothing is found in nothing."""

import datetime as dt
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from optimizer.geo_revenue import GeoRevenue
from optimizer.geo_test import GeoTestError, analyse_geo_test
from optimizer.history import HistoryError, UnusableHistoryError
from optimizer.synthetic_control import METHODS, synthetic_control
from tests.fitting import examples
from tests.geo_examples import geo_test

DATA = Path(os.environ.get("ROMI_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
CITIES = DATA / "geolift_test_conversions.csv"
START = 70  # period the simulated tests begin with
SIMULATED = 120
ROUNDING = 1e-9


def analysed(seed, **known):
    geo, markets, lift = geo_test(seed, **known)
    return analyse_geo_test(geo, markets=markets, start=geo.dates[START].date()), lift


@pytest.mark.parametrize("treated", [1, 2])
def test_known_lifts_are_found_without_bias_and_covered(treated):
    found = [analysed(1000 * treated + seed, relative_lift=0.08, n_treated=treated)
             for seed in range(SIMULATED if treated == 1 else SIMULATED // 4)]  # fmt: skip
    missed = np.array([(result.lift - lift) / result.expected for result, lift in found])
    error = missed.std() / np.sqrt(missed.size)
    assert abs(missed.mean()) < 3.0 * error
    inside = np.mean([r.interval[0] <= lift <= r.interval[1] for r, lift in found])
    assert inside >= 0.85
    assert inside <= 0.95 or treated == 2  # thirty are too few to tell 95 % from 100


def test_where_nothing_happened_a_tenth_is_found_at_a_tenth():
    found = [analysed(seed) for seed in range(SIMULATED)]
    outside = [not r.interval[0] <= 0.0 <= r.interval[1] for r, _ in found]
    assert 0.03 <= np.mean(outside) <= 0.17  # 0.1, give or take 2.5 standard errors
    assert 0.03 <= np.mean([r.p_value <= 0.1 for r, _ in found]) <= 0.17


@pytest.mark.parametrize("method", METHODS)
def test_a_market_made_of_others_is_found_to_be_made_of_them(method):
    rng = np.random.default_rng(4)
    controls = 1.0 + 0.1 * rng.standard_normal((80, 6))
    wanted = np.array([0.6, 0.4, 0.0, 0.0, 0.0, 0.0])
    found = synthetic_control(controls @ wanted, controls, 60, 20, method)
    np.testing.assert_allclose(found.weights, wanted, atol=0.02)
    assert found.weights.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(found.expected, controls @ wanted, atol=0.01)


def test_the_published_example_agrees_with_its_walkthrough():
    """GeoLift's own walkthrough reports a lift of 5.4 % for these cities."""
    geo = GeoRevenue.from_frame(pd.read_csv(CITIES))
    assert geo.revenue.shape == (105, 40)
    found = analyse_geo_test(geo, markets=["chicago", "portland"], start=dt.date(2021, 4, 1))
    assert (found.n_before, found.n_periods, found.controls) == (90, 15, 38)
    assert 0.04 < found.relative < 0.09
    assert found.interval[0] / found.expected < 0.054 < found.interval[1] / found.expected
    assert found.p_in_time < 0.1
    whole = found.lift_test("tv", spend_control=0.0, spend_test=100.0, per="week")
    assert whole.lift == pytest.approx(7 * found.whole * found.lift)
    assert whole.lift / whole.standard_error == pytest.approx(found.lift / found.standard_error)
    alone = found.lift_test("tv", spend_control=0.0, spend_test=100.0, whole=False)
    assert (alone.lift, alone.spend_test) == (found.lift, 100.0)
    assert alone.markets == ("chicago", "portland")


def test_units_scale_the_lift_and_change_nothing_else():
    geo, markets, _ = geo_test(3, relative_lift=0.1)
    start = geo.dates[START].date()
    once = analyse_geo_test(geo, markets=markets, start=start)
    times = GeoRevenue(geo.spacing, geo.dates, geo.markets, 100.0 * geo.revenue)
    again = analyse_geo_test(times, markets=markets, start=start)
    assert again.lift == pytest.approx(100.0 * once.lift, rel=ROUNDING)
    assert again.p_value == once.p_value


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"markets": ["city 99"]}, 'no market "city 99"'),
        ({"markets": []}, "names no market"),
        ({"start": dt.date(2026, 1, 3)}, "only 2 days before"),
        ({"start": dt.date(2027, 1, 3)}, "no data from"),
        ({"end": dt.date(2026, 1, 3)}, "swap the two"),
        ({"markets": [f"city {place:02d}" for place in range(18)]}, "not treated"),
    ],
)
def test_a_test_that_cannot_be_read_says_why(change, words):
    geo, markets, _ = geo_test(1)
    stated = {"markets": markets, "start": geo.dates[START].date()} | change
    with pytest.raises(GeoTestError, match=words):
        analyse_geo_test(geo, **stated)


def test_a_market_with_gaps_is_no_control_and_cannot_be_treated():
    geo, (market,), _ = geo_test(5, relative_lift=0.1)
    spoilt = geo.revenue.copy()
    other = (geo.markets.index(market) + 1) % len(geo.markets)
    spoilt[3, other] = np.nan
    gappy = GeoRevenue(geo.spacing, geo.dates, geo.markets, spoilt)
    start = str(geo.dates[START].date())
    found = analyse_geo_test(gappy, markets=market, start=start)
    assert geo.markets[other] not in found.weights
    assert found.controls == len(geo.markets) - 2
    with pytest.raises(GeoTestError, match="gaps"):
        analyse_geo_test(gappy, markets=[geo.markets[other]], start=start)


def test_the_revenue_of_a_history_is_read_market_by_market():
    spend = np.ones((2, 40, 3))
    history = examples.history("attributed", spend, 2.0 * spend, markets=("north", "south"))
    geo = GeoRevenue.of(history)
    assert geo.markets == ("north", "south")
    np.testing.assert_array_equal(geo.revenue, np.full((40, 2), 6.0))


def long_frame():
    geo, _, _ = geo_test(1)
    wide = pd.DataFrame(geo.revenue, index=geo.dates.astype(str), columns=list(geo.markets))
    long = wide.reset_index(names="date").melt("date", var_name="location", value_name="Y")
    return long.astype({"Y": object})


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda f: f.assign(Y=[*f["Y"][:-1], "many"]), "text_in_number"),
        (lambda f: f.assign(date=[*f["date"][:-1], "someday"]), "unreadable_date"),
        (lambda f: f.drop(index=5), "missing_period"),
        (lambda f: pd.concat([f, f[:1]]), "duplicate_row"),
    ],
)
def test_bad_tables_are_named_cell_by_cell(spoil, code):
    with pytest.raises(UnusableHistoryError) as caught:
        GeoRevenue.from_frame(spoil(long_frame()))
    assert code in {finding.code for finding in caught.value.findings}


def test_a_table_without_markets_says_what_it_needs():
    with pytest.raises(HistoryError, match="no column of markets"):
        GeoRevenue.from_frame(long_frame().drop(columns="location"))
