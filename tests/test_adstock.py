"""Carryover: laws of the normalised geometric adstock."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from optimizer.adstock import (
    WINDOW,
    adstock,
    adstock_slope,
    adstock_weight_slopes,
    adstock_weights,
    peaked_weight_slopes,
)
from optimizer.model import Carryover

ROUNDING = 1e-9  # of the largest spend: sums of a hundred products

retentions = st.floats(0.0, 0.99)
windows = st.sampled_from(sorted(WINDOW.values()))
spends = arrays(np.float64, (40, 2), elements=st.floats(0, 1e6))


@given(retention=retentions, window=windows)
def test_weights_fall_and_sum_to_one(retention, window):
    weights = adstock_weights(np.array(retention), window)
    assert weights.sum() == pytest.approx(1.0)
    assert np.all(np.diff(weights) <= 0)
    assert np.all(weights >= 0)


@given(level=st.floats(0, 1e9), retention=retentions, window=windows)
def test_constant_spend_passes_unchanged(level, retention, window):
    spend = np.full((120, 1), level)
    felt = adstock(spend, retention=np.array([retention]), window=window)
    np.testing.assert_allclose(felt, spend, rtol=ROUNDING)


@given(one=spends, other=spends, factor=st.floats(0, 10), retention=retentions)
def test_adstock_is_linear_in_spend(one, other, factor, retention):
    kept = np.array([retention, retention / 2])
    together = adstock(one + factor * other, retention=kept, window=13)
    apart = adstock(one, retention=kept, window=13) + factor * adstock(
        other, retention=kept, window=13
    )
    np.testing.assert_allclose(together, apart, atol=ROUNDING * 1e7)


@given(pulse=st.floats(1, 1e6), retention=retentions, window=windows)
def test_a_pulse_is_spread_out_but_none_of_it_is_lost(pulse, retention, window):
    spend = np.zeros((20 + window, 1))
    spend[15] = pulse
    felt = adstock(spend, retention=np.array([retention]), window=window)
    assert felt.sum() == pytest.approx(pulse)
    assert np.all(felt[:15] == 0.0)


def test_no_retention_feels_only_the_spend_of_the_period_itself():
    spend = np.arange(30.0)[:, None]
    np.testing.assert_array_equal(adstock(spend, retention=np.zeros(1), window=13), spend)


def test_spend_before_the_history_is_the_mean_of_its_first_eight_periods():
    spend = np.zeros((20, 1))
    spend[:8, 0] = np.arange(8.0)
    felt = adstock(spend, retention=np.array([0.5]), window=3)
    assert felt[0, 0] == pytest.approx((2 * 3.5 + 1 * 3.5) / 7)  # weights 4/7, 2/7, 1/7


@given(retention=st.floats(0.01, 0.95), window=windows)
def test_slopes_of_the_weights_agree_with_differences(retention, window):
    step = 1e-6
    ends = np.array([retention - step, retention + step])
    low, high = adstock_weights(ends, window)
    slopes = adstock_weight_slopes(np.array(retention), window)
    np.testing.assert_allclose(slopes, (high - low) / (2 * step), atol=1e-6)
    assert slopes.sum() == pytest.approx(0.0, abs=1e-9)


def test_slope_of_adstock_agrees_with_differences():
    rng, kept, step = np.random.default_rng(3), np.array([0.3, 0.8]), 1e-6
    spend = rng.lognormal(size=(50, 2))
    ends = [adstock(spend, retention=kept + s, window=13) for s in (-step, step)]
    slope = adstock_slope(spend, retention=kept, window=13)
    np.testing.assert_allclose(slope, (ends[1] - ends[0]) / (2 * step), atol=1e-7)


def test_a_delayed_effect_lasts_as_the_geometric_one_that_is_as_late():
    """Only the mean lag counts: a quarter of a year is long enough for it."""
    for kept in (0.0, 0.3, 0.7):
        late = adstock_weights(np.array(kept), 91) @ np.arange(91)
        assert late / (1 + late) == pytest.approx(kept, abs=1e-9)
        assert Carryover(retention=kept).lasting == pytest.approx(kept)
    delayed = Carryover(retention=[0.5, 0.5], delay=[1.0, 3.0])
    means = [adstock_weights(np.array(0.5), 91, np.array(d)) @ np.arange(91) for d in (1.0, 3.0)]
    assert delayed.lasting == pytest.approx(np.mean([m / (1 + m) for m in means]))


@given(kept=st.floats(0.01, 0.99), delay=st.floats(0.0, 6.0))
def test_delayed_weights_are_shares_that_rise_to_their_peak_and_fall(kept, delay):
    weights = adstock_weights(np.array(kept), 13, np.array(delay))
    assert weights.sum() == pytest.approx(1.0)
    assert (weights >= 0.0).all()
    peak = int(weights.argmax())
    assert abs(peak - delay) <= 0.5 + 1e-9
    assert (np.diff(weights[: peak + 1]) >= 0).all()
    assert (np.diff(weights[peak:]) <= 0).all()


@given(kept=st.floats(0.05, 0.95), delay=st.floats(0.0, 6.0))
def test_slopes_of_delayed_weights_agree_with_differences(kept, delay):
    step = 1e-6
    retention, late = np.array(kept), np.array(delay)
    found = peaked_weight_slopes(retention, late, 13)
    for slope, (a, b) in zip(found, ((step, 0.0), (0.0, step)), strict=True):
        high = adstock_weights(retention + a, 13, late + b)
        low = adstock_weights(retention - a, 13, late - b)
        np.testing.assert_allclose(slope, (high - low) / (2 * step), atol=1e-5)
