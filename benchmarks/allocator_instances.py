"""Budget problems to solve and to save: concave, S-shaped, with groups, with minima if active.

*Planted* problems have a known optimum: prices are drawn first, every cell gets its best answer
to them, and the budget and the binding limits of groups are what these answers use. No split can
then do better (ALLOCATION.md, section 1). *Drawn* problems have random budgets and limits: their
optimum lies between two prices, and only a bound is known.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.instances import FloatArray
from optimizer.allocation import AllocationProblem
from optimizer.allocation.rows import Rows
from optimizer.curves import HillCurve

MOST_GROUPS = 10
BISECTIONS = 200


@dataclass(frozen=True)
class Instance:
    """A problem with, where it was planted, its best value."""

    kind: str
    n: int
    seed: int
    problem: AllocationProblem
    optimum: float | None = None  # currency

    @property
    def name(self) -> str:
        return f"{self.kind.replace(' ', '-')}-{self.n}-{self.seed}"


@dataclass(frozen=True)
class _Cells:
    """Hill curves with limits: what a problem is drawn from."""

    curves: HillCurve
    current: FloatArray  # (n,), currency
    lower: FloatArray  # (n,), currency: of a cell that is active
    upper: FloatArray  # (n,), currency
    optional: FloatArray | None  # (n,) bool

    def best(self, price: FloatArray) -> FloatArray:
        """The spend (n,), in cents, that earns most at a price (n,) each: by bisection."""
        c, k, s = (getattr(self.curves, name) for name in ("ceiling", "half_saturation", "slope"))
        bend = k * (np.maximum(s - 1.0, 0.0) / (s + 1.0)) ** (1.0 / s)
        low, high = np.maximum(self.lower, bend), np.maximum(self.upper, bend)
        for _ in range(BISECTIONS):
            middle = 0.5 * (low + high)
            z = (middle / k) ** s
            rises = c * s * z / (middle * (1.0 + z) ** 2) > price
            low, high = np.where(rises, middle, low), np.where(rises, high, middle)
        optional = np.zeros(price.size, dtype=bool) if self.optional is None else self.optional
        offers = np.stack([self.lower, np.clip(low, self.lower, self.upper), self.upper])
        offers = np.vstack([offers, np.where(optional, 0.0, self.lower)])
        worth = self.curves.value(offers) - price * offers
        return np.round(offers[worth.argmax(axis=0), np.arange(price.size)], 2)


def _cells(rng: np.random.Generator, n: int, slopes: tuple[float, float]) -> _Cells:
    current = np.round(np.exp(rng.normal(10.0, 1.0, n)), 2)
    curves = HillCurve(
        current * np.exp(rng.normal(1.0, 0.6, n)),
        current * np.exp(rng.normal(0.3, 0.7, n)),
        rng.uniform(*slopes, n),
    )
    return _Cells(curves, current, np.zeros(n), np.round(3.0 * current, 2), None)


def _with_minima(rng: np.random.Generator, cells: _Cells) -> _Cells:
    """Two cells in five get nothing or at least a tenth to a third of their maximum."""
    n = cells.current.size
    optional = rng.random(n) < 0.4
    least = np.where(optional, rng.uniform(0.1, 0.33, n) * cells.upper, 0.0)
    return _Cells(cells.curves, cells.current, np.round(least, 2), cells.upper, optional)


def _groups(rng: np.random.Generator, n: int) -> FloatArray:
    """Up to ten sets of cells (m, n) as 0 and 1: half nested blocks, half overlapping."""
    m = int(min(MOST_GROUPS, max(2, n // 3)))
    matrix = np.zeros((m, n))
    edges = np.linspace(0, n, m // 2 + 1).astype(int)
    for g in range(m):
        if g < m // 2:
            matrix[g, edges[g] : edges[g + 1]] = 1.0
        else:
            matrix[g, rng.permutation(n)[: rng.integers(2, max(3, n // 2))]] = 1.0
    return matrix


def _prices(rng: np.random.Generator, cells: _Cells, n_groups: int) -> tuple[float, FloatArray]:
    """A price of money at which about half of the cells are worth it, and prices of groups."""
    grid = cells.upper * np.linspace(0.02, 1.0, 50)[:, None]
    average = (cells.curves.value(grid) / grid).max(axis=0)
    price = float(np.quantile(average, rng.uniform(0.3, 0.6)))
    of_groups = price * rng.uniform(-0.3, 0.3, n_groups) * (rng.random(n_groups) < 0.5)
    return price, of_groups


def _planted(
    rng: np.random.Generator, cells: _Cells, matrix: FloatArray
) -> tuple[AllocationProblem, float]:
    """Budget and limits that the best answers to drawn prices use up, and what these earn."""
    price, of_groups = _prices(rng, cells, len(matrix))
    best = cells.best(price + of_groups @ matrix)
    used = matrix @ best
    wide = rng.uniform(0.05, 0.3, len(matrix)) * (matrix @ cells.upper)
    lower = np.where(of_groups < 0.0, used, np.maximum(used - wide, 0.0))
    upper = np.where(of_groups > 0.0, used, used + wide)
    problem = _problem(cells, round(float(best.sum()), 2), matrix, lower, upper)
    return problem, float(cells.curves.value(best).sum())


def _drawn(rng: np.random.Generator, cells: _Cells, matrix: FloatArray) -> AllocationProblem:
    """A random budget, and limits of groups around a random split of it."""
    share = rng.choice([0.1, 0.25, 0.5])
    budget = round(float(share * cells.upper.sum()), 2)
    split = rng.uniform(0.3, 1.0, cells.upper.size) * cells.upper
    split *= budget / split.sum()
    split = np.minimum(split, cells.upper)
    used = matrix @ split
    lower, upper = 0.7 * used, (1.15 + (budget - split.sum()) / budget) * used
    return _problem(cells, budget, matrix, lower, upper)


def _problem(
    cells: _Cells, budget: float, matrix: FloatArray, lower: FloatArray, upper: FloatArray
) -> AllocationProblem:
    names = tuple(f"group {g}" for g in range(len(matrix)))
    return AllocationProblem(
        cells=tuple(f"channel {i}" for i in range(cells.current.size)),
        gains=cells.curves,
        total_budget=budget,
        lower=cells.lower,
        upper=cells.upper,
        reference=cells.current * (budget / cells.current.sum()),
        optional=cells.optional,
        rows=Rows(names, matrix, np.round(lower, 2), np.round(upper, 2)) if names else None,
    )


def has_split(problem: AllocationProblem) -> bool:
    """Whether any split keeps to the limits, by HiGHS: drawn limits and minima may clash."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    n = problem.lower.size
    optional = np.zeros(n, dtype=bool) if problem.optional is None else problem.optional
    each, nothing = np.eye(n), np.zeros((n, n))
    at_least = np.where(optional, problem.lower, 0.0)
    total = np.concatenate([np.ones(n), np.zeros(n)])
    limits = [
        LinearConstraint(total[None], problem.total_budget, problem.total_budget),
        LinearConstraint(np.hstack([each, -np.diag(problem.upper)]), -np.inf, 0.0),
        LinearConstraint(np.hstack([each, -np.diag(at_least)]), 0.0, np.inf),
    ]
    if problem.rows is not None:
        rows = np.hstack([problem.rows.matrix, nothing[: len(problem.rows.names)]])
        limits.append(LinearConstraint(rows, problem.rows.lower, problem.rows.upper))
    low = np.concatenate([np.where(optional, 0.0, problem.lower), np.zeros(n)])
    high = np.concatenate([problem.upper, np.ones(n)])
    is_whole = np.concatenate([np.zeros(n), optional])
    found = milp(
        np.zeros(2 * n), constraints=limits, integrality=is_whole, bounds=Bounds(low, high)
    )
    return bool(found.status != 2)  # 2: proved infeasible


