"""A scenario's schedule keys, read: dates, shapes, limits, carryover; and what a schedule earns."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from optimizer import DocumentError, InfeasibleError, Model, Scenario, fit
from optimizer.adstock import adstock_weights
from optimizer.history import Spacing
from optimizer.periods import Calendar
from optimizer.synthetic import national_market
from optimizer.timing import Aim, evaluate, read_timing, schedule

START = dt.date(2027, 1, 4)
LAST_YEAR = [100.0 + 10.0 * week for week in range(52)]


def model(*, draws: int = 0, recent: list[float] | None = None, period: str = "week") -> Model:
    """Two channels, tv with carryover."""
    rng = np.random.default_rng(3)

    def around(centre: float) -> Any:
        return (centre * np.exp(0.3 * rng.normal(size=draws))).tolist() if draws else centre

    tv = {
        "channel": "tv",
        "history_spend_per_period": 300.0,
        "curve": {"family": "hill", "ceiling": around(900.0), "half_saturation": 400, "slope": 1},
        "carryover": {"retention": [0.5, 0.7] if draws else 0.6},
    }
    radio = {
        "channel": "radio",
        "history_spend_per_period": 100.0,
        "curve": {"family": "log", "scale": around(100.0), "rate": 0.02},
    }
    if recent is not None:
        tv["recent_spend"] = recent
    return Model.from_dict({"channels": [tv, radio], "period": period})


def scenario(periods: int = 8, start: dt.date | None = START, **keys: Any) -> Scenario:
    return Scenario.from_dict(
        {"periods": periods, "schedule": keys} | ({"start": start.isoformat()} if start else {})
    )


def aim(budget: float = 3200.0, **changes: Any) -> Aim:
    usual = {
        "lower": np.array([1000.0, 200.0]),
        "upper": np.array([4800.0, 1600.0]),
        "least_total": budget,
        "most_total": budget,
        "value_per_revenue": np.ones(2),
        "cost_per_spend": 0.0,
        "reference": np.array([2400.0, 800.0]),
    }
    return Aim(**(usual | changes))


def test_dates_follow_the_models_period():
    weeks = Calendar.of(model(), scenario(3)).dates
    assert weeks == (dt.date(2027, 1, 4), dt.date(2027, 1, 11), dt.date(2027, 1, 18))
    months = Calendar.of(model(period="month"), scenario(3, dt.date(2027, 1, 31))).dates
    assert months == (dt.date(2027, 1, 31), dt.date(2027, 2, 28), dt.date(2027, 3, 31))
    assert Calendar.of(model(), scenario(3, None)).dates is None


def test_a_date_closes_the_period_it_falls_in():
    timing = read_timing(model(), scenario(blackout={"tv": ["2027-01-04", "2027-01-20"]}))
    assert timing.cap[:, 0].tolist() == [0.0, np.inf, 0.0, *[np.inf] * 5]
    spend = timing.spread(np.array([600.0, 100.0]))
    assert spend[0].tolist() == [0.0, 100.0, 0.0, *[100.0] * 5]
    assert spend[1].tolist() == [12.5] * 8


@pytest.mark.parametrize(
    ("keys", "start", "message"),
    [
        ({"cap": {"tvv": 5}}, START, r'schedule\.cap\.tvv: unknown channel "tvv"; did you mean'),
        ({"floor": {"tv": 9}, "cap": {"tv": 5}}, START, "is 9.00, above the cap of 5.00; lower"),
        ({"blackout": {"tv": ["2028-01-04"]}}, START, "outside the plan, which runs from 2027-01"),
        ({"blackout": {"tv": ["2027-01-04"]}}, None, "start: is needed"),
        ({"pattern": "history", "smooth": 0.001}, START, "tv's spend of last year steps by more"),
    ],
    ids=["name", "crossed", "outside", "dateless", "steps"],
)
def test_faults_are_named(keys, start, message):
    with pytest.raises(DocumentError, match=message):
        read_timing(model(recent=LAST_YEAR), scenario(start=start, **keys))


def test_the_pattern_history_repeats_the_same_periods_of_last_year():
    timing = read_timing(model(recent=LAST_YEAR), scenario(60, pattern="history"))
    shape = timing.shape[:, 0] / timing.shape[0, 0] * LAST_YEAR[0]
    np.testing.assert_allclose(shape, (LAST_YEAR * 2)[:60])
    assert [note.channel for note in timing.notes] == ["radio"]
    assert np.ptp(timing.shape[:, 1]) == 0.0


def test_the_pattern_history_is_aligned_on_the_start():
    history = national_market(2, n_channels=2, n_periods=104).history
    fitted = fit(history, seed=1, draws=20)
    spend = history.spend[0]
    free = fitted.fit and dt.date.fromisoformat(fitted.fit.last_date) + dt.timedelta(days=7)
    for late in (0, 5):
        start = free + dt.timedelta(days=7 * late)
        asked = Scenario(periods=4, start=start, schedule={"pattern": "history"})
        shape = read_timing(fitted, asked).shape
        past = spend[52 + late : 56 + late]
        np.testing.assert_allclose(shape, past / past.sum(axis=0))


def test_the_stock_carried_in_is_what_the_recent_spend_left():
    usual = read_timing(model(), scenario()).carried[0]
    assert usual == pytest.approx(300.0 / 0.4)
    found = read_timing(model(recent=[50.0, 0.0, 800.0]), scenario()).carried[0]
    assert found == pytest.approx(800.0 + 0.6**2 * 50.0 + 0.6**3 * usual)


def test_idle_periods_before_the_plan_spend_as_usual():
    history = national_market(2, n_channels=2, n_periods=80).history
    fitted = fit(history, seed=1, draws=20)
    far = dt.date.fromisoformat(str(history.dates[-1].date())) + dt.timedelta(days=7 * 41)
    timing = read_timing(fitted, Scenario(periods=4, start=far))
    usual = [entry.history_spend_per_period for entry in fitted.channels]
    steady = np.array(usual) / (1.0 - timing.retention)
    np.testing.assert_allclose(timing.carried, steady, rtol=1e-3)


def test_limits_per_period_become_limits_on_totals_of_a_fixed_shape():
    keys = {"cap": {"tv": 500}, "floor": {"tv": 100, "radio": 10}, "blackout": {"tv": [str(START)]}}
    timing = read_timing(model(), scenario(**keys))
    lower, upper = timing.limits(np.array([0.0, 200.0]), np.array([9000.0, 900.0]))
    assert lower.tolist() == [700.0, 200.0]
    assert upper.tolist() == [3500.0, 900.0]
    spend = timing.spread(upper)
    assert spend[0].max() == 500.0


def test_a_channel_without_an_open_period_gets_nothing():
    every = [str(START + dt.timedelta(days=7 * week)) for week in range(8)]
    timing = read_timing(model(), scenario(blackout={"tv": every}))
    lower, upper = timing.limits(np.zeros(2), np.full(2, 900.0))
    assert (lower[0], upper[0]) == (0.0, 0.0)
    assert not timing.spread(np.array([0.0, 90.0]))[0].any()
    with pytest.raises(InfeasibleError, match="tv's cap"):
        schedule(model(), scenario(blackout={"tv": every}), aim())


def test_spreading_is_exact_in_any_lot():
    for lot in (0.01, 50.0):
        asked = scenario().model_copy(update={"lot": lot, "periods": 7})
        spend = read_timing(model(), asked).spread(np.array([1000.0, 350.0]))
        assert spend.sum(axis=1).tolist() == pytest.approx([1000.0, 350.0], abs=1e-9)
        np.testing.assert_allclose(spend / lot, np.round(spend / lot), atol=1e-9)
        assert np.ptp(spend, axis=1).max() <= lot * 1.01


def test_what_a_schedule_earns_is_with_the_plan_less_without_it():
    timing = read_timing(model(draws=5), scenario())
    spend = np.random.default_rng(0).uniform(0.0, 400.0, (2, 8)).round(2)
    found = evaluate(timing, spend)
    stock, alone = timing.carried, timing.carried
    total = np.zeros(5)
    for period in range(200):
        money = spend[:, period] if period < 8 else np.zeros(2)
        stock, alone = money + timing.retention * stock, timing.retention * alone
        levels = [(1.0 - timing.retention) * part for part in (stock, alone)]
        earned = timing.model.response(levels[0]) - timing.model.response(levels[1])
        total += earned.sum(axis=1)
        if period < 8:
            np.testing.assert_allclose(found.by_period[:, period], earned.sum(axis=1))
    np.testing.assert_allclose(found.revenue, total, rtol=1e-7)
    np.testing.assert_allclose(found.by_period.sum(axis=1) + found.after_end, found.revenue)


def test_without_carryover_a_steady_plan_earns_the_steady_reading():
    plain = model().to_dict()
    del plain["channels"][0]["carryover"]
    timing = read_timing(Model.from_dict(plain), scenario())
    found = evaluate(timing, timing.spread(np.array([2400.0, 800.0])))
    np.testing.assert_allclose(found.revenue, found.steady)
    assert "the same as" in found.difference


def test_going_on_as_before_earns_the_steady_reading_and_anything_else_differs():
    timing = read_timing(model(), scenario())
    same = evaluate(timing, timing.spread(np.array([2400.0, 800.0])))
    np.testing.assert_allclose(same.revenue, same.steady, rtol=1e-8)
    assert float(same.after_end[0]) > 0.0
    spend = timing.spread(np.array([2400.0, 800.0]))
    spend[0] = [2400.0, *[0.0] * 7]
    burst = evaluate(timing, spend)
    assert burst.revenue[0] < 0.95 * burst.steady[0]
    assert "% less than" in burst.difference


@pytest.mark.parametrize("draws", [0, 40])
def test_the_best_schedule_is_at_least_as_good_as_an_even_one(draws):
    asked = scenario(pattern="optimised", cap={"tv": 600}, floor={"tv": 100}, smooth=0.4)
    found = schedule(model(draws=draws), asked, aim())
    timing = read_timing(model(draws=draws), asked)
    assert round(float(found.spend.sum()), 2) == 3200.0
    assert found.spend[0].min() >= 100.0
    assert found.spend[0].max() <= 600.0
    assert found.certificate.gap <= 1e-5
    assert "no feasible schedule earns more than" in found.certificate.statement
    assert found.dates is not None
    assert found.dates[0] == START
    problem = timing.problem(aim())
    even = timing.spread(found.spend.sum(axis=1))
    assert found.certificate.value >= problem.objective(even.T)
    if not draws:
        again = float(evaluate(timing, found.spend).revenue[0])
        assert found.certificate.value == pytest.approx(again, rel=1e-12)


def test_a_free_profit_schedule_stops_where_money_stops_paying():
    asked = scenario(pattern="optimised")
    free = schedule(
        model(), asked, aim(least_total=0.0, most_total=np.inf, lower=np.zeros(2), cost_per_spend=1)
    )
    fixed = schedule(model(), asked, aim(cost_per_spend=1.0))
    assert free.certificate.value >= fixed.certificate.value
    assert free.certificate.gap <= 1e-8


def test_limits_per_period_are_divided_over_a_channels_markets():
    channels = [
        {
            "channel": "tv",
            "market": market,
            "history_spend_per_period": usual,
            "curve": {"family": "log", "scale": 100.0, "rate": 0.02},
        }
        for market, usual in (("north", 300.0), ("south", 100.0))
    ]
    markets = Model.from_dict({"channels": channels})
    timing = read_timing(markets, scenario(cap={"tv": 400}))
    assert timing.cap[0].tolist() == [300.0, 100.0]
    assert [note.code for note in timing.notes] == ["schedule_divided"]


def test_models_remember_their_last_year_of_spend():
    history = national_market(2, n_channels=2, n_periods=104).history
    assert history.spacing is Spacing.WEEK
    fitted = fit(history, seed=1, draws=20)
    recent = np.array([entry.recent_spend for entry in fitted.channels])
    np.testing.assert_array_equal(recent, history.spend[0][-52:].T)
    assert Model.from_dict(fitted.to_dict()) == fitted
    with pytest.raises(DocumentError, match="recent_spend"):
        model(recent=[-1.0])


def delayed(retention: Any = 0.5, delay: Any = 2.0, **more: Any) -> Model:
    curve = {"family": "log", "scale": 900.0, "rate": 0.01}
    entry = {"channel": "tv", "history_spend_per_period": 100.0, "curve": curve}
    carryover = {"retention": retention, "delay": delay}
    return Model.from_dict({"channels": [{**entry, "carryover": carryover, **more}]})


def test_a_delayed_effect_arrives_when_it_should_and_none_of_it_is_lost():
    """Close to a straight line revenue is the spend felt, shifted; all of it is counted."""
    straight = {"family": "log", "scale": 1e9, "rate": 1e-9}
    model = delayed(history_spend_per_period=0.0, curve=straight)
    timing = read_timing(model, Scenario(periods=6, schedule={"pattern": "history"}))
    spend = np.array([[100.0, 0.0, 0.0, 0.0, 0.0, 0.0]])
    found = evaluate(timing, spend)
    weights = adstock_weights(np.array(0.5), 13, np.array(2.0))
    np.testing.assert_allclose(found.by_period[0], 100.0 * weights[:6], rtol=1e-5)
    assert found.by_cell.sum() == pytest.approx(100.0, rel=1e-5)
    assert found.by_period[0].argmax() == 2


def test_what_was_spent_before_the_plan_arrives_in_it_after_the_delay():
    busy = delayed(history_spend_per_period=0.0, recent_spend=[0.0] * 51 + [500.0])
    idle = delayed(history_spend_per_period=0.0, recent_spend=[0.0] * 52)
    spend = np.full((1, 6), 100.0)
    scenario = Scenario(periods=6, schedule={"pattern": "history"})
    with_past, without = (evaluate(read_timing(m, scenario), spend) for m in (busy, idle))
    lost = without.by_period[0] - with_past.by_period[0]  # the past takes the steep part
    assert lost[:3].sum() > 10 * abs(lost[4:].sum())


def test_delays_by_draw_are_averaged_and_a_schedule_is_not_sought_through_them():
    model = delayed(retention=[0.3, 0.6], delay=[1.0, 3.0])
    timing = read_timing(model, Scenario(periods=6, schedule={"pattern": "history"}))
    assert timing.delayed[0].sum() == pytest.approx(1.0)
    with pytest.raises(DocumentError, match="that of tv peaks after a delay; use even or history"):
        read_timing(model, Scenario(periods=6, schedule={"pattern": "optimised"}))
