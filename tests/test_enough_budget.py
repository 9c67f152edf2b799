"""A budget that is offered as a way out is enough, and a lot less is not."""

import pytest

from optimizer import InfeasibleError, Scenario, plan
from tests.four_channels import four_channels

CASES = {
    "locked above, wide bounds": {"bounds": [0.5, 2.0], "channels": {"tv": {"locked": 9000}}},
    "locked above, tight bounds": {"bounds": [0.95, 1.05], "channels": {"tv": {"locked": 9000}}},
    "locked below, tight bounds": {"bounds": [0.95, 1.05], "channels": {"tv": {"locked": 1000}}},
    "two locked": {"channels": {"tv": {"locked": 8000}, "search": {"locked": 4000}}},
    "a change that follows": {"channels": {"tv": {"locked": 9500}, "print": {"change": [0, 0.5]}}},
    "coarse lots": {"lot": 50, "channels": {"tv": {"locked": 9000}}},
    "a minimum above all": {"channels": {"tv": {"min": 9900, "max": 12000}}},
}


@pytest.fixture(scope="module")
def model():
    return four_channels()


def asked(case, budget):
    return Scenario.from_dict({"periods": 10, "budget": budget, **CASES[case]})


def by_the_budget(error):
    return next((one for one in error.relaxations if one.name.startswith("budget at")), None)


@pytest.mark.parametrize("case", CASES)
def test_the_budget_offered_is_enough_and_a_lot_less_is_not(model, case):
    with pytest.raises(InfeasibleError) as told:
        plan(model, asked(case, 10_000.0))
    way = by_the_budget(told.value)
    assert way is not None, str(told.value)
    sign = 1 if "most" in way.name else -1
    enough = round(10_000 + sign * way.by, 2)
    assert f"to {enough:,.2f}".removesuffix(".00") in str(told.value)
    assert plan(model, asked(case, enough)).totals.spend == pytest.approx(enough, abs=0.005)
    lot = CASES[case].get("lot", 0.01)
    with pytest.raises(InfeasibleError):
        plan(model, asked(case, round(enough - sign * lot, 2)))


def test_a_budget_that_cannot_help_is_not_offered(model):
    question = Scenario.from_dict({"periods": 10, "budget": 10_000, "bounds": [0.5, 0.9]})
    with pytest.raises(InfeasibleError) as told:
        plan(model, question)
    assert by_the_budget(told.value) is None
    assert "the budget by" not in str(told.value)
    assert told.value.relaxations
