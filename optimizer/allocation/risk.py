r"""Caution: maximise :math:`E[D(x)] - k \, sd[D(x)]` over joint draws, with a proved bound.

The spread couples the cells, so a price search alone does not apply. Two facts close the gap.
*Ascent*: the objective's gradient and Hessian come from the draws directly, so Newton's method
with bounds finds a local best to machine precision. *Bound*: for every direction q with
|q| <= 1 and sum 0 the objective is at most the mean under the weights
:math:`w_s = (1 - k \sqrt N q_s) / N`, which is separable and has a price search of its own. At
the optimum of a concave problem the q of the split itself closes the gap. Where S-curves leave
one, q is mixed over the splits found in the box (a bundle), and the box is branched.

The spread is smoothed to sqrt(variance + eps^2): it has a kink at the reference split, the
smoothed q stays inside the ball, and the bound stays valid.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from optimizer.allocation.branch import Branched, branch_and_bound
from optimizer.allocation.certificate import Leaf, Node, Proof, draw_weights
from optimizer.allocation.prices import Relaxation, price_search
from optimizer.allocation.problem import AllocationProblem, Box, FloatArray, near_zero
from optimizer.allocation.quadratic import Quadratic
from optimizer.curves import TableCurve, TabulatedDraws

CAUTIOUS_GAP = 2e-6  # of the gain: the search stops here; 1e-5 is promised
CAUTIOUS_NODES = 200
SMOOTHING = (1e-3, 1e-5, 1e-8)  # of the gain: eps, step by step
FAR_FROM_KINK = 10.0  # times eps: at a larger spread the middle steps change nothing
ASCENT_STEPS = 40
POLISHED, EXPLORING = 1e-13, 1e-8  # of the gain: a step that promises less ends the climb
BUNDLE_STEPS = 8  # directions tried per box
RECENT_DIRECTIONS = 32  # whose weighted curves are kept
WORTH_ANOTHER = 0.1  # of the excess: a direction that lowers the bound by less ends the bundle


@dataclass(frozen=True, slots=True)
class _State:
    """The smoothed objective at a split, to second order."""

    value: float
    model: Quadratic


class CautiousObjective:
    """E[D] - k sd[D], as a level: the value of the reference under the mean is added back."""

    def __init__(self, problem: AllocationProblem, draws: TabulatedDraws) -> None:
        self.problem, self.tables, self.source = problem, draws, draws.source
        self.caution = problem.caution
        self.before = problem.gain_draws(problem.reference)
        self.level = float(self.before.mean())
        self.scale = max(abs(self.level), 1e-100)
        self.coarse, self.fine = SMOOTHING[0] * self.scale, SMOOTHING[-1] * self.scale
        self.directions: list[FloatArray] = []
        self.recent: dict[int, tuple[TableCurve, float]] = {}

    def gain(self, spend: FloatArray) -> FloatArray:
        """D_s (N,): gain over the reference under each draw."""
        return np.asarray(self.source.value(spend).sum(axis=1)) - self.before

    def value(self, spend: FloatArray) -> float:
        return self.level + self.smoothed(self.gain(spend), 0.0)

    def smoothed(self, gain: FloatArray, eps: float) -> float:
        """E[D] - k sqrt(var[D] + eps^2)."""
        return float(gain.mean() - self.caution * np.sqrt(gain.var() + eps**2))

    def direction(self, gain: FloatArray) -> FloatArray:
        """The q (N,) under which these gains are weighted worst, inside the ball."""
        eps = self.fine
        return np.asarray((gain - gain.mean()) / np.sqrt(gain.size * (gain.var() + eps**2)))

    def add(self, direction: FloatArray) -> int:
        """Remember a direction; its place among all."""
        self.directions.append(direction)
        return len(self.directions) - 1

    def weighted(self, place: int) -> tuple[TableCurve, float]:
        """The curves under a direction's weights, and what turns their sum into a level."""
        if place not in self.recent:
            weights = draw_weights(self.directions[place], self.caution)
            offset = self.level - float(weights @ self.before)
            self.recent[place] = self.tables.weighted(weights), offset
            if len(self.recent) > RECENT_DIRECTIONS:
                del self.recent[next(iter(self.recent))]
        return self.recent[place]

    def relax(self, box: Box, parent: Relaxation | None, enough: float) -> Relaxation:
        """The lowest bound over the box among a few directions.

        The parent's direction comes first; then, again and again, that of the best mixture of
        the splits found. The mixture's own split is where the bound and the objective part, so
        it is what the box is cut at.
        """
        best = self._under(parent.direction if parent else 0, box, parent)
        support = [best.modest_spend, best.eager_spend]
        if parent is not None:
            inside = np.all((parent.support >= box.lower) & (parent.support <= box.upper), axis=1)
            support += list(parent.support[inside])
        for _ in range(BUNDLE_STEPS):
            if best.bound - best.slack <= enough:
                return best
            shares, mixed = self._mixture(np.array(support), box.budget)
            found = self._under(self.add(self.direction(mixed)), box, best)
            support = [split for split, share in zip(support, shares, strict=True) if share > 1e-9]
            middle = shares[shares > 1e-9] @ np.array(support)
            support += [found.modest_spend, found.eager_spend]
            gained = best.bound - found.bound
            best = found if gained > 0.0 else best
            if gained < WORTH_ANOTHER * (best.bound - enough):
                break
        return self._centred(best, middle, np.array(support))

    def _under(self, place: int, box: Box, start: Relaxation | None) -> Relaxation:
        curves, offset = self.weighted(place)
        found = price_search(curves, box, start.price if start else None)
        return replace(found, bound=found.bound + offset, direction=place)

    def _centred(self, found: Relaxation, spend: FloatArray, support: FloatArray) -> Relaxation:
        """The same bound seen from a mixture's split: where envelopes flatter there."""
        curves, _ = self.weighted(found.direction)
        short = found.best_value - (curves.value(spend) - found.price * spend)
        return replace(found, spend=spend, shortfall=np.maximum(short, 0.0), support=support)

    def _mixture(self, splits: FloatArray, budget: float) -> tuple[FloatArray, FloatArray]:
        """Shares (m,) of splits (m, n) that the objective likes best, and their gains (N,).

        Together they spend the budget, each alone may miss it.
        """
        from scipy.optimize import Bounds, LinearConstraint, minimize

        gains = np.array([self.gain(split) for split in splits])
        count = len(splits)

        def loss(shares: FloatArray) -> float:
            return -self.smoothed(shares @ gains, self.fine) / self.scale

        def slope(shares: FloatArray) -> FloatArray:
            weights = draw_weights(self.direction(shares @ gains), self.caution)
            return np.asarray(-(gains @ weights) / self.scale)

        rows = np.stack([np.ones(count), splits.sum(axis=1) / budget])
        found = minimize(
            loss,
            np.full(count, 1.0 / count),
            jac=slope,
            method="SLSQP",
            bounds=Bounds(0.0, 1.0),
            constraints=LinearConstraint(rows, 1.0, 1.0),
            options={"ftol": 1e-13, "maxiter": 100},
        )
        shares = np.clip(found.x, 0.0, 1.0)
        return shares, np.asarray(shares @ gains)

    def improve(self, spend: FloatArray) -> FloatArray:
        return self.climb(spend, self.problem.box, EXPLORING)

    def climb(self, spend: FloatArray, box: Box, tolerance: float) -> FloatArray:
        """A local best of the smoothed objective in a box, smoothing taken away step by step."""
        for share in SMOOTHING:
            eps = share * self.scale
            if eps in (self.coarse, self.fine) or self.gain(spend).std() < FAR_FROM_KINK * eps:
                spend = self._climb(spend, box, eps, tolerance * self.scale)
        return spend

    def _climb(self, spend: FloatArray, box: Box, eps: float, least: float) -> FloatArray:
        for _ in range(ASCENT_STEPS):
            state = self._state(spend, eps)
            step = state.model.best_step(spend, box)
            promised = float(state.model.gradient @ step)
            if promised <= least:
                break
            size = 1.0
            while size > 1e-9:
                moved = np.clip(spend + size * step, box.lower, box.upper)
                if self.smoothed(self.gain(moved), eps) >= state.value + 1e-4 * size * promised:
                    break
                size *= 0.5
            else:
                break
            spend = moved
        return spend

    def _state(self, spend: FloatArray, eps: float) -> _State:
        gain = self.gain(spend)
        spread = float(np.sqrt(gain.var() + eps**2))
        q = (gain - gain.mean()) / (np.sqrt(gain.size) * spread)
        weights = draw_weights(q, self.caution)
        inside = np.maximum(spend, near_zero(self.problem.upper))
        marginal = self.source.marginal(inside)
        centred = marginal - marginal.mean(axis=0)
        rows = (centred - q[:, None] * (q @ centred)).T
        rows *= np.sqrt(self.caution / (spread * gain.size))
        own = weights @ self.source.second_derivative(inside)
        return _State(self.smoothed(gain, eps), Quadratic(weights @ marginal, own, rows))


