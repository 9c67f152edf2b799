"""Histories published with open tools: the known truth is held, the unknown ones stay sane."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from optimizer.files import read_history
from optimizer.fitting.fit import fit
from tests.fitting.examples import draws_of, said

DATA = Path(os.environ.get("ROMI_DATA", "../shared/data"))

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the published histories are not here")

PYMC = {
    "date": "date_week",
    "revenue": "y",
    "channels": {"x1": "x1", "x2": "x2"},
    "controls": {"event_1": "holiday", "event_2": "holiday"},
}
ROBYN = {
    "date": "DATE",
    "revenue": "revenue",
    "channels": {name: f"{name}_S" for name in ("tv", "ooh", "print", "facebook", "search")},
    "controls": {"events": "holiday", "competitor_sales_B": "other"},
}
MERIDIAN = {
    "date": "time",
    "revenue": ["conversions", "revenue_per_conversion"],
    "channels": {f"channel_{i}": f"Channel{i}_spend" for i in range(5)},
    "controls": {"Promo": "promotion", "competitor_sales_control": "other"},
}
GEO = {
    "date": "time",
    "market": "geo",
    "population": "population",
    "revenue": ["conversions", "revenue_per_conversion"],
    "channels": {f"channel_{i}": f"Channel{i}_spend" for i in range(4)},
    "controls": {"competitor_activity_score_control": "other", "sentiment_score_control": "demand"},
}
RETAILER_CHANNELS = ("dm", "inst", "nsp", "auddig", "audtr", "vidtr", "viddig", "so", "on", "sem")
RETAILER = {
    "date": "wk_strt_dt",
    "revenue": "sales",
    "channels": {
        name: f"mdsp_{name}"
        for name in ["dm", "inst", "nsp", "auddig", "audtr", "vidtr", "viddig", "so", "on", "sem"]
    },
    "controls": {"me_ics_all": "other", "hldy_Black Friday": "holiday"},
}
FILES = {
    "pymc_mmm_example.csv": PYMC,
    "robyn_simulated_weekly.csv": ROBYN,
    "meridian_national_all_channels.csv": MERIDIAN,
    "mmm_stan_retailer_weekly.csv": RETAILER,
}

#: Effect and rate of the logistic curves behind the PyMC-Marketing example, by channel.
PYMC_TRUTH = {"x1": (3000.0, 4.0), "x2": (2000.0, 3.0)}


def read(name):
    return read_history(DATA / name, layout="aggregate", columns=FILES[name])


def test_the_known_curves_of_the_pymc_example_lie_in_the_bands():
    history = read("pymc_mmm_example.csv")
    model = fit(history)
    assert said(model, "spend_unit")  # its spend is scaled to 0..1
    for i, entry in enumerate(model.channels):
        effect, rate = PYMC_TRUTH[entry.channel]
        levels = np.linspace(0.25, 1.5, 26) * history.spend[0, :, i].mean()
        truth = effect * np.tanh(rate * levels / 2)
        low, high = np.quantile(draws_of(entry, levels), [0.05, 0.95], axis=0)
        assert np.mean((low <= truth) & (truth <= high)) >= 0.85


@pytest.mark.parametrize("name", FILES)
def test_every_published_history_gives_finite_curves_and_a_sane_share_of_revenue(name):
    history = read(name)
    model = fit(history)
    spend = history.spend[0].mean(axis=0)
    earned = [draws_of(entry, [x])[:, 0] for entry, x in zip(model.channels, spend, strict=True)]
    assert np.isfinite(earned).all()
    media = np.sum(earned, axis=0) / history.revenue.mean()
    assert 0.0 < np.median(media) < 1.0
    assert said(model, "r_squared")[0].value > 0.2


def test_twenty_published_markets_are_a_panel_within_five_seconds():
    history = read_history(DATA / "meridian_geo_media.csv", columns=GEO)
    began = time.process_time()
    model = fit(history)
    assert time.process_time() - began < 5.0
    assert len(model.channels) == 20 * 4
    assert all(d.value > 0.2 for d in said(model, "learned_share"))
    assert said(model, "r_squared")[0].value > 0.9
    for entry in model.channels:
        roas = draws_of(entry, [entry.history_spend_per_period]) / entry.history_spend_per_period
        assert 0.1 < np.median(roas) < 30.0
