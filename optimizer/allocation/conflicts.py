"""Why a problem has no answer: the limits that conflict, and by how much one must give.

Interval arithmetic first: bounds against the total need no program. The rest is the elastic
program's (see ``elastic``). The amounts offered are for the whole problem: a limit that gives as
much, by itself, leaves a split that holds all others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from optimizer.allocation.elastic import Elastic
from optimizer.allocation.limits import (
    BUDGET,
    FINEST_LOT,
    MOVED,
    Limit,
    Unit,
    amount,
    optional_cells,
    stated,
)
from optimizer.allocation.problem import CENTS_AGREE, AllocationProblem, FloatArray
from optimizer.amounts import about
from optimizer.errors import MOST_NAMED, InfeasibleError, Relaxation

MOST_MEMBERS = 12  # bounds that are named one by one where they conflict with the total
MOST_OFFERED = 4  # relaxations in a sentence; the error carries all
OUR_OWN = (BUDGET, MOVED)
FINER = (2, 5, 10, 20, 50, 100, 1000, 10_000, 100_000)  # lots tried in place of a coarse one


def check(problem: AllocationProblem) -> None:
    """Raise if no split keeps to the bounds, the total, rows, counts and the money moved.

    Targets are left aside: whether the curves reach one is for the search to find.

    Raises
    ------
    InfeasibleError
        With the conflict and what must give.
    """
    linear = replace(problem, targets=())
    if _ranges_conflict(linear):
        raise explain(problem)
    if _is_plain(linear) and not optional_cells(linear).any():
        return
    if _is_held(linear, linear.box.nearest(linear.reference)):
        return
    held = Elastic(stated(linear, gives=False))
    if not held.can_hold(held.every):
        raise explain(problem)


def explain(problem: AllocationProblem) -> InfeasibleError:
    """The conflict in a problem that nothing satisfies, and the smallest ways out of it."""
    if _is_plain(problem) and not optional_cells(problem).any():
        plain = _bounds_against_total(problem)
        if plain is not None:
            return plain
    for on_lots in (False, True)[: 1 + _has_coarse_lots(problem)]:
        elastic = Elastic.of(problem, on_lots=on_lots)
        members = elastic.conflict()
        if members:
            return _described(problem, elastic, members, on_lots)
    return _unreached(problem)


def _is_plain(problem: AllocationProblem) -> bool:
    """Whether nothing but bounds and the total limits the cells."""
    has_rows = problem.rows is not None and bool(problem.rows.names)
    couples = has_rows or problem.targets or problem.counts or problem.most_moved is not None
    return not couples


def _has_coarse_lots(problem: AllocationProblem) -> bool:
    return problem.lot > FINEST_LOT * (1.0 + 1e-9)


def _least_total(problem: AllocationProblem) -> float:
    return problem.total_budget if problem.least_total is None else problem.least_total


def _range(problem: AllocationProblem) -> tuple[FloatArray, FloatArray]:
    """The least and the most (n,) every cell can get, on whole lots where these are coarse."""
    floor = np.where(optional_cells(problem), 0.0, problem.lower)
    if not _has_coarse_lots(problem):
        return floor, problem.upper
    lot = problem.lot
    least = np.ceil(floor / lot - CENTS_AGREE) * lot
    return least, np.floor(problem.upper / lot + CENTS_AGREE) * lot


def _ranges_conflict(problem: AllocationProblem) -> bool:
    """Whether the cells' ranges miss each other, the total or a single row."""
    least, most = _range(problem)
    slack = CENTS_AGREE * problem.lot
    if np.any(least > most + slack) or least.sum() > problem.total_budget + slack:
        return True
    if most.sum() < _least_total(problem) - slack:
        return True
    if _has_coarse_lots(problem) and problem.least_total is None:
        lots = problem.total_budget / problem.lot
        if abs(lots - round(lots)) > CENTS_AGREE * max(lots, 1.0):
            return True
    return _rows_conflict(problem)


def _rows_conflict(problem: AllocationProblem) -> bool:
    """Whether a row lies out of reach of the cells' bounds."""
    rows = problem.rows
    if rows is None or not rows.names:
        return False
    floor = np.where(optional_cells(problem), 0.0, problem.lower)
    matrix = cast(FloatArray, rows.matrix)
    size = abs(matrix)
    gains, costs = (size + matrix) / 2.0, (size - matrix) / 2.0
    most = gains @ problem.upper - costs @ floor
    least = gains @ floor - costs @ problem.upper
    slack = 1e-9 * np.maximum(size @ problem.upper, 1e-300)
    return bool(np.any(most < rows.lower - slack) or np.any(least > rows.upper + slack))


