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
from optimizer.allocation.problem import NEAR_ZERO, AllocationProblem, Box, FloatArray
from optimizer.allocation.quadratic import Quadratic
from optimizer.curves import TableCurve, TabulatedDraws

CAUTIOUS_GAP = 2e-6  # of the gain: the search stops here; 1e-5 is promised
CAUTIOUS_NODES = 200
SMOOTHING = (1e-3, 1e-5, 1e-8)  # of the gain: eps, step by step
FAR_FROM_KINK = 10.0  # times eps: at a larger spread the middle steps change nothing
ASCENT_STEPS = 40
BUNDLE_STEPS = 6  # directions tried per box
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
        self.scale = max(abs(self.level), 1e-300)
        self.coarse, self.fine = SMOOTHING[0] * self.scale, SMOOTHING[-1] * self.scale
        self.directions: list[FloatArray] = []
        self.curves: list[tuple[TableCurve, float]] = []

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
        """Remember a direction with its weighted curves; its place among all directions."""
        weights = draw_weights(direction, self.caution)
        offset = self.level - float(weights @ self.before)
        self.directions.append(direction)
        self.curves.append((self.tables.weighted(weights), offset))
        return len(self.directions) - 1

    def relax(self, box: Box, parent: Relaxation | None, enough: float) -> Relaxation:
        """The lowest bound over the box among a few directions.

        The parent's direction comes first; then those of the best mixture of the splits found.
        """
        best = self._under(parent.direction if parent else 0, box, parent)
        columns = [self.gain(best.spend)]
        for _ in range(BUNDLE_STEPS):
            if best.bound <= enough:
                break
            columns.append(self.gain(self.climb(best.spend, box)))
            mixed = self._mixed(np.array(columns))
            found = self._under(self.add(self.direction(mixed)), box, best)
            columns.append(self.gain(found.spend))
            gained = best.bound - found.bound
            if gained > 0.0:
                best = found
            if gained < WORTH_ANOTHER * (best.bound - enough):
                break
        return best

    def _under(self, place: int, box: Box, start: Relaxation | None) -> Relaxation:
        curves, offset = self.curves[place]
        found = price_search(curves, box, start.price if start else None)
        return replace(found, bound=found.bound + offset, direction=place)

    def _mixed(self, columns: FloatArray) -> FloatArray:
        """Gains (N,) of the mixture of columns (m, N) that the objective likes best."""
        from scipy.optimize import Bounds, LinearConstraint, minimize

        count = len(columns)
        eps = self.fine

        def loss(shares: FloatArray) -> float:
            return -self.smoothed(shares @ columns, eps) / self.scale

        def slope(shares: FloatArray) -> FloatArray:
            weights = draw_weights(self.direction(shares @ columns), self.caution)
            return np.asarray(-(columns @ weights) / self.scale)

        found = minimize(
            loss,
            np.full(count, 1.0 / count),
            jac=slope,
            method="SLSQP",
            bounds=Bounds(0.0, 1.0),
            constraints=LinearConstraint(np.ones((1, count)), 1.0, 1.0),
            options={"ftol": 1e-14, "maxiter": 200},
        )
        return np.asarray(found.x @ columns)

    def improve(self, spend: FloatArray) -> FloatArray:
        return self.climb(spend, self.problem.box)

    def climb(self, spend: FloatArray, box: Box) -> FloatArray:
        """A local best of the smoothed objective in a box, smoothing taken away step by step."""
        for share in SMOOTHING:
            eps = share * self.scale
            if eps in (self.coarse, self.fine) or self.gain(spend).std() < FAR_FROM_KINK * eps:
                spend = self._climb(spend, box, eps)
        return spend

    def _climb(self, spend: FloatArray, box: Box, eps: float) -> FloatArray:
        for _ in range(ASCENT_STEPS):
            state = self._state(spend, box, eps)
            step = state.model.best_step(spend, box)
            promised = float(state.model.gradient @ step)
            if promised <= 1e-13 * self.scale:
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

    def _state(self, spend: FloatArray, box: Box, eps: float) -> _State:
        gain = self.gain(spend)
        spread = float(np.sqrt(gain.var() + eps**2))
        q = (gain - gain.mean()) / (np.sqrt(gain.size) * spread)
        weights = draw_weights(q, self.caution)
        inside = np.maximum(spend, NEAR_ZERO * box.upper)
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
    best = max(start, objective.climb(start, problem.box), key=objective.value)
    objective.add(objective.direction(objective.gain(best)))
    found = branch_and_bound(
        objective,
        problem.box,
        incumbent=best,
        target_gap=CAUTIOUS_GAP,
        node_limit=min(problem.node_limit, CAUTIOUS_NODES),
    )
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
