"""What lies around a plan: what the current split brings, and what other budgets would."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.page.plans.pictures import current_split

if TYPE_CHECKING:
    from optimizer import Frontier, Model, Plan, Scenario

POINTS = 15  # budgets of a frontier that is only looked at, as in a workbook
REMEMBERED = 64  # frontiers: seconds of work each, and the same for the same plan

_frontiers: dict[tuple[str, str], Frontier] = {}  # by the hashes of model and scenario


def now_of(plan: Plan, model: Model | None, scenario: Scenario) -> Plan | None:
    """What the plan's current split brings; None where that cannot be said."""
    from optimizer import OptimizerError, what_if

    if model is None:
        return None
    try:
        return what_if(model, scenario, current_split(plan.to_dict()))
    except OptimizerError:  # the plan stands: only a picture is missing
        return None


def frontier_of(plan: Plan, model: Model | None, scenario: Scenario) -> Frontier | None:
    """What other budgets would bring; None for a split that was given, or without its curves.

    Raises
    ------
    OptimizerError
        There is no other budget to plan.
    """
    if model is None or plan.certificate is None:
        return None
    return frontier_around(plan, model, scenario)


def frontier_around(plan: Plan, model: Model, scenario: Scenario) -> Frontier:
    """What other budgets than a plan's would bring, sought once.

    Raises
    ------
    OptimizerError
        There is no other budget to plan.
    """
    import optimizer

    key = (plan.provenance.model, plan.provenance.scenario)
    found = _frontiers.get(key) or optimizer.frontier(model, scenario, points=POINTS)
    _frontiers[key] = found
    for oldest in list(_frontiers)[:-REMEMBERED]:
        _frontiers.pop(oldest, None)
    return found
