"""What cannot be held: the conflict is real and minimal, and what is offered ends it.

An independent program, written here limit by limit, is asked about every answer.
"""

from __future__ import annotations

import importlib
import math
import pickle
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp, minimize

from optimizer import Model, Scenario, plan
from optimizer.allocation.conflicts import check, explain
from optimizer.allocation.limits import amount
from optimizer.allocation.nearest import nearest_split
from optimizer.allocation.problem import AllocationProblem
from optimizer.allocation.rows import Count, Rows, Target
from optimizer.curves import DrawCurves, HillCurve
from optimizer.errors import InfeasibleError

CELLS = ("tv", "radio", "search", "social")
BUDGET = 1_300_000.0
FAR = 1e8  # more than any split here
AGREE = 2e-8  # of the budget: what two programs may differ by


def problem_with(n: int = 4, **parts: object) -> AllocationProblem:
    """A loose problem of n cells, with some parts of its own."""
    loose = AllocationProblem(
        cells=CELLS[:n],
        gains=HillCurve(np.full(n, 2e6), np.full(n, 5e5), np.linspace(0.7, 0.9, n)),
        total_budget=BUDGET,
        lower=np.zeros(n),
        upper=np.full(n, BUDGET),
        reference=np.full(n, BUDGET / n),
    )
    return replace(loose, **parts)


def rows_of(*rows: tuple[str, list[float], float, float]) -> Rows:
    names, weights, low, high = zip(*rows, strict=True)
    return Rows(names, np.array(weights), np.array(low), np.array(high))


def floors(*money: float) -> np.ndarray:
    return np.array(money)


ALL = np.ones(4, dtype=bool)
INF = math.inf
INFEASIBLE = {
    "minima above the budget": problem_with(lower=floors(5e5, 4e5, 3e5, 2e5)),
    "maxima below the budget": problem_with(upper=floors(5e5, 4e5, 2e5, 1e5)),
    "minimum above maximum": problem_with(
        lower=floors(5e5, 0, 0, 0), upper=floors(4e5, 9e5, 9e5, 9e5)
    ),
    "locked above the group's sum": problem_with(
        lower=floors(5e5, 0, 0, 0),
        upper=floors(5e5, 9e5, 9e5, 9e5),
        rows=rows_of(("group offline sum", [1, 1, 0, 0], -INF, 3e5)),
    ),
    "excluded, yet its group must spend": problem_with(
        upper=floors(0, 0, 1e6, 1e6), rows=rows_of(("group offline sum", [1, 1, 0, 0], 1e5, INF))
    ),
    "minimum against a group": problem_with(
        lower=floors(4e5, 0, 0, 0), rows=rows_of(("group offline sum", [1, 1, 0, 0], -INF, 3e5))
    ),
    "overlapping groups": problem_with(
        rows=rows_of(
            ("group a sum", [1, 1, 0, 0], 8e5, INF),
            ("group b sum", [0, 1, 1, 0], 8e5, INF),
            ("group c sum", [1, 1, 1, 0], -INF, 1e6),
            ("group d sum", [0, 1, 0, 0], -INF, 5e5),
        )
    ),
    "share of a total that varies": problem_with(
        least_total=1e6,
        lower=floors(0, 0, 7e5, 0),
        rows=rows_of(("group offline share at least 0.5", [0.5, 0.5, -0.5, -0.5], 0.0, INF)),
    ),
    "share that must be exact": problem_with(
        lower=floors(0, 0, 7e5, 0),
        rows=rows_of(("group offline share", [0.5, 0.5, -0.5, -0.5], 0.0, 0.0)),
    ),
    "ratios between groups": problem_with(
        rows=rows_of(
            ("group a to b at least 2", [1, 1, -2, 0], 0.0, INF),
            ("group b to a at least 1", [-1, -1, 1, 0], 0.0, INF),
        ),
        upper=floors(9e5, 9e5, 9e5, 1e5),
    ),
    "resource used up": problem_with(
        rows=rows_of(("resource impressions", [3, 3, 2, 2], -INF, 2e6)),
    ),
    "market totals against the budget": problem_with(
        rows=rows_of(("market de", [1, 0, 1, 0], 7e5, INF), ("market fr", [0, 1, 0, 1], 8e5, INF))
    ),
    "too many must be active": problem_with(
        lower=np.full(4, 4e5),
        optional=ALL,
        counts=(Count("group all active", ALL, 4, 4),),
    ),
    "too few may be active": problem_with(
        lower=np.full(4, 0.01),
        upper=np.full(4, 4e5),
        optional=ALL,
        counts=(Count("group all active", ALL, 0, 3),),
    ),
    "minimum if active above the budget": problem_with(
        total_budget=3e5, reference=np.full(4, 75e3), lower=np.full(4, 4e5), optional=ALL
    ),
    "more moved than allowed": problem_with(lower=floors(4e5, 0, 0, 0), most_moved=50_000.0),
    "two channels that move too much together": problem_with(
        lower=floors(4e5, 4e5, 0, 0), most_moved=100_000.0
    ),
    "least total above the maxima": problem_with(
        upper=np.full(4, 2e5), least_total=1e6, lower=floors(1e5, 0, 0, 0)
    ),
    "free total that a resource stops": problem_with(
        least_total=0.0,
        total_budget=1.2e6,
        upper=np.full(4, 3e5),
        lower=floors(2e5, 0, 0, 0),
        rows=rows_of(("resource stock", [2, 1, 1, 1], -INF, 3e5)),
    ),
    "two conflicts at once": problem_with(
        lower=floors(5e5, 0, 2e5, 0),
        upper=floors(5e5, 9e5, 1e5, 9e5),
        rows=rows_of(("group offline sum", [1, 1, 0, 0], -INF, 3e5)),
    ),
    "budget off the lots": problem_with(lot=1000.0, total_budget=BUDGET + 500.0),
    "locked off the lots": problem_with(
        lot=1000.0, lower=floors(400_500, 0, 0, 0), upper=floors(400_500, 1e6, 1e6, 1e6)
    ),
    "minima that lots raise above the budget": problem_with(
        lot=1000.0,
        lower=np.full(4, 324_600.0),
        total_budget=1_299_000.0,
    ),
}


