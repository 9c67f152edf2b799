"""Other ways to split a budget, as well as they can be done: scaled, exact gradients, one thread.

Every method answers the same question as ours. What it returns may miss a limit, for some cannot
state all of them (none but the MILP knows minima if active): `repaired` then moves as little money
as it can to make the answer feasible, outside its time. A method that takes too long is stopped
at its best split so far, and its time says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import (
    Bounds,
    LinearConstraint,
    differential_evolution,
    linprog,
    milp,
    minimize,
)
from scipy.sparse import block_array, csr_array, eye_array, hstack, kron

from benchmarks.instances import FloatArray
from optimizer.allocation import AllocationProblem
from optimizer.curves import HillCurve

GRID = 2000
PIECES = 64
STARTS = 10
FEASIBLE = 1e-9  # largest excess, relative to the size of the limit
GENERATIONS = 150
POLISHING = 5.0  # seconds, of a split the MILP found in its time


class OutOfTimeError(Exception):
    """The method was stopped."""


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


Method = Callable[["Scaled"], FloatArray]


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


def slsqp(scaled: Scaled, start: FloatArray) -> FloatArray:
    """scipy's SLSQP from one start, rows as linear constraints."""
    constraints = [
        {
            "type": "eq",
            "fun": lambda x: np.array([x.sum() - scaled.budget]),
            "jac": lambda x: np.ones((1, x.size)),
        }
    ]
    if len(scaled.matrix):
        both = np.vstack([scaled.matrix, -scaled.matrix])
        limits = np.hstack([scaled.row_lower, -scaled.row_upper])
        constraints.append(
            {"type": "ineq", "fun": lambda x: both @ x - limits, "jac": lambda _: both}
        )
    found = minimize(
        scaled.loss,
        start,
        jac=scaled.slope,
        method="SLSQP",
        bounds=np.column_stack(scaled.box),
        constraints=constraints,
        options={"maxiter": 500, "ftol": 1e-12},
    )
    return np.clip(found.x, *scaled.box)


def slsqp_starts(scaled: Scaled) -> FloatArray:
    """The best of ten: history, equal split and eight at random."""
    rng = np.random.default_rng(0)
    starts = [scaled.history, scaled.equal]
    for _ in range(STARTS - 2):
        start = rng.random(scaled.lower.size) * scaled.upper
        starts.append(np.clip(start * (scaled.budget / start.sum()), *scaled.box))
    found = [slsqp(scaled, start) for start in starts]
    held = [x for x in found if scaled.excess(x) <= 1e-6] or found
    return min(held, key=scaled.loss)


def trust_constr(scaled: Scaled) -> FloatArray:
    """scipy's trust-constr from history, with exact gradients and BFGS curvature."""
    matrix = np.vstack([np.ones((1, scaled.lower.size)), scaled.matrix])
    low = np.hstack([scaled.budget, scaled.row_lower])
    high = np.hstack([scaled.budget, scaled.row_upper])
    found = minimize(
        scaled.loss,
        scaled.history,
        jac=scaled.slope,
        method="trust-constr",
        bounds=Bounds(*scaled.box),
        constraints=LinearConstraint(matrix, low, high),
        options={"maxiter": 1000, "gtol": 1e-9, "xtol": 1e-12},
    )
    return np.clip(found.x, *scaled.box)


def evolution(scaled: Scaled) -> FloatArray:
    """Differential evolution over shares brought to the budget, rows and minima by a penalty."""
    lower, upper = scaled.box

    def split(shares: FloatArray) -> FloatArray:
        x = lower[:, None] + (upper - lower)[:, None] * shares
        missing = scaled.budget - x.sum(axis=0)
        room = np.where(missing > 0.0, upper[:, None] - x, x - lower[:, None])
        return x + room * (missing / np.maximum(room.sum(axis=0), 1e-300))

    def loss(shares: FloatArray) -> FloatArray:
        if time.process_time() > scaled.deadline:
            raise OutOfTimeError
        x = split(np.atleast_2d(shares.T).T)
        value = scaled.problem.mean_gain.value(x.T * scaled.unit).sum(axis=1) / scaled.size
        used = scaled.matrix @ x
        over = np.maximum(scaled.row_lower[:, None] - used, used - scaled.row_upper[:, None])
        penalty = 10.0 * np.maximum(over, 0.0).sum(axis=0) / scaled.budget
        if scaled.problem.optional is not None:
            least = scaled.problem.lower[:, None] / scaled.unit
            short = np.minimum(np.maximum(least - x, 0.0), x) * scaled.problem.optional[:, None]
            penalty = penalty + 10.0 * short.sum(axis=0) / scaled.budget
        scaled.note(x, penalty - value)
        return penalty - value

    found = differential_evolution(
        loss,
        [(0.0, 1.0)] * lower.size,
        maxiter=GENERATIONS,
        rng=np.random.default_rng(0),
        vectorized=True,
        updating="deferred",
        polish=False,
        tol=1e-8,
    )
    return np.asarray(split(found.x[:, None])[:, 0])


