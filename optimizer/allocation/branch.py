"""Price-relaxation branch and bound: the proof of a split over curves of any shape.

Each node is a box of bounds with the price that bounds it. The cell whose envelope flatters most
is split at its own spend, the most promising node first. The tree that remains is the proof: its
leaves cover every split, and each leaf's price bounds what the splits in it can gain.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import numpy as np

from optimizer.allocation.certificate import Branch, Leaf, Node
from optimizer.allocation.prices import Relaxation, price_search
from optimizer.allocation.problem import FloatArray, is_empty, tightened
from optimizer.curves import Curve

TARGET_GAP = 2e-7  # of the gain; leaves room for rounding within the 1e-6 promised


@dataclass(frozen=True, slots=True)
class BranchResult:
    """The best split found, the proved bound and the tree that proves it."""

    spend: FloatArray
    value: float
    bound: float
    tree: tuple[Node, ...]

    @property
    def price(self) -> float:
        """The price of the first relaxation: what one more unit of budget is worth in it."""
        first = self.tree[0]
        return first.price


@dataclass(slots=True)
class _Search:
    curves: Curve
    budget: float
    target_gap: float
    spend: FloatArray
    value: float
    tree: list[Node] = field(default_factory=list)
    heap: list[tuple[float, int, FloatArray, FloatArray, Relaxation]] = field(default_factory=list)
    closed_bound: float = -np.inf

    def offer(self, spend: FloatArray) -> None:
        """Keep a split if it is the best so far."""
        value = float(self.curves.value(spend).sum())
        if value > self.value:
            self.value, self.spend = value, spend

    def tolerance(self) -> float:
        return self.target_gap * abs(self.value)

    def open(self, place: int, lower: FloatArray, upper: FloatArray, start: float | None) -> None:
        """Bound the box and file it at its place in the tree."""
        if is_empty(lower, upper, self.budget):
            self.tree[place] = Leaf(0.0)
            return
        low, high = tightened(lower, upper, self.budget)
        high = np.maximum(high, low)
        relaxation = price_search(self.curves, self.budget, low, high, start)
        self.tree[place] = Leaf(relaxation.price)
        for candidate in _candidates(relaxation, self.budget):
            self.offer(candidate)
        if relaxation.bound <= self.value + self.tolerance():
            self.closed_bound = max(self.closed_bound, relaxation.bound)
        else:
            heapq.heappush(self.heap, (-relaxation.bound, place, low, high, relaxation))

    def split(self) -> bool:
        """Split the most promising box; False where none is left that could hold better."""
        _, place, lower, upper, relaxation = heapq.heappop(self.heap)
        if relaxation.bound <= self.value + self.tolerance():
            self.closed_bound = max(self.closed_bound, relaxation.bound)
            return bool(self.heap)
        cell, at = _branching(relaxation, lower, upper)
        if not lower[cell] < at < upper[cell]:
            self.closed_bound = max(self.closed_bound, relaxation.bound)
            return bool(self.heap)
        below, above = len(self.tree), len(self.tree) + 1
        self.tree.extend([Leaf(0.0), Leaf(0.0)])
        self.tree[place] = Branch(cell, at, below, above, relaxation.price)
        left, right = upper.copy(), lower.copy()
        left[cell], right[cell] = at, at
        self.open(below, lower, left, relaxation.price)
        self.open(above, right, upper, relaxation.price)
        return bool(self.heap)

    def bound(self) -> float:
        still_open = -self.heap[0][0] if self.heap else -np.inf
        return max(self.closed_bound, still_open)


def _branching(
    relaxation: Relaxation, lower: FloatArray, upper: FloatArray
) -> tuple[int, float]:
    """The cell the envelope flatters most, and where to split it: at its spend, off the ends."""
    cell = int(relaxation.shortfall.argmax())
    margin = 1e-3 * (upper[cell] - lower[cell])
    at = float(np.clip(relaxation.spend[cell], lower[cell] + margin, upper[cell] - margin))
    return cell, at


def _candidates(relaxation: Relaxation, budget: float) -> list[FloatArray]:
    """Splits that meet the budget: the mixture, and jumping cells filled one after another."""
    modest, eager = relaxation.cautious_spend, relaxation.eager_spend
    left = budget - float(modest.sum())
    filled = modest.copy()
    for cell in np.argsort(modest - eager):
        step = float(np.clip(eager[cell] - modest[cell], 0.0, left))
        filled[cell] += step
        left -= step
    return [relaxation.spend, filled] if left <= 1e-12 * budget else [relaxation.spend]


def branch_and_bound(
    curves: Curve,
    budget: float,
    lower: FloatArray,
    upper: FloatArray,
    *,
    incumbent: FloatArray,
    target_gap: float = TARGET_GAP,
    node_limit: int = 2000,
    start: float | None = None,
) -> BranchResult:
    """Maximise sum f(x) over sum x = budget, lower <= x <= upper, with a proved bound.

    Parameters
    ----------
    curves : Curve of n cells
    budget : float, currency
    lower, upper : ndarray of shape (n,), currency
    incumbent : ndarray of shape (n,), currency
        A feasible split; the answer is never worse.
    target_gap : float
        Search until bound - value is at most this share of the value.
    node_limit : int
        Boxes bounded before giving up; the answer then carries the larger gap.
    start : float, optional
        A price to start from.
    """
    curves = curves.within(lower, upper)
    value = float(curves.value(incumbent).sum())
    search = _Search(curves, budget, target_gap, incumbent, value, tree=[Leaf(0.0)])
    search.open(0, lower, upper, start)
    while search.heap and len(search.tree) < node_limit and search.split():
        pass
    return BranchResult(search.spend, search.value, search.bound(), tuple(search.tree))
