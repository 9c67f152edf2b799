"""Money is exact: a split in whole lots that adds up to the budget to the cent."""

from __future__ import annotations

import math

import numpy as np

from optimizer.allocation.problem import CENTS_AGREE, AllocationProblem, FloatArray, in_money
from optimizer.errors import InfeasibleError


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
    whole = _spread(whole, lots - whole, budget - math.fsum(whole), least, most)
    return in_money(whole, lot)


def _spread(
    whole: FloatArray, remainder: FloatArray, missing: float, least: FloatArray, most: FloatArray
) -> FloatArray:
    """Hand out (or take back) the missing lots, largest remainder first, room permitting."""
    whole = whole.copy()
    step = 1.0 if missing > 0.0 else -1.0
    order = np.argsort(-step * remainder, kind="stable")
    while missing != 0.0:
        room = (most - whole if step > 0.0 else whole - least)[order]
        open_cells = order[room > 0.0]
        share = max(1.0, abs(missing) // open_cells.size)
        for cell in open_cells[: int(min(abs(missing), open_cells.size))]:
            room_here = most[cell] - whole[cell] if step > 0.0 else whole[cell] - least[cell]
            given = min(share, room_here, abs(missing))
            whole[cell] += step * given
            missing -= step * given
    return whole
