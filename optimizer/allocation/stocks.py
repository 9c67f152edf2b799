r"""A plan by period with carryover: spend, the stock it builds up, and what the stock earns.

Geometric adstock keeps a stock :math:`a_t = x_t + r \, a_{t-1}` of the spend :math:`x_t`; period t
earns :math:`f((1 - r) \, a_t)`, so that steady spend x earns f(x). The stock carried in from the
past enters as :math:`a_0`, and what it would earn alone is not the plan's: it is subtracted. What
the plan's stock earns after the last period is counted until the stock has decayed.

.. math:: \max_x \sum_{c,t} v_c \, [f_c((1 - r_c) a_{ct}) - f_c((1 - r_c) r_c^t a_{c0})] - w x_{ct}

Arrays by period are shaped (periods, cells), as curves take them.

References
----------
.. [1] Jin et al. (2017), Bayesian Methods for Media Mix Modeling with Carryover and Shape Effects.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from optimizer.allocation.problem import CENTS_AGREE, ROUNDING
from optimizer.curves import Curve, TabulatedDraws
from optimizer.errors import InfeasibleError

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
NEGLIGIBLE = 1e-9  # of a stock: what is left of it when its effects stop being counted
LONGEST_TAIL = 1500  # periods


@dataclass(frozen=True)
class ScheduleProblem:
    """What is to be spent when, over which cells, within which limits."""

    cells: tuple[str, ...]  # n names
    gains: Curve | TabulatedDraws  # v f: currency per period in and out, up to `level_range`
    retention: FloatArray  # (n,), share of a stock that survives a period
    carried: FloatArray  # (n,), currency: the stock at the end of the period before the plan
    floor: FloatArray  # (T, n), currency per period
    cap: FloatArray  # (T, n), currency per period, finite; 0 closes a period
    lower: FloatArray  # (n,), currency, whole plan
    upper: FloatArray  # (n,), currency, whole plan
    least_total: float  # currency
    most_total: float  # currency; may be infinite
    reference: FloatArray  # (T, n), currency: the current split as it would be spent
    smooth: float | None = None  # largest relative step between neighbouring open periods
    cost_per_spend: float = 0.0  # w: 0 counts revenue, 1 profit
    caution: float = 0.0  # k >= 0; counts as 0 without draws
    lot: float = 0.01  # currency: every period's spend is in whole lots
    tail: int | None = None  # periods counted after the end; by the slowest decay if absent

    @property
    def n_periods(self) -> int:
        """Periods T of the plan."""
        return int(self.cap.shape[0])

    @cached_property
    def n_counted(self) -> int:
        """Periods P >= T in which the plan's effects are counted."""
        tail = counted_after(self.retention) if self.tail is None else self.tail
        return self.n_periods + tail

    @cached_property
    def is_open(self) -> BoolArray:
        """(T, n): whether a cell may spend in a period."""
        return np.asarray(self.cap > 0.0)

    @cached_property
    def is_linked(self) -> BoolArray:
        """(T - 1, n): whether smoothness holds between a period and the next: both open."""
        return self.is_open[1:] & self.is_open[:-1] & (self.smooth is not None)

    @cached_property
    def own_range(self) -> tuple[FloatArray, FloatArray]:
        """Least and most (n,) a cell may spend over the plan: its own limits and its periods'."""
        least = np.maximum(self.lower, self.floor.sum(axis=0))
        return least, np.minimum(self.upper, self.cap.sum(axis=0))

    @cached_property
    def budget_range(self) -> tuple[float, float]:
        """Least and most the plan may spend, both finite."""
        least, most = self.own_range
        return max(self.least_total, float(least.sum())), min(self.most_total, float(most.sum()))

    @cached_property
    def totals_range(self) -> tuple[FloatArray, FloatArray]:
        """`own_range` as far as the other cells and the budget leave it, a rounding apart."""
        (least, most), (bottom, top) = self.own_range, self.budget_range
        slack = ROUNDING * least.size * max(float(most.sum()), 1e-300)
        low = np.maximum(least, bottom - (most.sum() - most) - slack)
        high = np.minimum(most, top - (least.sum() - least) + slack)
        return low, np.maximum(high, low)

    @property
    def box(self) -> tuple[FloatArray, FloatArray]:
        """Least and most (T, n) of every period: what the cell's total leaves is a cap too."""
        others = self.floor.sum(axis=0) - self.floor
        return self.floor, np.maximum(np.minimum(self.cap, self.totals_range[1] - others), 0.0)

    def stocks(self, spend: FloatArray) -> FloatArray:
        """Stock (P, n), currency, of a schedule (T, n), the carried stock included."""
        return stocks(spend, self.retention, self.carried, self.n_counted)

    def levels(self, spend: FloatArray) -> FloatArray:
        """The steady spend per period (P, n) that would feel the same."""
        return (1.0 - self.retention) * self.stocks(spend)

    @cached_property
    def level_range(self) -> tuple[FloatArray, FloatArray]:
        """Least and most (P, n) any feasible schedule reaches as a level, a rounding apart."""
        low, high = self.box
        lowest, highest = self.levels(low), self.stocks(high)
        elapsed = np.maximum(np.arange(self.n_counted) - self.n_periods + 1, 0)
        rest = self.stocks(np.zeros_like(high))
        whole = self.totals_range[1] * self.retention ** elapsed[:, None]
        highest = (1.0 - self.retention) * np.minimum(highest, rest + whole)
        return lowest * (1.0 - 1e-12), np.maximum(highest, lowest) * (1.0 + 1e-12)

    @property
    def draws(self) -> TabulatedDraws | None:
        """The tabulated draws; None where each cell has one curve."""
        return self.gains if isinstance(self.gains, TabulatedDraws) else None

    @property
    def mean_gain(self) -> Curve:
        """The expected gain of every cell, per period."""
        return self.gains.mean if isinstance(self.gains, TabulatedDraws) else self.gains

    @property
    def is_cautious(self) -> bool:
        """Whether the spread of the draws enters the objective."""
        return self.caution > 0.0 and self.draws is not None

    def gain_draws(self, spend: FloatArray) -> FloatArray:
        """Total gain (N,) of a schedule under each draw, without what the past earns alone."""
        return self._earned(self.levels(spend)) - self.carried_gain

    @cached_property
    def carried_gain(self) -> FloatArray:
        """What the carried stock earns alone, (N,): a constant."""
        return self._earned(self.levels(np.zeros_like(self.cap)))

    @cached_property
    def reference_gain(self) -> FloatArray:
        """Total gain (N,) of the reference under each draw."""
        return self.gain_draws(self.reference)

    def _earned(self, levels: FloatArray) -> FloatArray:
        if isinstance(self.gains, TabulatedDraws):
            source = self.gains.source
            return np.asarray(sum(source.value(level).sum(axis=1) for level in levels))
        return np.atleast_1d(self.gains.value(levels).sum())

    def objective(self, spend: FloatArray) -> float:
        """What is maximised, as a level: E[D] - k sd[D] plus the reference's own value."""
        return self.objective_of(self.gain_draws(spend), float(spend.sum()))

    def objective_of(self, gains: FloatArray, spent: float) -> float:
        """The objective of a schedule by its gain (N,) under each draw and its total."""
        level = float(gains.mean()) - self.cost_per_spend * spent
        if not self.is_cautious:
            return level
        return level - self.caution * float(np.std(gains - self.reference_gain))

    def check_feasible(self) -> None:
        """Raise if no schedule keeps to every limit."""
        slack = CENTS_AGREE * self.lot
        least, most = self.own_range
        for i in np.flatnonzero(least > most + slack):
            self._refuse_cell(int(i))
        if least.sum() > self.most_total + slack:
            text = f"minima and floors, which together take at least {least.sum():,.2f}"
            self._refuse(text, least, "lower one")
        if most.sum() < self.least_total - slack:
            text = f"maxima and caps, which together take at most {most.sum():,.2f}"
            self._refuse(text, most, "raise one")

    def _refuse_cell(self, cell: int) -> None:
        name, n_open = self.cells[cell], int(self.is_open[:, cell].sum())
        floors, caps = float(self.floor[:, cell].sum()), float(self.cap[:, cell].sum())
        if floors > self.upper[cell]:
            first = f"{name}'s floor, which takes {floors:,.2f} over its {n_open} open periods"
            second = f"{name} at most {self.upper[cell]:,.2f}"
        else:
            first = f"{name}'s cap, which allows {caps:,.2f} over its {n_open} open periods"
            second = f"{name} at least {self.lower[cell]:,.2f}"
        advice = f"Change one of the two, or open more periods to {name}."
        raise InfeasibleError(self.least_total, (first, second), advice)

    def _refuse(self, sums: str, limits: FloatArray, remedy: str) -> None:
        total = self.least_total if np.isinf(self.most_total) else self.most_total
        largest = np.argsort(-limits)[:3]
        named = ", ".join(f"{self.cells[i]} {limits[i]:,.2f}" for i in largest)
        conflict = f"{sums} over the plan's open periods ({named})"
        raise InfeasibleError(total, (conflict,), f"Change the budget to it or {remedy}.")


