r"""The Hill curve, and Michaelis-Menten as its member of slope 1.

.. math:: f(x) = c \, x^s / (x^s + k^s) = c \, \sigma(s (\log x - \log k))

References
----------
.. [1] Jin et al. (2017), Bayesian Methods for Media Mix Modeling with Carryover and Shape Effects.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from optimizer.curves.curve import (
    BestResponse,
    FloatArray,
    Floats,
    SigmoidCurve,
    TotalResponse,
)
from optimizer.curves.fast import is_compiled

if TYPE_CHECKING:
    import cvxpy

HALLEY_STEPS = 3  # enough for all but the roots next to an inflection
HALLEY_TOLERANCE = 1e-15  # on what a step leaves to the next, which cubes it
NEAR = 0.1  # the longest last step of which that law can be trusted
NEWTON_STEPS = 60
NEWTON_TOLERANCE = 1e-12  # on log spend; the last step squares it
NEAR_HALF = 1.5  # |y| within which the parabola at y = 0 starts better than tangents
TANGENTS_AT = (-2.5, 0.0, 2.0)
LOG_4 = 2.0 * math.log(2.0)


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


def _excess(
    y: FloatArray, wanted: FloatArray, a: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """h(y) - wanted with h(y) = 2 softplus(y) - a y, its slope, and half its second derivative."""
    small = np.exp(-np.abs(y))
    below = 1.0 / (1.0 + small)
    excess = 2.0 * (np.maximum(y, 0.0) + np.log1p(small)) - a * y - wanted
    rise = 2.0 * np.where(y >= 0.0, below, small * below) - a
    return excess, rise, small * below * below


def _start(wanted: FloatArray, a: FloatArray) -> FloatArray:
    """A start for the root: the parabola near y = 0, elsewhere the least root of h's tangents."""
    above = wanted - LOG_4
    within = (1.0 - a) ** 2 + above
    parabola = 2.0 * (np.sqrt(np.maximum(within, 0.0)) - (1.0 - a))
    y = _upper_start(wanted, a)
    return np.where((within > 0.0) & (np.abs(parabola) < NEAR_HALF), parabola, y)


def _upper_start(wanted: FloatArray, a: FloatArray) -> FloatArray:
    """h lies above its tangents and asymptotes, so their least root is at or beyond its own."""
    y = wanted / (2.0 - a)
    with np.errstate(divide="ignore", invalid="ignore"):
        for at in TANGENTS_AT:
            rise = 2.0 * _LOGISTIC[at] - a
            root = (wanted - 2.0 * (_SOFTPLUS[at] - at * _LOGISTIC[at])) / rise
            y = np.where(rise > 0.0, np.minimum(y, root), y)
        return np.where(a < 0.0, np.minimum(y, wanted / -a), y)


_SOFTPLUS = {at: math.log1p(math.exp(at)) for at in TANGENTS_AT}
_LOGISTIC = {at: 1.0 / (1.0 + math.exp(-at)) for at in TANGENTS_AT}


def _newton(wanted: FloatArray, a: FloatArray) -> FloatArray:
    """The root by Newton's steps from its right, which never cross it.

    Next to the inflection, where h is least and all tangents are poor, it bends upwards ever
    more (as long as y < 0): the parabola with its bend there meets ``wanted`` beyond the root.
    """
    y = _upper_start(wanted, a)
    with np.errstate(divide="ignore", invalid="ignore"):
        inflection = np.log(a / (2.0 - a))
        least = 2.0 * np.log(2.0 / (2.0 - a)) - a * inflection
        beyond = inflection + 2.0 * np.sqrt(np.maximum(wanted - least, 0.0) / (a * (2.0 - a)))
        y = np.where((a > 0.0) & (beyond < 0.0), np.minimum(y, beyond), y)
        for _ in range(NEWTON_STEPS):
            excess, rise, _ = _excess(y, wanted, a)
            step = np.fmax(excess / rise, 0.0)
            y = y - step
            if (step <= NEWTON_TOLERANCE * (1.0 + np.abs(y))).all():
                break
    return y


