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
from optimizer.allocation.prices import Relaxation, total_search
from optimizer.allocation.problem import ROUNDING, Box, FloatArray
from optimizer.curves import Curve

TARGET_GAP = 2e-7  # of the gain; leaves room for rounding within the 1e-6 promised
OFF_THE_ENDS = 1e-3  # of a cell's range: cuts keep this distance from its ends


class Objective(Protocol):
    """What is maximised: its value at a split, and a bound on it over a box."""

    def value(self, spend: FloatArray) -> float:
        """The level to maximise; -inf where the split is not feasible."""

    def relax(self, box: Box, parent: Relaxation | None, enough: float) -> Relaxation:
        """A bound over a box; need not be lower than ``enough``."""

    def candidates(self, found: Relaxation, box: Box) -> list[FloatArray]:
        """Splits that a relaxation suggests at once."""

    def improve(self, found: Relaxation, box: Box) -> list[FloatArray]:
        """Splits of the whole problem worked out from a relaxation, where its box stays open."""


@dataclass(frozen=True, slots=True)
class SumOfCurves:
    """The plain sum of the cells' gains less the cost of spending, one total apart uncoupled."""

    curves: Curve
    cost: float = 0.0
    first_price: float | None = None  # of a similar problem

    def value(self, spend: FloatArray) -> float:
        return float(self.curves.value(spend).sum()) - self.cost * float(spend.sum())

    def relax(self, box: Box, parent: Relaxation | None, enough: float) -> Relaxation:  # noqa: ARG002
        start = parent.price if parent else self.first_price
        return total_search(self.curves, box, self.cost, start)

    def candidates(self, found: Relaxation, box: Box) -> list[FloatArray]:
        return filled(found, box)

    def improve(self, found: Relaxation, box: Box) -> list[FloatArray]:  # noqa: ARG002
        return []


@dataclass(frozen=True, slots=True)
class Branched:
    """The best split found, the proved bound and the tree that proves it."""

    spend: FloatArray
    value: float
    bound: float
    tree: tuple[Node, ...]
    prices: FloatArray  # of the whole problem's relaxation


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
        self.prices: FloatArray | None = None

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
        if box.is_empty:
            return
        found = self.objective.relax(box, parent, self.enough)
        self.prices = found.prices if self.prices is None else self.prices
        self.tree[place] = Leaf(found.prices, found.direction)
        for candidate in self.objective.candidates(found, box):
            self.offer(candidate)
        if self.is_open(found):
            for candidate in self.objective.improve(found, box):
                self.offer(candidate)
        if self.is_open(found):
            heapq.heappush(self.heap, _Open((-found.bound, place), place, box, found))
        else:
            self.closed_bound = max(self.closed_bound, found.bound)

    def split(self) -> None:
        """Split the most promising box, or close it if it can hold nothing better."""
        item = heapq.heappop(self.heap)
        cell, at = _cut(item.relaxation, item.box, self.spend)
        inside = item.box.floor[cell] < at < item.box.upper[cell]
        if not self.is_open(item.relaxation) or not inside:
            self.closed_bound = max(self.closed_bound, item.relaxation.bound)
            return
        below, above = len(self.tree), len(self.tree) + 1
        self.tree += [Leaf(0.0), Leaf(0.0)]
        self.tree[item.place] = Branch(cell, at, below, above)
        for place, part in zip((below, above), item.box.cut(cell, at), strict=True):
            self.visit(place, part, item.relaxation)


def _cut(relaxation: Relaxation, box: Box, best: FloatArray) -> tuple[int, float]:
    """The cell the envelope flatters most, split at its spend; an optional one, at on or off.

    Cells between off and their least come first. Where no envelope flatters (with caution the
    draws' weights do), the cell that lies furthest from the best split known, half-way.
    """
    width = box.upper - box.floor
    can_cut = width > ROUNDING * box.upper
    undecided = np.where(
        box.optional, np.minimum(relaxation.spend, box.lower - relaxation.spend), 0
    )
    if np.any(undecided > OFF_THE_ENDS * box.lower):
        cell = int(undecided.argmax())
        return cell, 0.5 * float(box.lower[cell])
    shortfall = np.where(can_cut, relaxation.shortfall, 0.0)
    if shortfall.sum() > OFF_THE_ENDS * abs(relaxation.bound) * TARGET_GAP:
        cell = int(shortfall.argmax())
        at = relaxation.spend[cell]
    else:
        distance = np.abs(relaxation.spend - np.clip(best, box.lower, box.upper))
        cell = int(np.where(can_cut, distance + OFF_THE_ENDS * width, -1.0).argmax())
        at = 0.5 * (relaxation.spend[cell] + np.clip(best[cell], box.lower[cell], box.upper[cell]))
    if np.any(box.optional[cell : cell + 1]) and box.lower[cell] > 0.0:
        return cell, 0.5 * float(box.lower[cell])
    margin = OFF_THE_ENDS * width[cell]
    return cell, float(np.clip(at, box.lower[cell] + margin, box.upper[cell] - margin))


def filled(relaxation: Relaxation, box: Box) -> list[FloatArray]:
    """Splits that meet the budget: the mixture, and jumping cells filled one after another."""
    modest, eager = relaxation.modest_spend, relaxation.eager_spend
    left = min(max(float(relaxation.spend.sum()), box.least_total), box.budget)
    left -= float(modest.sum())
    spend = modest.copy()
    jumping = np.flatnonzero(eager != modest)
    for cell in jumping[np.argsort(modest[jumping] - eager[jumping])]:
        step = float(np.clip(eager[cell] - modest[cell], 0.0, max(left, 0.0)))
        spend[cell] += step
        left -= step
    exact = abs(left) <= 1e-12 * box.budget
    tries = [relaxation.spend, spend] if exact else [relaxation.spend]
    hole = box.optional & (box.lower > 0.0)
    return [x for x in tries if not np.any(hole & (x > 0.0) & (x < box.lower))]


def branch_and_bound(  # noqa: PLR0913
    objective: Objective,
    box: Box,
    *,
    incumbent: FloatArray,
    scale: float | None = None,
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
        A split; the answer is never worse.
    scale : float, optional, currency
        The size of the objective; the incumbent's where it is feasible.
    target_gap : float
        Search until bound - value is at most this share of the incumbent's size.
    node_limit : int
        Boxes bounded before giving up; the answer then carries the larger gap.
    """
    scale = max(abs(objective.value(incumbent)) if scale is None else scale, 1e-300)
    search = _Search(objective, incumbent, target_gap * scale)
    search.visit(0, box, None)
    while search.heap and len(search.tree) < node_limit:
        search.split()
    prices = search.prices if search.prices is not None else np.zeros(1)
    return Branched(search.spend, search.value, search.bound, tuple(search.tree), prices)
