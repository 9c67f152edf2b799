"""Diagnostics: what they say is true, also where the history is odd."""

import json
import warnings

import numpy as np
import pytest

from optimizer.errors import DocumentError, FitError
from optimizer.fitting.fit import fit
from optimizer.history import Control, Spacing
from tests.fitting import examples
from tests.fitting.examples import CEILINGS, HALVES, SLOPES, said

SEEDS = range(8)


def noisy(spend, seed, noise, spacing=Spacing.WEEK):
    earned = examples.hill(spend, CEILINGS, HALVES, SLOPES).sum(axis=1)
    shocks = np.random.default_rng([seed, 9]).normal(0.0, noise, len(spend))
    return examples.history("aggregate", spend, 1000 + earned + shocks, spacing=spacing)


def twins(seed, noise):
    spend = examples.spends(seed)
    spend[:, 1] = spend[:, 0]
    return noisy(spend, seed, noise)


@pytest.mark.parametrize("noise", [10.0, 30.0, 100.0])
def test_twins_are_warned_of_in_noise_and_independent_channels_are_not(noise):
    warned = []
    for seed in SEEDS:
        pair = said(fit(twins(seed, noise), seed=seed), "closest_pair")[0]
        named = {pair.channel, pair.other} == {"a", "b"} and "only their sum" in pair.message
        warned.append(named and pair.severity == "warning")
        apart = said(fit(noisy(examples.spends(seed), seed, noise), seed=seed), "closest_pair")[0]
        assert apart.severity == "note"
        assert "can be told apart" in apart.message
    assert np.mean(warned) >= 7 / 8


def test_attributed_twins_are_told_apart_by_their_own_revenue():
    spend = examples.spends(1)
    spend[:, 1] = spend[:, 0]
    earned = examples.hill(spend, CEILINGS, HALVES, SLOPES)
    shocks = np.random.default_rng(2).normal(1.0, 0.05, spend.shape)
    pair = said(fit(examples.history("attributed", spend, earned * shocks)), "closest_pair")[0]
    assert pair.severity == "note"


def test_twins_whose_returns_were_stated_are_no_warning():
    stated = {c: {"roas": (2.0, 0.05)} for c in "ab"}
    pair = said(fit(twins(1, 30.0), priors=stated), "closest_pair")[0]
    assert {pair.channel, pair.other} != {"a", "b"}


def test_pure_noise_tells_no_pair_apart():
    spend = np.random.default_rng(3).lognormal(4.6, 0.3, (60, 3))
    revenue = np.abs(np.random.default_rng(4).normal(1000.0, 400.0, 60))
    pair = said(fit(examples.history("aggregate", spend, revenue)), "closest_pair")[0]
    assert pair.severity == "warning"
    assert "hard to tell apart" in pair.message


@pytest.mark.parametrize("make", [examples.attributed, examples.aggregate])
def test_constant_spend_is_not_praised(make):
    good = make()
    spend = good.spend[0].copy()
    spend[:, 1] = 100.0
    model = fit(examples.history(good.layout, spend, good.revenue[0]))
    words = said(model, "learned_share", "b")[0].message
    assert "of the doubt" not in words
    if good.layout == "attributed":
        assert "known at today's spend, but not what more or less" in words
        assert "of the doubt" in said(model, "learned_share", "a")[0].message


def test_a_tight_belief_is_named_instead_of_blamed():
    history = examples.aggregate(noise=300.0)
    tight = said(fit(history, priors={"a": {"roas": (2.0, 0.05)}}), "learned_share", "a")[0]
    assert tight.severity == "note"
    assert "you stated (2, give or take 5.1%)" in tight.message
    assert "Lock" not in tight.message
    spend = np.full_like(history.spend[0], 100.0)
    blind = examples.history("aggregate", spend, history.revenue[0])
    loose = said(fit(blind, priors={"a": {"roas": (2.0, 0.9)}}), "learned_share", "a")[0]
    assert "stated" not in loose.message


