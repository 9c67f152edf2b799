"""fit: recovery of known truth, one answer per seed, and clear words where there is no fit."""

import time

import numpy as np
import pytest

from optimizer.errors import DocumentError, FitError
from optimizer.fitting.fit import fit
from optimizer.history import Control, Spacing
from optimizer.synthetic import attributed_market
from tests.fitting import examples
from tests.fitting.examples import CEILINGS, HALVES, SLOPES, draws_of, said

LEVELS = np.array([40.0, 80.0, 125.0, 180.0])  # currency; mean spend is about 128
ROUGHLY = 0.1  # relative error of the centre of an attributed curve at 3 % noise


def truth(channel, levels=LEVELS):
    return examples.hill(levels, CEILINGS[channel], HALVES[channel], SLOPES[channel])


def band(entry, levels=LEVELS):
    return np.quantile(draws_of(entry, levels), [0.05, 0.5, 0.95], axis=0)


def test_attributed_curves_are_found_again():
    model = fit(examples.attributed())
    for channel, entry in enumerate(model.channels):
        np.testing.assert_allclose(band(entry)[1], truth(channel), rtol=ROUGHLY)


def test_aggregate_bands_hold_the_true_curves_and_are_narrower_than_the_prior():
    history = examples.aggregate()
    inside = []
    model = fit(history)
    for channel, entry in enumerate(model.channels):
        low, _, high = band(entry)
        inside.append((low <= truth(channel)) & (truth(channel) <= high))
        assert said(model, "learned_share", entry.channel)[0].value > 0.2
    assert np.mean(inside) >= 0.8


def test_a_wrong_formula_is_not_accepted():
    """Twice the truth, or the truth without saturation, lies outside the bands."""
    model = fit(examples.attributed())
    for channel, entry in enumerate(model.channels):
        low, _, high = band(entry)
        straight = truth(channel)[2] * LEVELS / LEVELS[2]
        for wrong in (2 * truth(channel), straight):
            assert np.mean((low <= wrong) & (wrong <= high)) <= 0.5


def test_carryover_is_found_where_there_is_some():
    spend = examples.spends(4, 208)
    kept = np.zeros_like(spend)
    for t in range(len(spend)):
        kept[t] = 0.3 * spend[t] + 0.7 * (kept[t - 1] if t else spend[:8].mean(axis=0))
    earned = examples.hill(kept, CEILINGS, HALVES, SLOPES).sum(axis=1)
    revenue = 1000 + earned + np.random.default_rng(1).normal(0, 8, len(spend))
    model = fit(examples.history("aggregate", spend, revenue))
    assert [np.median(e.carryover.retention) for e in model.channels] == pytest.approx(
        [0.7, 0.7, 0.7], abs=0.15
    )


@pytest.mark.parametrize("history", [examples.attributed(), examples.aggregate()])
def test_the_same_seed_gives_the_same_model(history):
    assert fit(history, seed=7) == fit(history, seed=7)
    assert fit(history, seed=7).channels != fit(history, seed=8).channels


def test_without_draws_the_model_is_the_most_plausible_curve():
    history = examples.attributed()
    entry, drawn = fit(history, draws=0).channels[0], fit(history).channels[0]
    assert isinstance(entry.curve.ceiling, float)
    centre = band(drawn)[1]
    np.testing.assert_allclose(draws_of(entry, LEVELS)[0], centre, rtol=0.03)


def test_outliers_hardly_move_the_curves():
    clean = examples.attributed()
    revenue = clean.revenue[0].copy()
    revenue[np.arange(5, 150, 20), 0] *= 8.0
    spoilt = examples.history("attributed", clean.spend[0], revenue)
    before, after = (band(fit(h).channels[0])[1] for h in (clean, spoilt))
    np.testing.assert_allclose(after, before, rtol=ROUGHLY)


@pytest.mark.parametrize("size", [100.0, 10_000.0])
def test_one_wild_value_spoils_neither_its_own_channel_nor_the_others(size):
    clean = examples.attributed()
    revenue = clean.revenue[0].copy()
    revenue[70, 0] *= size
    model = fit(examples.history("attributed", clean.spend[0], revenue))
    for channel, entry in enumerate(model.channels):
        np.testing.assert_allclose(band(entry)[1], truth(channel), rtol=2 * ROUGHLY)


