"""One budget over very many cells: plain and compiled loops agree, and both are proved."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.instances import hill_problem, mixed_problem
from optimizer.allocation import AllocationProblem, Leaf, Proof, allocate, certify
from optimizer.allocation.fast import one_price
from optimizer.allocation.rounding import rounded
from optimizer.curves import Curve, HillCurve, MichaelisMentenCurve, compiled_from
from optimizer.curves.fast import AVAILABLE

AGREE = 1e-12  # relative: the two ways round differently, nothing more
NEVER = 10**12
PRICES = (1e-3, 0.2, 0.7, 1.0, 1.6, 4.0, 1e3)

needs_numba = pytest.mark.skipif(not AVAILABLE, reason="romi[fast] is not installed")


def many_cells(
    n: int, family: str, *, share: float = 0.25, floors: float = 0.3, seed: int = 0
) -> AllocationProblem:
    """Cells of one family with bounds in whole cents, some of them with a minimum."""
    rng = np.random.default_rng(seed)
    current = np.exp(rng.normal(6.0, 1.0, n))
    height = current * np.exp(rng.normal(1.0, 0.6, n))
    half = current * np.exp(rng.normal(0.3, 0.7, n))
    slope = {"S-shaped": rng.uniform(0.6, 3.0, n), "concave": rng.uniform(0.4, 1.0, n)}
    slope["near one"] = 1.0 + rng.choice([-1e-3, -1e-9, 0.0, 1e-9, 1e-3], n)
    curves: Curve = MichaelisMentenCurve(height, half, np.ones(n))
    if family != "Michaelis-Menten":
        curves = HillCurve(height, half, slope[family])
    lower = np.round(np.where(rng.random(n) < floors, 0.3 * current, 0.0), 2)
    upper = np.round(3.0 * current, 2)
    upper[::17] = lower[::17]  # locked, or shut
    budget = round(float(lower.sum() + share * (upper - lower).sum()), 2)
    reference = current * (budget / current.sum())
    return AllocationProblem((), curves, budget, lower, upper, reference)


FAMILIES = ("Michaelis-Menten", "concave", "S-shaped", "near one")


@needs_numba
@pytest.mark.parametrize("price", PRICES)
@pytest.mark.parametrize("family", FAMILIES)
def test_compiled_sums_are_the_plain_sums(family, price):
    problem = many_cells(3_000, family)
    box, curves = problem.box, problem.mean_gain
    with compiled_from(1):
        fast = curves.total_response(price, box.lower, box.upper)
    with compiled_from(NEVER):
        plain = curves.total_response(price, box.lower, box.upper)
        worth = float(curves.value(box.upper).sum())
    assert fast.spend == pytest.approx(plain.spend, rel=AGREE)
    assert fast.value == pytest.approx(plain.value, rel=AGREE, abs=AGREE * worth)
    assert fast.upper == pytest.approx(plain.upper, rel=AGREE, abs=AGREE * worth)
    if price < 10.0:  # beyond, plain second derivatives stop short of zero spend
        assert fast.give == pytest.approx(plain.give, rel=1e-6)


@needs_numba
@pytest.mark.parametrize("price", PRICES)
@pytest.mark.parametrize("family", FAMILIES)
def test_compiled_answers_are_the_plain_answers_cell_by_cell(family, price):
    problem = many_cells(3_000, family)
    box, curves = problem.box, problem.mean_gain
    with compiled_from(1):
        fast = curves.best_response(price, box.lower, box.upper)
        moved = curves.shifted_response(price, 1e-3 * price, box.lower, box.upper)
    with compiled_from(NEVER):
        plain = curves.best_response(price, box.lower, box.upper)
        moved_plain = curves.shifted_response(price, 1e-3 * price, box.lower, box.upper)
        worth = curves.value(box.upper)
    for one, other in ((fast.spend, plain.spend), (moved, moved_plain)):
        assert np.abs(one - other).max() <= 1e-9 * box.upper.max()
    assert np.all(np.abs(fast.value - plain.value) <= AGREE * (worth + price * box.upper))
    assert np.all(fast.upper >= fast.value)


@needs_numba
@pytest.mark.parametrize("share", [0.05, 0.3, 0.9])
@pytest.mark.parametrize("family", FAMILIES)
def test_both_ways_earn_the_same_certificate(family, share):
    problem = many_cells(20_000, family, share=share)
    proofs = []
    for cells in (1, NEVER):
        with compiled_from(cells):
            found = one_price(problem.mean_gain, problem.box)
        split = rounded(problem, found.spend)
        proofs.append(certify(problem, split, Proof((Leaf(found.price),))))
    first, second = proofs
    assert first.value == pytest.approx(second.value, rel=AGREE)
    assert first.upper_bound == pytest.approx(second.upper_bound, rel=AGREE)
    assert first.nodes == second.nodes == 1
    assert first.gap == pytest.approx(second.gap, abs=2e-12)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
@pytest.mark.parametrize(("family", "passes"), [("Michaelis-Menten", 8), ("S-shaped", 10)])
def test_a_handful_of_passes_proves_the_split_to_the_cent(family, passes, share):
    problem = many_cells(200_000, family, share=share)
    found = one_price(problem.mean_gain, problem.box)
    split = rounded(problem, found.spend)
    proof = certify(problem, split, Proof((Leaf(found.price),)))
    assert found.passes <= passes
    assert proof.gap <= 1e-8
    assert np.all(split >= problem.lower)
    assert np.all(split <= problem.upper)
    assert sum(round(x * 100) for x in split.tolist()) == round(problem.total_budget * 100)


def test_passes_are_counted_as_cells_read():
    class Counted(MichaelisMentenCurve):
        read = 0

        def total_response(self, price, lower, upper):
            Counted.read += lower.size
            return super().total_response(price, lower, upper)

        def shifted_response(self, price, shift, lower, upper):
            Counted.read += lower.size
            return super().shifted_response(price, shift, lower, upper)

    problem = many_cells(50_000, "Michaelis-Menten")
    plain = problem.mean_gain
    assert isinstance(plain, MichaelisMentenCurve)
    curves = Counted(plain.ceiling, plain.half_saturation, plain.slope)
    found = one_price(curves, problem.box)
    other_reads = 50_000 + 5_000  # the bounds' sums, and a first slope in the sample
    assert found.passes * 50_000 == pytest.approx(Counted.read + other_reads)


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.sampled_from((0.05, 0.25, 0.6)))
def test_few_cells_are_answered_truly_too(seed, share):
    """Made for many cells, right for any: the bound holds, and concave splits reach it."""
    rng = np.random.default_rng(seed)
    make = hill_problem if seed % 2 else mixed_problem
    problem = make(rng, 7, share)
    found = one_price(problem.mean_gain, problem.box)
    best = allocate(problem).certificate
    size = abs(best.value)
    assert found.bound >= best.value - 1e-12 * size
    assert found.spend.sum() == pytest.approx(problem.total_budget, rel=1e-9)
    assert np.all((found.spend >= problem.lower) & (found.spend <= problem.upper))
    assert problem.objective(found.spend) <= best.upper_bound + 1e-12 * size


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.sampled_from((0.05, 0.25, 0.6)))
def test_few_concave_cells_reach_their_bound(seed, share):
    rng = np.random.default_rng(seed)
    problem = hill_problem(rng, 9, share, slopes=(0.5, 1.0))
    found = one_price(problem.mean_gain, problem.box)
    assert problem.objective(found.spend) >= found.bound * (1 - 1e-8)


@pytest.mark.parametrize("end", ["lower", "upper"])
def test_a_budget_at_the_end_of_the_bounds_is_spent_there(end):
    problem = many_cells(5_000, "S-shaped")
    limits = getattr(problem, end)
    problem = replace(problem, total_budget=round(math.fsum(limits), 2))
    found = one_price(problem.mean_gain, problem.box)
    np.testing.assert_allclose(found.spend, limits, atol=1e-6 * limits.max())
    value = problem.objective(found.spend)
    assert value <= found.bound <= value * (1 + 1e-6)


def test_money_at_scale_moves_no_cell_by_more_than_a_lot():
    problem = many_cells(200_000, "concave")
    spend = one_price(problem.mean_gain, problem.box).spend
    assert np.abs(rounded(problem, spend) - spend).max() <= problem.lot * (1 + 1e-6)


def test_without_numba_everything_is_answered_in_numpy():
    """A process in which numba cannot be found gives the plain answer, even where asked."""
    script = """
