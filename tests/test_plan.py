"""Plans and what-ifs: one set of numbers, limits read right, everything a planner must know."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pytest

from optimizer import (
    DocumentError,
    InfeasibleError,
    Model,
    Plan,
    Scenario,
    plan,
    what_if,
)
from optimizer.allocation import allocate
from optimizer.cells import ask

CENT = 0.01


def hand_written(draws: int = 0, markets: tuple[str | None, ...] = (None,)) -> Model:
    """Four channels of different shapes, per week; with draws if asked."""
    rng = np.random.default_rng(5)

    def about(value: float, spread: float = 0.3) -> float | list[float]:
        return (value * np.exp(spread * rng.normal(size=draws))).tolist() if draws else value

    def curves() -> dict[str, dict[str, object]]:
        return {
            "tv": {
                "family": "hill",
                "ceiling": about(9e4),
                "half_saturation": about(4e4),
                "slope": about(1.4, 0.1),
            },
            "search": {"family": "exponential", "ceiling": about(5e4), "rate": about(5e-5)},
            "print": {"family": "log", "scale": about(1e4), "rate": about(1e-4)},
            "radio": {"family": "table", "spend": [0, 5e3, 2e4], "response": [0, 9e3, 2.1e4]},
        }

    spend = {"tv": 3e4, "search": 2e4, "print": 1e4, "radio": 6e3}
    channels = [
        {
            "channel": name,
            "market": market,
            "history_spend_per_period": spend[name],
            "history_largest_spend": 1.5 * spend[name],
            "curve": curve,
        }
        for market in markets
        for name, curve in curves().items()
    ]
    return Model.from_dict({"currency": "EUR", "channels": channels})


MODEL = hand_written()
DRAWN = hand_written(draws=200)


def scenario(**keys: object) -> Scenario:
    return Scenario.from_dict({"periods": 10} | keys)


def row(answer: Plan, channel: str):
    return next(row for row in answer.rows if row.channel == channel)


@pytest.mark.parametrize("model", [MODEL, DRAWN, hand_written(50, ("north", "south"))])
@pytest.mark.parametrize("objective", ["revenue", "profit"])
@pytest.mark.parametrize("caution", [0, 0.5, 1])
def test_a_what_if_of_the_plans_own_split_returns_the_plans_own_numbers(model, objective, caution):
    question = scenario(objective=objective, caution=caution, margin=0.6, budget=700_000)
    answer = plan(model, question)
    again = what_if(model, question, answer.split)
    assert again.rows == answer.rows
    assert again.totals == answer.totals
    assert again.certificate is None
    assert again.warnings == answer.warnings


def test_a_what_if_takes_a_plan_as_its_split():
    answer = plan(DRAWN, scenario())
    assert what_if(DRAWN, scenario(), answer).rows == answer.rows


def test_a_loop_over_budgets_by_copies_asks_a_new_question_each_time():
    question = scenario(budget=500_000)
    spent = [
        plan(MODEL, question.model_copy(update={"budget": budget})).totals.spend
        for budget in (500_000, 600_000, 700_000.0)
    ]
    assert spent == [500_000, 600_000, 700_000]
    with pytest.raises(DocumentError, match='did you mean "budget"'):
        question.model_copy(update={"budgt": 5.0})
    with pytest.raises(DocumentError, match="must be a number"):
        question.model_copy(update={"budget": "abc"})


@pytest.mark.parametrize("arguments", [({}, scenario()), (MODEL, {}), (scenario(), MODEL)])
def test_other_things_than_a_model_and_a_scenario_are_refused_with_what_to_bring(arguments):
    with pytest.raises(TypeError, match="takes a Model and a Scenario"):
        plan(*arguments)


def test_documents_introduce_themselves_briefly():
    assert repr(DRAWN).startswith("Model(tv, search, print, radio; stated, per week, 200 draws")
    assert len(str(DRAWN)) < 200


def test_a_budget_far_below_what_was_spent_is_warned_about():
    """Such as one in thousands, of a history that is not."""
    usual = sum(entry.history_spend_per_period or 0.0 for entry in MODEL.channels) * 10
    said = {w.code: w.message for w in plan(MODEL, scenario(budget=660)).warnings}
    assert "The budget of 660 is less than a twentieth" in said["small_budget"]
    assert f"({usual:,.0f})" in said["small_budget"]
    enough = round(0.06 * usual, 2)
    assert "small_budget" not in [w.code for w in plan(MODEL, scenario(budget=enough)).warnings]


def test_a_margin_above_one_is_warned_about():
    codes = [w.code for w in plan(MODEL, scenario(margin=40)).warnings]
    assert "margin_above_one" in codes
    assert "margin_above_one" not in [w.code for w in plan(MODEL, scenario(margin=1)).warnings]


@pytest.mark.parametrize("model", [MODEL, DRAWN])
def test_a_plan_survives_json_and_comes_back_the_same(model):
    answer = plan(model, scenario(name="spring", start="2027-01-04"))
    text = json.dumps(answer.to_dict(), allow_nan=False)
    assert Plan.from_dict(json.loads(text)) == answer


def test_the_budget_is_held_to_the_cent_and_shares_add_up():
    for budget in (660_000.01, 700_000.07, 123_456.78, 999_999.99):
        answer = plan(MODEL, scenario(budget=budget))
        cents = [round(100 * row.spend) for row in answer.rows]
        assert sum(cents) == round(100 * budget)
        assert sum(row.share for row in answer.rows) == pytest.approx(1.0)
        assert answer.totals.spend == budget


def test_without_a_budget_the_current_total_is_planned():
    assert plan(MODEL, scenario()).totals.spend == 660_000.0
    assert plan(MODEL, scenario(current={"tv": 1000.5, "search": 99.5})).totals.spend == 1100.0


def test_default_bounds_are_half_to_twice_the_current_spend_scaled_to_the_budget():
    answer = plan(MODEL, scenario(budget=1_320_000))
    for line in answer.rows:
        assert 0.5 * line.current_spend - CENT <= line.spend <= 2.0 * line.current_spend + CENT
    assert row(answer, "tv").current_spend == pytest.approx(600_000)


def test_limits_from_multiples_are_rounded_outward_to_the_cent():
    answer = plan(
        MODEL, scenario(current={"tv": 0.33, "search": 0.33, "print": 0.35}, bounds=[1, 1])
    )
    assert answer.totals.spend == 1.01
    exact = plan(MODEL, scenario(budget=100.01, bounds=[1, 1]))
    assert exact.totals.spend == 100.01


def test_rules_of_a_channel_replace_the_default_side_they_state():
    rules = {
        "tv": {"max": 200_000},
        "search": {"change": [0.1, 0.2]},
        "print": {"locked": 110_000.01},
        "radio": {"min": 110_000},
    }
    answer = plan(MODEL, scenario(channels=rules, budget=660_000))
    assert row(answer, "tv").spend <= 200_000
    assert 220_000 - CENT <= row(answer, "search").spend <= 240_000 + CENT
    assert row(answer, "print").spend == 110_000.01
    assert row(answer, "print").binding == "locked"
    assert 110_000 <= row(answer, "radio").spend <= 120_000


def test_an_excluded_channel_gets_nothing_and_is_left_in_the_comparison():
    answer = plan(MODEL, scenario(channels={"radio": {"excluded": True}}))
    assert row(answer, "radio").spend == 0
    assert row(answer, "radio").binding == "excluded"
    assert row(answer, "radio").current_spend == 60_000
    assert row(answer, "radio").romi is None
    assert row(answer, "radio").change == -1.0


def test_a_channel_without_current_spend_may_get_a_twentieth_and_is_warned_about():
    answer = plan(MODEL, scenario(current={"tv": 300_000, "search": 200_000}))
    for name in ("print", "radio"):
        assert row(answer, name).spend <= 25_000
        assert row(answer, name).change is None
    warned = {w.channel for w in answer.warnings if w.code == "no_current_spend"}
    assert warned == {"print", "radio"}


def test_binding_limits_are_named_and_priced():
    answer = plan(MODEL, scenario(bounds=[0.9, 1.1]))
    kinds = {line.binding for line in answer.rows}
    assert {"minimum", "maximum"} <= kinds
    named = {price.constraint for price in answer.shadow_prices}
    for line in answer.rows:
        assert (f"{line.channel} {line.binding}" in named) == (line.binding is not None)
    assert all(price.price >= -1e-9 for price in answer.shadow_prices)


@pytest.mark.parametrize(("objective", "model"), [("revenue", MODEL), ("profit", MODEL)])
def test_the_shadow_price_is_what_one_more_unit_of_budget_earns(objective, model):
    rules = {c: {"min": 10_000, "max": 900_000} for c in model.names}
    keys = {"objective": objective, "margin": 0.6, "channels": rules}
    current = {"tv": 300_000, "search": 200_000, "print": 100_000, "radio": 60_000}
    less = plan(model, scenario(budget=660_000 - 50, current=current, **keys))
    more = plan(model, scenario(budget=660_000 + 50, current=current, **keys))
    price = plan(model, scenario(budget=660_000, current=current, **keys)).shadow_prices[0]
    gained = (more.certificate.value - less.certificate.value) / 100.0
    assert price.constraint == "budget"
    assert price.price == pytest.approx(gained, rel=1e-3)


@pytest.mark.parametrize(
    ("judged", "said"),
    [
        ({"caution": 0.0}, "of revenue"),
        ({"caution": 1.0}, "of revenue after caution"),
        ({"risk": {"measure": "cvar", "tail": 0.2, "weight": 0.5}}, "of revenue after risk"),
    ],
)
def test_a_price_is_of_what_was_maximised_and_says_what_is_taken_off(judged, said):
    """With doubt taken off, the mean rises by another amount than the price."""
    rules = {c: {"min": 10_000, "max": 900_000} for c in DRAWN.names}
    current = {"tv": 300_000, "search": 200_000, "print": 100_000, "radio": 60_000}
    keys = {"objective": "revenue", "channels": rules, "current": current, **judged}
    question = scenario(budget=900_000, **keys)
    price = plan(DRAWN, question).shadow_prices[0]
    problem = ask(DRAWN, question).problem()  # one reference, whatever the budget
    less, more = (allocate(replace(problem, total_budget=900_000.0 + by)) for by in (-500, 500))
    judged_rise = (more.certificate.value - less.certificate.value) / 1_000.0
    mean_rise = (
        float((problem.gain_draws(more.spend) - problem.gain_draws(less.spend)).mean()) / 1e3
    )
    assert price.statement.endswith(said)
    assert price.price == pytest.approx(judged_rise, rel=1e-3)
    assert (price.price == pytest.approx(mean_rise, rel=1e-3)) == (judged == {"caution": 0.0})
    without = plan(MODEL, scenario(budget=900_000, **keys)).shadow_prices[0]
    assert without.statement.endswith("of revenue")


def test_the_shadow_price_holds_where_only_one_channel_is_free_and_ends_with_the_room():
    """Bounds that follow from the budget pin the free channel: its own marginal is the price."""
    rules = {"search": {"min": 150_000, "max": 600_000}, "tv": {"min": 100_000, "max": 400_000}}
    rules |= {c: {"excluded": True} for c in ("print", "radio")}
    kept = {"current": {"tv": 200_000, "search": 300_000}, "channels": rules}
    for budget in (300_000, 990_000):
        answer = plan(MODEL, scenario(budget=budget, **kept))
        more = plan(MODEL, scenario(budget=budget + 10, **kept))
        gained = (more.certificate.value - answer.certificate.value) / 10.0
        assert answer.shadow_prices[0].price == pytest.approx(gained, rel=1e-3)
    assert plan(MODEL, scenario(budget=1_000_000, **kept)).shadow_prices == ()


def test_profit_counts_margin_and_spend_and_revenue_counts_neither():
    kept = {"channels": {"radio": {"locked": 60_000}}, "budget": 660_000}
    per_channel = {"tv": 0.2, "search": 0.9, "print": 0.9, "radio": 1.0}
    for_revenue = plan(MODEL, scenario(objective="revenue", margin=per_channel, **kept))
    for_profit = plan(MODEL, scenario(objective="profit", margin=per_channel, **kept))
    assert row(for_profit, "tv").spend < row(for_revenue, "tv").spend
    assert for_profit.totals.profit.mean > for_revenue.totals.profit.mean
    assert for_revenue.totals.revenue.mean > for_profit.totals.revenue.mean
    earned = sum(per_channel[r.channel] * r.response.mean for r in for_profit.rows)
    assert for_profit.totals.profit.mean == pytest.approx(earned - 660_000)
    assert for_profit.certificate.value == pytest.approx(for_profit.totals.profit.mean)
    assert for_revenue.certificate.value == pytest.approx(for_revenue.totals.revenue.mean)


def test_uplift_is_the_gain_over_the_current_split_at_the_same_total():
    answer = plan(DRAWN, scenario(budget=1_000_000, caution=0))
    today = what_if(
        DRAWN, scenario(budget=1_000_000), {r.channel: r.current_spend for r in answer.rows}
    )
    gained = answer.totals.revenue.mean - today.totals.revenue.mean
    assert answer.totals.uplift.mean == pytest.approx(gained, rel=1e-9)
    assert 0.5 < answer.totals.uplift.probability_positive <= 1.0
    assert answer.totals.uplift.p05 < answer.totals.uplift.mean < answer.totals.uplift.p95


def test_the_certificates_value_is_mean_less_caution_times_spread():
    question = scenario(caution=1)
    answer = plan(DRAWN, question)
    spend = np.array([r.per_period for r in answer.rows])
    now = np.array([r.current_spend for r in answer.rows]) / 10
    gain = 10 * (DRAWN.response(spend) - DRAWN.response(now)).sum(axis=1)
    level = 10 * DRAWN.response(spend).sum(axis=1).mean() - gain.std()
    assert answer.certificate.value == pytest.approx(level, rel=1e-12)
    assert answer.certificate.gap <= 1e-5


def test_keeping_the_current_split_has_no_probability():
    answer = what_if(
        DRAWN, scenario(), {"tv": 300_000, "search": 200_000, "print": 100_000, "radio": 60_000}
    )
    assert answer.totals.uplift.probability_positive is None
    assert answer.totals.uplift.mean == 0.0


def test_without_draws_there_are_no_intervals_and_it_is_said():
    answer = plan(MODEL, scenario(caution=1))
    assert answer.totals.revenue.p05 is None
    assert answer.totals.uplift.probability_positive is None
    assert [w.code for w in answer.warnings].count("no_draws") == 1
    assert plan(MODEL, scenario(caution=0)).rows == answer.rows, "caution counts as 0"
    assert "no_draws" not in [w.code for w in plan(DRAWN, scenario()).warnings]


def test_going_beyond_what_was_ever_spent_is_warned_about():
    answer = plan(DRAWN, scenario(budget=2_000_000))
    beyond = {w.channel for w in answer.warnings if w.code == "beyond_data"}
    expected = {
        r.channel
        for r, c in zip(answer.rows, DRAWN.channels, strict=True)
        if r.per_period > c.history_largest_spend
    }
    assert beyond == expected != set()
    flat = {w.channel for w in answer.warnings if w.code == "beyond_table"}
    assert flat == ({"radio"} if row(answer, "radio").per_period > 2e4 else set())


def test_a_what_if_may_break_the_rules_and_is_told_so():
    question = scenario(channels={"tv": {"max": 100_000}}, budget=660_000)
    answer = what_if(MODEL, question, {"tv": 500_000, "search": 1, "print": 1, "radio": 1})
    codes = {w.code for w in answer.warnings}
    assert {"off_budget", "outside_limits"} <= codes
    assert answer.totals.spend == 500_003


def test_channels_a_split_does_not_name_stay_as_they_are():
    answer = what_if(MODEL, scenario(), {"tv": 412_000})
    assert row(answer, "search").spend == 200_000
    assert any(w.code == "kept_at_current" for w in answer.warnings)


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ({"tvv": 1}, 'did you mean "tv"'),
        ({"tv": -1}, "must be at least 0"),
        ({"tv": float("nan")}, "finite"),
        ({"tv": 1e300}, "must be at most"),
        ({"tv": {"north": 5}}, "market"),
        ({"tv": 0, "search": 0, "print": 0, "radio": 0}, "spends nothing"),
    ],
    ids=str,
)
def test_a_faulty_split_is_refused(split, words):
    with pytest.raises(DocumentError, match=words):
        what_if(MODEL, scenario(), split)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"channels": {"serch": {"max": 5}}}, 'did you mean "search"'),
        ({"current": {"tvv": 5}}, 'did you mean "tv"'),
        ({"margin": {"tv": 0.5, "search": 0.5, "print": 0.5}}, 'no margin for channel "radio"'),
        ({"margin": {"tw": 0.5}}, 'unknown channel "tw"'),
        ({"fit": {"priors": {"tvx": {"roas": [1, 1]}}}}, "unknown channel"),
        ({"current": {"tv": {"north": 5}}}, "unknown market"),
        ({"current": {"tv": 0}}, "zero in every channel"),
        ({"budget": 100.001}, "no multiple of the lot"),
        ({"currency": "USD"}, "use one"),
    ],
    ids=str,
)
def test_a_scenario_that_does_not_fit_the_model_is_refused(keys, words):
    with pytest.raises(DocumentError, match=words):
        plan(MODEL, scenario(**keys))


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"budget": 100_000, "channels": {"tv": {"min": 90_000}}}, "budget at most"),
        (
            {"channels": {c: {"min": 0, "max": 100_000} for c in ("tv", "search", "print")}},
            "budget at least",
        ),
        ({"channels": {"tv": {"min": 650_000}}}, "A side of tv that is not stated is 0.5"),
    ],
    ids=str,
)
def test_what_cannot_be_held_is_infeasible_and_says_what_to_change(keys, words):
    with pytest.raises(InfeasibleError, match=words):
        plan(MODEL, scenario(**keys))


def test_a_minimum_above_a_maximum_not_stated_says_how_much_either_gives():
    keys = {"channels": {"tv": {"max": 10_000}}}
    with pytest.raises(InfeasibleError, match="cannot both hold") as refused:
        plan(MODEL, scenario(**keys))
    ways = {way.name: way for way in refused.value.relaxations}
    assert all(way.is_enough for way in ways.values())
    eased = ways["tv at most 10,000"].by + 10_000
    assert plan(MODEL, scenario(channels={"tv": {"max": eased}})).certificate.gap <= 1e-6


def test_a_split_that_breaks_a_limit_does_not_rest_on_it():
    answer = what_if(
        MODEL, scenario(), {"tv": 1_000, "search": 559_000, "print": 50_000, "radio": 50_000}
    )
    assert row(answer, "tv").binding is None
    assert row(answer, "search").binding is None
    assert row(answer, "print").binding == "minimum"


def test_markets_are_planned_cell_by_cell_under_one_budget():
    model = hand_written(markets=("north", "south"))
    question = scenario(current={"tv": 500_000, "search": {"north": 100_000, "south": 300_000}})
    answer = plan(model, question)
    cells = {(r.channel, r.market): r for r in answer.rows}
    assert cells["tv", "north"].current_spend == 250_000, "divided as last year"
    assert cells["search", "south"].current_spend == 300_000
    assert answer.totals.spend == 900_000
    assert set(answer.split["tv"]) == {"north", "south"}


def test_the_first_period_follows_the_history():
    content = DRAWN.to_dict()
    content["fit"] = {
        "layout": "attributed",
        "history": "sha256:0",
        "first_date": "2024-01-01",
        "last_date": "2026-12-28",
        "n_periods": 157,
        "seed": 1,
        "draws": 200,
        "likelihood_power": 0.5,
        "priors": {},
        "diagnostics": [
            {
                "code": "not_identified",
                "channel": "tv",
                "severity": "warning",
                "message": "Test tv.",
            }
        ],
    }
    answer = plan(Model.from_dict(content), scenario())
    assert answer.start == dt.date(2027, 1, 4)
    assert any(w.code == "not_identified" and w.channel == "tv" for w in answer.warnings)
    assert plan(DRAWN, scenario()).start is None
    early = plan(Model.from_dict(content), scenario(start="2026-06-01"))
    assert "start_in_history" in [w.code for w in early.warnings]
    assert "start_in_history" not in [w.code for w in answer.warnings]
    assert plan(DRAWN, scenario(start="2027-03-01")).start == dt.date(2027, 3, 1)


def test_the_answer_reads_as_a_table():
    answer = plan(DRAWN, scenario())
    frame = answer.allocation
    assert list(frame["channel"]) == ["tv", "search", "print", "radio"]
    assert {"spend", "current_spend", "response_mean", "response_p05", "romi"} <= set(frame)
    page = answer._repr_html_()
    assert all(word in page for word in ("tv", "90 % interval", "gain over the current", "EUR"))


@pytest.mark.parametrize("caution", [0, 0.5, 1])
@pytest.mark.parametrize("rule", [{"excluded": True}, {"locked": 0}, {"min": 0, "max": 0}])
@pytest.mark.parametrize("draws", [0, 30])
def test_a_channel_held_at_zero_costs_no_proof(caution, rule, draws):
    """At zero a curve of slope below 1 has an infinite marginal; nothing may come of it."""
    rng = np.random.default_rng(1)

    def about(value: float) -> float | list[float]:
        return (value * np.exp(0.2 * rng.normal(size=draws))).tolist() if draws else value

    channels = [
        {
            "channel": name,
            "history_spend_per_period": spend,
            "curve": {
                "family": "hill",
                "ceiling": about(900.0),
                "half_saturation": about(400.0),
                "slope": about(slope),
            },
        }
        for name, spend, slope in (("a", 300, 0.5), ("b", 300, 0.5), ("c", 0, 0.5), ("d", 90, 2))
    ]
    model = Model.from_dict({"channels": channels})
    question = scenario(caution=caution, bounds=[0, 3], channels={"b": rule, "c": rule})
    answer = plan(model, question)
    assert answer.split["b"] == answer.split["c"] == 0.0
    assert answer.certificate.gap <= 1e-5
    assert answer.certificate.nodes < 30


def test_a_plan_is_never_worse_than_today_even_after_rounding():
    """A step that a cent falls short of: rounding the best split would lose what it gained."""
    curves = {
        "a": ([0, 100, 100.0000001, 600], [0, 0, 500, 500]),
        "b": ([0, 250, 250.0001, 600], [0, 1, 900, 901]),
    }
    channels = [
        {
            "channel": name,
            "history_spend_per_period": 300,
            "curve": {"family": "table", "spend": spend, "response": response},
        }
        for name, (spend, response) in curves.items()
    ]
    model = Model.from_dict({"channels": channels})
    answer = plan(model, Scenario(periods=1, bounds=(0, 2)))
    assert answer.totals.uplift.mean >= 0.0
    assert answer.certificate.rounding_loss > 0.0


def test_curves_that_earn_nothing_are_answered_with_the_current_split():
    flat = {"family": "table", "spend": [0, 100], "response": [[0, 0]] * 5}
    channels = [{"channel": name, "history_spend_per_period": 300, "curve": flat} for name in "ab"]
    answer = plan(Model.from_dict({"channels": channels}), Scenario(periods=1))
    assert answer.split == {"a": 300.0, "b": 300.0}
    assert answer.certificate.gap == 0.0


def test_money_is_the_nearest_number_to_its_cents_at_any_size():
    for usual in (3e10, 0.07):
        channels = [
            {
                "channel": name,
                "history_spend_per_period": usual,
                "curve": {
                    "family": "hill",
                    "ceiling": 3 * usual,
                    "half_saturation": usual,
                    "slope": slope,
                },
            }
            for name, slope in (("a", 0.7), ("b", 0.9), ("c", 1.5))
        ]
        answer = plan(Model.from_dict({"channels": channels}), Scenario(periods=3))
        for money in (*answer.split.values(), answer.totals.spend):
            assert money == round(money, 2)
            assert str(money) != "-0.0"


def test_limits_between_cents_are_met_from_inside_and_locks_must_be_whole():
    answer = plan(MODEL, scenario(channels={"tv": {"min": 300_000.001, "max": 300_000.019}}))
    assert row(answer, "tv").spend == 300_000.01
    with pytest.raises(DocumentError, match="no multiple of the lot"):
        plan(MODEL, scenario(channels={"tv": {"locked": 33.333}}))


def test_the_same_question_has_the_same_answer():
    assert plan(DRAWN, scenario()) == plan(hand_written(draws=200), scenario())


def test_an_answer_does_not_depend_on_what_was_asked_before():
    model = hand_written(draws=50)
    for budget in (2_000_000, 300_000, 900_000):
        plan(model, scenario(budget=budget))
    assert plan(model, scenario()) == plan(hand_written(draws=50), scenario())
    assert len(model.__dict__["_tables"]) == 2, "tables are kept, but not for ever"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"channels": []}, "at least 1 item"),
        ({"chanels": []}, 'did you mean "channels"'),
        ({"model": 2}, "1"),
    ],
    ids=str,
)
def test_a_faulty_model_is_refused(change, words):
    with pytest.raises(DocumentError, match=words):
        Model.from_dict(MODEL.to_dict() | change)


@pytest.mark.parametrize(
    ("curve", "words"),
    [
        ({"family": "hil"}, "did you mean .*hill"),
        ({"ceiling": 1}, "channels.0.curve: family is missing; known: exponential, hill, "),
        ({"family": "hill", "ceiling": 1, "half_saturation": 1}, "slope: is missing"),
        ({"family": "hill", "ceiling": -1, "half_saturation": 1, "slope": 1}, "above 0"),
        ({"family": "power", "scale": 1, "exponent": 1.5}, "at most 1"),
        ({"family": "log", "scale": "a", "rate": 1}, "must be a number"),
        ({"family": "log", "scale": [1, 2], "rate": [1, 2, 3]}, "differ in length"),
        ({"family": "log", "scale": [], "rate": 1}, "empty list"),
        ({"family": "table", "spend": [1, 2], "response": [0, 1]}, "rise from 0"),
        ({"family": "table", "spend": [0, 2], "response": [0, -1]}, "never fall"),
        ({"family": "table", "spend": [0, 2], "response": [0, 1, 2]}, "needs 2 points"),
        ({"family": "table", "spend": [0, 2], "response": [0, float("nan")]}, "finite"),
    ],
    ids=str,
)
def test_a_faulty_curve_is_refused(curve, words):
    with pytest.raises(DocumentError, match=words):
        Model.from_dict({"channels": [{"channel": "tv", "curve": curve}]})


def test_a_channel_given_twice_is_refused():
    entry = MODEL.to_dict()["channels"][0]
    with pytest.raises(DocumentError, match="given twice"):
        Model.from_dict({"channels": [entry, entry]})
