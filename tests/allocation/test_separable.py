"""Laws of the interior point: its prices prove its split, in any units, order and storage."""

from __future__ import annotations

from dataclasses import replace

import cvxpy
import numpy as np
import pytest
from scipy.sparse import csr_array

from optimizer.allocation.row_products import DenseRows, Factor, SparseRows
from optimizer.allocation.separable import Concave, Interior, solve
from optimizer.curves import (
    Curve,
    DrawCurves,
    ExponentialCurve,
    HillCurve,
    LogCurve,
    LogisticCurve,
    MichaelisMentenCurve,
    PowerCurve,
    TableCurve,
    mixed,
)

PROVED = 1e-9  # of the gain: what the prices may leave open
HELD = 1e-9  # of what a row moves: by how much it may miss
AGREES = 1e-7  # of the gain: what another solver's tolerance leaves
FAMILIES = ("hill", "michaelis", "exponential", "log", "power", "logistic", "draws", "mixed")


def curves(family: str, n: int, rng: np.random.Generator) -> Curve:
    half, slope = np.exp(rng.normal(0, 1, n)), rng.uniform(0.4, 1, n)
    ceiling = half * np.exp(rng.normal(1, 0.7, n))
    if family == "draws":
        cells = tuple(
            HillCurve(c * rng.uniform(0.5, 2, 30), k * rng.uniform(0.5, 2, 30), np.full(30, s))
            for c, k, s in zip(ceiling, half, slope, strict=True)
        )
        return DrawCurves(cells).tabulated(np.full(n, 4.0 * n)).mean
    if family == "mixed":
        places = [list(range(n))[j::3] for j in range(3) if j < n]
        kinds = ("power", "michaelis", "exponential")
        parts = [(at, curves(kinds[j], len(at), rng)) for j, at in enumerate(places)]
        return mixed(parts)
    return {
        "hill": lambda: HillCurve(ceiling, half, slope),
        "michaelis": lambda: MichaelisMentenCurve(ceiling, half, np.ones(n)),
        "exponential": lambda: ExponentialCurve(ceiling, 1 / half),
        "log": lambda: LogCurve(ceiling, 1 / half),
        "power": lambda: PowerCurve(ceiling, np.where(rng.random(n) < 0.2, 1.0, slope)),
        "logistic": lambda: LogisticCurve(ceiling, 1 / half),
    }[family]()


def instance(family: str, n: int, seed: int, loose: bool = False, romi: bool = False) -> Concave:
    """A fixed total, ranges of two groups, a ratio and a resource, all held by one known split."""
    rng = np.random.default_rng(seed)
    curve = curves(family, n, rng)
    lower = np.where(rng.random(n) < 0.5, 0.0, rng.uniform(0, 0.3, n))
    upper = lower + rng.uniform(0.5, 3, n)
    known = lower + rng.uniform(0.2, 0.8) * (upper - lower)
    group = rng.integers(0, 2, n) == 0
    rows = np.stack([np.ones(n), group, ~group, group - 0.7 * ~group, rng.uniform(0.5, 2, n)])
    total = rows.astype(float) @ known
    low = np.array([total[0], 0.9 * total[1], -np.inf, -np.inf, -np.inf])
    high = np.array([total[0], 1.1 * total[1], 1.05 * total[2], max(total[3], 0.0), total[4]])
    k = int(romi)
    least = np.full(k, curve.value(known).sum() - 0.3 * known.sum())
    return Concave(
        curves=curve,
        worth=rng.uniform(0.5, 2, n),
        cost=np.full(n, rng.choice([0.0, 0.1])),
        lower=lower,
        upper=np.full(n, total[0]) if loose else upper,
        rows=rows.astype(float),
        row_lower=low,
        row_upper=high,
        gain_worth=np.ones((k, n)),
        gain_cost=np.full((k, n), 0.3),
        gain_least=least,
    )


def without_rows(curve: Curve, lower: np.ndarray, upper: np.ndarray, cost: float) -> Concave:
    n, none = lower.size, np.zeros((0, lower.size))
    nil = np.zeros(0)
    return Concave(
        curve, np.ones(n), np.full(n, cost), lower, upper, none, nil, nil, none, none, nil
    )


