"""Which lift test next: laws of information, and of proposals."""

import numpy as np
import pytest

from optimizer import Model, Scenario
from optimizer.experiments import NoTestError, propose_tests
from optimizer.experiments_document import Experiments
from optimizer.fitting.fit import fit
from optimizer.information import Doubt, explained, gain
from tests.fitting import examples

DRAWS = 300
PLAN = {"periods": 13, "budget": 13 * 400.0, "bounds": (0.2, 3.0)}


def model_of(*doubts, markets=(None,), seed=1):
    """A channel for each doubt: the sd of the log of its ceiling, apart from that all alike."""
    rng = np.random.default_rng(seed)
    entries = [
        {
            "channel": f"channel {place}",
            "market": market,
            "history_spend_per_period": 100.0,
            "curve": {
                "family": "hill",
                "ceiling": (600.0 * np.exp(doubt * rng.standard_normal(DRAWS))).tolist(),
                "half_saturation": 150.0,
                "slope": 1.0,
            },
        }
        for place, doubt in enumerate(doubts)
        for market in markets
    ]
    return Model.from_dict({"currency": "EUR", "channels": entries})


def test_what_is_left_after_a_measurement_is_the_linear_update():
    rng = np.random.default_rng(2)
    mixed = rng.standard_normal((DRAWS, 4)) @ rng.standard_normal((4, 4))
    doubt = Doubt.of(mixed)
    measured, error = doubt.away[:, 1], 0.7
    covariance = doubt.away.T @ doubt.away / DRAWS
    wanted = covariance - np.outer(covariance[1], covariance[1]) / (covariance[1, 1] + error**2)
    after = doubt.after(measured, error)
    np.testing.assert_allclose(after.away.T @ after.away / DRAWS, wanted, atol=1e-9)
    taken = explained(doubt.covariance(measured), float(covariance[1, 1]), error)
    np.testing.assert_allclose(doubt.variance - taken, after.variance, atol=1e-9)


def test_a_perfect_measurement_leaves_no_doubt_and_a_hopeless_one_all_of_it():
    doubt = Doubt.of(np.random.default_rng(3).standard_normal((DRAWS, 3)))
    measured = doubt.away[:, 0]
    assert doubt.after(measured, 1e-9).variance[0] == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(doubt.after(measured, 1e9).variance, doubt.variance)


def test_a_gain_is_half_the_square_over_the_curvature_or_what_the_limits_leave():
    wide = gain(np.array([4.0]), np.array([2.0]), np.array([np.inf]))
    assert wide.tolist() == [1.0]
    assert gain(np.array([4.0]), np.array([2.0]), np.array([0.5])).tolist() == [0.4]
    assert gain(np.array([4.0]), np.array([2.0]), np.array([0.0])).tolist() == [0.0]


def test_the_channel_least_known_is_tested_first_and_a_sure_one_never():
    found = propose_tests(model_of(0.05, 0.6, 0.3, 0.0), Scenario(**PLAN), noise=40.0)
    assert [test.channel for test in found.proposals] == ["channel 1", "channel 2"]
    sure = next(test for test in found.others if test.channel == "channel 3")
    assert (sure.lift_sd, sure.learned, sure.value, sure.pays) == (0.0, 0.0, 0.0, False)


def test_proposals_shrink_the_doubt_about_the_uplift_one_after_another():
    found = propose_tests(model_of(0.5, 0.6, 0.4), Scenario(**PLAN), noise=20.0, most=3)
    sds = [found.proposals[0].uplift_sd_before]
    for test in found.proposals:
        assert test.uplift_sd_before == pytest.approx(sds[-1])
        assert test.uplift_sd_after <= test.uplift_sd_before
        sds.append(test.uplift_sd_after)
    assert sds[-1] < 0.7 * sds[0]


def test_noisier_revenue_teaches_less_and_pays_less():
    quiet, loud, drowned = (
        propose_tests(model_of(0.6, 0.3), Scenario(**PLAN), noise=noise)
        for noise in (5.0, 100.0, 1e7)
    )
    assert quiet.proposals[0].learned > loud.proposals[0].learned
    assert quiet.proposals[0].value > loud.proposals[0].value
    assert drowned.proposals == ()
    assert "No test is worth its cost" in drowned.statement


