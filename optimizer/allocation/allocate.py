"""From an allocation problem to a split, a proof and their certificate.

Presolve chooses the route: one price where nothing but the total couples concave cells, branch
and bound for curves of other shapes, the interior point or columns where rows couple them, the
bundle over draws with a measure of risk. The split is published in whole lots. Advice is given
only where it beats the fallback, the feasible split nearest to the current one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from optimizer.allocation.branch import TARGET_GAP, Branched, SumOfCurves, branch_and_bound
from optimizer.allocation.certificate import Certificate, Leaf, Proof, certify
from optimizer.allocation.conflicts import check, explain
from optimizer.allocation.coupled import Coupled, is_feasible, size_of
from optimizer.allocation.fast import one_price
from optimizer.allocation.lots import in_lots
from optimizer.allocation.nearest import nearest_split
from optimizer.allocation.problem import AllocationProblem, FloatArray
from optimizer.allocation.risk import risky_split
from optimizer.allocation.rounding import rounded
from optimizer.curves import Curve
from optimizer.errors import ProblemError

MANY_CELLS = 20_000  # from here on one price is searched over samples and blocks
RATIO_STEPS = 30
RATIO_MEETS = 1e-9  # of the ratio: a smaller rise ends the search
WORTH_MOVING = 1e-9  # of the gain: a smaller advantage over the fallback is none


class Route(StrEnum):
    """How the split was found."""

    PRICE = "price search"
    BRANCH = "branch and bound"
    BUNDLE = "bundle over draws"
    INTERIOR = "interior point"
    COLUMNS = "columns, branch and bound"


@dataclass(frozen=True, slots=True)
class Allocation:
    """A split with its proof."""

    spend: FloatArray  # (n,), currency, whole lots
    certificate: Certificate
    proof: Proof
    price: float | None  # gain of one more unit of budget before its cost; None: no room for it
    prices: FloatArray  # flat: on total (cost apart), rows, targets, counts, increases, decreases
    marginal_gain: FloatArray  # (n,), of each cell's next unit, before the cost of spending it
    route: Route
    is_fallback: bool  # no split beats the one nearest to the current
    rounding_loss: float  # currency of the objective, lost by whole lots


def allocate(problem: AllocationProblem, start: Allocation | None = None) -> Allocation:
    """The best split of a budget, with a certificate.

    Parameters
    ----------
    problem : AllocationProblem
    start : Allocation, optional
        Of a similar problem: where the search starts.

    Raises
    ------
    InfeasibleError
        If no split satisfies every constraint.
    """
    if problem.is_ratio:
        return _best_ratio(problem, start)
    check(problem)
    fallback = problem.box.nearest(problem.reference)
    found, proof, route = _solve(problem, fallback, start)
    published, kept = _published(problem, found.spend), _published(problem, fallback)
    if published is None and kept is None:
        nearest = nearest_split(problem)
        if nearest is None:
            raise explain(problem)
        fallback = nearest
        found, proof, route = _solve(problem, fallback, None)
        published, kept = _published(problem, found.spend), _published(problem, fallback)
    if published is None and kept is None:
        raise explain(problem)
    is_fallback = published is None or (
        kept is not None and not _is_better(problem, published, kept)
    )
    chosen = kept if is_fallback else published
    assert chosen is not None
    certificate = certify(problem, chosen, proof)
    loss = max(problem.objective(found.spend) - certificate.value, 0.0)
    marginal = problem.marginal_gain(chosen)
    return Allocation(
        spend=chosen,
        certificate=certificate if problem.counts_gain else _of_spend(certificate),
        proof=proof,
        price=_price(problem, chosen, marginal, found, is_fallback=is_fallback),
        prices=found.prices,
        marginal_gain=marginal,
        route=route,
        is_fallback=is_fallback,
        rounding_loss=loss,
    )


def _of_spend(certificate: Certificate) -> Certificate:
    """The certificate of a least spend: what is spent, and the proved least."""
    return replace(
        certificate,
        value=-certificate.value,
        upper_bound=-certificate.upper_bound,
        claim="no feasible split reaches the target with more than {} less spend",
    )


def _best_ratio(problem: AllocationProblem, start: Allocation | None) -> Allocation:
    """The largest gain per spend, less one, by Dinkelbach's method.

    For a ratio r, F(r) = max gain - r spend. Where it is below nothing, r is out of reach, and
    the split found lowers it; from then on splits raise r until F(r) is nothing. As F falls by
    at least the least total for every unit of r, its bound is one on the ratio. Where the total is
    fixed, no r changes which split is best, and that of r = 0 is the answer.
    """
    if problem.least_total is not None and problem.least_total <= 0.0:
        raise ProblemError("A ratio needs a least total above 0, or nothing at all is best.")
    plain = replace(problem, is_ratio=False)
    best, found = None, start
    is_fixed = plain.box.least_total >= plain.box.budget
    asked = 0.0 if is_fixed else max(_ratio(plain, plain.box.nearest(plain.reference)), 0.0)
    for _ in range(RATIO_STEPS):
        found = allocate(replace(plain, cost_per_spend=asked), found)
        if best is None or _ratio(plain, found.spend) > _ratio(plain, best.spend):
            best = found
        now = max(_ratio(plain, best.spend), 0.0)
        if is_fixed or abs(now - asked) <= RATIO_MEETS * now:
            break
        asked, found = now, best
    assert best is not None
    assert found is not None
    return replace(best, proof=found.proof, certificate=_of_ratio(plain, best, found, asked))


def _ratio(problem: AllocationProblem, spend: FloatArray) -> float:
    """What a split gains per unit of spend."""
    return problem.worth(problem.gain_draws(spend)) / max(float(spend.sum()), 1e-300)


def _of_ratio(
    problem: AllocationProblem, best: Allocation, found: Allocation, asked: float
) -> Certificate:
    """The certificate of a ratio less one, from what was found of gain - asked x spend."""
    total, gain = float(best.spend.sum()), float(problem.gain_draws(best.spend).mean())
    value, over = _ratio(problem, best.spend), found.certificate.upper_bound
    spent = problem.box.least_total if over > 0.0 else problem.box.budget
    bound = max(asked + over / max(spent, 1e-300), value)
    return replace(
        found.certificate,
        value=value - 1.0,
        upper_bound=bound - 1.0,
        gap=(bound - value) * total / gain if gain > 0.0 else 0.0,
        residual=best.certificate.residual,
        claim="no feasible split has a ROMI so much higher that it earns {} more",
    )


def _published(problem: AllocationProblem, spend: FloatArray) -> FloatArray | None:
    """The split in whole lots; None where it breaks what the problem asks."""
    if problem.is_single and problem.least_total is None and problem.optional is None:
        return rounded(problem, spend)
    return in_lots(problem, spend) if is_feasible(problem, spend) else None


def _is_better(problem: AllocationProblem, spend: FloatArray, kept: FloatArray) -> bool:
    """Whether a split gains noticeably more than the fallback."""
    gain = abs(float(problem.gain_draws(kept).mean()))
    return problem.objective(spend) > problem.objective(kept) + WORTH_MOVING * gain


def _price(
    problem: AllocationProblem,
    spend: FloatArray,
    marginal: FloatArray,
    found: Branched,
    *,
    is_fallback: bool,
) -> float | None:
    """What one more unit of budget gains: the marginal that cells off their bounds share.

    Where none is off its bounds, the best marginal among those with room; None where all are
    full. A cautious plan that keeps the current split sits in a kink, where marginals differ and
    only the proof's price holds; under rows marginals differ as well.
    """
    proved = float(found.prices[0]) + problem.cost_per_spend
    has_room = spend < problem.upper - problem.lot
    inside = has_room & (spend > problem.lower + problem.lot)
    if not has_room.any():
        return None
    if not problem.is_single or (is_fallback and problem.is_cautious and inside.any()):
        return proved
    return float(np.median(marginal[inside])) if inside.any() else float(marginal[has_room].max())


def _solve(
    problem: AllocationProblem, fallback: FloatArray, start: Allocation | None
) -> tuple[Branched, Proof, Route]:
    box, draws = problem.box, problem.draws
    if problem.is_cautious and draws is not None:
        origin = fallback if start is None else _kept_inside(problem, start, fallback)
        return *risky_split(problem, draws, origin), Route.BUNDLE
    if problem.is_single and not problem.has_coarse_lots:
        curves = problem.mean_gain.within(box.floor, box.upper)
        many = _by_one_price(problem, curves) if box.upper.size >= MANY_CELLS else None
        if many is not None:
            return many, Proof(many.tree), Route.PRICE
        first = start.price if start is not None else None
        mean = SumOfCurves(curves, problem.cost_per_spend, first)
        found = branch_and_bound(mean, box, incumbent=fallback, node_limit=problem.node_limit)
        return found, Proof(found.tree), Route.PRICE if len(found.tree) == 1 else Route.BRANCH
    found = branch_and_bound(
        Coupled(problem),
        box,
        incumbent=fallback,
        scale=size_of(problem),
        node_limit=problem.node_limit,
    )
    return found, Proof(found.tree), Route.INTERIOR if len(found.tree) == 1 else Route.COLUMNS


def _by_one_price(problem: AllocationProblem, curves: Curve) -> Branched | None:
    """Very many cells under one fixed total; None where the price leaves a gap."""
    box, cost = problem.box, problem.cost_per_spend
    if box.optional.any() or box.least_total < box.budget or box.budget <= 0.0:
        return None
    found = one_price(curves, box)
    value, bound = problem.objective(found.spend), found.bound - cost * box.budget
    if bound - value > TARGET_GAP * size_of(problem):
        return None
    prices = np.array([found.price - cost])
    return Branched(found.spend, value, bound, (Leaf(prices),), prices)


def _kept_inside(problem: AllocationProblem, start: Allocation, fallback: FloatArray) -> FloatArray:
    """A similar problem's split where it fits this one, else the fallback."""
    if start.spend.shape != fallback.shape:
        return fallback
    near = problem.box.nearest(start.spend)
    return near if is_feasible(problem, near) else fallback