def jump_greedy(scaled: Scaled) -> FloatArray:
    """A fine grid, greedy by jumps: always the best average return of any rise that fits."""
    problem = scaled.problem
    step = (scaled.budget - scaled.lower.sum()) / GRID
    spend = scaled.lower + step * np.arange(GRID + 1)[:, None]
    value = problem.mean_gain.value(np.minimum(spend, scaled.upper) * scaled.unit)
    value[spend > scaled.upper + 1e-9 * step] = -np.inf
    level = np.zeros(scaled.lower.size, dtype=int)
    left = _steps_left(scaled, level, step)
    offers = np.array([_best_jump(value[:, i], 0, left[i]) for i in range(level.size)])
    while True:
        cell = int(np.argmax(offers[:, 0]))
        if not np.isfinite(offers[cell, 0]):
            return scaled.lower + step * level
        if time.process_time() > scaled.deadline:
            raise OutOfTimeError
        room = _steps_left(scaled, level, step)[cell]
        if offers[cell, 1] <= room:
            level[cell] += int(offers[cell, 1])
            room = _steps_left(scaled, level, step)[cell]
        offers[cell] = _best_jump(value[:, cell], level[cell], room)


def _steps_left(scaled: Scaled, level: FloatArray, step: float) -> FloatArray:
    """How many steps each cell may still rise under the budget and the groups' maxima (n,)."""
    left = np.full(level.size, GRID - level.sum())
    if len(scaled.matrix):
        room = scaled.row_upper - scaled.matrix @ (scaled.lower + step * level)
        steps = np.floor(np.maximum(room, 0.0) / step)
        most = np.where(scaled.matrix > 0.0, steps[:, None], np.inf).min(axis=0)
        left = np.minimum(left, most)
    return np.asarray(left).astype(int)


def _best_jump(value: FloatArray, level: int, left: int) -> tuple[float, float]:
    """The best average gain of a rise of at most ``left`` steps, and that rise."""
    ahead = value[level + 1 : level + left + 1]
    if ahead.size == 0:
        return -np.inf, 0.0
    average = (ahead - value[level]) / np.arange(1, ahead.size + 1)
    best = int(average.argmax())
    return float(average[best]), best + 1.0


def piecewise_milp(scaled: Scaled) -> FloatArray:
    """HiGHS on 64 linear pieces a cell: convex pieces fill in order by one binary each.

    Its answer is polished by SLSQP, where there are no minima if active.
    """
    pieces = _Pieces.of(scaled)
    found = milp(
        -pieces.slopes,
        constraints=pieces.constraints(scaled),
        integrality=pieces.integrality,
        bounds=Bounds(0.0, pieces.upper),
        options={
            "time_limit": max(scaled.deadline - time.process_time(), 0.1),
            "mip_rel_gap": 1e-6,
        },
    )
    if found.x is None:
        raise OutOfTimeError
    scaled.was_stopped = found.status == 1
    scaled.deadline += POLISHING
    n, k = scaled.lower.size, PIECES
    spend = scaled.lower + np.asarray(found.x[: n * k]).reshape(n, k).sum(axis=1)
    return spend if scaled.problem.optional is not None or n > 100 else slsqp(scaled, spend)


