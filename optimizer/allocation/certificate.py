"""The certificate: a proof of how good a split is, checked without any solver.

A proof is a tree of boxes with one price per leaf and, where draws enter the objective, one of
several directions q. From the curves, the split and the proof alone this module recomputes the
value, the budget's residual and the bound

.. math:: UB = \\max_{leaves} \\; \\sum_i \\max_{x \\in D_i} (F_i(x) - p x) + p B

which holds for ANY prices, any tree and any q with |q| <= 1: a wrong proof can only make the
bound worse. With caution k, F = sum_s w_s f^s with w_s = (1 - k sqrt(N) q_s) / N, because
E[D] - k sd[D] is the least of these re-weighted means. It covers optimisation error only: how
well the curves are known is a different, much larger matter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from optimizer.allocation.problem import AllocationProblem, Box, FloatArray
from optimizer.curves import Curve
from optimizer.errors import SolverError


@dataclass(frozen=True, slots=True)
class Leaf:
    """A box bounded at one price, with caution under one of the proof's directions."""

    price: float
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
    directions: tuple[FloatArray, ...] = ()  # of q, (N,) each; none without caution


@dataclass(frozen=True, slots=True)
class Certificate:
    """Value found, bound proved; levels of what was maximised, whole-plan currency."""

    value: float
    upper_bound: float
    gap: float  # (upper_bound - value) / the gain earned
    residual: float  # currency: spend - budget
    nodes: int

    @property
    def statement(self) -> str:
        """One sentence a planner can repeat."""
        return f"no feasible split earns more than {_percent(self.gap)} above this one"


def certify(problem: AllocationProblem, spend: FloatArray, proof: Proof) -> Certificate:
    """Check a split (n,), in currency, and a proof from any source against the curves.

    A wrong proof shows as a wide gap; one that bounds nothing raises SolverError.
    """
    value = problem.objective(spend)
    gain = float(problem.gain_draws(spend).mean())
    bound = _proved_bound(problem, proof)
    bound += 4.0 * spend.size * float(np.finfo(float).eps) * (abs(gain) + abs(bound))
    bound -= problem.cost_per_spend * problem.total_budget
    gap, residual = max(bound - value, 0.0), math.fsum(spend) - problem.total_budget
    gap = gap / gain if gain > 0.0 else 0.0
    return Certificate(value, max(bound, value), gap, residual, len(proof.tree))


def draw_weights(direction: FloatArray, caution: float) -> FloatArray:
    """w_s = (1 - k sqrt(N) q_s) / N for the nearest q with sum 0 and length at most 1."""
    centred = direction - direction.mean()
    q = centred / max(1.0, float(np.linalg.norm(centred)))
    return np.asarray((1.0 - caution * np.sqrt(q.size) * q) / q.size)


def _proved_bound(problem: AllocationProblem, proof: Proof) -> float:
    """Largest bound over the leaves, direction by direction."""
    bounds = []
    for direction, leaves in _leaves(problem.box, proof).items():
        curves, offset = _weighted_curves(problem, proof, direction)
        for box, price in leaves:
            with np.errstate(all="ignore"):  # a price that is no number is caught below
                answer = curves.best_response(price, box.lower, box.upper)
                bounds.append(float(answer.upper.sum()) + price * box.budget + offset)
    if not bounds or not np.all(np.isfinite(bounds)):
        raise SolverError("The proof does not bound the split. Report the scenario and its model.")
    return max(bounds)


def _leaves(box: Box, proof: Proof) -> dict[int, list[tuple[Box, float]]]:
    """Boxes and prices by direction; every leaf's box follows from the cuts above it."""
    found: dict[int, list[tuple[Box, float]]] = {}
    stack = [(0, box)]
    while stack:
        place, box = stack.pop()
        node = proof.tree[place]
        if isinstance(node, Branch):
            stack += zip((node.below, node.above), box.cut(node.cell, node.at), strict=True)
        elif not box.is_empty:
            found.setdefault(node.direction, []).append((box.tightened(), node.price))
    return found


def _weighted_curves(
    problem: AllocationProblem, proof: Proof, direction: int
) -> tuple[Curve, float]:
    """The curves whose maximum bounds the objective, and a constant to add."""
    draws = problem.draws
    if draws is None or not problem.is_cautious or not proof.directions:
        return problem.mean_gain.within(problem.lower, problem.upper), 0.0
    before = problem.gain_draws(problem.reference)
    weights = draw_weights(proof.directions[direction], problem.caution)
    return draws.weighted(weights), float(before.mean() - weights @ before)


def _percent(share: float) -> str:
    """A share as per cent, rounded up to one digit: a bound must not be flattered.

    Examples
    --------
    >>> _percent(1.149e-7), _percent(0.0123), _percent(0.0)
    ('0.00002 %', '2 %', '0 %')
    """
    percent = 100.0 * share
    if percent < 1e-12:
        return "0 %"
    unit = 10.0 ** math.floor(math.log10(percent))
    digits = max(0, -math.floor(math.log10(percent)))
    return f"{math.ceil(percent / unit * (1.0 - 1e-9)) * unit:.{digits}f} %"
