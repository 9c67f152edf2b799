r"""Separable concave problems under general rows, by a primal-dual interior point.

.. math:: \max_x \; \sum_i a_i f_i(x_i) - w'x \quad
          b \le A x \le c, \; \sum_i G_{ri} f_i(x_i) - B_r' x \ge g_r, \; l \le x \le u

Every row that is not an equality gets a slack, and a slack is one more cell that earns nothing:
what is left are equalities over cells in bounds. The Hessian is diagonal, so that a step costs
one dense factor as large as the number of rows; predictor and corrector are Mehrotra's. Nothing
is compared with a fixed number of currency: units do not matter.

References
----------
.. [1] Mehrotra (1992), On the Implementation of a Primal-Dual Interior Point Method.
.. [2] Nocedal and Wright (2006), Numerical Optimization, chapters 14 and 19.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from optimizer.allocation.problem import FloatArray
from optimizer.allocation.row_products import DenseRows, Factor, Rows, products_of
from optimizer.curves.fast import is_compiled

MAX_STEPS = 80
PATIENCE = 12  # steps without halving what is left before giving up
GOAL = 2e-11  # of the objective's size: where the search ends
FEASIBLE = 1e-11  # of what a row adds up: how closely it must hold at the goal
GOOD_ENOUGH = 50.0  # times both: still an answer when progress has ended
STAY_INSIDE = 0.995  # of the way to the nearest bound
LEAST_BARRIER = 1e-12  # of the objective's size, over all cells: what bends a straight cell
FIRST_BARRIER = 1e-3  # of the objective's size, over all cells: the least to start with
SMALLEST_SIZE = 1e-4  # of the first split's: where the best is to spend nothing
SMALL_CHANGE = 1e-3  # of spend: less earned than this is not worth its digits
EQUAL = 1e-12  # of a row's limits, or of a cell's upper bound: closer ones are one
NEVER_MET = 0.2  # of a row's reach: how far beyond it stands the limit of a row that has none
ROUNDING = 1e-9  # of what a row can add up: how far it may miss before nothing is feasible
FILLS = 6  # proportional corrections of the first split
REMEASURE = 1e-6  # of the objective's size: from there on it is measured at every split
LEAST_TARGET = 1e-2  # of what each cell may leave at the goal: the smallest barrier aimed at
TINY = 1e-300  # stands for zero where it is divided by
SLACK_ROOM = 0.2  # of what a row moves, or of its range: how far inside it starts
NEAR_BOUND = 1e-3  # of a cell's range: how near to a bound a search may start

Cells = npt.NDArray[np.intp] | slice


class Smooth(Protocol):
    """Curves of n cells, to second order; arrays of spend are shaped (n,)."""

    def value(self, spend: FloatArray) -> FloatArray:
        """What a spend earns."""

    def marginal(self, spend: FloatArray) -> FloatArray:
        """What the next unit earns."""

    def second_derivative(self, spend: FloatArray) -> FloatArray:
        """Slope of the marginal."""

    def hill_columns(self) -> FloatArray | None:
        """Parameters (3, n) where compiled loops can read the curves, see `Curve.hill_columns`."""


@dataclass(frozen=True)
class Concave:
    """Cells with a curve each, linear rows and rows on gains; money in currency."""

    curves: Smooth  # n cells, concave on [lower, upper]
    worth: FloatArray  # (n,), >= 0, objective per unit of response
    cost: FloatArray  # (n,), objective per currency
    lower: FloatArray  # (n,), currency
    upper: FloatArray  # (n,), currency, finite
    rows: Rows  # (m, n)
    row_lower: FloatArray  # (m,), may be -inf
    row_upper: FloatArray  # (m,), may be inf
    gain_worth: FloatArray  # (k, n), >= 0
    gain_cost: FloatArray  # (k, n)
    gain_least: FloatArray  # (k,)


@dataclass(frozen=True)
class Interior:
    """An optimal split and the prices that prove it."""

    spend: FloatArray  # (n,), currency
    row_prices: FloatArray  # (m,), >= 0 where a row has no lower limit, <= 0 where no upper
    gain_prices: FloatArray  # (k,), >= 0
    steps: int


def solve(problem: Concave, start: FloatArray | None = None) -> Interior | None:
    """The best split, or None where none is feasible or the search stalls.

    Parameters
    ----------
    problem : Concave
    start : ndarray of shape (n,), currency, optional
        A split of a similar problem.

    Returns
    -------
    Interior or None
        Rows hold to 1e-9 of what they add up; the prices bound the objective to 1e-9 of its size.
    """
    with np.errstate(all="ignore"):  # a step that leaves the numbers is seen as no progress
        search = _Search(_Frame(problem), start)
        return search.run() if search.frame.can_hold else None


class _Frame:
    """The problem over its free cells, every limit of a row finite.

    A side without a limit gets one that cannot be met. Gain rows stand below the linear ones as
    B x - G f(x) <= -g.
    """

    def __init__(self, problem: Concave) -> None:
        free = problem.upper - problem.lower > EQUAL * np.abs(problem.upper)
        self.curves, self.problem = problem.curves, problem
        self.free: Cells = slice(None) if free.all() else np.flatnonzero(free)
        self.worth, self.cost = problem.worth[self.free], problem.cost[self.free]
        self.gain_worth = problem.gain_worth[:, self.free]
        self.gain_cost = problem.gain_cost[:, self.free]
        self.lower = problem.lower[self.free]
        self.width = problem.upper[self.free] - self.lower
        self.m, self.k, self.n = len(problem.row_lower), len(problem.gain_least), self.lower.size
        self.rows = products_of(problem.rows if free.all() else problem.rows[:, free], self.k)
        held = np.where(free, 0.0, problem.lower)
        self._limit_rows(problem.rows @ held)
        gain = np.where(free, 0.0, problem.curves.value(problem.lower))
        held_total = problem.gain_cost @ held - problem.gain_worth @ gain
        self.gain_high = -problem.gain_least - held_total
        self.held_moved = np.zeros(self.m + self.k)
        if not free.all():
            linear = abs(problem.rows) @ np.abs(held)
            gains = problem.gain_worth @ np.abs(gain) + np.abs(problem.gain_cost) @ np.abs(held)
            self.held_moved = np.concatenate([linear, gains])

    def _limit_rows(self, held: FloatArray) -> None:
        """Limits (m,) of the linear rows, and whether any split can hold them."""
        low, high = self.problem.row_lower - held, self.problem.row_upper - held
        middle = self.rows.total(self.lower + 0.5 * self.width)[: self.m]
        self.reach = self.rows.reach(0.5 * self.width)
        slop = ROUNDING * (self.rows.reach(np.abs(self.lower)) + self.reach + np.abs(held))
        self.bottom, top = middle - self.reach, middle + self.reach
        self.can_hold = not bool(np.any((self.bottom > high + slop) | (top < low - slop)))
        margin = NEVER_MET * self.reach + slop
        self.no_low, self.no_high = low < self.bottom - margin, high > top + margin
        self.low = np.where(self.no_low, self.bottom - margin, low)
        self.high = np.where(self.no_high, top + margin, high)

    def first_split(self) -> FloatArray:
        """Spend (n,) above the lower bounds: half of all ranges, scaled row by row to the limits.

        Rows with coefficients of both signs are left to the search.
        """
        above, reach = 0.5 * self.width, self.reach
        one_sign = (self.rows.total(above)[: self.m] >= reach * (1.0 - EQUAL)) & (reach > 0.0)
        if not one_sign.any():
            return above
        crowd = np.maximum(self.rows.touching(one_sign.astype(float)), 1.0)
        low = np.maximum(self.low - self.bottom, 0.0)
        high = np.minimum(self.high - self.bottom, 2.0 * reach)
        room = 0.2 * np.minimum(high - low, np.where(self.no_high, low, np.inf))
        least = np.where(self.no_low, 0.0, np.maximum(low + room, EQUAL * reach))
        most = np.maximum(high - room, EQUAL * reach)
        for _ in range(FILLS):
            total = self.rows.total(above)[: self.m]
            wanted = np.where(one_sign, np.log(np.clip(total, least, most) / total), 0.0)
            scale = np.exp(self.rows.touching(wanted) / crowd)
            above = np.minimum(above * scale, 0.95 * self.width)
        return above

    def prices(self, found: FloatArray) -> FloatArray:
        """Prices (m + k,) with the signs that a side without a limit asks for."""
        low = np.concatenate([self.no_low, np.ones(self.k, dtype=bool)])
        high = np.concatenate([self.no_high, np.zeros(self.k, dtype=bool)])
        found = np.where(low, np.maximum(found, 0.0), found)
        return np.where(high, np.minimum(found, 0.0), found)


class _Newton(NamedTuple):
    """What Newton's steps from one split have in common."""

    factor: Factor
    weights: FloatArray  # (N,), one over the curvature
    inverse: FloatArray  # (2, N), of the gaps


