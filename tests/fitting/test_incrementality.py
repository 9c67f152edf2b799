"""Attributed revenue made incremental: laws of the factor, and who is said to be what."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer import Scenario, fit, plan
from optimizer.errors import DocumentError
from optimizer.fitting.incrementality import factor_draws
from tests.fitting import examples
from tests.fitting.examples import draws_of, said

LEVELS = np.array([40.0, 125.0])
QUANTILES_FOR_MOMENTS = 0.01  # relative: 400 quantiles hold a little less than the whole tail
SCENARIO = Scenario.from_dict({"periods": 13, "objective": "profit"})


@given(mean=st.floats(0.05, 2.0), spread=st.floats(0.01, 0.6), seed=st.integers(0, 99))
def test_factors_have_the_mean_and_sd_that_were_stated_and_stay_above_zero(mean, spread, seed):
    drawn = factor_draws(mean, spread * mean, 400, np.random.default_rng(seed))
    assert drawn.min() > 0.0
    assert drawn.mean() == pytest.approx(mean, rel=QUANTILES_FOR_MOMENTS)
    assert drawn.std() == pytest.approx(spread * mean, rel=0.08)


def test_a_factor_may_exceed_one():
    assert factor_draws(0.9, 0.3, 400, np.random.default_rng(1)).max() > 1.2


def test_the_curve_is_multiplied_draw_by_draw_and_the_others_stay():
    history = examples.attributed()
    plain, made = fit(history), fit(history, incrementality={"b": (0.7, 0.2)})
    assert made.channels[0] == plain.channels[0]
    before, after = (draws_of(model.channels[1], LEVELS) for model in (plain, made))
    ratio = after / before
    np.testing.assert_allclose(ratio[:, 0], ratio[:, 1])  # the height alone changes
    assert ratio.mean() == pytest.approx(0.7, rel=QUANTILES_FOR_MOMENTS)
    assert ratio[:, 0].std() == pytest.approx(0.2, rel=0.05)
    assert made.channels[1].incrementality == (0.7, 0.2)
    assert abs(np.corrcoef(ratio[:, 0], before[:, 0])[0, 1]) < 0.2


def test_without_draws_the_curve_is_multiplied_by_the_mean():
    history = examples.attributed()
    plain, made = (fit(history, draws=0, incrementality=f) for f in (None, {"a": (0.5, 0.2)}))
    assert made.channels[0].curve.ceiling == pytest.approx(0.5 * plain.channels[0].curve.ceiling)


def test_one_factor_serves_a_channel_in_all_its_markets():
    one = examples.attributed()
    spend, revenue = (np.stack([a[0], 2.0 * a[0]]) for a in (one.spend, one.revenue))
    history = examples.history("attributed", spend, revenue, markets=("north", "south"))
    plain, made = (fit(history, incrementality=f) for f in (None, {"a": (0.6, 0.2)}))
    ratios = [
        draws_of(after, LEVELS)[:, 0] / draws_of(before, LEVELS)[:, 0]
        for after, before in zip(made.channels, plain.channels, strict=True)
        if after.channel == "a"
    ]
    np.testing.assert_allclose(ratios[0], ratios[1])


def test_the_fit_and_the_plan_say_whose_revenue_is_incremental():
    history = examples.attributed()
    some = fit(history, incrementality={"b": (0.7, 0.2)})
    warned = said(some, "not_incremental")[0].message
    assert warned.startswith("The revenue of a and c is as it was attributed")
    told = {warning.code: warning.message for warning in plan(some, SCENARIO).warnings}
    assert "a and c" in told["not_incremental"]
    assert "b (0.7, give or take 0.2)" in told["incremental"]
    every = fit(history, incrementality=dict.fromkeys("abc", (0.7, 0.2)))
    assert "not_incremental" not in {w.code for w in plan(every, SCENARIO).warnings}


def test_a_doubtful_factor_widens_the_band_and_caution_moves_money_away_from_it():
    history = examples.attributed()
    shares = []
    for sd in (0.01, 0.6):
        made = fit(history, incrementality={"b": (1.0, sd)})
        answer = plan(made, SCENARIO.model_copy(update={"caution": 1.0}))
        shares.append(abs(answer.rows[1].spend / answer.rows[1].current_spend - 1))
    assert shares[1] < shares[0]


@pytest.mark.parametrize(
    ("factors", "words"),
    [
        ({"serach": (0.7, 0.2)}, "known: a, b, c"),
        ({"a": (0.7, 0.0)}, "above 0"),
        ({"a": (-1.0, 0.2)}, "above 0"),
        ({"a": (70.0, 20.0)}, "70 % are incremental"),
        ({"a": (0.1, 2.0)}, "leave the channel out"),
        ({"a": (float("nan"), 0.2)}, "two numbers"),
    ],
)
def test_factors_that_cannot_be_meant_are_refused(factors, words):
    with pytest.raises(DocumentError, match=words):
        fit(examples.attributed(), incrementality=factors)


def test_an_aggregate_history_is_incremental_already():
    with pytest.raises(DocumentError, match="incremental already"):
        fit(examples.aggregate(), incrementality={"a": (0.7, 0.2)})


def test_fit_options_beside_a_model_are_said_not_to_be_read():
    made = fit(examples.attributed(), incrementality={"b": (0.7, 0.2)})
    stated = {"periods": 13, "model": "m.json", "fit": {"incrementality": {"a": [0.5, 0.1]}}}
    told = {
        warning.code: warning.message for warning in plan(made, Scenario.from_dict(stated)).warnings
    }
    assert "taken as they are" in told["fit_not_read"]
    assert "a (0.5" not in told["incremental"]
