"""The feasible split that moves the least money away from the current one."""

from __future__ import annotations

import numpy as np

from optimizer.allocation.elastic import Elastic
from optimizer.allocation.limits import FINEST_LOT, optional_cells, stated
from optimizer.allocation.problem import CENTS_AGREE, AllocationProblem, FloatArray

REFINED = 10  # times that curves are made exact where the last split stands
CLOSE = 1e-4  # of the money moved: how near to the least, where cells may be off
MOST_SEARCHED = 64  # cells that may be off: above it the search starts, and may end, at the current
SETTLED = 1e-6  # of the budget: money moved that is no longer worth another round


def nearest_split(problem: AllocationProblem) -> FloatArray | None:
    """The split (n,) within every limit that moves the least money; None where none was found.

    One budget over bounds has a closed form. Rows, counts and optional cells make it a linear
    program, with whole numbers for cells that may be off. Targets enter through chords of the
    curves, exact at ever more splits.
    """
    coupled = problem.rows is not None and bool(problem.rows.names)
    coupled = coupled or bool(problem.counts) or problem.most_moved is not None
    if not coupled and not problem.targets and not optional_cells(problem).any():
        return _nearest_in_box(problem)
    nodes: list[FloatArray] = []
    best: FloatArray | None = None
    moved = float("inf")
    for _ in range(REFINED if problem.targets else 1):
        spend = _nearest_by_program(problem, nodes)
        if spend is None and best is None and not nodes:
            nodes = _start(problem)
            continue
        if spend is None:
            break
        now = float(abs(spend - problem.reference).sum())
        if now < moved:
            best = _inside(problem, spend)
        if now > moved - SETTLED * max(problem.total_budget, FINEST_LOT):
            break
        moved = now
        nodes.append(spend)
    return best


def _nearest_by_program(problem: AllocationProblem, nodes: list[FloatArray]) -> FloatArray | None:
    """The same with curves exact at some splits. Where very many cells may be off, those that
    are on in the current split stay on, if that can be held.
    """
    limits = stated(problem, gives=False, with_moves=True, nodes=nodes)
    elastic = Elastic(limits, CLOSE)
    if int((limits.switches >= 0).sum()) > MOST_SEARCHED:
        elastic.switch(problem.reference > 0.5 * problem.lower)
        spend = elastic.nearest()
        if spend is not None:
            return spend
        elastic = Elastic(limits, CLOSE)
    return elastic.nearest()


def _nearest_in_box(problem: AllocationProblem) -> FloatArray | None:
    """The same where only bounds and the total limit the cells."""
    least = problem.total_budget if problem.least_total is None else problem.least_total
    slack = CENTS_AGREE * problem.lot
    is_missed = problem.lower.sum() > problem.total_budget + slack
    if is_missed or problem.upper.sum() < least - slack or np.any(problem.lower > problem.upper):
        return None
    return problem.box.nearest(problem.reference)


def _start(problem: AllocationProblem) -> list[FloatArray]:
    """Where the limits give least: nodes for curves whose chords reach no target."""
    elastic = Elastic.of(problem)
    values = elastic.solved(())
    return [] if values is None else [elastic.limits.spend(values)]


def _inside(problem: AllocationProblem, spend: FloatArray) -> FloatArray:
    """A solver's split (n,) with its roundings taken back to the cells' own bounds."""
    is_off = optional_cells(problem) & (spend < 0.5 * problem.lower)
    return np.where(is_off, 0.0, np.clip(spend, problem.lower, problem.upper))
