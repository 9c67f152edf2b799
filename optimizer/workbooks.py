"""Plans as workbooks with all there is to show: one with its frontier sought for it, or several."""

from __future__ import annotations

from collections.abc import Sequence

from optimizer.errors import DocumentError, InfeasibleError
from optimizer.frontier import frontier
from optimizer.frontier_document import Frontier
from optimizer.model import Model
from optimizer.plan_document import Plan
from optimizer.scenario import Scenario
from optimizer.workbook import workbook_of_several

POINTS = 15  # budgets of the frontier: enough for a chart, a third of the time of a whole one


def full_workbook(model: Model, scenario: Scenario, plan: Plan) -> bytes:
    """A plan as an Excel workbook (.xlsx): split, curves, schedule, frontier, terms and proof.

    Parameters
    ----------
    model : Model
        The one the plan was made from.
    scenario : Scenario
        The one the plan was made from.
    plan : Plan

    See Also
    --------
    Plan.workbook : the same from what is at hand, without solving anything.
    """
    found = _frontier(model, scenario)
    return plan.workbook(model, scenario, found.to_dict() if found else None)


def _frontier(model: Model, scenario: Scenario) -> Frontier | None:
    """What other budgets would bring; None where the scenario has no other budget."""
    try:
        return frontier(model, scenario, points=POINTS)
    except (DocumentError, InfeasibleError):  # the plan stands: only its frontier is refused
        return None


def plans_workbook(plans: Sequence[Plan]) -> bytes:
    """Several plans, such as a year's quarters, in one Excel workbook (.xlsx).

    Parameters
    ----------
    plans : sequence of Plan
        In one currency, in the order they are to stand in.

    Raises
    ------
    ProblemError
        If there is none, or their currencies differ.
    """
    return workbook_of_several([plan.to_dict() for plan in plans])
