r"""What a measurement is worth before it is made: draws, linear updates, value of information.

Draws of what is measured, :math:`L`, and of what depends on it are correlated. A measurement of
:math:`L` with standard error :math:`s` takes

.. math:: \mathrm{cov}(g, L)^2 / (\mathrm{var}\,L + s^2)

from the variance of anything else, :math:`g`: exactly so where all is Gaussian.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

#: E[max(g, 0)] of a centred Gaussian g of standard deviation 1.
HALF_NORMAL = 0.4

#: Draws that differ from their mean by less, relative, are one.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Doubt:
    """Draws of several quantities less their means: all that is not known of them."""

    away: FloatArray  # (n_draws, n_quantities)

    @classmethod
    def of(cls, draws: FloatArray) -> Doubt:
        """What equally likely draws (n_draws, n_quantities) leave open."""
        mean = draws.mean(axis=0)
        away = draws - mean
        return cls(np.where(np.abs(away) > ROUNDING * np.abs(mean), away, 0.0))

    @cached_property
    def variance(self) -> FloatArray:
        """Of each quantity, (n_quantities,)."""
        return np.asarray((self.away**2).mean(axis=0))

    def covariance(self, measured: FloatArray) -> FloatArray:
        """Of each quantity with what is measured (n_draws, ...), (..., n_quantities)."""
        return np.asarray(measured.T @ self.away / len(self.away))

    def after(self, measured: FloatArray, standard_error: float) -> Doubt:
        """The doubt left once (n_draws,) was measured, whatever it turns out to be.

        Draws are pulled together along the measured direction: the square-root form of the
        linear update, without any new randomness.
        """
        spread = float(measured @ measured) / len(measured)
        if spread <= 0.0:
            return self
        kept = np.sqrt(standard_error**2 / (spread + standard_error**2))
        pull = (1.0 - kept) * self.covariance(measured) / spread
        return Doubt(self.away - measured[:, None] * pull)


def explained(covariance: FloatArray, variance: float, error: float) -> FloatArray:
    """Variance a measurement takes from others: covariance^2 / (its variance + error^2)."""
    return np.asarray(covariance**2 / max(variance + error**2, 1e-300))


def gain(learned: FloatArray, curvature: FloatArray, room: FloatArray) -> FloatArray:
    r"""What a planner gains per period by knowing more of a marginal return.

    Moving to the better place earns :math:`v / 2q` where the gain is curved by :math:`q`, or, where
    limits stop the move, the room times the mean of the positive part of a Gaussian.

    Parameters
    ----------
    learned : ndarray of shape (n,)
        Variance :math:`v` that is learned of the marginal return over the average one.
    curvature : ndarray of shape (n,)
        :math:`q`, how fast the marginal return falls, per unit of spend.
    room : ndarray of shape (n,), currency per period
        How far spend may move, up and down together.
    """
    free = learned / (2.0 * np.maximum(curvature, 1e-300))
    return np.asarray(np.minimum(free, HALF_NORMAL * np.sqrt(learned) * room))