class Check:
    """The limits of a problem as rows of scipy's own interface, by name."""

    def __init__(self, problem: AllocationProblem) -> None:
        self.problem, self.n = problem, problem.lower.size
        self.rows: list[tuple[str, np.ndarray, float, float]] = []
        self.is_on_lots = problem.lot > 0.01
        self._basics()
        self._coupling()

    def weights(self, part: int, values: np.ndarray) -> np.ndarray:
        """Of the columns [spend, on, up, down, lots], those of one part."""
        out = np.zeros(5 * self.n + 1)
        out[part * self.n : (part + 1) * self.n] = values
        return out

    def add(self, name: str, weights: np.ndarray, low: float = -INF, high: float = INF) -> None:
        if np.isfinite(low):
            self.rows.append((f"{name} at least {amount(low)}", weights, low, INF))
        if np.isfinite(high):
            self.rows.append((f"{name} at most {amount(high)}", weights, -INF, high))

    def _basics(self) -> None:
        p, ones = self.problem, np.ones(self.n)
        least = p.total_budget if p.least_total is None else p.least_total
        is_free = least == 0.0 and p.total_budget >= p.upper.sum()
        self.add("budget", self.weights(0, ones), least or -INF, INF if is_free else p.total_budget)
        optional = np.zeros(self.n, dtype=bool) if p.optional is None else p.optional
        for i, unit in enumerate(np.eye(self.n)):
            spend, on = self.weights(0, unit), self.weights(1, unit)
            self.add(p.cells[i], spend, high=p.upper[i])
            if optional[i] and p.lower[i] > p.lot:
                name = f"{p.cells[i]} at least {amount(p.lower[i])} if active"
                self.rows.append((name, spend - p.lower[i] * on, 0.0, INF))
            elif not optional[i] and p.lower[i] > 0.0:
                self.add(p.cells[i], spend, low=p.lower[i])
            self.rows.append(("", spend - FAR * on, -INF, 0.0))
            self.rows.append(("", spend - p.lot * on, 0.0, INF))
            move = spend - self.weights(2, unit) + self.weights(3, unit)
            self.rows.append(("", move, p.reference[i], p.reference[i]))
            if self.is_on_lots:
                on_grid = spend - p.lot * self.weights(4, unit)
                self.rows.append((f"whole lots of {amount(p.lot)}", on_grid, 0.0, 0.0))

    def _coupling(self) -> None:
        p = self.problem
        for count in p.counts:
            on = self.weights(1, count.members.astype(float))
            most = f"{count.name} at most {count.at_most} cells"
            self.rows.append((most, on, -INF, count.at_most))
            self.rows.append(
                (f"{count.name} at least {count.at_least} cells", on, count.at_least, INF)
            )
        if p.most_moved is not None:
            for part in (2, 3):
                self.add("money moved", self.weights(part, np.ones(self.n)), high=p.most_moved)
        if p.rows is None:
            return
        for name, row, low, high in zip(
            p.rows.names, p.rows.dense, p.rows.lower, p.rows.upper, strict=True
        ):
            weights = self.weights(0, row)
            if not (row.min() < 0.0 < row.max()):
                self.add(name, weights, low, high)
                continue
            for is_most, side in ((False, low), (True, high)):
                ending = (" from above" if is_most else " from below") if low == high else ""
                if np.isfinite(side):
                    sides = (-INF, side) if is_most else (side, INF)
                    self.rows.append((name + ending, weights, *sides))

    def holds(self, names: set[str] | None = None, given: dict[str, float] | None = None) -> bool:
        """Whether limits of some names (all, if not said) can hold, some giving by an amount."""
        kept = [row for row in self.rows if names is None or row[0] in names or not row[0]]
        by, slack = given or {}, AGREE * self.problem.total_budget
        matrix = np.array([row[1] for row in kept])
        low = np.array([row[2] - by.get(row[0], 0.0) - slack * bool(row[0]) for row in kept])
        high = np.array([row[3] + by.get(row[0], 0.0) + slack * bool(row[0]) for row in kept])
        for k, (name, *_) in enumerate(kept):
            if name.startswith("whole lots") or name.endswith("cells"):
                low[k], high[k] = low[k] + slack, high[k] - slack
        n = self.n
        upper = np.concatenate(
            [np.full(n, FAR), np.ones(n), np.full(2 * n, INF), np.full(n, INF), [0]]
        )
        whole = np.repeat([0, 1, 0, int(self.is_on_lots)], [n, n, 2 * n, n + 1])
        found = milp(
            np.zeros(upper.size),
            constraints=LinearConstraint(matrix, low, high),
            bounds=Bounds(np.zeros(upper.size), upper),
            integrality=whole,
        )
        assert found.status in (0, 2), found.message
        return bool(found.status == 0)


