"""Whole lots under rows, targets and counts: the nearest lots that keep them all.

Plain rounding comes first. Where it breaks a row, a small integer program (HiGHS) picks each
cell's lots from the few around its spend, so that rows hold and the objective loses least.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from optimizer.allocation.problem import (
    CENT,
    CENTS_AGREE,
    AllocationProblem,
    FloatArray,
    in_money,
    near_zero,
)
from optimizer.allocation.rounding import spread
from optimizer.allocation.rows import Target

REACH = (0.0, 2.0, 6.0, 40.0)  # lots on either side that may be chosen, wider if too few
EASED_REACH = 6.0
MANY_CELLS = 300  # from here on cells are rounded pattern by pattern
LEAST_LOSS = 1e-9  # of the objective: more lost by plain rounding is worth a program
LITTLE = 1e-12  # of a row: numbers closer than this are one
ASKED_AGAIN = 3  # times that a target the curves' bends made miss is asked for more


def in_lots(problem: AllocationProblem, spend: FloatArray) -> FloatArray | None:
    """The split (n,) in whole lots that keeps every row; None where none is near."""
    plain = _plainly(problem, spend)
    if plain is not None and not _keeps(problem, plain, 0.0):
        plain = None
    if plain is not None and (problem.has_coarse_lots or _loses_little(problem, plain, spend)):
        return plain
    chosen = _by_pattern(problem, spend) if _is_patterned(problem) else None
    if chosen is None or not _keeps(problem, chosen, 0.0):
        chosen = _programmed(problem, spend, REACH[0], eased=0.0)
    if plain is not None:
        return plain if chosen is None else max(plain, chosen, key=problem.objective)
    for reach in REACH[1:]:
        if chosen is not None:
            return chosen
        chosen = _programmed(problem, spend, reach, eased=0.0)
    return chosen if chosen is not None else _programmed(problem, spend, EASED_REACH, eased=1.0)


def _loses_little(problem: AllocationProblem, whole: FloatArray, spend: FloatArray) -> bool:
    """Whether whole lots earn as much as the split but for a rounding."""
    best = problem.objective(spend)
    return best - problem.objective(whole) <= LEAST_LOSS * abs(best)


def _is_patterned(problem: AllocationProblem) -> bool:
    """Whether many cells lie in few dense rows, and nothing else couples them."""
    few = problem.lower.size >= MANY_CELLS and isinstance(problem.coupling.matrix, np.ndarray)
    return few and not problem.targets and problem.most_moved is None


def _by_pattern(problem: AllocationProblem, spend: FloatArray) -> FloatArray | None:
    """Each cell's whole lots, and the lots left over to the cells that earn most with them.

    Cells with the same coefficients in all rows that are all but met form a pattern: they can
    trade lots among each other, so that only the patterns' sums are left to an integer program.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    lot, rows, box = problem.lot, problem.coupling, problem.box
    matrix = np.vstack([np.ones((1, spend.size)), rows.dense])
    lower = np.concatenate([[box.least_total], rows.lower])
    upper = np.concatenate([[box.budget], rows.upper])
    used = matrix @ spend
    near = lot * np.abs(matrix).sum(axis=1)
    is_near = np.minimum(used - lower, upper - used) <= near
    matrix, lower, upper = matrix[is_near], lower[is_near], upper[is_near]
    patterns, member = np.unique(matrix, axis=1, return_inverse=True)
    least, most = _full_range(problem, spend)
    whole = np.clip(np.floor(spend / lot + CENTS_AGREE), least, most)
    count = patterns.shape[1]
    extra = np.bincount(member, spend / lot - whole, count)
    room = np.bincount(member, most - whole, count)
    given = (matrix @ whole) * lot
    slack = LITTLE * (np.abs(matrix) @ problem.upper)
    inside = np.maximum(in_money(whole, lot), near_zero(problem.upper))
    worth = _worth_of_lots(problem, whole, inside) - problem.cost_per_spend
    ranked = np.lexsort((-worth, member))
    sizes = np.bincount(member, minlength=count)
    next_best = np.cumsum(sizes) - sizes + np.minimum(np.floor(extra), sizes - 1).astype(np.intp)
    found = milp(
        -worth[ranked[next_best]] / max(float(np.abs(worth).max()), 1e-300),
        integrality=np.ones(count, dtype=np.int64),
        bounds=Bounds(np.floor(extra), np.minimum(np.ceil(extra), room)),
        constraints=LinearConstraint(patterns * lot, lower - given - slack, upper - given + slack),
    )
    if found.x is None:
        return None
    for pattern, lots in enumerate(np.round(found.x)):
        cells = np.flatnonzero(member == pattern)
        whole[cells] = spread(whole[cells], worth[cells], lots, least[cells], most[cells])
    return in_money(whole, lot)


def _range(
    problem: AllocationProblem, spend: FloatArray, reach: float
) -> tuple[FloatArray, FloatArray]:
    """The fewest and the most lots (n,) each cell may get, around its spend."""
    lot = problem.lot
    least, most = _full_range(problem, spend)
    low = np.clip(np.floor(spend / lot) - reach, least, most)
    return low, np.maximum(np.clip(np.ceil(spend / lot) + reach, least, most), low)


def _plainly(problem: AllocationProblem, spend: FloatArray) -> FloatArray | None:
    """Each cell's nearest lots; a fixed total by largest remainder."""
    least, most = _full_range(problem, spend)
    if np.any(least > most):
        return None
    whole = np.clip(np.floor(spend / problem.lot + CENTS_AGREE), least, most)
    lot, least_total = problem.lot, problem.box.least_total
    fewest, largest = (
        np.ceil(least_total / lot - CENTS_AGREE),
        np.floor(problem.total_budget / lot + CENTS_AGREE),
    )
    missing = float(np.clip(round(float(spend.sum()) / lot), fewest, largest) - whole.sum())
    room = float((most - whole).sum() if missing > 0.0 else (whole - least).sum())
    if room < abs(missing):
        return None
    whole = spread(whole, spend / lot - whole, missing, least, most)
    return in_money(whole, problem.lot)


