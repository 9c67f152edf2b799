"""Certificates: feasible, proved, never beaten; and the laws of splitting a budget."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.instances import (
    brute_force,
    draws_problem,
    hill_problem,
    mixed_problem,
    problem_of,
    slsqp,
)
from optimizer.allocation import AllocationProblem, Branch, Leaf, Proof, Route, allocate, certify
from optimizer.allocation.prices import price_search
from optimizer.allocation.risk import POLISHED, RiskObjective, risky_split
from optimizer.curves import (
    ExponentialCurve,
    HillCurve,
    LogCurve,
    MichaelisMentenCurve,
    MixedCurve,
    PowerCurve,
)
from optimizer.errors import InfeasibleError, SolverError

SHARES = (0.1, 0.25, 0.5)
S_SHAPED_GAP = 1e-6
CONCAVE_GAP = 1e-8
CAUTIOUS_GAP = 1e-5
CENT = 0.005


def in_cents(spend: np.ndarray) -> int:
    return sum(round(float(x) * 100) for x in spend)


def assert_feasible(problem: AllocationProblem, spend: np.ndarray) -> None:
    assert in_cents(spend) == round(problem.total_budget * 100), "held to the cent"
    assert np.all(spend >= problem.lower - 1e-9)
    assert np.all(spend <= problem.upper + 1e-9)


def test_two_hundred_random_s_shaped_problems_are_proved():
    """The figure of the allocation design: at least 99 % of gaps at 1e-6, and no bound beaten."""
    rng = np.random.default_rng(20260)
    proved, hard, count = 0, 0, 200
    for number in range(count):
        n = int(np.exp(rng.uniform(np.log(3), np.log(101))))
        problem = hill_problem(rng, n, SHARES[number % 3])
        answer = allocate(problem)
        assert_feasible(problem, answer.spend)
        assert abs(answer.certificate.residual) <= 1e-9 * problem.total_budget
        proved += answer.certificate.gap <= S_SHAPED_GAP
        root = price_search(problem.mean_gain, problem.box.tightened()).bound
        hard += (root - answer.certificate.value) > 1e-5 * answer.certificate.value
        starts = [problem.box.nearest(problem.reference), problem.box.nearest(np.full(n, 1.0))]
        starts.append(problem.box.nearest(rng.uniform(0, 1, n) * problem.upper))
        best = max(problem.objective(slsqp(problem, start)) for start in starts)
        size = abs(answer.certificate.value)
        assert best <= answer.certificate.upper_bound + 1e-12 * size, "a bound was beaten"
        assert answer.certificate.value >= best - (answer.certificate.gap + 1e-9) * size
    assert proved >= 0.99 * count
    assert hard >= count / 3, "the problems must be hard enough to mean something"


@pytest.mark.parametrize("seed", range(12))
def test_no_grid_point_of_three_cells_beats_the_answer(seed):
    rng = np.random.default_rng(seed)
    make = hill_problem if seed % 2 else mixed_problem
    problem = make(rng, 3, SHARES[seed % 3])
    answer = allocate(problem)
    best = brute_force(problem, 61)
    assert_feasible(problem, answer.spend)
    assert best <= answer.certificate.upper_bound * (1 + 1e-12)
    assert answer.certificate.value >= best * (1 - answer.certificate.gap - 1e-9)
    assert answer.certificate.gap <= S_SHAPED_GAP


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("caution", [0.0, 0.5, 1.0])
def test_no_grid_point_beats_the_cautious_answer(seed, caution):
    rng = np.random.default_rng(100 + seed)
    problem = draws_problem(rng, 3, caution, n_draws=40, collinear=seed % 2 == 0)
    answer = allocate(problem)
    best = brute_force(problem, 21)
    size = abs(answer.certificate.value)
    assert_feasible(problem, answer.spend)
    assert best <= answer.certificate.upper_bound + 1e-12 * size
    assert answer.certificate.value >= best - (answer.certificate.gap + 1e-9) * size
    assert answer.certificate.gap <= CAUTIOUS_GAP


@pytest.mark.parametrize("multiples", [(0.5, 2.0), (0.0, 3.0)])
@pytest.mark.parametrize("caution", [0.5, 1.0])
def test_the_certificate_covers_the_joint_draws(multiples, caution):
    for seed in range(5):
        rng = np.random.default_rng(7 * seed + 1)
        problem = draws_problem(rng, 8, caution, multiples=multiples, collinear=True)
        answer = allocate(problem)
        assert answer.certificate.gap <= CAUTIOUS_GAP
        assert_feasible(problem, answer.spend)
        for start in (problem.reference, problem.box.nearest(np.full(8, 1.0)), answer.spend):
            rival = problem.objective(slsqp(problem, problem.box.nearest(start)))
            assert rival <= answer.certificate.upper_bound + 1e-12 * abs(rival)
            assert answer.certificate.value >= rival - 1e-5 * abs(rival)


def test_a_collinear_pair_is_not_traded_on():
    """Two channels whose returns only their sum reveals: joint draws see that moving money
    between them is a gamble; draws shuffled apart do not see half of it."""
    rng = np.random.default_rng(11)
    problem = draws_problem(rng, 4, 1.0, multiples=(0.0, 3.0), collinear=True, n_draws=400)
    bold = allocate(replace(problem, caution=0.0)).spend
    careful = allocate(problem).spend
    moved = np.abs(bold - problem.reference)[:2].sum()
    kept = np.abs(careful - problem.reference)[:2].sum()
    assert kept < 0.8 * moved


def test_more_caution_never_raises_the_spread_of_the_gain():
    for seed in range(6):
        rng = np.random.default_rng(seed)
        problem = draws_problem(rng, 6, 0.0, multiples=(0.5, 2.0))
        before = problem.gain_draws(problem.reference)
        spreads = []
        for caution in (0.0, 0.5, 1.0):
            spend = allocate(replace(problem, caution=caution)).spend
            spreads.append(float(np.std(problem.gain_draws(spend) - before)))
        assert spreads[1] <= spreads[0] * (1 + 1e-6)
        assert spreads[2] <= spreads[1] * (1 + 1e-6)


def test_strongly_s_shaped_draws_are_proved_within_the_promise():
    """Independent draws of steep curves: the worst weighting mixes several splits."""
    for seed in (5, 43, 56):
        rng = np.random.default_rng(seed)
        problem = draws_problem(rng, 6, 1.0, multiples=(0.0, 3.0), slope=2.2)
        answer = allocate(problem)
        assert answer.certificate.gap <= CAUTIOUS_GAP
        assert answer.certificate.nodes < 200


@pytest.mark.parametrize("caution", [0.5, 60.0])
def test_climbing_again_from_a_cautious_answer_finds_nothing_better(caution):
    """Nor from the current split where it is kept: that climb was the search's first."""
    problem = draws_problem(np.random.default_rng(3), 6, caution)
    start, draws = problem.box.nearest(problem.reference), problem.draws
    found, _ = risky_split(problem, draws, start)
    assert np.array_equal(found.spend, start) == (caution == 60.0)
    objective = RiskObjective(problem, draws)
    again = objective.value(objective.climb(found.spend, problem.box, POLISHED))
    assert again <= found.value + POLISHED * objective.scale


