"""Small histories for the tests of fitting, with known curves behind them."""

import numpy as np
import pandas as pd

from optimizer.history import History, Spacing

FREQUENCY = {Spacing.DAY: "D", Spacing.WEEK: "7D", Spacing.MONTH: "MS"}


def history(layout, spend, revenue, *, spacing=Spacing.WEEK, controls=(), markets=(None,)):
    """A History of plain arrays; one market unless the arrays bring more."""
    spend, revenue = np.asarray(spend, float), np.asarray(revenue, float)
    if markets == (None,):
        spend, revenue = spend[None], revenue[None]
    return History(
        layout=layout,
        spacing=spacing,
        dates=pd.date_range("2023-01-02", periods=spend.shape[1], freq=FREQUENCY[spacing]),
        channels=tuple("abcdefghij"[: spend.shape[2]]),
        markets=markets,
        spend=spend,
        revenue=revenue,
        controls=controls,
        currency="EUR",
        content_hash="sha256:test",
    )


def hill(spend, ceiling, half, slope):
    return ceiling * spend**slope / (spend**slope + half**slope)


CEILINGS = np.array([400.0, 250.0, 300.0])
HALVES = np.array([120.0, 60.0, 150.0])
SLOPES = np.array([1.5, 1.0, 1.2])


def spends(seed, n_periods=156, n_channels=3, liveliness=0.7):
    rng = np.random.default_rng(seed)
    return 100.0 * rng.lognormal(0.0, liveliness, (n_periods, n_channels))


def attributed(seed=1, noise=0.03, n_periods=156, spacing=Spacing.WEEK):
    spend = spends(seed, n_periods)
    earned = hill(spend, CEILINGS, HALVES, SLOPES)
    shocks = np.random.default_rng([seed, 9]).normal(1.0, noise, spend.shape)
    return history("attributed", spend, earned * shocks, spacing=spacing)


def aggregate(seed=1, noise=10.0, n_periods=156, spacing=Spacing.WEEK, level=1000.0):
    spend = spends(seed, n_periods)
    earned = hill(spend, CEILINGS, HALVES, SLOPES).sum(axis=1)
    shocks = np.random.default_rng([seed, 9]).normal(0.0, noise, n_periods)
    return history("aggregate", spend, level + earned + shocks, spacing=spacing)


def draws_of(entry, spend):
    """Response of every draw of one fitted channel at levels of spend, (n_draws, n_levels)."""
    curve = entry.curve
    ceiling, half, slope = (
        np.reshape(p, (-1, 1)) for p in (curve.ceiling, curve.half_saturation, curve.slope)
    )
    return hill(np.asarray(spend)[None], ceiling, half, slope)


def said(model, code, channel=None):
    """The diagnostics of one code (and channel)."""
    found = [d for d in model.fit.diagnostics if d.code == code]
    return found if channel is None else [d for d in found if d.channel == channel]
