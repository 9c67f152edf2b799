"""Markets with a known truth: as hard as they claim, the same for the same seed."""

import dataclasses

import numpy as np
import pytest

from optimizer.history import Spacing
from optimizer.model import Hill
from optimizer.synthetic import (
    FORMS,
    MOVES,
    TrueCurve,
    attributed_market,
    following,
    national_market,
)

SEEDS = range(500, 540)
SHOWN = 1e-9  # relative distance of a curve's document from the curve; tables are looser
SHOWN_BY_TABLE = 0.02

MAKERS = [attributed_market, national_market]


@pytest.mark.parametrize("make", MAKERS)
def test_the_same_seed_makes_the_same_market(make):
    one, same, other = make(3), make(3), make(4)
    np.testing.assert_array_equal(one.history.revenue, same.history.revenue)
    assert one.curves == same.curves
    assert one.history.content_hash == same.history.content_hash != other.history.content_hash


@pytest.mark.parametrize("make", MAKERS)
def test_histories_are_whole_and_of_the_size_promised(make):
    for seed in SEEDS:
        market = make(seed)
        history = market.history
        n_markets, n_periods, n_channels = history.spend.shape
        weekly = history.spacing is Spacing.WEEK
        assert n_markets == 1
        assert 3 <= n_channels <= 10
        assert n_periods in (range(104, 157) if weekly else range(90, 366))
        assert np.isfinite(history.spend).all()
        assert np.isfinite(history.revenue).all()
        assert (history.spend >= 0).all()
        assert (history.revenue >= 0).all()
        assert market.moves in MOVES


def test_markets_are_as_varied_as_the_benchmark_asks():
    markets = [make(seed) for make in MAKERS for seed in SEEDS]
    curves = [curve.shape for market in markets for curve in market.curves]
    assert 0.4 < np.mean([shape == "hill" for shape in curves]) < 0.6
    assert set(curves) == set(FORMS)
    assert 0.2 < np.mean([market.endogenous for market in markets]) < 0.5
    assert {market.moves for market in markets} == set(MOVES)


def test_spends_move_together_and_media_is_a_part_of_national_revenue():
    together, share = [], []
    for seed in SEEDS:
        market = national_market(seed)
        spend = market.history.spend[0]
        pairs = np.corrcoef(spend, rowvar=False)[np.triu_indices(spend.shape[1], 1)]
        together.append(pairs.mean())
        share.append(market.responses(spend).sum() / market.history.revenue.sum())
    assert 0.1 < np.mean(together) < 0.6
    assert min(share) > 0.1
    assert max(share) < 0.6


@pytest.mark.parametrize("shape", FORMS)
def test_every_curve_rises_from_zero_and_its_document_shows_it(shape):
    bend, slope = 0.7, {"power": 0.5, "threshold": 0.3}.get(shape, 1.6)
    curve = TrueCurve(shape, usual=100.0, effect=250.0, bend=bend, slope=slope)
    spend = np.linspace(0.0, 300.0, 50)
    earned = curve(spend)
    assert earned[0] == 0.0
    assert np.all(np.diff(earned) >= 0.0)
    assert curve(100.0) == pytest.approx(250.0)
    market = national_market(1)
    shown = dataclasses.replace(market, curves=(curve,) * len(market.curves)).truth
    looseness = SHOWN_BY_TABLE if shape in ("threshold", "s_shaped") else SHOWN
    for level, value in zip(spend, earned, strict=True):
        seen = shown.response(np.full(len(market.curves), level))
        np.testing.assert_allclose(seen[0], value, rtol=looseness, atol=looseness * 250)


def test_the_truth_is_a_model_of_the_same_channels():
    market = attributed_market(7, n_channels=4, n_periods=120, spacing=Spacing.WEEK)
    truth = market.truth
    assert truth.names == market.history.channels
    assert [c.history_spend_per_period for c in truth.channels] == pytest.approx(
        market.current.tolist()
    )
    assert all(entry.carryover is None for entry in truth.channels)
    assert all(entry.carryover for entry in national_market(7).truth.channels)
    hills = [
        e.curve for e, c in zip(truth.channels, market.curves, strict=True) if c.shape == "hill"
    ]
    assert all(isinstance(curve, Hill) for curve in hills)


def test_where_spend_follows_demand_it_correlates_as_asked():
    rng = np.random.default_rng(4)
    demand = rng.normal(size=20_000)
    spend = np.exp(rng.normal(size=(20_000, 3)) * [0.2, 0.6, 1.0])
    spend[::7, 1] = 0.0  # pulsed: silent weeks have no logarithm
    followed = np.log(spend[:, [0, 2]]) + following(demand, spend, 0.5)[:, [0, 2]]
    for channel in followed.T:
        assert np.corrcoef(channel, demand)[0, 1] == pytest.approx(0.5, abs=0.03)
    assert np.isfinite(following(demand, spend, 0.5)).all()
