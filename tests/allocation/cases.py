"""Small problems of every kind: a base to which constraints and an objective are added.

Each constraint keeps a *witness* split feasible and cuts off the *ideal*, what would be best
without it, wherever the two lie on different sides; so problems stay feasible and constraints
bind, alone and together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from optimizer.allocation import AllocationProblem
from optimizer.allocation.measures import TailRisk
from optimizer.allocation.rows import Count, Rows, Target
from optimizer.curves import Curve, DrawCurves, ExponentialCurve, HillCurve, LogCurve, MixedCurve
from tests.allocation.oracle import Splits, brute_force

FloatArray = np.ndarray
N_DRAWS = 15
COARSE = 40  # coarse lots in a budget
CENT = 0.01


@dataclass(frozen=True)
class Case:
    """A problem with a split known to be feasible."""

    problem: AllocationProblem
    witness: FloatArray  # (n,), currency
    ideal: FloatArray  # (n,), currency: what would be best of the base

    def used(self, weights: FloatArray) -> tuple[float, float]:
        """What the witness and the ideal use of a weighted sum."""
        return float(weights @ self.witness), float(weights @ self.ideal)

    def changed(self, **fields: object) -> Case:
        """The same with other fields of the problem."""
        return replace(self, problem=replace(self.problem, **fields))  # type: ignore[arg-type]


Change = Callable[[np.random.Generator, Case], Case]


def base(rng: np.random.Generator, risk: str = "plain", *, coarse: bool = False) -> Case:
    """Two or three cells, a fixed total, a random feasible split as the witness."""
    n = int(rng.integers(2, 4))
    size = 10.0 ** rng.uniform(2.0, 5.0) * np.exp(rng.normal(0.0, 0.5, n))
    budget = round(float(size.sum()), 2)
    lot = CENT * max(round(budget / COARSE / CENT), 1) if coarse else CENT
    upper = _in_lots(rng.uniform(1.0, 3.0, n) * size, lot)
    witness = _witness(rng, upper, lot)
    total = float(witness.sum())
    problem = AllocationProblem(
        cells=("search", "tv", "radio")[:n],
        gains=_gains(rng, size, upper, risk),
        total_budget=total,
        lower=np.zeros(n),
        upper=upper,
        reference=_reference(rng, witness),
        caution=0.7 if risk == "caution" else 0.0,
        tail=TailRisk(0.2, 0.6) if risk == "tail" else None,
        lot=lot,
    )
    ideal = brute_force(problem).spend
    assert ideal is not None
    return Case(problem, witness, ideal)


def _in_lots(money: FloatArray, lot: float) -> FloatArray:
    """Money in whole lots, at least one."""
    return np.round(np.maximum(np.round(money / lot), 1.0) * lot, 2)


def _witness(rng: np.random.Generator, upper: FloatArray, lot: float) -> FloatArray:
    """A split inside the bounds; now and then with a cell that gets nothing."""
    share = rng.uniform(0.1, 0.6, upper.size)
    witness = _in_lots(share * upper, lot)
    if rng.random() < 0.35:
        witness[rng.integers(upper.size)] = 0.0
    return witness


def _reference(rng: np.random.Generator, witness: FloatArray) -> FloatArray:
    """A current split of the same total, not far from the witness."""
    other = witness * np.exp(rng.normal(0.0, 0.3, witness.size)) + 0.05 * witness.mean()
    return other * (witness.sum() / other.sum())


def _gains(rng: np.random.Generator, size: FloatArray, upper: FloatArray, risk: str) -> object:
    """S-shaped and concave curves, or draws of Hill curves."""
    n = size.size
    ceiling, half = size * np.exp(rng.normal(1.0, 0.4, n)), size * np.exp(rng.normal(-0.2, 0.4, n))
    slope = rng.uniform(0.7, 3.0, n)
    if risk == "plain":
        return _mixed(rng, ceiling, half, slope)
    noise = np.exp(rng.normal(0.0, 0.25, (3, N_DRAWS, n)))
    cells = (
        HillCurve(ceiling[i] * noise[0, :, i], half[i] * noise[1, :, i], slope[i] * noise[2, :, i])
        for i in range(n)
    )
    return DrawCurves(tuple(cells)).tabulated(upper)


def _mixed(
    rng: np.random.Generator, ceiling: FloatArray, half: FloatArray, slope: FloatArray
) -> Curve:
    """Hill curves, one in three problems with a concave cell of another family."""
    if rng.random() < 0.67:
        return HillCurve(ceiling, half, slope)
    other = LogCurve if rng.random() < 0.5 else ExponentialCurve
    first, rest = np.array([0]), np.arange(1, half.size)
    concave = other(ceiling[:1], 1.0 / half[:1])
    return MixedCurve(((first, concave), (rest, HillCurve(ceiling[1:], half[1:], slope[1:]))))


# --- constraints -----------------------------------------------------------------------------


def _limit(rng: np.random.Generator, witness: float, ideal: float) -> float:
    """A limit between what the witness and what the ideal use."""
    return witness + rng.uniform(0.05, 0.8) * (ideal - witness)


def _with_row(rng: np.random.Generator, case: Case, weights: FloatArray, name: str) -> Case:
    """A row on the side on which the ideal lies."""
    witness, ideal = case.used(weights)
    limit = _limit(rng, witness, ideal)
    low, high = (-np.inf, limit) if ideal > witness else (limit, np.inf)
    if rng.random() < 0.3:
        size = float(np.abs(weights) @ case.problem.upper)
        low, high = max(low, witness - 0.3 * size), min(high, witness + 0.3 * size)
    return _with_rows(case, weights[None, :], np.array([low]), np.array([high]), (name,))


def _with_rows(
    case: Case, matrix: FloatArray, lower: FloatArray, upper: FloatArray, names: tuple[str, ...]
) -> Case:
    old = case.problem.rows or Rows.none(case.witness.size)
    rows = Rows(
        (*old.names, *names),
        np.vstack([old.dense, matrix]),
        np.concatenate([old.lower, lower]),
        np.concatenate([old.upper, upper]),
    )
    return case.changed(rows=rows)


def _members(rng: np.random.Generator, n: int) -> FloatArray:
    """A proper part of the cells, not empty, as 0 and 1."""
    members = np.zeros(n)
    members[rng.permutation(n)[: rng.integers(1, n)]] = 1.0
    return members


def bounds(rng: np.random.Generator, case: Case) -> Case:
    lower, upper = case.problem.lower.copy(), case.problem.upper.copy()
    lot, cell = case.problem.lot, int(rng.integers(lower.size))
    limit = _limit(rng, case.witness[cell], case.ideal[cell])
    if case.ideal[cell] > case.witness[cell]:
        upper[cell] = min(np.round(np.ceil(limit / lot) * lot, 2), upper[cell])
    else:
        lower[cell] = max(np.round(np.floor(limit / lot) * lot, 2), lower[cell])
    return case.changed(lower=lower, upper=upper)


def locked(rng: np.random.Generator, case: Case) -> Case:
    lower, upper = case.problem.lower.copy(), case.problem.upper.copy()
    cell = int(rng.integers(lower.size))
    lower[cell] = upper[cell] = case.witness[cell]
    return case.changed(lower=lower, upper=upper)


def minimum_if_active(rng: np.random.Generator, case: Case) -> Case:
    """Cells may get nothing or at least a share of what they have."""
    problem = case.problem
    at_least = np.where(case.witness > 0.0, rng.uniform(0.5, 1.0, case.witness.size), 0.0)
    least = np.floor(at_least * case.witness / problem.lot) * problem.lot
    off = case.witness <= 0.0
    least[off] = np.floor(0.4 * problem.upper[off] / problem.lot) * problem.lot
    least = np.minimum(np.maximum(np.round(least, 2), problem.lower), problem.upper)
    had = problem.lower > 0.0 if problem.optional is None else problem.lower * ~problem.optional > 0
    return case.changed(lower=least, optional=~had & (least > 0.0))


def group_sum(rng: np.random.Generator, case: Case) -> Case:
    return _with_row(rng, case, _members(rng, case.witness.size), "group")


def overlapping_groups(rng: np.random.Generator, case: Case) -> Case:
    for number in range(2):
        case = _with_row(rng, case, _members(rng, case.witness.size), f"group {number}")
    return case


def share(rng: np.random.Generator, case: Case) -> Case:
    members = _members(rng, case.witness.size)
    part = _limit(rng, *(m / t for m, t in zip(case.used(members), _sums(case), strict=True)))
    low = part < case.used(members)[0] / case.witness.sum()
    side = (0.0, np.inf) if low else (-np.inf, 0.0)
    matrix = (members - part)[None, :]
    return _with_rows(case, matrix, np.array(side[:1]), np.array(side[1:]), ("share",))


def _sums(case: Case) -> tuple[float, float]:
    return float(case.witness.sum()), float(case.ideal.sum())


def ratio(rng: np.random.Generator, case: Case) -> Case:
    order = rng.permutation(case.witness.size)
    one, other = np.zeros(order.size), np.zeros(order.size)
    one[order[0]], other[order[1:]] = 1.0, 1.0
    here = case.used(one)[0] / max(case.used(other)[0], 1e-9)
    wished = case.used(one)[1] / max(case.used(other)[1], 1e-9)
    if here > 1e6:
        return case
    limit = _limit(rng, here, min(wished, 10.0 * here + 1.0))
    side = (limit, np.inf) if wished < here else (-np.inf, limit)
    low = np.array([0.0 if np.isfinite(side[0]) else -np.inf])
    high = np.array([0.0 if np.isfinite(side[1]) else np.inf])
    return _with_rows(case, (one - limit * other)[None, :], low, high, ("ratio",))


def resource(rng: np.random.Generator, case: Case) -> Case:
    weights = rng.uniform(0.001, 0.01, case.witness.size)
    witness, ideal = case.used(weights)
    most = max(_limit(rng, witness, ideal), witness * (1.0 + 1e-6))
    return _with_rows(case, weights[None, :], np.array([-np.inf]), np.array([most]), ("resource",))


def at_most_active(rng: np.random.Generator, case: Case) -> Case:
    return _counted(rng, case, at_most=True)


def at_least_active(rng: np.random.Generator, case: Case) -> Case:
    return _counted(rng, case, at_most=False)


def _counted(rng: np.random.Generator, case: Case, *, at_most: bool) -> Case:
    """A count the witness keeps; its members get nothing or at least one lot."""
    problem, n = case.problem, case.witness.size
    members = np.ones(n, dtype=bool) if rng.random() < 0.6 else _members(rng, n) > 0.0
    optional = problem.optional if problem.optional is not None else np.zeros(n, dtype=bool)
    raised = members & (problem.lower <= 0.0) & (problem.upper > 0.0)
    active = int((case.witness[members] > 0.0).sum())
    limits = (0, active) if at_most else (active, int(members.sum()))
    return case.changed(
        lower=np.where(raised, problem.lot, problem.lower),
        optional=optional | raised,
        counts=(*problem.counts, Count("count", members, *limits)),
    )


def moved(rng: np.random.Generator, case: Case) -> Case:
    change = case.witness - case.problem.reference
    most = max(float(np.maximum(change, 0.0).sum()), float(np.maximum(-change, 0.0).sum()))
    return case.changed(most_moved=most * rng.uniform(1.05, 1.5))


def between(rng: np.random.Generator, case: Case) -> Case:
    problem, total = case.problem, float(case.witness.sum())
    least = np.floor(total * rng.uniform(0.5, 1.0) / problem.lot) * problem.lot
    most = np.ceil(total * rng.uniform(1.0, 1.3) / problem.lot) * problem.lot
    most = min(float(most), float(problem.upper.sum()))
    return case.changed(least_total=round(float(least), 2), total_budget=round(most, 2))


def free(rng: np.random.Generator, case: Case) -> Case:
    return case.changed(least_total=0.0, total_budget=round(float(case.problem.upper.sum()), 2))


def _targeted(rng: np.random.Generator, case: Case, name: str, cost: float, least: bool) -> Case:
    """A target that the witness reaches and, where luck has it, the ideal does not."""
    for _ in range(8):
        worth = rng.uniform(0.2, 2.0, case.witness.size)
        gains = Splits(case.problem, np.stack([case.witness, case.ideal])).gains.mean(axis=1)
        (here, there), sums = gains @ worth, np.array(_sums(case))
        if least and here - cost * sums[0] > there - cost * sums[1]:
            break
        if not least and here / sums[0] > there / sums[1]:
            break
    if least:
        short = abs(here - there) * 0.3 + 1e-6 * abs(here)
        target = Target(name, worth, np.full(worth.size, cost), here - cost * sums[0] - short)
    else:
        rate = here / sums[0] * (1.0 - 0.3 * min(abs(1.0 - there / sums[1] * sums[0] / here), 0.5))
        target = Target(name, worth, np.full(worth.size, rate * (1.0 - 1e-6)), 0.0)
    return case.changed(targets=(*case.problem.targets, target))


def revenue_target(rng: np.random.Generator, case: Case) -> Case:
    return _targeted(rng, case, "revenue", 0.0, True)


def profit_target(rng: np.random.Generator, case: Case) -> Case:
    return _targeted(rng, case, "profit", 1.0, True)


def romi_target(rng: np.random.Generator, case: Case) -> Case:
    return _targeted(rng, case, "romi", 0.0, False)


def coarse_lot(rng: np.random.Generator, case: Case) -> Case:
    """Nothing to add: the base of such a case is made in coarse lots."""
    return case


CONSTRAINTS: dict[str, Change] = {
    change.__name__: change
    for change in (
        bounds,
        locked,
        minimum_if_active,
        group_sum,
        overlapping_groups,
        share,
        ratio,
        resource,
        at_most_active,
        at_least_active,
        moved,
        between,
        free,
        revenue_target,
        profit_target,
        romi_target,
        coarse_lot,
    )
}


# --- objectives ------------------------------------------------------------------------------


def revenue(rng: np.random.Generator, case: Case) -> Case:
    return case


def profit(rng: np.random.Generator, case: Case) -> Case:
    """Spend is charged: margins stand in the curves already."""
    return case.changed(cost_per_spend=1.0)


def profit_free(rng: np.random.Generator, case: Case) -> Case:
    """Spend is charged and any total may be spent; the same with a marginal ROMI asked for."""
    return free(rng, case).changed(cost_per_spend=1.0 + rng.choice([0.0, 0.25]))


def romi(rng: np.random.Generator, case: Case) -> Case:
    """Gain over spend, with a minimum to be spent."""
    case = case if case.problem.least_total else between(rng, case)
    return case.changed(is_ratio=True)


def least_spend(rng: np.random.Generator, case: Case) -> Case:
    """As little as earns most of what the witness earns."""
    n = case.witness.size
    one = np.ones(n) if rng.random() < 0.5 else rng.uniform(0.5, 1.5, n)
    cost = float(rng.choice([0.0, 1.0]))
    judged = float(Splits(case.problem, case.witness[None, :]).judged(one)[0])
    least = judged - cost * case.witness.sum()
    least -= 0.1 * abs(least)
    target = Target("the target", one, np.full(n, cost), least, is_cautious=True)
    case = case if case.problem.least_total is not None else free(rng, case)
    targets = (*case.problem.targets, target)
    return case.changed(counts_gain=False, cost_per_spend=1.0, targets=targets)


OBJECTIVES: dict[str, Change] = {
    change.__name__: change for change in (revenue, profit, profit_free, romi, least_spend)
}
RISKS = ("plain", "caution", "tail")


def case_of(
    constraints: tuple[str, ...], objective: str = "revenue", risk: str = "plain", seed: int = 0
) -> Case:
    """The problem of these constraints, this objective, this risk and this seed.

    Whatever the order they are named in, those that fix the total's range come last but for the
    objective, so that nothing that is in place is undone.
    """
    rng = np.random.default_rng([seed, *(ord(c) for c in "".join((*constraints, objective, risk)))])
    case = base(rng, risk, coarse="coarse_lot" in constraints)
    for name in sorted(constraints, key=list(CONSTRAINTS).index):
        case = CONSTRAINTS[name](rng, case)
    return OBJECTIVES[objective](rng, case)
