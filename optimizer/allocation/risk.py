r"""Measures of risk over joint draws, maximised with a proved bound.

The spread couples the cells, so a price search alone does not apply. Two facts close the gap.
*Ascent*: the objective's gradient and Hessian come from the draws directly, so Newton's method
with bounds and rows finds a local best to machine precision. *Bound*: a measure is the least of
many re-weighted means (:mod:`optimizer.allocation.measures`), and every one of them is separable
and has a relaxation of its own. At the optimum of a concave problem the weights of the split
itself close the gap. Where S-curves leave one, weights are mixed over the splits found in the
box (a bundle), and the box is branched.

The measure is smoothed: caution has a kink at the reference split, CVaR one at every tie of two
draws. Smoothed weights stay inside their set, and the bound stays valid.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from optimizer.allocation.branch import Branched, branch_and_bound, filled
from optimizer.allocation.certificate import Leaf, Node, Proof
from optimizer.allocation.coupled import (
    is_feasible,
    mixture_of,
    on_lots,
    polished,
    relax,
    relaxation_of,
    size_of,
)
from optimizer.allocation.lagrangian import Lagrangian, under
from optimizer.allocation.measures import Smooth
from optimizer.allocation.prices import Relaxation, total_search
from optimizer.allocation.problem import AllocationProblem, Box, FloatArray, near_zero
from optimizer.allocation.quadratic import Quadratic
from optimizer.allocation.steps import RowStep
from optimizer.curves import TabulatedDraws

CAUTIOUS_GAP = 2e-6  # of the gain: the search stops here; 1e-5 is promised
CAUTIOUS_NODES = 200
SMOOTHING = (1e-3, 1e-5, 1e-8)  # of the gain: eps, step by step
FAR_FROM_KINK = 10.0  # times eps: at a larger spread the middle steps change nothing
ASCENT_STEPS = 40
SHORTEST, SHORTEST_RESTORED = 1e-9, 1e-3  # of a step: where it has to be taken back to targets
POLISHED, EXPLORING = 1e-13, 1e-8  # of the gain: a step that promises less ends the climb
BUNDLE_STEPS = 8  # directions tried per box
RECENT_DIRECTIONS = 32  # whose weighted curves are kept
LEAST_SPEND_STEPS = 12  # totals tried before the tree takes over
WORTH_ANOTHER = 0.1  # of the excess: a direction that lowers the bound by less ends the bundle


@dataclass(frozen=True, slots=True)
class _Point:
    """A split on a climb, with what the climb maximises there."""

    spend: FloatArray  # (n,)
    smooth: Smooth  # of what it gains under every draw
    value: float  # the smoothed measure less the cost


@dataclass(frozen=True, slots=True)
class _Support:
    """Splits of a bundle, and what each earns under every draw."""

    splits: FloatArray  # (m, n)
    gains: FloatArray  # (m, N)


class RiskObjective:
    """A measure of the gains over the reference, less the cost of spending, as a level."""

    def __init__(self, problem: AllocationProblem, draws: TabulatedDraws) -> None:
        self.problem, self.tables, self.source = problem, draws, draws.source
        self.measure = problem.measure
        counted = np.ones(problem.lower.size)
        self.worth = (
            counted if problem.counts_gain else problem.targets[problem.leading_target].worth
        )
        self.before = np.asarray(self.source.value(problem.reference) @ self.worth)
        self.level = float(self.before.mean())
        self.scale = max(size_of(problem) if not problem.is_single else abs(self.level), 1e-100)
        self.smoothing = SMOOTHING if problem.tail is None else (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
        self.fine = self.smoothing[-1] * self.scale
        self.cost, self.counts = problem.cost_per_spend, float(problem.counts_gain)
        self.directions: list[FloatArray] = []
        self.recent: dict[int, tuple[Lagrangian, float]] = {}
        self.is_priced = problem.is_single and not problem.has_coarse_lots
        self.best, self.leading = -np.inf, 0  # the best split's value, and its direction's place

    def gain(self, spend: FloatArray) -> FloatArray:
        """D_s (N,): gain over the reference under each draw; the target's for a least spend."""
        return np.asarray(self.source.value(spend) @ self.worth) - self.before

    def value(self, spend: FloatArray) -> float:
        is_free = self.is_priced and self.problem.optional is None
        if not is_free and not is_feasible(self.problem, spend):
            return -np.inf
        return self.problem.objective(spend)

    def _at(self, spend: FloatArray, eps: float) -> _Point:
        """What a climb maximises, at a split."""
        smooth = self.measure.smooth(self.gain(spend), eps)
        value = self.counts * smooth.value - self.cost * float(spend.sum())
        return _Point(spend, smooth, value)

    def direction(self, gain: FloatArray) -> FloatArray:
        """The direction (N,) under which these gains are weighted worst."""
        return self.measure.smooth(gain, self.fine).direction

    def add(self, direction: FloatArray) -> int:
        """Remember a direction; its place among all."""
        self.directions.append(direction)
        return len(self.directions) - 1

    def weighted(self, place: int) -> tuple[Lagrangian, float]:
        """The problem under a direction's weights, and what turns its value into a level."""
        if place not in self.recent:
            self.recent[place] = under(self.problem, self.directions[place])
            if len(self.recent) > RECENT_DIRECTIONS:
                del self.recent[next(iter(self.recent))]
        return self.recent[place]

    def relax(self, box: Box, parent: Relaxation | None, enough: float) -> Relaxation:
        """The lowest bound over the box among a few directions.

        The parent's direction comes first, then that of the best split so far; then, again and
        again, that of the best mixture of the splits found. The mixture's own split is where the
        bound and the objective part, so it is what the box is cut at.
        """
        best = self._under(parent.direction if parent else 0, box, parent, enough)
        support = self._support(best)
        if best.bound - best.slack > enough and self.leading not in (0, best.direction):
            found = self._under(self.leading, box, best, enough)
            support = _joined(support, self._support(found))
            best = min(best, found, key=lambda relaxation: relaxation.bound)
        if parent is not None:
            inside = parent.support[
                np.all((parent.support >= box.floor) & (parent.support <= box.upper), axis=1)
            ]
            support = _joined(support, self._plain(inside))
        middle = best.spend
        for _ in range(BUNDLE_STEPS):
            if best.bound - best.slack <= enough:
                return best
            shares, mixed = self._mixture(support, box)
            found = self._under(self.add(self.direction(mixed)), box, best, enough)
            used = shares > 1e-9
            support = _Support(support.splits[used], support.gains[used])
            middle = shares[used] @ support.splits
            support = _joined(support, self._support(found))
            gained = best.bound - found.bound
            best = found if gained > 0.0 else best
            if gained < WORTH_ANOTHER * (best.bound - enough):
                break
        return self._centred(best, box, middle, support.splits)

    def _support(self, found: Relaxation) -> _Support:
        """What a relaxation adds to the bundle: both sides of its jump, or its whole mixture."""
        if self.is_priced:
            return self._plain(np.stack([found.modest_spend, found.eager_spend]))
        low, high = found.modest_spend, found.eager_spend
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(high > low, (found.spend - low) / (high - low), 0.0)
        gains = self.source.value(low) * (1.0 - share) + self.source.value(high) * share
        return _Support(found.spend[None], (gains @ self.worth - self.before)[None])

    def _plain(self, splits: FloatArray) -> _Support:
        gains = [self.gain(split) for split in splits]
        return _Support(splits, np.array(gains).reshape(len(splits), self.before.size))

    def _under(self, place: int, box: Box, start: Relaxation | None, enough: float) -> Relaxation:
        lagrangian, offset = self.weighted(place)
        if self.is_priced:
            found = total_search(lagrangian.gains, box, self.cost, start.price if start else None)
        else:
            mixture = relax(
                lagrangian, box, scale=self.scale, start=mixture_of(start), enough=enough - offset
            )
            found = relaxation_of(mixture)
        return replace(found, bound=found.bound + offset, direction=place)

    def _centred(
        self, found: Relaxation, box: Box, spend: FloatArray, support: FloatArray
    ) -> Relaxation:
        """The same bound seen from a mixture's split: where envelopes flatter there."""
        lagrangian, _ = self.weighted(found.direction)
        charges = lagrangian.charges(found.prices, box)
        best = lagrangian.respond(box, charges).value
        short = np.maximum(best - lagrangian.value(spend, charges), 0.0)
        return replace(found, spend=spend, shortfall=short, support=support)

    def _mixture(self, support: _Support, box: Box) -> tuple[FloatArray, FloatArray]:
        """Shares (m,) of splits that the objective likes best, and their gains (N,).

        Together they spend what may be spent, each alone may miss it.
        """
        from scipy.optimize import Bounds, LinearConstraint, minimize

        gains, count = support.gains, len(support.gains)
        totals = support.splits.sum(axis=1)

        def loss(shares: FloatArray) -> float:
            worth = self.measure.smooth(shares @ gains, self.fine).value
            return -(self.counts * worth - self.cost * float(shares @ totals)) / self.scale

        def slope(shares: FloatArray) -> FloatArray:
            weights = self.measure.weights(self.direction(shares @ gains))
            return np.asarray(-(self.counts * (gains @ weights) - self.cost * totals) / self.scale)

        limits: list[Any] = [LinearConstraint(np.ones((1, count)), 1.0, 1.0)]
        if not self.counts:
            limits.append(self._reaching(support))
        if self.is_priced:
            share = totals / max(box.budget, 1e-300)
            least = box.least_total / max(box.budget, 1e-300)
            limits.append(LinearConstraint(share[None], least, 1.0))
        found = minimize(
            loss,
            np.full(count, 1.0 / count),
            jac=slope,
            method="SLSQP",
            bounds=Bounds(0.0, 1.0),
            constraints=limits,
            options={"ftol": 1e-13, "maxiter": 100},
        )
        shares = np.clip(found.x, 0.0, 1.0)
        return shares, np.asarray(shares @ gains)

    def _reaching(self, support: _Support) -> dict[str, Any]:
        """The mixtures that reach the target, as SLSQP reads a constraint."""
        target = self.problem.targets[self.problem.leading_target]
        costs = support.splits @ target.cost
        asked = target.least - self.level

        def reached(shares: FloatArray) -> float:
            worth = self.measure.smooth(shares @ support.gains, self.fine).value
            return (worth - float(shares @ costs) - asked) / self.scale

        def slope(shares: FloatArray) -> FloatArray:
            weights = self.measure.weights(self.direction(shares @ support.gains))
            return np.asarray((support.gains @ weights - costs) / self.scale)

        return {"type": "ineq", "fun": reached, "jac": slope}

    def candidates(self, found: Relaxation, box: Box) -> list[FloatArray]:
        if self.is_priced:
            return filled(found, box)
        return on_lots(self.problem, [found.spend])

    def improve(self, found: Relaxation, box: Box) -> list[FloatArray]:
        if self.is_priced:
            starts = filled(found, box)
            return [self.climb(x, _fixed(self.problem.box, x), EXPLORING) for x in starts[:1]]
        lagrangian, _ = self.weighted(found.direction)
        starts = polished(lagrangian, box, found)
        if self.problem.targets:
            starts = [
                RowStep(self.problem, _fixed(box, start)).restored(start)
                for start in (*starts, found.spend)
            ]
            starts = [max(starts, key=self.value)]
        if self.problem.counts_gain:
            starts += [self.climb(start, _fixed(box, start), EXPLORING) for start in starts]
        self._lead(starts)
        return on_lots(self.problem, starts)

    def _lead(self, splits: list[FloatArray]) -> None:
        """Remember the direction of a split that is better than all before."""
        values = [self.value(split) for split in splits]
        if values and max(values) > self.best:
            self.best = max(values)
            self.leading = self.add(self.direction(self.gain(splits[int(np.argmax(values))])))

    def climb(self, spend: FloatArray, box: Box, tolerance: float) -> FloatArray:
        """A local best of the smoothed objective in a box, smoothing taken away step by step."""
        last = len(self.smoothing) - 1
        for place, share in enumerate(self.smoothing):
            eps = share * self.scale
            if place in (0, last) or self._is_near_kink(spend, eps):
                spend = self._climb(spend, box, eps, tolerance * self.scale)
        return spend

    def _is_near_kink(self, spend: FloatArray, eps: float) -> bool:
        """Whether a step of the smoothing matters here: caution's kink is far from most splits."""
        if self.problem.tail is not None:
            return True
        return bool(self.gain(spend).std() < FAR_FROM_KINK * eps)

    def _climb(self, spend: FloatArray, box: Box, eps: float, least: float) -> FloatArray:
        row_step = None if self._is_plain(box) else RowStep(self.problem, box)
        shortest = SHORTEST_RESTORED if self.problem.targets else SHORTEST
        here = self._at(spend, eps)
        for _ in range(ASCENT_STEPS):
            model = self._model(here)
            if row_step is None:
                step = model.best_step(here.spend, box)
            else:
                step = row_step.best(model, here.spend)
            promised = float(model.gradient @ step)
            if promised <= least:
                break
            size = 1.0
            while size > shortest:
                moved = np.clip(here.spend + size * step, box.lower, box.upper)
                if row_step is not None and self.problem.targets:
                    moved = row_step.restored(moved)
                there, enough = self._at(moved, eps), here.value + 1e-4 * size * promised
                if there.value >= enough and self._keeps(moved, row_step):
                    break
                size *= 0.5
            else:
                break
            here = there
        return here.spend

    def _is_plain(self, box: Box) -> bool:
        """Whether one fixed total is all that couples the cells."""
        return self.is_priced and box.least_total == box.budget

    def _keeps(self, spend: FloatArray, row_step: RowStep | None) -> bool:
        return row_step is None or not self.problem.targets or is_feasible(self.problem, spend)

    def _model(self, point: _Point) -> Quadratic:
        """The smoothed objective near a point, to second order."""
        weights = self.measure.weights(point.smooth.direction)
        inside = np.maximum(point.spend, near_zero(self.problem.upper))
        marginal = self.source.marginal(inside)
        own = self.counts * (weights @ self.source.second_derivative(inside))
        rows = point.smooth.rows(marginal) * np.sqrt(self.counts)
        return Quadratic(self.counts * (weights @ marginal) - self.cost, own, rows)


