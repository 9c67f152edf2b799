"""Geo markets with a known truth: as hard as they claim, the same for the same seed."""

import numpy as np
import pytest

from optimizer.geography import IN_COMMON, in_common
from optimizer.synthetic_geo import geo_market

SEEDS = range(500, 520)


@pytest.fixture(scope="module")
def markets():
    return [geo_market(seed) for seed in SEEDS]


def test_the_same_seed_gives_the_same_world_and_another_seed_another():
    one, same, other = (geo_market(seed).history for seed in (500, 500, 501))
    assert one.content_hash == same.content_hash != other.content_hash


def test_markets_are_many_and_of_very_different_size(markets):
    for market in markets:
        assert 10 <= len(market.history.markets) <= 20
        assert 3 <= len(market.history.channels) <= 8
        assert market.history.population.max() > 5 * market.history.population.min()


def test_media_earn_a_share_of_revenue_that_can_be_believed(markets):
    for market in markets:
        share = market.responses(market.current).sum() / market.history.revenue.mean(axis=1).sum()
        assert 0.1 < share < 0.7


def test_half_of_the_curves_are_not_hill_and_a_third_of_the_worlds_follow_demand(markets):
    hill = np.mean([curve.shape == "hill" for m in markets for curve in m.curves[0]])
    assert 0.35 < hill < 0.65
    assert 0.1 < np.mean([market.endogenous for market in markets]) < 0.6


def test_markets_share_shape_per_head_and_differ_in_strength():
    market = geo_market(502)
    history, levels = market.history, np.array([0.5, 1.0, 2.0])
    for channel in range(len(history.channels)):
        curves = [own[channel] for own in market.curves]
        relative = [c(levels * c.usual) / c(c.usual) for c in curves]
        np.testing.assert_allclose(relative, np.broadcast_to(relative[0], (len(curves), 3)))
        per_head = [c(c.usual) / p for c, p in zip(curves, history.population, strict=True)]
        assert np.std(np.log(per_head)) > 0.02


def test_the_total_holds_the_same_money_and_the_same_truth(markets):
    for market in markets[:5]:
        total = market.national
        np.testing.assert_allclose(total.history.spend[0], market.history.spend.sum(axis=0))
        np.testing.assert_allclose(total.history.revenue[0], market.history.revenue.sum(axis=0))
        cells = market.current.reshape(len(market.curves), -1)
        np.testing.assert_allclose(total.current, cells.sum(axis=0))
        for factor in (0.5, 1.0, 2.0):
            by_cell = market.responses(factor * market.current).reshape(cells.shape).sum(axis=0)
            np.testing.assert_allclose(total.responses(factor * total.current), by_cell)


def test_the_true_model_answers_as_the_truth_does():
    market = geo_market(503)
    model, total = market.truth, market.national.truth
    np.testing.assert_allclose(
        model.response(market.current)[0], market.responses(market.current), rtol=1e-3
    )
    national = market.national
    np.testing.assert_allclose(
        total.response(national.current)[0], national.responses(national.current), rtol=1e-3
    )


def test_a_national_channel_spends_the_same_per_head_everywhere():
    history = geo_market(504, national_channels=1).history
    per_head = history.spend / history.population[:, None, None]
    np.testing.assert_allclose(
        per_head[..., 0], np.broadcast_to(per_head[0, :, 0], per_head.shape[:2])
    )
    shared = in_common(per_head, np.ones(per_head.shape[:2], dtype=bool))
    assert shared[0] > IN_COMMON > shared[1:].max()