def cautious_split(
    problem: AllocationProblem, draws: TabulatedDraws, start: FloatArray
) -> tuple[Branched, Proof]:
    """Maximise E[D] - k sd[D] with a proof.

    Parameters
    ----------
    problem : AllocationProblem
    draws : TabulatedDraws
        The gains' draws.
    start : ndarray of shape (n,), currency
        A feasible split; the answer is at least as good.
    """
    objective = CautiousObjective(problem, draws)
    climbed = objective.climb(start, problem.box, POLISHED)
    best = max(start, climbed, key=objective.value)
    objective.add(objective.direction(objective.gain(climbed)))
    found = branch_and_bound(
        objective,
        problem.box,
        incumbent=best,
        target_gap=CAUTIOUS_GAP,
        node_limit=min(problem.node_limit, CAUTIOUS_NODES),
    )
    polished = objective.climb(found.spend, problem.box, POLISHED)
    if objective.value(polished) > found.value:
        found = replace(found, spend=polished, value=objective.value(polished))
    return found, _without_unused(found.tree, objective.directions)


def _without_unused(tree: tuple[Node, ...], directions: list[FloatArray]) -> Proof:
    """The proof with only the directions its leaves rest on."""
    used = sorted({node.direction for node in tree if isinstance(node, Leaf)})
    places = {old: new for new, old in enumerate(used)}
    renamed = tuple(
        Leaf(node.price, places[node.direction]) if isinstance(node, Leaf) else node
        for node in tree
    )
    return Proof(renamed, tuple(directions[place] for place in used))
