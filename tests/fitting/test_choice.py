"""Carryover and family chosen by forecasts: what is there is found, what is not is left alone."""

import numpy as np
import pytest

from optimizer import Scenario, fit, plan
from optimizer.adstock import adstock_weights, lagged, spread
from optimizer.errors import DocumentError
from optimizer.fitting.backtest import log_densities
from optimizer.fitting.choice import BLOCKS
from optimizer.fitting.mode import find_mode
from optimizer.model import Model
from tests.fitting import examples
from tests.fitting.examples import CEILINGS, HALVES, SLOPES, said
from tests.fitting.test_jacobians import problem_of

LEVELS = np.array([40.0, 80.0, 125.0, 180.0])
RETENTION, DELAY = 0.6, 2.0  # per week; weeks


def peaked(seed=1, noise=20.0):
    spend = examples.spends(seed)
    weights = adstock_weights(np.full(3, RETENTION), 13, np.full(3, DELAY))
    earned = examples.hill(spread(lagged(spend, 13), weights), CEILINGS, HALVES, SLOPES).sum(axis=1)
    shocks = np.random.default_rng([seed, 9]).normal(0.0, noise, len(spend))
    return examples.history("aggregate", spend, 1000 + earned + shocks)


def power(seed=1, noise=0.02):
    spend = examples.spends(seed, liveliness=1.0)
    shocks = np.random.default_rng([seed, 9]).normal(1.0, noise, spend.shape)
    return examples.history("attributed", spend, 20 * spend ** [0.4, 0.5, 0.6] * shocks)


def test_a_delayed_effect_is_found_and_geometric_carryover_is_not_chosen():
    model = fit(peaked(), carryover="auto")
    assert model.fit.structure.carryover == "peaked"
    told = {e.carryover: e for e in model.fit.structure.evidence}
    assert told["geometric"].difference == 0.0
    assert told["peaked"].difference > 2 * told["peaked"].standard_error > 0.0
    assert "The fit takes peaked carryover" in said(model, "structure_chosen")[0].message
    for entry in model.channels:
        assert np.median(entry.carryover.delay) == pytest.approx(DELAY, abs=0.5)


def test_curves_under_delayed_carryover_are_found_again():
    model = fit(peaked(), carryover="peaked")
    for i in range(3):
        truth = examples.hill(LEVELS, CEILINGS[i], HALVES[i], SLOPES[i])
        drawn = examples.draws_of(model.channels[i], LEVELS)
        low, high = np.quantile(drawn, [0.05, 0.95], axis=0)
        assert np.mean((low <= truth) & (truth <= high)) >= 0.75


@pytest.mark.parametrize("seed", [1, 2])
def test_hill_curves_with_geometric_carryover_are_not_replaced(seed):
    model = fit(examples.aggregate(seed, noise=20.0), curve="auto", carryover="auto")
    record = model.fit.structure
    assert (record.curve, record.carryover) == ("hill", "geometric")
    words = said(model, "structure_chosen")[0].message
    assert "better than the curve hill with geometric carryover, which stays" in words


def test_attributed_power_curves_are_found_among_the_families():
    model = fit(power(), curve="auto")
    assert model.fit.structure.curve == "power"
    exponents = [np.median(entry.curve.exponent) for entry in model.channels]
    assert exponents == pytest.approx([0.4, 0.5, 0.6], abs=0.05)


@pytest.mark.parametrize("make", [examples.attributed, examples.aggregate])
@pytest.mark.parametrize("family", ["exponential", "logistic", "log", "power"])
def test_every_family_fits_both_layouts_and_plans(make, family):
    model = fit(make(), curve=family, draws=50)
    assert {entry.curve.family for entry in model.channels} == {family}
    assert said(model, "structure")[0].message.endswith(f"family {family}.")
    assert Model.from_dict(model.to_dict()) == model
    answer = plan(model, Scenario(periods=13, objective="profit"))
    assert answer.certificate.gap < 1e-5


def test_nothing_unusual_is_said_of_the_usual_structure():
    model = fit(examples.aggregate())
    assert model.fit.structure is None
    assert not said(model, "structure")
    assert not said(model, "structure_chosen")


def test_densities_are_those_of_each_held_out_period():
    mode = find_mode(problem_of(examples.aggregate()), np.random.default_rng(1))
    found = log_densities(mode, BLOCKS, np.random.default_rng(2))
    assert found.shape == (78, 1)
    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("make", "options", "words"),
    [
        (examples.aggregate, {"curve": "hil"}, 'did you mean "hill"?'),
        (examples.attributed, {"carryover": "peaked"}, "attributed revenue have no carryover"),
        (examples.attributed, {"baseline": "smooth"}, "attributed revenue have no baseline"),
        (examples.attributed, {"drift": 0.01}, "of aggregate histories"),
        (examples.aggregate, {"drift": 0.5}, "give 0 to 0.1"),
        (examples.aggregate, {"curve": "power", "priors": {"a": {"slope": (1, 1)}}}, "another"),
        (examples.aggregate, {"priors": {"a": {"delay": (1, 1)}}}, "another curve or carryover"),
    ],
)
def test_options_that_mean_nothing_are_refused(make, options, words):
    with pytest.raises(DocumentError, match=words):
        fit(make(), **options)