@dataclass(frozen=True)
class Kind:
    """What a family of problems is made of."""

    slopes: tuple[float, float]
    has_groups: bool = False
    has_minima: bool = False
    is_planted: bool = False


KINDS = {
    "concave": Kind((0.5, 1.0)),
    "concave planted": Kind((0.5, 1.0), is_planted=True),
    "concave groups": Kind((0.5, 1.0), has_groups=True),
    "concave groups planted": Kind((0.5, 1.0), has_groups=True, is_planted=True),
    "s-shaped": Kind((1.0, 3.0)),
    "s-shaped planted": Kind((1.0, 3.0), is_planted=True),
    "s-shaped groups": Kind((1.0, 3.0), has_groups=True),
    "s-shaped groups planted": Kind((1.0, 3.0), has_groups=True, is_planted=True),
    "minima": Kind((1.0, 3.0), has_minima=True),
    "minima groups": Kind((1.0, 3.0), has_groups=True, has_minima=True),
    "minima groups planted": Kind((1.0, 3.0), has_groups=True, has_minima=True, is_planted=True),
}


def instance(kind: str, n: int, seed: int) -> Instance:
    """The problem of a kind, a size and a seed: the same one every time."""
    rng = np.random.default_rng([seed, n, list(KINDS).index(kind)])
    made = KINDS[kind]
    cells = _cells(rng, n, made.slopes)
    if made.has_minima:
        cells = _with_minima(rng, cells)
    matrix = _groups(rng, n) if made.has_groups else np.zeros((0, n))
    if made.is_planted:
        return Instance(kind, n, seed, *_planted(rng, cells, matrix))
    return Instance(kind, n, seed, _drawn(rng, cells, matrix))


