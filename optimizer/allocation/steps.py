"""One Newton step of a climb under rows: a small concave quadratic program (Clarabel)."""

from __future__ import annotations

import clarabel
import numpy as np

from optimizer.allocation.problem import AllocationProblem, Box, FloatArray
from optimizer.allocation.quadratic import Quadratic

LEAST_SLOPE = 1e-250  # a gradient this flat leads nowhere
RESTORING = 6  # Newton's steps back to the targets
REACHED = 1e-12  # of what a target counts: missed by less, it is reached


class RowStep:
    """Best steps within a box, its rows, targets by their slope, and limits on moves."""

    def __init__(self, problem: AllocationProblem, box: Box) -> None:
        self.problem, self.box = problem, box
        rows = problem.coupling
        self.matrix = np.vstack([np.ones((1, box.upper.size)), rows.dense])
        self.lower = np.concatenate([[box.least_total], rows.lower])
        self.upper = np.concatenate([[box.budget], rows.upper])
        self.money = float((box.upper - box.lower).max())

    def best(self, model: Quadratic, spend: FloatArray) -> FloatArray:
        """The step (n,) that gains most; nothing where none is found."""
        steepest = float(np.abs(model.gradient).max())
        if steepest <= LEAST_SLOPE or self.money <= 0.0:
            return np.zeros_like(spend)
        rows, limits = self._limits(spend)
        bend = model.bend(self.box) / steepest * self.money
        found = _minimised(bend, -model.gradient / steepest, rows, np.maximum(limits, 0.0))
        if found is None:
            return np.zeros_like(spend)
        step = np.clip(found * self.money, self.box.lower - spend, self.box.upper - spend)
        return np.asarray(step)

    def restored(self, spend: FloatArray) -> FloatArray:
        """A split (n,) near one that misses rows or targets a little: the shortest steps back."""
        spend = np.clip(spend, self.box.lower, self.box.upper)
        if self.money <= 0.0:
            return spend
        still = np.zeros_like(spend)
        for _ in range(RESTORING):
            if self._reaches(spend):
                break
            step = _minimised(np.eye(spend.size), still, *self._limits(spend))
            if step is None:
                break
            spend = np.clip(spend + step * self.money, self.box.lower, self.box.upper)
        return spend

    def _reaches(self, spend: FloatArray) -> bool:
        """Whether a split keeps rows and targets to rounding."""
        met = (self.problem.reached(target, spend) for target in self.problem.targets)
        used, slack = self.matrix @ spend, REACHED * (np.abs(self.matrix) @ self.problem.upper)
        held = np.all((used >= self.lower - slack) & (used <= self.upper + slack))
        return bool(held) and all(over >= -REACHED * size for over, size in met)

    def _limits(self, spend: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Every limit as rows d <= limit, in units of the widest range."""
        n, used = spend.size, self.matrix @ spend
        rows = [np.eye(n), -np.eye(n), self.matrix, -self.matrix]
        limits = [self.box.upper - spend, spend - self.box.lower]
        limits += [self.upper - used, used - self.lower]
        problem = self.problem
        for target in problem.targets:
            reached, _ = problem.reached(target, spend)
            rows.append(-problem.target_slope(target, spend)[None])
            limits.append(np.array([reached]))
        if problem.most_moved is not None:
            moved = spend - problem.reference
            rises = moved >= 0.0
            rows.append(np.stack([rises, -1.0 * ~rises]).astype(float))
            slack = [moved[rises].sum(), -moved[~rises].sum()]
            limits.append(np.maximum(problem.most_moved - np.array(slack), 0.0))
        matrix, limit = np.vstack(rows), np.concatenate(limits)
        size = np.abs(matrix).max(axis=1)
        keep = np.isfinite(limit) & (size > LEAST_SLOPE)
        matrix, limit, size = matrix[keep], limit[keep], size[keep]
        return matrix / size[:, None], limit / size / self.money


def _minimised(
    bend: FloatArray, slope: FloatArray, rows: FloatArray, limits: FloatArray
) -> FloatArray | None:
    """min d'Bd / 2 + s'd over rows d <= limits; None where Clarabel finds no answer."""
    from scipy.sparse import csc_array

    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    cones = [clarabel.NonnegativeConeT(limits.size)]
    solver = clarabel.DefaultSolver(
        csc_array(np.triu(bend)), slope, csc_array(rows), limits, cones, settings
    )
    found = solver.solve()
    usable = {clarabel.SolverStatus.Solved, clarabel.SolverStatus.AlmostSolved}
    return np.array(found.x) if found.status in usable else None
