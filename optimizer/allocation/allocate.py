"""From an allocation problem to a split, a proof and their certificate.

Presolve checks that the bounds can hold the budget, then chooses the route: one price for
concave curves, branch and bound for the rest, the bundle over draws with caution. The split is
published in whole lots. Advice is given only where it beats the fallback, the feasible split
nearest to the current one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from optimizer.allocation.branch import branch_and_bound
from optimizer.allocation.certificate import Certificate, Proof, certify
from optimizer.allocation.problem import AllocationProblem, FloatArray, nearest_feasible
from optimizer.allocation.risk import cautious_split
from optimizer.allocation.rounding import rounded

WORTH_MOVING = 1e-9  # of the gain: a smaller advantage over the fallback is none


class Route(StrEnum):
    """How the split was found."""

    PRICE = "price search"
    BRANCH = "branch and bound"
    BUNDLE = "bundle over draws"


@dataclass(frozen=True, slots=True)
class Allocation:
    """A split with its proof."""

    spend: FloatArray  # (n,), currency, whole lots
    certificate: Certificate
    proof: Proof
    price: float  # gain from one more unit of budget, before the cost of spending it
    marginal_gain: FloatArray  # (n,), of each cell's next unit, before the cost of spending it
    route: Route
    is_fallback: bool  # no split beats the one nearest to the current
    rounding_loss: float  # currency of the objective, lost by whole lots


def allocate(problem: AllocationProblem) -> Allocation:
    """The best split of a budget, with a certificate.

    Raises
    ------
    InfeasibleError
        If no split within the bounds adds up to the budget.
    """
    problem.check_feasible()
    fallback = nearest_feasible(
        problem.reference, problem.lower, problem.upper, problem.total_budget
    )
    spend, proof, price, route = _solve(problem, fallback)
    best = problem.objective(spend)
    spend, is_fallback = _advice(problem, spend, fallback)
    published = rounded(problem, spend)
    certificate = certify(problem, published, proof)
    loss = max(best - certificate.value, 0.0) if not is_fallback else 0.0
    return Allocation(
        spend=published,
        certificate=certificate,
        proof=proof,
        price=price,
        marginal_gain=problem.marginal_gain(published),
        route=route,
        is_fallback=is_fallback,
        rounding_loss=loss,
    )


def _solve(
    problem: AllocationProblem, fallback: FloatArray
) -> tuple[FloatArray, Proof, float, Route]:
    cautious = problem.draws if problem.is_cautious else None
    neutral = branch_and_bound(
        problem.mean_gain,
        problem.total_budget,
        problem.lower,
        problem.upper,
        incumbent=fallback,
        node_limit=problem.node_limit if cautious is None else 64,
    )
    if cautious is not None:
        found = cautious_split(problem, cautious, (neutral.spend, fallback))
        return found.spend, found.proof, found.price, Route.BUNDLE
    route = Route.PRICE if len(neutral.tree) == 1 else Route.BRANCH
    return neutral.spend, Proof(neutral.tree), neutral.price, route


def _advice(
    problem: AllocationProblem, spend: FloatArray, fallback: FloatArray
) -> tuple[FloatArray, bool]:
    """The split found, or the fallback where it is as good."""
    value, kept = problem.objective(spend), problem.objective(fallback)
    gain = abs(float(problem.gain_draws(fallback).mean()))
    if value <= kept + WORTH_MOVING * gain:
        return fallback, True
    return spend, False