def test_great_caution_keeps_the_current_split_and_says_so():
    rng = np.random.default_rng(5)
    problem = draws_problem(rng, 4, 0.5, multiples=(0.5, 2.0))
    answer = allocate(replace(problem, caution=60.0))
    assert answer.is_fallback
    assert np.abs(answer.spend - problem.reference).max() <= 0.02
    assert answer.certificate.gap <= CAUTIOUS_GAP


def test_any_prices_and_directions_prove_a_true_bound():
    """A proof from anywhere may be poor, never false."""
    rng = np.random.default_rng(3)
    problem = draws_problem(rng, 5, 0.7, multiples=(0.0, 3.0), n_draws=50)
    best = allocate(problem).certificate.value
    for _ in range(60):
        price = float(rng.normal(1.0, 1.0))
        direction = rng.normal(size=50) * rng.uniform(0, 3)
        claim = certify(problem, problem.reference, Proof((Leaf(price),), (direction,)))
        assert claim.upper_bound >= best * (1 - 1e-12)


def test_limits_that_miss_the_budget_by_a_rounding_are_still_proved():
    """Sums of decimals: the minima exceed the budget by less than any cent."""
    problem = AllocationProblem(
        cells=("a", "b"),
        gains=HillCurve(np.full(2, 9.0), np.full(2, 4.0), np.ones(2)),
        total_budget=1.0,
        lower=np.array([0.5, 0.5 + 5e-10]),
        upper=np.array([0.6, 0.6]),
        reference=np.array([0.5, 0.5]),
    )
    answer = allocate(problem)
    assert answer.certificate.gap <= CONCAVE_GAP
    assert_feasible(problem, answer.spend)


@pytest.mark.parametrize("price", [np.inf, np.nan])
def test_a_proof_without_a_finite_bound_is_refused(price):
    """One leaf that proves nothing spoils the tree, whatever the others prove."""
    rng = np.random.default_rng(3)
    problem = hill_problem(rng, 4, 0.25)
    a_little = 1e-3 * problem.total_budget
    tree = (Branch(0, a_little, 1, 2), Leaf(1.0), Leaf(price))
    with pytest.raises(SolverError, match="does not bound"):
        certify(problem, problem.box.nearest(problem.reference), Proof(tree))


