"""Money is exact: a split in whole lots that adds up to the budget to the cent."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from optimizer.allocation.problem import CENTS_AGREE, AllocationProblem, FloatArray, in_money
from optimizer.errors import InfeasibleError

LARGEST_EXACT = 2.0**53  # whole numbers up to here add up without rounding in any order


def rounded(problem: AllocationProblem, spend: FloatArray) -> FloatArray:
    """The split (n,) in whole lots, within bounds, that adds up to the budget.

    Every cell is rounded down and the lots left over go to the largest remainders that have
    room. Sums are taken in whole lots, so the total is exact.

    Raises
    ------
    InfeasibleError
        If the bounds hold no whole number of lots, or none that adds up.
    """
    lot = problem.lot
    least = np.ceil(problem.lower / lot - CENTS_AGREE) + 0.0
    most = np.floor(problem.upper / lot + CENTS_AGREE) + 0.0
    budget = round(problem.total_budget / lot)
    if np.any(least > most) or least.sum() > budget or most.sum() < budget:
        raise InfeasibleError(
            problem.total_budget,
            (f"bounds that hold too few whole lots of {lot:g}",),
            f"Set the bounds at least {lot:g} apart and on multiples of it.",
        )
    lots = spend / lot
    whole = np.clip(np.floor(lots + CENTS_AGREE), least, most)
    whole = spread(whole, lots - whole, budget - _exact_sum(whole), least, most)
    return in_money(whole, lot)


def _exact_sum(whole: FloatArray) -> float:
    """The sum of whole numbers (n,), without rounding."""
    total = float(whole.sum())
    return total if np.abs(whole).sum() <= LARGEST_EXACT else math.fsum(whole)


def spread(
    whole: FloatArray, remainder: FloatArray, missing: float, least: FloatArray, most: FloatArray
) -> FloatArray:
    """Hand out (or take back) the missing lots, largest remainder first, room permitting."""
    whole = whole.copy()
    step = 1.0 if missing > 0.0 else -1.0
    while missing != 0.0:
        room = most - whole if step > 0.0 else whole - least
        open_cells = np.flatnonzero(room > 0.0)
        share = max(1.0, abs(missing) // open_cells.size)
        count = int(min(abs(missing), open_cells.size))
        chosen = open_cells[_largest(step * remainder[open_cells], count)]
        given = np.minimum(share, room[chosen])
        whole[chosen] += step * given
        missing -= step * float(given.sum())
    return whole


def _largest(values: FloatArray, count: int) -> npt.NDArray[np.bool_]:
    """Which are the ``count`` largest of some values (m,); of equals the first.

    Examples
    --------
    >>> _largest(np.array([0.2, 0.5, 0.2, 0.1]), 2)
    array([ True,  True, False, False])
    """
    if count == values.size:
        return np.ones(count, dtype=bool)
    smallest = np.partition(values, values.size - count)[values.size - count]
    largest = np.asarray(values > smallest)
    equal = np.flatnonzero(values == smallest)[: count - int(largest.sum())]
    largest[equal] = True
    return largest