@dataclass(frozen=True)
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

    def value_and_marginal(self, spend: FloatArray) -> tuple[FloatArray, FloatArray]:
        z = self.slope * _log_ratio(spend, self.half_saturation)
        small = np.exp(-np.abs(z))
        below = 1.0 / (1.0 + small)
        value = self.ceiling * np.where(z >= 0.0, below, small * below)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            marginal = self.ceiling * self.slope * (small * below * below) / spend
        if not np.all(spend):
            marginal = np.where(spend > 0.0, marginal, self._marginal_at_zero())
        return value, marginal

    def best_response(
        self,
        price: Floats,
        lower: FloatArray,
        upper: FloatArray,
        may_be_zero: bool = False,
    ) -> BestResponse:
        compiled = lower.ndim == 1 and self.slope.ndim == 1 and is_compiled(lower.size)
        if not compiled or may_be_zero or not (np.ndim(price) == 0 and 0.0 < float(price) < np.inf):
            return SigmoidCurve.best_response(self, price, lower, upper, may_be_zero)
        from optimizer.curves.kernels import hill_best_response

        answer = np.empty((3, lower.size))
        hill_best_response(float(price), lower, upper, *self._columns(), answer)
        return BestResponse(answer[0], answer[1], answer[2])

    def total_response(self, price: float, lower: FloatArray, upper: FloatArray) -> TotalResponse:
        if not is_compiled(lower.size) or not 0.0 < price < np.inf:
            return SigmoidCurve.total_response(self, price, lower, upper)
        from optimizer.curves.hill_kernels import hill_total

        return TotalResponse(*hill_total(price, lower, upper, *self._columns()))

    def shifted_response(
        self, price: float, shift: float, lower: FloatArray, upper: FloatArray
    ) -> FloatArray:
        if not is_compiled(lower.size) or not 0.0 < price < np.inf:
            return SigmoidCurve.shifted_response(self, price, shift, lower, upper)
        from optimizer.curves.hill_kernels import hill_shifted

        spend = np.empty(lower.size)
        hill_shifted(price, shift, lower, upper, *self._columns(), spend)
        return spend

    def _columns(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        return self.ceiling, self.half_saturation, self.slope

    def hill_columns(self) -> FloatArray:
        return np.stack(self._columns())

    def inflection(self) -> FloatArray:
        """k ((s - 1) / (s + 1))^(1/s) above slope 1."""
        return self._inflection

    @cached_property
    def _inflection(self) -> FloatArray:
        steep = np.maximum(self.slope, 1.0)
        with np.errstate(divide="ignore"):
            return self.half_saturation * np.exp(np.log((steep - 1.0) / (steep + 1.0)) / steep)

    def inverse_marginal(self, price: FloatArray) -> FloatArray:
        """Root of log f'(x) = log price on the falling branch.

        With y = s log(x / k) and a = (s - 1) / s it reads 2 softplus(y) - a y = log(c s / (k p)),
        the left side h(y) convex.
        """
        price = np.asarray(price, dtype=float)
        with np.errstate(divide="ignore", invalid="ignore"):
            wanted = self._height - np.log(price)
        has_root = wanted >= self._least_wanted
        y = self._falling_root(np.where(has_root & (price > 0.0), wanted, LOG_4))
        spend = self.half_saturation * np.exp(np.minimum(y / self.slope, 700.0))
        return np.where(price > 0.0, np.where(has_root, spend, 0.0), np.inf)

    @cached_property
    def _height(self) -> FloatArray:
        return np.asarray(np.log(self.ceiling) + np.log(self.slope / self.half_saturation))

    @cached_property
    def _least_wanted(self) -> FloatArray:
        """The least of h: at the inflection above slope 1, far to the left elsewhere."""
        s = np.maximum(self.slope, 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            least = 2.0 * np.log(2.0 * s / (s + 1.0)) - (s - 1.0) / s * np.log(
                (s - 1.0) / (s + 1.0)
            )
        return np.where(self.slope > 1.0, least, np.where(self.slope == 1.0, 0.0, -np.inf))

    def _falling_root(self, wanted: FloatArray) -> FloatArray:
        """Solve h(y) = wanted by Halley's steps, and by Newton's where those do not settle."""
        a = (self.slope - 1.0) / self.slope
        y = _start(wanted, a)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            for _ in range(HALLEY_STEPS):
                excess, rise, bend = _excess(y, wanted, a)
                square = rise * rise
                step = excess * rise / np.maximum(square - excess * bend, 0.5 * square)
                y = y - step
            left_over = np.abs(step * (step * bend / rise) ** 2)
            settled = (left_over <= HALLEY_TOLERANCE * (1.0 + np.abs(y))) & (np.abs(step) <= NEAR)
        if not settled.all():
            open_cells = ~settled
            y[open_cells] = _newton(wanted[open_cells], np.broadcast_to(a, y.shape)[open_cells])
        return y

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


@dataclass(frozen=True)
class MichaelisMentenCurve(HillCurve):
    """Hill curves of slope 1: c x / (x + k), whose inverse marginal is a square root."""

    def _best_response(
        self, prices: FloatArray, lower: FloatArray, upper: FloatArray, may_be_zero: bool
    ) -> BestResponse:
        """Concave: the root within bounds is best, and its tangent the bound."""
        spend = np.minimum(np.maximum(self.inverse_marginal(prices), lower), upper)
        value, slope = self.value_and_marginal(spend)
        value -= prices * spend
        slope -= prices
        bound = value + slope * np.where(slope > 0.0, upper - spend, lower - spend)
        if may_be_zero:
            spend = np.where(value < 0.0, 0.0, spend)
            value, bound = np.maximum(value, 0.0), np.maximum(bound, 0.0)
        return BestResponse(spend, value, bound)

    def give(self, spend: FloatArray, lower: FloatArray, upper: FloatArray) -> FloatArray:
        """1 / f'' = -(x + k)^3 / (2 c k) off the bounds."""
        reach = spend + self.half_saturation
        inside = (spend > lower) & (spend < upper)
        return (
            np.where(inside, reach / self.ceiling * (reach / self.half_saturation) * reach, 0.0)
            * -0.5
        )

    def value(self, spend: FloatArray) -> FloatArray:
        return self.ceiling * (spend / (spend + self.half_saturation))

    def marginal(self, spend: FloatArray) -> FloatArray:
        return self.value_and_marginal(spend)[1]

    def value_and_marginal(self, spend: FloatArray) -> tuple[FloatArray, FloatArray]:
        share = 1.0 / (spend + self.half_saturation)
        steepness = self.ceiling * share
        return steepness * spend, steepness * (self.half_saturation * share)

    def second_derivative(self, spend: FloatArray) -> FloatArray:
        share = 1.0 / (spend + self.half_saturation)
        return -2.0 * (self.ceiling * share) * (self.half_saturation * share) * share

    def inflection(self) -> FloatArray:
        return np.zeros(self.slope.shape)

    def total_response(self, price: float, lower: FloatArray, upper: FloatArray) -> TotalResponse:
        if not is_compiled(lower.size) or not 0.0 < price < np.inf:
            return SigmoidCurve.total_response(self, price, lower, upper)
        from optimizer.curves.kernels import michaelis_menten_total

        columns = self.ceiling, self.half_saturation
        return TotalResponse(*michaelis_menten_total(price, lower, upper, *columns))

    def shifted_response(
        self, price: float, shift: float, lower: FloatArray, upper: FloatArray
    ) -> FloatArray:
        if not is_compiled(lower.size) or not 0.0 < price < np.inf:
            return SigmoidCurve.shifted_response(self, price, shift, lower, upper)
        from optimizer.curves.kernels import michaelis_menten_shifted

        spend, columns = np.empty(lower.size), (self.ceiling, self.half_saturation)
        michaelis_menten_shifted(price, shift, lower, upper, *columns, spend)
        return spend

    def best_response(
        self,
        price: Floats,
        lower: FloatArray,
        upper: FloatArray,
        may_be_zero: bool = False,
    ) -> BestResponse:
        """In numpy always: a square root, whatever the size."""
        return SigmoidCurve.best_response(self, price, lower, upper, may_be_zero)

    def inverse_marginal(self, price: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            spend = np.sqrt(self.ceiling * self.half_saturation / price) - self.half_saturation
        return np.where(np.asarray(price) > 0.0, np.maximum(spend, 0.0), np.inf)
