"""Random allocation problems, and other ways to solve them, as well as they can be done."""

from __future__ import annotations

import itertools

import numpy as np
from scipy.optimize import minimize

from optimizer.allocation import AllocationProblem
from optimizer.curves import (
    Curve,
    DrawCurves,
    ExponentialCurve,
    HillCurve,
    LogCurve,
    MixedCurve,
    TableCurve,
)

FloatArray = np.ndarray


def hill_problem(
    rng: np.random.Generator, n: int, share: float, *, slopes: tuple[float, float] = (0.6, 3.0)
) -> AllocationProblem:
    """Hill curves with bounds of 0 to 3 times the current spend and a budget of their sum."""
    current = np.exp(rng.normal(10.0, 1.0, n))
    curves = HillCurve(
        current * np.exp(rng.normal(1.0, 0.6, n)),
        current * np.exp(rng.normal(0.3, 0.7, n)),
        rng.uniform(*slopes, n),
    )
    return problem_of(curves, np.zeros(n), 3.0 * current, share, current)


def mixed_problem(rng: np.random.Generator, n: int, share: float) -> AllocationProblem:
    """Hill, exponential, logarithm and stated tables side by side."""
    current = np.exp(rng.normal(8.0, 1.0, n))
    groups: list[tuple[FloatArray, Curve]] = []
    for kind, cells in enumerate(np.array_split(rng.permutation(n), min(n, 4))):
        here = current[cells]
        height = here * np.exp(rng.normal(0.8, 0.5, cells.size))
        if kind == 0:
            groups.append((cells, HillCurve(height, here, rng.uniform(1.0, 3.0, cells.size))))
        elif kind == 1:
            groups.append((cells, ExponentialCurve(height, 1.0 / here)))
        elif kind == 2:
            groups.append((cells, LogCurve(height, 2.0 / here)))
        else:
            tables = [
                (
                    np.concatenate([[0.0], np.cumsum(rng.uniform(0.2, 1.0, 4))]) * x,
                    np.concatenate([[0.0], np.cumsum(rng.uniform(0.0, 1.0, 4))]) * y,
                )
                for x, y in zip(here, height, strict=True)
            ]
            groups.append((cells, TableCurve.through(tables)))
    lower = np.where(rng.random(n) < 0.3, 0.2 * current, 0.0)
    return problem_of(MixedCurve(tuple(groups)), lower, 3.0 * current, share, current)


def draws_problem(
    rng: np.random.Generator,
    n: int,
    caution: float,
    *,
    n_draws: int = 100,
    multiples: tuple[float, float] = (0.0, 3.0),
    collinear: bool = False,
    slope: float = 1.2,
) -> AllocationProblem:
    """Correlated draws of Hill curves; of a collinear pair only the sum of returns is known."""
    current = np.exp(rng.normal(10.0, 0.7, n))
    noise = rng.normal(size=(3, n_draws, n)) + 0.5 * rng.normal(size=(3, n_draws, 1))
    roas = np.exp(rng.normal(0.4, 0.4, n) + 0.4 * noise[0])
    if collinear:
        roas[:, 1] = 2.0 * roas[:, 0].mean() - roas[:, 0]
        current[1] = current[0]
    half = current * np.exp(rng.normal(0.3, 0.4, n) + 0.3 * noise[1])
    steep = slope * np.exp(rng.normal(0.0, 0.3, n) + 0.2 * noise[2])
    at_current = 1.0 / (1.0 + (half / current) ** steep)
    ceiling = np.maximum(roas, 0.01) * current / at_current
    draws = DrawCurves(tuple(HillCurve(ceiling[:, i], half[:, i], steep[:, i]) for i in range(n)))
    upper = np.floor(100.0 * multiples[1] * current) / 100.0
    lower = np.ceil(100.0 * multiples[0] * current) / 100.0
    budget = round(float(current.sum()), 2)
    return AllocationProblem(
        cells=tuple(f"cell {i}" for i in range(n)),
        gains=draws.tabulated(upper),
        total_budget=budget,
        lower=lower,
        upper=upper,
        reference=current * budget / current.sum(),
        caution=caution,
    )


def problem_of(
    curves: Curve, lower: FloatArray, upper: FloatArray, share: float, current: FloatArray
) -> AllocationProblem:
    lower, upper = np.ceil(lower * 100.0) / 100.0, np.floor(upper * 100.0) / 100.0
    budget = round(float(lower.sum() + share * (upper.sum() - lower.sum())), 2)
    return AllocationProblem(
        cells=tuple(f"cell {i}" for i in range(lower.size)),
        gains=curves,
        total_budget=budget,
        lower=lower,
        upper=upper,
        reference=current * budget / current.sum(),
    )


def brute_force(problem: AllocationProblem, steps: int) -> float:
    """Best value on a fine grid of all splits of three cells, refined around its best point."""
    assert problem.lower.size == 3
    low, high = problem.lower[:2], problem.upper[:2]
    best_value, best = -np.inf, low
    for _ in range(5):
        axes = [np.linspace(a, b, steps) for a, b in zip(low, high, strict=True)]
        for x in itertools.product(*axes):
            last = problem.total_budget - x[0] - x[1]
            if not problem.lower[2] <= last <= problem.upper[2]:
                continue
            value = problem.objective(np.array([*x, last]))
            if value > best_value:
                best_value, best = value, np.array(x)
        reach = 2.0 * (high - low) / (steps - 1)
        low = np.maximum(problem.lower[:2], best - reach)
        high = np.minimum(problem.upper[:2], best + reach)
    return best_value


def slsqp(problem: AllocationProblem, start: FloatArray) -> FloatArray:
    """scipy's SLSQP in scaled variables with exact gradients, made exactly feasible after."""
    unit = float(np.median(problem.upper))
    size = abs(problem.objective(start)) or 1.0

    def loss(x: FloatArray) -> float:
        return -problem.objective(x * unit) / size

    def slope(x: FloatArray) -> FloatArray:
        return -problem.marginal_gain(x * unit) * unit / size

    found = minimize(
        loss,
        start / unit,
        jac=slope,
        method="SLSQP",
        bounds=list(zip(problem.lower / unit, problem.upper / unit, strict=True)),
        constraints={
            "type": "eq",
            "fun": lambda x: np.array([x.sum() - problem.total_budget / unit]),
            "jac": lambda x: np.ones((1, x.size)),
        },
        options={"maxiter": 500, "ftol": 1e-12},
    )
    inside = np.clip(np.nan_to_num(found.x * unit, nan=0.0), problem.lower, problem.upper)
    return problem.box.nearest(inside)
