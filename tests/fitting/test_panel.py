"""fit on several markets with one revenue series each: laws, recovered truth, clear words."""

import time

import numpy as np
import pytest

from optimizer.curves import DrawCurves
from optimizer.errors import FitError
from optimizer.fitting.fit import fit
from optimizer.history import Control
from optimizer.lift_tests import LiftTest
from optimizer.plan import plan
from optimizer.scenario import Scenario
from tests.fitting.examples import CEILINGS, HALVES, SLOPES, draws_of, hill, said
from tests.fitting.panels import POPULATION, STRENGTHS, cell, changed, hills, panel

LEVELS = np.array([40.0, 80.0, 125.0, 180.0])  # currency per head; mean spend is about 120
SAME = 1e-3  # relative: rounding between two ways to the same numbers, through a search
SAME_MODE = 0.02  # relative: two searches of one optimum from different starts


def truth(channel, strength=1.0):
    """Revenue per head at LEVELS."""
    return strength * hill(LEVELS, CEILINGS[channel], HALVES[channel], SLOPES[channel])


def bands(model, history, strengths=None):
    """Low, middle, high of each cell's curve per head at LEVELS, and the truth there."""
    sizes = dict(zip(history.markets, POPULATION, strict=True))
    strong = dict(zip(history.markets, np.ones(6) if strengths is None else strengths, strict=True))
    for entry in model.channels:
        size, channel = sizes[entry.market], history.channels.index(entry.channel)
        drawn = draws_of(entry, LEVELS * size) / size
        true = truth(channel, strong[entry.market] if entry.channel == "a" else 1.0)
        yield (*np.quantile(drawn, [0.05, 0.5, 0.95], axis=0), true)


def assert_found(model, channel, market, size):
    """The true curve lies in a 90 % band that is narrow enough to say something."""
    drawn = draws_of(cell(model, channel, market), LEVELS * size) / size
    low, high = np.quantile(drawn, [0.05, 0.95], axis=0)
    true = truth("abc".index(channel))
    assert ((low <= true) & (true <= high)).all()
    assert high[2] < 2.5 * low[2]  # near mean spend


def middle(model, channel, market, size):
    return np.median(draws_of(cell(model, channel, market), LEVELS * size), axis=0) / size


@pytest.mark.parametrize("strengths", [None, STRENGTHS], ids=["alike", "different"])
def test_the_bands_hold_the_true_curves_of_all_markets_and_no_wrong_ones(strengths):
    history = panel(strengths=strengths)
    inside, wrong = [], []
    for low, _, high, true in bands(fit(history), history, strengths):
        inside.append((low <= true) & (true <= high))
        wrong.append((low <= 2 * true) & (2 * true <= high))
    assert np.mean(inside) >= 0.8
    assert np.mean(wrong) <= 0.2


def test_every_market_gets_its_own_strength():
    model = fit(panel(strengths=STRENGTHS))
    middles = [middle(model, "a", m, p)[2] for m, p in zip("uvwxyz", POPULATION, strict=True)]
    found = np.array(middles) / truth(0)[2]
    np.testing.assert_allclose(found, STRENGTHS, rtol=0.3)
    assert said(model, "market_differences")[0].value > 0.25


def test_markets_that_are_alike_are_pooled():
    model = fit(panel())
    middles = [middle(model, "b", m, p)[2] for m, p in zip("uvwxyz", POPULATION, strict=True)]
    assert np.std(np.log(middles)) < 0.1
    assert said(model, "market_differences")[0].value < 0.25


def test_shocks_that_all_markets_share_leave_the_curves_as_they_are():
    twelve = np.tile(POPULATION, 2)  # enough for a course that is free
    calm, shaken = (fit(panel(shocks=size, population=twelve)) for size in (0.01, 0.15))
    for channel in "abc":
        ratio = middle(shaken, channel, "u", 4.0) / middle(calm, channel, "u", 4.0)
        np.testing.assert_allclose(ratio, 1.0, atol=0.15)


