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

from optimizer.allocation.problem import AllocationProblem, FloatArray
from optimizer.curves import Curve


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
    bound = _proved_bound(problem, proof)
    bound += 4.0 * spend.size * float(np.finfo(float).eps) * (abs(gain) + abs(bound))
    bound -= problem.cost_per_spend * problem.total_budget
    gap = max(bound - value, 0.0) / gain if gain > 0.0 else 0.0
    residual = math.fsum(spend) - problem.total_budget
    return Certificate(value, max(bound, value), gap, residual, len(proof.tree))


def draw_weights(direction: FloatArray, caution: float) -> FloatArray:
    """w_s = (1 - k sqrt(N) q_s) / N for the nearest q with sum 0 and length at most 1."""
    centred = direction - direction.mean()
    q = centred / max(1.0, float(np.linalg.norm(centred)))
    return np.asarray((1.0 - caution * np.sqrt(q.size) * q) / q.size)


def _proved_bound(problem: AllocationProblem, proof: Proof) -> float:
    """Largest bound over the leaves; every leaf's box follows from the cuts above it."""
    weighted = _weighted_curves(problem, proof)
    worst = -np.inf
    stack = [(0, problem.box)]
    while stack:
        place, box = stack.pop()
        node = proof.tree[place]
        if box.is_empty:
            continue
        if isinstance(node, Branch):
            stack += zip((node.below, node.above), box.cut(node.cell, node.at), strict=True)
            continue
        box = box.tightened()
        curves, offset = weighted[node.direction]
        answer = curves.best_response(node.price, box.lower, box.upper)
        worst = max(worst, float(answer.upper.sum()) + node.price * box.budget + offset)
    return worst


def _weighted_curves(problem: AllocationProblem, proof: Proof) -> list[tuple[Curve, float]]:
    """Per direction, the curves whose maximum bounds the objective and a constant to add."""
    box, draws = problem.box, problem.draws
    if draws is None or not problem.is_cautious or not proof.directions:
        return [(problem.mean_gain.within(box.lower, box.upper), 0.0)]
    before = problem.gain_draws(problem.reference)
    weighted = [draw_weights(q, problem.caution) for q in proof.directions]
    return [(draws.weighted(w), float(before.mean() - w @ before)) for w in weighted]


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
