"""The relaxation of S-shaped cells under rows as one smooth concave problem.

The least concave majorant of a sigmoid curve on a cell's domain is a straight line from the
domain's foot to the point where it touches the curve, and the curve itself beyond. Written as two
cells, one per piece, every piece is smooth and the interior point solves the relaxation at once:
its split is the best mixture of both ends of every line, and its prices prove the price bound of
:mod:`optimizer.allocation.columns` without a linear program.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, hstack

from optimizer.allocation.lagrangian import Lagrangian
from optimizer.allocation.mixture import Mixture
from optimizer.allocation.problem import Box, FloatArray
from optimizer.allocation.row_products import Rows
from optimizer.allocation.separable import Concave, Smooth, solve

NARROW = 1e-14  # of the budget, times the number of cells: what rounding leaves of a range
CLOSED = 1e-8  # of the gain: bound and mixture this close are one
AT_AN_END = 1e-7  # of a line: nearer to one of its ends, a cell is at that end
SHORTEST = 1e-9  # of a cell's range: a shorter line is none


@dataclass(frozen=True, slots=True)
class Lines:
    """The straight pieces of the majorants of n cells, p of which have one."""

    cells: npt.NDArray[np.intp]  # (p,)
    foot: FloatArray  # (p,), currency: where the cell's domain begins
    touch: FloatArray  # (p,), currency: where its curve begins to count
    slope: FloatArray  # (p,)

    @property
    def length(self) -> FloatArray:
        """Currency (p,)."""
        return self.touch - self.foot


@dataclass(frozen=True, slots=True)
class Pieces:
    """The curves of n cells, and beside them p straight lines."""

    curves: Smooth
    slopes: FloatArray  # (p,)
    n: int

    def value(self, spend: FloatArray) -> FloatArray:
        return np.concatenate([self.curves.value(spend[: self.n]), self.slopes * spend[self.n :]])

    def marginal(self, spend: FloatArray) -> FloatArray:
        return np.concatenate([self.curves.marginal(spend[: self.n]), self.slopes])

    def second_derivative(self, spend: FloatArray) -> FloatArray:
        bend = self.curves.second_derivative(spend[: self.n])
        return np.concatenate([bend, np.zeros_like(self.slopes)])

    def hill_columns(self) -> FloatArray | None:
        columns = self.curves.hill_columns()
        if columns is None:
            return None
        lines = np.stack([self.slopes, np.zeros_like(self.slopes), np.ones_like(self.slopes)])
        return np.concatenate([columns, lines], axis=1)


def relax(lagrangian: Lagrangian, box: Box) -> Mixture | None:
    """The best price bound over a box and a mixture near it; None where the search fails.

    Parameters
    ----------
    lagrangian : Lagrangian
        Coupled by linear rows and by targets on the same curves alone.
    box : Box
        Not empty.
    """
    box = _settled(box)
    lines = _lines(lagrangian, box)
    touch = box.lower.copy()
    touch[lines.cells] = lines.touch
    found = solve(_pieced(lagrangian, box, lines, touch))
    if found is None:
        return None
    n = touch.size
    low, along = found.spend[:n], found.spend[n:]
    high, spend = low.copy(), low.copy()
    near = AT_AN_END * lines.length
    low[lines.cells] = np.where(along < lines.length - near, lines.foot, low[lines.cells])
    high[lines.cells] = np.where(along > near, high[lines.cells], lines.foot)
    spend[lines.cells] += along - lines.length
    spend = np.where(low == high, low, spend)
    counts = np.zeros(len(lagrangian.problem.counts) + 2)
    prices = np.concatenate([found.row_prices, found.gain_prices, counts])
    return Mixture.at(lagrangian, box, prices, (low, spend, high))


def applies(lagrangian: Lagrangian) -> bool:
    """Whether linear rows, and targets on the same curves, are all that couples the cells."""
    problem = lagrangian.problem
    plain = not problem.counts and problem.most_moved is None and lagrangian.earned is None
    return plain and not problem.has_coarse_lots


def is_closed(lagrangian: Lagrangian, found: Mixture, scale: float) -> bool:
    """Whether a mixture earns its own bound, but for tabulation and a rounding of the scale."""
    problem = lagrangian.problem
    gain = lagrangian.gains.value(found.low) if problem.counts_gain else np.zeros_like(found.low)
    if problem.counts_gain:
        jump = found.high > found.low
        share = (found.spend - found.low)[jump] / (found.high - found.low)[jump]
        gain[jump] += share * (lagrangian.gains.value(found.high) - gain)[jump]
    value = float(gain.sum()) - problem.cost_per_spend * float(found.spend.sum())
    return found.bound - value <= CLOSED * scale + found.slack


def _settled(box: Box) -> Box:
    """The same box, cells whose range is but a rounding of the budget settled at its lower end."""
    floor = box.floor
    is_narrow = box.upper - floor <= NARROW * floor.size * box.budget
    if not is_narrow.any():
        return box
    lower, upper = (np.where(is_narrow, floor, end) for end in (box.lower, box.upper))
    return replace(box, lower=lower, upper=upper)


def _lines(lagrangian: Lagrangian, box: Box) -> Lines:
    """Where a majorant is straight: below the bend, and in the hole of an optional cell."""
    foot = box.floor
    least = np.minimum(np.maximum(box.lower, lagrangian.bend), box.upper)
    cells = np.flatnonzero(least - foot > SHORTEST * box.upper)
    curves = lagrangian.gains.take(cells)
    foot, least, most = foot[cells], least[cells], box.upper[cells]
    touch = np.clip(lagrangian.tangents.from_feet(cells, foot), least, most)
    return Lines(cells, foot, touch, (curves.value(touch) - curves.value(foot)) / (touch - foot))


def _pieced(lagrangian: Lagrangian, box: Box, lines: Lines, touch: FloatArray) -> Concave:
    """The majorants as cells: n on their curves from the touch on, p along their lines."""
    problem, rows, cells = lagrangian.problem, lagrangian.rows, lines.cells
    matrix = lagrangian.matrix
    low = np.concatenate([[box.least_total], rows.lower])
    high = np.concatenate([[box.budget], rows.upper])
    given = np.zeros(touch.size)
    given[cells] = lines.length
    used = matrix @ given
    earned = np.zeros(touch.size)
    earned[cells] = lines.slope * lines.length
    worth, cost = lagrangian.target_worth, lagrangian.target_cost
    eased = lagrangian.target_least + worth @ earned - cost @ given
    count = touch.size + cells.size
    return Concave(
        curves=Pieces(lagrangian.gains, lines.slope, touch.size),
        worth=np.full(count, float(problem.counts_gain)),
        cost=np.full(count, problem.cost_per_spend),
        lower=np.concatenate([touch, np.zeros(cells.size)]),
        upper=np.concatenate([box.upper, lines.length]),
        rows=_beside(matrix, cells),
        row_lower=low + used,
        row_upper=high + used,
        gain_worth=np.concatenate([worth, worth[:, cells]], axis=1),
        gain_cost=np.concatenate([cost, cost[:, cells]], axis=1),
        gain_least=eased,
    )


def _beside(matrix: Rows, cells: npt.NDArray[np.intp]) -> Rows:
    """A matrix (m, n) with the columns of some cells once more."""
    if isinstance(matrix, np.ndarray):
        return np.concatenate([matrix, matrix[:, cells]], axis=1)
    return csr_array(hstack([matrix, matrix[:, cells]]))
