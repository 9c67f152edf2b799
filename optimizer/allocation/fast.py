"""One budget over very many cells: a price found in a handful of passes, and its split.

With many cells total spend T(p) is nearly smooth in the price, whatever the single curves do. A
sample of the cells gives a first price and how T follows it; then each pass over all cells gives
T, the bound G and the smooth part of dT/dp, and the price moves by Newton or by the secant in
logarithms, inside a bracket. What a price off by dp leaves of the bound is r dp / 2, r the money
left over: the search ends when that is nothing. The split then takes each cell's best spend plus
its own share of r, dp / f'', which loses as little.
"""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np

from optimizer.allocation.problem import Box, FloatArray, near_zero
from optimizer.curves import Curve, TotalResponse, compiled_from
from optimizer.curves.fast import is_compiled

MIN_SAMPLE, SAMPLE_SHARE = 5_000, 50  # cells that give the first price, as 1 in so many
SAMPLE_ENOUGH = 1e-8  # of the gain: how well the sample's own price is known
GOLDEN = 0.6180339887498949  # steps by it through the cells meet no pattern in their order
PROBE = 0.01  # relative change of price that shows how the sample's spend follows it
ENOUGH = 5e-12  # of the gain: what the bound may keep above its least
LITTLE = 400.0  # times enough: what may be left where jumps hinder the rest
MAX_PASSES = 60
NARROWEST = 1e-15  # of the price: a bracket that cannot be halved
AN_END = 1e-6  # of the room between the bounds: nearer to an end, every cell's bounds are tightened
SPLIT_AND_BOUNDS = 2  # passes: one adds up the bounds, one writes the split
LARGEST_STEP = 5.0  # in log price
MEETS = 1e-12  # of the budget: how near the split's sum must come


@dataclass(frozen=True, slots=True)
class OnePrice:
    """The price found, what it proves, and a split that meets the budget."""

    price: float
    bound: float  # no split within bounds and budget gains more
    spend: FloatArray  # (n,)
    passes: float  # over all cells, the sample's counted by its size


@dataclass(frozen=True, slots=True)
class _Point:
    """All cells' answer to a price."""

    price: float
    total: TotalResponse

    @property
    def smooth(self) -> float:
        """d log T / d log p of the cells that do not jump."""
        return self.price * self.total.give / max(self.total.spend, 1e-300)


class _Search:
    """A bracket of prices around the one at which the cells spend the budget."""

    def __init__(self, curves: Curve, box: Box, jumps: float = 0.0) -> None:
        self.curves, self.box = curves, box
        self.jumps = jumps  # d log T / d log p of cells that jump, which ``give`` does not see
        self.low, self.high = 0.0, np.inf
        self.points: list[_Point] = []

    def ask(self, price: float) -> _Point:
        """One pass over the cells."""
        point = _Point(price, self.curves.total_response(price, self.box.lower, self.box.upper))
        if point.total.spend <= self.box.budget:
            self.high = min(self.high, price)
        else:
            self.low = max(self.low, price)
        if self.points:
            self.jumps = min(_jumps(self.points[-1], point), 0.0)
        self.points.append(point)
        return point

    def settle(self, price: float, enough: float) -> None:
        """Ask until neither the bound nor the split can get noticeably better."""
        point = self.ask(price)
        while len(self.points) < MAX_PASSES and self.low < self.high * (1.0 - NARROWEST):
            step = self._step(point)
            if self._is_settled(point, step, enough):
                break
            point = self.ask(self._inside(point.price * math.exp(step)))

    @property
    def tightest(self) -> _Point:
        """The point with the lowest bound."""
        return min(self.points, key=lambda at: at.total.upper + at.price * self.box.budget)

    @property
    def nearest(self) -> _Point:
        """The point whose spend is nearest to the budget."""
        return min(self.points, key=lambda at: abs(at.total.spend - self.box.budget))

    def _is_settled(self, point: _Point, step: float, enough: float) -> bool:
        """Whether the last step saves nothing, or little once the nearest split loses as little.

        The split from a point that leaves money over loses the money's square over 2 ``give``.
        """
        gain = abs(point.total.value + point.price * self.box.budget)
        left = abs(self.box.budget - point.total.spend)
        saved = 0.5 * left * point.price * abs(step)
        near = self.nearest
        lost = 0.5 * (self.box.budget - near.total.spend) ** 2 / max(-near.total.give, 1e-300)
        return saved <= enough * gain or max(saved, lost) <= LITTLE * enough * gain

    def _step(self, point: _Point) -> float:
        """Change of log price after which the cells should spend the budget."""
        wanted = np.log(self.box.budget / max(point.total.spend, 1e-300))
        elasticity = min(point.smooth + self.jumps, -1e-300)
        return float(np.clip(wanted / elasticity, -LARGEST_STEP, LARGEST_STEP))

    def _inside(self, price: float) -> float:
        """The price if it lies within the bracket, else one that narrows it."""
        if self.low < price < self.high:
            return price
        if self.low > 0.0 and np.isfinite(self.high):
            return float(np.sqrt(self.low) * np.sqrt(self.high))
        return 0.1 * self.high if self.low <= 0.0 else 10.0 * self.low


