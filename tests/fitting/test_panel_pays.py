"""The worth of markets side by side, in money: the panel against the total of the same data."""

import numpy as np
import pytest

from benchmarks.geo import by_channel, judge
from optimizer.fitting.fit import fit
from optimizer.synthetic_geo import geo_market

SEEDS = range(1000, 1010)  # of development; the graded ones lie elsewhere


def test_a_panels_curves_by_channel_are_the_sums_of_its_cells():
    model = fit(geo_market(1003, n_markets=4, n_channels=3).history, draws=0)
    usual = np.array([entry.history_spend_per_period for entry in model.channels])
    channels = by_channel(model)
    for factor in (0.5, 1.0, 2.0):
        cells = model.response(factor * usual)[0]
        names = np.array([entry.channel for entry in model.channels])
        summed = [cells[names == name].sum() for name in channels.names]
        spend = np.array([factor * usual[names == name].sum() for name in channels.names])
        np.testing.assert_allclose(channels.response(spend)[0], summed, rtol=1e-3)


@pytest.mark.slow
def test_the_panel_captures_ten_points_more_than_the_total_and_covers_the_truth():
    contests = [judge(geo_market(seed), seed) for seed in SEEDS]
    panel, total = (np.median([getattr(c, name) for c in contests]) for name in ("panel", "total"))
    assert panel > total + 0.10
    assert panel > 0.65
    assert 0.85 <= np.mean([c.panel_coverage for c in contests]) <= 0.95
