"""Two to four plans side by side: what moved, why, and how sure, from the same draws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer import Comparison, DocumentError, Model, Plan, Scenario, compare, plan, what_if
from tests.test_plan import DRAWN, MODEL, hand_written

QUESTION = {"periods": 10, "budget": 700_000, "margin": 0.6, "objective": "profit"}
ROUNDING = 1e-9  # relative: sums in another order


def asked(model: Model = DRAWN, **keys: object) -> Plan:
    return plan(model, Scenario.from_dict(QUESTION | keys))


FIRST = asked()
MORE = asked(budget=900_000)
HELD = asked(channels={"tv": {"max": 200_000}})
BOLD = asked(caution=0)


def gains(first: Plan, other: Plan, model: Model, margin: float) -> np.ndarray:
    """Profit of one plan less another's, draw by draw, straight from the curves."""
    profits = []
    for one in (first, other):
        spend = np.array([row.spend for row in one.rows])
        revenue = model.response(spend / one.periods) * one.periods
        profits.append(margin * revenue.sum(axis=1) - spend.sum())
    return profits[1] - profits[0]


def why(found: Comparison, channel: str) -> str:
    """The reason a channel's money moved in the second plan."""
    return str(next(row for row in found.rows if row.channel == channel).why[1])


def codes(found: Comparison) -> list[str]:
    return [note.code for note in found.notes]


@pytest.mark.parametrize("other", [MORE, HELD, BOLD])
def test_a_difference_is_taken_draw_by_draw(other: Plan) -> None:
    found = compare([FIRST, other], DRAWN).differences[0]
    gain = gains(FIRST, other, DRAWN, 0.6)
    low, high = np.quantile(gain, (0.05, 0.95))
    assert found.profit.mean == pytest.approx(gain.mean(), rel=1e-6, abs=1e-3)
    assert (found.profit.p05, found.profit.p95) == pytest.approx((low, high), rel=1e-6, abs=1e-3)
    assert found.profit.probability_positive == pytest.approx(np.mean(gain > 0))
    assert found.objective == found.profit


def test_plans_that_share_draws_differ_more_surely_than_their_own_intervals_say() -> None:
    found = compare([FIRST, MORE], DRAWN)
    gain = found.differences[0].revenue
    apart = found.plans[1].revenue.p05 - found.plans[0].revenue.p95  # type: ignore[operator]
    assert apart < 0.0 < gain.p05  # type: ignore[operator]
    assert gain.probability_positive == 1.0


@pytest.mark.parametrize("model", [DRAWN, None])
def test_swapping_two_plans_turns_every_difference_round(model: Model | None) -> None:
    there, back = (compare(pair, model) for pair in ([FIRST, HELD], [HELD, FIRST]))
    for name in ("revenue", "profit", "romi"):
        one, other = (getattr(found.differences[0], name) for found in (there, back))
        assert one.mean == pytest.approx(-other.mean, rel=ROUNDING)
        if model is not None:
            assert one.p05 == pytest.approx(-other.p95, rel=ROUNDING)
            assert one.probability_positive == pytest.approx(1.0 - other.probability_positive)
    moved = {row.channel: row.moved[1] for row in there.rows}
    assert moved == {row.channel: -row.moved[1] for row in back.rows}


def test_differences_over_three_plans_add_up() -> None:
    from_first = compare([FIRST, MORE, HELD], DRAWN).differences
    between = compare([MORE, HELD], DRAWN).differences[0]
    for name in ("revenue", "profit"):
        means = [getattr(difference, name).mean for difference in (*from_first, between)]
        assert means[1] - means[0] == pytest.approx(means[2], rel=1e-9)


def test_a_plan_against_itself_differs_in_nothing() -> None:
    found = compare([FIRST, FIRST], DRAWN)
    gain = found.differences[0].profit
    assert (gain.mean, gain.p05, gain.p95, gain.probability_positive) == (0.0, 0.0, 0.0, None)
    assert found.differences[0].statement == "B earns the same profit as A."
    assert all(row.moved == (0.0, 0.0) and row.why == (None, None) for row in found.rows)
    assert found.settings == ()


