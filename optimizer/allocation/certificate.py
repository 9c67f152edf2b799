"""The certificate: a proof of how good a split is, checked without any solver.

A proof is a tree of boxes with prices per leaf and, where draws enter the objective, one of
several directions. From the curves, the split and the proof alone this module recomputes the
value, every row's residual and the bound of :mod:`optimizer.allocation.lagrangian`, which holds
for ANY prices, any tree and any direction: a wrong proof can only make the bound worse. Under a
measure of risk the gains are re-weighted means, because the measure is the least of them. It
covers optimisation error only: how well the curves are known is a different, much larger matter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from optimizer.allocation.lagrangian import under
from optimizer.allocation.problem import AllocationProblem, Box, FloatArray
from optimizer.errors import SolverError


@dataclass(frozen=True, slots=True)
class Leaf:
    """A box bounded at prices (the total's first), under one of the proof's directions."""

    price: float | FloatArray
    direction: int = 0


@dataclass(frozen=True, slots=True)
class Branch:
    """A box cut in two: the cell at most, or at least, a spend. Children by place in the tree."""

    cell: int
    at: float
    below: int
    above: int


Node = Leaf | Branch


@dataclass(frozen=True, slots=True)
class Proof:
    """What shows that no split does better."""

    tree: tuple[Node, ...]
    directions: tuple[FloatArray, ...] = ()  # (N,) each; none without a measure of risk


@dataclass(frozen=True, slots=True)
class Certificate:
    """Value found, bound proved; levels of what was maximised, whole-plan currency."""

    value: float
    upper_bound: float
    gap: float  # (upper_bound - value) / the gain earned; of the value for the least spend
    residual: float  # currency: spend beyond the total's range
    nodes: int
    shortfall: float = 0.0  # the most any row, target or count is missed by, as a share of it
    claim: str = "no feasible split earns more than {} above this one"

    @property
    def statement(self) -> str:
        """One sentence a planner can repeat."""
        return self.claim.format(percent(self.gap))


def certify(problem: AllocationProblem, spend: FloatArray, proof: Proof) -> Certificate:
    """Check a split (n,), in currency, and a proof from any source against the curves.

    A wrong proof shows as a wide gap; one that bounds nothing raises SolverError.
    """
    value, total = problem.objective(spend), math.fsum(spend)
    gain = float(problem.gain_draws(spend).mean())
    bound = proved_bound(problem, proof)
    bound += 4.0 * spend.size * float(np.finfo(float).eps) * (abs(gain) + abs(bound))
    bound, size = max(bound, value), gain if problem.counts_gain else total
    gap = (bound - value) / size if size > 0.0 else 0.0
    box = problem.box
    outside = max(box.least_total - total, total - box.budget, 0.0)
    residual = total - problem.total_budget if problem.least_total is None else outside
    return Certificate(
        value,
        bound,
        gap,
        residual,
        len(proof.tree),
        max(problem.shortfall(spend), 0.0),
    )


def proved_bound(problem: AllocationProblem, proof: Proof) -> float:
    """The largest bound over the leaves, direction by direction."""
    bounds = []
    for direction, leaves in _leaves(problem.box, proof).items():
        weighted = proof.directions[direction] if proof.directions else None
        lagrangian, offset = under(problem, weighted)
        for box, prices in leaves:
            flat = np.atleast_1d(prices)
            sound = bool(np.all(np.isfinite(flat)))
            with np.errstate(all="ignore"):  # a bound that is no number is caught below
                bounds.append(lagrangian.bound(box, flat) + offset if sound else np.nan)
    if not bounds or np.any(np.isnan(bounds)) or not np.isfinite(max(bounds)):
        raise SolverError("The proof does not bound the split. Report the scenario and its model.")
    return max(bounds)


def _leaves(box: Box, proof: Proof) -> dict[int, list[tuple[Box, float | FloatArray]]]:
    """Boxes and prices by direction; every leaf's box follows from the cuts above it."""
    found: dict[int, list[tuple[Box, float | FloatArray]]] = {}
    stack = [(0, box)]
    while stack:
        place, box = stack.pop()
        if box.is_empty:
            continue
        box, node = box.tightened(), proof.tree[place]
        if isinstance(node, Branch):
            stack += zip((node.below, node.above), box.cut(node.cell, node.at), strict=True)
        elif not box.is_empty:
            found.setdefault(node.direction, []).append((box, node.price))
    return found


def percent(share: float) -> str:
    """A share as per cent, rounded up to one digit: a bound must not be flattered.

    Examples
    --------
    >>> percent(1.149e-7), percent(0.0123), percent(0.0)
    ('0.00002 %', '2 %', '0 %')
    """
    percent = 100.0 * share
    if percent < 1e-12:
        return "0 %"
    unit = 10.0 ** math.floor(math.log10(percent))
    digits = max(0, -math.floor(math.log10(percent)))
    return f"{math.ceil(percent / unit * (1.0 - 1e-9)) * unit:.{digits}f} %"
