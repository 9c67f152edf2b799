"""Hard markets: each hardship is there, and only it."""

import numpy as np
import pytest

from optimizer.synthetic import national_market
from optimizer.synthetic_hard import HARDSHIPS, SHORT, hard_market

SEEDS = range(500, 512)


def spread(market):
    """Standard deviation of the log of spend by channel, pauses left out."""
    spend = market.history.spend[0]
    return np.nanstd(np.log(np.where(spend > 0.0, spend, np.nan)), axis=0)


def pairs(market):
    """How many pairs of channels keep one ratio wherever both spend."""
    spend = market.history.spend[0]
    logs = np.log(np.where(spend > 0.0, spend, np.nan))
    return sum(
        np.nanstd(logs[:, i] - logs[:, j]) < 0.08 for j in range(logs.shape[1]) for i in range(j)
    )


def test_hardships_take_turns_and_the_same_seed_makes_the_same_market():
    for seed in SEEDS:
        market, same = hard_market(seed), hard_market(seed)
        assert market.history.content_hash == same.history.content_hash
        named = hard_market(seed, hardship=HARDSHIPS[seed % 3])
        assert market.history.content_hash == named.history.content_hash


@pytest.mark.parametrize("seed", SEEDS)
def test_some_channels_up_to_half_of_them_spend_the_same_every_week(seed):
    market, free = hard_market(seed, hardship="constant spend"), national_market(seed)
    held = spread(market) < 0.05
    assert 1 <= held.sum() <= max(len(held) // 2, 1)
    np.testing.assert_array_equal(
        market.history.spend[0][:, ~held], free.history.spend[0][:, ~held]
    )
    np.testing.assert_allclose(
        market.history.spend.mean(axis=1), free.history.spend.mean(axis=1), rtol=0.02
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_one_pair_spends_as_one(seed):
    assert pairs(hard_market(seed, hardship="collinear pair")) == 1
    assert pairs(national_market(seed)) == 0


def test_a_short_history_is_as_short_as_is_fitted_at_all():
    for seed in SEEDS:
        assert hard_market(seed, hardship="30 weeks").history.spend.shape[1] == SHORT


def test_what_a_hard_market_earns_is_what_its_own_spend_earns():
    """The habit comes before the revenue: a pair's revenue follows the pair's spend."""
    market = hard_market(501, n_channels=3, hardship="constant spend")
    free = national_market(501, n_channels=3)
    assert market.curves == free.curves
    assert not np.array_equal(market.history.revenue, free.history.revenue)