def test_moved_money_sums_to_the_difference_in_spend_largest_first() -> None:
    found = compare([FIRST, MORE, HELD], DRAWN)
    for place, expected in ((1, 200_000.0), (2, 0.0)):
        assert sum(row.moved[place] for row in found.rows) == pytest.approx(expected, abs=0.01)
    largest = [row.largest for row in found.rows]
    assert largest == sorted(largest, reverse=True)


def test_the_means_are_those_of_the_documents_with_or_without_the_model() -> None:
    with_draws, without = (compare([FIRST, MORE], model).differences[0] for model in (DRAWN, None))
    for name in ("revenue", "profit", "romi"):
        one, other = getattr(with_draws, name), getattr(without, name)
        assert one.mean == pytest.approx(other.mean, rel=1e-6)
        assert other.p05 is None
        assert other.probability_positive is None


def test_without_the_model_it_says_why_there_is_no_probability() -> None:
    found = compare([FIRST, MORE])
    assert not found.same_draws
    assert codes(found) == ["no_model"]
    assert found.differences[0].statement.endswith("how sure that is cannot be said.")


def test_without_draws_there_are_means_and_a_note() -> None:
    found = compare([asked(MODEL), asked(MODEL, budget=800_000)], MODEL)
    assert codes(found) == ["no_draws"]
    assert found.differences[0].profit.p05 is None


def test_plans_of_different_models_have_no_probability() -> None:
    found = compare([FIRST, asked(hand_written(draws=150))], DRAWN)
    assert codes(found) == ["models_differ"]
    assert found.differences[0].profit.probability_positive is None
    assert "model" in [setting.setting for setting in found.settings]
    reasons = [row.why[1] for row in found.rows if row.why[1]]
    assert any("the models differ" in str(text) for text in reasons)


def test_a_model_they_were_not_made_from_is_refused() -> None:
    with pytest.raises(DocumentError, match="not the one these plans were made from"):
        compare([FIRST, MORE], MODEL)


def test_a_plan_whose_figures_are_not_the_models_response_gets_no_interval() -> None:
    content = MORE.to_dict()
    content["totals"]["revenue"]["mean"] *= 1.01
    found = compare([FIRST, Plan.from_dict(content)], DRAWN)
    assert codes(found) == ["other_curves"]
    assert found.differences[0].revenue.probability_positive is None


CONCAVE = Model.from_dict(
    {
        "currency": "EUR",
        "channels": [
            {
                "channel": name,
                "history_spend_per_period": 300.0,
                "curve": {"family": "log", "scale": scale, "rate": 0.02},
                "carryover": {"retention": 0.5},
            }
            for name, scale in (("tv", [90.0, 100.0, 140.0]), ("search", [80.0, 110.0, 90.0]))
        ],
    }
)


@pytest.mark.parametrize(
    "keys",
    [
        {"cost_index": {"tv": 1.3}},
        {"channels": {"audio": {"like": "search", "scale": 0.5}}},
        {"schedule": {"pattern": "optimised"}},
        {"schedule": {"pattern": "even", "cap": {"tv": 400}}},
    ],
)
@pytest.mark.parametrize("periods", [6, 8])
def test_with_its_scenario_a_plan_differs_draw_by_draw_whatever_it_changes(
    keys: dict[str, object], periods: int
) -> None:
    plain = Scenario.from_dict({"periods": 6, "objective": "profit", "margin": 3.0})
    other = Scenario.from_dict(plain.to_dict() | {"periods": periods} | keys)
    pair = [plan(CONCAVE, plain), plan(CONCAVE, other)]
    found = compare(pair, CONCAVE, scenarios=[other, plain])
    assert found.same_draws
    per = [1.0, 1.0] if periods == 6 else [6.0, float(periods)]
    for name in ("revenue", "profit"):
        before, after = (
            (getattr(p.totals, name).mean or 0.0) / n for p, n in zip(pair, per, strict=True)
        )
        gain = getattr(found.differences[0], name)
        assert gain.mean == pytest.approx(after - before, rel=1e-9, abs=1e-9 * abs(after))
        assert gain.p05 is not None