def _full_range(problem: AllocationProblem, spend: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The fewest and the most lots (n,) each cell may get; none where it is off."""
    lot = problem.lot
    least = np.ceil(problem.lower / lot - CENTS_AGREE) + 0.0
    most = np.floor(problem.upper / lot + CENTS_AGREE) + 0.0
    if problem.optional is None:
        return least, most
    idle = problem.optional & (spend < 0.5 * problem.lower)
    return np.where(idle, 0.0, least), np.where(idle, 0.0, most)


def _keeps(problem: AllocationProblem, spend: FloatArray, eased: float) -> bool:
    """Whether money rows hold to a rounding and targets exactly; eased by whole lots."""
    rows = problem.coupling
    slack = LITTLE * rows.scale(problem.lower, problem.upper) if rows.names else np.zeros(0)
    if rows.names:
        slack = slack + eased * problem.lot * np.abs(rows.dense).max(axis=1)
        if np.any(rows.excess(spend) > slack):
            return False
    for target in problem.targets:
        reached, size = problem.reached(target, spend)
        if reached < -LITTLE * size - eased * CENT * (1.0 + abs(target.cost).max()):
            return False
    bare = replace(problem, rows=None, targets=())
    half_lots = 0.5 * spend.size * problem.lot  # the reference itself is not in whole lots
    return bare.shortfall(spend) <= half_lots / max(float(problem.reference.sum()), 1e-300)


def _programmed(
    problem: AllocationProblem, spend: FloatArray, reach: float, eased: float
) -> FloatArray | None:
    """Lots by integer program, targets and objective by their slopes at the split."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    lot, n = problem.lot, spend.size
    low, high = _range(problem, spend, reach)
    base = np.clip(np.floor(spend / lot), low, high)
    start = in_money(base, lot)
    inside = np.maximum(start, near_zero(problem.upper))
    matrix, least, most = _program_rows(problem, start, eased)
    worth = _worth_of_lots(problem, base, inside) - problem.cost_per_spend
    size = max(float(np.abs(worth).max()), 1e-300)
    asked = np.zeros(least.size)
    for _ in range(1 + ASKED_AGAIN):
        found = milp(
            -worth / size,
            integrality=np.ones(n, dtype=np.int64),
            bounds=Bounds(low - base, high - base),
            constraints=LinearConstraint(matrix * lot, least + asked, most),
        )
        if found.x is None:
            return None
        answer = in_money(base + np.round(found.x), lot)
        if _keeps(problem, answer, 2.0 * eased):
            return answer
        missed = _missed(problem, answer)
        if not missed.any():
            return None
        first = 1 + len(problem.coupling.names)
        asked[first : first + missed.size] += 2.0 * missed
    return None


def _missed(problem: AllocationProblem, spend: FloatArray) -> FloatArray:
    """How far a split misses each target."""
    reached = [problem.reached(target, spend)[0] for target in problem.targets]
    return np.asarray(np.maximum(-np.array(reached, dtype=float), 0.0))


def _worth_of_lots(problem: AllocationProblem, base: FloatArray, inside: FloatArray) -> FloatArray:
    """What a unit of the next lot (n,) of every cell earns on average; by its slope with draws."""
    if not problem.counts_gain:
        return np.zeros_like(base)
    if problem.is_cautious:
        worth = problem.marginal_gain(inside)
        return np.where(np.isfinite(worth), worth, 0.0)
    start, gains = in_money(base, problem.lot), problem.mean_gain
    return np.asarray((gains.value(start + problem.lot) - gains.value(start)) / problem.lot)


def _worth_to(problem: AllocationProblem, target: Target, start: FloatArray) -> FloatArray:
    """What a unit of the next lot (n,) of every cell adds to a target on average."""
    draws = problem.draws
    if draws is None:
        rise = problem.mean_gain.value(start + problem.lot) - problem.mean_gain.value(start)
    else:
        weights, now = problem.draw_weights(target, start), draws.source.value(start)
        rise = weights @ (draws.source.value(start + problem.lot) - now)
    return np.asarray(rise / problem.lot * target.worth - target.cost)


def _program_rows(
    problem: AllocationProblem, start: FloatArray, eased: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Rows on the change of spend: total, rows, targets by their next lot, moves by side."""
    n, rows = start.size, problem.coupling
    box = problem.box
    total = float(start.sum())
    matrix = [np.ones((1, n)), rows.dense]
    ease = eased * problem.lot * np.abs(rows.dense).max(axis=1, initial=0.0)
    used = rows.used(start)
    least = [[box.least_total - total], rows.lower - used - ease]
    most = [[box.budget - total], rows.upper - used + ease]
    for target in problem.targets:
        reached, size = problem.reached(target, start)
        matrix.append(_worth_to(problem, target, start)[None])
        least.append([-reached + LITTLE * size])
        most.append([np.inf])
    if problem.most_moved is not None:
        rises = start >= problem.reference
        moved = start - problem.reference
        for side, sign in ((rises, 1.0), (~rises, -1.0)):
            matrix.append((sign * side)[None].astype(float))
            least.append([-np.inf])
            most.append([problem.most_moved - float((sign * moved)[side].sum())])
    return np.vstack(matrix), np.concatenate(least), np.concatenate(most)