class _Search:
    """N cells: the free ones, then a slack for every row that is not an equality.

    ``gaps`` (2, N) are the distances to the lower and the upper bounds, ``duals`` their prices.
    """

    def __init__(self, frame: _Frame, start: FloatArray | None) -> None:
        self.frame = frame
        self.full = frame.problem.lower.copy()
        above = frame.first_split()
        if start is not None:
            near, far = NEAR_BOUND * frame.width, (1.0 - NEAR_BOUND) * frame.width
            above = np.clip(start[frame.free] - frame.lower, near, far)
        self.gain, self.over = np.zeros(frame.n), np.inf
        self._look(above)
        self.gain = self._gain()
        self.first_size = self._turnover()
        self._add_slacks(above, *self._limits(above))
        self._first_prices()

    def _limits(self, above: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Limits (m + k,) of all rows; a concave gain lies below its tangents."""
        frame = self.frame
        rise = np.maximum(self.marginal * (frame.width - above), -self.marginal * above)
        charge = np.minimum(0.0, frame.gain_cost) @ frame.width + frame.gain_cost @ frame.lower
        least = charge - frame.gain_worth @ (self.gain + rise)
        high, size = frame.gain_high, np.abs(least) + np.abs(frame.gain_high)
        if np.any(least > high + ROUNDING * size):
            frame.can_hold = False
        least = np.minimum(least, high)
        least = least - NEVER_MET * (np.abs(self.total[frame.m :] - least) + ROUNDING * size)
        return np.concatenate([frame.low, least]), np.concatenate([frame.high, high])

    def _add_slacks(self, above: FloatArray, low: FloatArray, high: FloatArray) -> None:
        equal = high - low <= EQUAL * (np.abs(high) + np.abs(low))
        self.slacks = np.flatnonzero(~equal)
        self.target = np.where(equal, 0.5 * (low + high), low)
        width = (high - low)[self.slacks]
        moved = self._moved(above)[self.slacks]
        room = SLACK_ROOM * np.clip(moved, EQUAL * width, width)
        slack = np.clip((self.total - low)[self.slacks], room, width - room)
        self.gaps = np.concatenate([above, slack])[None].repeat(2, axis=0)
        self.gaps[1] = np.concatenate([self.frame.width, width]) - self.gaps[0]

    def _moved(self, spend: FloatArray) -> FloatArray:
        """What rows (m + k,) add up with every part taken as positive."""
        frame = self.frame
        linear = frame.rows.reach(spend)
        if not frame.k:
            return linear
        gains = frame.gain_worth @ np.abs(self.gain) + np.abs(frame.gain_cost) @ spend
        return np.concatenate([linear, gains])

    def _first_prices(self) -> None:
        """Prices that leave least to explain, on the scale of the distance to the bounds."""
        inverse = 1.0 / self.gaps
        weights = 1.0 / (inverse * inverse).sum(axis=0)
        slope = self._slope(np.zeros(self.target.size))
        self.prices = self._factor(weights).solve(self._total(weights * slope))
        left = slope - self._charge(self.prices)
        barrier = float(np.sqrt((left * left * weights).sum() / max(left.size, 1)))
        least = FIRST_BARRIER * (self.first_size or 1.0) / max(left.size, 1)
        self.duals = max(barrier, least) * inverse

    def _gain(self) -> FloatArray:
        return self.frame.curves.value(self.full)[self.frame.free]

    def _look(self, above: FloatArray) -> None:
        """Marginals (n,) and totals (m + k,) of a split, stated as spend above the lower bounds."""
        frame = self.frame
        spend = frame.lower + above
        self.full[frame.free] = spend
        self.marginal = frame.curves.marginal(self.full)[frame.free]
        self.total = frame.rows.total(spend)
        if frame.k:
            self.gain = self._gain()
            frame.rows.set_gains(frame.gain_cost - frame.gain_worth * self.marginal)
            self.total[frame.m :] = frame.gain_cost @ spend - frame.gain_worth @ self.gain

    def _slope(self, prices: FloatArray) -> FloatArray:
        """Slope (N,) of the objective less what the rows charge at prices (m + k,)."""
        slope = -self._charge(prices)
        slope[: self.frame.n] += self.frame.worth * self.marginal - self.frame.cost
        return slope

    def _charge(self, prices: FloatArray) -> FloatArray:
        return np.concatenate([self.frame.rows.charge(prices), -prices[self.slacks]])

    def _total(self, cells: FloatArray) -> FloatArray:
        total = self.frame.rows.total(cells[: self.frame.n])
        total[self.slacks] -= cells[self.frame.n :]
        return total

    def _factor(self, weights: FloatArray) -> Factor:
        matrix = self.frame.rows.gram(weights[: self.frame.n])
        matrix[self.slacks, self.slacks] += weights[self.frame.n :]
        return Factor(matrix)

    def _bend(self) -> FloatArray:
        """Curvature (n,) of the objective and the priced gain rows, turned positive."""
        frame = self.frame
        worth = frame.worth
        if frame.k:
            worth = worth + self.prices[frame.m :] @ frame.gain_worth
        bend = frame.curves.second_derivative(self.full)[frame.free]
        return np.maximum(-worth * bend, 0.0)

    def run(self) -> Interior | None:
        """Steps until the tangents prove the goal, or nothing gets better any more."""
        columns = self._columns()
        if columns is not None:
            return self._run_compiled(columns)
        best, found, last = np.inf, None, 0
        for step in range(MAX_STEPS):
            self._measure()
            merit = max(self.over / GOAL, self.miss / FEASIBLE)
            if merit < 0.5 * best:
                best, last = merit, step
                found = self._answer(self.full, self.prices, step)
            patience = PATIENCE if best > GOOD_ENOUGH else 2
            if best <= 1.0 or step - last >= patience or not np.isfinite(merit):
                break
            self._advance()
        return found if best <= GOOD_ENOUGH else None

    def _measure(self) -> None:
        """How far the tangents rise above the split, and how far rows are from holding.

        Both as a share: of the objective's size, and of what each row adds up.
        """
        frame, n = self.frame, self.frame.n
        self.missing = self.total - self.target
        self.missing[self.slacks] -= self.gaps[0, n:]
        self.slope = self._slope(self.prices)
        if frame.k == 0 and self.over < REMEASURE:
            self.gain = self._gain()
        self.size = max(self._turnover(), SMALLEST_SIZE * self.first_size) or 1.0
        rise = np.maximum(self.slope * self.gaps[1], -self.slope * self.gaps[0])
        self.over = float(rise.sum() + np.abs(self.prices) @ np.abs(self.missing)) / self.size
        moved = self._moved(np.abs(self.full[frame.free])) + frame.held_moved
        share = np.abs(self.missing) / np.where(moved > 0.0, moved, 1.0)
        self.miss = float(share.max(initial=0.0))

    def _turnover(self) -> float:
        """The objective's size: what is earned, or what is spent where hardly anything is."""
        earned = float(self.frame.worth @ self.gain)
        spent = float(np.abs(self.frame.cost) @ np.abs(self.full[self.frame.free]))
        return max(earned, SMALL_CHANGE * spent) if earned > 0.0 else spent

    def _answer(self, full: FloatArray, prices: FloatArray, step: int) -> Interior:
        frame, problem = self.frame, self.frame.problem
        prices = frame.prices(prices)
        spend = np.clip(full, problem.lower, problem.upper)
        return Interior(spend, prices[: frame.m], prices[frame.m :], step)

    def _columns(self) -> FloatArray | None:
        """Parameters of the free cells (3, n) where compiled loops are to take the steps."""
        frame = self.frame
        if not (is_compiled(frame.n) and isinstance(frame.rows, DenseRows)):
            return None
        columns = frame.problem.curves.hill_columns()
        return None if columns is None else np.ascontiguousarray(columns[:, frame.free])

    def _run_compiled(self, columns: FloatArray) -> Interior | None:
        """The same steps by compiled loops."""
        from optimizer.allocation.separable_kernel import climb

        frame = self.frame
        assert isinstance(frame.rows, DenseRows)
        above, prices, step = climb(
            columns,
            frame.worth,
            frame.cost,
            frame.lower,
            frame.rows.matrix[: frame.m],
            np.ascontiguousarray(frame.gain_worth),
            np.ascontiguousarray(frame.gain_cost),
            self.target,
            self.slacks,
            frame.held_moved,
            (self.first_size, GOAL, FEASIBLE),
            self.gaps,
            self.duals,
            self.prices,
        )
        if step < 0:
            return None
        full = frame.problem.lower.copy()
        full[frame.free] = frame.lower + above
        return self._answer(full, prices, step)

    def _advance(self) -> None:
        """Predict where no barrier would lead, then step with the barrier that this suggests."""
        inverse, pairs = 1.0 / self.gaps, self.gaps * self.duals
        least = LEAST_BARRIER * self.size / pairs.size
        bend = (np.maximum(pairs, least) * inverse * inverse).sum(axis=0)
        bend[: self.frame.n] += self._bend()
        newton = _Newton(self._factor(1.0 / bend), 1.0 / bend, inverse)
        ahead, _ = self._step(newton, self.slope)
        barrier = self._barrier(pairs, ahead)
        pull = barrier * inverse + self.duals * ahead * (1.0 + ahead)
        relative, prices = self._step(newton, self.slope + pull[0] - pull[1], refined=True)
        change = pull - self.duals * (1.0 + relative)
        along = _share_inside(relative, STAY_INSIDE)
        down = _share_inside(change / self.duals, STAY_INSIDE)
        self.gaps = self.gaps * (1.0 + along * relative)
        self.duals = self.duals + down * change
        self.prices = self.prices + down * prices
        self._look(self.gaps[0, : self.frame.n])

    def _step(
        self, newton: _Newton, slope: FloatArray, refined: bool = False
    ) -> tuple[FloatArray, FloatArray]:
        """Newton's step for a slope (N,): change of the gaps as a share of them, and of prices.

        Refined, the rows hold after it to rounding.
        """
        factor, weights = newton.factor, newton.weights
        prices = factor.solve(self._total(weights * slope) + self.missing)
        move = weights * (slope - self._charge(prices))
        if refined:
            again = factor.solve(self._total(move) + self.missing)
            prices, move = prices + again, move - weights * self._charge(again)
        return np.stack([move, -move]) * newton.inverse, prices

    def _barrier(self, pairs: FloatArray, ahead: FloatArray) -> float:
        """Mehrotra's barrier: the less the predicted step leaves, the smaller."""
        along, down = _share_inside(ahead, 1.0), _share_inside(-1.0 - ahead, 1.0)
        left = pairs * (1.0 + along * ahead) * (1.0 - down * (1.0 + ahead))
        now, then = float(pairs.mean()), float(left.mean())
        least = LEAST_TARGET * GOAL * self.size / pairs.size
        return max(min(then / now, 1.0) ** 3 * now, least)


def _share_inside(relative: FloatArray, share: float) -> float:
    """How much of a step may be taken if quantities above zero, changed by shares, stay so."""
    return min(1.0, share / max(-float(relative.min(initial=0.0)), TINY))