@dataclass(frozen=True)
class _Pieces:
    """Every cell's curve in linear pieces, and the binaries that make convex ones fill in order.

    Variables: fills (n, k), then one binary per ordered piece, then one per cell that may be off.
    """

    slopes: FloatArray  # (all variables,), value per unit; 0 of the binaries
    widths: FloatArray  # (n, k)
    first: FloatArray  # (b,), flat place of a piece that must be full before the next is begun
    base: FloatArray  # (n,), where the pieces start
    off: FloatArray  # cells that may be off

    @classmethod
    def of(cls, scaled: Scaled) -> _Pieces:
        optional = scaled.problem.optional
        off = np.flatnonzero(optional) if optional is not None else np.zeros(0, dtype=int)
        steps = np.linspace(0.0, 1.0, PIECES + 1) ** 2  # denser where curves bend
        knots = scaled.lower[:, None] + steps * (scaled.upper - scaled.lower)[:, None]
        value = scaled.problem.mean_gain.value(knots.T * scaled.unit).T / scaled.size
        widths = np.maximum(np.diff(knots, axis=1), 1e-12)
        slopes = np.diff(value, axis=1) / widths
        rises = np.diff(slopes, axis=1) > 1e-12
        ordered = np.flatnonzero(
            np.pad(rises[:, ::-1].cumsum(axis=1)[:, ::-1] > 0, ((0, 0), (0, 1)))
        )
        gain = np.hstack([slopes.ravel(), np.zeros(ordered.size + off.size)])
        return cls(gain, widths, ordered, scaled.lower, off)

    @property
    def integrality(self) -> FloatArray:
        return np.hstack([np.zeros(self.widths.size), np.ones(self.first.size + self.off.size)])

    @property
    def upper(self) -> FloatArray:
        return np.hstack([self.widths.ravel(), np.ones(self.first.size + self.off.size)])

    def constraints(self, scaled: Scaled) -> list[LinearConstraint]:
        """Budget, rows, the order of convex pieces, and on or off."""
        n, k = self.widths.shape
        sums = kron(eye_array(n), np.ones((1, k)), format="csr")
        extra = csr_array((n, self.first.size + self.off.size))
        spend = hstack([sums, extra], format="csr")
        rows = np.vstack([np.ones((1, n)), scaled.matrix])
        given = rows @ self.base
        low = np.hstack([scaled.budget, scaled.row_lower]) - given
        high = np.hstack([scaled.budget, scaled.row_upper]) - given
        limits = [LinearConstraint(csr_array(rows) @ spend, low, high)]
        return [*limits, *self._order(), *self._switches(scaled, spend)]

    def _order(self) -> list[LinearConstraint]:
        """A piece's binary is 1 only where it is full; the next is empty where it is 0."""
        count, width, size = self.first.size, self.widths.ravel(), self.slopes.size
        if not count:
            return []
        places, binaries = np.arange(count), self.widths.size + np.arange(count)
        full = csr_array((np.ones(count), (places, self.first)), shape=(count, size))
        full -= csr_array((width[self.first], (places, binaries)), shape=(count, size))
        gated, by = self._gated()
        rows, one = np.arange(gated.size), np.ones(gated.size)
        begun = csr_array((one, (rows, gated)), shape=(gated.size, size))
        begun -= csr_array((width[gated], (rows, width.size + by)), shape=(gated.size, size))
        return [LinearConstraint(full, 0.0, np.inf), LinearConstraint(begun, -np.inf, 0.0)]

    def _gated(self) -> tuple[FloatArray, FloatArray]:
        """Pieces that stay empty unless an ordered piece is full, and the place of that one."""
        k = self.widths.shape[1]
        last = np.append(self.first[1:] // k != self.first[:-1] // k, True)
        gated, by = [self.first + 1], [np.arange(self.first.size)]
        for place in np.flatnonzero(last):
            later = np.arange(self.first[place] + 2, (self.first[place] // k + 1) * k)
            gated.append(later)
            by.append(np.full(later.size, place))
        return np.concatenate(gated), np.concatenate(by)

    def _switches(self, scaled: Scaled, spend: csr_array) -> list[LinearConstraint]:
        """A cell that may be off gets nothing, or at least its minimum."""
        count, size = self.off.size, self.slopes.size
        if not count:
            return []
        least = scaled.problem.lower[self.off] / scaled.unit
        most = scaled.upper[self.off]
        places = np.arange(count)
        binaries = self.widths.size + self.first.size + places
        chosen = spend[self.off]
        low = chosen - csr_array((least, (places, binaries)), shape=(count, size))
        high = chosen - csr_array((most, (places, binaries)), shape=(count, size))
        return [LinearConstraint(low, 0.0, np.inf), LinearConstraint(high, -np.inf, 0.0)]


def clarabel(scaled: Scaled) -> FloatArray:
    """cvxpy and Clarabel on concave Hill curves, all cells in one vector expression."""
    import cvxpy

    curves = scaled.problem.gains
    assert isinstance(curves, HillCurve)
    n = scaled.lower.size
    x, power = cvxpy.Variable(n), cvxpy.Variable(n)
    relative = cvxpy.multiply(scaled.unit / curves.half_saturation, x)
    earned = (curves.ceiling / scaled.size) @ (1.0 - cvxpy.inv_pos(1.0 + power))
    limits = [x >= scaled.lower, x <= scaled.upper, cvxpy.sum(x) == scaled.budget]
    limits.append(cvxpy.PowCone3D(relative, np.ones(n), power, curves.slope))
    if len(scaled.matrix):
        rows = csr_array(scaled.matrix)
        limits += [rows @ x >= scaled.row_lower, rows @ x <= scaled.row_upper]
    program = cvxpy.Problem(cvxpy.Maximize(earned), limits)
    program.solve(solver=cvxpy.CLARABEL, max_threads=1)
    if x.value is None:
        raise OutOfTimeError
    return np.clip(x.value, *scaled.box)


#: name -> method, the largest n it is tried at, and whether it needs concave curves
METHODS: dict[str, tuple[Method, int, bool]] = {
    "SLSQP from history": (lambda s: slsqp(s, s.history), 1000, False),
    "SLSQP from equal": (lambda s: slsqp(s, s.equal), 1000, False),
    "SLSQP best of 10": (slsqp_starts, 100, False),
    "jump-greedy grid": (jump_greedy, 1000, False),
    "HiGHS MILP": (piecewise_milp, 1000, False),
    "trust-constr": (trust_constr, 30, False),
    "differential evolution": (evolution, 30, False),
    "cvxpy + Clarabel": (clarabel, 10_000, True),
}
