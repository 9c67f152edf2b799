"""What lies behind a fit, as data; drift of effectiveness; forecasts against no model at all."""

import json

import numpy as np
import pytest

from optimizer import fit
from optimizer.fit_report import FitReport
from tests.fitting import examples
from tests.fitting.examples import CEILINGS, HALVES, SLOPES, said

CENTS = 0.011  # money in a report is rounded


def reported(history, **options):
    kept = []
    model = fit(history, report=kept.append, **options)
    return model, kept[0]


@pytest.fixture(scope="module", params=["attributed", "aggregate"])
def pair(request):
    history = getattr(examples, request.param)()
    return (history, *reported(history))


def test_a_report_round_trips_and_changes_no_model(pair):
    history, model, report = pair
    assert FitReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report
    assert model == fit(history)
    assert report.history == model.fit.history


def test_residuals_are_what_the_model_leaves_of_the_history(pair):
    history, _, report = pair
    series = report.markets[0].series
    observed = history.revenue[0].reshape(156, -1)
    assert [s.channel for s in series] == (
        list(history.channels) if history.layout == "attributed" else [None]
    )
    for i, each in enumerate(series):
        np.testing.assert_allclose(each.observed, observed[:, i], atol=CENTS)
        np.testing.assert_allclose(
            np.array(each.fitted) + each.residual, each.observed, atol=3 * CENTS
        )
        assert 0.5 < np.std(each.standardised) < 2.0
    assert report.markets[0].dates[0] == "2023-01-02"


def test_every_parameter_has_its_prior_and_a_posterior_that_agrees_with_the_draws(pair):
    history, model, report = pair
    found = {(p.channel, p.parameter): p for p in report.markets[0].parameters}
    assert len(found) == 3 * (3 if history.layout == "attributed" else 4)
    usual = history.spend[0].mean(axis=0)
    for i, entry in enumerate(model.channels):
        half = found[entry.channel, "half_saturation"]
        assert half.prior_mean == pytest.approx(0.3)
        logs = np.log(np.array(entry.curve.half_saturation) / usual[i])
        assert logs.mean() == pytest.approx(half.posterior_mean, abs=0.05)
        assert logs.std() == pytest.approx(half.posterior_sd, rel=0.2)
        roas = found[entry.channel, "roas"]
        earned = examples.draws_of(entry, [usual[i]])[:, 0] / usual[i]
        assert np.log(earned).mean() == pytest.approx(roas.posterior_mean, abs=0.05)
        learned = said(model, "learned_share", entry.channel)[0].value
        assert roas.learned == pytest.approx(learned)


def test_pairs_are_ordered_and_the_first_is_the_closest_that_is_named(pair):
    _, model, report = pair
    pairs = report.markets[0].pairs
    assert len(pairs) == 3
    assert [p.doubt_left for p in pairs] == sorted((p.doubt_left for p in pairs), reverse=True)
    named = said(model, "closest_pair")[0]
    told = {(p.channel, p.other): p.roas_correlation for p in pairs}
    assert told[named.channel, named.other] == pytest.approx(named.value)


def test_the_back_test_holds_out_the_last_fifth_and_beats_no_model(pair):
    _, model, report = pair
    rolled = report.markets[0].backtest
    assert len(rolled.dates) == 156 - round(0.8 * 156)
    assert all(known < date for known, date in zip(rolled.known_until, rolled.dates, strict=True))
    assert len(set(rolled.known_until)) == 3
    assert rolled.error == pytest.approx(said(model, "holdout_error")[0].value)
    assert rolled.error < min(rolled.naive_errors.values())
    assert set(rolled.naive_errors) == {
        "the mean so far",
        "a straight line",
        "the same periods of last year",
    }
    for each in rolled.series:
        assert len(each.forecast) == len(each.observed) == len(rolled.dates)


def test_naive_forecasts_are_what_they_say():
    history = examples.aggregate(noise=0.0)
    line = np.arange(156.0)
    straight = examples.history("aggregate", history.spend[0], 1000.0 + line)
    _, report = reported(straight)
    rolled = report.markets[0].backtest
    naive = rolled.series[0].naive
    np.testing.assert_allclose(naive["a straight line"], rolled.series[0].observed, atol=CENTS)
    np.testing.assert_allclose(
        np.array(naive["the same periods of last year"]) + 52, rolled.series[0].observed, atol=CENTS
    )
    assert naive["the mean so far"][0] == pytest.approx((1000 + line)[:125].mean(), abs=CENTS)


def test_a_model_that_forecasts_worse_than_last_year_is_warned_of():
    """A wave of a fifth of a year repeats exactly every year: no column of the model knows it."""
    history = examples.aggregate()
    wave = 400 * np.sin(2 * np.pi * np.arange(156) * 5 / 52)
    model = fit(examples.history("aggregate", history.spend[0], 1500 + wave))
    told = said(model, "naive_forecasts")[0]
    assert told.severity == "warning"
    assert "last year forecast the end of the history better" in told.message


def test_short_histories_have_no_last_year_to_compare_with():
    _, report = reported(examples.aggregate(n_periods=40))
    assert "the same periods of last year" not in report.markets[0].backtest.naive_errors


def drifting(seed=2, fall=0.5, noise=15.0):
    """A market in which the first channel's effectiveness falls by half over three years."""
    spend = examples.spends(seed)
    earned = examples.hill(spend, 2.0 * CEILINGS, HALVES, SLOPES)
    earned[:, 0] *= np.linspace(1.0 / fall, 1.0, len(spend))
    shocks = np.random.default_rng([seed, 9]).normal(0.0, noise, len(spend))
    return examples.history("aggregate", spend, 1000 + earned.sum(axis=1) + shocks)


def test_what_a_channel_is_worth_now_is_found_where_it_drifts():
    history = drifting()
    usual = history.spend[0].mean(axis=0)[:1]
    truth = examples.hill(usual, 2.0 * CEILINGS[0], HALVES[0], SLOPES[0])[0]
    still, (moving, report) = fit(history), reported(history, drift=0.03)
    bands = [
        np.quantile(examples.draws_of(m.channels[0], usual) / truth, [0.05, 0.5, 0.95])
        for m in (still, moving)
    ]
    assert bands[0][0] > 1.0, "a band that cannot be right: the average of three years"
    assert bands[1][0] < 1.0 < bands[1][2]
    assert bands[1][1] == pytest.approx(1.0, abs=0.15)
    course = report.markets[0].effectiveness[0]
    assert course.mean[0] / course.mean[-1] == pytest.approx(2.0, abs=0.4)
    assert course.mean[-1] == pytest.approx(course.roas, abs=1e-4)
    then = 2.0 * truth / usual[0]
    assert course.p05[0] < then < course.p95[0]
    for each in report.markets[0].effectiveness:
        low, mid, high = (np.array(b) for b in (each.p05, each.mean, each.p95))
        assert (low < mid).all()
        assert (mid < high).all()


def test_without_drift_there_is_no_course(pair):
    assert pair[2].markets[0].effectiveness == ()


def test_a_smooth_baseline_takes_up_what_trend_and_seasons_cannot():
    history = examples.aggregate(noise=10.0)
    bump = 120 * np.exp(-(((np.arange(156) - 70) / 8.0) ** 2))
    bumpy = examples.history("aggregate", history.spend[0], history.revenue[0] + bump)
    plain, smooth = fit(bumpy), fit(bumpy, baseline="smooth")
    left = [said(m, "residual_autocorrelation")[0].value for m in (plain, smooth)]
    assert left[1] < 0.5 * left[0]
    assert said(smooth, "r_squared")[0].value > said(plain, "r_squared")[0].value