def test_without_its_scenario_a_plan_of_other_costs_asks_for_it() -> None:
    pair = [FIRST, asked(cost_index={"tv": 1.3})]
    found = compare(pair, DRAWN)
    assert not found.same_draws
    assert "Give the plans' scenarios" in found.notes[0].message


def test_a_scenario_they_were_not_made_from_is_refused() -> None:
    with pytest.raises(DocumentError, match="not one these plans were made from"):
        compare([FIRST, MORE], DRAWN, scenarios=[Scenario(periods=3)])


@pytest.mark.parametrize("model", [DRAWN, None])
def test_plans_judged_by_customer_value_differ_in_it(model: Model | None) -> None:
    values = {"tv": 2.0, "search": 0.5, "print": 1.0, "radio": 0.8}
    pair = [
        asked(objective="customer_value", values=values, budget=budget, margin=1.0)
        for budget in (700_000, 800_000)
    ]
    worth = [sum(values[r.channel] * (r.response.mean or 0.0) for r in p.rows) for p in pair]
    gain = compare(pair, model).differences[0].objective
    assert gain is not None
    assert gain.mean == pytest.approx(worth[1] - worth[0])
    assert "customer value than A" in compare(pair, model).differences[0].statement


def test_plans_of_other_lengths_are_compared_per_period() -> None:
    twice = asked(periods=20, budget=1_400_000)
    found = compare([FIRST, twice], DRAWN)
    assert found.per == "period"
    assert "lengths_differ" in codes(found)
    assert [entry.spend for entry in found.plans] == pytest.approx([70_000.0, 70_000.0])
    assert found.plans[0].revenue.mean == pytest.approx((FIRST.totals.revenue.mean or 0) / 10)
    assert found.differences[0].profit.mean == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        ({"currency": "USD"}, "B is in USD, A in EUR|A is in EUR, B in USD"),
        ({"period": "month"}, "A counts in weeks, B in months"),
    ],
)
def test_plans_that_cannot_stand_side_by_side_are_refused(
    spoilt: dict[str, str], words: str
) -> None:
    with pytest.raises(DocumentError, match=words):
        compare([FIRST, Plan.from_dict(FIRST.to_dict() | spoilt)])


@pytest.mark.parametrize("count", [0, 1, 5])
def test_two_to_four_plans(count: int) -> None:
    with pytest.raises(DocumentError, match=f"takes two to four plans, not {count}"):
        compare([FIRST] * count)


def test_a_plan_without_a_currency_is_taken_to_be_in_the_others() -> None:
    silent = Plan.from_dict(MORE.to_dict() | {"currency": None})
    found = compare([FIRST, silent])
    assert found.currency == "EUR"
    assert "currency_unstated" in codes(found)


def test_plans_are_called_by_their_own_names_where_those_tell_them_apart() -> None:
    named = [asked(name=name) for name in ("spring", "autumn")]
    assert compare(named).labels == ("spring", "autumn")
    assert compare([FIRST, MORE]).labels == ("A", "B")
    assert compare(named, labels=["x", "y"]).labels == ("x", "y")
    with pytest.raises(DocumentError, match="a label of its own"):
        compare(named, labels=["x", "x"])


def test_why_names_the_limit_that_holds_a_channel() -> None:
    assert why(compare([FIRST, HELD], DRAWN), "tv").startswith("it is held by its maximum in B")
    assert why(compare([HELD, FIRST], DRAWN), "tv").startswith("its maximum holds it in A")


def test_why_names_locks_and_exclusions() -> None:
    locked = asked(channels={"tv": {"locked": 250_000}, "print": {"excluded": True}})
    found = compare([FIRST, locked], DRAWN)
    assert why(found, "tv").startswith("locked in B")
    assert why(found, "print").startswith("excluded in B")


