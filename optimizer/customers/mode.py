"""The mode of a likelihood under a Gaussian prior on log parameters, and draws around it.

A segment is pooled toward the whole by the prior: its centre is the whole's mode. Draws follow
Laplace: Gaussian with the inverse Hessian, jointly with the whole's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from optimizer.errors import FitError

FloatArray = npt.NDArray[np.float64]
#: Log parameters (k,) -> log-likelihood and its gradient (k,).
LogLikelihood = Callable[[FloatArray], tuple[float, FloatArray]]

STEP = 1e-4  # of a log parameter: the Hessian is differenced from exact gradients
REACH = 8.0  # log parameters stay within this of the prior's centre
GRADIENT = 1e-6  # of the objective per observation, at which a mode counts as found


@dataclass(frozen=True, slots=True)
class Mode:
    """The most plausible log parameters, and how sharply they are known."""

    at: FloatArray  # (k,), logs
    precision: FloatArray  # (k, k), of the posterior
    prior: FloatArray  # (k,), precision of the prior

    def around(self, centre: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Draws (N, k) of the log parameters, given draws (N, k) of its prior's centre.

        ``centre`` is less its own mode; the mode moves with it by precision^-1 x prior.
        """
        root = np.linalg.cholesky(self.precision)
        noise = np.linalg.solve(root.T, rng.standard_normal(centre.shape).T).T
        pulled = np.linalg.solve(self.precision, (centre * self.prior).T).T
        return np.asarray(self.at + pulled + noise)


def find_mode(log_likelihood: LogLikelihood, centre: FloatArray, sd: FloatArray, size: int) -> Mode:
    """The mode of a likelihood times a Gaussian prior on log parameters.

    Parameters
    ----------
    log_likelihood : callable
    centre, sd : ndarray of shape (k,), logs
        Of the prior.
    size : int
        Observations, which the gradient is judged by.

    Raises
    ------
    FitError
        If no mode is found.
    """
    weight = sd**-2.0

    def objective(logs: FloatArray) -> tuple[float, FloatArray]:
        value, slope = log_likelihood(logs)
        away = logs - centre
        return (
            (0.5 * float(weight @ away**2) - value) / size,
            (weight * away - slope) / size,
        )

    bounds = [(place - REACH, place + REACH) for place in centre]
    found = minimize(
        objective,
        centre,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"gtol": GRADIENT, "ftol": 1e-14, "maxiter": 500},
    )
    at = np.asarray(found.x, dtype=np.float64)
    if not np.isfinite(found.fun):
        raise FitError(
            "No purchase model was found for these transactions. Check amounts and dates."
        )
    return Mode(at, _precision(objective, at, size, weight), weight)


def _precision(
    objective: LogLikelihood, at: FloatArray, size: int, weight: FloatArray
) -> FloatArray:
    """The Hessian (k, k) of the whole objective; never flatter than the prior."""
    steps = STEP * np.eye(at.size)
    slopes = [(objective(at + step)[1] - objective(at - step)[1]) / (2 * STEP) for step in steps]
    hessian = size * np.array(slopes)
    scale = np.sqrt(weight)
    values, vectors = np.linalg.eigh((hessian + hessian.T) / 2 / np.outer(scale, scale))
    return np.asarray((vectors * np.maximum(values, 1.0)) @ vectors.T * np.outer(scale, scale))