def test_a_wrong_split_gets_a_gap_not_a_certificate():
    rng = np.random.default_rng(4)
    problem = hill_problem(rng, 8, 0.25)
    answer = allocate(problem)
    poor = problem.box.nearest(np.full(8, problem.total_budget / 8))
    claim = certify(problem, poor, answer.proof)
    assert claim.gap > 1e-3
    assert claim.upper_bound == pytest.approx(answer.certificate.upper_bound, rel=1e-12)


def test_channels_off_their_bounds_share_one_marginal_return():
    rng = np.random.default_rng(9)
    problem = hill_problem(rng, 20, 0.3, slopes=(0.5, 1.0))
    answer = allocate(problem)
    inside = (answer.spend > problem.lower + 1.0) & (answer.spend < problem.upper - 1.0)
    assert inside.sum() >= 5
    np.testing.assert_allclose(answer.marginal_gain[inside], answer.price, rtol=1e-5)
    assert answer.route is Route.PRICE
    assert answer.certificate.gap <= CONCAVE_GAP


@pytest.mark.parametrize("seed", range(6))
def test_clarabel_agrees_on_concave_problems(seed):
    import cvxpy

    rng = np.random.default_rng(seed)
    n = 8
    current = np.exp(rng.normal(3.0, 0.5, n))
    height = current * np.exp(rng.normal(0.8, 0.4, n))
    pairs = np.split(np.arange(n), 4)
    h, c = (lambda k: height[pairs[k]]), (lambda k: current[pairs[k]])
    curves = MixedCurve(
        (
            (pairs[0], HillCurve(h(0), c(0), rng.uniform(0.5, 1.0, 2))),
            (pairs[1], ExponentialCurve(h(1), 1.0 / c(1))),
            (pairs[2], LogCurve(h(2), 1.0 / c(2))),
            (pairs[3], PowerCurve(np.sqrt(h(3)), rng.uniform(0.4, 0.8, 2))),
        )
    )
    problem = problem_of(curves, 0.1 * current, 3.0 * current, 0.4, current)
    answer = allocate(problem)
    spend = cvxpy.Variable(n, nonneg=True)
    rules = [cvxpy.sum(spend) == problem.total_budget, spend >= problem.lower]
    rules.append(spend <= problem.upper)
    rival = cvxpy.Problem(cvxpy.Maximize(curves.cvxpy_expression(spend)), rules)
    rival.solve(solver=cvxpy.CLARABEL)
    assert rival.value == pytest.approx(answer.certificate.value, rel=1e-6)
    np.testing.assert_allclose(spend.value, answer.spend, atol=2e-3 * current.max())


def test_steep_curves_have_no_disciplined_expression():
    import cvxpy

    curves = HillCurve(np.array([1.0]), np.array([1.0]), np.array([1.5]))
    assert curves.cvxpy_expression(cvxpy.Variable(1)) is None


@given(st.integers(0, 10_000), st.sampled_from(SHARES))
def test_permuting_cells_permutes_the_answer(seed, share):
    rng = np.random.default_rng(seed)
    problem = hill_problem(rng, 6, share)
    order = rng.permutation(6)
    shuffled = replace(
        problem,
        gains=problem.mean_gain.take(order),
        lower=problem.lower[order],
        upper=problem.upper[order],
        reference=problem.reference[order],
    )
    first, second = allocate(problem), allocate(shuffled)
    assert second.certificate.value == pytest.approx(first.certificate.value, rel=2e-6)


@given(st.integers(0, 10_000), st.floats(0.01, 1000))
def test_scaling_money_scales_the_value(seed, unit):
    rng = np.random.default_rng(seed)
    problem = hill_problem(rng, 5, 0.25)
    scaled = replace(
        problem,
        gains=problem.mean_gain.rescaled(unit, 1.0),
        total_budget=round(problem.total_budget * unit, 2),
        lower=problem.lower * unit,
        upper=problem.upper * unit,
        reference=problem.reference * unit,
    )
    value = allocate(problem).certificate.value
    assert allocate(scaled).certificate.value == pytest.approx(unit * value, rel=1e-4)


@given(st.integers(0, 10_000))
def test_more_budget_never_earns_less_revenue(seed):
    rng = np.random.default_rng(seed)
    problem = hill_problem(rng, 5, 0.2)
    more = replace(problem, total_budget=round(problem.total_budget * 1.1, 2))
    less_earned = allocate(problem).certificate.value
    assert allocate(more).certificate.value >= less_earned * (1 - 1e-6)


@given(st.integers(0, 10_000))
def test_tighter_bounds_never_earn_more(seed):
    rng = np.random.default_rng(seed)
    problem = hill_problem(rng, 5, 0.25)
    tighter = replace(problem, upper=np.floor(80.0 * problem.upper) / 100.0)
    assert allocate(tighter).certificate.value <= allocate(problem).certificate.value * (1 + 1e-6)


