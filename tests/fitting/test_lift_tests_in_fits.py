"""fit with lift tests: curves move to what was measured, and every test is judged."""

import dataclasses
import datetime as dt

import numpy as np
import pytest

from optimizer import synthetic_experiments
from optimizer.fitting.fit import fit
from optimizer.fitting.lift_verdicts import Verdict
from optimizer.lift_tests import LiftTest, UnusableTestsError, lift_tests_hash
from tests.fitting import examples
from tests.fitting.examples import CEILINGS, HALVES, SLOPES, draws_of, said

USUAL = 128.0  # currency; mean spend of the examples


def truth(channel, spend):
    return float(
        examples.hill(np.array(spend), CEILINGS[channel], HALVES[channel], SLOPES[channel])
    )


def off(channel, share=1.0, error=0.05, **more):
    """A test that switched a channel off, by the truth times a share."""
    lift = -share * truth(channel, USUAL)
    dates = {"start": dt.date(2024, 1, 1), "end": dt.date(2024, 4, 28)} | more
    return LiftTest("abc"[channel], spend_control=USUAL, spend_test=0.0, lift=lift,
                    standard_error=error * abs(lift), **dates)  # fmt: skip


def earned(model, channel):
    return draws_of(model.channels[channel], [USUAL])[:, 0]


def test_a_test_of_an_aggregate_fit_narrows_its_curve_around_what_was_measured():
    history = examples.aggregate(noise=60.0)
    before, after = fit(history), fit(history, lift_tests=[off(0)])
    assert earned(after, 0).std() < 0.5 * earned(before, 0).std()
    assert np.median(earned(after, 0)) == pytest.approx(truth(0, USUAL), rel=0.1)


def test_a_test_far_from_what_was_believed_is_not_clipped_by_the_belief():
    """A stated ROAS of 0.3, tightly, against a test that measures ten times that."""
    history = examples.aggregate(noise=60.0)
    model = fit(history, priors={"a": {"roas": (0.3, 0.2)}}, lift_tests=[off(0, error=0.01)])
    assert np.median(earned(model, 0)) == pytest.approx(truth(0, USUAL), rel=0.05)


def test_attributed_curves_are_scaled_to_what_tests_find_incremental():
    history = examples.attributed()
    model = fit(history, lift_tests=[off(0, share=0.5), off(1, share=0.5)])
    for channel in (0, 1):
        assert np.median(earned(model, channel)) == pytest.approx(
            0.5 * truth(channel, USUAL), rel=0.1
        )
        assert model.channels[channel].incrementality[0] == pytest.approx(0.5, abs=0.05)
    untested = earned(model, 2) / truth(2, USUAL)
    assert 0.5 < np.median(untested) < 0.9  # drawn toward what the others' tests say
    assert untested.std() > 3 * (earned(model, 0) / truth(0, USUAL)).std()
    assert said(model, "not_tested")[0].severity == "warning"
    assert not said(model, "not_incremental")


def test_a_tight_test_fixes_every_draw_of_an_attributed_curve():
    model = fit(examples.attributed(), lift_tests=[off(0, share=0.6, error=0.002)])
    np.testing.assert_allclose(earned(model, 0), 0.6 * truth(0, USUAL), rtol=0.02)


def test_a_stated_factor_is_the_belief_that_tests_start_from():
    factors = {"a": (0.6, 0.001), "b": (0.6, 0.3)}
    tests = [off(0, share=0.9, error=0.1), off(1, share=0.9, error=0.05)]
    model = fit(examples.attributed(), incrementality=factors, lift_tests=tests)
    sure, open_minded = (model.channels[i].incrementality[0] for i in (0, 1))
    assert sure == pytest.approx(0.6, abs=0.02)
    assert open_minded == pytest.approx(0.88, abs=0.06)
    assert [entry.channel for entry in said(model, "lift_test_contradicts")] == ["a"]


def test_the_same_test_in_every_layout_needs_no_draws():
    for history in (examples.attributed(), examples.aggregate()):
        model = fit(history, lift_tests=[off(0)], draws=0)
        assert isinstance(model.channels[0].curve.ceiling, float)
        assert len(said(model, "lift_test")) == 1