def test_a_market_a_thousand_times_as_large_has_the_same_curve_per_head():
    history = panel()
    size = np.array([1000.0, *np.ones(5)])
    larger = changed(
        history,
        spend=history.spend * size[:, None, None],
        revenue=history.revenue * size[:, None],
        population=POPULATION * size,
    )
    one, other = fit(history), fit(larger)
    for channel in "abc":
        for market, factor in zip("uvwxyz", size, strict=True):
            before = draws_of(cell(one, channel, market), LEVELS)
            after = draws_of(cell(other, channel, market), LEVELS * factor) / factor
            np.testing.assert_allclose(after, before, rtol=SAME)


def test_the_order_of_the_markets_does_not_matter():
    history = panel()
    turned = np.array([3, 0, 5, 1, 4, 2])
    other = changed(
        history,
        markets=tuple(history.markets[g] for g in turned),
        spend=history.spend[turned],
        revenue=history.revenue[turned],
        population=POPULATION[turned],
    )
    one, two = fit(history, draws=0), fit(other, draws=0)
    for entry in one.channels:
        np.testing.assert_allclose(
            draws_of(cell(two, entry.channel, entry.market), LEVELS),
            draws_of(entry, LEVELS),
            rtol=SAME_MODE,
        )


def test_a_market_without_revenue_is_left_out_and_changes_nothing():
    history = panel()
    plain = fit(changed(history, markets=history.markets[:5], spend=history.spend[:5],
                        revenue=history.revenue[:5], population=POPULATION[:5]))  # fmt: skip
    revenue = history.revenue.copy()
    revenue[5] = 0.0
    model = fit(changed(history, revenue=revenue))
    assert model.channels == plain.channels
    assert "z has no revenue" in said(model, "left_out")[0].message


def test_a_market_without_spend_has_no_curves_but_shows_what_moves_revenue():
    history = panel(shocks=0.1, noise=0.01)
    spend = history.spend.copy()
    spend[5] = 0.0
    media = hill(history.spend[5] / 8.0, CEILINGS, HALVES, SLOPES).sum(axis=1)
    revenue = history.revenue.copy()
    revenue[5] -= 8.0 * media
    model = fit(changed(history, spend=spend, revenue=revenue))
    assert {entry.market for entry in model.channels} == set("uvwxy")
    assert "z has no spend" in said(model, "left_out")[0].message
    assert_found(model, "b", "u", 4.0)


def test_a_channel_a_market_lacks_has_no_curve_there_and_the_others_keep_theirs():
    history = panel(noise=0.01)
    spend, revenue = history.spend.copy(), history.revenue.copy()
    for g in (1, 3):
        per_head = spend[g, :, 2] / POPULATION[g]
        revenue[g] -= POPULATION[g] * hill(per_head, CEILINGS[2], HALVES[2], SLOPES[2])
    spend[[1, 3], :, 2] = 0.0
    model = fit(changed(history, spend=spend, revenue=revenue))
    assert {e.market for e in model.channels if e.channel == "c"} == set("uwyz")
    assert "c has no spend in v and x" in said(model, "left_out", "c")[0].message
    assert_found(model, "c", "u", 4.0)


def test_a_market_that_starts_late_is_fitted_from_its_start():
    history = panel(noise=0.01)
    revenue, spend = history.revenue.copy(), history.spend.copy()
    revenue[5, :70], spend[5, :70] = 0.0, 0.0
    model = fit(changed(history, revenue=revenue, spend=spend))
    entry = cell(model, "b", "z")
    assert len(entry.recent_spend) == 34
    assert entry.history_spend_per_period == pytest.approx(spend[5, 70:, 1].mean())
    assert_found(model, "b", "z", 8.0)
    assert_found(model, "b", "u", 4.0)


def test_a_market_that_closed_has_no_curves_and_its_past_counts():
    history = panel()
    revenue, spend = history.revenue.copy(), history.spend.copy()
    revenue[0, 80:], spend[0, 80:] = 0.0, 0.0
    model = fit(changed(history, revenue=revenue, spend=spend))
    assert {entry.market for entry in model.channels} == set("vwxyz")
    assert "u has no revenue any more" in said(model, "left_out")[0].message


