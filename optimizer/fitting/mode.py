"""The most plausible parameters of a model: Levenberg-Marquardt inside a few outer passes.

A model is anything that can be linearised under its present idea of the noise and can, given
parameters, form a better idea of it. The history's squared residuals count with a power under 1:
models are wrong, and residuals hang together in ways no model knows. Lift tests keep full weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from optimizer.errors import FitError
from optimizer.fitting.lift_rows import Lifts
from optimizer.fitting.priors import Prior

FloatArray = npt.NDArray[np.float64]

OUTER_PASSES = 5
MAX_ITERATIONS = 60
LARGEST_STEP = 2.0  # on the log or logit scale, per parameter
SMALLEST_GAIN = 1e-8  # relative fall of the objective that counts as progress
SAME_OBJECTIVE = 1e-3  # relative distance within which two starts found the same optimum


@dataclass(frozen=True, slots=True)
class Linear:
    """A model near one point: whitened residuals summed up as least squares needs them."""

    cost: float  # sum of squared whitened residuals
    gradient: FloatArray  # (n_parameters,), Jacobian transposed times residuals
    curvature: FloatArray  # (n_parameters, n_parameters), Jacobian transposed times Jacobian


class Problem(Protocol):
    """A model of a history, and of lift tests, under its present idea of the noise."""

    @property
    def prior(self) -> Prior:
        """Belief about the parameters."""

    @property
    def likelihood_power(self) -> float:
        """What the history's squared residuals are multiplied by, 0 to 1."""

    @property
    def lifts(self) -> Lifts | None:
        """Lift tests of its curves, where there are any."""

    def shapes(self, parameters: FloatArray) -> FloatArray:
        """Parameters of the curves, (..., n_curves, 3 or more): logs of effect, half, slope."""

    def linearise(self, parameters: FloatArray) -> Linear:
        """The history's model near these parameters."""

    def costs(self, parameters: FloatArray) -> FloatArray:
        """Sums of the history's squared whitened residuals, one per row of parameters."""

    def renoised(self, parameters: FloatArray) -> Self:
        """The same model with noise, outliers and autocorrelation seen from these parameters."""


P = TypeVar("P", bound=Problem)


@dataclass(frozen=True, slots=True)
class Mode(Generic[P]):
    """The best parameters found, the model they belong to, and how sure the search is."""

    problem: P
    parameters: FloatArray  # (n_parameters,)
    share_of_starts: float  # starts that reached the best objective


def objectives(problem: Problem, parameters: FloatArray) -> FloatArray:
    """Twice the negative log posterior of each row of parameters, up to a constant."""
    history = problem.likelihood_power * problem.costs(parameters)
    tests = problem.lifts.costs(parameters) if problem.lifts else 0.0
    return np.asarray(history + tests + problem.prior.penalty(parameters))


def hessian(problem: Problem, parameters: FloatArray) -> FloatArray:
    """Precision of the posterior at its mode, (n_parameters, n_parameters)."""
    return np.asarray(_evidence(problem, parameters).curvature + problem.prior.precision)


def _evidence(problem: Problem, parameters: FloatArray) -> Linear:
    """History, by its power, and lift tests, near these parameters."""
    seen, power = problem.linearise(parameters), problem.likelihood_power
    whole = Linear(power * seen.cost, power * seen.gradient, power * seen.curvature)
    if problem.lifts is None:
        return whole
    left, slopes = problem.lifts.residuals(parameters)
    return Linear(
        whole.cost + float(left @ left),
        whole.gradient + slopes.T @ left,
        whole.curvature + slopes.T @ slopes,
    )


def find_mode(problem: P, rng: np.random.Generator, starts: int = 4) -> Mode[P]:
    """The mode from several starts: the prior's mean and draws from the prior.

    Raises
    ------
    FitError
        No start leads to finite parameters.
    """
    points = [problem.prior.mean]
    points += list(
        rng.multivariate_normal(problem.prior.mean, problem.prior.covariance, starts - 1)
    )
    reached = np.array([descend(problem, point) for point in points])
    best = reached[np.nanargmin(_finite(objectives(problem, reached)))]
    for _ in range(OUTER_PASSES):
        problem = problem.renoised(best)
        best = descend(problem, best)
    others = np.array([descend(problem, point) for point in reached])
    candidates = np.concatenate([best[None], others])
    heights = _finite(objectives(problem, candidates))
    lowest = float(heights.min())
    share = float(np.mean(heights[1:] <= lowest + SAME_OBJECTIVE * max(1.0, abs(lowest))))
    return Mode(problem, candidates[int(heights.argmin())], share)


def _finite(heights: FloatArray) -> FloatArray:
    """Objectives with the impossible at infinity; an error where all are."""
    heights = np.where(np.isfinite(heights), heights, np.inf)
    if np.isinf(heights).all():
        raise FitError(
            "No curve fits this history: the search ended outside all numbers. "
            "Check the units of spend and revenue, then leave out channels with hardly any spend."
        )
    return heights


def descend(problem: Problem, start: FloatArray) -> FloatArray:
    """Levenberg-Marquardt from one start; stops where steps no longer pay."""
    prior, point, damping = problem.prior, start, 1e-3
    here = _evidence(problem, point)
    height = here.cost + float(prior.penalty(point))
    for _ in range(MAX_ITERATIONS):
        away = prior.precision @ (point - prior.mean)
        step = _step(here.curvature + prior.precision, here.gradient - away, damping)
        trial = _evidence(problem, point + step)
        trial_height = trial.cost + float(prior.penalty(point + step))
        if not trial_height < height:
            damping *= 8.0
            if damping > 1e8:
                break
            continue
        gain, point, here = height - trial_height, point + step, trial
        height, damping = trial_height, max(damping / 5.0, 1e-9)
        if gain < SMALLEST_GAIN * max(1.0, height):
            break
    return point


def _step(precision: FloatArray, downhill: FloatArray, damping: float) -> FloatArray:
    """One damped Gauss-Newton step, no parameter moving further than `LARGEST_STEP`."""
    damped = precision + damping * np.diag(np.diag(precision))
    try:
        step = cho_solve(cho_factor(damped), downhill)
    except (LinAlgError, ValueError) as error:
        raise FitError(
            "The history does not determine the curves, not even with the priors' help. "
            "Leave out channels with hardly any spend, or tighten their priors."
        ) from error
    return np.asarray(np.clip(step, -LARGEST_STEP, LARGEST_STEP))
