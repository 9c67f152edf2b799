"""What would change a recommendation: budgets re-solved, returns that tip a channel."""

from __future__ import annotations

import numpy as np
import pytest

from optimizer import DocumentError, Model, Scenario, plan, risk_frontier, sensitivity
from optimizer.frontier_document import RiskFrontier
from optimizer.sensitivity_document import Sensitivity, TippingPoint
from tests.test_frontier import FREE, asked, smooth
from tests.test_plan import MODEL

ALIKE = 1e-5  # relative: two proved answers may differ by their gaps
NEARER = 1.012  # a factor this much closer to 1 is on the other side of the tipping point
CENT = 0.01


def scaled(model: Model, channel: str, factor: float) -> Model:
    """The model with one channel's curve scaled, through its own parameters."""
    heights = {"hill": "ceiling", "exponential": "ceiling", "log": "scale", "table": "response"}
    content = model.to_dict()
    for entry in content["channels"]:
        if entry["channel"] == channel:
            height = heights[entry["curve"]["family"]]
            entry["curve"][height] = (factor * np.asarray(entry["curve"][height])).tolist()
    return Model.from_dict(content)


def spend_at(model: Model, question: Scenario, point: TippingPoint, factor: float) -> float:
    """What the plan of a model with that channel's curve scaled gives it."""
    answer = plan(scaled(model, point.channel, factor), question)
    return next(row.spend for row in answer.rows if row.channel == point.channel)


@pytest.mark.parametrize(
    ("model", "keys"),
    [
        (smooth(), FREE),
        (smooth(), {}),
        (smooth(60), {"caution": 0}),
        pytest.param(MODEL, {}, marks=pytest.mark.slow),
        pytest.param(MODEL, FREE, marks=pytest.mark.slow),
    ],
)
def test_a_tipping_point_is_the_smallest_factor_that_moves_a_tenth(
    model: Model, keys: dict[str, object]
) -> None:
    question = asked(**keys)
    found = sensitivity(model, question)
    for point in found.returns:
        if point.upper is not None:
            assert 1.0 < point.upper <= 3.0 * (1.0 + 1e-9)
            least = max(1.1 * point.spend - CENT, 0.5 * CENT)
            assert spend_at(model, question, point, point.upper) >= least
            assert spend_at(model, question, point, point.upper / NEARER) < least
        if point.lower is not None:
            assert 1.0 > point.lower >= (1.0 - 1e-9) / 3.0
            most = 0.9 * point.spend + CENT
            assert spend_at(model, question, point, point.lower) <= most
            assert spend_at(model, question, point, point.lower * NEARER) > most


def test_no_factor_up_to_three_moves_what_limits_hold() -> None:
    found = sensitivity(smooth(), asked(channels={"tv": {"locked": 200_000}}))
    tv = next(point for point in found.returns if point.channel == "tv")
    assert (tv.lower, tv.upper) == (None, None)
    assert "no change up to 3x" in tv.statement
    assert found.returns[-1] is tv
    held = sensitivity(smooth(), asked(bounds=[1, 1]))
    assert all(point.lower is None and point.upper is None for point in held.returns)
    assert held.statement.startswith("No channel's return")


def test_a_cell_without_money_tips_upwards_only() -> None:
    found = sensitivity(smooth(), asked(budget=20_000, **FREE))
    empty = next(point for point in found.returns if point.channel == "print")
    assert empty.spend == 0.0
    assert empty.lower is None
    assert empty.upper is not None
    assert empty.statement.startswith("print gets nothing: it would with")


def test_two_equal_logarithms_tip_where_calculus_says() -> None:
    curve = {"family": "log", "scale": 100.0, "rate": 0.02}
    twins = Model.from_dict(
        {
            "channels": [
                {"channel": name, "history_spend_per_period": 300.0, "curve": curve}
                for name in ("tv", "radio")
            ]
        }
    )
    found = sensitivity(twins, Scenario(periods=10, budget=6000.0))
    for point in found.returns:  # factor = (1 + r x') / (1 + r (600 - x'))
        assert point.upper == pytest.approx((1 + 0.02 * 330) / (1 + 0.02 * 270), rel=0.006)
        assert point.lower == pytest.approx((1 + 0.02 * 270) / (1 + 0.02 * 330), rel=0.006)


def test_the_nearest_to_tip_comes_first_and_is_the_headline() -> None:
    found = sensitivity(smooth(60), asked(caution=0))

    def distance(point: TippingPoint) -> float:
        factors = [factor for factor in (point.lower, point.upper) if factor is not None]
        return min((abs(np.log(factor)) for factor in factors), default=np.inf)

    distances = [distance(point) for point in found.returns]
    assert distances == sorted(distances)
    assert found.returns[0].name in found.statement