@pytest.mark.parametrize("layout", ["attributed", "aggregate"])
def test_constant_revenue_is_not_judged(layout):
    spend = examples.spends(1)
    revenue = np.full(spend.shape if layout == "attributed" else len(spend), 1000.0)
    model = fit(examples.history(layout, spend, revenue))
    explained = said(model, "r_squared")[0]
    assert explained.value is None
    assert "cannot be judged" in explained.message
    assert said(model, "residual_autocorrelation")[0].severity == "note"
    numbers = [d.value for d in model.fit.diagnostics if d.value is not None]
    assert np.abs(numbers).max() < 1e3
    json.dumps([d.model_dump() for d in model.fit.diagnostics], allow_nan=False)


@pytest.mark.parametrize("make", [examples.attributed, examples.aggregate])
def test_revenue_that_ended_leaves_no_forecast_to_judge(make):
    good = make()
    revenue = good.revenue[0].copy()
    revenue[100:] = 0.0
    held = said(fit(examples.history(good.layout, good.spend[0], revenue)), "holdout_error")[0]
    assert held.value is None
    assert "cannot be judged" in held.message


def test_the_holdout_says_what_was_held_out():
    words = said(fit(examples.aggregate()), "holdout_error")[0].message
    assert "by curves refitted without it" in words


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_control_with_gaps_is_named(bad):
    good = examples.aggregate()
    values = np.ones((1, 156))
    values[0, 7] = bad
    controls = (Control("price", "other", values),)
    spoilt = examples.history("aggregate", good.spend[0], good.revenue[0], controls=controls)
    with pytest.raises(FitError, match='control "price" holds gaps'):
        fit(spoilt)


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({"roas": (1.5, 1e6)}, "5 at most"),
        ({"retention": (0.0, 6.0)}, "of the logit"),
        ({"slope": (1.0, 1e-9)}, "0.0001 at least"),
        ({"roas": (1e30, 0.5)}, "can hardly be meant"),
        ({"half_saturation": (1e-9, 0.5)}, "can hardly be meant"),
        ({"slope": (300.0, 0.5)}, "from 0.05 to 20"),
        ({"retention": (40.0, 0.5)}, "from -10 to 10"),
    ],
)
def test_beliefs_nobody_can_mean_are_refused(own, words):
    with pytest.raises(DocumentError) as caught:
        fit(examples.aggregate(), priors={"a": own})
    assert words in str(caught.value)


@pytest.mark.parametrize("sd", [1e-4, 5.0])
@pytest.mark.parametrize("make", [examples.attributed, examples.aggregate])
def test_the_widest_and_tightest_beliefs_fit_without_a_murmur(make, sd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = fit(make(), priors={"a": {"roas": (1.5, sd), "slope": (1.0, sd)}})
    assert np.isfinite(model.channels[0].curve.ceiling).all()


def test_a_test_that_shows_nothing_is_not_recommended():
    model = fit(examples.aggregate(noise=2000.0, level=10000.0))
    found = said(model, "best_test")[0]
    assert found.value is None
    assert "no affordable test shows it" in found.message


def test_a_clear_test_has_a_length_in_the_historys_own_periods():
    spend = examples.spends(2, 60, liveliness=0.15)
    weekly = said(fit(noisy(spend, 2, 3.0)), "best_test")[0]
    monthly = said(fit(noisy(spend, 2, 3.0, Spacing.MONTH)), "best_test")[0]
    assert weekly.value is not None
    assert "week" in weekly.message
    assert "month" in monthly.message
    assert "week" not in monthly.message


def test_where_effects_last_a_test_takes_longer():
    spend = examples.spends(2, 156, liveliness=0.15)
    history = noisy(spend, 2, 3.0)

    def length(logit):
        own = {c: {"retention": (logit, 0.01)} for c in "abc"}
        words = said(fit(history, priors=own), "best_test")[0].message
        return int(words.split(" week")[0].split()[-1])

    assert length(-3.0) < length(2.2)