def assert_explained(problem: AllocationProblem) -> InfeasibleError:
    """The conflict is one, each limit of it is needed, and every way out is one."""
    error, program = explain(problem), Check(problem)
    names = {row[0] for row in program.rows}
    members = set(error.conflicts)
    assert members <= names, members - names
    assert not program.holds(members), "the limits named do conflict"
    for name in members:
        assert program.holds(members - {name}), f"{name} is needed"
    assert error.relaxations
    assert len({way.is_enough for way in error.relaxations}) == 1
    for way in error.relaxations:
        assert way.by > 0.0
        assert way.is_enough <= ends_it(program, {way.name: way.by})
    if not error.relaxations[0].is_enough:
        assert ends_it(program, {way.name: way.by for way in error.relaxations})
    return error


def ends_it(program: Check, given: dict[str, float]) -> bool:
    lots = [name for name in given if name.startswith("whole lots")]
    if lots:
        problem = replace(program.problem, lot=program.problem.lot - given[lots[0]])
        return Check(problem).holds()
    return program.holds(given=given)


@pytest.mark.parametrize("case", INFEASIBLE)
def test_each_kind_of_conflict_is_minimal_and_can_be_ended(case):
    problem = INFEASIBLE[case]
    assert not Check(problem).holds(), "the case is infeasible"
    error = assert_explained(problem)
    with pytest.raises(InfeasibleError) as raised:
        check(problem)
    assert raised.value.conflicts == error.conflicts
    assert problem.lot > 0.01 or nearest_split(problem) is None


@pytest.mark.parametrize("case", INFEASIBLE)
def test_less_than_what_is_offered_is_not_enough(case):
    problem = INFEASIBLE[case]
    program = Check(problem)
    for way in explain(problem).relaxations:
        if way.is_enough and not way.name.startswith("whole lots"):
            less = way.by - 1.0 if way.unit == "cells" else 0.99 * way.by
            assert not ends_it(program, {way.name: less}), way


