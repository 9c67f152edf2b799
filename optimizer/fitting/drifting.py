r"""What a channel was worth over time, where effectiveness is allowed to drift.

Channel c earns :math:`F_c (1 + g_{ct})`, with g a random walk that ends at 0 today. Given the
curves it is Gaussian with mean :math:`\tau^2 K F_c V^{-1} r` and covariance :math:`\tau^2 K -
\tau^2 K F_c V^{-1} F_c \tau^2 K`, r what the curves leave unexplained; doubt about the curves
comes on top, and takes part of it away again where the two are confused.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.fitting.aggregate import AggregateProblem
from optimizer.fitting.posterior import Posterior

FloatArray = npt.NDArray[np.float64]
NINETY = 1.6449  # standard deviations either side that hold 90 %
LEAST = 0.05  # of today's effectiveness: what it is taken to have been at least


@dataclass(frozen=True)
class Course:
    """The log of effectiveness at mean spend against its mode today, (n_periods, n_channels)."""

    mean: FloatArray
    sd: FloatArray


def course(posterior: Posterior[AggregateProblem]) -> Course | None:
    """How effectiveness went; None where it is taken to stand still."""
    problem, mode = posterior.mode.problem, posterior.mode.parameters
    earned = problem.contributions
    if earned is None:
        return None
    left, jacobian = problem.unexplained(mode)
    walk, doubt = problem.drift_variance, posterior.covariance
    own = len(mode) // earned.shape[1]
    mean, variance = np.empty(earned.shape), np.empty(earned.shape)
    for channel in range(earned.shape[1]):
        reach = walk * earned[:, channel]  # tau^2 K F
        solved = problem.precision_times(np.column_stack([left, jacobian, reach.T]))
        level = np.maximum(1.0 + reach @ solved[:, 0], LEAST)
        confused = -(reach @ solved[:, 1 : 1 + len(mode)]) / level[:, None]
        confused[:, own * channel] += 1.0  # the effect of today, which the course multiplies
        known = np.diag(walk - reach @ solved[:, 1 + len(mode) :]) / level**2
        mean[:, channel] = np.log(level)
        variance[:, channel] = known + ((confused @ doubt) * confused).sum(axis=1)
    return Course(mean, np.sqrt(np.maximum(variance, 0.0)))
