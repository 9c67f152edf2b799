"""risk_frontier(): one budget split with more and more regard for risk.

Caution, or the weight of the worst outcomes where the scenario states tail risk, runs from 0 to
1. Each point is the plan under it; its uplift over the current split is then described by mean,
standard deviation and the mean of the worst outcomes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from optimizer.allocation import Allocation
from optimizer.allocation.measures import TailRisk
from optimizer.cells import Question, ask
from optimizer.errors import DocumentError, Fault
from optimizer.frontier import cells_of, solved
from optimizer.frontier_document import RiskFrontier, RiskPoint
from optimizer.model import Model
from optimizer.scenario import Scenario

POINTS = 11
WORST = 0.1  # share of the draws that cvar averages where the scenario states none
AVERSE = ("caution", "weight")


def risk_frontier(model: Model, scenario: Scenario, *, points: int = POINTS) -> RiskFrontier:
    """Mean uplift against its risk, over plans that regard risk more and more.

    Parameters
    ----------
    model : Model
        With draws.
    scenario : Scenario
        Its caution, or the weight of its risk, is replaced by 0 to 1 in even steps.
    points : int

    Returns
    -------
    RiskFrontier

    Raises
    ------
    DocumentError
        If the model has no draws, or the scenario has faults.
    InfeasibleError
        If the scenario has no plan.
    """
    if model.n_draws == 1:
        text = "has no draws, so no split is riskier than another; fit one, or state draws"
        raise DocumentError("model", (Fault("", text),))
    if not 2 <= points <= 101:
        raise DocumentError("frontier", (Fault("/points", f"must be 2 to 101 (it is {points})"),))
    tail = scenario.risk.tail if scenario.risk else WORST
    question = ask(model, scenario)
    steps = np.round(np.linspace(0.0, 1.0, points), 6).tolist()
    found = tuple(_points(question, steps, tail))
    return RiskFrontier(
        name=scenario.name,
        currency=scenario.currency or model.currency,
        objective=scenario.objective,
        budget=question.budget if question.is_fixed else None,
        varied=AVERSE[scenario.risk is not None],
        tail=tail,
        cells=cells_of(question),
        points=found,
        statement=_statement(found, scenario.currency or model.currency),
    )


def _averse(scenario: Scenario, step: float) -> Scenario:
    """The scenario with another regard for risk."""
    if scenario.risk is None:
        return scenario.model_copy(update={"caution": step})
    return scenario.model_copy(update={"risk": scenario.risk.model_dump() | {"weight": step}})


def _points(question: Question, steps: Sequence[float], tail: float) -> Iterator[RiskPoint]:
    """The plan under each regard for risk, each search starting from the answer before it."""
    last: Allocation | None = None
    for step in steps:
        averse = replace(question, scenario=_averse(question.scenario, step))
        answer = solved(averse, last)
        last, gain = answer.found, answer.outcome.gain
        yield RiskPoint(
            aversion=step,
            uplift=answer.outcome.totals().uplift,
            sd=float(gain.std()),
            cvar=TailRisk(tail, 1.0).value(gain),
            gap=answer.gap,
            spend=tuple(answer.spend.tolist()),
        )


def _statement(points: Sequence[RiskPoint], currency: str | None) -> str:
    """What regard for risk costs, and what it buys."""
    bold, careful = points[0], points[-1]
    unit = f"{currency} " if currency else ""
    cost = max((bold.uplift.mean or 0.0) - (careful.uplift.mean or 0.0), 0.0)
    if bold.sd <= 0.0 or cost <= 0.0:
        return "Regard for risk changes nothing here."
    return (
        f"Full regard for risk gives up {unit}{cost:,.0f} of the mean uplift of "
        f"{unit}{bold.uplift.mean:,.0f}; its standard deviation falls from {unit}{bold.sd:,.0f} to "
        f"{unit}{careful.sd:,.0f}."
    )
