"""Laws of splits under rows, targets, counts and moves; measures of risk and their weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.instances import draws_problem, hill_problem
from optimizer.allocation import AllocationProblem, Leaf, Proof, allocate, certify
from optimizer.allocation.measures import Caution, TailRisk
from optimizer.allocation.rows import Count, Rows, Target

PROVED = 1e-6


def with_groups(rng: np.random.Generator, problem: AllocationProblem) -> AllocationProblem:
    """Two overlapping groups, held to what a split between the best and the current gives."""
    n = problem.lower.size
    members = (rng.random((2, n)) < 0.6).astype(float)
    members[:, 0], members[0, 1], members[1, 1] = 1.0, 1.0, 0.0
    kept = problem.box.nearest(problem.reference)
    most = members @ (0.8 * allocate(problem).spend + 0.2 * kept) + problem.lot
    return replace(problem, rows=Rows(("a", "b"), members, np.full(2, -np.inf), most))


@pytest.mark.parametrize("seed", range(6))
def test_rows_are_kept_and_the_split_is_proved(seed):
    rng = np.random.default_rng(seed)
    problem = with_groups(rng, hill_problem(rng, 8, 0.25))
    answer = allocate(problem)
    assert answer.certificate.gap <= PROVED
    assert np.all(problem.coupling.excess(answer.spend) <= 1e-6)
    assert sum(round(float(x) * 100) for x in answer.spend) == round(problem.total_budget * 100)


@pytest.mark.parametrize("seed", range(4))
def test_any_prices_on_rows_and_targets_prove_a_true_bound(seed):
    rng = np.random.default_rng(seed)
    problem = with_groups(rng, hill_problem(rng, 6, 0.25))
    best = allocate(problem)
    target = Target("gain", np.ones(6), np.zeros(6), 0.9 * best.certificate.value)
    problem = replace(problem, targets=(target,), most_moved=problem.total_budget)
    for _ in range(20):
        prices = np.abs(rng.normal(size=6)) * rng.choice([0.01, 1.0, 10.0])
        proof = Proof((Leaf(prices),))
        assert certify(problem, best.spend, proof).upper_bound >= best.certificate.value * (
            1 - 1e-12
        )


@pytest.mark.parametrize("seed", range(3))
def test_a_tighter_row_never_earns_more(seed):
    rng = np.random.default_rng(seed)
    problem = with_groups(rng, hill_problem(rng, 6, 0.25))
    rows = problem.coupling
    tighter = replace(problem, rows=replace(rows, upper=0.995 * rows.upper))
    loose, tight = allocate(problem).certificate, allocate(tighter).certificate
    assert tight.value <= loose.upper_bound * (1 + 1e-12)


@given(st.integers(0, 10_000), st.sampled_from([1e-3, 1e4]))
def test_scaling_money_scales_a_split_under_rows(seed, unit):
    rng = np.random.default_rng(seed % 7)
    problem = with_groups(rng, hill_problem(rng, 5, 0.25, slopes=(0.5, 1.0)))
    rows = problem.coupling
    scaled = replace(
        problem,
        gains=problem.mean_gain.rescaled(unit, 1.0),
        lower=problem.lower * unit,
        upper=problem.upper * unit,
        reference=problem.reference * unit,
        total_budget=problem.total_budget * unit,
        rows=replace(rows, upper=rows.upper * unit),
        lot=problem.lot * unit,
    )
    first, second = allocate(problem).certificate, allocate(scaled).certificate
    assert second.value == pytest.approx(first.value * unit, rel=1e-6)


def test_a_count_keeps_as_many_cells_as_it_says():
    problem = hill_problem(np.random.default_rng(5), 8, 0.25)
    everyone = np.ones(8, dtype=bool)
    few = replace(
        problem,
        optional=everyone,
        lower=np.full(8, problem.lot),
        counts=(Count("few", everyone, 0, 3),),
    )
    answer = allocate(few)
    assert int((answer.spend > 0.0).sum()) <= 3
    assert answer.certificate.gap <= PROVED


def test_the_least_spend_reaches_its_target_and_no_less_would():
    problem = hill_problem(np.random.default_rng(5), 6, 0.25)
    asked = 0.8 * allocate(problem).certificate.value
    target = Target("revenue", np.ones(6), np.zeros(6), asked)
    cheap = replace(
        problem, least_total=0.0, counts_gain=False, cost_per_spend=1.0, targets=(target,)
    )
    answer = allocate(cheap)
    total = float(answer.spend.sum())
    assert problem.objective(answer.spend) >= asked
    assert answer.certificate.value == pytest.approx(total)
    assert answer.certificate.gap <= PROVED
    less = replace(problem, total_budget=round(0.999 * total, 2))
    assert allocate(less).certificate.upper_bound < asked


def test_the_best_ratio_is_no_worse_than_any_total():
    problem = hill_problem(np.random.default_rng(5), 6, 0.25)
    least = round(0.5 * problem.total_budget, 2)
    answer = allocate(replace(problem, is_ratio=True, least_total=least))
    for share in (0.5, 0.6, 0.8, 1.0):
        total = round(share * problem.total_budget, 2)
        fixed = allocate(replace(problem, total_budget=total))
        assert fixed.certificate.value / total - 1.0 <= answer.certificate.upper_bound + 1e-9


@pytest.mark.parametrize("slope", [0.6, 1.6])
@pytest.mark.parametrize("tail", [None, TailRisk(0.1, 0.5)])
@pytest.mark.parametrize("caution", [0.0, 0.5])
def test_of_a_fixed_total_the_best_ratio_is_the_best_gain(slope, tail, caution):
    rng = np.random.default_rng(6)
    problem = draws_problem(rng, 4, caution, n_draws=50, multiples=(0.5, 2.0), slope=slope)
    problem = replace(problem, tail=tail)
    gain, ratio = allocate(problem), allocate(replace(problem, is_ratio=True))
    total = problem.total_budget
    np.testing.assert_array_equal(ratio.spend, gain.spend)
    assert ratio.certificate.value == pytest.approx(gain.certificate.value / total - 1.0)
    assert ratio.certificate.upper_bound == pytest.approx(
        gain.certificate.upper_bound / total - 1.0
    )
    assert ratio.certificate.gap == pytest.approx(gain.certificate.gap, abs=1e-12)


@pytest.mark.parametrize("measure", [Caution(0.5), TailRisk(0.1, 0.5), TailRisk(0.25, 1.0)])
def test_a_measure_is_the_least_of_its_weighted_means(measure):
    rng = np.random.default_rng(0)
    gain = rng.normal(size=50)
    worst = measure.weights(measure.worst(gain))
    assert worst.sum() == pytest.approx(1.0)
    assert worst @ gain == pytest.approx(measure.value(gain))
    for _ in range(50):
        other = measure.weights(rng.normal(size=50) * rng.choice([0.01, 0.1, 1.0]))
        assert other.sum() == pytest.approx(1.0)
        assert other @ gain >= measure.value(gain) - 1e-12
    smooth = measure.smooth(gain, 1e-8)
    assert smooth.value == pytest.approx(measure.value(gain), rel=1e-5)


def test_tail_risk_under_rows_is_proved():
    rng = np.random.default_rng(1)
    problem = draws_problem(rng, 5, 0.0, n_draws=100, multiples=(0.5, 2.0))
    answer = allocate(with_groups(rng, replace(problem, tail=TailRisk(0.1, 0.5))))
    assert answer.certificate.gap <= 1e-5