import importlib.util as finder
found = finder.find_spec
finder.find_spec = lambda name, *rest: None if name == "numba" else found(name, *rest)
import sys
from tests.allocation.test_fast import many_cells
from optimizer.allocation.fast import one_price
from optimizer.curves import compiled_from
problem = many_cells(3000, "S-shaped")
with compiled_from(1):
    print(float(one_price(problem.mean_gain, problem.box).bound).hex())
assert "numba" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    problem = many_cells(3_000, "S-shaped")
    with compiled_from(NEVER):
        here = one_price(problem.mean_gain, problem.box).bound
    assert float.fromhex(done.stdout) == here


def test_the_loops_mean_the_same_before_they_are_compiled():
    """Plain Python runs the very kernels that numba compiles."""
    from optimizer.curves import kernels

    problem = many_cells(40, "S-shaped")
    box, curves = problem.box, problem.mean_gain
    cell = getattr(kernels.hill_cell, "py_func", kernels.hill_cell)
    columns = (box.lower, box.upper, curves.ceiling, curves.half_saturation, curves.slope)
    answers = [cell(1.2, math.log(1.2), *map(float, row)) for row in zip(*columns, strict=True)]
    plain = curves.best_response(1.2, box.lower, box.upper)
    np.testing.assert_allclose([a[0] for a in answers], plain.spend, rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose([a[2] for a in answers], plain.upper, rtol=1e-9, atol=1e-9)
