"""Price-relaxation branch and bound: the proof of a split over curves of any shape.

Each node is a box of bounds with the price that bounds it. The cell whose envelope flatters most
is split at its own spend, the most promising node first. The tree that remains is the proof: its
leaves cover every split, and each leaf's price bounds what the splits in it can gain.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from optimizer.allocation.certificate import Branch, Leaf, Node
from optimizer.allocation.prices import Relaxation, price_search
from optimizer.allocation.problem import Box, FloatArray
from optimizer.curves import Curve

TARGET_GAP = 2e-7  # of the gain; leaves room for rounding within the 1e-6 promised
OFF_THE_ENDS = 1e-3  # of a cell's range: cuts keep this distance from its ends


class Objective(Protocol):
    """What is maximised: its value at a split, and a bound on it over a box."""

    def value(self, spend: FloatArray) -> float:
        """The level to maximise."""

    def relax(self, box: Box, parent: Relaxation | None, enough: float) -> Relaxation:
        """A bound over a box; need not be lower than ``enough``."""

    def improve(self, spend: FloatArray) -> FloatArray:
        """A split of the whole problem at least as good, from nearby."""


@dataclass(frozen=True, slots=True)
class SumOfCurves:
    """The plain sum of the cells' gains."""

    curves: Curve

    def value(self, spend: FloatArray) -> float:
        return float(self.curves.value(spend).sum())

    def relax(self, box: Box, parent: Relaxation | None, enough: float) -> Relaxation:  # noqa: ARG002
        return price_search(self.curves, box, parent.price if parent else None)

    def improve(self, spend: FloatArray) -> FloatArray:
        return spend


@dataclass(frozen=True, slots=True)
class Branched:
    """The best split found, the proved bound and the tree that proves it."""

    spend: FloatArray
    value: float
    bound: float
    tree: tuple[Node, ...]
    price: float  # of the whole problem's relaxation


@dataclass(frozen=True, slots=True, order=True)
class _Open:
    """A box still to be split; the one with the highest bound comes first."""

    order: tuple[float, int]
    place: int = field(compare=False)
    box: Box = field(compare=False)
    relaxation: Relaxation = field(compare=False)


class _Search:
    def __init__(self, objective: Objective, incumbent: FloatArray, tolerance: float) -> None:
        self.objective, self.tolerance = objective, tolerance
        self.spend, self.value = incumbent, objective.value(incumbent)
        self.tree: list[Node] = [Leaf(0.0)]
        self.heap: list[_Open] = []
        self.closed_bound = -np.inf
        self.price: float | None = None

    @property
    def enough(self) -> float:
        """A box bounded by this needs no split."""
        return self.value + self.tolerance

    @property
    def bound(self) -> float:
        """No split of any box gains more."""
        return max(self.closed_bound, -self.heap[0].order[0] if self.heap else -np.inf)

    def is_open(self, relaxation: Relaxation) -> bool:
        """Whether cutting the box could help: its bound, tabulation apart, is above enough."""
        return relaxation.bound - relaxation.slack > self.enough

    def offer(self, spend: FloatArray) -> None:
        """Keep a split if it is the best so far."""
        value = self.objective.value(spend)
        if value > self.value:
            self.value, self.spend = value, spend

    def visit(self, place: int, box: Box, parent: Relaxation | None) -> None:
        """Bound a box and file it at its place in the tree."""
        if box.is_empty:
            return
        box = box.tightened()
        found = self.objective.relax(box, parent, self.enough)
        self.price = found.price if self.price is None else self.price
        self.tree[place] = Leaf(found.price, found.direction)
        for candidate in _candidates(found, box.budget):
            self.offer(candidate)
        if self.is_open(found):
            self.offer(self.objective.improve(found.spend))
        if self.is_open(found):
            heapq.heappush(self.heap, _Open((-found.bound, place), place, box, found))
        else:
            self.closed_bound = max(self.closed_bound, found.bound)

    def split(self) -> None:
        """Split the most promising box, or close it if it can hold nothing better."""
        item = heapq.heappop(self.heap)
        cell, at = _cut(item.relaxation, item.box, self.spend)
        inside = item.box.lower[cell] < at < item.box.upper[cell]
        if not self.is_open(item.relaxation) or not inside:
            self.closed_bound = max(self.closed_bound, item.relaxation.bound)
            return
        below, above = len(self.tree), len(self.tree) + 1
        self.tree += [Leaf(0.0), Leaf(0.0)]
        self.tree[item.place] = Branch(cell, at, below, above)
        for place, part in zip((below, above), item.box.cut(cell, at), strict=True):
            self.visit(place, part, item.relaxation)


def _cut(relaxation: Relaxation, box: Box, best: FloatArray) -> tuple[int, float]:
    """The cell the envelope flatters most, split at its spend.

    Where no envelope flatters (with caution the draws' weights do), the cell that lies furthest
    from the best split known, half-way.
    """
    width = box.upper - box.lower
    if relaxation.shortfall.sum() > OFF_THE_ENDS * abs(relaxation.bound) * TARGET_GAP:
        cell = int(relaxation.shortfall.argmax())
        at = relaxation.spend[cell]
    else:
        distance = np.abs(relaxation.spend - np.clip(best, box.lower, box.upper))
        cell = int((distance + OFF_THE_ENDS * width).argmax())
        at = 0.5 * (relaxation.spend[cell] + np.clip(best[cell], box.lower[cell], box.upper[cell]))
    margin = OFF_THE_ENDS * width[cell]
    return cell, float(np.clip(at, box.lower[cell] + margin, box.upper[cell] - margin))


def _candidates(relaxation: Relaxation, budget: float) -> list[FloatArray]:
    """Splits that meet the budget: the mixture, and jumping cells filled one after another."""
    modest, eager = relaxation.modest_spend, relaxation.eager_spend
    left = budget - float(modest.sum())
    filled = modest.copy()
    for cell in np.argsort(modest - eager):
        step = float(np.clip(eager[cell] - modest[cell], 0.0, max(left, 0.0)))
        filled[cell] += step
        left -= step
    exact = abs(left) <= 1e-12 * budget
    return [relaxation.spend, filled] if exact else [relaxation.spend]


def branch_and_bound(
    objective: Objective,
    box: Box,
    *,
    incumbent: FloatArray,
    target_gap: float = TARGET_GAP,
    node_limit: int = 2000,
) -> Branched:
    """Maximise an objective over a box, with a proved bound.

    Parameters
    ----------
    objective : Objective
    box : Box
        Not empty.
    incumbent : ndarray of shape (n,), currency
        A feasible split; the answer is never worse.
    target_gap : float
        Search until bound - value is at most this share of the incumbent's size.
    node_limit : int
        Boxes bounded before giving up; the answer then carries the larger gap.
    """
    scale = max(abs(objective.value(incumbent)), 1e-300)
    search = _Search(objective, incumbent, target_gap * scale)
    search.visit(0, box, None)
    while search.heap and len(search.tree) < node_limit:
        search.split()
    price = search.price if search.price is not None else 0.0
    return Branched(search.spend, search.value, search.bound, tuple(search.tree), price)
