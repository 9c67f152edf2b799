r"""One schedule under one set of curves: the relaxed one with its prices, and climbs from it.

Concave curves: one banded interior point, whose prices close the proof. S-shaped curves pulse:
their concave envelopes give the prices of the proof, and climbs from several starts (the relaxed
schedule, an even one, each cell's best pulse) give the schedule.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from optimizer.allocation.chain import Chain
from optimizer.allocation.envelope import Envelope, true_slopes
from optimizer.allocation.interior import PRECISE, BandedInterior, Interior, Limits, Slopes
from optimizer.allocation.paths import best_paths
from optimizer.allocation.schedule_proof import (
    ScheduleProof,
    schedule_bound,
    spend_prices,
    spend_worth,
    weighted_gain,
)
from optimizer.allocation.stocks import BoolArray, FloatArray, ScheduleProblem

CLIMBS = 20
EXPLORING = 1e-6  # tolerance of a climb's steps
CLIMBED = 1e-7  # of the value: a climb that gains less has ended
STRIDES = (1.0, 0.5, 0.2, 0.05)  # of a climb's step, the best is taken
N_INTERVALS = 1000  # of each cell's stock, where paths prove the bound
PRICE_STEPS = 6
WORTH_PATHS = 1e-4  # of the bound: a smaller gap is left as it is
LARGEST_FOR_PATHS = 4000  # periods x cells
PULSES = (2, 3, 4, 6, 8, 13)  # periods between two bursts
NEAR_NOTHING = 1e-9  # of a lot: where slopes at no stock, which may be infinite, are taken


@dataclass(frozen=True)
class Candidate:
    problem: ScheduleProblem
    spend: FloatArray  # (T, n), currency, before rounding
    proof: ScheduleProof
    is_concave: bool

    @cached_property
    def bound(self) -> float:
        """What its proof shows no schedule exceeds."""
        return schedule_bound(self.problem, self.proof)


class Search:
    """One schedule under one set of curves: the mean's, or re-weighted ones."""

    def __init__(self, problem: ScheduleProblem, direction: FloatArray | None) -> None:
        self.problem, self.direction = problem, direction
        self.curve, _ = weighted_gain(problem, direction)
        self.even, self.is_given, self.limits = inside_start(problem)
        self.chain = Chain.of(problem, self.even, self.is_given)
        self.envelope = Envelope.of(self.curve, problem.level_range[1].max(axis=0))

    @property
    def is_concave(self) -> bool:
        """Whether no curve bends upwards."""
        return not bool(self.envelope.is_s_shaped.any())

    def best(self, start: FloatArray | None = None) -> Candidate:
        """The best schedule found and the lowest bound proved."""
        relaxed = self._candidate(*self._solved(self.envelope))
        if self.is_concave or self.chain.size == 0:
            return relaxed
        starts = [relaxed.spend]
        starts += [start] if start is not None else [self.even, self._pulsed(relaxed.spend)]
        climbed = max((self._climbed(each) for each in starts), key=self._value)
        final = self._candidate(*self._solved(self._model_at(self.problem.levels(climbed))))
        lowest = min(relaxed, final, key=lambda found: found.bound)
        best = max(climbed, relaxed.spend, final.spend, key=self._value)
        return self._by_paths(self._candidate(best, lowest.proof), lowest.bound)

    def _by_paths(self, found: Candidate, bound: float) -> Candidate:
        """A lower bound, and perhaps a better schedule, from each cell's best path by itself.

        The budget's price is bisected to where the paths together spend it; a schedule in their
        rhythm is then climbed from.
        """
        problem = self.problem
        excess = bound - problem.objective(found.spend)
        is_small = problem.cap.size <= LARGEST_FOR_PATHS
        if problem.draws is not None or not is_small or excess <= WORTH_PATHS * abs(bound):
            return found
        price, paths = self._priced_paths(found.proof)
        start = _spread_like(problem, found.spend, paths - problem.floor)
        climbed = [found.spend, *([self._climbed(start)] if self._is_kept(start) else [])]
        proofs = [
            found.proof,
            replace(found.proof, n_intervals=N_INTERVALS),
            replace(found.proof, n_intervals=N_INTERVALS, budget=price),
        ]
        lowest = min(proofs, key=lambda proof: schedule_bound(problem, proof))
        return self._candidate(max(climbed, key=self._value), lowest)

    def _priced_paths(self, proof: ScheduleProof) -> tuple[float, FloatArray]:
        """The budget's price at which the best paths spend it, and those paths (T, n)."""
        problem, (bottom, top) = self.problem, self.problem.budget_range
        base = spend_prices(problem, proof) - proof.budget
        reach = 0.5 * max(abs(proof.budget), problem.cost_per_spend, 1e-12)
        low, high, price = proof.budget - reach, proof.budget + reach, proof.budget
        paths = best_paths(problem, base + price, N_INTERVALS).spend
        for _ in range(0 if problem.smooth is not None else PRICE_STEPS):
            spent = float(paths.sum())
            if bottom <= spent <= top:
                break
            low, high = (price, high) if spent > top else (low, price)
            price = 0.5 * (low + high)
            paths = best_paths(problem, base + price, N_INTERVALS).spend
        return price, paths

    def _is_kept(self, spend: FloatArray) -> bool:
        """Whether a schedule keeps to its caps, its steps and its cells' totals."""
        problem, slack = self.problem, self.problem.lot
        sums = np.abs(spend.sum(axis=0) - spend.sum(axis=0).clip(*problem.totals_range))
        is_inside = bool(np.all(spend <= problem.cap) and np.all(sums <= slack))
        return is_inside and not problem.is_linked.any()

    def _value(self, spend: FloatArray) -> float:
        earned = float(self.curve.value(self.problem.levels(spend)).sum())
        return earned - self.problem.cost_per_spend * float(spend.sum())

    def _candidate(self, spend: FloatArray, proof: ScheduleProof) -> Candidate:
        return Candidate(self.problem, spend, proof, self.is_concave)

    def _solved(
        self, slopes: Slopes, tolerance: float = PRECISE
    ) -> tuple[FloatArray, ScheduleProof]:
        """The interior point's schedule for concave slopes, with the proof of its prices."""
        chain = self.chain
        spend, found = self.even, None
        if chain.size:
            start = chain.at(self.even)
            found = BandedInterior(chain, self.limits, slopes, start).solve(start, tolerance)
            inside = np.clip(found.spend, chain.at(self.problem.floor), chain.at(self.problem.cap))
            spend = chain.table(inside, self.even)
        level = 1.0 - self.problem.retention
        levels = np.maximum(self.problem.levels(spend), NEAR_NOTHING * self.problem.lot)
        stock_prices = level * slopes(levels)[0]
        return spend, self._proof(found, stock_prices)

    def _proof(self, found: Interior | None, stock_prices: FloatArray) -> ScheduleProof:
        n_cells, chain = len(self.problem.cells), self.chain
        steps = np.zeros((2, max(self.problem.n_periods - 1, 0), n_cells))
        totals = np.zeros(n_cells + 1)
        if found is not None:
            totals = found.totals
            if found.rise.size:
                at = chain.is_linked
                period, cell = chain.period[:-1][at], chain.cell[:-1][at]
                steps[:, period, cell] = found.rise[at], found.fall[at]
        budget = float(totals[-1])
        worth = spend_worth(self.problem, stock_prices) - self.problem.cost_per_spend - budget
        cells = np.where(self.is_given, self._price_of_given(worth), totals[:-1])
        return ScheduleProof(stock_prices, budget, cells, steps[0], steps[1], self.direction)

    def _price_of_given(self, worth: FloatArray) -> FloatArray:
        """Prices (n,) of totals at which cells held at their caps, or floors, stay there."""
        problem = self.problem
        least = np.where(problem.is_open, worth, np.inf).min(axis=0)
        most = np.where(problem.is_open, worth, -np.inf).max(axis=0)
        at_cap = self.even.sum(axis=0) > problem.floor.sum(axis=0)
        price = np.where(at_cap, least, most)
        return np.where(np.isfinite(price), price, 0.0)

    def _climbed(self, spend: FloatArray) -> FloatArray:
        """A local best near a schedule, by quadratic models that do not bend up."""
        value = self._value(spend)
        for _ in range(CLIMBS):
            aim, _ = self._solved(self._model_at(self.problem.levels(spend)), EXPLORING)
            tries = [spend + size * (aim - spend) for size in STRIDES]
            values = [self._value(each) for each in tries]
            best = int(np.argmax(values))
            gained = values[best] - value
            if gained > 0.0:
                spend, value = tries[best], values[best]
            if gained <= CLIMBED * abs(value):
                break
        return spend

    def _model_at(self, here: FloatArray) -> Slopes:
        """Slopes of S-shaped curves to first order, of concave ones as they are."""
        inside = np.maximum(here, 1e-9 * self.problem.level_range[1])
        first, second = true_slopes(self.curve, inside)
        bent = self.envelope.is_s_shaped

        def slopes(levels: FloatArray) -> tuple[FloatArray, FloatArray]:
            exact, curvature = true_slopes(self.curve, levels)
            near = first + second * (levels - inside)
            return np.where(bent, near, exact), np.where(bent, second, curvature)

        return slopes

    def _pulsed(self, relaxed: FloatArray) -> FloatArray:
        """Each cell's best rhythm for its own total: even, relaxed, or a burst every so often."""
        options = [relaxed, _spread_like(self.problem, relaxed, self.even)]
        if self.problem.smooth is None:
            options += [_spread_like(self.problem, relaxed, m) for m in _bursts(self.problem)]
        earned = np.stack(
            [
                np.where(
                    np.all(option <= self.problem.cap, axis=0),
                    self.curve.value(self.problem.levels(option)).sum(axis=0),
                    -np.inf,
                )
                for option in options
            ]
        )
        best = earned.argmax(axis=0)
        return np.asarray(np.stack(options)[best, :, np.arange(best.size)].T)


