"""Price search: one price on the budget row prices every cell's spend.

At a price p each cell takes its best response, and G(p) = sum of their values + p B bounds every
split's gain from above. G is convex; its minimum is the best bound. The search keeps a bracket
[below, above] with total spend at least B at the lower price and at most B at the higher one,
and steps by Newton on total spend, by the crossing of the two supporting lines (exact at a jump)
or by halving.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from optimizer.allocation.problem import Box, FloatArray, near_zero
from optimizer.curves import BestResponse, Curve

MAX_STEPS = 200
DUAL_TOLERANCE = 1e-12  # of the gain: when the bound cannot fall by more, the search ends


@dataclass(frozen=True, slots=True)
class Relaxation:
    """The best bound found, its price, and a split that meets the budget exactly."""

    price: float
    bound: float  # no split within bounds and budget gains more
    spend: FloatArray  # (n,), between the two best responses at the price
    modest_spend: FloatArray  # (n,), the one of the two that stays within the budget
    eager_spend: FloatArray  # (n,), the other
    best_value: FloatArray  # (n,), each cell's largest f(x) - price x
    shortfall: FloatArray  # (n,), distance from the curve up to its envelope at the split
    slack: float  # of the bound that comes from tabulation: no cut can take it away
    support: FloatArray  # (m, n), with caution: splits whose mixture the bound speaks of
    prices: FloatArray  # flat: on the total, rows, targets, counts and moves, cost apart
    direction: int = 0  # with caution: which direction over the draws the bound belongs to


@dataclass(frozen=True, slots=True)
class _Point:
    """All cells' answers to one price."""

    price: float
    spend: FloatArray
    value: FloatArray
    total: float
    dual: float  # G(p) from the values found
    bound: float  # G(p) from the proved ceilings


class _PriceSearch:
    def __init__(self, curves: Curve, box: Box) -> None:
        self.curves, self.box = curves, box
        self.lower, self.upper = box.lower, box.upper
        floor = float(box.floor.sum())  # no price makes cells miss their bounds by a rounding
        self.budget = min(max(box.budget, floor), max(float(box.upper.sum()), floor))
        self.best: _Point | None = None

    def ask(self, price: float) -> _Point:
        """Answer of all cells to a price; remembers the lowest bound."""
        answer = respond(self.curves, price, self.box)
        charge = price * self.budget
        point = _Point(
            price,
            answer.spend,
            answer.value,
            float(answer.spend.sum()),
            float(answer.value.sum()) + charge,
            float(answer.upper.sum()) + charge,
        )
        if self.best is None or point.bound < self.best.bound:
            self.best = point
        return point

    def bracket(self, start: float | None) -> tuple[_Point, _Point]:
        """Two prices whose total spends lie on either side of the budget."""
        price, step = self._first_price(start)
        first = self.ask(price)
        upwards = first.total > self.budget
        inner = first
        while True:
            price += step if upwards else -step
            step *= 6.0
            outer = self.ask(price)
            if (outer.total <= self.budget) if upwards else (outer.total >= self.budget):
                return (inner, outer) if upwards else (outer, inner)
            if step > 1e250:
                return outer, outer
            inner = outer

    def _first_price(self, start: float | None) -> tuple[float, float]:
        if start is not None:
            return start, max(1e-4 * abs(start), 1e-290)
        share = np.clip(self.budget / max(float(self.upper.sum()), 1e-300), 0.0, 1.0)
        at = self.lower + share * (self.upper - self.lower)
        slopes = self.curves.marginal(np.maximum(at, near_zero(self.upper)))
        slopes = slopes[(self.upper > self.lower) & np.isfinite(slopes)]
        if slopes.size == 0:
            return 0.0, 1.0
        price = float(np.median(slopes))
        return price, max(0.3 * abs(price), 1e-12 * float(np.abs(slopes).max()), 1e-290)

    def newton(self, point: _Point) -> float:
        """The price at which total spend, taken as linear, meets the budget."""
        inside = (point.spend > self.lower) & (point.spend < self.upper)
        if not inside.any():
            return np.nan
        bend = self.curves.second_derivative(point.spend)[inside]
        bend = bend[bend < 0.0]
        give = float((1.0 / bend).sum()) if bend.size else 0.0
        return point.price + (self.budget - point.total) / give if give < 0.0 else np.nan

    def narrow(self, below: _Point, above: _Point) -> tuple[_Point, _Point]:
        """Shrink the bracket until the bound cannot fall noticeably further."""
        for step in range(MAX_STEPS):
            crossing, floor = _crossing(below, above, self.budget)
            assert self.best is not None
            scale = abs(self.best.dual - self.best.price * self.budget) + abs(self.best.dual)
            if self.best.dual - floor <= DUAL_TOLERANCE * scale:
                break
            price = self._next_price(step, below, above, crossing)
            if not below.price < price < above.price:
                break
            point = self.ask(price)
            below, above = (point, above) if point.total >= self.budget else (below, point)
        return below, above

    def _next_price(self, step: int, below: _Point, above: _Point, crossing: float) -> float:
        near = min(below, above, key=lambda point: abs(point.total - self.budget))
        tries = [self.newton(near), crossing] if step % 2 == 0 else [crossing]
        if step % 5 == 4:
            tries = []
        inside = (price for price in tries if below.price < price < above.price)
        return next(inside, 0.5 * (below.price + above.price))