def answered(problem: Concave, start: np.ndarray | None = None) -> Interior:
    answer = solve(problem, start)
    assert answer is not None
    return answer


def value(problem: Concave, spend: np.ndarray) -> float:
    return float(problem.worth @ problem.curves.value(spend) - problem.cost @ spend)


def size(problem: Concave, spend: np.ndarray) -> float:
    return float(problem.worth @ problem.curves.value(spend))


def bound(problem: Concave, answer: Interior) -> float:
    """What no split can beat, from the prices alone."""
    mu, nu = answer.row_prices, answer.gain_prices
    worth = problem.worth + nu @ problem.gain_worth
    price = problem.cost + mu @ problem.rows + nu @ problem.gain_cost
    best = problem.curves.best_response(price / worth, problem.lower, problem.upper)
    limit = np.where(mu > 0, problem.row_upper, np.where(mu < 0, problem.row_lower, 0.0))
    return float(worth @ best.value + mu @ limit - nu @ problem.gain_least)


def assert_proved(problem: Concave, answer: Interior) -> None:
    spend, gain = answer.spend, problem.curves.value(answer.spend)
    assert np.all((problem.lower <= spend) & (spend <= problem.upper))
    total, moved = problem.rows @ spend, np.abs(problem.rows) @ np.abs(spend)
    assert np.all(total <= problem.row_upper + HELD * moved)
    assert np.all(total >= problem.row_lower - HELD * moved)
    kept = problem.gain_worth @ gain - problem.gain_cost @ spend - problem.gain_least
    assert np.all(kept >= -HELD * (problem.gain_worth @ gain))
    assert np.all(answer.gain_prices >= 0.0)
    assert np.all(answer.row_prices[np.isinf(problem.row_lower)] >= 0.0)
    assert np.all(answer.row_prices[np.isinf(problem.row_upper)] <= 0.0)
    gap = bound(problem, answer) - value(problem, spend)
    assert abs(gap) <= PROVED * size(problem, spend)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("loose", [False, True])
def test_the_prices_prove_the_split(family, loose):
    for seed, n in enumerate((1, 2, 3, 6, 12, 40)):
        for romi in (False, True):
            problem = instance(family, n, seed, loose, romi)
            assert_proved(problem, answered(problem))


def test_a_gain_row_that_binds_has_a_price():
    problem = instance("hill", 12, 3, romi=True)
    free = replace(problem, gain_least=problem.gain_least - 1e3)
    assert answered(free).gain_prices[0] == pytest.approx(0.0, abs=1e-9)
    spend = answered(free).spend
    kept = problem.curves.value(spend).sum() - 0.3 * spend.sum()
    ceiling = answered(replace(free, worth=np.ones(12), cost=np.full(12, 0.3)))
    most = problem.curves.value(ceiling.spend).sum() - 0.3 * ceiling.spend.sum()
    assert most > kept
    tight = replace(problem, gain_least=np.array([0.5 * (kept + most)]))
    answer = answered(tight)
    assert answer.gain_prices[0] > 1e-4
    assert_proved(tight, answer)


@pytest.mark.parametrize("family", ["michaelis", "exponential", "log"])
@pytest.mark.parametrize("seed", range(4))
def test_another_solver_finds_the_same_value(family, seed):
    problem = instance(family, 8, seed, romi=seed % 2 == 1)
    x = cvxpy.Variable(8)
    worthy = problem.curves.rescaled(1.0, problem.worth)
    total = problem.rows @ x
    rules = [x >= problem.lower, x <= problem.upper, total[0] == problem.row_upper[0]]
    rules += [total[1:] <= problem.row_upper[1:], total[1] >= problem.row_lower[1]]
    if len(problem.gain_least):
        gain = problem.curves.cvxpy_expression(x)
        rules.append(gain - problem.gain_cost[0] @ x >= problem.gain_least[0])
    model = cvxpy.Problem(cvxpy.Maximize(worthy.cvxpy_expression(x) - problem.cost @ x), rules)
    model.solve(solver="CLARABEL")
    answer = answered(problem)
    assert abs(model.value - value(problem, answer.spend)) <= AGREES * size(problem, answer.spend)