def _is_held(problem: AllocationProblem, spend: FloatArray) -> bool:
    """Whether a split keeps to every limit but the lots."""
    floor = np.where(optional_cells(problem), 0.0, problem.lower)
    total, slack = float(spend.sum()), 1e-9 * max(problem.total_budget, 1e-300)
    is_on = (spend >= problem.lower) | (optional_cells(problem) & (spend == 0.0))
    inside = bool(np.all(is_on & (spend >= floor) & (spend <= problem.upper)))
    within = _least_total(problem) - slack <= total <= problem.total_budget + slack
    return inside and within and problem.shortfall(spend) <= 0.0


def _bounds_against_total(problem: AllocationProblem) -> InfeasibleError | None:
    """Bounds that miss the total, by interval arithmetic; None where they do not, or cross."""
    slack = CENTS_AGREE * problem.lot
    if np.any(problem.lower > problem.upper + slack):
        return None
    if problem.lower.sum() > problem.total_budget + slack:
        return _missed_total(problem, problem.lower, is_most=False)
    if problem.upper.sum() < _least_total(problem) - slack:
        return _missed_total(problem, problem.upper, is_most=True)
    return None


def _missed_total(
    problem: AllocationProblem, limits: FloatArray, *, is_most: bool
) -> InfeasibleError:
    """Minima that exceed the budget, or maxima that fall short of it."""
    asked = _least_total(problem) if is_most else problem.total_budget
    missing = abs(float(limits.sum()) - asked)
    total = Limit(BUDGET, not is_most, asked, 1.0)
    if is_most:
        needed = np.arange(limits.size)
    else:
        order = np.argsort(-limits, kind="stable")
        reach = np.cumsum(limits[order]) > asked + CENTS_AGREE * problem.lot
        needed = np.sort(order[: int(np.argmax(reach)) + 1])
    bounds = [
        Limit(problem.cells[i], is_most, float(limits[i]), 1.0, is_bound=True) for i in needed
    ]
    ways = [(total, missing)]
    ways += [(bound, missing) for bound in bounds if is_most or bound.bound >= missing]
    if needed.size <= MOST_MEMBERS:
        return _error(problem, (total, *bounds), ways)
    together = _together(problem, limits, is_most)
    return _error(problem, (total, together), ways[:MOST_OFFERED])


def _together(problem: AllocationProblem, limits: FloatArray, is_most: bool) -> Limit:
    """Very many bounds as one."""
    largest = ", ".join(
        f"{problem.cells[i]} {amount(float(limits[i]))}" for i in np.argsort(-limits)[:3]
    )
    what = "the maxima together" if is_most else "the minima together"
    return Limit(what, is_most, float(limits.sum()), 1.0, ending=f" ({largest}, ...)")


def _described(
    problem: AllocationProblem, elastic: Elastic, members: Sequence[int], on_lots: bool
) -> InfeasibleError:
    """The error of a minimal conflict: each member that can, by itself, end it, and by how much."""
    names, ways = elastic.limits.names, []
    for k in members:
        given = elastic.least_change([k])
        if given is not None and given[k] > 0.0:
            ways.append((names[k], float(given[k])))
    shown = [names[k] for k in members]
    if len(shown) > MOST_NAMED:
        shown.sort(key=lambda limit: (limit.is_bound, -limit.bound))
    if on_lots:
        return _off_the_grid(problem, shown, ways)
    if ways:
        return _error(problem, shown, ways)
    every = elastic.least_change(elastic.every)
    if every is None:
        return _error(problem, shown, [])
    joint = [(names[k], float(every[k])) for k in np.flatnonzero(every > 0.0)]
    return _error(problem, shown, joint, is_enough=False)


