"""A brute-force oracle: the best of very many splits of at most three cells, tried one by one.

It knows every constraint and every objective of an AllocationProblem, from their definitions
alone: nothing of the allocator is used but the curves and the measures of risk. What it finds is
feasible to rounding, so a bound below it is wrong; how close it comes depends on the grid.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from optimizer.allocation import AllocationProblem
from optimizer.curves import TabulatedDraws

FloatArray = np.ndarray
ROUNDING = 1e-10  # relative: what a sum of three numbers may miss by
PLAIN_LOT = 0.01  # currency: coarser lots are tried exactly, multiple by multiple
LEVELS = 9  # of refinement, each half as wide as the one before
KEPT = 2  # best places refined
AROUND = 9  # points an axis when refining
MOST_TRIED = 10_000  # splits on the first grid
MOST_TRIED_DRAWS = 2_500


@dataclass(frozen=True)
class Best:
    """The best split found; value -inf and no split where none is feasible."""

    value: float  # of what is maximised; least spend counts negative
    spend: FloatArray | None  # (n,), currency


@dataclass(frozen=True)
class Splits:
    """Many splits (K, n) of a problem, judged from the definitions."""

    problem: AllocationProblem
    spend: FloatArray  # (K, n), currency

    @cached_property
    def gains(self) -> FloatArray:
        """Every cell's gain under every draw, (K, N, n)."""
        gains, spend = self.problem.gains, np.maximum(self.spend, 0.0)
        if not isinstance(gains, TabulatedDraws):
            return gains.value(spend)[:, None, :]
        cells = enumerate(gains.source.cells)
        return np.stack([c.value(spend[:, i, None]) for i, c in cells], axis=2)

    @cached_property
    def reference_gains(self) -> FloatArray:
        """The reference split's gains (N, n)."""
        return Splits(self.problem, self.problem.reference[None, :]).gains[0]

    def judged(self, worth: FloatArray) -> FloatArray:
        """Worth (n,) of a unit of gain, summed and judged by the measure of risk, (K,)."""
        before = self.reference_gains @ worth
        gained = self.gains @ worth - before
        if gained.shape[1] == 1:
            return gained[:, 0] + before.mean()
        if self.problem.tail is not None:
            return self._tail(gained) + before.mean()
        return gained.mean(axis=1) - self.problem.caution * gained.std(axis=1) + before.mean()

    def _tail(self, gained: FloatArray) -> FloatArray:
        """Mean and mean of the worst draws (K,), weighted, of gains (K, N)."""
        tail = self.problem.tail
        assert tail is not None
        by_rank = tail.worst(np.arange(gained.shape[1], dtype=float))
        worst = np.sort(gained, axis=1) @ by_rank
        return np.asarray((1.0 - tail.weight) * gained.mean(axis=1) + tail.weight * worst)

    @property
    def values(self) -> FloatArray:
        """What is maximised, (K,)."""
        problem, total = self.problem, self.spend.sum(axis=1)
        if not problem.counts_gain:
            return -total
        level = self.judged(np.ones(self.spend.shape[1]))
        if problem.is_ratio:
            return level / np.maximum(total, 1e-300) - 1.0
        return level - problem.cost_per_spend * total

    def feasible(self, slack: float = 0.0) -> FloatArray:
        """Which splits (K,) keep every constraint, to a slack in currency and to rounding."""
        held = self._in_domain(slack) & self._in_total(slack) & self._in_rows(slack)
        held &= self._counted() & self._little_moved(slack)
        if self.problem.targets and held.any():
            held[held] = Splits(self.problem, self.spend[held])._on_target(slack)
        return held

    def _in_domain(self, slack: float) -> FloatArray:
        problem = self.problem
        room = slack + ROUNDING * problem.upper
        inside = (self.spend >= problem.lower - room) & (self.spend <= problem.upper + room)
        if problem.optional is not None:
            inside |= problem.optional & (np.abs(self.spend) <= ROUNDING * problem.lot)
        return inside.all(axis=1)

    def _in_total(self, slack: float) -> FloatArray:
        total, most = self.spend.sum(axis=1), self.problem.total_budget
        room = slack + ROUNDING * most
        least = most if self.problem.least_total is None else self.problem.least_total
        return (total >= least - room) & (total <= most + room)

    def _in_rows(self, slack: float) -> FloatArray:
        rows = self.problem.rows
        if rows is None:
            return np.ones(len(self.spend), dtype=bool)
        used = self.spend @ rows.dense.T
        size = ROUNDING * (np.abs(rows.dense) @ self.problem.upper)
        room = slack * np.abs(rows.dense).sum(axis=1) + size
        return ((used >= rows.lower - room) & (used <= rows.upper + room)).all(axis=1)

    def _on_target(self, slack: float) -> FloatArray:
        held = np.ones(len(self.spend), dtype=bool)
        for target in self.problem.targets:
            mean = self.gains.mean(axis=1) @ target.worth
            earned = self.judged(target.worth) if target.is_cautious else mean
            reached = earned - self.spend @ target.cost - target.least
            size = np.abs(mean) + abs(target.least) + self.spend @ np.abs(target.cost)
            held &= reached >= -ROUNDING * size - slack * self.steepest(target.worth)
        return held

    def steepest(self, worth: FloatArray) -> float:
        """About the most a unit of spend may change what is earned."""
        grid = np.linspace(self.problem.lower, self.problem.upper, 200)
        marginal = np.diff(self.problem.mean_gain.value(grid), axis=0)
        width = np.maximum(np.diff(grid, axis=0), 1e-300)
        return float((worth * np.where(marginal > 0.0, marginal / width, 0.0)).sum(axis=1).max())

    def _counted(self) -> FloatArray:
        active = self.spend >= self.problem.lot * (1.0 - 1e-9)
        held = np.ones(len(self.spend), dtype=bool)
        for count in self.problem.counts:
            k = active[:, count.members].sum(axis=1)
            held &= (k >= count.at_least) & (k <= count.at_most)
        return held

    def _little_moved(self, slack: float) -> FloatArray:
        if self.problem.most_moved is None:
            return np.ones(len(self.spend), dtype=bool)
        change = self.spend - self.problem.reference
        up, down = np.maximum(change, 0.0).sum(axis=1), np.maximum(-change, 0.0).sum(axis=1)
        room = slack * change.shape[1] + ROUNDING * self.problem.upper.sum()
        most = self.problem.most_moved + room
        return (up <= most) & (down <= most)


