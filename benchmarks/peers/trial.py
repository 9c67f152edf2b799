"""What a method reaches in its time, once its split is made feasible."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import block_array, csr_array, eye_array, hstack

from benchmarks.instances import FloatArray
from benchmarks.peers.scaled import OutOfTimeError, Scaled
from optimizer.allocation import AllocationProblem

Method = Callable[[Scaled], FloatArray]
FEASIBLE = 1e-9  # largest excess, relative to the size of the limit


@dataclass(frozen=True)
class Reached:
    """What a method returned."""

    value: float  # currency, of the split made feasible
    seconds: float  # of the processor
    excess: float  # largest relative excess of the split as returned
    was_stopped: bool = False  # at its time limit: its seconds are the least it would take

    @property
    def was_infeasible(self) -> bool:
        """Whether the split had to be repaired."""
        return self.excess > FEASIBLE


def run(problem: AllocationProblem, method: Method, seconds: float) -> Reached | None:
    """What a method reaches in its time; None where it found nothing that can be repaired."""
    scaled = Scaled(problem, seconds)
    started = time.process_time()
    try:
        found = method(scaled)
    except OutOfTimeError:
        scaled.was_stopped = True
        found = scaled.best[1] if scaled.best is not None else scaled.history
    taken = time.process_time() - started
    spend = np.nan_to_num(found * scaled.unit, nan=0.0)
    feasible = repaired(problem, spend)
    if feasible is None:
        return None
    return Reached(problem.objective(feasible), taken, _excess(problem, spend), scaled.was_stopped)


def _excess(problem: AllocationProblem, spend: FloatArray) -> float:
    """Largest excess of a split (n,) over any limit, relative to the limit's size."""
    below = np.maximum(problem.lower - spend, 0.0)
    if problem.optional is not None:
        below = np.where(problem.optional, np.minimum(below, np.abs(spend)), below)
    over = np.maximum(below, np.maximum(spend - problem.upper, 0.0))
    worst = float((over / np.maximum(problem.upper, 1e-300)).max())
    total = abs(float(spend.sum()) - problem.total_budget) / problem.total_budget
    return max(worst, total, problem.shortfall(spend))


def repaired(problem: AllocationProblem, spend: FloatArray) -> FloatArray | None:
    """The feasible split (n,) that moves the least money, each cell on or off as it nearly is."""
    if _excess(problem, spend) <= FEASIBLE:
        return spend
    lower, upper = problem.lower, problem.upper
    if problem.optional is not None:
        off = problem.optional & (spend < 0.5 * lower)
        lower, upper = np.where(off, 0.0, lower), np.where(off, 0.0, upper)
    n, rows = lower.size, problem.coupling
    spread = np.hstack([np.ones(n), np.zeros(2 * n)])[None, :]
    moves = hstack([eye_array(n), -eye_array(n), eye_array(n)])
    a_eq = block_array([[csr_array(spread)], [moves]])
    two = np.vstack([rows.dense, -rows.dense])
    limits = np.hstack([rows.upper, -rows.lower])
    found = linprog(
        np.hstack([np.zeros(n), np.ones(2 * n)]),
        A_ub=np.hstack([two, np.zeros((len(two), 2 * n))]) if len(two) else None,
        b_ub=limits if len(two) else None,
        A_eq=a_eq,
        b_eq=np.hstack([problem.total_budget, spend]),
        bounds=np.vstack([np.column_stack([lower, upper]), np.tile([0.0, np.inf], (2 * n, 1))]),
        method="highs",
    )
    return np.asarray(found.x[:n]) if found.success else None
