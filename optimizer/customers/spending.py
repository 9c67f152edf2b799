r"""What customers spend on an order: the Gamma-Gamma model.

An order of a customer is :math:`\mathrm{Gamma}(p, \nu)`, with :math:`\nu \sim
\mathrm{Gamma}(q, v)` between customers. The mean order of a customer of the segment is
:math:`p v / (q - 1)`, finite for q above 1.

References
----------
.. [1] Fader and Hardie (2013), The Gamma-Gamma Model of Monetary Value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, psi

FloatArray = npt.NDArray[np.float64]

#: What is believed of log p, log q and log v (v in multiples of the mean order).
CENTRE = np.log([4.0, 4.0, 0.8])
SD = np.array([1.2, 0.8, 1.2])


@dataclass(frozen=True, slots=True)
class Spending:
    """Repeat orders of customers: how many, and their mean amount."""

    orders: FloatArray  # (n,), above 0
    mean: FloatArray  # (n,), in multiples of a unit of money

    def log_likelihood(self, logs: FloatArray) -> tuple[float, FloatArray]:
        """Log-likelihood and its gradient (3,) at the logs of p, q and v."""
        p, q, v = np.exp(logs)
        shape, total = p * self.orders, self.orders * self.mean
        whole = np.log(v + total)
        value = (
            gammaln(shape + q)
            - gammaln(shape)
            - gammaln(q)
            + q * np.log(v)
            + (shape - 1.0) * np.log(self.mean)
            + shape * np.log(self.orders)
            - (shape + q) * whole
        )
        rises = psi(shape + q)
        slopes = (
            shape * (rises - psi(shape) + np.log(total) - whole),
            q * (rises - psi(q) + np.log(v) - whole),
            q - v * (shape + q) / (v + total),
        )
        return float(value.sum()), np.array([float(slope.sum()) for slope in slopes])


def order_value(logs: FloatArray, pooled: FloatArray) -> FloatArray:
    """The mean order (N,) at the logs of p, q and v (N, 3); the pooled (N,) where q <= 1."""
    p, q, v = np.exp(logs).T
    return np.asarray(np.where(q > 1.0, p * v / np.maximum(q - 1.0, 1e-12), pooled))
