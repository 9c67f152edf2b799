"""The panel's shortcuts against their plain definitions, all rows at once."""

import dataclasses

import numpy as np
import pytest
from scipy.linalg import block_diag, toeplitz

from optimizer.fitting.panel import FREE_COURSE_SD, PanelProblem
from optimizer.fitting.panel_data import PanelData
from optimizer.fitting.panel_estimates import clustered_excess
from optimizer.fitting.priors import channel_priors
from optimizer.history import Control
from optimizer.synthetic_geo import geo_market

STEP = 1e-5


def small_history():
    """Four markets, one of them late, with a control each and one that is a flag."""
    history = geo_market(7, n_markets=4, n_channels=2, n_periods=60).history
    revenue = history.revenue.copy()
    revenue[1, :15] = 0.0
    rng = np.random.default_rng(3)
    controls = (
        Control("price", "other", rng.normal(5.0, 1.0, revenue.shape)),
        Control("sale", "promotion", (rng.random(revenue.shape) < 0.2).astype(float)),
        Control("constant", "other", np.ones(revenue.shape)),
    )
    return dataclasses.replace(history, revenue=revenue, controls=controls)


@pytest.fixture(params=["free", "learned"])
def problem(request):
    """Four markets: few, so the course is learned unless it is set free."""
    history = small_history()
    data = PanelData.of(history)
    first = PanelProblem.of(history, data, channel_priors(history, None))
    if request.param == "free":
        noise = dataclasses.replace(
            first.noise, course_sd=FREE_COURSE_SD, course_autocorrelation=0.0
        )
        first = dataclasses.replace(first, course_learned=False, noise=noise)
    return first.renoised(first.prior.mean)


@pytest.mark.parametrize(
    ("n_markets", "national", "learned"), [(4, 0, True), (12, 0, False), (12, 1, True)]
)
def test_the_course_is_free_where_markets_are_many_and_none_spends_alike(
    n_markets, national, learned
):
    market = geo_market(7, n_markets=n_markets, n_periods=60, national_channels=national)
    data = PanelData.of(market.history)
    problem = PanelProblem.of(market.history, data, channel_priors(market.history, None))
    assert problem.course_learned is learned
    after = problem.renoised(problem.prior.mean).noise.course_sd
    assert (after != problem.noise.course_sd) is learned


def somewhere(problem):
    rng = np.random.default_rng(5)
    return problem.prior.mean + 0.2 * rng.standard_normal(problem.prior.mean.size)


def shared_columns(problem):
    """What all markets share, as columns (n_markets, n_periods, n_shared)."""
    count, n_periods = problem.revenue.shape
    course = np.broadcast_to(np.eye(n_periods), (count, n_periods, n_periods))
    both = np.concatenate([course, problem.baseline.controls], axis=2)
    return problem.noise.loading[:, None, None] * both


def shared_prior(problem):
    """Covariance of the shared effects, (n_shared, n_shared)."""
    noise, base = problem.noise, problem.baseline
    kept = noise.course_autocorrelation ** np.arange(problem.revenue.shape[1])
    course = (
        noise.course_sd**2 * toeplitz(kept)
        + (base.course.columns * base.course.sd**2) @ base.course.columns.T
    )
    return block_diag(course, np.diag(base.controls_sd**2))


def dense(problem):
    """The covariance of all open rows, and which rows are open."""
    noise, blocks = problem.noise, []
    apart = toeplitz(np.arange(problem.revenue.shape[1]))
    for g, own in enumerate(problem.baseline.own):
        spread = noise.scale[g] / np.sqrt(np.where(problem.open[g], noise.weights[g], 1.0))
        block = np.outer(spread, spread) * noise.autocorrelation**apart
        blocks.append(block + (own * problem.baseline.own_sd**2) @ own.T)
    columns = shared_columns(problem).reshape(problem.revenue.size, -1)
    whole = block_diag(*blocks) + columns @ shared_prior(problem) @ columns.T
    rows = problem.open.ravel()
    return whole[np.ix_(rows, rows)], rows


def unexplained(problem, point):
    """Revenue less media and the prior mean of the baseline, all rows in one vector."""
    media = problem.media(point).sum(axis=-1)
    return (problem.revenue - problem.baseline.own @ problem.baseline.own_mean - media).ravel()


def test_cost_is_that_of_the_whole_covariance(problem):
    covariance, rows = dense(problem)
    for point in (problem.prior.mean, somewhere(problem)):
        left = unexplained(problem, point)[rows]
        plain = left @ np.linalg.solve(covariance, left)
        assert problem.linearise(point).cost == pytest.approx(plain)
        assert problem.costs(point)[0] == pytest.approx(plain)