def documents(made: Instance) -> tuple[dict[str, Any], dict[str, Any]]:
    """The Model and the Scenario that pose the same problem, as plain data."""
    problem, curves = made.problem, made.problem.gains
    assert isinstance(curves, HillCurve)
    model = {
        "model": 1,
        "channels": [
            {
                "channel": name,
                "history_spend_per_period": float(problem.reference[i]),
                "curve": {
                    "family": "hill",
                    "ceiling": float(curves.ceiling[i]),
                    "half_saturation": float(curves.half_saturation[i]),
                    "slope": float(curves.slope[i]),
                },
            }
            for i, name in enumerate(problem.cells)
        ],
    }
    scenario: dict[str, Any] = {
        "scenario": 1,
        "name": made.name,
        "periods": 1,
        "budget": problem.total_budget,
        "objective": "revenue",
        "caution": 0.0,
        "channels": {name: _rules(problem, i) for i, name in enumerate(problem.cells)},
    }
    if problem.rows is not None:
        scenario["groups"] = _groups_stated(problem)
    return model, scenario


def _rules(problem: AllocationProblem, cell: int) -> dict[str, float]:
    """One channel's limits as a scenario states them."""
    is_optional = problem.optional is not None and bool(problem.optional[cell])
    least = "min_if_active" if is_optional else "min"
    return {least: float(problem.lower[cell]), "max": float(problem.upper[cell])}


def _groups_stated(problem: AllocationProblem) -> dict[str, Any]:
    rows = problem.rows
    assert rows is not None
    return {
        name: {
            "channels": [problem.cells[i] for i in np.flatnonzero(row)],
            "sum": [float(low), float(high)],
        }
        for name, row, low, high in zip(rows.names, rows.dense, rows.lower, rows.upper, strict=True)
    }


def save(made: Instance, folder: Path) -> None:
    """Write the pair of documents: ``romi plan NAME.scenario.json`` reads both."""
    folder.mkdir(parents=True, exist_ok=True)
    model, scenario = documents(made)
    model_file = f"{made.name}.model.json"
    (folder / model_file).write_text(json.dumps(model, indent=1) + "\n")
    stated = json.dumps(scenario | {"model": model_file}, indent=1)
    (folder / f"{made.name}.scenario.json").write_text(stated + "\n")