def test_a_concave_cell_cut_in_two_changes_nothing():
    """Two cells that each earn half at half the spend stand for one."""
    whole = MichaelisMentenCurve(np.array([90.0, 60.0]), np.array([30.0, 10.0]), np.ones(2))
    halves = MichaelisMentenCurve(
        np.array([45.0, 45.0, 60.0]), np.array([15.0, 15.0, 10.0]), np.ones(3)
    )
    one = problem_of(whole, np.zeros(2), np.full(2, 100.0), 0.3, np.ones(2))
    two = problem_of(halves, np.zeros(3), np.array([50.0, 50.0, 100.0]), 0.3, np.ones(3))
    first, second = allocate(one), allocate(two)
    assert second.certificate.value == pytest.approx(first.certificate.value, rel=1e-7)
    assert second.spend[0] + second.spend[1] == pytest.approx(first.spend[0], abs=0.02)


@pytest.mark.parametrize(("side", "share"), [("raise", -0.01), ("lower", 1.01)])
def test_a_budget_outside_the_bounds_is_refused_with_the_sum_it_would_need(side, share):
    rng = np.random.default_rng(1)
    problem = mixed_problem(rng, 6, 0.5)
    width = problem.upper.sum() - problem.lower.sum()
    budget = round(float(problem.lower.sum() + share * width), 2)
    with pytest.raises(InfeasibleError, match=f"(?i){side} the budget") as caught:
        allocate(replace(problem, total_budget=budget))
    needed = problem.lower.sum() if side == "raise" else problem.upper.sum()
    assert f"{needed:,.2f}" in str(caught.value)
    assert caught.value.total_budget == budget


@pytest.mark.parametrize("end", ["lower", "upper"])
def test_a_budget_at_the_very_end_of_the_bounds_has_one_answer(end):
    rng = np.random.default_rng(2)
    for problem in (mixed_problem(rng, 6, 0.5), draws_problem(rng, 4, 0.5, multiples=(0.5, 2.0))):
        limits = getattr(problem, end)
        budget = math.fsum(limits)
        answer = allocate(replace(problem, total_budget=round(budget, 2)))
        np.testing.assert_allclose(answer.spend, limits, atol=CENT)
        assert answer.certificate.gap <= CAUTIOUS_GAP


def test_locked_cells_stay_where_they_are():
    rng = np.random.default_rng(6)
    problem = hill_problem(rng, 6, 0.25)
    lower, upper = problem.lower.copy(), problem.upper.copy()
    lower[2] = upper[2] = 123.45
    lower[4] = upper[4] = 0.0
    answer = allocate(replace(problem, lower=lower, upper=upper))
    assert answer.spend[2] == 123.45
    assert answer.spend[4] == 0.0
    assert answer.certificate.gap <= S_SHAPED_GAP


def test_one_cell_gets_the_whole_budget():
    curves = HillCurve(np.array([100.0]), np.array([30.0]), np.array([2.0]))
    problem = problem_of(curves, np.zeros(1), np.full(1, 100.0), 0.5, np.ones(1))
    answer = allocate(problem)
    assert answer.spend[0] == 50.0
    assert answer.certificate.gap <= CONCAVE_GAP


def test_twins_of_an_s_curve_are_funded_one_after_the_other():
    """Half the twins in full beat all of them by half: the relaxation cannot see it."""
    n = 8
    curves = HillCurve(np.full(n, 100.0), np.full(n, 50.0), np.full(n, 3.0))
    problem = problem_of(curves, np.zeros(n), np.full(n, 200.0), 0.2, np.ones(n))
    answer = allocate(problem)
    even = problem.objective(np.full(n, problem.total_budget / n))
    assert answer.certificate.value > 1.2 * even
    assert answer.certificate.upper_bound >= answer.certificate.value
    assert_feasible(problem, answer.spend)


def test_the_same_problem_has_the_same_answer_to_the_last_digit():
    first, second = (allocate(draws_problem(np.random.default_rng(8), 6, 0.5)) for _ in range(2))
    assert np.array_equal(first.spend, second.spend)
    assert first.certificate == second.certificate


def test_a_node_limit_returns_the_best_split_with_its_gap():
    rng = np.random.default_rng(12)
    for _ in range(40):
        problem = hill_problem(rng, 5, 0.1, slopes=(2.0, 3.0))
        full = allocate(problem)
        if full.certificate.nodes < 5:
            continue
        early = allocate(replace(problem, node_limit=1))
        assert early.certificate.upper_bound >= full.certificate.value * (1 - 1e-12)
        assert early.certificate.gap > full.certificate.gap
        assert_feasible(problem, early.spend)
        return
    pytest.fail("no problem needed branching")