def brute_force(problem: AllocationProblem, known: FloatArray | None = None) -> Best:
    """The best split of at most three cells on a fine grid, refined around its best places.

    ``known`` is a feasible split (n,) to refine as well: where few splits are feasible, a grid
    may miss all of them.
    """
    best = _judge(problem, known[None, :])[:1] if known is not None else []
    for on in _patterns(problem):
        for total in _totals(problem):
            best = best + _Search.of(problem, on, total).best(known)
    return max(best, key=lambda found: found.value, default=Best(-np.inf, None))


def is_exact(problem: AllocationProblem) -> bool:
    """Whether the lot is so coarse that all its multiples are tried."""
    return problem.lot > PLAIN_LOT


def _patterns(problem: AllocationProblem) -> Iterator[FloatArray]:
    """Which cells (n,) are on: off only where a cell may get nothing below its lower."""
    n = problem.lower.size
    assert n <= 3
    may_be_off = np.zeros(n, dtype=bool)
    if problem.optional is not None:
        may_be_off = problem.optional & (problem.lower > 0.0)
    for on in itertools.product(*[(True, False) if off else (True,) for off in may_be_off]):
        yield np.array(on)


def _totals(problem: AllocationProblem) -> tuple[float | None, ...]:
    """The ends of the total, where the last cell gets what is left; None: any total between."""
    if problem.least_total is None:
        return (problem.total_budget,)
    return (problem.total_budget, problem.least_total, None)