def _joined(first: _Support, second: _Support) -> _Support:
    return _Support(
        np.concatenate([first.splits, second.splits]),
        np.concatenate([first.gains, second.gains]),
    )


def _fixed(box: Box, spend: FloatArray) -> Box:
    """A box in which optional cells stay as a split has them."""
    on = spend > 0.0
    lower = np.where(box.optional & ~on, 0.0, box.lower)
    upper = np.where(box.optional & ~on, 0.0, box.upper)
    return replace(box, lower=lower, upper=upper, optional=np.zeros(1, dtype=bool))


def risky_split(
    problem: AllocationProblem, draws: TabulatedDraws, start: FloatArray
) -> tuple[Branched, Proof]:
    """Maximise a measure of risk with a proof.

    Parameters
    ----------
    problem : AllocationProblem
    draws : TabulatedDraws
        The gains' draws.
    start : ndarray of shape (n,), currency
        A split, feasible if one is known; the answer is at least as good.
    """
    objective = RiskObjective(problem, draws)
    box = problem.box
    if not problem.counts_gain:
        start = _least_spend_start(problem, draws, start)
    best = climbed = start
    if problem.counts_gain and objective.value(start) > -np.inf:
        climbed = objective.climb(start, _fixed(box, start), POLISHED)
        best = max(start, climbed, key=objective.value)
    objective.add(objective.direction(objective.gain(climbed)))
    found = branch_and_bound(
        objective,
        box,
        incumbent=best,
        scale=None if problem.is_single and objective.value(best) > -np.inf else objective.scale,
        target_gap=CAUTIOUS_GAP,
        node_limit=min(problem.node_limit, CAUTIOUS_NODES),
    )
    is_start = np.array_equal(found.spend, start)  # from there the climb is known
    if problem.counts_gain and found.value > -np.inf and not is_start:
        polish = objective.climb(found.spend, _fixed(box, found.spend), POLISHED)
        if objective.value(polish) > found.value:
            found = replace(found, spend=polish, value=objective.value(polish))
    return found, _without_unused(found.tree, objective.directions)