def test_a_conflict_reads_as_a_planner_would_say_it():
    error = explain(INFEASIBLE["minimum against a group"])
    assert str(error) == (
        "tv at least 400,000 and group offline sum at most 300,000 cannot both hold. Lower tv's "
        "minimum by 100,000 to 300,000 or raise group offline sum by 100,000 to 400,000."
    )
    assert pickle.loads(pickle.dumps(error)).relaxations == error.relaxations


@pytest.mark.parametrize("case", INFEASIBLE)
def test_money_in_words_has_separators_and_at_most_two_decimals(case):
    text = str(explain(INFEASIBLE[case]))
    assert not re.search(r"\d{4}|\.\d{3}|e[+-]\d|inf|nan", text), text
    assert text.endswith(".")
    assert "HiGHS" not in text


@st.composite
def random_problems(draw):
    n = draw(st.integers(2, 6))
    money = st.integers(0, 40).map(lambda k: 1000.0 * k)
    current = np.array(draw(st.lists(money, min_size=n, max_size=n))) + 1000.0
    lower = np.array(draw(st.lists(money, min_size=n, max_size=n)))
    upper = lower + np.array(draw(st.lists(money, min_size=n, max_size=n)))
    m = draw(st.integers(0, 8))
    weight = st.sampled_from([0.0, 0.0, 1.0, 1.0, -0.5, 2.0])
    rows = []
    for k in range(m):
        row = draw(st.lists(weight, min_size=n, max_size=n).filter(any))
        if min(row) < 0.0 < max(row):
            rows.append((f"row {k}", row, 0.0, INF))
        else:
            low = draw(money)
            sides = (low, INF) if draw(st.booleans()) else (-INF, low)
            rows.append((f"row {k}", row, *sides))
    members = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    optional = members if draw(st.booleans()) else None
    counts = ()
    if optional is not None and members.any():
        most = draw(st.integers(0, int(members.sum())))
        counts = (Count("count", members, draw(st.integers(0, most)), most),)
        lower = np.where(members, np.maximum(lower, 0.01), lower)
        upper = np.maximum(lower, upper)
    return AllocationProblem(
        cells=tuple(f"cell {i}" for i in range(n)),
        gains=HillCurve(current, current, np.ones(n)),
        total_budget=float(draw(money)) * n,
        lower=lower,
        upper=upper,
        reference=current,
        rows=rows_of(*rows) if rows else None,
        optional=optional,
        counts=counts,
        most_moved=draw(st.none() | money),
        least_total=draw(st.none() | st.just(0.0)),
    )


@settings(max_examples=30, deadline=None)
@given(problem=random_problems())
def test_random_conflicts_are_minimal_and_can_be_ended(problem):
    assert_found_out(problem)


@pytest.mark.slow
@settings(max_examples=1500, deadline=None)
@given(problem=random_problems())
def test_very_many_conflicts_are_minimal_and_can_be_ended(problem):
    assert_found_out(problem)


def assert_found_out(problem: AllocationProblem) -> None:
    """A feasible problem passes the check, and another is explained."""
    assume(problem.total_budget > 0.0)
    if Check(problem).holds():
        check(problem)
    else:
        assert_explained(problem)
        with pytest.raises(InfeasibleError):
            check(problem)


def most_reached(problem: AllocationProblem, number: int = 0) -> float:
    """The most a target of a concave problem reaches, less what it asks, by another solver."""
    target, scale = problem.targets[number], problem.total_budget
    least = scale if problem.least_total is None else problem.least_total
    sums = [
        {"type": "ineq", "fun": lambda x: 1.0 - x.sum()},
        {"type": "ineq", "fun": lambda x: x.sum() - least / scale},
    ]
    best = -INF
    for start in (np.full(problem.lower.size, 1.0 / problem.lower.size), problem.lower / scale):
        found = minimize(
            lambda x: -problem.reached(target, np.maximum(x, 1e-9) * scale)[0] / scale,
            start,
            bounds=list(zip(problem.lower / scale + 1e-9, problem.upper / scale, strict=True)),
            constraints=sums,
            method="SLSQP",
            options={"ftol": 1e-12, "maxiter": 500},
        )
        best = max(best, -float(found.fun) * scale)
    return best