def _judge(problem: AllocationProblem, spend: FloatArray, most: int = KEPT) -> list[Best]:
    """The best of some splits (K, n) that are feasible, few and apart from each other."""
    spend = spend[Splits(problem, spend).feasible()]
    if not len(spend):
        return []
    values = Splits(problem, spend).values
    if most == 1:
        return [Best(float(values.max()), spend[values.argmax()])]
    places: list[Best] = []
    near = 0.05 * max(float(np.ptp(spend, axis=0).max()), 1e-300)
    for k in np.argsort(-values)[: 20 * most]:
        if len(places) < most and all(np.abs(spend[k] - p.spend).max() > near for p in places):
            places.append(Best(float(values[k]), spend[k]))
    return places


@dataclass(frozen=True)
class _Search:
    """Splits with some cells on and the total fixed or not: which cells span them."""

    problem: AllocationProblem
    lower: FloatArray  # (n,), currency
    upper: FloatArray  # (n,), currency
    axes: FloatArray  # cells that span the splits
    last: int | None  # the cell that gets what is left of a fixed total
    total: float | None

    @classmethod
    def of(cls, problem: AllocationProblem, on: FloatArray, total: float | None) -> _Search:
        lower, upper = np.where(on, problem.lower, 0.0), np.where(on, problem.upper, 0.0)
        moving = np.flatnonzero(upper > lower)
        last = int(moving[-1]) if total is not None and moving.size else None
        return cls(problem, lower, upper, moving[moving != last], last, total)

    def best(self, known: FloatArray | None) -> list[Best]:
        """The best split, once refined; none where no split is feasible."""
        grid = [self._axis(i) for i in self.axes]
        places = _judge(self.problem, self._splits(grid))
        if is_exact(self.problem):
            return places[:1]
        if known is not None:
            places = places + _judge(self.problem, known[None, :])
        width = np.zeros(self.lower.size)
        width[self.axes] = [np.diff(points).max() for points in grid]
        if self.last is not None:
            width[self.last] = width.max()
        return [self._refined(place, width) for place in places]

    def _refined(self, place: Best, width: FloatArray) -> Best:
        for level in range(LEVELS):
            reach = 1.5 * width / 3.0 ** (0.7 * level)
            search = self._turned(level)
            steps = np.linspace(-1.0, 1.0, AROUND if self.axes.size < 3 else AROUND - 2)
            near = [
                np.unique(np.clip(place.spend[i] + reach[i] * steps, self.lower[i], self.upper[i]))
                for i in search.axes
            ]
            found = _judge(self.problem, search._splits(near), most=1)
            place = max([place, *found], key=lambda found: found.value)
        return place

    def _turned(self, level: int) -> _Search:
        """The same with another cell as the last: the bounds of each become an edge in turn."""
        if self.last is None or self.axes.size == 0:
            return self
        cells = np.append(self.axes, self.last)
        last = int(cells[level % cells.size])
        return replace(self, axes=cells[cells != last], last=last)

    def _axis(self, cell: int) -> FloatArray:
        """Points a cell is tried at."""
        low, high = self.lower[cell], self.upper[cell]
        if is_exact(self.problem):
            lot = self.problem.lot
            return lot * np.arange(np.ceil(low / lot - 1e-9), np.floor(high / lot + 1e-9) + 1)
        most = MOST_TRIED_DRAWS if self.problem.draws is not None else MOST_TRIED
        return np.linspace(low, high, int(min(most ** (1.0 / self.axes.size), 300)))

    def _splits(self, grid: list[FloatArray]) -> FloatArray:
        """All splits (K, n) of a grid, the last cell getting what is left of the total."""
        mesh = np.stack([m.ravel() for m in np.meshgrid(*grid)], axis=1) if grid else None
        splits = np.tile(self.lower, (1 if mesh is None else len(mesh), 1))
        if mesh is not None:
            splits[:, self.axes] = mesh
        if self.last is not None:
            splits[:, self.last] = 0.0
            splits[:, self.last] = self.total - splits.sum(axis=1)
        return splits