@pytest.mark.parametrize("money", [1e-6, 1e-3, 1e6, 1e12])
@pytest.mark.parametrize("family", ["hill", "power", "draws", "mixed"])
def test_scaling_money_scales_the_split_and_leaves_the_prices(money, family):
    problem = instance(family, 12, 5, romi=True)
    scaled = replace(
        problem,
        curves=problem.curves.rescaled(money, np.ones(12)),
        lower=money * problem.lower,
        upper=money * problem.upper,
        row_lower=money * problem.row_lower,
        row_upper=money * problem.row_upper,
        gain_least=money * problem.gain_least,
    )
    one, other = answered(problem), answered(scaled)
    np.testing.assert_allclose(other.spend, money * one.spend, rtol=1e-5, atol=1e-6 * money)
    np.testing.assert_allclose(other.row_prices, one.row_prices, rtol=1e-5, atol=1e-6)
    assert_proved(scaled, other)


def test_permuting_the_cells_permutes_the_split():
    problem = instance("hill", 12, 5, romi=True)
    order = np.random.default_rng(0).permutation(12)
    cells = {"worth", "cost", "lower", "upper"}
    permuted = replace(
        problem,
        curves=problem.curves.take(order),
        rows=problem.rows[:, order],
        gain_worth=problem.gain_worth[:, order],
        gain_cost=problem.gain_cost[:, order],
        **{name: getattr(problem, name)[order] for name in cells},
    )
    one, other = answered(problem), answered(permuted)
    np.testing.assert_allclose(other.spend, one.spend[order], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("family", ["hill", "power"])
def test_rows_that_follow_from_others_change_nothing(family):
    problem = instance(family, 12, 7)
    double = [problem.rows, problem.rows[:1], -2.0 * problem.rows[:2], np.zeros((1, 12))]
    low = [problem.row_lower, problem.row_lower[:1], -2.0 * problem.row_upper[:2], [0.0]]
    high = [problem.row_upper, problem.row_upper[:1], -2.0 * problem.row_lower[:2], [0.0]]
    dependent = replace(
        problem,
        rows=np.concatenate(double),
        row_lower=np.concatenate(low),
        row_upper=np.concatenate(high),
    )
    answer = answered(dependent)
    assert_proved(dependent, answer)
    expected = value(problem, answered(problem).spend)
    assert value(problem, answer.spend) == pytest.approx(expected, rel=PROVED)


@pytest.mark.parametrize("family", ["hill", "mixed"])
def test_fixed_cells_stay_and_the_rest_is_proved(family):
    problem = instance(family, 12, 9, romi=True)
    spend = answered(problem).spend
    fixed = np.arange(12) % 3 == 0
    held = replace(
        problem,
        lower=np.where(fixed, spend, problem.lower),
        upper=np.where(fixed, spend, problem.upper),
    )
    answer = answered(held)
    assert np.array_equal(answer.spend[fixed], spend[fixed])
    assert_proved(held, answer)
    assert value(held, answer.spend) == pytest.approx(value(problem, spend), rel=2 * PROVED)


def test_a_split_with_no_freedom_is_its_own_answer():
    problem = instance("hill", 5, 1)
    spend = answered(problem).spend
    answer = answered(replace(problem, lower=spend, upper=spend))
    assert np.array_equal(answer.spend, spend)


def test_all_cells_forced_to_their_bounds_by_the_total():
    problem = instance("michaelis", 6, 2)
    one = np.ones((1, 6))
    for side in (problem.lower, problem.upper):
        total = np.array([side.sum()])
        full = replace(problem, rows=one, row_lower=total, row_upper=total)
        answer = answered(full)
        np.testing.assert_allclose(answer.spend, side, atol=1e-7)
        assert_proved(full, answer)


def test_without_rows_each_cell_takes_its_best():
    curve = MichaelisMentenCurve(np.array([4.0, 0.5, 9.0]), np.ones(3), np.ones(3))
    problem = without_rows(curve, np.zeros(3), np.array([5.0, 5.0, 1.0]), cost=1.0)
    np.testing.assert_allclose(answered(problem).spend, [1.0, 0.0, 1.0], atol=1e-6)


def test_where_nothing_pays_nothing_is_spent():
    curve = MichaelisMentenCurve(np.array([4.0, 1.0, 9.0]), np.ones(3), np.ones(3))
    problem = without_rows(curve, np.zeros(3), np.full(3, 5.0), cost=20.0)
    np.testing.assert_allclose(answered(problem).spend, 0.0, atol=1e-9)


def test_the_least_spend_for_a_target_reaches_it_exactly():
    problem = instance("hill", 6, 4)
    target = 0.5 * problem.curves.value(problem.upper).sum()
    target += 0.5 * problem.curves.value(problem.lower).sum()
    cheapest = replace(
        without_rows(problem.curves, problem.lower, problem.upper, cost=1.0),
        worth=np.zeros(6),
        gain_worth=np.ones((1, 6)),
        gain_cost=np.zeros((1, 6)),
        gain_least=np.array([target]),
    )
    answer = answered(cheapest)
    assert problem.curves.value(answer.spend).sum() == pytest.approx(target, rel=1e-9)
    price = 1.0 / answer.gain_prices[0]
    marginal = problem.curves.marginal(answer.spend)
    inside = (answer.spend > problem.lower + 1e-6) & (answer.spend < problem.upper - 1e-6)
    np.testing.assert_allclose(marginal[inside], price, rtol=1e-5)


def infeasible(kind: str) -> Concave:
    problem = instance("hill", 6, 4, romi=True)
    low, high = problem.row_lower.copy(), problem.row_upper.copy()
    if kind == "total beyond the bounds":
        low[0] = high[0] = 1.01 * problem.upper.sum()
    if kind == "groups against the total":
        low[1], high[1], high[2] = 0.45 * low[0], 0.5 * low[0], 0.45 * low[0]
    if kind == "crossed limits":
        low[1] = 1.1 * high[1]
    least = problem.gain_least
    if kind == "gain beyond the curves":
        least = np.array([problem.curves.value(problem.upper).sum()])
    return replace(problem, row_lower=low, row_upper=high, gain_least=least)


@pytest.mark.parametrize(
    "kind",
    [
        "total beyond the bounds",
        "groups against the total",
        "crossed limits",
        "gain beyond the curves",
    ],
)
def test_where_no_split_is_feasible_there_is_no_answer(kind):
    assert solve(infeasible(kind)) is None


@pytest.mark.parametrize("family", ["hill", "michaelis", "draws"])
def test_a_near_split_saves_steps_and_changes_nothing(family):
    problem = instance(family, 40, 3)
    cold = answered(problem)
    total = 1.01 * problem.row_upper[0]
    moved = replace(
        problem,
        row_lower=np.r_[total, problem.row_lower[1:]],
        row_upper=np.r_[total, 1.02 * problem.row_upper[1:]],
    )
    again, warm = answered(moved), answered(moved, cold.spend)
    assert warm.steps <= again.steps
    assert_proved(moved, warm)


def test_sparse_and_dense_rows_compute_the_same():
    rng = np.random.default_rng(0)
    dense = np.where(rng.random((7, 50)) < 0.3, rng.normal(size=(7, 50)), 0.0)
    dense[:, 0], dense[3] = 0.0, 0.0
    gains, w = rng.normal(size=(2, 50)), rng.random(50)
    one, other = DenseRows(dense, 2), SparseRows(csr_array(dense), 2)
    for rows in (one, other):
        rows.set_gains(gains)
    np.testing.assert_allclose(one.gram(w), other.gram(w), atol=1e-13)
    np.testing.assert_allclose(one.total(w), other.total(w), atol=1e-13)
    np.testing.assert_allclose(one.charge(w[:9]), other.charge(w[:9]), atol=1e-13)
    np.testing.assert_allclose(one.reach(w), other.reach(w), atol=1e-13)
    np.testing.assert_allclose(one.touching(w[:7]), other.touching(w[:7]), atol=1e-13)


def test_the_factor_of_dependent_rows_solves_what_can_be_solved():
    rows = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 0.0, 0.0]])
    matrix = rows @ rows.T
    wanted = matrix @ np.array([1.0, 1.0, 0.0])
    np.testing.assert_allclose(matrix @ Factor(matrix).solve(wanted), wanted, rtol=1e-6)