def _bursts(problem: ScheduleProblem) -> list[FloatArray]:
    """Rhythms (T, n): every so many open periods."""
    count = np.cumsum(problem.is_open, axis=0) - 1
    return [problem.is_open * (count % every == 0).astype(float) for every in PULSES]


def _spread_like(problem: ScheduleProblem, spend: FloatArray, rhythm: FloatArray) -> FloatArray:
    """The cells' totals of a schedule above their floors, spread over a rhythm (T, n)."""
    above = spend.sum(axis=0) - problem.floor.sum(axis=0)
    beats = rhythm.sum(axis=0)
    share = rhythm / np.where(beats > 0.0, beats, 1.0)
    return problem.floor + share * np.where(beats > 0.0, above, 0.0)


def inside_start(problem: ScheduleProblem) -> tuple[FloatArray, BoolArray, Limits]:
    """An even schedule (T, n) strictly inside all limits, which cells it decides, and the limits.

    Totals stand at one share of the way between their least and most. Where the budget or a cell
    leaves no way at all, its limits are made one number.
    """
    near = 0.5 * problem.lot
    least, most = _decided_range(problem, near)
    bottom, top = problem.budget_range
    way = float((most - least).sum())
    share = (0.5 * (bottom + top) - float(least.sum())) / way if way > 0.0 else 0.0
    totals = least + share * (most - least)
    n_open = problem.is_open.sum(axis=0)
    even = np.where(problem.is_open, totals / np.maximum(n_open, 1), 0.0)
    at_floor = totals <= problem.floor.sum(axis=0) + near
    at_cap = totals >= problem.cap.sum(axis=0) - near
    is_given = (most <= least) & (at_floor | at_cap)
    if top - bottom <= near or way <= 0.0:
        bottom = top = float(totals.sum())
    else:  # limits that the cells' own already imply stand back, so that no two say the same
        bottom -= way * (bottom <= float(least.sum()))
        top += way * (top >= float(most.sum()))
    given = float(totals[is_given].sum())
    least, most = np.where(is_given, 0.0, least), np.where(is_given, 0.0, most)
    return even, is_given, Limits(np.append(least, bottom - given), np.append(most, top - given))


def _decided_range(problem: ScheduleProblem, near: float) -> tuple[FloatArray, FloatArray]:
    """Least and most total (n,), made one number where hardly any room is left."""
    least, most = problem.totals_range
    bottom, top = problem.budget_range
    if least.sum() >= top - near:
        most = least
    elif most.sum() <= bottom + near:
        least = most
    return least, np.where(most - least <= near, least, most)
