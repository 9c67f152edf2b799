"""Small geo histories for the tests of panels, with known curves behind them."""

import dataclasses

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from optimizer.history import History, Spacing
from tests.fitting.examples import CEILINGS, FREQUENCY, HALVES, SLOPES, hill

POPULATION = np.array([4.0, 1.0, 0.2, 2.0, 0.6, 8.0])
STRENGTHS = np.array([0.5, 2.0, 1.0, 0.7, 1.4, 1.0])  # of channel a; the others are 1 everywhere


def hills(per_head):
    """Revenue per head of the three channels."""
    return hill(per_head, CEILINGS, HALVES, SLOPES)


def panel(
    seed=1,
    *,
    noise=0.03,
    n_periods=104,
    strengths=None,
    shocks=0.05,
    population=POPULATION,
    curve=hills,
):
    """Markets of very different size, one curve per head, shocks in proportion to baselines."""
    rng = np.random.default_rng(seed)
    count = len(population)
    strengths = np.ones(count) if strengths is None else strengths
    per_head = 100.0 * rng.lognormal(0.0, 0.6, (count, n_periods, 3))
    effects = np.stack([strengths, np.ones(count), np.ones(count)], axis=1)
    media = (effects[:, None] * curve(per_head)).sum(axis=2)
    common = lfilter([1.0], [1.0, -0.7], rng.normal(0.0, shocks, n_periods))
    level = 1000.0 * rng.lognormal(0.0, 0.2, count)[:, None]
    own = rng.normal(0.0, noise, media.shape)
    revenue = media + level * (1.0 + common + own)
    return History(
        layout="aggregate",
        spacing=Spacing.WEEK,
        dates=pd.date_range("2023-01-02", periods=n_periods, freq=FREQUENCY[Spacing.WEEK]),
        channels=("a", "b", "c"),
        markets=tuple("uvwxyzopqrst"[:count]),
        spend=population[:, None, None] * per_head,
        revenue=population[:, None] * revenue,
        population=population,
        currency="EUR",
    )


def changed(history, **fields):
    """The history with fields replaced."""
    return dataclasses.replace(history, **fields)


def cell(model, channel, market):
    """One fitted curve."""
    found = [e for e in model.channels if (e.channel, e.market) == (channel, market)]
    assert len(found) == 1, (channel, market)
    return found[0]
