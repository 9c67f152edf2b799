r"""How often customers order again: the BG/NBD model.

A customer orders at a rate :math:`\lambda \sim \mathrm{Gamma}(r, \alpha)` per week and leaves for
good after any order with a chance :math:`p \sim \mathrm{Beta}(a, b)`. Of each customer it needs
three numbers: repeat orders x, the age t_x at the last of them, and the age T today, in weeks.

References
----------
.. [1] Fader, Hardie and Lee (2005), "Counting Your Customers" the Easy Way: An Alternative to the
   Pareto/NBD Model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, hyp2f1, psi

FloatArray = npt.NDArray[np.float64]

#: What is believed of log r, log alpha (weeks), log a, log b before any order is seen.
CENTRE = np.log([0.7, 8.0, 0.9, 2.5])
SD = np.array([1.0, 1.2, 0.8, 0.8])
POLE = 1e-6  # a and a + b are kept this far from 1, where the formula of expected orders is 0 / 0


@dataclass(frozen=True, slots=True)
class Purchases:
    """Customers who look alike to the model, counted once."""

    repeats: FloatArray  # (n,), x
    recency: FloatArray  # (n,), t_x, weeks
    age: FloatArray  # (n,), T, weeks
    count: FloatArray  # (n,), customers

    @classmethod
    def of(cls, repeats: FloatArray, recency: FloatArray, age: FloatArray) -> Purchases:
        """From one row per customer (n,); weeks."""
        rows = np.stack([repeats, recency, age], axis=1)
        distinct, count = np.unique(rows, axis=0, return_counts=True)
        return cls(distinct[:, 0], distinct[:, 1], distinct[:, 2], count.astype(np.float64))

    def log_likelihood(self, logs: FloatArray) -> tuple[float, FloatArray]:
        """Log-likelihood and its gradient (4,) at the logs of r, alpha, a and b."""
        r, alpha, a, b = np.exp(logs)
        x, again = self.repeats, self.repeats > 0
        kept = np.maximum(b + x - 1.0, 1e-300)
        ever = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
        stays = gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
        alive = -(r + x) * np.log(alpha + self.age)
        gone = np.where(
            again, np.log(a) - np.log(kept) - (r + x) * np.log(alpha + self.recency), -np.inf
        )
        either = np.logaddexp(alive, gone)
        left = np.exp(gone - either)  # chance of having left after the last order
        value = float(self.count @ (ever + stays + either))
        past = left * np.log(alpha + self.recency) + (1 - left) * np.log(alpha + self.age)
        per = left / (alpha + self.recency) + (1 - left) / (alpha + self.age)
        slopes = (
            r * (psi(r + x) - psi(r) + np.log(alpha) - past),
            alpha * (r / alpha - (r + x) * per),
            a * (psi(a + b) - psi(a + b + x)) + left,
            b * (psi(a + b) + psi(b + x) - psi(b) - psi(a + b + x))
            - b * np.where(again, left / kept, 0.0),
        )
        return value, np.array([float(self.count @ slope) for slope in slopes])


def expected_orders(
    weeks: FloatArray, *, r: FloatArray, alpha: FloatArray, a: FloatArray, b: FloatArray
) -> FloatArray:
    r"""Repeat orders a new customer is expected to make within some weeks.

    .. math:: E[X(t)] = \frac{a+b-1}{a-1} \left(1 - \Big(\frac{\alpha}{\alpha+t}\Big)^r
        {}_2F_1\Big(r, b; a+b-1; \frac{t}{\alpha+t}\Big)\right)

    Parameters
    ----------
    weeks : ndarray, weeks since the first order
    r, a, b : ndarray, dimensionless
    alpha : ndarray, weeks
        All broadcast.

    Returns
    -------
    ndarray, orders

    Notes
    -----
    Computed as :math:`1 - {}_2F_1(r, a-1; a+b-1; -t/\alpha)`, its Pfaff transform, which stays
    finite for any age; the formula as it stands covers very large a and b. What rounding leaves is
    held between 0 and the orders :math:`r t / \alpha` of customers who never leave.

    Examples
    --------
    The values published for the CDNOW customers (Fader, Hardie and Lee):

    >>> weeks = np.array([1.0, 32.0])
    >>> expected_orders(weeks, r=0.243, alpha=4.414, a=0.793, b=2.426).round(3)
    array([0.053, 1.045])
    """
    a = np.where(np.abs(a - 1.0) < POLE, 1.0 + POLE, a)
    both = a + b - 1.0
    both = np.where(np.abs(both) < POLE, POLE, both)
    lost = hyp2f1(r, a - 1.0, both, -weeks / alpha)
    plain = (alpha / (alpha + weeks)) ** r * hyp2f1(r, b, both, weeks / (alpha + weeks))
    orders = both / (a - 1.0) * (1.0 - np.where(np.isfinite(lost), lost, plain))
    return np.asarray(np.clip(orders, 0.0, r / alpha * weeks))
