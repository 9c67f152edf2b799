"""Frontiers: every point is the plan of its budget, slopes are slopes, the break-even is found."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from optimizer import DocumentError, InfeasibleError, Model, Scenario, frontier, plan
from optimizer.frontier_document import Frontier
from tests.test_plan import DRAWN, MODEL, hand_written

CENT = 0.01
FREE = {"bounds": [0, 20]}
CAUTIOUS: dict[str, object] = {}
NEUTRAL: dict[str, object] = {"caution": 0}
CAPPED: dict[str, object] = {"channels": {"tv": {"max": 150_000}}}
WEEK = 10  # periods of every question here
EQUAL = 1e-9  # relative: the same numbers summed in another order
ALIKE = 1e-5  # relative: two proved answers may differ by their gaps


def asked(**keys: object) -> Scenario:
    question = {"periods": WEEK, "budget": 500_000, "margin": 0.8, "objective": "profit"}
    return Scenario.from_dict(question | keys)


def smooth(draws: int = 0) -> Model:
    """Three concave channels."""
    rng = np.random.default_rng(3)

    def about(value: float) -> float | list[float]:
        return (value * np.exp(0.3 * rng.normal(size=draws))).tolist() if draws else value

    spend = {"tv": 3e4, "search": 2e4, "print": 1e4}
    curves = {
        "tv": {"family": "exponential", "ceiling": about(9e4), "rate": about(4e-5)},
        "search": {"family": "log", "scale": about(3e4), "rate": about(1e-4)},
        "print": {
            "family": "hill",
            "ceiling": about(4e4),
            "half_saturation": about(2e4),
            "slope": 1,
        },
    }
    channels = [
        {"channel": name, "history_spend_per_period": spend[name], "curve": curve}
        for name, curve in curves.items()
    ]
    return Model.from_dict({"currency": "EUR", "channels": channels})


@pytest.mark.parametrize(
    ("model", "keys"),
    [
        *((model, keys) for model in (MODEL, DRAWN) for keys in (CAUTIOUS, NEUTRAL, CAPPED)),
        (hand_written(40, ("north", "south")), NEUTRAL),
    ],
)
def test_a_point_is_the_plan_of_its_budget(model: Model, keys: dict[str, object]) -> None:
    found = frontier(model, asked(**keys), points=4)
    for point in found.points:
        answer = plan(model, asked(**keys, budget=point.budget))
        assert answer.certificate is not None
        assert point.spend == pytest.approx([row.spend for row in answer.rows], abs=1.0)
        assert point.value == pytest.approx(answer.certificate.value, rel=ALIKE)
        for name in ("revenue", "profit", "romi"):
            mine, its = getattr(point, name), getattr(answer.totals, name)
            assert mine.mean == pytest.approx(its.mean, rel=ALIKE)
            assert (mine.p05 is None) == (its.p05 is None)
            assert mine.p05 is None or mine.p05 == pytest.approx(its.p05, rel=1e-4)
        assert point.gap <= 1e-5


def test_budgets_run_from_half_to_one_and_a_half_and_hold_the_scenarios_own() -> None:
    found = frontier(smooth(), asked())
    budgets = [point.budget for point in found.points]
    assert len(budgets) == 50
    assert (budgets[0], budgets[-1]) == (250_000.0, 750_000.0)
    assert 500_000.0 in budgets
    assert all(one < other for one, other in pairwise(budgets))
    assert all(sum(point.spend) == pytest.approx(point.budget) for point in found.points)


def test_ends_follow_limits_stated_in_money() -> None:
    rules = {
        "tv": {"min": 200_000, "max": 260_000},
        "search": {"min": 150_000, "max": 180_000},
        "print": {"min": 50_000, "max": 100_000},
    }
    budgets = [p.budget for p in frontier(smooth(), asked(channels=rules), points=3).points]
    assert budgets == [400_000.0, 500_000.0, 540_000.0]


def test_ends_follow_limits_of_which_some_move_with_the_budget() -> None:
    rules = {"channels": {"tv": {"min": 240_000}}, "bounds": [0.9, 1.1]}
    least = frontier(smooth(), asked(**rules), points=3).points[0].budget
    assert least == pytest.approx(240_000 / (1.1 * 0.5), abs=2 * CENT)  # half was spent on tv
    with pytest.raises(InfeasibleError):
        plan(smooth(), asked(**rules, budget=round(least - 1.0, 2)))


def test_ends_can_be_stated() -> None:
    found = frontier(smooth(), asked(), points=3, least=100_000, most=900_000)
    assert [point.budget for point in found.points] == [100_000.0, 500_000.0, 900_000.0]


@pytest.mark.parametrize("model", [smooth(), smooth(60)])
@pytest.mark.parametrize("keys", [FREE, {}, {"bounds": [0.9, 1.3]}])
def test_marginal_romi_is_the_slope_of_profit(model: Model, keys: dict[str, object]) -> None:
    question = asked(caution=0, **keys)
    found = frontier(model, question, points=21)
    for point in found.points[1:-1:4]:
        step = 100.0
        ends = [
            plan(model, question.model_copy(update={"budget": point.budget + d})).totals.profit
            for d in (-step, step)
        ]
        slope = ((ends[1].mean or 0.0) - (ends[0].mean or 0.0)) / (2.0 * step)
        assert point.marginal_romi == pytest.approx(slope, abs=2e-3)


def test_where_no_limit_binds_the_slope_is_what_every_channel_earns_next() -> None:
    found = frontier(smooth(), asked(**FREE), points=9)
    for point in found.points[1:-1]:
        answer = plan(smooth(), asked(**FREE, budget=point.budget))
        for row in answer.rows:
            assert row.marginal_romi == pytest.approx(point.marginal_romi, abs=1e-6)
        assert point.shadow_price == pytest.approx(point.marginal_romi, abs=1e-6)


@pytest.mark.parametrize("model", [smooth(), smooth(60), MODEL, DRAWN])
@pytest.mark.parametrize("keys", [{"caution": 0, **FREE}, {"caution": 0}, {"caution": 0.5}])
def test_no_budget_earns_more_profit_than_the_break_even(
    model: Model, keys: dict[str, object]
) -> None:
    found = frontier(model, asked(margin=1.0, **keys), least=100_000, most=1_200_000, points=9)
    at = found.break_even
    assert at is not None
    peak = at.profit.mean or 0.0
    slack = 1e-4 * abs(peak)
    assert all((point.profit.mean or 0.0) <= peak + slack for point in found.points)
    assert f"peaks at a budget of {at.budget:,.0f} EUR" in found.statement
    for factor in (0.97, 1.03):
        near = plan(model, asked(margin=1.0, **keys, budget=round(factor * at.budget, 2)))
        assert (near.totals.profit.mean or 0.0) <= peak + slack


def test_the_break_even_of_one_channel_is_where_calculus_says() -> None:
    curve = {"family": "log", "scale": 3e4, "rate": 1e-4}
    alone = Model.from_dict(
        {"channels": [{"channel": "tv", "history_spend_per_period": 3e4, "curve": curve}]}
    )
    found = frontier(alone, asked(budget=150_000), points=7)
    expected = WEEK * (0.8 * 3e4 - 1e4)  # m a r / (1 + r x) = 1
    assert found.break_even is not None
    assert found.break_even.budget == pytest.approx(expected, rel=1e-5)
    assert found.break_even.marginal_romi == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize(("margin", "words"), [(5.0, "lies above"), (0.1, "lies below")])
def test_without_a_crossing_it_says_on_which_side_it_lies(margin: float, words: str) -> None:
    found = frontier(smooth(), asked(margin=margin), points=5)
    assert found.break_even is None
    assert words in found.statement


def test_value_is_never_lower_for_more_money_where_limits_are_in_money() -> None:
    rules = {name: {"min": 0, "max": 400_000} for name in MODEL.names}
    found = frontier(MODEL, asked(objective="revenue", channels=rules), points=12)
    assert all(one.value <= other.value * (1 + ALIKE) for one, other in pairwise(found.points))


def test_budgets_without_a_plan_are_left_out_and_said() -> None:
    rules = {name: {"max": 200_000} for name in ("tv", "search", "print")}
    found = frontier(smooth(), asked(channels=rules), points=5, least=400_000, most=1_000_000)
    assert found.points[-1].budget <= 600_000.0
    note = next(note for note in found.notes if note.code == "infeasible_budgets")
    assert note.message.startswith("3 of the budgets have no plan and are left out. For example: ")
    with pytest.raises(InfeasibleError):
        frontier(smooth(), asked(channels=rules), least=800_000, most=1_000_000)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"points": 1}, "points: must be 2 to 1000"),
        ({"least": 5e5, "most": 4e5}, "the smaller one first"),
        ({"least": 0.0}, "above 0"),
        ({"least": 500.0, "most": 500.004}, "one lot only"),
        ({"most": float("nan")}, "the smaller one first"),
    ],
)
def test_ends_and_points_that_make_no_frontier_are_refused(
    keys: dict[str, float], words: str
) -> None:
    with pytest.raises(DocumentError, match=words):
        frontier(smooth(), asked(), **keys)  # type: ignore[arg-type]


def test_it_is_a_document_like_any_other() -> None:
    found = frontier(smooth(60), asked(name="spring"), points=3)
    assert Frontier.from_dict(found.to_dict()) == found
    assert {"budget", "revenue_p05", "spend_tv"} <= set(found.table.columns)
    with pytest.raises(DocumentError, match="unknown key"):
        Frontier.from_dict(found.to_dict() | {"point": []})
