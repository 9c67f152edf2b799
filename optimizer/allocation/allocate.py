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

from optimizer.allocation.branch import Branched, SumOfCurves, branch_and_bound
from optimizer.allocation.certificate import Certificate, Proof, certify
from optimizer.allocation.problem import AllocationProblem, FloatArray
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
    price: float | None  # gain of one more unit of budget before its cost; None: no room for it
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
    fallback = problem.box.nearest(problem.reference)
    found, proof, route = _solve(problem, fallback)
    published, kept = rounded(problem, found.spend), rounded(problem, fallback)
    is_fallback = not _is_better(problem, published, kept)
    published = kept if is_fallback else published
    certificate = certify(problem, published, proof)
    marginal = problem.marginal_gain(published)
    return Allocation(
        spend=published,
        certificate=certificate,
        proof=proof,
        price=_price(problem, published, marginal, found.price if is_fallback else None),
        marginal_gain=marginal,
        route=route,
        is_fallback=is_fallback,
        rounding_loss=max(problem.objective(found.spend) - certificate.value, 0.0),
    )


def _is_better(problem: AllocationProblem, spend: FloatArray, kept: FloatArray) -> bool:
    """Whether a split gains noticeably more than the fallback."""
    gain = abs(float(problem.gain_draws(kept).mean()))
    return problem.objective(spend) > problem.objective(kept) + WORTH_MOVING * gain


def _price(
    problem: AllocationProblem, spend: FloatArray, marginal: FloatArray, at_kink: float | None
) -> float | None:
    """What one more unit of budget gains: the marginal that cells off their bounds share.

    Where none is off its bounds, the best marginal among those with room; None where all are
    full. A cautious plan that keeps the current split sits in a kink, where marginals differ and
    only the proof's price holds.
    """
    has_room = spend < problem.upper - problem.lot
    inside = has_room & (spend > problem.lower + problem.lot)
    if not has_room.any():
        return None
    if at_kink is not None and problem.is_cautious and inside.any():
        return at_kink
    return float(np.median(marginal[inside])) if inside.any() else float(marginal[has_room].max())


def _solve(problem: AllocationProblem, fallback: FloatArray) -> tuple[Branched, Proof, Route]:
    box, draws = problem.box, problem.draws
    if problem.is_cautious and draws is not None:
        return *cautious_split(problem, draws, fallback), Route.BUNDLE
    mean = SumOfCurves(problem.mean_gain.within(box.lower, box.upper))
    found = branch_and_bound(mean, box, incumbent=fallback, node_limit=problem.node_limit)
    route = Route.PRICE if len(found.tree) == 1 else Route.BRANCH
    return found, Proof(found.tree), route
