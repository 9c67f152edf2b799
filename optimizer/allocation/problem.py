r"""The allocation problem: one budget over cells, each with a curve and bounds.

.. math:: \max_x \; E[D(x)] - k \, sd[D(x)] \quad \sum_i x_i = B, \; l \le x \le u

with :math:`D_s(x) = \sum_i v_i (f_i^s(x_i) - f_i^s(h_i)) - w (x_i - h_i)` over the draws s, h the
reference split and k the caution. All money is for the whole plan.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.allocation.measures import Caution, Measure, TailRisk
from optimizer.allocation.rows import BoolArray, Count, Rows, Target
from optimizer.curves import Curve, TabulatedDraws
from optimizer.errors import InfeasibleError

FloatArray = npt.NDArray[np.float64]
ROUNDING = 4.0 * float(np.finfo(float).eps)
NEAR_ZERO = 1e-9  # of a cell's maximum: slopes at zero spend are taken here, where finite
CENTS_AGREE = 1e-7  # of a lot: how far a sum of decimal limits may stray in binary


@dataclass(frozen=True, slots=True)
class Box:
    """The splits within bounds that add up to a budget."""

    lower: FloatArray  # (n,), currency
    upper: FloatArray  # (n,), currency
    budget: float  # currency

    @property
    def _slack(self) -> float:
        """What rounding may add to a sum of n cells."""
        return ROUNDING * self.lower.size * max(self.budget, 1e-300)

    @property
    def is_empty(self) -> bool:
        """Whether it holds no split at all."""
        least, most = float(self.lower.sum()), float(self.upper.sum())
        return least > self.budget + self._slack or most < self.budget - self._slack

    def tightened(self) -> Box:
        """The same splits in the narrowest bounds: a cell gets what the others leave it.

        A rounding allowance keeps every split inside in floating point.
        """
        others_least = self.lower.sum() - self.lower
        others_most = self.upper.sum() - self.upper
        low = np.maximum(self.lower, self.budget - others_most - self._slack)
        high = np.minimum(self.upper, self.budget - others_least + self._slack)
        return Box(low, np.maximum(high, low), self.budget)

    def cut(self, cell: int, at: float) -> tuple[Box, Box]:
        """The part where a cell gets at most, and the part where it gets at least, a spend."""
        upper, lower = self.upper.copy(), self.lower.copy()
        upper[cell] = min(at, upper[cell])
        lower[cell] = max(at, lower[cell])
        return Box(self.lower, upper, self.budget), Box(lower, self.upper, self.budget)

    def nearest(self, reference: FloatArray) -> FloatArray:
        """The split (n,) that moves the least money away from a reference.

        Clipping to the bounds is forced; what is then missing (or over) is spread in proportion
        to the room each cell has left, which moves no more than any other way of doing it.
        """
        spend = np.clip(reference, self.lower, self.upper)
        missing = self.budget - float(spend.sum())
        room = self.upper - spend if missing > 0.0 else spend - self.lower
        total = float(room.sum())
        if total <= 0.0:
            return spend
        return np.clip(spend + room * (missing / total), self.lower, self.upper)


@dataclass(frozen=True, slots=True)
class AllocationProblem:
    """What is to be split, over what, within which bounds.

    ``gains`` are the curves already multiplied by the value v of a unit of response: a single
    curve per cell, or tabulated draws of them.
    """

    cells: tuple[str, ...]  # n names
    gains: Curve | TabulatedDraws
    total_budget: float  # currency
    lower: FloatArray  # (n,), currency
    upper: FloatArray  # (n,), currency
    reference: FloatArray  # (n,), currency: the current split scaled to the budget
    cost_per_spend: float = 0.0  # w: 0 counts revenue, 1 profit
    caution: float = 0.0  # k >= 0; counts as 0 without draws
    lot: float = 0.01  # currency: the published split is in whole lots
    node_limit: int = 2000
    least_total: float | None = None  # currency: the total may lie from here to total_budget
    optional: BoolArray | None = None  # (n,): cells that may also get nothing, below their lower
    rows: Rows | None = None
    targets: tuple[Target, ...] = ()
    counts: tuple[Count, ...] = ()
    most_moved: float | None = None  # currency: sums of increases and of decreases on reference
    counts_gain: bool = True  # False: only what is spent counts (least spend for a target)
    is_ratio: bool = False  # True: maximise gain / spend instead (ROMI + 1)
    tail: TailRisk | None = None  # in place of caution

    @property
    def box(self) -> Box:
        """Every split the bounds and the budget allow; sums of decimals may miss by a rounding."""
        budget = min(max(self.total_budget, float(self.lower.sum())), float(self.upper.sum()))
        return Box(self.lower, self.upper, budget)

    @property
    def mean_gain(self) -> Curve:
        """The expected gain of every cell."""
        return self.gains.mean if isinstance(self.gains, TabulatedDraws) else self.gains

    @property
    def draws(self) -> TabulatedDraws | None:
        """The tabulated draws; None where each cell has one curve."""
        return self.gains if isinstance(self.gains, TabulatedDraws) else None

    @property
    def is_cautious(self) -> bool:
        """Whether the spread of the draws enters the objective."""
        return self.caution > 0.0 and self.draws is not None

    def gain_draws(self, spend: FloatArray) -> FloatArray:
        """Total gain (N,) of a split under each draw; one entry without draws."""
        if isinstance(self.gains, TabulatedDraws):
            return np.asarray(self.gains.source.value(spend).sum(axis=1))
        return np.atleast_1d(self.gains.value(spend).sum())

    def objective(self, spend: FloatArray) -> float:
        """What is maximised, as a level: E[D] - k sd[D] plus the reference's own value."""
        gains = self.gain_draws(spend)
        level = float(gains.mean() - self.cost_per_spend * spend.sum())
        if not self.is_cautious:
            return level
        return level - self.caution * float(np.std(gains - self.gain_draws(self.reference)))

    def marginal_gain(self, spend: FloatArray) -> FloatArray:
        """Slope (n,) of the objective, before the cost of spending: with caution, under the
        weights that the split's own spread gives the draws."""
        inside = np.maximum(spend, near_zero(self.upper))
        if not isinstance(self.gains, TabulatedDraws):
            return self.gains.marginal(inside)
        marginal = self.gains.source.marginal(inside)
        gain = self.gain_draws(spend) - self.gain_draws(self.reference)
        spread = float(gain.std())
        if not self.is_cautious or spread <= 0.0:
            return np.asarray(marginal.mean(axis=0))
        weights = (1.0 - self.caution * (gain - gain.mean()) / spread) / gain.size
        return np.asarray(weights @ marginal)

    def check_feasible(self) -> None:
        """Raise if no split within the bounds adds up to the budget."""
        slack = CENTS_AGREE * self.lot
        if self.lower.sum() > self.total_budget + slack:
            self._refuse("the minima", self.lower, "Raise the budget to it or lower a minimum.")
        if self.upper.sum() < self.total_budget - slack:
            self._refuse("the maxima", self.upper, "Lower the budget to it or raise a maximum.")

    def _refuse(self, what: str, limits: FloatArray, advice: str) -> None:
        side = "at least" if what == "the minima" else "at most"
        largest = np.argsort(-limits)[:3]
        named = ", ".join(f"{self.cells[i]} {limits[i]:,.2f}" for i in largest)
        conflict = f"{what}, which together take {side} {limits.sum():,.2f} ({named}, ...)"
        raise InfeasibleError(self.total_budget, (conflict,), advice)


def near_zero(upper: FloatArray) -> FloatArray:
    """A spend (n,) at which slopes stand for those at zero, which may be infinite."""
    widest = max(float(upper.max()), 1e-290)
    return NEAR_ZERO * np.where(upper > 0.0, upper, widest)


def in_money(lots: FloatArray, lot: float) -> FloatArray:
    """Whole lots as money, each the nearest number to its decimal value.

    Examples
    --------
    >>> in_money(np.array([5185548892035.0]), 0.01)
    array([5.18554889e+10])
    >>> float(in_money(np.array([7.0]), 0.01)[0])
    0.07
    """
    per_unit = round(1.0 / lot)
    exact = per_unit >= 1 and abs(per_unit * lot - 1.0) < 1e-12
    return np.asarray(lots / per_unit if exact else lots * lot) + 0.0
