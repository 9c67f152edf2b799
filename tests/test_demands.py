"""A scenario's rules as the solver reads them, and the plans that keep them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from optimizer import DocumentError, InfeasibleError, Model, Plan, Scenario, plan, what_if
from optimizer.cells import ask
from optimizer.delivery import delivered

NOISE = np.exp(0.3 * np.random.default_rng(3).normal(size=(6, 40)))
SHAPES = {"tv": (9e4, 4e4, 1.4), "search": (5e4, 1.5e4, 1.0), "print": (2e4, 8e3, 1.0)}
SPEND = {"tv": 3e4, "search": 2e4, "print": 1e4}
LOT = 0.01


def a_model(*, draws: bool = False, markets: tuple[str | None, ...] = (None,)) -> Model:
    """Three channels per week, each market half as rich as the one before."""
    entries: list[dict[str, Any]] = []
    for size, market in enumerate(markets):
        for i, (channel, (ceiling, half, slope)) in enumerate(SHAPES.items()):
            height = ceiling / 2**size
            curve = {
                "family": "hill",
                "ceiling": (height * NOISE[i + 3 * size]).tolist() if draws else height,
                "half_saturation": half,
                "slope": slope,
            }
            entries.append(
                {
                    "channel": channel,
                    "market": market,
                    "history_spend_per_period": SPEND[channel],
                    "curve": curve,
                }
            )
    return Model.from_dict({"currency": "EUR", "channels": entries})


ONE, DRAWN = a_model(), a_model(draws=True)
TWO = a_model(markets=("north", "south"))


def scenario(**keys: Any) -> Scenario:
    return Scenario.from_dict({"periods": 10} | keys)


def problem(model: Model, **keys: Any):
    return ask(model, scenario(**keys)).problem()


def total(answer: Plan, *channels: str, market: str | None = None) -> float:
    return sum(
        r.spend
        for r in answer.rows
        if (not channels or r.channel in channels) and (market is None or r.market == market)
    )


def test_a_share_is_money_where_the_total_is_fixed_and_a_proportion_where_it_is_not():
    group = {"offline": {"channels": ["tv", "print"], "share": [0.25, 0.5]}}
    fixed = problem(ONE, budget=600_000, groups=group).rows
    assert fixed.names == ("group offline share",)
    np.testing.assert_array_equal(fixed.matrix, [[1, 0, 1]])
    assert (fixed.lower[0], fixed.upper[0]) == (150_000, 300_000)
    loose = problem(ONE, budget={"min": 5e5, "max": 7e5}, groups=group).rows
    np.testing.assert_allclose(loose.matrix, [[0.75, -0.25, 0.75], [0.5, -0.5, 0.5]])
    np.testing.assert_array_equal(loose.lower, [0, -math.inf])
    np.testing.assert_array_equal(loose.upper, [math.inf, 0])


def test_a_ratio_is_two_rows_and_an_exact_one_a_single_row():
    groups = {
        "offline": {"channels": ["tv", "print"], "ratio": {"to": "online", "range": [0.5, 2]}},
        "online": {"channels": ["search"], "ratio": {"to": "offline", "range": [0.7, 0.7]}},
    }
    rows = problem(ONE, groups=groups).rows
    np.testing.assert_allclose(rows.matrix, [[1, -0.5, 1], [1, -2, 1], [-0.7, 1, -0.7]])
    assert rows.names[2] == "group online to offline"
    assert rows.lower[2] == rows.upper[2] == 0.0


def test_a_rule_on_a_channel_with_several_markets_is_a_row_on_its_sum():
    keys = {"channels": {"tv": {"min": 100_000, "max": 500_000, "spent": 150_000}}}
    asked = problem(TWO, **keys)
    assert asked.rows.names == ("tv over all markets",)
    np.testing.assert_array_equal(asked.rows.matrix, [[1, 0, 0, 1, 0, 0]])
    assert (asked.rows.lower[0], asked.rows.upper[0]) == (150_000, 500_000)
    np.testing.assert_array_equal(asked.lower[[0, 3]], 0.0)
    np.testing.assert_array_equal(asked.upper[[0, 3]], 500_000)
    for answer in (plan(TWO, scenario(**keys)), plan(TWO, scenario(**keys, objective="profit"))):
        assert 150_000 - LOT <= total(answer, "tv") <= 500_000 + LOT


def test_a_change_of_a_channel_with_several_markets_refers_to_its_sum():
    rows = problem(TWO, channels={"tv": {"change": [-0.1, 0.2]}}).rows
    assert (rows.lower[0], rows.upper[0]) == (540_000, 720_000)


def test_exclusion_and_all_or_nothing_hold_in_every_market():
    asked = problem(
        TWO, channels={"tv": {"excluded": True}, "print": {"min_if_active": 50_000}}, bounds=[0, 4]
    )
    np.testing.assert_array_equal(asked.upper[[0, 3]], 0.0)
    np.testing.assert_array_equal(asked.optional, [0, 0, 1, 0, 0, 1])
    np.testing.assert_array_equal(asked.lower[[2, 5]], 50_000)


def test_counted_cells_are_off_or_get_a_lot():
    asked = problem(ONE, bounds=[0, 3], groups={"few": {"at_most": 2}}, lot=100)
    assert asked.optional.all()
    np.testing.assert_array_equal(asked.lower, 100.0)
    count = asked.counts[0]
    assert (count.name, count.at_least, count.at_most) == ("group few active", 0, 2)
    answer = plan(ONE, scenario(bounds=[0, 3], groups={"few": {"at_most": 2}}))
    assert sum(r.spend > 0 for r in answer.rows) == 2


@pytest.mark.parametrize(
    ("objective", "worth"), [("revenue", 1.0), ("profit", 0.5), ("least_spend", 1.0)]
)
def test_targets_undo_what_the_objective_makes_of_a_response(objective, worth):
    targets = {"revenue": 1000, "profit": 5, "romi": 0.2, "cac": 4}
    budget = None if objective == "least_spend" else 600_000
    keys = {"objective": objective, "margin": 0.5, "targets": targets}
    asked = problem(ONE, **keys, **({"budget": budget} if budget else {}))
    spend = np.array([1e5, 2e5, 3e4])
    response = ONE.response(spend / 10)[0] * 10
    np.testing.assert_allclose(asked.mean_gain.value(spend), worth * response)
    reached = {t.name: t.reached(worth * response, spend) for t in asked.targets}
    earned, spent = response.sum(), spend.sum()
    assert reached["target revenue"] == pytest.approx(earned - 1000)
    assert reached["target profit"] == pytest.approx(0.5 * earned - spent - 5)
    assert reached["target romi"] == pytest.approx(0.5 * earned - 1.2 * spent)
    assert reached["target cac"] == pytest.approx(earned - spent / 4)
    cautious = [t.name for t in asked.targets if t.is_cautious]
    assert cautious == (["target revenue"] if objective == "least_spend" else [])


def test_totals_that_vary_leave_the_current_split_unscaled():
    asked = problem(ONE, objective="profit", budget={"min": 100_000, "max": 900_000})
    assert (asked.least_total, asked.total_budget) == (100_000, 900_000)
    np.testing.assert_array_equal(asked.reference, [300_000, 200_000, 100_000])
    free = problem(ONE, objective="profit", budget="free", max_moved=0.3)
    assert (free.least_total, free.total_budget) == (0.0, 1_200_000)
    assert free.most_moved == 180_000
    fixed = problem(ONE, budget=1_200_000, max_moved=0.3)
    assert fixed.least_total is None
    assert fixed.most_moved == 360_000


def test_a_free_profit_plan_stops_at_break_even_and_at_the_marginal_romi_asked_for():
    keys = {"objective": "profit", "margin": 0.8, "bounds": [0, 10], "budget": "free"}
    for asked in (0.0, 0.2):
        answer = plan(ONE, scenario(**keys, targets={"marginal_romi": asked}))
        inside = [r.marginal_romi for r in answer.rows if r.binding is None]
        assert inside
        np.testing.assert_allclose(inside, asked, atol=1e-3)
    by_revenue = plan(
        ONE, scenario(**keys | {"objective": "revenue"}, targets={"marginal_romi": 0.2})
    )
    assert by_revenue.split == answer.split


def test_a_fixed_budget_whose_last_unit_earns_too_little_is_refused():
    keys = {"objective": "profit", "bounds": [0, 10], "budget": 900_000}
    last = min(r.marginal_romi for r in plan(ONE, scenario(**keys)).rows if r.binding is None)
    plan(ONE, scenario(**keys, targets={"marginal_romi": last - 0.01}))
    with pytest.raises(InfeasibleError, match="last unit earns"):
        plan(ONE, scenario(**keys, targets={"marginal_romi": last + 0.01}))


def test_the_least_spend_reaches_its_target_and_no_less_would():
    free = {"bounds": [0, 10], "caution": 0}
    least = plan(ONE, scenario(objective="least_spend", targets={"revenue": 900_000}, **free))
    assert least.totals.revenue.mean == pytest.approx(900_000, abs=1.0)
    most = plan(ONE, scenario(budget=least.totals.spend, **free))
    assert most.totals.revenue.mean == pytest.approx(900_000, rel=1e-5)


def test_a_cost_index_is_the_same_delivery_for_more_money():
    for model in (ONE, DRAWN):
        dear = delivered(model, scenario(cost_index={"tv": 1.25}))
        spend = np.array([4e4, 2e4, 1e4])
        np.testing.assert_allclose(
            dear.response(spend), model.response(spend / [1.25, 1, 1]), rtol=1e-12
        )
        assert delivered(model, scenario(cost_index={"tv": 1.25})) is dear


@pytest.mark.parametrize(
    "curve",
    [
        {"family": "exponential", "ceiling": 9.0, "rate": [0.1, 0.2]},
        {"family": "log", "scale": [9.0, 8.0], "rate": 0.1},
        {"family": "power", "scale": 9.0, "exponent": [0.4, 0.6]},
        {"family": "logistic", "ceiling": 9.0, "rate": [0.1, 0.2]},
        {"family": "table", "spend": [0, 5, 9], "response": [[0, 4, 5], [0, 3, 5]]},
    ],
    ids=lambda curve: curve["family"],
)
def test_every_family_is_repriced_and_lent(curve):
    entry = {"channel": "tv", "history_spend_per_period": 4.0, "curve": curve}
    model = Model.from_dict({"channels": [entry]})
    asked = scenario(cost_index={"tv": 2.0}, channels={"new": {"like": "tv", "scale": 0.5}})
    offered = delivered(model, asked)
    found = offered.response(np.array([6.0, 4.0]))
    np.testing.assert_allclose(found[:, 0], model.response(np.array([3.0]))[:, 0], rtol=1e-12)
    own = model.response(np.array([4.0]))[:, 0]
    np.testing.assert_allclose(found[:, 1].mean(), 0.5 * own.mean(), rtol=1e-12)
    wider = np.ptp(np.log(found[:, 1])) / max(np.ptp(np.log(own)), 1e-300)
    assert wider == pytest.approx(2.0) or np.ptp(own) == 0.0


def test_a_newcomer_is_warned_about_and_gets_a_twentieth_at_most():
    keys = {"channels": {"audio": {"like": "search", "scale": 2.0}}, "budget": 600_000}
    answer = plan(DRAWN, scenario(**keys))
    audio = next(r for r in answer.rows if r.channel == "audio")
    assert 0.0 < audio.spend <= 30_000
    assert "borrowed_curve" in [w.code for w in answer.warnings if w.channel == "audio"]
    assert what_if(DRAWN, scenario(**keys), answer).totals == answer.totals


def test_money_already_spent_is_a_minimum_even_above_the_default_maximum():
    asked = problem(ONE, channels={"print": {"spent": 250_000.004}})
    assert asked.lower[2] == asked.upper[2] == 250_000.01
    lots = problem(ONE, channels={"print": {"min": 100_050, "max": 150_050}}, lot=100, budget=6e5)
    assert (lots.lower[2], lots.upper[2]) == (100_100, 150_000)
    assert (lots.lower[0], lots.upper[0]) == (150_000, 600_000)


@pytest.mark.parametrize("model", [ONE, DRAWN], ids=["curves", "draws"])
@pytest.mark.parametrize(
    "keys",
    [
        {"groups": {"offline": {"channels": ["tv", "print"], "sum": [0, 250_000]}}},
        {"resources": {"carbon": {"per_unit": {"tv": 0.002}, "max": 400}}},
        {"max_moved": 0.05},
        {"targets": {"romi": 0.2}, "objective": "revenue"},
        {"channels": {"print": {"min_if_active": 90_000}}},
        {"lot": 1000},
        {
            "groups": {
                "a": {"channels": ["tv"], "ratio": {"to": "b", "range": [1, 1]}},
                "b": {"channels": ["search", "print"]},
            }
        },
    ],
    ids=lambda keys: next(iter(keys)),
)
def test_a_plan_keeps_its_rules_and_a_what_if_that_breaks_them_is_told(model, keys):
    asked = scenario(**({"budget": 600_000, "caution": 0.2} | keys))
    answer = plan(model, asked)
    broken = {"outside_rule", "outside_limits", "off_budget", "outside_schedule"}
    own = what_if(model, asked, answer)
    assert not broken & {w.code for w in own.warnings}
    assert own.totals == answer.totals
    far = {"tv": 590_000, "search": 5_000, "print": 5_000.5}
    assert broken & {w.code for w in what_if(model, asked, far).warnings}


def test_binding_rules_are_priced_by_what_one_more_unit_gains():
    def bounded(most: float) -> Plan:
        group = {"offline": {"channels": ["tv", "print"], "sum": [0, most]}}
        return plan(ONE, scenario(groups=group, budget=600_000, bounds=[0, 9], caution=0))

    answer, more = bounded(250_000), bounded(250_100)
    price = next(p for p in answer.shadow_prices if p.constraint == "group offline sum")
    gained = (more.certificate.value - answer.certificate.value) / 100.0
    assert price.price == pytest.approx(gained, rel=0.01)
    assert "EUR" in price.statement


@pytest.mark.parametrize("pattern", ["even", "history", "optimised"])
def test_a_schedule_spends_the_plan_period_by_period(pattern):
    keys = {"pattern": pattern, "cap": {"tv": 35_000}}
    answer = plan(ONE, scenario(schedule=keys, start="2027-01-04"))
    assert answer.schedule.pattern == pattern
    assert len(answer.schedule.dates) == 10
    for row, cell in zip(answer.rows, answer.schedule.rows, strict=True):
        assert sum(cell.spend) == pytest.approx(row.spend, abs=LOT / 2)
        assert cell.channel != "tv" or max(cell.spend) <= 35_000
    assert total(answer, "tv") <= 350_000
    assert Plan.from_dict(answer.to_dict()) == answer


def test_an_even_schedule_without_rules_is_not_told_by_period():
    assert plan(ONE, scenario()).schedule is None


def test_an_optimised_schedule_under_groups_says_what_its_proof_covers():
    group = {"offline": {"channels": ["tv", "print"], "sum": [0, 350_000]}}
    answer = plan(ONE, scenario(schedule={"pattern": "optimised"}, groups=group))
    assert "totals_first" in [w.code for w in answer.warnings]
    assert total(answer, "tv", "print") <= 350_000


def test_a_blackout_of_the_whole_plan_clashes_with_a_minimum_by_name():
    dark = {"blackout": {"tv": [f"2027-01-{day:02d}" for day in (4, 11)]}}
    keys = {"periods": 2, "start": "2027-01-04", "schedule": dark}
    with pytest.raises(InfeasibleError, match="tv at least"):
        plan(ONE, scenario(**keys))


FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "empty group": (
        {"groups": {"a": {"channels": [], "sum": [0, 5]}}},
        "/groups/a",
        "holds nothing",
    ),
    "itself": (
        {"groups": {"a": {"ratio": {"to": "a", "range": [0, 1]}}}},
        "/groups/a/ratio/to",
        "the group itself",
    ),
    "unknown group": (
        {"groups": {"a": {"ratio": {"to": "ab", "range": [0, 1]}}, "abc": {}}},
        "/groups/a/ratio/to",
        'did you mean "abc"',
    ),
    "count above size": (
        {"groups": {"a": {"channels": ["tv"], "at_most": 2}}},
        "/groups/a/at_most",
        "holds only 1",
    ),
    "must above size": (
        {"groups": {"a": {"channels": ["tv"], "at_least": 2}}},
        "/groups/a/at_least",
        "holds only 1",
    ),
    "channel of a group": (
        {"groups": {"a": {"channels": ["tvv"]}}},
        "/groups/a/channels/tvv",
        '"tv"',
    ),
    "no markets": ({"markets": {"north": {"min": 5}}}, "/markets", "the model has none"),
    "resource": (
        {"resources": {"c": {"per_unit": {"serch": 1}, "max": 5}}},
        "/resources/c/per_unit/serch",
        'did you mean "search"',
    ),
    "cost index": ({"cost_index": {"radio": 1.1}}, "/cost_index/radio", "unknown channel"),
    "lot": ({"lot": 1000, "budget": 500}, "/lot", "larger than the budget"),
    "uneven lock": ({"channels": {"tv": {"locked": 0.001}}}, "/channels/tv/locked", "no multiple"),
    "free revenue": ({"budget": "free"}, "/budget", "would spend all the limits allow"),
    "free romi": ({"budget": "free", "objective": "romi"}, "/budget", "has no minimum"),
    "romi from 0": (
        {"budget": {"min": 0, "max": 5e5}, "objective": "romi"},
        "/budget",
        "has no minimum",
    ),
    "fixed least spend": (
        {"budget": 5e5, "objective": "least_spend", "targets": {"revenue": 5}},
        "/budget",
        "write free or",
    ),
    "least spend for nothing": (
        {"objective": "least_spend"},
        "/targets",
        "needs revenue or profit",
    ),
    "no values": ({"objective": "customer_value"}, "/values", "no value of a customer"),
    "a value of 0": (
        {"objective": "customer_value", "values": {"tv": 0, "search": 1, "print": 1}},
        "/values/tv",
        "above 0",
    ),
    "revenue of customers": (
        {
            "objective": "customer_value",
            "values": {"tv": 1, "search": 1, "print": 1},
            "targets": {"revenue": 5},
        },
        "/targets/revenue",
        "count customers",
    ),
    "a newcomer that is none": (
        {"channels": {"tv": {"like": "search"}}},
        "/channels/tv/like",
        "for new channels",
    ),
    "a donor nobody knows": (
        {"channels": {"audio": {"like": "radio"}}},
        "/channels/audio/like",
        "unknown channel",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_contradiction_is_named_with_what_to_do(fault):
    keys, pointer, words = FAULTS[fault]
    with pytest.raises(DocumentError) as caught:
        plan(ONE, scenario(**keys))
    assert pointer in [f.pointer for f in caught.value.faults]
    assert words in str(caught.value)


def test_markets_and_channels_in_them_are_checked_by_name():
    for keys, pointer in (
        ({"markets": {"nort": {"min": 5}}}, "/markets/nort"),
        ({"groups": {"a": {"markets": ["east"]}}}, "/groups/a/markets/east"),
        ({"markets": {"north": {"channels": {"tvs": {"max": 5}}}}}, "/markets/north/channels/tvs"),
    ):
        with pytest.raises(DocumentError) as caught:
            plan(TWO, scenario(**keys))
        assert [f.pointer for f in caught.value.faults] == [pointer]


def test_a_market_has_a_total_and_channels_of_its_own():
    rules = {"north": {"max": 500_000, "channels": {"tv": {"max": 180_000}}}}
    answer = plan(TWO, scenario(markets=rules, bounds=[0, 3]))
    assert total(answer, market="north") <= 500_000 + LOT
    assert total(answer, "tv", market="north") <= 180_000