ONES, NONE = np.ones(4), np.zeros(4)
UNREACHED = {
    "revenue": problem_with(
        lower=floors(4e5, 0, 0, 0), targets=(Target("target revenue", ONES, NONE, 5e6),)
    ),
    "profit": problem_with(targets=(Target("target profit", 0.6 * ONES, ONES, 2e6),)),
    "romi": problem_with(targets=(Target("target romi", 0.6 * ONES, 4.0 * ONES, 0.0),)),
    "cac": problem_with(
        least_total=1e6, targets=(Target("target cac", ONES / 50, ONES / 10, 0.0),)
    ),
}


@pytest.mark.parametrize("name", UNREACHED)
def test_a_target_that_nothing_reaches_is_told_the_most_there_is(name):
    problem = UNREACHED[name]
    missing = -most_reached(problem)
    assert missing > 0.0
    error = explain(problem)
    (way,) = [way for way in error.relaxations if way.name.startswith(f"target {name}")]
    assert way.is_enough
    assert way.by == pytest.approx(missing, rel=1e-3)
    lowered = replace(problem.targets[0], least=problem.targets[0].least - way.by)
    assert nearest_split(replace(problem, targets=(lowered,))) is not None
    assert nearest_split(problem) is None
    check(problem)  # the curves are not its affair


def test_a_budget_raised_by_what_is_offered_reaches_the_target():
    problem = UNREACHED["revenue"]
    (way,) = [w for w in explain(problem).relaxations if w.name.startswith("budget at most")]
    raised = replace(problem, total_budget=BUDGET + way.by)
    assert most_reached(raised) >= -1e-6 * BUDGET
    assert most_reached(replace(problem, total_budget=BUDGET + 0.98 * way.by)) < 0.0
    text = str(explain(problem))
    assert "the most the limits allow is about" in text
    assert "raise the budget" in text


def test_an_s_shaped_target_is_explained_by_its_own_curve():
    """Half the budget each earns far less than the chord over the convex part promises."""
    curve = HillCurve(np.full(2, 1e6), np.full(2, 5e5), np.full(2, 4.0))
    problem = problem_with(
        n=2, gains=curve, total_budget=4e5, reference=np.full(2, 2e5), upper=np.full(2, 4e5)
    )
    grid = np.linspace(0.0, 4e5, 4001)
    most = max(float(curve.value(np.array([x, 4e5 - x])).sum()) for x in grid)
    target = Target("target revenue", np.ones(2), np.zeros(2), 1.2 * most)
    error = explain(replace(problem, targets=(target,)))
    (way,) = [w for w in error.relaxations if w.name.startswith("target")]
    assert way.by == pytest.approx(0.2 * most, rel=0.01)


def test_targets_over_draws_are_judged_by_their_mean():
    rng = np.random.default_rng(5)
    cells = tuple(
        HillCurve(np.exp(rng.normal(14.0, 0.3, 50)), np.full(50, 5e5), np.full(50, 0.9))
        for _ in range(4)
    )
    gains = DrawCurves(cells).tabulated(np.full(4, BUDGET))
    target = Target("target revenue", ONES, NONE, 9e6)
    problem = problem_with(gains=gains, targets=(target,))
    (way,) = [w for w in explain(problem).relaxations if w.name.startswith("target")]
    assert way.by == pytest.approx(-most_reached(problem), rel=1e-3)


def test_a_cautious_target_is_told_what_is_reached_with_caution():
    rng = np.random.default_rng(6)
    cells = tuple(
        HillCurve(np.exp(rng.normal(14.0, 0.5, 50)), np.full(50, 5e5), np.full(50, 0.9))
        for _ in range(4)
    )
    gains = DrawCurves(cells).tabulated(np.full(4, BUDGET))
    problem = problem_with(gains=gains, caution=1.0, reference=np.zeros(4))
    zero = Target("target revenue", ONES, NONE, 0.0)
    by_mean = most_reached(replace(problem, targets=(zero,)))
    target = Target("target revenue", ONES, NONE, 0.99 * by_mean, is_cautious=True)
    problem = replace(problem, targets=(target,))
    error = explain(problem)
    (way,) = error.relaxations
    eased = replace(target, least=target.least - 1.0001 * way.by)
    assert 0.0 < way.by < 0.5 * by_mean
    assert nearest_split(replace(problem, targets=(eased,))) is not None


