"""Lift tests in the likelihood: exact rows, exact derivatives, at full weight."""

import dataclasses
import datetime as dt

import numpy as np
import pytest

from optimizer.fitting.aggregate import AggregateProblem
from optimizer.fitting.lift_rows import FittedCurve, LiftRows
from optimizer.fitting.mode import find_mode, hessian, objectives
from optimizer.fitting.priors import channel_priors
from optimizer.fitting.structure import CARRYOVERS, CURVES, Structure
from optimizer.lift_tests import LiftTest
from tests.fitting import examples

STEP = 1e-6


def lift_test(channel="a", control=100.0, test=200.0, lift=80.0, error=10.0, **more):
    dates = {"start": dt.date(2023, 6, 5), "end": dt.date(2023, 7, 2)} | more
    return LiftTest(channel, spend_control=control, spend_test=test, lift=lift,
                    standard_error=error, **dates)  # fmt: skip


def problem_with(tests, **form):
    history = examples.aggregate()
    keep = np.arange(len(history.channels))
    beliefs = channel_priors(history, None, Structure(**form))
    problem = AggregateProblem.of(history, 0, keep, beliefs)
    usual, unit = history.spend[0].mean(axis=0), float(history.revenue[0].mean())
    curves = [FittedCurve(c, None, usual[i], unit) for i, c in enumerate(history.channels)]
    return dataclasses.replace(problem, tests=LiftRows.of(tests, curves, history))


def somewhere(problem):
    rng = np.random.default_rng(5)
    return problem.prior.mean + 0.3 * rng.standard_normal(problem.prior.mean.size)


TESTS = [lift_test("a"), lift_test("c", 150.0, 0.0, -120.0, 30.0)]


def test_a_test_adds_its_squared_standard_errors_to_the_objective_whatever_the_power():
    problem = problem_with(TESTS)
    point = somewhere(problem)
    shapes = problem.shapes(point)
    usual, unit = examples.aggregate().spend[0].mean(axis=0), examples.aggregate().revenue.mean()
    wanted = 0.0
    for test, c in zip(TESTS, (0, 2), strict=True):
        effect, half, slope = np.exp(shapes[c, :3])
        ends = examples.hill(np.array([test.spend_control, test.spend_test]) / usual[c],
                             effect * unit * (1 + half**slope), half, slope)  # fmt: skip
        wanted += ((ends[1] - ends[0] - test.lift) / test.standard_error) ** 2
    without = dataclasses.replace(problem, tests=None)
    added = objectives(problem, point[None]) - objectives(without, point[None])
    assert added[0] == pytest.approx(wanted)


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("carryover", CARRYOVERS)
def test_the_jacobian_of_a_test_agrees_with_differences(curve, carryover):
    problem = problem_with(TESTS, curve=curve, carryover=carryover)
    point, lifts = somewhere(problem), problem.lifts
    _, slopes = lifts.residuals(point)
    steps = STEP * np.eye(point.size)
    change = (lifts.expected(point + steps) - lifts.expected(point - steps)) / (2 * STEP)
    np.testing.assert_allclose(slopes, change.T / lifts.rows.error[:, None], atol=1e-6)


def test_a_sure_test_is_met_and_its_curvature_is_in_the_posterior():
    sure = [lift_test("a", lift=60.0, error=0.05)]
    mode = find_mode(problem_with(sure), np.random.default_rng(1))
    lifts = mode.problem.lifts
    assert lifts.expected(mode.parameters)[0] == pytest.approx(60.0, abs=0.2)
    covariance = np.linalg.inv(hessian(mode.problem, mode.parameters))
    _, slopes = lifts.residuals(mode.parameters)
    spread = np.sqrt(slopes @ covariance @ slopes.T)[0, 0]  # in standard errors of the test
    assert spread <= 1.0


def test_a_test_of_several_markets_moves_each_in_proportion_to_what_is_usual():
    test = lift_test("a", 100.0, 50.0, markets=("north", "south"))
    curves = [FittedCurve("a", m, usual, 1.0) for m, usual in
              (("north", 30.0), ("east", 70.0), ("south", 10.0))]  # fmt: skip
    rows = LiftRows.of([test], curves, examples.aggregate())
    assert rows.curves.tolist() == [0, 2]
    np.testing.assert_allclose(rows.test, 50.0 / 40.0)
    assert rows.sums.sum() == 2.0


def test_a_back_test_knows_only_tests_that_had_ended():
    late = lift_test("b", start=dt.date(2024, 1, 1), end=dt.date(2024, 2, 4))
    rows = problem_with([late, *TESTS]).tests
    first = rows.until(30)  # weeks: 2023-01-02 to 2023-07-30
    assert first.lift.tolist() == [80.0, -120.0]
    assert first.whose.tolist() == [0, 1]
    assert rows.until(57).lift.size == 3