@pytest.mark.parametrize("n", [3000, pytest.param(200_000, marks=pytest.mark.slow)])
def test_many_cells_with_sparse_rows_are_proved(n):
    problem = instance("michaelis", n, 0, romi=True)
    nested = np.arange(n) % 12 == np.arange(12)[:, None]
    rows = csr_array(np.concatenate([problem.rows[:1], nested]))
    middle = rows @ (0.5 * (problem.lower + problem.upper))
    low, high = np.full(13, -np.inf), 1.02 * middle
    low[0], high[0] = middle[0], middle[0]
    many = replace(problem, rows=rows, row_lower=low, row_upper=high)
    many = replace(many, gain_least=0.9 * many.gain_least)
    assert_proved(many, answered(many))


def tangle(family: str, n: int, m: int, seed: int) -> Concave:
    """Overlapping rows of any sign and size over cells of any size, held by a known split."""
    rng = np.random.default_rng(seed)
    unit = np.exp(rng.normal(0, 3, n))
    curve = curves(family, n, rng).rescaled(unit, np.exp(rng.normal(0, 1, n)))
    lower = np.where(rng.random(n) < 0.5, 0.0, rng.uniform(0, 0.3, n)) * unit
    upper = lower + unit * np.exp(rng.normal(0, 2, n))
    known = lower + rng.uniform(0, 1, n) * (upper - lower)
    rows = (rng.random((m, n)) < 0.4) * rng.choice([1.0, 1.0, -0.5], (m, n))
    rows *= np.exp(rng.normal(0, 3, (m, 1)))
    rows[0] = 1.0
    total = rows @ known
    room = rng.uniform(0, 0.3, m) * np.abs(total)
    low = np.where(rng.random(m) < 0.4, -np.inf, total - room)
    high = np.where(rng.random(m) < 0.3, np.inf, total + room)
    low[0] = high[0] = total[0]
    gains, costs = rng.uniform(0, 1, (2, n)), rng.uniform(0, 0.5, (2, n))
    least = gains @ curve.value(known) - costs @ known
    return Concave(
        curves=curve,
        worth=rng.uniform(0.1, 2, n),
        cost=rng.normal(0, 0.1, n),
        lower=lower,
        upper=upper,
        rows=rows,
        row_lower=low,
        row_upper=high,
        gain_worth=gains,
        gain_cost=costs,
        gain_least=least - 0.05 * np.abs(least),
    )