def test_the_nearest_split_of_rows_moves_least():
    rows = rows_of(
        ("group offline sum", [1, 1, 0, 0], -INF, 5e5), ("ratio", [0, 0, 1, -2], 0.0, INF)
    )
    problem = problem_with(rows=rows, lower=floors(1e5, 0, 0, 0))
    spend = nearest_split(problem)
    assert problem.shortfall(spend) <= 1e-9
    assert spend.sum() == pytest.approx(BUDGET, rel=1e-12)
    assert np.all(spend >= problem.lower)
    # tv and radio give up 150,000; search takes two thirds of what the two leave, 208,333 more
    assert np.abs(spend - problem.reference).sum() == pytest.approx(2 * 208_333.333, rel=1e-6)


def test_the_nearest_split_turns_off_the_cells_it_must():
    count = Count("group all active", ALL, 0, 2)
    problem = problem_with(
        reference=floors(6e5, 4e5, 2e5, 1e5), lower=np.full(4, 5e4), optional=ALL, counts=(count,)
    )
    spend = nearest_split(problem)
    assert (spend > 0.0).tolist() == [True, True, False, False]
    assert np.abs(spend - problem.reference).sum() == pytest.approx(6e5)


def test_the_nearest_split_reaches_a_target_with_little_moved():
    reference = floors(1.0e6, 1e5, 1e5, 1e5)
    problem = problem_with(reference=reference)
    here = problem.reached(Target("", ONES, NONE, 0.0), reference)[0]
    target = Target("target revenue", ONES, NONE, 1.05 * here)
    problem = replace(problem, targets=(target,))
    spend = nearest_split(problem)
    reached, size = problem.reached(target, spend)
    assert -1e-8 * size <= reached <= 1e-4 * size, "no more is moved than the target takes"
    assert spend.sum() == pytest.approx(BUDGET, rel=1e-12)


def test_nothing_is_moved_where_the_current_split_holds():
    problem = problem_with(
        rows=rows_of(("group offline sum", [1, 1, 0, 0], 1e5, INF)),
        targets=(Target("target revenue", ONES, NONE, 1e5),),
    )
    np.testing.assert_allclose(nearest_split(problem), problem.reference, rtol=1e-9)
    check(problem)


def test_two_hundred_cells_are_explained():
    rng = np.random.default_rng(1)
    current = np.exp(rng.normal(10.0, 1.0, 200))
    groups = (rng.random((8, 200)) < 0.2).astype(float)
    most = np.where(np.arange(8) == 3, 0.45, 1.2) * (groups @ current)
    problem = AllocationProblem(
        cells=tuple(f"cell {i}" for i in range(200)),
        gains=HillCurve(current, current, np.ones(200)),
        total_budget=float(current.sum()),
        lower=0.5 * current,
        upper=1.5 * current,
        reference=current,
        rows=Rows(tuple(f"group {k}" for k in range(8)), groups, np.full(8, -INF), most),
    )
    error = assert_explained(problem)
    assert error.conflicts[0].startswith("group 3 at most")
    assert len(str(error)) < 1000


def test_rows_that_cannot_hold_are_told_before_any_split_is_sought(monkeypatch):
    def seek(*_, **__):
        raise AssertionError("a search was begun")

    module = importlib.import_module("optimizer.allocation.allocate")
    monkeypatch.setattr(module, "branch_and_bound", seek)
    curve = {"family": "hill", "ceiling": 900.0, "half_saturation": 400.0, "slope": 1.0}
    channels = [
        {"channel": name, "history_spend_per_period": spend, "curve": curve}
        for name, spend in (("tv", 400.0), ("search", 300.0), ("radio", 100.0))
    ]
    groups = {
        "wide": {"channels": ["radio"], "share": [0.5, 1.0]},
        "pair": {"channels": ["tv", "radio"], "share": [0.0, 0.3]},
    }
    for name, group in groups.items():
        question = {"periods": 10, "budget": 8000, "groups": {name: group}}
        with pytest.raises(InfeasibleError, match=name):
            plan(Model.from_dict({"channels": channels}), Scenario.from_dict(question))
