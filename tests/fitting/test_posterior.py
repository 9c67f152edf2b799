"""The Gaussian around the mode: taming, tails, and what happens where there is no mode."""

import dataclasses

import numpy as np
import pytest

from optimizer.errors import FitError
from optimizer.fitting.fit import fit
from optimizer.fitting.mode import Linear, descend, find_mode
from optimizer.fitting.posterior import STEEPEST, Posterior, pareto_tail_index
from optimizer.fitting.priors import Prior
from tests.fitting import examples
from tests.fitting.examples import said
from tests.fitting.test_jacobians import problem_of


@dataclasses.dataclass(frozen=True)
class Line:
    """Two parameters seen through one straight observation each; all is known about it."""

    seen: np.ndarray
    likelihood_power: float = 0.5
    prior: Prior = dataclasses.field(default_factory=lambda: Prior.of(np.zeros(2), np.eye(2)))
    lifts: None = None

    def linearise(self, parameters):
        left = self.seen - parameters
        return Linear(float(left @ left), left, np.eye(2))

    def costs(self, parameters):
        return ((self.seen - np.atleast_2d(parameters)) ** 2).sum(axis=1)

    def renoised(self, parameters):
        return self


def test_a_straight_problem_has_its_known_mode():
    mode = find_mode(Line(np.array([3.0, -6.0])), np.random.default_rng(1))
    np.testing.assert_allclose(mode.parameters, [1.0, -2.0], atol=1e-6)  # power 0.5, prior 1
    assert mode.share_of_starts == 1.0


@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_problem_outside_all_numbers_is_a_fit_error_with_advice():
    with pytest.raises(FitError, match="tighten their priors"):
        descend(Line(np.array([np.nan, 1.0]), likelihood_power=np.nan), np.zeros(2))


@pytest.mark.parametrize("shape", [0.3, 0.9])
def test_the_tail_index_of_pareto_weights_is_found(shape):
    rng = np.random.default_rng(4)
    found = [pareto_tail_index((1 - rng.random(1000)) ** -shape) for _ in range(40)]
    assert np.mean(found) == pytest.approx(shape, abs=0.12)


def test_equal_weights_have_no_tail():
    assert pareto_tail_index(np.ones(1000)) == 0.0


def test_draws_follow_the_posterior_and_tame_curves_have_finite_ceilings():
    problem = problem_of(examples.aggregate(noise=300.0))
    posterior = Posterior.around(find_mode(problem, np.random.default_rng(1)))
    drawn = posterior.draws(20_000, np.random.default_rng(2))
    np.testing.assert_allclose(drawn.mean(axis=0), posterior.mode.parameters, atol=0.03)
    covariance = np.cov(drawn, rowvar=False)
    np.testing.assert_allclose(covariance, posterior.covariance, atol=0.03)
    wild = posterior.shapes(posterior.mode.parameters + 100.0)
    assert np.all(np.exp(wild[..., 2]) * wild[..., 1] <= STEEPEST * (1 + 1e-12))


def test_curves_scale_with_the_currency():
    """In cents rather than euros, the same market has the same curves in cents."""
    for make in (examples.attributed, examples.aggregate):
        euros = make()
        cents = examples.history(euros.layout, 100 * euros.spend[0], 100 * euros.revenue[0])
        for one, other in zip(fit(euros).channels, fit(cents).channels, strict=True):
            for name, factor in (("ceiling", 100), ("half_saturation", 100), ("slope", 1)):
                np.testing.assert_allclose(
                    getattr(other.curve, name),
                    np.multiply(factor, getattr(one.curve, name)),
                    rtol=1e-3,  # where the search stops
                )


def test_nothing_is_learned_from_noise_and_much_from_a_clear_history():
    rng = np.random.default_rng(3)
    spend = examples.spends(3)
    noise = examples.history("aggregate", spend, 1000 * rng.lognormal(0, 0.5, len(spend)))
    unclear = [d.value for d in said(fit(noise), "learned_share")]
    clear = [d.value for d in said(fit(examples.aggregate(noise=5.0)), "learned_share")]
    assert max(unclear) < 0.45
    assert min(clear) > 0.5
