"""Splits under rows, targets, counts and limits on moves: relaxed by columns, then polished.

Where every curve is concave and every cell simply bounded, the interior point answers at once
and its prices prove it. Elsewhere the columns' mixture shows on which side of its jump every
cell belongs; with the sides fixed what remains is concave, and the interior point finishes it.
"""

from __future__ import annotations

import numpy as np

from optimizer.allocation import columns, majorants, separable
from optimizer.allocation.lagrangian import Lagrangian, under
from optimizer.allocation.lots import in_lots
from optimizer.allocation.mixture import Mixture
from optimizer.allocation.prices import Relaxation
from optimizer.allocation.problem import CENTS_AGREE, AllocationProblem, Box, FloatArray
from optimizer.allocation.rows import BoolArray

KEPT = 1e-9  # of a row: how far it may be missed
HOPELESS = 1e-7  # of a row: where even mixtures break it by so much, a box holds no split
JUMPS = 1e-9  # of the bound: a mixture that earns more than its mean by this jumps


class Coupled:
    """The objective of a problem with rows, judged by the mean."""

    def __init__(self, problem: AllocationProblem) -> None:
        self.problem = problem
        self.lagrangian, self.offset = under(problem, None)
        self.scale = size_of(problem)

    def value(self, spend: FloatArray) -> float:
        return self.problem.objective(spend) if is_feasible(self.problem, spend) else -np.inf

    def relax(self, box: Box, parent: Relaxation | None, enough: float) -> Relaxation:
        start = mixture_of(parent)
        return relaxation_of(
            relax(self.lagrangian, box, scale=self.scale, start=start, enough=enough)
        )

    def candidates(self, found: Relaxation, box: Box) -> list[FloatArray]:  # noqa: ARG002
        return on_lots(self.problem, [found.spend])

    def improve(self, found: Relaxation, box: Box) -> list[FloatArray]:
        return on_lots(self.problem, polished(self.lagrangian, box, found))


def on_lots(problem: AllocationProblem, splits: list[FloatArray]) -> list[FloatArray]:
    """The splits themselves, or in whole lots where lots are coarse."""
    if not problem.has_coarse_lots:
        return splits
    whole = (in_lots(problem, spend) for spend in splits)
    return [spend for spend in whole if spend is not None]


def size_of(problem: AllocationProblem) -> float:
    """How large (currency) the objective is: what a full budget may gain, or spend."""
    if not problem.counts_gain:
        return max(problem.total_budget, 1e-300)
    share = min(1.0, problem.total_budget / max(float(problem.upper.sum()), 1e-300))
    return max(float(problem.mean_gain.value(share * problem.upper).sum()), 1e-300)


def is_feasible(problem: AllocationProblem, spend: FloatArray) -> bool:
    """Whether a split keeps every bound, row, target and count."""
    box, slack = problem.box, KEPT * max(problem.total_budget, 1e-300)
    total = float(spend.sum())
    if total > box.budget + slack or total < box.least_total - slack:
        return False
    if problem.has_coarse_lots:
        lots = spend / problem.lot
        if np.any(np.abs(lots - np.round(lots)) > CENTS_AGREE * np.maximum(lots, 1.0)):
            return False
    low = np.where(box.optional & (spend <= 0.0), 0.0, box.lower)
    if np.any(spend < low - slack) or np.any(spend > box.upper + slack):
        return False
    return problem.shortfall(spend) <= KEPT


def relax(
    lagrangian: Lagrangian,
    box: Box,
    *,
    scale: float,
    start: Mixture | None = None,
    enough: float = -np.inf,
) -> Mixture:
    """The best price bound over a box, and the mixture that attains it.

    By the interior point over majorants where that closes, by columns elsewhere.

    Parameters
    ----------
    lagrangian : Lagrangian
    box : Box
        Not empty.
    scale : float, currency
        The size of the objective.
    start : Mixture, optional
        Of a similar box.
    enough : float
        A bound this low needs no improvement.
    """
    if majorants.applies(lagrangian):
        found = majorants.relax(lagrangian, box)
        if found is not None and majorants.is_closed(lagrangian, found, scale):
            return found
    return columns.relax(lagrangian, box, scale=scale, start=start, enough=enough)