def _off_the_grid(
    problem: AllocationProblem, shown: list[Limit], ways: list[tuple[Limit, float]]
) -> InfeasibleError:
    """The error where limits hold, but not in whole lots."""
    words = f"whole lots of {amount(problem.lot)}"
    named = _error(problem, shown, ways)
    relaxations = named.relaxations
    advice = named.advice.removesuffix(".") if ways else ""
    finer = _finer_lot(problem)
    if finer is not None:
        way = f"use lots of {finer:,.2f}" if finer < 1.0 else f"use lots of {amount(finer)}"
        advice = f"{advice} or {way}" if advice else way
        relaxations += (Relaxation(words, problem.lot - finer, Unit.MONEY.value, True),)
    advice = advice[:1].upper() + advice[1:] + "."
    conflicts = (*named.conflicts, words)
    return InfeasibleError(problem.total_budget, conflicts, advice, relaxations)


def _finer_lot(problem: AllocationProblem) -> float | None:
    """The coarsest of some finer lots on which every limit holds."""
    for part in FINER:
        lot = max(problem.lot / part, FINEST_LOT)
        elastic = Elastic(stated(replace(problem, lot=lot), on_lots=lot > FINEST_LOT))
        if elastic.can_hold(elastic.every):
            return lot
        if lot <= FINEST_LOT:
            return None
    return None


def _unreached(problem: AllocationProblem) -> InfeasibleError:
    """Targets that no split found reaches, though by their means they seem to be in reach.

    A target judged with caution asks more than its mean shows.
    """
    ways = []
    for target in problem.targets:
        alone = Elastic.of(replace(problem, targets=(target,)))
        place = next(k for k in alone.every if alone.limits.names[k].target is not None)
        short = alone.short_at_most(place)
        if short:
            ways.append((alone.limits.names[place], short))
    if ways:
        return _error(problem, [limit for limit, _ in ways], ways, is_enough=len(ways) == 1)
    advice = "No split was found that holds them all; relax a target, a count or a lot."
    named = tuple(target.name for target in problem.targets) or ("all limits together",)
    return InfeasibleError(problem.total_budget, named, advice)


def _error(
    problem: AllocationProblem,
    shown: Sequence[Limit],
    ways: Sequence[tuple[Limit, float]],
    *,
    is_enough: bool = True,
) -> InfeasibleError:
    """The error with its conflict and the ways out, smallest first."""
    ordered = sorted(
        ((limit, _rounded_up(limit, by)) for limit, by in ways),
        key=lambda way: way[1] / way[0].size,
    )
    relaxations = tuple(
        Relaxation(str(limit), by, limit.unit.value, is_enough) for limit, by in ordered
    )
    words = [_way(limit, by) for limit, by in ordered]
    words = words[:MOST_OFFERED] if is_enough else words
    advice = (" or " if is_enough else ", and ").join(words) or "relax one of them"
    advice = advice[:1].upper() + advice[1:] + "."
    return InfeasibleError(problem.total_budget, tuple(map(str, shown)), advice, relaxations)


def _rounded_up(limit: Limit, by: float) -> float:
    """An amount to the cent, or whole cell, that is enough; a minimum never falls below 0."""
    if limit.unit is Unit.UNITS:
        return by * (1.0 + 1e-9)
    steps = 1.0 if limit.unit is Unit.CELLS else 100.0
    enough = math.ceil(by * steps * (1.0 - 1e-12) - 1e-4) / steps
    is_floor = not limit.is_most and limit.states_bound and limit.target is None
    return min(enough, limit.bound) if is_floor and limit.bound > 0.0 else enough


def _way(limit: Limit, by: float) -> str:
    """A relaxation in words."""
    verb = "raise" if limit.is_most else "lower"
    after = limit.bound + by if limit.is_most else limit.bound - by
    change = f"by {amount(by)} to {amount(after)}"
    if limit.target is not None:
        return _less_of_a_target(limit, by, after)
    if not limit.states_bound:
        return f"ease {limit.subject}{limit.ending} by {amount(by)} of spend"
    if limit.is_bound:
        side = "maximum" if limit.is_most else "minimum"
        return f"{verb} {limit.subject}'s {side}{limit.ending} {change}"
    subject = f"the {limit.subject}" if limit.subject in OUR_OWN else limit.subject
    return f"{verb} {subject} {change}{limit.ending}"


def _less_of_a_target(limit: Limit, by: float, after: float) -> str:
    if not limit.states_bound:
        return f"ease {limit.subject} until it asks for {amount(by)} less"
    most = f"the most the limits allow is about {about(after)}"
    return f"lower {limit.subject} by {amount(by)} to {amount(after)} ({most})"