def _jumps(first: _Point, second: _Point) -> float:
    """d log T / d log p between two points, less what the smooth parts explain of it."""
    spends = max(first.total.spend, 1e-300) / max(second.total.spend, 1e-300)
    seen = np.log(spends) / np.log(first.price / second.price)
    return float(seen - 0.5 * (first.smooth + second.smooth))


def one_price(curves: Curve, box: Box) -> OnePrice:
    """Lowest bound of max sum f(x) over a box of many cells, and a split near it.

    Parameters
    ----------
    curves : Curve of n cells
    box : Box
        Its budget lies between the sums of its bounds, and is positive.

    Returns
    -------
    OnePrice
        For concave curves the split is optimal to rounding; for S-shaped ones it lies below the
        bound by less than the largest single cell's jump.
    """
    least, most = float(box.lower.sum()), float(box.upper.sum())
    share = (box.budget - least) / (most - least) if most > least else 0.0
    if not AN_END <= share <= 1.0 - AN_END:
        box = box.tightened()
    compiled = compiled_from(1) if is_compiled(box.lower.size) else nullcontext()
    with compiled:
        price, jumps, asked = _sampled(curves, box, share)
        search = _Search(curves, box, jumps)
        search.settle(price, ENOUGH)
    best, near = search.tightest, search.nearest
    left = box.budget - near.total.spend
    shift = left / near.total.give if near.total.give < 0.0 else 0.0
    spend = curves.shifted_response(near.price, shift, box.lower, box.upper)
    if abs(float(spend.sum()) - box.budget) > MEETS * box.budget:
        spend = box.nearest(spend)
    bound = best.total.upper + best.price * box.budget
    passes = len(search.points) + SPLIT_AND_BOUNDS + asked / box.lower.size
    return OnePrice(best.price, bound, spend, passes)


def _sampled(curves: Curve, box: Box, share: float) -> tuple[float, float, int]:
    """A price from a sample of the cells, how jumps move its spend, and the cells asked."""
    n = box.lower.size
    size = min(n, max(MIN_SAMPLE, n // SAMPLE_SHARE))
    cells = np.sort((np.arange(size) * GOLDEN % 1.0 * n).astype(np.intp))
    lower, upper = box.lower[cells], box.upper[cells]
    part = Box(lower, upper, float(lower.sum() + share * (upper - lower).sum()))
    search = _Search(curves.take(cells), part)
    slopes = search.curves.marginal(np.maximum(0.5 * part.upper, near_zero(part.upper)))
    search.settle(max(float(np.median(slopes)), 1e-290), SAMPLE_ENOUGH)
    price = search.tightest.price
    probes = _Search(search.curves, part)
    probes.ask(price * (1.0 - PROBE))
    probes.ask(price * (1.0 + PROBE))
    return price, probes.jumps, size * (len(search.points) + 3)
