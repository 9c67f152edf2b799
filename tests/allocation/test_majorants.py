"""Laws of the relaxation by majorants: it proves what the columns prove, in either arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.allocator_instances import instance
from optimizer.allocation import columns, majorants
from optimizer.allocation.coupled import size_of
from optimizer.allocation.lagrangian import under
from optimizer.allocation.prices import price_search
from optimizer.allocation.problem import Box
from optimizer.curves import HillCurve, compiled_from
from optimizer.curves.fast import AVAILABLE

KINDS = ("concave groups", "s-shaped groups", "minima groups", "minima groups planted")
AGREES = 2e-8  # of the gain: what the columns leave open, twice
ROUNDING = 1e-12  # of the gain


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_majorants_and_columns_prove_the_same_bound(kind, seed):
    problem = instance(kind, 12, seed).problem
    lagrangian, _ = under(problem, None)
    box, scale = problem.box.tightened(), size_of(problem)
    found = majorants.relax(lagrangian, box)
    assert found is not None
    assert majorants.is_closed(lagrangian, found, scale)
    known = columns.relax(lagrangian, box, scale=scale)
    assert found.bound == pytest.approx(known.bound, abs=AGREES * scale)


@pytest.mark.parametrize("seed", range(4))
def test_a_mixture_lies_between_ends_on_which_its_majorant_meets_the_curve(seed):
    problem = instance("minima groups", 12, seed).problem
    lagrangian, _ = under(problem, None)
    box = problem.box.tightened()
    found = majorants.relax(lagrangian, box)
    assert found is not None
    assert np.all((found.low <= found.spend) & (found.spend <= found.high))
    charges = lagrangian.charges(found.prices, box)
    best = lagrangian.respond(box, charges).value
    for end in (found.low, found.high):
        short = best - lagrangian.value(end, charges)
        assert short[found.low < found.high].sum() <= AGREES * size_of(problem)


@pytest.mark.skipif(not AVAILABLE, reason="needs numba")
@pytest.mark.parametrize("kind", KINDS)
def test_compiled_steps_prove_what_the_plain_ones_prove(kind):
    problem = instance(kind, 12, 0).problem
    lagrangian, _ = under(problem, None)
    box = problem.box.tightened()
    plain = majorants.relax(lagrangian, box)
    with compiled_from(1):
        fast = majorants.relax(lagrangian, box)
    assert plain is not None
    assert fast is not None
    assert fast.bound == pytest.approx(plain.bound, rel=ROUNDING)
    np.testing.assert_allclose(fast.spend, plain.spend, atol=1e-6 * problem.total_budget)


def test_lower_bounds_a_rounding_above_the_budget_leave_a_finite_price():
    curves = HillCurve(np.array([9e3, 5e3]), np.array([2e3, 1e3]), np.array([0.8, 1.6]))
    bounds = np.array([2857.26, 2021.91])
    slack = 4e-12
    box = Box(bounds, bounds + slack, float(bounds.sum()) - slack)
    found = price_search(curves, box)
    value = float(curves.value(bounds).sum())
    assert abs(found.price) < 1e6
    assert found.bound == pytest.approx(value, rel=1e-9)