def _least_spend_start(
    problem: AllocationProblem, draws: TabulatedDraws, start: FloatArray
) -> FloatArray:
    """A split close to the least spend: the best of each total, the total moved by its price."""
    place, box = problem.leading_target, problem.box
    target = problem.targets[place]
    low, high = box.least_total, box.budget
    total, best = float(start.sum()), start
    for _ in range(LEAST_SPEND_STEPS):
        total = min(max(total, low), high)
        at_total = replace(
            problem,
            total_budget=total,
            least_total=None,
            counts_gain=True,
            cost_per_spend=0.0,
            targets=problem.targets[:place] + problem.targets[place + 1 :],
            node_limit=1,
        )
        found, _ = risky_split(at_total, draws, at_total.box.nearest(best))
        if not np.isfinite(found.value):
            break
        best = found.spend
        short, _ = problem.reached(target, best)
        slope = float(np.median(problem.target_slope(target, best)))
        if abs(short) <= 1e-9 * abs(target.least) or slope <= 0.0:
            break
        low, high = (total, high) if short < 0.0 else (low, total)
        step = total - short / slope
        total = step if low < step < high else 0.5 * (low + high)
    return best


def _without_unused(tree: tuple[Node, ...], directions: list[FloatArray]) -> Proof:
    """The proof with only the directions its leaves rest on."""
    used = sorted({node.direction for node in tree if isinstance(node, Leaf)})
    places = {old: new for new, old in enumerate(used)}
    renamed = tuple(
        Leaf(node.price, places[node.direction]) if isinstance(node, Leaf) else node
        for node in tree
    )
    return Proof(renamed, tuple(directions[place] for place in used))