def test_a_test_that_agrees_is_a_note_and_one_that_does_not_is_reported():
    history = examples.aggregate(noise=5.0)
    wrong = dataclasses.replace(off(0), lift=4 * off(0).lift)
    fitting, contradicting = (fit(history, lift_tests=[test]) for test in (off(0), wrong))
    assert abs(said(fitting, "lift_test")[0].value) < 2.5
    assert not said(fitting, "lift_test_contradicts")
    (report,) = said(contradicting, "lift_test_contradicts")
    assert report.severity == "warning"
    assert report.value < -2.5
    assert report.figures["lift"] == wrong.lift
    assert report.figures["without_test"] == pytest.approx(off(0).lift, rel=0.5)


def test_a_score_counts_standard_errors_of_test_and_curve_together():
    rng = np.random.default_rng(1)
    without = 10.0 + 3.0 * rng.standard_normal(4000)
    test = dataclasses.replace(off(0), lift=20.0, standard_error=4.0)
    assert Verdict(test, without, without).score == pytest.approx(2.0, abs=0.15)  # 10 / 5


def test_a_short_test_of_an_effect_that_lasts_is_said_to_be_short():
    history = examples.aggregate()
    short = off(0, start=dt.date(2024, 1, 1), end=dt.date(2024, 1, 7))
    stated = {"a": {"retention": (2.0, 0.05)}}
    (report,) = said(fit(history, priors=stated, lift_tests=[short]), "lift_test_short")
    assert report.value < 0.2
    assert not said(fit(history, priors=stated, lift_tests=[off(1)]), "lift_test_short")


def test_a_test_of_a_channel_without_spend_is_said_to_be_of_no_use():
    history = examples.aggregate()
    spend = history.spend.copy()
    spend[..., 2] = 0.0
    model = fit(dataclasses.replace(history, spend=spend), lift_tests=[off(0), off(2)])
    assert [entry.channel for entry in said(model, "lift_test_unused")] == ["c"]
    assert len(said(model, "lift_test")) == 1


def test_a_model_remembers_its_tests_and_its_noise():
    tests = [off(0), off(1)]
    model = fit(examples.aggregate(noise=10.0), lift_tests=tests)
    assert model.fit.lift_tests == lift_tests_hash(tests)
    (noise,) = model.fit.noise
    assert noise.channel is None
    assert noise.sd == pytest.approx(10.0, rel=0.3)
    attributed = fit(examples.attributed())
    assert [entry.channel for entry in attributed.fit.noise] == ["a", "b", "c"]
    assert attributed.fit.lift_tests is None


def test_faults_of_tests_are_refused_before_anything_is_fitted():
    wrong = [
        dataclasses.replace(off(0), standard_error=0.0),
        dataclasses.replace(off(1), channel="z"),
    ]
    with pytest.raises(UnusableTestsError) as caught:
        fit(examples.aggregate(), lift_tests=wrong)
    assert {found.code for found in caught.value.findings} == {
        "no_standard_error", "unknown_channel"
    }  # fmt: skip


def test_attributed_curves_by_market_take_tests_of_their_own_market():
    one = examples.attributed()
    history = examples.history(
        "attributed",
        np.stack([one.spend[0], 0.5 * one.spend[0]]),
        np.stack([one.revenue[0], one.revenue[0]]),
        markets=("north", "south"),
    )
    model = fit(history, lift_tests=[off(0, share=0.5, markets=("north",))])
    shares = [entry.incrementality[0] for entry in model.channels if entry.channel == "a"]
    assert shares[0] == shares[1] == pytest.approx(0.5, abs=0.06)  # of the platform, not of a place
    with pytest.raises(UnusableTestsError, match="one market"):
        fit(history, lift_tests=[off(0)])


def test_markets_with_tests_tell_the_truth_give_or_take_their_errors():
    scores = []
    for seed in range(40):
        market = synthetic_experiments.market_with_tests(seed)
        assert 2 <= len(market.lift_tests) <= 4
        for test in market.lift_tests:
            curve = market.curves[market.history.channels.index(test.channel)]
            wanted = float(curve(test.spend_test) - curve(test.spend_control))
            scores.append((test.lift - wanted) / test.standard_error)
            assert 0.2 <= test.standard_error / abs(wanted) <= 0.4
    assert np.std(scores) == pytest.approx(1.0, abs=0.2)
    assert abs(np.mean(scores)) < 0.3