@pytest.mark.parametrize("family", ["hill", "michaelis", "exponential", "log", "power"])
@pytest.mark.parametrize(("n", "m"), [(5, 3), (12, 8), (60, 20), (200, 100)])
def test_tangled_rows_over_cells_of_all_sizes_are_proved(family, n, m):
    for seed in range(3):
        problem = tangle(family, n, m, seed)
        assert_proved(problem, answered(problem))


def test_a_table_is_proved_up_to_its_last_point():
    spend = np.array([0.0, 1.0, 2.0, 4.0, 8.0, 16.0])
    heights = np.array([1.0, 2.0, 3.0, 5.0])
    table = TableCurve.through([(spend, h * spend / (spend + h)) for h in heights])
    n, one = 4, np.ones((1, 4))
    problem = without_rows(table, np.zeros(n), np.full(n, 16.0), cost=0.0)
    total = np.array([20.0])
    problem = replace(problem, rows=one, row_lower=total, row_upper=total)
    assert_proved(problem, answered(problem))


def test_a_ratio_can_be_held_exactly():
    problem = instance("hill", 6, 3)
    ratio = np.array([1.0, 1.0, 1.0, -0.8, -0.8, -0.8])
    rows = np.stack([np.ones(6), ratio])
    total = 0.4 * problem.lower.sum() + 0.6 * problem.upper.sum()
    limits = np.array([total, 0.0])
    held = replace(problem, rows=rows, row_lower=limits, row_upper=limits)
    held = replace(held, lower=np.zeros(6), upper=np.full(6, total))
    answer = answered(held)
    assert_proved(held, answer)
    assert abs(ratio @ answer.spend) <= HELD * total