def relaxation_of(mixture: Mixture) -> Relaxation:
    """A mixture as the tree reads it."""
    return Relaxation(
        price=float(mixture.prices[0]),
        bound=mixture.bound,
        spend=mixture.spend,
        modest_spend=mixture.low,
        eager_spend=mixture.high,
        best_value=mixture.shortfall,
        shortfall=mixture.shortfall,
        slack=mixture.slack if mixture.broken < HOPELESS else np.inf,
        support=mixture.spend[None],
        prices=mixture.prices,
    )


def mixture_of(parent: Relaxation | None) -> Mixture | None:
    """A relaxation as a start for the columns."""
    if parent is None:
        return None
    return Mixture(
        parent.prices,
        parent.bound,
        parent.spend,
        parent.modest_spend,
        parent.eager_spend,
        parent.shortfall,
    )


def polished(lagrangian: Lagrangian, box: Box, found: Relaxation) -> list[FloatArray]:
    """Splits with every jumping cell put on one side of its jump: the nearer, low, or high."""
    jumps = (found.shortfall > JUMPS * abs(found.bound)) & (found.eager_spend > found.modest_spend)
    middle = 0.5 * (found.modest_spend + found.eager_spend)
    nearer = found.spend >= middle
    sides = [nearer]
    sides += [np.zeros_like(jumps)] if nearer[jumps].any() else []
    sides += [np.ones_like(jumps)] if not nearer[jumps].all() else []
    answers = []
    for is_high in sides:
        lower, upper = _sides(lagrangian, box, found, jumps, is_high)
        answer = polish(lagrangian, box, lower, upper)
        if answer is not None:
            answers.append(answer[0])
    return answers


def _sides(
    lagrangian: Lagrangian,
    box: Box,
    found: Relaxation,
    jumps: BoolArray,
    is_high: BoolArray,
) -> tuple[FloatArray, FloatArray]:
    """Bounds (n,) within which every cell stays on its side, where its curve is concave."""
    bend = np.clip(lagrangian.bend, box.lower, box.upper)
    centre = np.where(jumps, np.where(is_high, found.eager_spend, found.modest_spend), found.spend)
    is_off = box.optional & (centre < np.minimum(bend, 0.5 * box.lower) + 0.0)
    is_off |= box.optional & (centre <= 0.0)
    in_convex = centre < bend
    lower = np.where(in_convex, np.clip(centre, box.lower, box.upper), bend)
    upper = np.where(in_convex, lower, box.upper)
    return np.where(is_off, 0.0, lower), np.where(is_off, 0.0, upper)


def polish(
    lagrangian: Lagrangian, box: Box, lower: FloatArray, upper: FloatArray
) -> tuple[FloatArray, FloatArray] | None:
    """The best split within bounds on which curves are concave, and its flat prices."""
    problem, rows = lagrangian.problem, lagrangian.rows
    low, high = [np.array([box.least_total]), rows.lower], [np.array([box.budget]), rows.upper]
    matrix = lagrangian.matrix
    if isinstance(matrix, np.ndarray) and problem.most_moved is not None:
        moves, limits = _move_rows(problem, lower, upper)
        matrix = np.vstack([matrix, moves])
        low.append(np.full(2, -np.inf))
        high.append(limits)
    concave = separable.Concave(
        lagrangian.gains,
        np.full(lower.size, float(problem.counts_gain)),
        np.full(lower.size, problem.cost_per_spend),
        lower,
        upper,
        matrix,
        np.concatenate(low),
        np.concatenate(high),
        lagrangian.target_worth,
        lagrangian.target_cost,
        lagrangian.target_least,
    )
    found = separable.solve(concave)
    if found is None:
        return None
    m = 1 + len(rows.names)
    counts = np.zeros(len(problem.counts))
    moved = found.row_prices[m:] if problem.most_moved is not None else np.zeros(2)
    prices = np.concatenate([found.row_prices[:m], found.gain_prices, counts, moved])
    return found.spend, prices


def _move_rows(
    problem: AllocationProblem, lower: FloatArray, upper: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Increases and decreases as rows (2, n), every cell on the side its bounds lean to."""
    home = problem.reference
    rises = 0.5 * (lower + upper) >= home
    moves = np.stack([rises.astype(float), -(~rises).astype(float)])
    return moves, np.asarray((problem.most_moved or 0.0) + moves @ home)
