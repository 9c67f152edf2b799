r"""The Hill curve, and Michaelis-Menten as its member of slope 1.

.. math:: f(x) = c \, x^s / (x^s + k^s) = c \, \sigma(s (\log x - \log k))

References
----------
.. [1] Jin et al. (2017), Bayesian Methods for Media Mix Modeling with Carryover and Shape Effects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from optimizer.curves.curve import FloatArray, Floats, SigmoidCurve

if TYPE_CHECKING:
    import cvxpy

NEWTON_STEPS = 60
NEWTON_TOLERANCE = 1e-12  # on log spend; the last step squares it


def hill_response(
    spend: Floats, *, ceiling: Floats, half_saturation: Floats, slope: Floats
) -> FloatArray:
    r"""Incremental revenue at a steady level of spend, by the Hill curve.

    .. math:: f(x) = c \, x^s / (x^s + k^s)

    Parameters
    ----------
    spend : ndarray of shape (..., n_channels), currency per period
        Non-negative steady spend :math:`x`.
    ceiling, half_saturation : ndarray of shape (n_channels,), currency per period
        Revenue :math:`c` approached as spend grows; spend :math:`k > 0` that earns half of it.
    slope : ndarray of shape (n_channels,), dimensionless
        Hill slope :math:`s > 0`: concave up to 1, S-shaped above.

    Returns
    -------
    ndarray of shape (..., n_channels), currency per period
        Incremental revenue; exactly zero where spend is zero.

    Examples
    --------
    >>> hill_response(np.array([0.0, 50.0]), ceiling=200.0, half_saturation=50.0, slope=1.0)
    array([  0., 100.])
    """
    return np.asarray(ceiling * _logistic(slope * _log_ratio(spend, half_saturation)))


def _logistic(x: FloatArray) -> FloatArray:
    """1 / (1 + e^-x) to full relative precision at both ends."""
    small = np.exp(-np.abs(x))
    return np.where(np.asarray(x) >= 0.0, 1.0, small) / (1.0 + small)


def _bell(x: FloatArray) -> FloatArray:
    """p (1 - p) of the logistic p, to full relative precision at both ends."""
    small = np.exp(-np.abs(x))
    return np.asarray(small / (1.0 + small) ** 2)


def _log_ratio(spend: Floats, half_saturation: Floats) -> FloatArray:
    with np.errstate(divide="ignore"):
        return np.log(np.asarray(spend, dtype=float) / half_saturation)


@dataclass(frozen=True, slots=True)
class HillCurve(SigmoidCurve):
    """Hill curves of n cells: ceiling and half-saturation in currency, slope dimensionless."""

    ceiling: FloatArray  # (n,)
    half_saturation: FloatArray  # (n,)
    slope: FloatArray  # (n,)

    def value(self, spend: FloatArray) -> FloatArray:
        return hill_response(
            spend, ceiling=self.ceiling, half_saturation=self.half_saturation, slope=self.slope
        )

    def marginal(self, spend: FloatArray) -> FloatArray:
        z = self.slope * _log_ratio(spend, self.half_saturation)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            inside = self.ceiling * self.slope * _bell(z) / spend
        return np.where(np.asarray(spend) > 0.0, inside, self._marginal_at_zero())

    def _marginal_at_zero(self) -> FloatArray:
        at_one = self.ceiling / self.half_saturation
        return np.where(self.slope > 1.0, 0.0, np.where(self.slope == 1.0, at_one, np.inf))

    def second_derivative(self, spend: FloatArray) -> FloatArray:
        spend = np.maximum(spend, 1e-12 * self.half_saturation)
        z = self.slope * _log_ratio(spend, self.half_saturation)
        bend = -self.slope * np.tanh(0.5 * z) - 1.0
        return self.ceiling * self.slope * _bell(z) * bend / spend**2

    def inflection(self) -> FloatArray:
        """k ((s - 1) / (s + 1))^(1/s) above slope 1."""
        steep = np.maximum(self.slope, 1.0)
        return self.half_saturation * ((steep - 1.0) / (steep + 1.0)) ** (1.0 / steep)

    def inverse_marginal(self, price: FloatArray) -> FloatArray:
        """Root of log f'(x) = log price on the falling branch.

        With z = log(x / k) it reads C + (s - 1) z - 2 softplus(s z) = log price, concave in z.
        Newton's steps from the right of the root never cross it.
        """
        price = np.asarray(price, dtype=float)
        with np.errstate(divide="ignore", invalid="ignore"):
            target = np.log(price)
        height = np.log(self.ceiling) + np.log(self.slope / self.half_saturation)
        wanted = height - target
        has_root = target <= self._log_marginal_peak(height)
        z = self._newton(np.where(has_root & (price > 0.0), wanted, 0.0))
        spend = np.where(has_root, self.half_saturation * np.exp(np.minimum(z, 700.0)), 0.0)
        return np.where(price > 0.0, spend, np.inf)

    def _log_marginal_peak(self, height: FloatArray) -> FloatArray:
        s = self.slope
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.log((s - 1.0) / (s + 1.0)) / s
            peak = height + (s - 1.0) * z - 2.0 * np.logaddexp(0.0, s * z)
        return np.where(s > 1.0, peak, np.where(s == 1.0, height, np.inf))

    def _newton(self, wanted: FloatArray) -> FloatArray:
        """Solve 2 softplus(s z) - (s - 1) z = wanted from an upper bound on the root."""
        s = self.slope
        z = np.minimum(wanted / (s + 1.0), wanted - 2.0 * np.log(2.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(s < 1.0, np.minimum(z, wanted / (1.0 - s)), z)
            for _ in range(NEWTON_STEPS):
                excess = 2.0 * np.logaddexp(0.0, s * z) - (s - 1.0) * z - wanted
                step: FloatArray = np.fmax(excess / (2.0 * s * _logistic(s * z) - (s - 1.0)), 0.0)
                z = z - step
                if (step <= NEWTON_TOLERANCE * (1.0 + np.abs(z))).all():
                    break
        return np.asarray(z)

    def fourth_derivative_bound(self, low: FloatArray, high: FloatArray) -> FloatArray:
        """c p(1-p) s (s+1) (s+2) (s+3) / low^4, p(1-p) the largest on the interval.

        In z = log x the first four derivatives are each at most s^n c p (1 - p), and
        x^4 f'''' = D (D - 1) (D - 2) (D - 3) f with D = d/dz.
        """
        nearest = np.clip(self.half_saturation, low, high)
        z = self.slope * _log_ratio(nearest, self.half_saturation)
        s = self.slope
        rising = s * (s + 1.0) * (s + 2.0) * (s + 3.0)
        return self.ceiling * _bell(z) * rising / low**4

    def rescaled(self, money: Floats, value: Floats) -> Self:
        ceiling = self.ceiling * np.asarray(value) * np.asarray(money)
        return type(self)(ceiling, self.half_saturation * np.asarray(money), self.slope)

    def cvxpy_expression(self, spend: cvxpy.Expression) -> cvxpy.Expression | None:
        """b - b k^s / (k^s + x^s) with t <= x^s as a power cone; None if any slope is above 1."""
        if np.any(self.slope > 1.0):
            return None
        import cvxpy

        terms = []
        for cell in range(self.n_cells):
            scaled = spend[cell] / self.half_saturation[cell]
            power = cvxpy.power(scaled, float(self.slope[cell]), approx=False)
            terms.append(self.ceiling[cell] * (1.0 - cvxpy.inv_pos(1.0 + power)))
        return cvxpy.sum(cvxpy.hstack(terms))


@dataclass(frozen=True, slots=True)
class MichaelisMentenCurve(HillCurve):
    """Hill curves of slope 1: c x / (x + k), whose inverse marginal is a square root."""

    def inverse_marginal(self, price: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            spend = np.sqrt(self.ceiling * self.half_saturation / price) - self.half_saturation
        return np.where(np.asarray(price) > 0.0, np.maximum(spend, 0.0), np.inf)