def _crossing(below: _Point, above: _Point, budget: float) -> tuple[float, float]:
    """Where the two supporting lines of G meet: a price, and a floor under G."""
    rise_below, rise_above = budget - below.total, budget - above.total
    if rise_above <= rise_below:
        return 0.5 * (below.price + above.price), min(below.dual, above.dual)
    span = above.price - below.price
    price = below.price + (below.dual - above.dual + rise_above * span) / (rise_above - rise_below)
    price = min(max(price, below.price), above.price)
    return price, below.dual + rise_below * (price - below.price)


def price_search(curves: Curve, box: Box, start: float | None = None) -> Relaxation:
    """Lowest dual bound of max sum f(x) over a box.

    Parameters
    ----------
    curves : Curve of n cells
    box : Box
        Not empty.
    start : float, optional
        A price to start from, of a similar problem.

    Returns
    -------
    Relaxation
        For concave curves its split is optimal; for others it is optimal for the concave
        envelopes, and ``shortfall`` says which cells the envelope flatters.
    """
    search = _PriceSearch(curves, box)
    below, above = search.narrow(*search.bracket(start))
    assert search.best is not None
    gap = below.total - above.total
    share = (box.budget - above.total) / gap if gap > 0.0 else 0.0
    spend = above.spend + np.clip(share, 0.0, 1.0) * (below.spend - above.spend)
    best = search.best
    shortfall = best.value - (curves.value(spend) - best.price * spend)
    return Relaxation(
        price=best.price,
        bound=best.bound,
        spend=spend,
        modest_spend=above.spend,
        eager_spend=below.spend,
        best_value=best.value,
        shortfall=np.maximum(shortfall, 0.0),
        slack=best.bound - best.dual,
        support=np.stack([above.spend, below.spend]),
        prices=np.array([best.price]),
    )


def respond(curves: Curve, price: float, box: Box) -> BestResponse:
    """Every cell's best answer to a price within its domain."""
    answer = curves.best_response(price, box.lower, box.upper)
    if not box.optional.any():
        return answer
    off = box.optional & (answer.value < 0.0)
    return BestResponse(
        np.where(off, 0.0, answer.spend),
        np.where(off, 0.0, answer.value),
        np.where(box.optional, np.maximum(answer.upper, 0.0), answer.upper),
    )


def total_search(curves: Curve, box: Box, cost: float, start: float | None = None) -> Relaxation:
    """Lowest dual bound of max sum f(x) - cost x over a box whose total may vary.

    Where the cells left to the cost alone spend within the range, the total has no price;
    otherwise the end of the range they run into is the budget.
    """
    if box.least_total >= box.budget:
        return _at_total(curves, box, cost, box.budget, start)
    free = respond(curves, cost, box)
    wanted = float(free.spend.sum())
    if box.least_total <= wanted <= box.budget:
        return _unpriced(cost, free)
    total = box.least_total if wanted < box.least_total else box.budget
    found = _at_total(curves, box, cost, total, start)
    is_charged = bool(found.prices[0] > 0.0)
    if is_charged == (total == box.budget):
        return found
    bound = float(free.upper.sum())  # a rounding away from the range: no price is as good
    return replace(found, price=cost, prices=np.zeros(1), bound=bound)


def _at_total(
    curves: Curve, box: Box, cost: float, total: float, start: float | None
) -> Relaxation:
    """Lowest dual bound where the total is fixed, its price net of the cost."""
    found = price_search(curves, replace(box, budget=total, least=None), start)
    return replace(found, bound=found.bound - cost * total, prices=np.array([found.price - cost]))


def _unpriced(cost: float, answer: BestResponse) -> Relaxation:
    """What every cell does at the cost alone: the best there is."""
    none = np.zeros_like(answer.spend)
    bound = float(answer.upper.sum())
    return Relaxation(
        price=cost,
        bound=bound,
        spend=answer.spend,
        modest_spend=answer.spend,
        eager_spend=answer.spend,
        best_value=answer.value,
        shortfall=none,
        slack=bound - float(answer.value.sum()),
        support=np.stack([answer.spend, answer.spend]),
        prices=np.zeros(1),
    )