def test_what_is_learned_is_worth_nothing_when_nothing_is_planned_after_it():
    found = propose_tests(model_of(0.6, 0.3), Scenario(**PLAN), noise=20.0, horizon=2)
    assert all(test.value == 0.0 for test in (*found.proposals, *found.others))
    assert found.proposals == ()


def test_a_test_costs_what_straying_from_the_best_plan_forgoes():
    scenario = Scenario(**PLAN, caution=0.0)
    found = propose_tests(model_of(0.3, 0.3), scenario, noise=20.0)
    for test in (*found.proposals, *found.others):
        assert test.cost > 0.0  # from an optimum within its bounds, every way leads down
        assert test.spend_test == test.multiple * test.spend_control


def test_a_locked_channel_needs_no_test():
    rules = {"channel 0": {"locked": 1300.0}}
    found = propose_tests(model_of(0.9, 0.3, 0.3), Scenario(**PLAN, channels=rules), noise=20.0)
    assert "channel 0" not in {test.channel for test in (*found.proposals, *found.others)}


def test_where_there_are_markets_a_test_leaves_others_as_a_control():
    markets = ("north", "south", "east", "west")
    scenario = Scenario(**PLAN | {"budget": 4 * PLAN["budget"]})
    found = propose_tests(model_of(0.5, 0.3, markets=markets), scenario, noise=20.0)
    for test in (*found.proposals, *found.others):
        assert 1 <= len(test.markets) <= 2
        assert set(test.markets) < set(markets)


def test_a_fit_says_itself_how_noisy_revenue_is():
    model = fit(examples.aggregate(noise=30.0))
    found = propose_tests(model, Scenario(periods=13))
    assert found.noise == "fitted"
    again = propose_tests(model, Scenario(periods=13), noise=1e6)
    assert again.noise == "stated"
    assert again.proposals == ()


def test_an_effect_that_lasts_shows_less_in_a_short_test():
    lasting = model_of(0.6, 0.3).to_dict()
    for entry in lasting["channels"]:
        entry["carryover"] = {"retention": 0.8}
    scenario = Scenario(**PLAN)
    at_once = propose_tests(model_of(0.6, 0.3), scenario, noise=20.0).proposals[0]
    lasts = propose_tests(Model.from_dict(lasting), scenario, noise=20.0).proposals[0]
    assert lasts.n_periods >= at_once.n_periods
    assert lasts.standard_error > at_once.standard_error


def test_a_document_round_trips_and_the_same_question_has_the_same_answer():
    model, scenario = model_of(0.5, 0.3), Scenario(**PLAN)
    found = propose_tests(model, scenario, noise=20.0)
    assert Experiments.from_dict(found.to_dict()) == found
    assert propose_tests(model, scenario, noise=20.0) == found


@pytest.mark.parametrize(
    ("draws", "noise", "words"),
    [(True, None, "how noisy"), (True, 0.0, "cannot be meant"), (False, 5.0, "no draws")],
)
def test_what_no_test_can_be_proposed_from_is_refused(draws, noise, words):
    model = model_of(0.5, 0.3)
    if not draws:
        content = model.to_dict()
        for entry in content["channels"]:
            entry["curve"]["ceiling"] = 600.0
        model = Model.from_dict(content)
    with pytest.raises(NoTestError, match=words):
        propose_tests(model, Scenario(**PLAN), noise=noise)


def test_every_objective_can_be_tested_for():
    model = model_of(0.5, 0.3)
    for more in (
        {"objective": "profit", "margin": 0.5},
        {"objective": "profit", "margin": 0.8, "budget": "free"},
        {"objective": "romi"},
        {"objective": "customer_value", "values": {"channel 0": 2.0, "channel 1": 1.0}},
    ):
        found = propose_tests(model, Scenario(**PLAN | more), noise=20.0)
        tests = (*found.proposals, *found.others)
        assert tests
        assert all(np.isfinite([test.value, test.cost]).all() for test in tests)