def test_without_population_markets_are_compared_by_their_revenue_and_it_is_said():
    history = panel(noise=0.01)
    model = fit(changed(history, population=None))
    assert said(model, "market_sizes")[0].severity == "warning"
    assert not said(fit(history), "market_sizes")
    assert_found(model, "b", "u", 4.0)


def test_controls_of_each_market_take_their_share_of_revenue():
    history = panel(noise=0.01)
    rng = np.random.default_rng(8)
    flags = (rng.random(history.revenue.shape) < 0.15).astype(float)
    price = rng.normal(10.0, 2.0, history.revenue.shape)
    level = POPULATION[:, None] * 1000.0
    revenue = history.revenue + level * (0.3 * flags - 0.04 * (price - 10.0))
    controls = (Control("sale", "promotion", flags), Control("price", "other", price))
    told = fit(changed(history, revenue=revenue, controls=controls))
    untold = fit(changed(history, revenue=revenue))
    assert said(told, "r_squared")[0].value > said(untold, "r_squared")[0].value + 0.2
    assert_found(told, "a", "u", 4.0)
    assert_found(told, "b", "z", 8.0)


def national(history, channel=0):
    """The history with one channel spending the same per head everywhere, revenue along."""
    spend, revenue = history.spend / POPULATION[:, None, None], history.revenue.copy()
    before = hill(spend[..., channel], CEILINGS[channel], HALVES[channel], SLOPES[channel])
    spend[..., channel] = spend[:1, :, channel]
    after = hill(spend[..., channel], CEILINGS[channel], HALVES[channel], SLOPES[channel])
    revenue += POPULATION[:, None] * (after - before)
    return changed(history, spend=spend * POPULATION[:, None, None], revenue=revenue)


def test_a_national_channel_is_named_and_known_less_than_if_markets_differed():
    history = panel(shocks=0.03, noise=0.01)
    everywhere, by_market = fit(national(history)), fit(history)
    assert said(everywhere, "national_channel", "a")[0].severity == "warning"
    assert not said(by_market, "national_channel")
    shares = [said(m, "learned_share", "a")[0].value for m in (everywhere, by_market)]
    assert shares[0] < shares[1] - 0.05
    low, high = np.quantile(draws_of(cell(everywhere, "a", "u"), 4 * LEVELS) / 4, [0.05, 0.95], 0)
    assert np.mean((low <= truth(0)) & (truth(0) <= high)) >= 0.75
    assert_found(everywhere, "b", "u", 4.0)


def test_a_figure_of_the_whole_country_in_every_row_is_divided_over_the_markets():
    history = national(panel())
    whole = history.spend[..., 0].sum(axis=0)
    spend = history.spend.copy()
    spend[..., 0] = whole
    model = fit(changed(history, spend=spend))
    assert said(model, "repeated_spend", "a")[0].severity == "warning"
    assert not said(model, "spend_unit")
    for entry, same in zip(model.channels, fit(history).channels, strict=True):
        np.testing.assert_allclose(draws_of(entry, LEVELS), draws_of(same, LEVELS), rtol=SAME)
    usual = sum(e.history_spend_per_period for e in model.channels if e.channel == "a")
    assert usual == pytest.approx(whole[-52:].mean())


def test_one_market_with_revenue_is_fitted_as_a_history_of_one():
    history = panel()
    revenue = history.revenue.copy()
    revenue[1:] = 0.0
    model = fit(changed(history, revenue=revenue))
    alone = fit(changed(history, markets=history.markets[:1], spend=history.spend[:1],
                        revenue=history.revenue[:1], population=None))  # fmt: skip
    assert {entry.market for entry in model.channels} == {"u"}
    assert model.channels == alone.channels


def test_spend_and_revenue_in_different_markets_are_refused_with_advice():
    history = panel()
    spend, revenue = history.spend.copy(), history.revenue.copy()
    spend[:3], revenue[3:] = 0.0, 0.0
    with pytest.raises(FitError, match="named alike"):
        fit(changed(history, spend=spend, revenue=revenue))


