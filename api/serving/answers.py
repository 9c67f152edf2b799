"""Questions answered at once, nothing kept: recommendations, what-ifs, frontiers, comparisons."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from api.problems import RequestError
from api.schemas import CompareIn, FrontierIn, RecommendationIn, WhatIfIn
from api.serving import rows
from api.serving.desk import Desk
from api.serving.pointers import beneath
from api.store.keys import Caller
from api.store.tables import plans

if TYPE_CHECKING:
    from optimizer import Comparison, Frontier, Model, Plan, RiskFrontier, Scenario

MOST_SCENARIOS = 100


def recommend(desk: Desk, caller: Caller, wanted: RecommendationIn) -> Plan | list[Plan]:
    """The best split of a scenario, or of each of a list."""
    import optimizer

    model = _model(desk, caller, wanted.model)
    if not isinstance(wanted.scenario, list):
        scenario = _scenario(wanted.scenario, "/scenario")
        with beneath("/scenario", wanted.scenario):
            return optimizer.plan(model, scenario)
    if not 1 <= len(wanted.scenario) <= MOST_SCENARIOS:
        raise RequestError(
            422, "too_many", f"Send one to {MOST_SCENARIOS} scenarios at once, or store them."
        )
    asked = {f"/scenario/{i}": one for i, one in enumerate(wanted.scenario)}
    scenarios = {place: _scenario(one, place) for place, one in asked.items()}
    answers = []
    for place, scenario in scenarios.items():
        with _one_of_many(place), beneath(place, asked[place]):
            answers.append(optimizer.plan(model, scenario))
    return answers


@contextmanager
def _one_of_many(place: str) -> Iterator[None]:
    """Tell which scenario of a list has no answer."""
    from optimizer import ProblemError

    try:
        yield
    except ProblemError as error:
        error.add_note(f"This is about the scenario at {place}.")
        raise


def what_if(desk: Desk, caller: Caller, wanted: WhatIfIn) -> Plan:
    """What a stated split would bring."""
    from optimizer import what_if as judge

    model = _model(desk, caller, wanted.model)
    scenario = _scenario(wanted.scenario, "/scenario")
    with beneath("/split", wanted.split, of="split"), beneath("/scenario", wanted.scenario):
        return judge(model, scenario, wanted.split)


def frontier(desk: Desk, caller: Caller, wanted: FrontierIn) -> Frontier | RiskFrontier:
    """The best value of every budget, or of every weight of risk."""
    import optimizer

    model = _model(desk, caller, wanted.model)
    scenario = _scenario(wanted.scenario, "/scenario")
    with beneath("/scenario", wanted.scenario):
        if wanted.risk:
            return optimizer.risk_frontier(model, scenario, points=wanted.points)
        return optimizer.frontier(
            model, scenario, points=wanted.points, least=wanted.least, most=wanted.most
        )


def compare(desk: Desk, caller: Caller, wanted: CompareIn) -> Comparison:
    """Kept plans side by side."""
    import optimizer
    from optimizer import Plan, Scenario

    with desk.database.read() as connection:
        found = [rows.found(connection, plans, caller.workspace, one) for one in wanted.plans]
        models = {row["model"] for row in found}
        same = models.pop() if len(models) == 1 else None
        blob = rows.model_row(connection, caller.workspace, same)["blob"] if same else None
    questions = [Scenario.from_dict(row["question"]) for row in found]
    given = [Plan.from_dict(row["document"]) for row in found]
    return optimizer.compare(given, desk.model(blob) if blob else None, scenarios=questions)


def _model(desk: Desk, caller: Caller, wanted: str) -> Model:
    with desk.database.read() as connection:
        row = rows.model_row(connection, caller.workspace, wanted)
    return desk.model(row["blob"])


def _scenario(content: Any, place: str) -> Scenario:
    """A scenario, its faults told from the top of the body."""
    from optimizer import Scenario

    with beneath(place, content):
        return Scenario.from_dict(content)