@pytest.mark.parametrize("share", [0.005, 100.0])
def test_a_channel_with_a_return_far_from_the_usual_is_found_where_the_data_say(share):
    """A mailing to its own list returns hundreds; nothing may clip that to what is usual."""
    usual = examples.attributed()
    spend = usual.spend[0].copy()
    spend[:, 0] *= share
    model = fit(examples.history("attributed", spend, usual.revenue[0]))
    np.testing.assert_allclose(
        band(model.channels[0], share * LEVELS)[1], truth(0), rtol=2 * ROUGHLY
    )
    np.testing.assert_allclose(band(model.channels[1])[1], truth(1), rtol=2 * ROUGHLY)


def test_clear_data_outweigh_a_wrong_stated_belief_without_a_cliff():
    history = examples.attributed()
    wrong = fit(history, priors={"a": {"roas": (4.0, 0.1)}})
    spend = history.spend[0].mean(axis=0)[:1]
    roas = np.quantile(draws_of(wrong.channels[0], spend) / spend[0], [0.05, 0.5, 0.95])
    said_by_data = truth(0, spend)[0] / spend[0]
    assert roas[1] == pytest.approx(said_by_data, rel=0.15)
    assert roas[0] < roas[1] < roas[2], "a band, not a clipped line"


def test_a_belief_stated_by_the_planner_moves_the_curve():
    history = examples.aggregate(noise=300.0)
    plain = fit(history)
    edited = fit(history, priors={"a": {"roas": (6.0, 0.05)}})
    spend = history.spend[0].mean(axis=0)[:1]
    roas = [np.median(draws_of(m.channels[0], spend)) / spend[0] for m in (plain, edited)]
    assert roas[0] < 4.0
    assert roas[1] == pytest.approx(6.0, rel=0.1)
    assert edited.fit.priors["a"]["roas"] == (6.0, 0.05)
    assert edited.fit.priors["b"] == plain.fit.priors["b"]


@pytest.mark.parametrize(
    ("priors", "words"),
    [
        ({"serach": {"roas": (1, 1)}}, "known: a, b, c"),
        ({"a": {"raos": (1, 1)}}, 'did you mean "roas"?'),
        ({"a": {"roas": (-1, 1)}}, "above zero"),
        ({"a": {"slope": (1, 0)}}, "above zero"),
        ({"a": {"slope": (1, float("nan"))}}, "two numbers"),
        ({"a": {"retention": (0, 1)}}, "no carryover"),
    ],
)
def test_a_mistaken_belief_is_a_fault_with_advice(priors, words):
    with pytest.raises(DocumentError, match="priors") as caught:
        fit(examples.attributed(), priors=priors)
    assert words in str(caught.value)


def test_several_markets_with_attributed_revenue_have_a_curve_each():
    one, two = examples.attributed(1), examples.attributed(2)
    both = examples.history(
        "attributed",
        np.stack([one.spend[0], two.spend[0]]),
        np.stack([one.revenue[0], 2 * two.revenue[0]]),
        markets=("north", "south"),
    )
    model = fit(both)
    cells = [(entry.channel, entry.market) for entry in model.channels]
    assert cells == [(c, m) for m in ("north", "south") for c in "abc"]
    ratio = band(model.channels[3])[1] / band(model.channels[0])[1]
    np.testing.assert_allclose(ratio, 2.0, rtol=2 * ROUGHLY)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda s, r: (s[:20], r[:20]), "at least 30"),
        (lambda s, r: (s * 0, r), "columns hold the spend"),
        (lambda s, r: (s, r * 0), "no revenue"),
        (lambda s, r: (s - 1e6, r), "negative spend"),
        (lambda s, r: (np.where(s > 300, np.nan, s), r), "Fill them"),
    ],
)
@pytest.mark.parametrize("make", [examples.attributed, examples.aggregate])
def test_a_history_without_a_fit_says_what_to_do(make, spoil, words):
    good = make()
    spend, revenue = spoil(good.spend[0], good.revenue[0])
    with pytest.raises(FitError, match=words):
        fit(examples.history(good.layout, spend, revenue))


@pytest.mark.parametrize("make", [examples.attributed, examples.aggregate])
def test_a_channel_without_spend_is_left_out_and_named(make):
    good = make()
    spend = good.spend[0].copy()
    spend[:, 1] = 0.0
    model = fit(examples.history(good.layout, spend, good.revenue[0]))
    assert [entry.channel for entry in model.channels] == ["a", "c"]
    assert said(model, "left_out", "b")[0].severity == "warning"


@pytest.mark.parametrize("make", [examples.attributed, examples.aggregate])
def test_constant_spend_fits_and_is_named(make):
    good = make()
    spend = good.spend[0].copy()
    spend[:, 1] = 80.0
    model = fit(examples.history(good.layout, spend, good.revenue[0]))
    assert said(model, "constant_spend", "b")
    assert np.isfinite(draws_of(model.channels[1], LEVELS)).all()


