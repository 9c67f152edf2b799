"""The benchmark's problems: planted optima are optima, and the saved documents pose them again."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from benchmarks.allocator_instances import KINDS, has_split, instance, save
from benchmarks.peers import METHODS, Scaled, repaired, run
from optimizer import Model, Scenario, plan
from optimizer.allocation import allocate
from optimizer.errors import InfeasibleError

NOISE = 1e-8  # relative: whole cents and limits rounded to them
PLANTED = [kind for kind in KINDS if "planted" in kind]


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_optimum_is_reached_and_never_beaten(kind):
    made = instance(kind, 8, 1)
    proof = allocate(made.problem).certificate
    assert made.optimum is not None
    assert made.optimum <= proof.upper_bound + NOISE * made.optimum
    assert proof.value <= made.optimum * (1.0 + NOISE)
    assert proof.value >= made.optimum * (1.0 - proof.gap - NOISE)


@pytest.mark.parametrize("kind", ["s-shaped groups planted", "minima groups planted"])
def test_saved_documents_pose_the_same_problem(kind, tmp_path):
    made = instance(kind, 6, 2)
    save(made, tmp_path)
    stated = json.loads((tmp_path / f"{made.name}.scenario.json").read_text())
    model = Model.from_dict(json.loads((tmp_path / stated.pop("model")).read_text()))
    planned = plan(model, Scenario.from_dict(stated)).certificate
    direct = allocate(made.problem).certificate
    assert planned is not None
    assert planned.value == pytest.approx(direct.value, rel=direct.gap + planned.gap + NOISE)
    assert planned.upper_bound == pytest.approx(made.optimum, rel=planned.gap + NOISE)


@pytest.mark.parametrize("name", METHODS)
def test_every_other_method_reaches_most_of_a_concave_optimum(name):
    """A method that lost here would be badly posed, and the comparison with it unfair."""
    made = instance("concave planted", 4, 0)
    reached = run(made.problem, METHODS[name][0], seconds=5.0)
    assert reached is not None
    assert made.optimum is not None
    assert made.optimum * 0.999 <= reached.value <= made.optimum * (1.0 + NOISE)


def test_a_split_is_repaired_by_moving_little():
    made = instance("minima groups", 6, 3)
    scaled = Scaled(made.problem, seconds=1.0)
    feasible = repaired(made.problem, scaled.history * scaled.unit)
    assert feasible is not None
    assert made.problem.shortfall(feasible) <= NOISE
    assert feasible.sum() == pytest.approx(made.problem.total_budget)


@pytest.mark.parametrize("seed", [102, 107, 111])
def test_a_problem_is_refused_where_nothing_holds_and_nowhere_else(seed):
    """Of these only 107's limits clash: with its groups' minima no split spends the budget."""
    problem = instance("minima groups", 30, seed).problem
    assert has_split(problem) == (seed != 107)
    if seed == 107:
        with pytest.raises(InfeasibleError, match=r"Lower the budget by 6,859\.74"):
            allocate(problem)
        assert has_split(replace(problem, total_budget=278_649.14))
    else:
        assert problem.shortfall(allocate(problem).spend) <= NOISE
