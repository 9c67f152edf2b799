"""Simulation-based calibration: truths drawn from the prior take every rank among the posterior's
draws equally often, where the model is well specified and the likelihood counts in full.

The shipped likelihood powers (0.5, 0.4) are for models that are wrong: there ranks crowd in the
middle, which is checked too, as is that a likelihood that counts thrice is found out. The posterior
is a Gaussian around the mode, so ranks of a nonlinear model are near uniform only; the tolerances
are what it is allowed.

References
----------
.. [1] Talts et al. (2018), Validating Bayesian Inference Algorithms with Simulation-Based
   Calibration.
"""

import dataclasses
from functools import lru_cache

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import kstest

from optimizer.fitting.mode import find_mode
from optimizer.fitting.posterior import Posterior
from tests.fitting import examples
from tests.fitting.test_jacobians import problem_of

SIMULATIONS = 200
DRAWS = 99
NOISE, CARRIED = 0.05, 0.3

#: Largest distance of the ranks' distribution from the uniform one, of which chance alone takes
#: 0.05: a Gaussian around the mode is a little too narrow in the tails.
FARTHEST = 0.09
SHORT = 0.07  # share by which 90 % bands may miss 90 %


def template(layout):
    """A problem whose spends and beliefs are used; its revenue is simulated anew each time."""
    return problem_of(getattr(examples, layout)(seed=3, n_periods=104))


def aggregate_revenue(problem, parameters, rng):
    design = problem.design
    effects = design.mean + design.sd * rng.standard_normal(design.mean.size)
    shocks = rng.standard_normal(problem.revenue.size) * np.sqrt(1 - CARRIED**2)
    noise = NOISE * lfilter([1.0], [1.0, -CARRIED], shocks)
    return dataclasses.replace(problem, revenue=problem.fitted(parameters, effects) + noise)


def attributed_revenue(problem, parameters, rng):
    expected = problem.fitted(parameters)
    noise = NOISE * expected.mean(axis=0) * rng.standard_normal(expected.shape)
    return dataclasses.replace(problem, observed=expected + noise)


@lru_cache
def ranks(layout, power):
    """Share of posterior draws below the truth, (n_simulations, n_channels): the log of ROAS."""
    problem, rng = template(layout), np.random.default_rng(1)
    simulate = aggregate_revenue if layout == "aggregate" else attributed_revenue
    found = []
    for _ in range(SIMULATIONS):
        truth = rng.multivariate_normal(problem.prior.mean, problem.prior.covariance)
        seen = dataclasses.replace(simulate(problem, truth, rng), likelihood_power=power)
        posterior = Posterior.around(find_mode(seen, rng))
        drawn = posterior.draws(DRAWS, rng)
        below = problem.shapes(drawn)[..., 0] < problem.shapes(truth)[:, 0]
        found.append(below.mean(axis=0))
    return np.array(found)


def coverage(found):
    return float(((found > 0.05) & (found < 0.95)).mean())


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["aggregate", "attributed"])
def test_truths_from_the_prior_take_every_rank_equally_often(layout):
    found = ranks(layout, power=1.0)
    assert kstest(found.ravel(), "uniform").statistic < FARTHEST
    assert coverage(found) == pytest.approx(0.9, abs=SHORT)


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["aggregate", "attributed"])
def test_the_shipped_likelihood_power_only_widens_the_bands(layout):
    shipped = template(layout).likelihood_power
    assert shipped < 1.0
    assert coverage(ranks(layout, power=shipped)) > coverage(ranks(layout, power=1.0))


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["aggregate", "attributed"])
def test_a_likelihood_that_counts_too_often_is_not_calibrated(layout):
    assert coverage(ranks(layout, power=3.0)) < 0.9 - SHORT
