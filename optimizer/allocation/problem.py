r"""The allocation problem: one budget over cells, each with a curve and bounds.

.. math:: \max_x \; E[D(x)] - k \, sd[D(x)] \quad \sum_i x_i = B, \; l \le x \le u

with :math:`D_s(x) = \sum_i v_i (f_i^s(x_i) - f_i^s(h_i)) - w (x_i - h_i)` over the draws s, h the
reference split and k the caution. All money is for the whole plan.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from optimizer.allocation.measures import Caution, Measure, TailRisk
from optimizer.allocation.rows import BoolArray, Count, Rows, Target
from optimizer.curves import Curve, TabulatedDraws

FloatArray = npt.NDArray[np.float64]
ROUNDING = 4.0 * float(np.finfo(float).eps)
NEAR_ZERO = 1e-9  # of a cell's maximum: slopes at zero spend are taken here, where finite
CENT = 0.01
MOST_LOTS = 4096  # in a cell: finer lots are as good as none
CENTS_AGREE = 1e-7  # of a lot: how far a sum of decimal limits may stray in binary


@dataclass(frozen=True, slots=True)
class Box:
    """The splits within bounds whose total fits the budget, and what the rows leave of them.

    An optional cell may also get nothing, whatever its lower bound.
    """

    lower: FloatArray  # (n,), currency
    upper: FloatArray  # (n,), currency
    budget: float  # currency: the most that may be spent
    least: float | None = None  # currency: the least; None is the budget itself
    optional: BoolArray = field(default_factory=lambda: np.zeros(1, dtype=bool))  # (n,) or (1,)
    rows: Rows | None = None

    @property
    def least_total(self) -> float:
        """The least that must be spent, currency."""
        return self.budget if self.least is None else self.least

    @property
    def floor(self) -> FloatArray:
        """The least (n,) each cell may get: nothing where it is optional."""
        return np.where(self.optional, 0.0, self.lower)

    @property
    def _slack(self) -> float:
        """What rounding may add to a sum of n cells."""
        return ROUNDING * self.lower.size * max(self.budget, 1e-300)

    @property
    def is_empty(self) -> bool:
        """Whether its bounds and its total leave no split at all."""
        floor, slack = self.floor, self._slack
        if float(floor.sum()) > self.budget + slack or np.any(floor > self.upper + slack):
            return True
        return float(self.upper.sum()) < self.least_total - slack

    def tightened(self) -> Box:
        """The same splits in the narrowest bounds: a cell gets what the others leave it.

        A rounding allowance keeps every split inside in floating point. An optional cell that
        the others cannot do without is optional no more; one they leave too little gets nothing.
        """
        floor, upper = self.floor, self.upper
        low = np.maximum(floor, self.least_total - (upper.sum() - upper) - self._slack)
        high = np.minimum(upper, self.budget - (floor.sum() - floor) + self._slack)
        if self.rows is not None:
            low, high = self.rows.within(low, high, ROUNDING * self.lower.size)
        if not self.optional.any():
            return replace(self, lower=low, upper=np.maximum(high, low))
        needed, idle = self.optional & (low > 0.0), self.optional & (high < self.lower)
        optional = self.optional & ~needed & ~idle
        lower = np.where(idle, 0.0, np.maximum(self.lower, low))
        high = np.where(idle, 0.0, high)
        return replace(self, lower=lower, upper=np.maximum(high, lower), optional=optional)

    def cut(self, cell: int, at: float) -> tuple[Box, Box]:
        """The part where a cell gets at most, and the part where it gets at least, a spend.

        An optional cell cut below its lower bound gets nothing in the one part, and is optional
        no more in the other.
        """
        upper, lower = self.upper.copy(), self.lower.copy()
        below = replace(self, upper=upper)
        above = replace(self, lower=lower)
        upper[cell] = min(at, upper[cell])
        lower[cell] = max(at, lower[cell])
        if not np.any(self.optional[cell : cell + 1]):
            return below, above
        settled = self.optional.copy()
        settled[cell] = False
        if at < self.lower[cell]:
            upper[cell] = 0.0
            none = self.lower.copy()
            none[cell] = 0.0
            below = replace(below, lower=none, optional=settled)
        return below, replace(above, optional=settled)

    def nearest(self, reference: FloatArray) -> FloatArray:
        """The split (n,) that moves the least money away from a reference, rows left aside.

        Clipping to the bounds is forced; what is then missing (or over) is spread in proportion
        to the room each cell has left, which moves no more than any other way of doing it.
        """
        spend = np.clip(reference, self.lower, self.upper)
        total = float(spend.sum())
        missing = min(max(total, self.least_total), self.budget) - total
        room = self.upper - spend if missing > 0.0 else spend - self.lower
        most = float(room.sum())
        if most <= 0.0 or missing == 0.0:
            return spend
        return np.clip(spend + room * (missing / most), self.lower, self.upper)


@dataclass(frozen=True)
class AllocationProblem:
    """What is to be split, over what, within which bounds.

    ``gains`` are the curves already multiplied by the value v of a unit of response: a single
    curve per cell, or tabulated draws of them.
    """

    cells: tuple[str, ...]  # n names
    gains: Curve | TabulatedDraws
    total_budget: float  # currency
    lower: FloatArray  # (n,), currency
    upper: FloatArray  # (n,), currency
    reference: FloatArray  # (n,), currency: the current split scaled to the budget
    cost_per_spend: float = 0.0  # w: 0 counts revenue, 1 profit
    caution: float = 0.0  # k >= 0; counts as 0 without draws
    lot: float = 0.01  # currency: the published split is in whole lots
    node_limit: int = 2000
    least_total: float | None = None  # currency: the total may lie from here to total_budget
    optional: BoolArray | None = None  # (n,): cells that may also get nothing, below their lower
    rows: Rows | None = None
    targets: tuple[Target, ...] = ()
    counts: tuple[Count, ...] = ()
    most_moved: float | None = None  # currency: sums of increases and of decreases on reference
    counts_gain: bool = True  # False: only what is spent counts (least spend for a target)
    is_ratio: bool = False  # True: maximise gain / spend instead (ROMI + 1)
    tail: TailRisk | None = None  # in place of caution

    @property
    def box(self) -> Box:
        """Every split the bounds and the budget allow; sums of decimals may miss by a rounding."""
        optional = np.zeros(1, dtype=bool) if self.optional is None else self.optional
        floor = float(np.where(optional, 0.0, self.lower).sum())
        budget = min(max(self.total_budget, floor), float(self.upper.sum()))
        least = None if self.least_total is None else min(self.least_total, budget)
        rows = self.rows if self.rows is not None and self.rows.names else None
        return Box(self.lower, self.upper, budget, least, optional, rows)

    @property
    def coupling(self) -> Rows:
        """The rows beside the total."""
        return self.rows if self.rows is not None else Rows.none(self.lower.size)

    @property
    def is_single(self) -> bool:
        """Whether nothing but the total couples the cells."""
        has_rows = self.rows is not None and bool(self.rows.names)
        return not (has_rows or self.targets or self.counts) and self.most_moved is None

    @property
    def has_coarse_lots(self) -> bool:
        """Whether a stated lot, coarser than a cent, makes domains its multiples."""
        return self.lot > CENT and float(self.upper.max()) / self.lot <= MOST_LOTS

    @cached_property
    def measure(self) -> Measure:
        """What a spread of gains is worth."""
        return self.tail if self.tail is not None else Caution(self.caution)

    @property
    def mean_gain(self) -> Curve:
        """The expected gain of every cell."""
        return self.gains.mean if isinstance(self.gains, TabulatedDraws) else self.gains

    @property
    def draws(self) -> TabulatedDraws | None:
        """The tabulated draws; None where each cell has one curve."""
        return self.gains if isinstance(self.gains, TabulatedDraws) else None

    @property
    def is_cautious(self) -> bool:
        """Whether the spread of the draws enters the objective."""
        is_neutral = self.caution <= 0.0 if self.tail is None else self.tail.weight <= 0.0
        return not is_neutral and self.draws is not None

    @property
    def leading_target(self) -> int:
        """The place of the target a least spend is sought for: the first judged with caution."""
        return next((k for k, t in enumerate(self.targets) if t.is_cautious), 0)

    def gain_draws(self, spend: FloatArray) -> FloatArray:
        """Total gain (N,) of a split under each draw; one entry without draws."""
        if isinstance(self.gains, TabulatedDraws):
            return np.asarray(self.gains.source.value(spend).sum(axis=1))
        return np.atleast_1d(self.gains.value(spend).sum())

    def worth(self, gains: FloatArray) -> float:
        """The level that gains (N,) are worth: by the measure, from the reference's own mean."""
        if not self.is_cautious:
            return float(gains.mean())
        before = self.reference_gains
        return float(before.mean()) + self.measure.value(gains - before)

    @cached_property
    def reference_gains(self) -> FloatArray:
        """Total gain (N,) of the reference under each draw."""
        return self.gain_draws(self.reference)

    def objective(self, spend: FloatArray) -> float:
        """What is maximised, as a level: the worth of the gains less the cost of spending."""
        cost = self.cost_per_spend * float(spend.sum())
        return (self.worth(self.gain_draws(spend)) if self.counts_gain else 0.0) - cost

    def shortfall(self, spend: FloatArray) -> float:
        """How far a split misses rows, targets, counts and moves; 0 is feasible, 1 is all."""
        rows, short = self.coupling, [0.0]
        if rows.names:
            short.append(float((rows.excess(spend) / rows.scale(self.lower, self.upper)).max()))
        if self.targets:
            short += [self._missing(target, spend) for target in self.targets]
        active = spend > 0.0
        for count in self.counts:
            number = int((count.members & active).sum())
            short.append(float(max(count.at_least - number, number - count.at_most, 0)))
        if self.most_moved is not None:
            moves = spend - self.reference
            most = max(float(np.maximum(moves, 0.0).sum()), float(np.maximum(-moves, 0.0).sum()))
            short.append((most - self.most_moved) / max(float(self.reference.sum()), 1e-300))
        return max(short)

    def _missing(self, target: Target, spend: FloatArray) -> float:
        """How far a split misses a target, as a share of what it earns and costs."""
        reached, size = self.reached(target, spend)
        return -reached / max(size + abs(target.least), 1e-300)

    def reached(self, target: Target, spend: FloatArray) -> tuple[float, float]:
        """What a split reaches of a target, less what is asked, and the size of its parts."""
        cost = float(target.cost @ spend)
        if isinstance(self.gains, TabulatedDraws):
            gains = self.gains.source.value(spend) @ target.worth
            level = float(gains.mean())
            if target.is_cautious and self.is_cautious:
                before = self.gains.source.value(self.reference) @ target.worth
                level = float(before.mean()) + self.measure.value(gains - before)
        else:
            level = float(self.gains.value(spend) @ target.worth)
        return level - cost - target.least, abs(level) + abs(cost)

    def target_slope(self, target: Target, spend: FloatArray) -> FloatArray:
        """Slope (n,) of what a split reaches of a target."""
        inside = np.maximum(spend, near_zero(self.upper))
        if not (isinstance(self.gains, TabulatedDraws) and target.is_cautious and self.is_cautious):
            slope = self.mean_gain.marginal(inside)
        else:
            slope = self.draw_weights(target, spend) @ self.gains.source.marginal(inside)
        return np.asarray(np.where(np.isfinite(slope), slope, 0.0) * target.worth - target.cost)

    def draw_weights(self, target: Target, spend: FloatArray) -> FloatArray:
        """How much each draw (N,) counts in a target at a split: all alike, or by its caution."""
        assert isinstance(self.gains, TabulatedDraws)
        source = self.gains.source
        gains = (source.value(spend) - source.value(self.reference)) @ target.worth
        if not (target.is_cautious and self.is_cautious):
            return np.full(gains.size, 1.0 / gains.size)
        return self.measure.weights(self.measure.worst(gains))

    def marginal_gain(self, spend: FloatArray) -> FloatArray:
        """Slope (n,) of the objective, before the cost of spending: with caution, under the
        weights that the split's own spread gives the draws."""
        inside = np.maximum(spend, near_zero(self.upper))
        if not isinstance(self.gains, TabulatedDraws):
            return self.gains.marginal(inside)
        marginal = self.gains.source.marginal(inside)
        if not self.is_cautious:
            return np.asarray(marginal.mean(axis=0))
        direction = self.measure.worst(self.gain_draws(spend) - self.reference_gains)
        return np.asarray(self.measure.weights(direction) @ marginal)


def near_zero(upper: FloatArray) -> FloatArray:
    """A spend (n,) at which slopes stand for those at zero, which may be infinite."""
    widest = max(float(upper.max()), 1e-290)
    return NEAR_ZERO * np.where(upper > 0.0, upper, widest)


def in_money(lots: FloatArray, lot: float) -> FloatArray:
    """Whole lots as money, each the nearest number to its decimal value.

    Examples
    --------
    >>> in_money(np.array([5185548892035.0]), 0.01)
    array([5.18554889e+10])
    >>> float(in_money(np.array([7.0]), 0.01)[0])
    0.07
    """
    per_unit = round(1.0 / lot)
    exact = per_unit >= 1 and abs(per_unit * lot - 1.0) < 1e-12
    return np.asarray(lots / per_unit if exact else lots * lot) + 0.0
