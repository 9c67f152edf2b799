"""Laws of the best split under every kind of rule, over generated problems.

A certificate bounds what any feasible split earns. So where every split of one problem is a split
of another, the value of the one may not exceed the bound of the other, whatever the gaps.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.instances import hill_problem
from optimizer.allocation import Allocation, AllocationProblem, allocate
from optimizer.allocation.rows import Count, Rows, Target
from optimizer.curves import DrawCurves, HillCurve
from tests.allocation.cases import CONSTRAINTS, OBJECTIVES, Case, case_of
from tests.allocation.test_oracle import ROUNDING, worth_of_cents

UNIQUE = 2e-3  # of the budget: how flat a concave optimum is to a gap of 1e-8
PROVED = 1e-6
FAR = 1e12  # currency, more than any split here
FEW = settings(max_examples=10)

names = st.lists(st.sampled_from(list(CONSTRAINTS)), min_size=1, max_size=2, unique=True).map(tuple)
additive = st.sampled_from(["revenue", "profit", "profit_free"])
objectives = st.sampled_from(list(OBJECTIVES))
risks = st.sampled_from(["plain", "plain", "caution"])
seeds = st.integers(100, 10_000)


def levels(problem: AllocationProblem, answer: Allocation) -> tuple[float, float]:
    """Value and bound, the larger the better: the least spend counts negative."""
    proof = answer.certificate
    if problem.counts_gain:
        return proof.value, proof.upper_bound
    return -abs(proof.value), -abs(proof.upper_bound)


def assert_at_most(one: Case, other: Case) -> None:
    """The best of one problem is no better than what is possible in another."""
    value, _ = levels(one.problem, first := allocate(one.problem))
    _, bound = levels(other.problem, allocate(other.problem))
    size = abs(value) + abs(bound) + (0.0 if one.problem.is_ratio else one.problem.total_budget)
    cents = worth_of_cents(one, float(first.spend.sum()))
    assert value <= bound + ROUNDING * size + cents


# --- the order of cells ----------------------------------------------------------------------


def permuted(case: Case, order: np.ndarray) -> Case:
    """The same problem with its cells in another order."""
    problem = case.problem
    upper, draws, rows = problem.upper[order], problem.draws, problem.rows
    if draws is None:
        gains = problem.mean_gain.take(order)
    else:
        source = draws.source
        assert isinstance(source, DrawCurves)
        gains = DrawCurves(tuple(source.cells[i] for i in order)).tabulated(upper)
    turned = replace(
        problem,
        cells=tuple(problem.cells[i] for i in order),
        gains=gains,
        lower=problem.lower[order],
        upper=upper,
        reference=problem.reference[order],
        optional=None if problem.optional is None else problem.optional[order],
        rows=None if rows is None else replace(rows, matrix=rows.dense[:, order]),
        targets=tuple(
            replace(t, worth=t.worth[order], cost=t.cost[order]) for t in problem.targets
        ),
        counts=tuple(replace(c, members=c.members[order]) for c in problem.counts),
    )
    return Case(turned, case.witness[order], case.ideal[order])


@FEW
@given(names, objectives, risks, seeds)
def test_permuting_cells_permutes_the_value_under_any_rules(rules, objective, risk, seed):
    case = case_of(rules, objective, risk, seed)
    order = np.random.default_rng(seed).permutation(case.witness.size)
    other = permuted(case, order)
    assert_at_most(case, other)
    assert_at_most(other, case)


@FEW
@given(seeds)
def test_permuting_cells_permutes_the_answer_where_it_is_unique(seed):
    rng = np.random.default_rng(seed)
    problem = hill_problem(rng, 6, 0.25, slopes=(0.5, 0.9))
    members = (rng.random((2, 6)) < 0.5).astype(float)
    middle = 0.5 * members @ (allocate(problem).spend + problem.box.nearest(problem.reference))
    problem = replace(problem, rows=Rows(("a", "b"), members, np.full(2, -np.inf), middle))
    order = rng.permutation(6)
    case = Case(problem, problem.reference, problem.reference)
    first, second = allocate(problem), allocate(permuted(case, order).problem)
    np.testing.assert_allclose(
        second.spend, first.spend[order], rtol=0.0, atol=UNIQUE * problem.total_budget
    )


# --- cells cut in two ------------------------------------------------------------------------

DIVISIBLE = ("group_sum", "overlapping_groups", "share", "ratio", "resource", "moved", "between")
DIVISIBLE += ("revenue_target", "profit_target", "romi_target")


def halved(problem: AllocationProblem) -> AllocationProblem:
    """Every cell as two: each earns half the response at half the spend, under the same rules."""
    twice = np.repeat(np.arange(problem.lower.size), 2)
    rows = problem.coupling
    return replace(
        problem,
        cells=tuple(f"{problem.cells[i]} {half}" for i in range(twice.size // 2) for half in "ab"),
        gains=problem.mean_gain.take(twice).rescaled(0.5, 1.0),
        lower=problem.lower[twice] / 2.0,
        upper=problem.upper[twice] / 2.0,
        reference=problem.reference[twice] / 2.0,
        rows=replace(rows, matrix=rows.dense[:, twice]) if rows.names else None,
        targets=tuple(
            replace(t, worth=t.worth[twice], cost=t.cost[twice]) for t in problem.targets
        ),
    )


@FEW
@given(st.lists(st.sampled_from(DIVISIBLE), min_size=1, max_size=2, unique=True), additive, seeds)
def test_a_concave_cell_cut_in_two_changes_nothing_under_rules_that_cover_both(
    rules, objective, seed
):
    rng = np.random.default_rng(seed)
    case = case_of((), "revenue", "plain", seed)
    size = case.problem.total_budget * rng.uniform(0.2, 1.0, case.witness.size)
    case = case.changed(gains=HillCurve(3.0 * size, size, rng.uniform(0.4, 1.0, size.size)))
    case = replace(case, ideal=allocate(case.problem).spend)
    for name in sorted(rules, key=list(CONSTRAINTS).index):
        case = CONSTRAINTS[name](rng, case)
    case = OBJECTIVES[objective](rng, case)
    two = halved(case.problem)
    twice = Case(two, np.repeat(case.witness, 2) / 2.0, np.repeat(case.ideal, 2) / 2.0)
    assert_at_most(case, twice)
    assert_at_most(twice, case)
    answer = allocate(two)
    proof = answer.certificate
    left_open = proof.upper_bound - proof.value - answer.rounding_loss
    assert left_open <= PROVED * (abs(proof.value) + two.total_budget)


# --- more money ------------------------------------------------------------------------------


@FEW
@given(names, additive, risks, seeds, st.floats(1.01, 1.5))
def test_a_larger_budget_that_need_not_be_spent_never_earns_less(
    rules, objective, risk, seed, more
):
    case = case_of(rules, objective, risk, seed)
    problem = case.problem
    least = problem.total_budget if problem.least_total is None else problem.least_total
    most = round(np.floor(more * problem.total_budget / problem.lot) * problem.lot, 2)
    larger = case.changed(least_total=least, total_budget=max(most, problem.total_budget))
    assert_at_most(case, larger)


@FEW
@given(st.sampled_from(["bounds", "locked", "group_sum"]), seeds)
def test_revenue_rises_with_a_fixed_budget_where_limits_are_caps_in_money(rule, seed):
    """Caps on groups that do not cross leave room for every split with more added to it."""
    case = case_of((rule,), "revenue", "plain", seed)
    problem, rows = case.problem, case.problem.rows
    if rows is not None:
        case = case.changed(rows=replace(rows, lower=np.full(len(rows.names), -np.inf)))
    budgets = np.linspace(float(problem.lower.sum()), float(problem.upper.sum()), 6)[1:-1]
    cases = [case.changed(total_budget=round(float(budget), 2)) for budget in budgets]
    possible = [c for c in cases if _has_room(c.problem)]
    for less, more in pairwise(possible):
        assert_at_most(less, more)


def _has_room(problem: AllocationProblem) -> bool:
    from scipy.optimize import linprog

    rows = problem.coupling
    found = linprog(
        np.zeros(problem.lower.size),
        A_ub=rows.dense if rows.names else None,
        b_ub=np.minimum(rows.upper, FAR) if rows.names else None,
        A_eq=np.ones((1, problem.lower.size)),
        b_eq=[problem.total_budget],
        bounds=np.column_stack([problem.lower, problem.upper]),
    )
    return bool(found.success)


# --- tighter rules ---------------------------------------------------------------------------


def tightened(case: Case, share: float) -> Case:
    """Every limit moved part of the way to what the witness uses."""
    problem, witness = case.problem, case.witness
    rows = problem.coupling
    used = rows.used(witness)
    change = witness - problem.reference
    moved = max(np.maximum(change, 0.0).sum(), np.maximum(-change, 0.0).sum())
    most = problem.most_moved
    upper = problem.upper + share * (witness - problem.upper)
    return case.changed(
        upper=np.maximum(np.ceil(upper / problem.lot - 1e-9) * problem.lot, witness),
        rows=replace(
            rows,
            lower=rows.lower + share * np.where(np.isfinite(rows.lower), used - rows.lower, 0.0),
            upper=rows.upper + share * np.where(np.isfinite(rows.upper), used - rows.upper, 0.0),
        )
        if rows.names
        else None,
        most_moved=None if most is None else most + share * (moved - most),
        targets=tuple(_raised(problem, target, witness, share) for target in problem.targets),
        counts=tuple(_narrowed(count, witness) for count in problem.counts),
    )


def _raised(
    problem: AllocationProblem, target: Target, witness: np.ndarray, share: float
) -> Target:
    spare, _ = problem.reached(target, witness)
    return replace(target, least=target.least + 0.9 * share * max(spare, 0.0))


def _narrowed(count: Count, witness: np.ndarray) -> Count:
    active = int((count.members & (witness > 0.0)).sum())
    return replace(count, at_least=active, at_most=active)


@FEW
@given(names, objectives, risks, seeds, st.floats(0.05, 0.9))
def test_tighter_rules_never_raise_the_objective(rules, objective, risk, seed, share):
    case = case_of(rules, objective, risk, seed)
    assert_at_most(tightened(case, share), case)


# --- money is exact --------------------------------------------------------------------------


@FEW
@given(names, st.sampled_from(["revenue", "profit"]), risks, seeds)
def test_a_fixed_budget_is_held_to_the_cent_under_any_rules(rules, objective, risk, seed):
    case = case_of(rules, objective, risk, seed)
    problem, answer = case.problem, allocate(case.problem)
    lots = np.round(answer.spend / problem.lot)
    np.testing.assert_allclose(answer.spend, lots * problem.lot, rtol=1e-12)
    most = round(problem.total_budget / problem.lot)
    least = most if problem.least_total is None else round(problem.least_total / problem.lot)
    assert least <= int(lots.sum()) <= most


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_the_tightest_rules_leave_the_witness(name):
    """The tightened problems of these laws are not empty, or they would prove nothing."""
    case = case_of((name,), "revenue", "plain", 100)
    tight = tightened(case, 0.9).problem
    assert tight.shortfall(case.witness) <= 1e-9
    assert np.all(case.witness <= tight.upper + 1e-9)