def test_a_channel_with_spend_but_no_revenue_earns_next_to_nothing():
    good = examples.attributed()
    revenue = good.revenue[0].copy()
    revenue[:, 2] = 0.0
    model = fit(examples.history("attributed", good.spend[0], revenue))
    assert np.all(band(model.channels[2])[1] < 0.1 * truth(2))


@pytest.mark.parametrize("spacing", list(Spacing))
@pytest.mark.parametrize("make", [examples.attributed, examples.aggregate])
def test_every_spacing_and_layout_gives_sane_draws(make, spacing):
    model = fit(make(n_periods=90, spacing=spacing))
    assert model.period == spacing.value
    for entry in model.channels:
        drawn = draws_of(entry, LEVELS)
        assert len(drawn) == 400
        assert np.isfinite(drawn).all()
        assert (drawn >= 0).all()
        assert max(entry.curve.ceiling) < 1e12
        assert (entry.carryover is None) == (make is examples.attributed)
        if entry.carryover:
            assert all(0 <= kept < 1 for kept in entry.carryover.retention)


def test_history_spend_is_the_last_year_and_the_largest_of_all():
    history = examples.attributed()
    entry = fit(history).channels[0]
    assert entry.history_spend_per_period == pytest.approx(history.spend[0, -52:, 0].mean())
    assert entry.history_largest_spend == history.spend[0, :, 0].max()


def test_controls_take_their_share_of_revenue():
    history = examples.aggregate()
    flags = (np.random.default_rng(8).random(156) < 0.15).astype(float)
    revenue = history.revenue[0] * (1 + 0.3 * flags)
    controls = (
        Control("sale", "promotion", flags[None]),
        Control("price", "other", np.ones((1, 156))),  # constant: says nothing, breaks nothing
    )
    told = fit(examples.history("aggregate", history.spend[0], revenue, controls=controls))
    untold = fit(examples.history("aggregate", history.spend[0], revenue))
    assert said(told, "r_squared")[0].value > said(untold, "r_squared")[0].value + 0.1


def test_twin_channels_are_named_as_a_pair():
    spend = examples.spends(3)
    spend[:, 1] = spend[:, 0] * 1.2
    earned = examples.hill(spend, CEILINGS, HALVES, SLOPES).sum(axis=1)
    model = fit(examples.history("aggregate", spend, 1000 + earned))
    pair = said(model, "closest_pair")[0]
    assert {pair.channel, pair.other} == {"a", "b"}
    assert pair.severity == "warning"
    assert pair.value < -0.5


def test_spend_in_another_unit_is_said_and_survived():
    good = examples.aggregate()
    model = fit(examples.history("aggregate", good.spend[0] / 1e6, good.revenue[0]))
    assert said(model, "spend_unit")
    low, _, high = band(model.channels[0], LEVELS / 1e6)
    assert np.mean((low <= truth(0)) & (truth(0) <= high)) >= 0.75


def test_attributed_revenue_is_said_not_to_be_incremental():
    assert said(fit(examples.attributed()), "not_incremental")[0].severity == "warning"
    assert not said(fit(examples.aggregate()), "not_incremental")


@pytest.mark.parametrize("make", [examples.attributed, examples.aggregate])
def test_every_diagnostic_of_the_specification_is_there(make):
    codes = {d.code for d in fit(make()).fit.diagnostics}
    assert codes >= {
        "learned_share",
        "closest_pair",
        "r_squared",
        "residual_autocorrelation",
        "holdout_error",
        "naive_forecasts",
        "share_of_starts",
        "k_hat",
        "best_test",
    }


def test_holdout_error_is_near_the_noise_of_an_easy_history():
    error = said(fit(examples.attributed(noise=0.05)), "holdout_error")[0].value
    assert 0.02 < error < 0.08  # mean size of 5 % noise is 4 %


@pytest.mark.slow
def test_ten_channels_by_156_weeks_fit_within_a_second():
    spend = examples.spends(1, 156, 10)
    earned = examples.hill(spend, 300.0, 120.0, 1.2)
    for layout, revenue in (("attributed", earned), ("aggregate", 2000 + earned.sum(axis=1))):
        history = examples.history(layout, spend, revenue)
        began = time.process_time()
        fit(history)
        assert time.process_time() - began < 1.0


def test_progress_runs_from_nothing_to_all():
    heard: list[float] = []
    fit(attributed_market(3, n_channels=3).history, progress=heard.append)
    assert heard == sorted(heard)
    assert heard[0] == 0.0
    assert heard[-1] == 1.0
    assert len(heard) > 2
