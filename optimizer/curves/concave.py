"""The concave families with a closed-form inverse: exponential, logarithm, power, logistic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from optimizer.curves.curve import FloatArray, Floats, SigmoidCurve

if TYPE_CHECKING:
    import cvxpy


class ConcaveCurve(SigmoidCurve):
    """A family that is concave everywhere."""

    def inflection(self) -> FloatArray:
        return np.zeros(self.n_cells)


@dataclass(frozen=True, slots=True)
class ExponentialCurve(ConcaveCurve):
    """c (1 - e^(-r x)): ceiling c in currency, rate r in 1 / currency."""

    ceiling: FloatArray  # (n,)
    rate: FloatArray  # (n,)

    def value(self, spend: FloatArray) -> FloatArray:
        return -self.ceiling * np.expm1(-self.rate * spend)

    def marginal(self, spend: FloatArray) -> FloatArray:
        return self.ceiling * self.rate * np.exp(-self.rate * spend)

    def second_derivative(self, spend: FloatArray) -> FloatArray:
        return -self.ceiling * self.rate**2 * np.exp(-self.rate * spend)

    def inverse_marginal(self, price: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            spend = np.log(self.ceiling * self.rate / price) / self.rate
        return np.where(np.asarray(price) > 0.0, np.maximum(spend, 0.0), np.inf)

    def fourth_derivative_bound(self, low: FloatArray, high: FloatArray) -> FloatArray:  # noqa: ARG002
        return self.ceiling * self.rate**4 * np.exp(-self.rate * low)

    def rescaled(self, money: Floats, value: Floats) -> Self:
        money = np.asarray(money)
        return type(self)(self.ceiling * np.asarray(value) * money, self.rate / money)

    def cvxpy_expression(self, spend: cvxpy.Expression) -> cvxpy.Expression:
        import cvxpy

        return self.ceiling @ (1.0 - cvxpy.exp(-cvxpy.multiply(self.rate, spend)))


@dataclass(frozen=True, slots=True)
class LogCurve(ConcaveCurve):
    """a log(1 + r x): scale a in currency, rate r in 1 / currency."""

    scale: FloatArray  # (n,)
    rate: FloatArray  # (n,)

    def value(self, spend: FloatArray) -> FloatArray:
        return self.scale * np.log1p(self.rate * spend)

    def marginal(self, spend: FloatArray) -> FloatArray:
        return self.scale * self.rate / (1.0 + self.rate * spend)

    def second_derivative(self, spend: FloatArray) -> FloatArray:
        return -self.scale * (self.rate / (1.0 + self.rate * spend)) ** 2

    def inverse_marginal(self, price: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):
            spend = self.scale / price - 1.0 / self.rate
        return np.where(np.asarray(price) > 0.0, np.maximum(spend, 0.0), np.inf)

    def fourth_derivative_bound(self, low: FloatArray, high: FloatArray) -> FloatArray:  # noqa: ARG002
        return 6.0 * self.scale * (self.rate / (1.0 + self.rate * low)) ** 4

    def rescaled(self, money: Floats, value: Floats) -> Self:
        money = np.asarray(money)
        return type(self)(self.scale * np.asarray(value) * money, self.rate / money)

    def cvxpy_expression(self, spend: cvxpy.Expression) -> cvxpy.Expression:
        import cvxpy

        return self.scale @ cvxpy.log1p(cvxpy.multiply(self.rate, spend))


@dataclass(frozen=True, slots=True)
class PowerCurve(ConcaveCurve):
    """a x^e: scale a in currency at a spend of 1, exponent e in (0, 1]."""

    scale: FloatArray  # (n,)
    exponent: FloatArray  # (n,)

    def value(self, spend: FloatArray) -> FloatArray:
        return self.scale * np.asarray(spend, dtype=float) ** self.exponent

    def marginal(self, spend: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):
            power = np.asarray(spend, dtype=float) ** (self.exponent - 1.0)
        return self.scale * self.exponent * power

    def second_derivative(self, spend: FloatArray) -> FloatArray:
        e = self.exponent
        return self.scale * e * (e - 1.0) * np.maximum(spend, 1e-100) ** (e - 2.0)

    def inverse_marginal(self, price: FloatArray) -> FloatArray:
        """(price / (a e))^(1 / (e - 1)); a straight line is bought wholly or not at all."""
        steep = self.scale * self.exponent
        straight = self.exponent == 1.0
        bent = np.where(straight, 0.5, self.exponent)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            spend = (np.maximum(price, 0.0) / steep) ** (1.0 / (bent - 1.0))
        line = np.where(steep >= price, np.inf, 0.0)
        return np.where(np.asarray(price) > 0.0, np.where(straight, line, spend), np.inf)

    def fourth_derivative_bound(self, low: FloatArray, high: FloatArray) -> FloatArray:  # noqa: ARG002
        e = self.exponent
        size = np.abs(e * (e - 1.0) * (e - 2.0) * (e - 3.0))
        return self.scale * size * low ** (e - 4.0)

    def rescaled(self, money: Floats, value: Floats) -> Self:
        stretch = np.asarray(money) ** (1.0 - self.exponent)
        return type(self)(self.scale * np.asarray(value) * stretch, self.exponent)

    def cvxpy_expression(self, spend: cvxpy.Expression) -> cvxpy.Expression:
        import cvxpy

        powers = [
            cvxpy.power(spend[i], float(e), approx=False) for i, e in enumerate(self.exponent)
        ]
        return self.scale @ cvxpy.hstack(powers)


@dataclass(frozen=True, slots=True)
class LogisticCurve(ConcaveCurve):
    """c tanh(r x / 2): ceiling c in currency, rate r in 1 / currency."""

    ceiling: FloatArray  # (n,)
    rate: FloatArray  # (n,)

    def value(self, spend: FloatArray) -> FloatArray:
        return self.ceiling * np.tanh(0.5 * self.rate * spend)

    def _sech_squared(self, spend: FloatArray) -> FloatArray:
        fall = np.exp(-self.rate * spend)
        return 4.0 * fall / (1.0 + fall) ** 2

    def marginal(self, spend: FloatArray) -> FloatArray:
        return 0.5 * self.ceiling * self.rate * self._sech_squared(spend)

    def second_derivative(self, spend: FloatArray) -> FloatArray:
        bend = np.tanh(0.5 * self.rate * spend) * self._sech_squared(spend)
        return -0.5 * self.ceiling * self.rate**2 * bend

    def inverse_marginal(self, price: FloatArray) -> FloatArray:
        """sech^2(r x / 2) = q solved as x = 2 / r artanh(sqrt(1 - q))."""
        share = np.clip(2.0 * price / (self.ceiling * self.rate), 0.0, 1.0)
        with np.errstate(divide="ignore"):
            root = np.sqrt(1.0 - share)
            spend = (2.0 * np.log1p(root) - np.log(share)) / self.rate
        return np.where(np.asarray(price) > 0.0, spend, np.inf)

    def fourth_derivative_bound(self, low: FloatArray, high: FloatArray) -> FloatArray:  # noqa: ARG002
        """tanh'''' = 8 t (1 - t^2) (2 - 3 t^2) in u, at most 8 sech^2(u)."""
        return self.ceiling * (0.5 * self.rate) ** 4 * 8.0 * self._sech_squared(low)

    def rescaled(self, money: Floats, value: Floats) -> Self:
        money = np.asarray(money)
        return type(self)(self.ceiling * np.asarray(value) * money, self.rate / money)