def test_gradient_and_curvature_are_those_of_the_whole_jacobian(problem):
    covariance, rows = dense(problem)
    point = somewhere(problem)
    steps = STEP * np.eye(point.size)
    high, low = (problem.media(point + s).sum(axis=-1) for s in (steps, -steps))
    jacobian = ((high - low) / (2 * STEP)).reshape(point.size, -1)[:, rows].T
    left = unexplained(problem, point)[rows]
    near = problem.linearise(point)
    curvature = jacobian.T @ np.linalg.solve(covariance, jacobian)
    scale = np.abs(curvature).max()
    np.testing.assert_allclose(near.curvature, curvature, atol=1e-6 * scale)
    gradient = jacobian.T @ np.linalg.solve(covariance, left)
    np.testing.assert_allclose(near.gradient, gradient, atol=1e-6 * np.abs(gradient).max())


def test_scores_of_the_markets_are_those_of_the_whole_covariance(problem):
    covariance, rows = dense(problem)
    point = somewhere(problem)
    scores, expected = problem._scores(point)
    gradient = problem.linearise(point).gradient
    np.testing.assert_allclose(scores.sum(axis=0), gradient, atol=1e-9 * np.abs(scores).max())
    steps = STEP * np.eye(point.size)
    high, low = (problem.media(point + s).sum(axis=-1) for s in (steps, -steps))
    jacobian = ((high - low) / (2 * STEP)).reshape(point.size, -1)[:, rows].T
    market = np.repeat(np.arange(len(problem.open)), problem.open.shape[1])[rows]
    inverse = np.linalg.inv(covariance)
    alone = np.where(market[:, None] == market, inverse, 0.0)
    plain = jacobian.T @ alone @ jacobian
    np.testing.assert_allclose(expected, plain, atol=1e-6 * np.abs(plain).max())


def test_doubt_clustered_by_market_is_that_of_the_scores():
    rng = np.random.default_rng(4)
    count, size = 4000, 3
    spread = np.diag([1.0, 4.0, 9.0])
    scores = rng.multivariate_normal(np.zeros(size), spread / count, count)
    alike = clustered_excess(scores, spread, np.linalg.inv(spread), size)
    assert alike == pytest.approx(1.0, abs=0.1)
    doubled = np.repeat(scores[: count // 2], 2, axis=0)  # pairs that move as one ...
    pairs = doubled.reshape(-1, 2, size).sum(axis=1)  # ... counted as one
    assert clustered_excess(pairs, spread, np.linalg.inv(spread), size) == pytest.approx(
        2.0, abs=0.2
    )


def test_effects_are_their_posterior_means(problem):
    covariance, rows = dense(problem)
    left = unexplained(problem, somewhere(problem))
    columns = shared_columns(problem).reshape(problem.revenue.size, -1)[rows]
    solved = np.linalg.solve(covariance, left[rows])
    common, own = problem.covariance.effects(left.reshape(problem.revenue.shape))
    np.testing.assert_allclose(common, shared_prior(problem) @ columns.T @ solved, atol=1e-8)
    place = np.zeros(rows.size)
    place[rows] = solved
    for g, column in enumerate(problem.baseline.own):
        base = problem.baseline
        expected = base.own_mean + base.own_sd**2 * (
            column.T @ place.reshape(problem.revenue.shape)[g]
        )
        np.testing.assert_allclose(own[g], expected, atol=1e-8)


def test_costs_of_many_are_costs_one_by_one(problem):
    rng = np.random.default_rng(1)
    points = problem.prior.mean + 0.1 * rng.standard_normal((40, problem.prior.mean.size))
    one_by_one = [problem.linearise(point).cost for point in points]
    np.testing.assert_allclose(problem.costs(points), one_by_one)


def test_steady_slopes_agree_with_differences(problem):
    point, curves, spend = somewhere(problem), np.array([1, 5, 4]), np.array([0.5, 1.5, 1.0])
    value, jacobian = problem.steady_slopes(point, curves, spend)
    np.testing.assert_allclose(value, problem.steady(point, curves, spend))
    steps = STEP * np.eye(point.size)
    high, low = (problem.steady(point + s, curves, spend) for s in (steps, -steps))
    np.testing.assert_allclose(jacobian.T, (high - low) / (2 * STEP), atol=1e-8)


def test_a_shorter_panel_sees_only_its_own_periods(problem):
    shorter = problem.first(40)
    np.testing.assert_array_equal(shorter.observed, problem.observed[:40])
    point = somewhere(problem)
    ahead = problem.forecast(point, shorter)
    assert ahead.shape == problem.observed.shape
    known = shorter.fitted(point).T
    opened = problem.open.T[:40]
    np.testing.assert_allclose(ahead[:40][opened], known[opened], rtol=1e-6)
    assert not ahead[~problem.open.T].any()


def test_a_course_is_the_less_known_the_further_ahead(problem):
    variance = problem.covariance.course_variance(40)
    np.testing.assert_allclose(variance[:40], 0.0, atol=1e-9)
    assert variance[40] > 0.0
    ahead = problem.forecast_variance(problem.observed, problem.first(40))
    assert (ahead[40:][problem.open.T[40:]] >= ahead[:40].min()).all()
