"""The certificate: a proof of how good a split is, checked without any solver.

A proof is a tree of boxes with one price per leaf and, where draws enter the objective, a
direction q. From the curves, the split and the proof alone this module recomputes the value, the
budget's residual and the bound

.. math:: UB = \\max_{leaves} \\; \\sum_i \\max_{x \\in D_i} (F_i(x) - p x) + p B

which holds for ANY prices, any tree and any q with |q| <= 1: a wrong proof can only make the
bound worse. With caution k, F = sum_s w_s f^s with w_s = (1 - k sqrt(N) q_s) / N, because
E[D] - k sd[D] is the least of these re-weighted means. It covers optimisation error only: how
well the curves are known is a different, much larger matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimizer.allocation.problem import AllocationProblem, FloatArray, is_empty, tightened
from optimizer.curves import Curve


@dataclass(frozen=True, slots=True)
class Leaf:
    """A box bounded at one price."""

    price: float


@dataclass(frozen=True, slots=True)
class Branch:
    """A box cut in two: the cell at most, or at least, a spend. Children by place in the tree."""

    cell: int
    at: float
    below: int
    above: int
    price: float  # of the box before the cut; not part of the proof


Node = Leaf | Branch


@dataclass(frozen=True, slots=True)
class Proof:
    """What shows that no split does better."""

    tree: tuple[Node, ...]
    direction: FloatArray | None = None  # q, (N,); None without caution


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
        percent = f"{100.0 * self.gap:.1g}" if self.gap > 0.0 else "0"
        if "e" in percent:
            percent = f"{100.0 * self.gap:.12f}".rstrip("0")[:15]
        return f"no feasible split earns more than {percent} % above this one"


def certify(problem: AllocationProblem, spend: FloatArray, proof: Proof) -> Certificate:
    """Check a split and its proof against the curves.

    Parameters
    ----------
    problem : AllocationProblem
    spend : ndarray of shape (n,), currency
        The split to certify.
    proof : Proof
        From any source.

    Returns
    -------
    Certificate
    """
    value = problem.objective(spend)
    gain = float(problem.gain_draws(spend).mean())
    curves, offset = _certified_curves(problem, proof.direction)
    bound = tree_bound(curves, problem, proof.tree) + offset
    bound += spend.size * float(np.finfo(float).eps) * (abs(gain) + abs(bound) + abs(offset))
    bound -= problem.cost_per_spend * problem.total_budget
    gap = max(bound - value, 0.0) / gain if gain > 0.0 else 0.0
    residual = float(spend.sum()) - problem.total_budget
    return Certificate(value, max(bound, value), gap, residual, len(proof.tree))


def _certified_curves(
    problem: AllocationProblem, direction: FloatArray | None
) -> tuple[Curve, float]:
    """The curves whose maximum bounds the objective, and the constant to add to it."""
    draws = problem.draws
    if draws is None or direction is None or not problem.is_cautious:
        return problem.mean_gain, 0.0
    weights = draw_weights(direction, problem.caution)
    before = problem.gain_draws(problem.reference)
    return draws.weighted(weights), float(before.mean() - weights @ before)


def draw_weights(direction: FloatArray, caution: float) -> FloatArray:
    """w_s = (1 - k sqrt(N) q_s) / N for the nearest q with sum 0 and length at most 1."""
    centred = direction - direction.mean()
    q = centred / max(1.0, float(np.linalg.norm(centred)))
    return (1.0 - caution * np.sqrt(q.size) * q) / q.size


def tree_bound(curves: Curve, problem: AllocationProblem, tree: tuple[Node, ...]) -> float:
    """Largest bound over the leaves; every leaf's box follows from the cuts above it."""
    curves = curves.within(problem.lower, problem.upper)
    budget, worst = problem.total_budget, -np.inf
    stack = [(0, problem.lower, problem.upper)]
    while stack:
        place, lower, upper = stack.pop()
        node = tree[place]
        if is_empty(lower, upper, budget):
            continue
        lower, upper = tightened(lower, upper, budget)
        upper = np.maximum(upper, lower)
        if isinstance(node, Leaf):
            answer = curves.best_response(node.price, lower, upper)
            worst = max(worst, float(answer.upper.sum()) + node.price * budget)
            continue
        left, right = upper.copy(), lower.copy()
        left[node.cell] = min(node.at, upper[node.cell])
        right[node.cell] = max(node.at, lower[node.cell])
        stack += [(node.below, lower, left), (node.above, right, upper)]
    return worst
