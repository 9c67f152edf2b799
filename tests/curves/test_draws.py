"""Tabulated draws: exact at nodes, and never further from the truth than their bound says."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.curves import (
    DrawCurves,
    ExponentialCurve,
    HillCurve,
    LogCurve,
    LogisticCurve,
    PowerCurve,
    TableCurve,
    TabulatedDraws,
)

N_DRAWS = 60


def posterior(seed: int) -> DrawCurves:
    """A cell of every family, N draws each, of money between 1 and 1e6."""
    rng = np.random.default_rng(seed)
    money = np.exp(rng.uniform(0, 14))

    def spread(centre: float, sd: float) -> np.ndarray:
        return centre * np.exp(sd * rng.normal(size=N_DRAWS))

    table = [
        (np.array([0.0, 0.4, 1.0]) * money, np.array([0.0, a, a + b]) * money)
        for a, b in rng.uniform(0.1, 2.0, (N_DRAWS, 2))
    ]
    return DrawCurves(
        (
            HillCurve(spread(2 * money, 0.5), spread(money, 0.6), spread(1.1, 0.4)),
            HillCurve(spread(2 * money, 0.5), spread(money, 0.6), spread(2.2, 0.2)),
            ExponentialCurve(spread(money, 0.4), spread(1.0 / money, 0.5)),
            LogCurve(spread(money, 0.4), spread(1.0 / money, 0.5)),
            PowerCurve(spread(1.0, 0.4), np.clip(spread(0.5, 0.2), 0.1, 1.0)),
            LogisticCurve(spread(money, 0.4), spread(1.0 / money, 0.5)),
            TableCurve.through(table),
        )
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_any_weighted_sum_lies_within_its_stated_error(seed, negative):
    draws = posterior(seed)
    rng = np.random.default_rng(seed + 1)
    largest = np.full(draws.n_cells, 3.0) * float(np.median(draws.cells[0].half_saturation))
    tables = draws.tabulated(largest)
    weights = rng.normal(1.0, 2.0, N_DRAWS) if negative else rng.dirichlet(np.ones(N_DRAWS))
    mean = tables.weighted(weights)
    for share in (0.0, 1e-6, *rng.uniform(0, 1, 12), 1.0):
        spend = share * largest
        truth = weights @ draws.value(spend)
        piece = np.clip((mean.nodes <= spend[:, None]).sum(axis=1) - 1, 0, mean.error.shape[1] - 1)
        allowed = mean.error[np.arange(draws.n_cells), piece]
        size = np.abs(weights) @ np.abs(draws.value(largest))
        assert np.all(np.abs(mean.value(spend) - truth) <= allowed + 1e-13 * size)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.05, 3.0))
def test_the_best_response_of_a_weighted_sum_is_a_true_ceiling(seed, steepness):
    draws = posterior(seed)
    largest = np.full(draws.n_cells, 3.0) * float(np.median(draws.cells[0].half_saturation))
    weights = np.random.default_rng(seed).normal(1.0, 1.5, N_DRAWS) / N_DRAWS
    mean = draws.tabulated(largest).weighted(weights)
    price = steepness * float(np.median(np.abs(weights @ draws.value(largest)) / largest))
    answer = mean.best_response(price, np.zeros(draws.n_cells), largest)
    for share in np.linspace(0.0, 1.0, 200) ** 3:
        spend = share * largest
        truth = weights @ draws.value(spend) - price * spend
        assert np.all(truth <= answer.upper + 1e-12 * np.abs(answer.upper) + 1e-12 * largest)


def test_the_interpolation_bound_is_small_where_the_curve_matters():
    draws = posterior(3)
    largest = np.full(draws.n_cells, 3.0) * float(np.median(draws.cells[0].half_saturation))
    mean = draws.tabulated(largest).mean
    relative = mean.error.max(axis=1) / mean.value(largest)
    assert relative[[0, 1, 2, 3, 5]].max() < 1e-5
    assert relative[6] == 0.0, "a stated table is tabulated on its own points"


def test_rescaled_and_trimmed_tables_are_the_same_curves():
    draws = posterior(5)
    largest = np.full(draws.n_cells, 3.0) * float(np.median(draws.cells[0].half_saturation))
    tables = draws.tabulated(largest)
    worth = np.linspace(0.5, 2.0, draws.n_cells)
    plan = tables.rescaled(13.0, worth)
    lower, upper = 0.2 * 13.0 * largest, 0.6 * 13.0 * largest
    spend = 0.4 * 13.0 * largest
    expected = 13.0 * worth * tables.mean.value(spend / 13.0)
    np.testing.assert_allclose(plan.mean.value(spend), expected, rtol=1e-12)
    np.testing.assert_allclose(plan.within(lower, upper).mean.value(spend), expected, rtol=1e-12)
    np.testing.assert_allclose(plan.source.value(spend).mean(axis=0), expected, rtol=1e-5)
    assert isinstance(plan.within(lower, upper), TabulatedDraws)
    assert plan.within(lower, upper).nodes.shape[1] < tables.nodes.shape[1]
