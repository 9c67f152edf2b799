"""Every way out that is offered lets the limits hold."""

import pytest

from api.page.bench import relaxing
from api.problems import problem_of
from optimizer import InfeasibleError, Scenario, plan
from tests.four_channels import SPENDS, four_channels

BUDGET = 10_000.0
CASES = {
    "two locked": {"channels": {"tv": {"locked": 8000}, "search": {"locked": 4000}}},
    "a minimum above the default maximum": {"channels": {"tv": {"min": 9900}}},
    "a maximum below the default minimum": {"channels": {"tv": {"max": 100}}},
    "a share too small": {"groups": {"g": {"channels": ["tv", "search"], "share": [0, 0.1]}}},
    "a share too large": {"groups": {"g": {"channels": ["radio"], "share": [0.5, 1]}}},
    "a sum too small": {"groups": {"g": {"channels": ["tv", "search"], "sum": [0, 100]}}},
    "little may move": {"max_moved": 0.01, "channels": {"tv": {"min": 7000, "max": 9000}}},
    "a resource": {"resources": {"co2": {"per_unit": {"tv": 1}, "max": 10}}},
    "a profit out of reach": {"targets": {"profit": 9e6}},
    "a romi out of reach": {"targets": {"romi": 9.0}},
    "maxima too low": {"bounds": [0.5, 0.9]},
    "a range too high": {"budget": {"min": 50_000, "max": 60_000}},
}


@pytest.fixture(scope="module")
def model():
    return four_channels()


def left(model, document):
    try:
        plan(model, Scenario.from_dict(document))
    except InfeasibleError as error:
        return problem_of(error)
    return None


@pytest.mark.parametrize("case", CASES)
def test_every_offer_leads_to_a_plan(model, case):
    document = {"periods": 10, "budget": BUDGET, "objective": "profit", **CASES[case]}
    with pytest.raises(InfeasibleError) as told:
        plan(model, Scenario.from_dict(document))
    found = relaxing.ways_out(
        document, problem_of(told.value), BUDGET, tuple(SPENDS), lambda one: left(model, one)
    )
    assert found, str(told.value)
    for offer in found:
        assert plan(model, Scenario.from_dict(offer.document)).certificate is not None
    assert document == {"periods": 10, "budget": BUDGET, "objective": "profit", **CASES[case]}
