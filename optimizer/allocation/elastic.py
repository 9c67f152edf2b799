"""Limits that give: the least change that makes them hold, and the fewest that cannot.

The *elastic* program lets every limit give at a cost in money (Chinneck & Dravnieks, 1991). Its
slacks, held fast one set after another until nothing holds, contain a conflict; deleting what is
not needed leaves a minimal one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from optimizer.allocation.limits import Limits, stated
from optimizer.allocation.problem import AllocationProblem, FloatArray
from optimizer.allocation.programs import Solver
from optimizer.allocation.rows import BoolArray

Solve = Callable[[], FloatArray | None]

TOLERATED = 1e-9  # of the budget: what a limit that holds may be off by
ROUNDS = 6  # of asking more of a target than it asks, where chords flatter a curve
BEYOND = 1e3  # times what a target is about: out of every split's reach
REACHED = 1e-9  # of what a target is about: what may be short of it
MOST_CUTS = 60  # of targets judged with caution, by their slopes


@dataclass(slots=True)
class Elastic:
    """A problem's limits, of which some hold and some give."""

    limits: Limits
    gap: float = 1e-7  # relative, over whole numbers
    _solver: Solver = field(init=False)

    def __post_init__(self) -> None:
        self._solver = self.limits.program.solver(self.gap)

    @classmethod
    def of(cls, problem: AllocationProblem, *, on_lots: bool = False) -> Elastic:
        """The limits of a problem, its curves exact where limits give least."""
        nodes: list[FloatArray] = []
        for _ in range(2 if problem.targets else 0):
            rough = cls(stated(problem, on_lots=on_lots, nodes=nodes))
            values = rough.solved(())
            if values is not None:
                nodes.append(rough.limits.spend(values))
        return cls(stated(problem, on_lots=on_lots, nodes=nodes))

    @property
    def every(self) -> range:
        """Places of all limits."""
        return range(len(self.limits.names))

    @property
    def allowance(self) -> float:
        """Slack of a limit that holds, in its size."""
        return TOLERATED * self.limits.spends.size

    def solved(
        self, held: Iterable[int], *, gives: Sequence[int] | None = None
    ) -> FloatArray | None:
        """The program's columns with the ``held`` limits fast, at the least change of those
        that give (every one, unless named). None: no values hold them.
        """
        self._hold(held, self.allowance)
        costs = np.zeros(len(self.limits.names))
        costs[list(self.every if gives is None else gives)] = 1.0
        costs[list(held)] = 0.0
        return self._solver.least(self.limits.slacks, costs)

    def _hold(self, held: Iterable[int], allowance: float) -> None:
        """Let some limits give no more than an allowance, and the others as much as it takes."""
        upper = np.full(len(self.limits.names), np.inf)
        upper[list(held)] = allowance
        self._solver.bound(self.limits.slacks, np.zeros(upper.size), upper)

    def _least_moved(self) -> FloatArray | None:
        """The program's columns where least money moves and every limit holds, exactly if it
        can: limits that leave a single split may miss each other by a rounding.
        """
        moves = self.limits.moves
        for allowance in (0.0, self.allowance):
            self._hold(self.every, allowance)
            values = self._solver.least(moves, np.ones(moves.size))
            if values is not None:
                return values
        return None

    def can_hold(self, held: Iterable[int]) -> bool:
        """Whether some limits hold together, the others left aside."""
        return self.solved(held, gives=()) is not None

    def conflict(self) -> tuple[int, ...]:
        """Places of a minimal set of limits that cannot all hold; empty where all can."""
        held: list[int] = []
        while True:
            values = self.solved(held)
            if values is None:
                return self._needed(held)
            given = values[self.limits.slacks]
            given[held] = 0.0
            more = np.flatnonzero(given > self.allowance)
            if not more.size:
                return ()
            held += more.tolist()

    def _needed(self, held: list[int]) -> tuple[int, ...]:
        """The limits without which the others of a conflicting set can hold."""
        kept = sorted(held, key=lambda k: self.limits.names[k].bound / self.limits.names[k].size)
        for place in list(kept):
            others = [k for k in kept if k != place]
            if not self.can_hold(others):
                kept = others
        return tuple(sorted(kept))

    def least_change(self, gives: Sequence[int]) -> FloatArray | None:
        """How far (K,) limits give, in their units, so that all others truly hold.

        Chords may flatter a curve: what a target is then short of is asked for on top.
        """
        held = [k for k in self.every if k not in set(gives)]
        values = self.truly(lambda: self.solved(held, gives=gives), held)
        return None if values is None else self.given(values)

    def switch(self, is_on: BoolArray) -> None:
        """Settle which cells (n,) are active, so that no whole number is left to search for."""
        switches = self.limits.switches
        settled = is_on[switches >= 0].astype(float)
        self._solver.bound(switches[switches >= 0], settled, settled)

    def nearest(self) -> FloatArray | None:
        """The split (n,) that holds every limit and moves least money; None where none does."""
        values = self.truly(self._least_moved, self.every)
        if values is None and self.limits.problem.is_cautious:
            values = self._within_slopes()
        return None if values is None else self.limits.spend(values)

    def _within_slopes(self) -> FloatArray | None:
        """The same where targets judged with caution need less spread rather than a larger mean:
        cut off by their slope at every split that misses them (Kelley, 1960).
        """
        targets = [k for k in self.every if self.limits.names[k].target is not None]
        for _ in range(MOST_CUTS):
            values = self._least_moved()
            if values is None or not (missing := self._missing(values, targets)):
                return values
            for k in missing:
                self._cut(values, k)
        return None

    def _cut(self, values: FloatArray, place: int) -> None:
        """Let a target's tangent at a solution's split reach what is asked."""
        limits, limit = self.limits, self.limits.names[place]
        assert limit.target is not None
        spend = limits.spend(values)
        slope = limits.problem.target_slope(limits.problem.targets[limit.target], spend)
        asked = float(slope @ spend) - self._reached(values, place)
        row = slope * limits.scale / limit.size
        self._solver.cut(limits.spends, row, asked / limit.size)

    def short_at_most(self, place: int) -> float | None:
        """How far a target's most, the other limits held, stays short of what it asks."""
        self._ask(place, BEYOND * self.limits.spends.size)
        values = self.solved([k for k in self.every if k != place], gives=[place])
        self._ask(place, 0.0)
        return None if values is None else max(-self._reached(values, place), 0.0)

    def truly(self, solve: Solve, held: Iterable[int]) -> FloatArray | None:
        """A solution whose split reaches the held targets by the curves themselves."""
        targets = [k for k in held if self.limits.names[k].target is not None]
        extra = dict.fromkeys(targets, 0.0)
        try:
            for _ in range(ROUNDS):
                values = solve()
                if values is None or not (missing := self._missing(values, targets)):
                    return values
                for k, short in missing.items():
                    extra[k] += 1.01 * short
                    self._ask(k, extra[k])
            return None
        finally:
            for k in targets:
                self._ask(k, 0.0)

    def _ask(self, place: int, extra: float) -> None:
        limit = self.limits.names[place]
        least = limit.bound / limit.size + extra
        self._solver.ask(int(self.limits.rows[place]), least, np.inf)

    def _missing(self, values: FloatArray, targets: list[int]) -> dict[int, float]:
        """What a solution's split is short of every target, in its size."""
        short = {k: -self._reached(values, k) / self.limits.names[k].size for k in targets}
        allowance = REACHED * self.limits.spends.size
        return {k: missing for k, missing in short.items() if missing > allowance}

    def _reached(self, values: FloatArray, place: int) -> float:
        """What a solution's split earns of a target, less what is asked."""
        problem, number = self.limits.problem, self.limits.names[place].target
        assert number is not None
        return problem.reached(problem.targets[number], self.limits.spend(values))[0]

    def given(self, values: FloatArray) -> FloatArray:
        """How far (K,) each limit gives in a solution, in its unit; targets by their curves."""
        slack = np.where(values[self.limits.slacks] > 2.0 * self.allowance, 1.0, 0.0)
        given = slack * values[self.limits.slacks]
        for k, limit in enumerate(self.limits.names):
            given[k] *= limit.size
            if limit.target is not None and given[k] > 0.0:
                given[k] = max(-self._reached(values, k), 0.0)
        return given