def test_spend_of_closed_markets_only_leaves_nothing_to_plan():
    history = panel()
    spend, revenue = history.spend.copy(), history.revenue.copy()
    spend[3:], revenue[:3, 80:] = 0.0, 0.0
    with pytest.raises(FitError, match="nothing to plan"):
        fit(changed(history, spend=spend, revenue=revenue))


def test_a_last_period_without_any_revenue_closes_no_market():
    history = panel()
    revenue = history.revenue.copy()
    revenue[:, -6:] = 0.0
    model = fit(changed(history, revenue=revenue))
    assert {entry.market for entry in model.channels} == set("uvwxyz")


def test_the_same_seed_gives_the_same_model_and_no_draws_the_most_plausible_one():
    history = panel()
    assert fit(history, seed=3) == fit(history, seed=3)
    point, drawn = fit(history, draws=0), fit(history)
    assert isinstance(cell(point, "b", "u").curve.ceiling, float)
    at_mode = draws_of(cell(point, "b", "u"), 4 * LEVELS)[0] / 4
    np.testing.assert_allclose(at_mode, middle(drawn, "b", "u", 4.0), rtol=0.05)


def test_a_lift_test_of_all_markets_narrows_the_doubt_about_its_channel():
    history = panel(noise=0.15)
    usual = history.spend[..., 0].mean(axis=1)
    mean = usual / POPULATION
    per_head = hill(mean, CEILINGS[0], HALVES[0], SLOPES[0])
    lift = float((POPULATION * per_head).sum())
    first, last = history.dates[60].date(), history.dates[67].date()
    test = LiftTest("a", first, last, 0.0, float(usual.sum()), lift, 0.03 * lift)
    plain, tested = fit(history), fit(history, lift_tests=[test])
    widths = [np.ptp(np.quantile(np.log(draws_of(cell(m, "a", "z"), 8 * LEVELS[2])), [0.05, 0.95]))
              for m in (plain, tested)]  # fmt: skip
    assert widths[1] < 0.8 * widths[0]
    assert said(tested, "lift_test", "a")


@pytest.mark.parametrize("options", [{"curve": "log"}, {"carryover": "peaked"}])
def test_every_form_of_curve_and_carryover_serves_a_panel(options):
    model = fit(panel(n_periods=60), **options)
    assert len(model.channels) == 18
    assert isinstance(model.draw_curves, DrawCurves)
    usual = np.array([entry.history_spend_per_period for entry in model.channels])
    assert np.isfinite(model.response(usual)).all()


@pytest.mark.parametrize(
    ("curve", "kept"),
    [(hills, True), (lambda per_head: 12.0 * per_head**0.6, False)],
    ids=["hill", "power"],
)
def test_the_family_of_curves_is_chosen_by_what_markets_differ_in(curve, kept):
    model = fit(panel(n_periods=60, noise=0.01, curve=curve), curve="auto")
    assert (model.channels[0].curve.family == "hill") is kept


def test_a_plan_by_market_spends_where_a_channel_works():
    """Two markets alike but for what channel a earns: the plan moves a's money between them."""
    strengths = np.array([1.0, 0.4, 1.0, 1.0, 1.0, 2.5])
    model = fit(panel(strengths=strengths))
    answer = plan(model, Scenario(periods=13, objective="revenue"))
    change = {
        row["market"]: row["spend"] / row["current_spend"]
        for row in answer.to_dict()["allocation"]
        if row["channel"] == "a"
    }
    assert change["z"] > 1.1
    assert change["v"] < 0.9


def test_every_diagnostic_of_a_fit_is_there():
    model = fit(panel())
    codes = {d.code for d in model.fit.diagnostics}
    assert codes >= {
        "market_differences",
        "learned_share",
        "closest_pair",
        "r_squared",
        "residual_autocorrelation",
        "holdout_error",
        "share_of_starts",
        "k_hat",
        "best_test",
    }
    assert {entry.market for entry in model.fit.noise} == set("uvwxyz")


@pytest.mark.slow
def test_six_markets_by_156_weeks_fit_within_a_second():
    history = panel(n_periods=156)
    began = time.process_time()
    fit(history)
    assert time.process_time() - began < 1.0