@pytest.mark.parametrize("model", [smooth(), smooth(60)])
def test_budget_steps_are_the_plans_of_their_budgets(model: Model) -> None:
    question = asked(caution=0)
    answer, found = plan(model, question), sensitivity(model, question)
    assert [step.change for step in found.budgets] == [-0.1, -0.01, 0.01, 0.1]
    for step in found.budgets:
        again = plan(model, question.model_copy(update={"budget": step.budget}))
        assert step.budget == pytest.approx(500_000 * (1.0 + step.change))
        assert step.value == pytest.approx(again.certificate and again.certificate.value, rel=ALIKE)
        assert step.revenue == pytest.approx(again.totals.revenue.mean, rel=ALIKE)
        assert step.profit == pytest.approx(again.totals.profit.mean, rel=1e-4)
        assert sum(step.moved) == pytest.approx(step.budget - 500_000, abs=CENT)
        assert answer.certificate is not None
        assert step.gained == pytest.approx((step.value or 0) - answer.certificate.value, rel=1e-3)


def test_small_steps_agree_with_the_shadow_price_where_no_limit_binds() -> None:
    question = asked(**FREE)
    price = plan(smooth(), question).shadow_prices[0].price
    steps = {step.change: step for step in sensitivity(smooth(), question).budgets}
    for change in (-0.01, 0.01):
        gained = steps[change].gained or 0.0
        assert gained / (500_000 * change) == pytest.approx(price, abs=0.01)


def test_a_budget_step_without_a_plan_says_why() -> None:
    rules = {name: {"min": 100_000, "max": 170_000} for name in ("tv", "search", "print")}
    found = sensitivity(smooth(), asked(channels=rules))
    most = found.budgets[-1]
    assert (most.value, most.moved) == (None, ())
    assert most.statement.startswith("10 % more budget has no plan. ")


def test_the_doubt_about_a_return_is_that_of_the_draws() -> None:
    found = sensitivity(smooth(60), asked(caution=0))
    answer = plan(smooth(60), asked(caution=0))
    for point in found.returns:
        row = next(row for row in answer.rows if row.channel == point.channel)
        ends = (
            (row.response.p05 or 0) / row.response.mean,
            (row.response.p95 or 0) / row.response.mean,
        )
        assert point.known == pytest.approx(ends)
    assert all(point.known is None for point in sensitivity(smooth(), asked()).returns)


def test_a_known_plan_need_not_be_found_again() -> None:
    question = asked(caution=0)
    model = smooth(60)
    assert sensitivity(model, question, plan(model, question)) == sensitivity(model, question)


def test_only_the_largest_cells_are_asked_about() -> None:
    found = sensitivity(smooth(), asked(), largest=2)
    largest = sorted(plan(smooth(), asked()).rows, key=lambda row: -row.spend)[:2]
    assert {point.channel for point in found.returns} == {row.channel for row in largest}


def test_sensitivity_is_a_document_like_any_other() -> None:
    found = sensitivity(smooth(), asked())
    assert Sensitivity.from_dict(found.to_dict()) == found
    with pytest.raises(DocumentError, match="unknown key"):
        Sensitivity.from_dict(found.to_dict() | {"return": []})


def test_more_caution_gives_up_mean_and_sheds_risk() -> None:
    found = risk_frontier(smooth(60), asked(), points=5)
    assert [point.aversion for point in found.points] == [0.0, 0.25, 0.5, 0.75, 1.0]
    means = [point.uplift.mean or 0.0 for point in found.points]
    risks = [point.sd for point in found.points]
    slack = ALIKE * 1e6
    assert all(np.diff(means) <= slack)
    assert all(np.diff(risks) <= slack)
    assert means[0] > means[-1]
    assert risks[0] > risks[-1]


def test_a_point_of_the_risk_frontier_is_the_plan_of_its_caution() -> None:
    now = {"tv": 100_000, "search": 100_000, "print": 300_000}
    model, found = smooth(60), risk_frontier(smooth(60), asked(current=now), points=3)
    for point in found.points:
        answer = plan(model, asked(current=now, caution=point.aversion))
        spend = [row.spend for row in answer.rows]
        assert point.spend == pytest.approx(spend, abs=1.0)
        assert point.uplift.mean == pytest.approx(answer.totals.uplift.mean, rel=1e-4)
        splits = (np.array(split) / 10 for split in (point.spend, list(now.values())))
        after, before = (10 * model.response(split) for split in splits)
        gain = 0.8 * (after - before).sum(axis=1)
        assert point.sd == pytest.approx(gain.std())
        assert point.cvar == pytest.approx(np.sort(gain)[:6].mean())  # a tenth of 60 draws


def test_a_model_without_draws_has_no_risk_frontier() -> None:
    with pytest.raises(DocumentError, match="has no draws"):
        risk_frontier(smooth(), asked())
    with pytest.raises(DocumentError, match="must be 2 to 101"):
        risk_frontier(smooth(60), asked(), points=1)


def test_the_risk_frontier_is_a_document_like_any_other() -> None:
    found = risk_frontier(smooth(60), asked(), points=2)
    assert RiskFrontier.from_dict(found.to_dict()) == found
    assert {"aversion", "sd", "cvar", "spend_tv"} <= set(found.records()[0])
