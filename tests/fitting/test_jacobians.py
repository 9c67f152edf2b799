"""Every derivative and every shortcut against its plain definition."""

import dataclasses

import numpy as np
import pytest

from optimizer.fitting.aggregate import AggregateProblem
from optimizer.fitting.attributed import AttributedProblem
from optimizer.fitting.priors import channel_priors
from optimizer.fitting.response import curve_document, response, response_slopes
from optimizer.fitting.structure import CURVES, USUAL, Structure
from optimizer.model import Model, ModelChannel
from tests.fitting import examples

STEP = 1e-6
TRUNCATION = 1e-5  # of central differences at this step, relative


STRUCTURES = [
    *(Structure(curve=curve) for curve in CURVES),
    Structure(curve="log", carryover="peaked"),
    Structure(carryover="peaked", baseline="smooth"),
    Structure(drift=0.01),
]


def problem_of(history, structure=USUAL):
    make = AggregateProblem if history.layout == "aggregate" else AttributedProblem
    keep = np.arange(len(history.channels))
    return make.of(history, 0, keep, channel_priors(history, None, structure))


@pytest.fixture(
    params=[
        *(("attributed", structure) for structure in STRUCTURES[: len(CURVES)]),
        *(("aggregate", structure) for structure in STRUCTURES),
    ],
    ids=str,
)
def problem(request):
    layout, structure = request.param
    first = problem_of(getattr(examples, layout)(), structure)
    return first.renoised(first.prior.mean)  # with weights and autocorrelation of its own


def somewhere(problem):
    rng = np.random.default_rng(5)
    return problem.prior.mean + 0.3 * rng.standard_normal(problem.prior.mean.size)


@pytest.mark.parametrize("family", CURVES)
def test_response_slopes_agree_with_differences(family):
    rng = np.random.default_rng(2)
    spend, shape = rng.lognormal(size=(20, 3)), rng.normal(0, 0.5, (3, 3))
    value, by_shape, by_log = response_slopes(spend, shape, family)
    np.testing.assert_allclose(value, response(spend, shape, family))
    for i in range(3):
        step = np.zeros((3, 3))
        step[:, i] = STEP
        change = response(spend, shape + step, family) - response(spend, shape - step, family)
        np.testing.assert_allclose(
            by_shape[..., i], change / (2 * STEP), rtol=TRUNCATION, atol=1e-9
        )
    change = response(spend * np.exp(STEP), shape, family)
    change -= response(spend * np.exp(-STEP), shape, family)
    np.testing.assert_allclose(by_log, change / (2 * STEP), rtol=TRUNCATION, atol=1e-9)


@pytest.mark.parametrize("family", CURVES)
def test_curves_of_documents_earn_what_the_fitted_response_earns(family):
    rng = np.random.default_rng(3)
    shape, relative = rng.normal(0, 0.5, (7, 1, 3)), np.array([[0.0], [0.4], [1.0], [2.5]])
    stated = curve_document(family, shape[:, 0], usual=250.0, unit=40.0)
    model = Model(channels=[ModelChannel(channel="a", curve=stated)])
    for level, expected in zip(relative[:, 0], response(relative, shape, family).T[0], strict=True):
        found = model.response(np.array([250.0 * level]))[:, 0]
        np.testing.assert_allclose(found, 40.0 * expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("family", CURVES)
def test_nothing_is_earned_without_spend(family):
    shape = np.array([[0.3, 0.1, 0.2]])
    value, by_shape, by_log = response_slopes(np.zeros((4, 1)), shape, family)
    assert not value.any()
    assert not by_shape.any()
    assert not by_log.any()


def test_gradient_agrees_with_differences_of_the_cost(problem):
    point = somewhere(problem)
    steps = STEP * np.eye(point.size)
    slope = (problem.costs(point + steps) - problem.costs(point - steps)) / (2 * STEP)
    gradient = problem.linearise(point).gradient
    np.testing.assert_allclose(-2 * gradient, slope, rtol=1e-4, atol=1e-4 * abs(slope).max())


def test_cost_is_the_same_alone_and_among_many(problem):
    point = somewhere(problem)
    many = problem.costs(np.stack([problem.prior.mean, point]))
    assert problem.linearise(point).cost == pytest.approx(many[1])


def test_attributed_curvature_is_that_of_the_whole_jacobian():
    first = problem_of(examples.attributed())
    problem = first.renoised(first.prior.mean)
    point = somewhere(problem)
    steps = STEP * np.eye(point.size)
    fitted = problem.fitted(point + steps) - problem.fitted(point - steps)
    jacobian = (fitted / (2 * STEP) * problem.noise.row_weights).reshape(point.size, -1)
    curvature = problem.linearise(point).curvature
    np.testing.assert_allclose(curvature, jacobian @ jacobian.T, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("structure", [USUAL, Structure(baseline="smooth"), Structure(drift=0.02)])
def test_baseline_and_drift_are_integrated_out_exactly(structure):
    first = problem_of(examples.aggregate(), structure)
    problem = first.renoised(first.prior.mean)
    point = somewhere(problem)
    periods = np.arange(problem.revenue.size)
    apart = np.abs(periods[:, None] - periods)
    spread = problem.scale / np.sqrt(problem.weights)
    noise = np.outer(spread, spread) * problem.autocorrelation**apart
    for earned in problem.media(first.prior.mean).T if structure.drift else ():
        ages = periods[::-1]
        walk = structure.drift**2 * np.minimum(ages[:, None], ages)
        noise = noise + np.outer(earned, earned) * walk
    columns = problem.design.columns
    whole = noise + (columns * problem.design.sd**2) @ columns.T
    left = problem.revenue - columns @ problem.design.mean - problem.media(point).sum(axis=1)
    assert problem.linearise(point).cost == pytest.approx(left @ np.linalg.solve(whole, left))
    effects = problem.design.mean + problem.design.sd**2 * (
        columns.T @ np.linalg.solve(whole, left)
    )
    np.testing.assert_allclose(problem.baseline_effects(point), effects, rtol=1e-6, atol=1e-9)


def test_a_shorter_history_sees_only_its_own_periods(problem):
    shorter = problem.first(100)
    assert len(shorter.observed) == 100
    np.testing.assert_array_equal(shorter.observed, problem.observed[:100])
    assert dataclasses.replace(shorter).linearise(somewhere(problem)).cost > 0
