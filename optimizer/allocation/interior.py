r"""A banded primal-dual interior point for the stocks of a schedule.

Newton's steps on the perturbed optimality conditions, predictor and corrector on one Cholesky
factor. In the stocks the Hessian is diagonal and the rows on periods and steps add a band of two;
cells' totals and the budget are dense rows, but the cells' rows are parts of one vector, so that a
single further solve with the band brings in all of them.

References
----------
.. [1] Mehrotra (1992), On the Implementation of a Primal-Dual Interior Point Method.
.. [2] Boyd and Vandenberghe (2004), Convex Optimization, section 11.7.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from optimizer.allocation.chain import Chain
from optimizer.allocation.stocks import BoolArray, FloatArray

Slopes = Callable[[FloatArray], tuple[FloatArray, FloatArray]]  # levels (P, n) -> f', f''

STEPS = 80
PRECISE = 1e-11  # of the scale: mean slack x price at which the search ends
STATIONARY = 100.0  # times that: largest residual of the optimality conditions
FIRST_BARRIER = 0.05
TO_THE_WALL = 0.995
FIXED = 1e-12  # of the largest: a range narrower than it is one number
HALVINGS = 12
SIDES = np.array([[-1.0], [1.0]])  # how room above and below a total moves with it
LEAST_BEND = 1e-14  # of the scale: curvature added where there is none


@dataclass(frozen=True)
class Limits:
    """Rows on totals: each cell's, and last the budget's (n + 1,), currency."""

    least: FloatArray
    most: FloatArray

    @property
    def is_fixed(self) -> BoolArray:
        """Rows that hold exactly one sum."""
        widest = max(float(np.abs(self.most).max()), 1e-300)
        return np.asarray(self.most - self.least <= FIXED * widest)


@dataclass(frozen=True)
class Interior:
    """Where the search ended, with its prices."""

    spend: FloatArray  # (N,), currency per period
    totals: FloatArray  # (n + 1,), price of each cell's total and of the budget
    rise: FloatArray  # (N - 1,), price of the row (1 + s) x_k - x_(k+1) >= 0
    fall: FloatArray  # (N - 1,), price of the row x_(k+1) - (1 - s) x_k >= 0


@dataclass
class _Iterate:
    stock: FloatArray  # (N,)
    spend: FloatArray  # (N,)
    slack: FloatArray  # (rows, N), of the rows on periods and steps
    prices: FloatArray  # (rows, N)
    room: FloatArray  # (2, n + 1), slack above and below the totals; 1 where fixed
    totals: FloatArray  # (2, n + 1), prices of the two sides; fixed: the first, of any sign
    gradient: FloatArray  # (N,), of what is earned, by stock
    bend: FloatArray  # (N,), minus its curvature, >= 0

    @property
    def price(self) -> FloatArray:
        """Price (n + 1,) of every total, from those of its two sides."""
        return np.asarray(self.totals[0] - self.totals[1])


class BandedInterior:
    """One concave schedule, in units in which a usual spend and its worth are 1."""

    def __init__(self, chain: Chain, limits: Limits, slopes: Slopes, start: FloatArray) -> None:
        problem = chain.problem
        self.chain, self.slopes = chain, slopes
        self.unit = max(float(start.mean()), 1e-300)
        self.level = 1.0 - problem.retention
        self.floor = chain.at(problem.floor) / self.unit
        self.cap = chain.at(problem.cap) / self.unit
        self.least, self.most = limits.least / self.unit, limits.most / self.unit
        self.is_fixed = limits.is_fixed
        self.push = chain.push / self.unit
        self.step = problem.smooth if problem.smooth is not None else 0.0
        self.present = self._present(limits)
        self.n_rows = int(self.present.sum()) + 2 * int((~self.is_fixed).sum())
        self.worth = 1.0
        gradient, _ = self._slopes_at(chain.stock(start) / self.unit)
        self.worth = max(float(np.abs(gradient).mean()), 1e-300)
        self.cost = problem.cost_per_spend * self.unit / self.worth

    def _present(self, limits: Limits) -> BoolArray:
        """Which rows (rows, N) there are: floor, cap, rise, fall. Caps that cannot bind are not."""
        chain = self.chain
        capped = chain.at(chain.problem.cap) < limits.most[chain.cell] * (1.0 - FIXED)
        linked = np.append(chain.is_linked, False)
        rows = [np.ones(chain.size, dtype=bool), capped, linked, linked & (self.step < 1.0)]
        n_kinds = 4 if linked.any() else 2 if capped.any() else 1
        return np.array(rows[:n_kinds])

    def _slopes_at(self, stock: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Gradient and minus the curvature (N,) of what is earned, in the scaled units."""
        grid = self.chain.grid(stock * self.unit)
        first, second = self.slopes(np.maximum(self.level * grid, 0.0))
        share = self.chain.factor * self.level
        scale = self.unit / self.worth
        gradient = self.chain.gathered(scale * share * first)
        bend = self.chain.gathered(-scale * self.unit * share * share * second)
        return gradient, np.maximum(bend, LEAST_BEND)

    def _rows(self, spend: FloatArray) -> FloatArray:
        """The rows (rows, N) of a spend (N,), without their constants."""
        out = np.zeros(self.present.shape)
        out[0] = spend
        if len(out) > 1:
            out[1] = -spend
        if len(out) > 2:
            out[2, :-1] = (1.0 + self.step) * spend[:-1] - spend[1:]
            out[3, :-1] = spend[1:] - (1.0 - self.step) * spend[:-1]
        return out

    def _transposed(self, prices: FloatArray) -> FloatArray:
        """What prices (rows, N) on the rows are on the spend (N,)."""
        out: FloatArray = prices[0].copy()
        if len(prices) > 1:
            out -= prices[1]
        if len(prices) > 2:
            rise, fall = prices[2, :-1], prices[3, :-1]
            out[:-1] += (1.0 + self.step) * rise - (1.0 - self.step) * fall
            out[1:] += fall - rise
        return out

    def _slack(self, spend: FloatArray) -> FloatArray:
        rows = self._rows(spend)
        rows[0] -= self.floor
        if len(rows) > 1:
            rows[1] += self.cap
        return np.where(self.present, rows, 1.0)

    def _sums(self, spend: FloatArray) -> FloatArray:
        cells = self.chain.by_cell(spend)
        return np.append(cells, cells.sum())

    def _moved(self, here: _Iterate, step: _Step, size: float) -> _Iterate:
        """A share of a step further; slacks move with it, so that the smallest stay exact."""
        stock = here.stock + size * step.stock
        return _Iterate(
            stock,
            here.spend + size * step.spend,
            here.slack + size * step.slack,
            here.prices + size * (step.prices - here.prices),
            here.room + size * step.room,
            here.totals + size * (step.totals - here.totals),
            *self._slopes_at(stock),
        )

    def _residual(self, here: _Iterate) -> float:
        """Largest miss of the optimality conditions, by spend."""
        on_spend = self.cost - self._transposed(here.prices)
        on_spend = on_spend + here.price[self.chain.cell] + here.price[-1]
        return float(np.abs(here.gradient - self.chain.worth(on_spend)).max())

    def complementarity(
        self, slack: FloatArray, prices: FloatArray, room: FloatArray, totals: FloatArray
    ) -> float:
        """Mean of slack x price over all rows; the price of an absent row is 0."""
        of_totals = np.where(self.is_fixed, 0.0, room * totals)
        return float((slack * prices).sum() + of_totals.sum()) / self.n_rows

    def _barrier(self, here: _Iterate) -> float:
        return self.complementarity(here.slack, here.prices, here.room, here.totals)

    def _start(self, start: FloatArray) -> _Iterate:
        spend, stock = start / self.unit, self.chain.stock(start) / self.unit
        slack, sums = self._slack(spend), self._sums(spend)
        prices = np.where(self.present, FIRST_BARRIER / slack, 0.0)
        room = np.where(self.is_fixed, 1.0, np.stack([self.most - sums, sums - self.least]))
        totals = np.where(self.is_fixed, 0.0, FIRST_BARRIER / room)
        return _Iterate(stock, spend, slack, prices, room, totals, *self._slopes_at(stock))

    def solve(self, start: FloatArray, tolerance: float = PRECISE) -> Interior:
        """Search from a schedule (N,), currency, strictly inside all rows.

        A step into numbers that are none gains nothing, so the search ends before it.
        """
        with np.errstate(all="ignore"):
            return self._in_money(self._searched(start, tolerance))

    def _searched(self, start: FloatArray, tolerance: float) -> _Iterate:
        here = self._start(start)
        miss = self._residual(here)
        for _ in range(STEPS):
            barrier = self._barrier(here)
            if barrier <= tolerance and miss <= STATIONARY * tolerance:
                break
            moved = self._improved(here, barrier, miss)
            if moved is None:
                break
            here, miss = moved
        return here

    def _in_money(self, here: _Iterate) -> Interior:
        worth = self.worth / self.unit
        steps = here.prices[2:, :-1] * worth if len(here.prices) > 2 else np.zeros((2, 0))
        return Interior(self.unit * here.spend, worth * here.price, *steps)

    def _improved(
        self, here: _Iterate, barrier: float, miss: float
    ) -> tuple[_Iterate, float] | None:
        """One predictor-corrector step and its residual; None where nothing is gained."""
        newton = _Newton(self, here)
        if not newton.is_sound:
            return None
        zeros = np.zeros_like(here.slack), np.zeros_like(here.totals)
        affine = newton.towards(*zeros)
        size = newton.longest(affine)
        predicted = newton.predicted(affine, size)
        target = barrier * min(1.0, max(predicted / barrier, 0.0)) ** 3
        target = max(target, 0.1 * PRECISE)
        step = newton.towards(*newton.corrections(affine, target, size))
        size = min(1.0, TO_THE_WALL * newton.longest(step))
        for _ in range(HALVINGS):
            moved = self._moved(here, step, size)
            missed = self._residual(moved)
            if missed <= max((1.0 - 0.1 * size) * miss, 10.0 * barrier, STATIONARY * PRECISE):
                return moved, missed
            size *= 0.5
        return None


