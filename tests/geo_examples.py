"""Geo tests of known lift: markets that share waves and shocks, each with noise of its own."""

import numpy as np
import pandas as pd

from optimizer.geo_revenue import GeoRevenue
from optimizer.tables.dates import Spacing


def geo_test(seed, *, relative_lift=0.0, n_markets=20, n_before=70, n_after=14, n_treated=1):
    """Revenue of markets with a test in the last days, and the lift per day that it had."""
    rng = np.random.default_rng(seed)
    n_periods = n_before + n_after
    size = rng.lognormal(7.0, 0.8, n_markets)
    week = rng.normal(0.0, 0.08, 7)[np.arange(n_periods) % 7]
    shared = np.cumsum(rng.normal(0.0, 0.01, (n_periods, 2)), axis=0)
    loadings = rng.normal(1.0, 0.4, (2, n_markets))
    own = rng.normal(0.0, 1.0, (n_periods, n_markets))
    for day in range(1, n_periods):
        own[day] = 0.5 * own[day - 1] + np.sqrt(0.75) * own[day]
    noise = own * rng.uniform(0.02, 0.06, n_markets)
    expected = size * np.exp(week[:, None] + shared @ loadings)
    treated = rng.choice(n_markets, n_treated, replace=False)
    lift = relative_lift * expected[n_before:, treated]
    revenue = expected * (1.0 + noise)
    revenue[n_before:, treated] += lift
    names = tuple(f"city {place:02d}" for place in range(n_markets))
    dates = pd.date_range("2026-01-01", periods=n_periods, freq="D")
    geo = GeoRevenue(Spacing.DAY, dates, names, revenue)
    return geo, [names[place] for place in treated], float(lift.sum(axis=1).mean())
