"""A problem as other methods take it: in units of its own size, and stopped when time is up."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.instances import FloatArray
from optimizer.allocation import AllocationProblem


class OutOfTimeError(Exception):
    """The method was stopped."""


class Scaled:
    """A problem in units of its median limit, its value in units of the history's."""

    def __init__(self, problem: AllocationProblem, seconds: float) -> None:
        self.problem = problem
        self.unit = float(np.median(problem.upper))
        self.size = max(problem.objective(np.minimum(problem.reference, problem.upper)), 1e-300)
        optional = problem.optional
        floor = problem.lower if optional is None else np.where(optional, 0.0, problem.lower)
        self.lower, self.upper = floor / self.unit, problem.upper / self.unit
        self.budget = problem.total_budget / self.unit
        rows = problem.coupling
        self.matrix = rows.dense
        self.row_lower, self.row_upper = rows.lower / self.unit, rows.upper / self.unit
        self.deadline = time.process_time() + seconds
        self.best: tuple[float, FloatArray] | None = None
        self.was_stopped = False

    def loss(self, x: FloatArray) -> float:
        """What is minimised; keeps the best split seen that holds the rows."""
        value = -float(self.problem.mean_gain.value(np.maximum(x, 0.0) * self.unit).sum())
        if time.process_time() > self.deadline:
            raise OutOfTimeError
        if (self.best is None or value < self.best[0]) and self.excess(x) <= 1e-6:
            self.best = (value, x.copy())
        return value / self.size

    def note(self, splits: FloatArray, losses: FloatArray) -> None:
        """Keep the best of many splits (n, K) with losses (K,)."""
        first = int(losses.argmin())
        if self.best is None or losses[first] < self.best[0]:
            self.best = (float(losses[first]), splits[:, first])

    def slope(self, x: FloatArray) -> FloatArray:
        return -self.problem.marginal_gain(np.maximum(x, 0.0) * self.unit) * self.unit / self.size

    def excess(self, x: FloatArray) -> float:
        """Largest excess over budget and rows, relative to their size."""
        off = abs(float(x.sum()) - self.budget) / self.budget
        if not len(self.matrix):
            return off
        used = self.matrix @ x
        most = np.maximum(np.maximum(self.row_lower - used, used - self.row_upper), 0.0)
        return max(off, float((most / np.maximum(self.matrix @ self.upper, 1e-300)).max()))

    @property
    def history(self) -> FloatArray:
        """The current split within the bounds."""
        return np.clip(self.problem.reference / self.unit, self.lower, self.upper)

    @property
    def equal(self) -> FloatArray:
        """The same for every cell, within the bounds."""
        return np.clip(np.full(self.lower.size, self.budget / self.lower.size), *self.box)

    @property
    def box(self) -> tuple[FloatArray, FloatArray]:
        return self.lower, self.upper
