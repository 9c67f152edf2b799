"""What the core says in real runs: plans, what-ifs, frontiers, comparisons, faults, findings."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from api.jobs.bounds import check_file, check_history
from api.problems import problem_of
from api.services import Question, read_question
from optimizer import (
    Model,
    OptimizerError,
    Scenario,
    check,
    compare,
    frontier,
    parse_history,
    plan,
    risk_frontier,
    sensitivity,
)
from optimizer.allocation.conflicts import explain
from scenarios.make import FOLDER
from tests.allocation.test_conflicts import INFEASIBLE
from tests.service import bad_files, bad_scenarios
from tests.service.running import MODEL

EXAMPLES = sorted(path.parent.name for path in FOLDER.glob("*/scenario.yaml"))
SPOKEN = ("message", "statement", "detail", "why", "difference", "constraint", "conflicts")
LARGEST = 50_000  # bytes of an upload that a short test reads


def sentences_of(document: Any, key: str = "") -> Iterator[str]:
    """The sentences of a document, at any depth."""
    if isinstance(document, dict):
        for name, value in document.items():
            named = "conflicts" if key == "relaxations" and name == "name" else name
            yield from sentences_of(value, named if value != [] else "")
    elif isinstance(document, list):
        for value in document:
            yield from sentences_of(value, key)
    elif isinstance(document, str) and key in SPOKEN and document:
        yield document


def refusals(attempt: Any) -> Iterator[str]:
    """What a call is refused with, or nothing."""
    try:
        attempt()
    except OptimizerError as error:
        yield str(error)
        yield from sentences_of(problem_of(error))


@cache
def question(name: str) -> Question:
    """A shipped scenario with its curves."""
    return read_question(FOLDER / name / "scenario.yaml")


def plan_names() -> Iterator[str]:
    """What the shipped scenarios are called, which is English and stays."""
    yield from (question(name).scenario.name for name in EXAMPLES)


def of_examples() -> Iterator[str]:
    """Plans of the shipped scenarios, and what their fits say."""
    for name in EXAMPLES:
        asked = question(name)
        yield from sentences_of(asked.plan().to_dict())
        yield from sentences_of(asked.model.to_dict())


def of_questions() -> Iterator[str]:
    """What-ifs that break rules, frontiers, risk frontiers and sensitivities."""
    for name in ("shop", "spring", "own_curves"):
        asked = question(name)
        spent = {row.channel: 3 * row.spend for row in asked.plan().rows if not row.market}
        yield from sentences_of(asked.what_if(spent or {"tv": 9e5, "search": 1.0}).to_dict())
    for name in ("shop", "own_curves"):
        asked = question(name)
        found = frontier(asked.model, asked.scenario, points=5)
        yield from sentences_of(found.to_dict())
        yield from sentences_of(sensitivity(asked.model, asked.scenario).to_dict())
    shop = question("shop")
    yield from sentences_of(risk_frontier(shop.model, shop.scenario, points=3).to_dict())
    yield from refusals(lambda: risk_frontier(question("own_curves").model, shop.scenario))


def of_comparisons() -> Iterator[str]:
    """Plans side by side: other budgets, lengths, cautions, objectives, rules."""
    shop = question("shop")
    first = shop.plan()
    others = (
        {"budget": 1_200_000.0, "name": "less"},
        {"periods": 26, "budget": 3_000_000.0},
        {"objective": "revenue", "caution": 0.0, "margin": 0.4},
        {"channels": {"search": {"max": 400_000.0}, "display": {"locked": 150_000.0}}},
    )
    for change in others:
        changed = shop.scenario.model_copy(update=change)
        other = plan(shop.model, changed)
        for model in (shop.model, None):
            yield from sentences_of(compare([first, other], model).to_dict())
    given = shop.what_if({row.channel: row.current_spend for row in first.rows})
    yield from sentences_of(compare([given, first], shop.model).to_dict())


def of_histories() -> Iterator[str]:
    """Findings of the shipped histories."""
    from api.services import read_scenario_history

    for name in EXAMPLES:
        scenario = question(name).scenario
        if scenario.history is not None:
            history = read_scenario_history(scenario, FOLDER / name)
            yield from (finding.message for finding in check(history))


def of_uploads(*, every: bool = False) -> Iterator[str]:
    """What is said of the messy tables: one of each cause, or every one that is not huge."""
    for uploads in bad_files.causes().values():
        small = [files for files in uploads if sum(len(data) for _, data in files) < LARGEST]
        for files in small if every else small[:1]:
            yield from refusals(lambda files=files: _taken(files))


def _taken(files: list[tuple[str, bytes]]) -> None:
    for name, data in files:
        check_file(name, data)
    history = parse_history(files)
    check_history(history)


def of_scenarios(*, every: bool = False) -> Iterator[str]:
    """Faults of faulty scenarios and conflicts of contradictory ones."""
    model = Model.from_dict(MODEL)
    faulty = [*bad_scenarios.faulty(), *bad_scenarios.contradictory()]
    for document in faulty if every else faulty[::3]:
        yield from refusals(lambda document=document: plan(model, Scenario.from_dict(document)))


def of_conflicts() -> Iterator[str]:
    """Constraints that clash, and what would let them hold."""
    for problem in INFEASIBLE.values():
        error = explain(problem)
        yield str(error)
        yield from sentences_of(problem_of(error))