def counted_after(retention: FloatArray) -> int:
    """Periods after a plan's end until every cell's (n,) stock has decayed to a billionth.

    Examples
    --------
    >>> counted_after(np.array([0.0, 0.5])), counted_after(np.array([0.0]))
    (30, 0)
    """
    slowest = float(retention.max())
    if slowest <= 0.0:
        return 0
    return min(int(np.ceil(np.log(NEGLIGIBLE) / np.log(slowest))), LONGEST_TAIL)


def stocks(
    spend: FloatArray, retention: FloatArray, carried: FloatArray, n_counted: int
) -> FloatArray:
    """The stock of every period.

    Parameters
    ----------
    spend : ndarray of shape (T, n), currency per period
    retention : ndarray of shape (n,), share per period
    carried : ndarray of shape (n,), currency
        The stock at the end of the period before the first.
    n_counted : int
        Periods to return; those beyond T spend nothing.

    Returns
    -------
    ndarray of shape (n_counted, n), currency

    Examples
    --------
    >>> stocks(np.array([[8.0], [0.0]]), np.array([0.5]), np.array([16.0]), 4).ravel()
    array([16.,  8.,  4.,  2.])
    """
    found = np.empty((n_counted, retention.size))
    periods = len(spend)
    found[:periods] = spend
    found[0] += retention * carried
    accumulate(found[:periods], retention)
    decay = retention ** np.arange(1, n_counted - periods + 1)[:, None]
    found[periods:] = decay * found[periods - 1]
    return found


def accumulate(table: FloatArray, retention: FloatArray) -> None:
    """Add to every row (T, n), in place, what is left of all rows before it.

    By doublings, 1 / (1 - r z) = (1 + r z) (1 + r^2 z^2) (1 + r^4 z^4) ...
    """
    lag, kept = 1, retention
    while lag < len(table):
        table[lag:] += kept * table[:-lag]
        lag, kept = 2 * lag, kept * kept