def test_why_names_budget_objective_margin_and_given_splits() -> None:
    free = {"bounds": [0, 20], "caution": 0}
    loose = asked(**free)

    def reasons(other: Plan, first: Plan = loose) -> str:
        return " / ".join(str(row.why[1]) for row in compare([first, other], DRAWN).rows)

    assert "the budget is 28.6 % larger" in reasons(asked(budget=900_000, **free))
    margins = {"tv": 0.9, "search": 0.6, "print": 0.6, "radio": 0.6}
    uneven = asked(margin=margins, **free)
    assert "its margin is 0.9 in B, 0.6 in A" in reasons(uneven)
    other = asked(objective="revenue", margin=margins, **free)
    assert "B is judged by revenue, A by profit" in reasons(other, uneven)
    given = what_if(DRAWN, Scenario.from_dict(QUESTION), {"tv": 100_000.0})
    assert "the split of B was given, not sought" in reasons(given)


def test_settings_that_differ_are_named_with_their_values() -> None:
    found = {s.setting: s for s in compare([FIRST, MORE, BOLD], DRAWN).settings}
    assert set(found) == {"budget", "caution"}
    assert found["budget"].values == (700_000.0, 900_000.0, 700_000.0)
    assert found["caution"].statement == "caution: 0.5 in A, 0.5 in B, 0 in C"


def test_what_differs_only_in_the_scenarios_is_said_to() -> None:
    assert "scenarios_differ" in codes(compare([FIRST, HELD], DRAWN))
    assert "scenarios_differ" not in codes(compare([FIRST, MORE], DRAWN))
    assert codes(compare([FIRST, FIRST], DRAWN)) == []


def test_another_current_split_makes_gains_unlike() -> None:
    now = {"tv": 300_000, "search": 200_000, "print": 100_000, "radio": 100_000}
    assert "current_differs" in codes(compare([FIRST, asked(current=now)], DRAWN))


def test_another_margin_is_not_taken_for_another_split() -> None:
    found = compare([FIRST, asked(margin=0.7)], DRAWN)
    assert "margins_differ" in codes(found)
    assert "margins_differ" not in codes(compare([FIRST, MORE, HELD], DRAWN))


def test_a_channel_one_plan_lacks_is_said() -> None:
    content = MODEL.to_dict()
    fewer = Model.from_dict(content | {"channels": content["channels"][:3]})
    found = compare([asked(MODEL), asked(fewer, budget=700_000)])
    radio = next(row for row in found.rows if row.channel == "radio")
    assert radio.spend[1] is None
    assert radio.why[1] == "B has no such channel"


def test_markets_are_cells_of_their_own() -> None:
    model = hand_written(50, ("north", "south"))
    found = compare([asked(model), asked(model, budget=800_000)], model)
    assert len(found.rows) == 8
    assert {"market", "spend_A", "spend_B", "moved_B", "why_B"} <= set(found.moves.columns)
    assert found.same_draws


def test_it_is_a_document_like_any_other() -> None:
    found = compare([FIRST, MORE, HELD, BOLD], DRAWN)
    assert found.comparison == 1
    assert Comparison.from_dict(found.to_dict()) == found
    with pytest.raises(DocumentError, match="unknown key"):
        Comparison.from_dict(found.to_dict() | {"move": []})


def test_a_notebook_shows_names_as_text() -> None:
    content = FIRST.to_dict()
    content["allocation"][0]["channel"] = "<b>tv</b>"
    odd = [Plan.from_dict(content | {"name": name}) for name in ("<i>a</i>", "b")]
    shown = compare(odd)._repr_html_()
    assert "<b>tv" not in shown
    assert "<i>a" not in shown


@given(tv=st.floats(1e3, 6e5), search=st.floats(1e3, 6e5), print_=st.floats(0.0, 3e5))
def test_any_two_splits_differ_by_what_the_curves_say(
    tv: float, search: float, print_: float
) -> None:
    scenario = Scenario.from_dict(QUESTION)
    split = {"tv": round(tv, 2), "search": round(search, 2), "print": round(print_, 2)}
    other = what_if(DRAWN, scenario, split)
    found = compare([FIRST, other], DRAWN).differences[0].profit
    gain = gains(FIRST, other, DRAWN, 0.6)
    assert found.mean == pytest.approx(gain.mean(), rel=1e-6, abs=1e-2)
    assert found.probability_positive == pytest.approx(np.mean(gain > 0), abs=0.011)