@dataclass(frozen=True)
class _Step:
    stock: FloatArray  # (N,), change
    spend: FloatArray  # (N,), change
    slack: FloatArray  # (rows, N), change
    prices: FloatArray  # (rows, N), new
    room: FloatArray  # (2, n + 1), change
    totals: FloatArray  # (2, n + 1), new


class _Newton:
    """Newton's system at one point, factored once."""

    def __init__(self, search: BandedInterior, here: _Iterate) -> None:
        self.search, self.here = search, here
        self.weights = here.prices / here.slack
        self.factor, fault = lapack.dpbtrf(self._band(), lower=1)
        self.is_sound = fault == 0  # if not: at the limit of floating point
        chain = search.chain
        self.dense = chain.worth(np.ones(chain.size))
        self.solved_dense = self._solve(self.dense)
        self.own = chain.by_cell(self.dense * self.solved_dense)
        fixed = search.is_fixed
        stiffness = (here.totals / here.room).sum(axis=0)
        self.give = np.where(fixed, 0.0, 1.0 / np.maximum(stiffness, 1e-300))
        stiff = self.own + self.give[:-1]
        self.stiff = np.where(self.own > 0.0, stiff, np.inf)
        self.held = np.where(stiff > 0.0, self.own / self.stiff, 1.0)
        self.yields = float(self.give[-1] + (self.own * (1.0 - self.held)).sum())
        self.missing = search.least - search._sums(here.spend)
        self.prices = np.where(search.present, here.prices, np.inf)
        self.totals = np.where(fixed, np.inf, here.totals)

    def _band(self) -> FloatArray:
        """The lower band of H + D' C' W C D, rows of the diagonals."""
        search, weights = self.search, self.weights
        e = np.append(search.chain.decay[1:], 0.0)
        main = weights[:2].sum(axis=0)
        off = np.zeros_like(main)
        if len(weights) > 2:
            up, down = 1.0 + search.step, 1.0 - search.step
            main = main + up * up * weights[2] + down * down * weights[3]
            main[1:] += weights[2, :-1] + weights[3, :-1]
            off = -up * weights[2] - down * weights[3]
        after, off_after, e_after = (np.append(part[1:], 0.0) for part in (main, off, e))
        band = [
            self.here.bend + main + e * e * after - 2.0 * e * off,
            off - e * after + e * e_after * off_after,
            -e * off_after,
        ]
        return np.array(band if len(weights) > 2 else band[:2])

    def _solve(self, right: FloatArray) -> FloatArray:
        found, _ = lapack.dpbtrs(self.factor, right, lower=1)
        return np.asarray(found, dtype=float)

    def towards(self, rows: FloatArray, totals: FloatArray) -> _Step:
        """The step after which slack x price would be these targets, to first order."""
        search, here, chain = self.search, self.here, self.search.chain
        pushed = search._transposed(rows / here.slack) - search.cost
        old = here.price
        pushed = pushed - old[chain.cell] - old[-1]
        base = self._solve(here.gradient + chain.worth(pushed))
        by_cell = chain.by_cell(self.dense * base)
        aims = totals / here.room
        goal = self.give * (old - aims[0] + aims[1])
        change = self._total_prices(by_cell, np.where(search.is_fixed, self.missing, goal))
        stock = base - self.solved_dense * (change[:-1][chain.cell] + change[-1])
        spend = chain.differences(stock)
        slack = np.where(search.present, search._rows(spend), 0.0)
        new_prices = (rows - here.prices * slack) / here.slack
        sums = search._sums(spend)
        room = np.where(search.is_fixed, 0.0, SIDES * sums)
        sides = (totals - here.totals * room) / here.room
        fixed = here.totals + np.stack([change, np.zeros_like(change)])
        new_totals = np.where(search.is_fixed, fixed, sides)
        return _Step(stock, spend, slack, new_prices, room, new_totals)

    def _total_prices(self, by_cell: FloatArray, goal: FloatArray) -> FloatArray:
        """Changes (n + 1,) of the totals' prices: each cell's given the budget's, found first."""
        held, given = self.held, goal[:-1]
        missing = float(((1.0 - held) * by_cell + held * given).sum() - goal[-1])
        budget = missing / self.yields if self.yields > 0.0 else 0.0
        return np.append((by_cell - given - self.own * budget) / self.stiff, budget)

    def longest(self, step: _Step) -> float:
        """Share of a step, at most 1, that keeps all slacks and prices above zero."""
        here = self.here
        prices, totals = step.prices / self.prices, step.totals / self.totals
        slack, room = step.slack / here.slack, step.room / here.room
        falls = min(float(prices.min()), float(totals.min())) - 1.0
        steepest = min(falls, float(slack.min()), float(room.min()))
        return 1.0 if steepest >= -1.0 else -1.0 / steepest

    def corrections(self, step: _Step, target: float, size: float) -> tuple[FloatArray, FloatArray]:
        """Targets of slack x price: the aim less what the predictor's curvature adds."""
        here, search, share = self.here, self.search, size * size
        rows = target - share * step.slack * (step.prices - here.prices)
        totals = target - share * step.room * (step.totals - here.totals)
        return np.where(search.present, rows, 0.0), np.where(search.is_fixed, 0.0, totals)

    def predicted(self, step: _Step, size: float) -> float:
        """Mean slack x price after a share of a step."""
        here = self.here
        prices = here.prices + size * (step.prices - here.prices)
        totals = here.totals + size * (step.totals - here.totals)
        slack, room = here.slack + size * step.slack, here.room + size * step.room
        return self.search.complementarity(slack, prices, room, totals)
