"""What is believed after the history was read: a Gaussian around the mode, and draws from it.

Draws are kept sane: each curve parameter stays within `FURTHEST` prior standard deviations of its
prior centre, and a curve earns at least exp(-`STEEPEST`) of its ceiling at mean spend, so that
every ceiling is a finite amount of money.

References
----------
.. [1] Vehtari et al. (2024), Pareto Smoothed Importance Sampling.
.. [2] Zhang and Stephens (2009), A New and Efficient Estimation Method for the Generalized Pareto
   Distribution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.linalg import LinAlgError, cholesky, solve_triangular

from optimizer.errors import FitError
from optimizer.fitting.mode import Mode, Problem, hessian, objectives
from optimizer.fitting.panel import PanelProblem

FloatArray = npt.NDArray[np.float64]

FURTHEST = 4.0
STEEPEST = 12.0
IMPORTANCE_DRAWS = 1000

P = TypeVar("P", bound=Problem)


@dataclass(frozen=True)
class Posterior(Generic[P]):
    """The posterior of one market's parameters by Laplace's approximation."""

    mode: Mode[P]
    factor: FloatArray  # (n_parameters, n_parameters), upper Cholesky factor of the precision

    @classmethod
    def around(cls, mode: Mode[P]) -> Posterior[P]:
        """The Gaussian around a mode.

        Raises
        ------
        FitError
            The posterior is flat in some direction.
        """
        precision = hessian(mode.problem, mode.parameters)
        try:
            return cls(mode, cholesky(precision))
        except (LinAlgError, ValueError) as error:
            raise FitError(
                "The history does not determine the curves, not even with the priors' help. "
                "Leave out channels with hardly any spend, or tighten their priors."
            ) from error

    @property
    def covariance(self) -> FloatArray:
        """Posterior covariance, (n_parameters, n_parameters)."""
        inverse = solve_triangular(self.factor, np.eye(len(self.factor)))
        return np.asarray(inverse @ inverse.T)

    def draws(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Plausible parameters, (count, n_parameters), before any taming."""
        standard = rng.standard_normal((len(self.factor), count))
        return np.asarray(self.mode.parameters + solve_triangular(self.factor, standard).T)

    def shapes(self, parameters: FloatArray) -> FloatArray:
        """Curve parameters of draws kept sane, (..., n_channels, 3 or 4).

        Each stays within four of the belief's sd: ROAS around what was found, the shape around
        what was believed (further only where the most plausible shape itself lies further).
        """
        problem = self.mode.problem
        found, spread = problem.shapes(self.mode.parameters), problem.shapes(problem.prior.sd)
        believed = problem.shapes(problem.prior.mean)
        low = np.minimum(believed - FURTHEST * spread, found)
        high = np.maximum(believed + FURTHEST * spread, found)
        low[..., 0] = found[..., 0] - FURTHEST * spread[..., 0]
        high[..., 0] = found[..., 0] + FURTHEST * spread[..., 0]
        shapes = np.clip(problem.shapes(parameters), low, high)
        shapes[..., 1] = np.minimum(shapes[..., 1], STEEPEST / np.exp(shapes[..., 2]))
        return shapes

    def tail_index(self, rng: np.random.Generator) -> float:
        """k-hat of importance sampling from the Gaussian: above 0.7 it is a poor picture."""
        sample = self._usual_strengths(self.draws(IMPORTANCE_DRAWS, rng))
        away = (sample - self.mode.parameters) @ self.factor.T
        heights = objectives(self.mode.problem, sample)
        logs = 0.5 * (away**2).sum(axis=1) - 0.5 * heights
        logs = np.where(np.isfinite(logs), logs, -np.inf)
        return pareto_tail_index(np.exp(logs - logs.max()))

    def _usual_strengths(self, sample: FloatArray) -> FloatArray:
        """A panel's draws with every market's strengths at their centre given the rest.

        There are dozens of strengths, each next to Gaussian: together they would drown a sample.
        """
        problem, centre = self.mode.problem, self.mode.parameters
        if not isinstance(problem, PanelProblem):
            return sample
        precision, split = self.factor.T @ self.factor, problem.n_common
        away = sample[:, :split] - centre[:split]
        pull = precision[split:, :split] @ away.T
        usual = centre[split:] - np.linalg.solve(precision[split:, split:], pull).T
        return np.concatenate([sample[:, :split], usual], axis=1)


def pareto_tail_index(weights: FloatArray) -> float:
    """Shape of the generalized Pareto tail of importance weights; 0 if they are all alike."""
    count = int(min(0.2 * weights.size, 3 * np.sqrt(weights.size)))
    ordered = np.sort(weights)
    excess = ordered[-count:] - ordered[-count - 1]
    excess = excess[excess > 0]
    if excess.size < 5 or excess[-1] < 1e-12:
        return 0.0
    n = excess.size
    steps = np.arange(1, 30 + int(np.sqrt(n)) + 1)
    quartile = excess[int(n / 4 + 0.5) - 1]
    trial = 1 / excess[-1] + (1 - np.sqrt(steps.size / (steps - 0.5))) / (3 * quartile)
    shape = np.log1p(-trial[:, None] * excess).mean(axis=1)
    profile = n * (np.log(-trial / shape) - shape - 1)
    share = np.exp(profile - profile.max())
    best = float((trial * share / share.sum()).sum())
    found = float(np.log1p(-best * excess).mean())
    return float((n * found + 10 * 0.5) / (n + 10))  # the weak prior of the second reference
