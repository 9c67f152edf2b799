"""Scenarios planned now and kept plans, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection

from api.problems import RequestError, problem_of
from api.serving import rows
from api.serving.desk import Desk
from api.store.keys import Caller
from api.store.pages import MOST_ROWS, row_of
from api.store.tables import models, plans, scenarios

if TYPE_CHECKING:
    from optimizer import Comparison, Plan, Scenario

FEWEST, MOST = 2, 4

Kind = Literal["scenario", "plan"]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the things compared: its plan, and what that was made from."""

    kind: Kind
    identity: str
    label: str
    plan: Plan
    question: Scenario
    model: str | None  # the model's file; None where it is no longer kept


@dataclass(frozen=True, slots=True)
class Refused:
    """One that could not be planned, and why."""

    kind: Kind
    identity: str
    label: str
    problem: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A row to be planned, or read."""

    kind: Kind
    identity: str
    row: Any
    model: Any


def choices(desk: Desk, caller: Caller) -> dict[str, list[dict[str, Any]]]:
    """The newest scenarios and kept plans there are to choose from."""
    found = {}
    with desk.database.read() as connection:
        for table, hidden in ((scenarios, ("document",)), (plans, ("document", "question"))):
            page = rows.listed(
                connection, table, caller.workspace, limit=MOST_ROWS, cursor=None, leave_out=hidden
            )
            found[table.name] = page["items"]
    return found


def sides(
    desk: Desk, caller: Caller, scenario_ids: Sequence[str], plan_ids: Sequence[str]
) -> tuple[list[Side], list[Refused]]:
    """What was chosen, each with a label of its own; and what of it cannot be had."""
    from optimizer import OptimizerError

    chosen: list[Side] = []
    refused: list[Refused] = []
    named: list[tuple[Kind, str]] = [("scenario", one) for one in dict.fromkeys(scenario_ids)]
    named += [("plan", one) for one in dict.fromkeys(plan_ids)]
    for kind, identity in named:
        label = identity[:60]
        try:
            with desk.database.read() as connection:
                asked = _asked(connection, caller, kind, identity)
            label = asked.row["name"]
            chosen.append(_side(desk, asked))
        except (OptimizerError, RequestError) as error:
            refused.append(Refused(kind, identity, label, problem_of(error)))
    return _apart(chosen), refused


def compared(desk: Desk, chosen: Sequence[Side]) -> Comparison:
    """The plans side by side, draw by draw where they share a model.

    Raises
    ------
    DocumentError
        Their currencies or kinds of period differ.
    """
    import optimizer

    blobs = {side.model for side in chosen}
    shared = blobs.pop() if len(blobs) == 1 else None
    return optimizer.compare(
        [side.plan for side in chosen],
        None if shared is None else desk.model(shared),
        scenarios=[side.question for side in chosen],
        labels=[side.label for side in chosen],
    )


def workbook(chosen: Sequence[Side]) -> bytes:
    """The plans in one Excel workbook, a sheet each under its label."""
    from optimizer import plans_workbook

    return plans_workbook(
        [side.plan.model_copy(update={"name": side.label, "start": None}) for side in chosen]
    )


def _asked(connection: Connection, caller: Caller, kind: Kind, identity: str) -> _Asked:
    """A scenario with its model, or a kept plan with the one it was made from."""
    workspace = caller.workspace
    if kind == "plan":
        row = rows.found(connection, plans, workspace, identity)
        return _Asked(
            kind, identity, row, row_of(connection, models, workspace, row["model"] or "")
        )
    row = rows.found(connection, scenarios, workspace, identity)
    return _Asked(
        kind, identity, row, rows.model_row(connection, workspace, row["model"] or "current")
    )


def _side(desk: Desk, asked: _Asked) -> Side:
    """Plan a scenario now, or read a kept plan."""
    import optimizer
    from optimizer import Plan, Scenario

    row, blob = asked.row, None if asked.model is None else str(asked.model["blob"])
    if asked.kind == "plan":
        question, plan = Scenario.from_dict(row["question"]), Plan.from_dict(row["document"])
    else:
        question = Scenario.from_dict(row["document"])
        plan = optimizer.plan(desk.model(str(blob)), question)
    return Side(asked.kind, asked.identity, row["name"], plan, question, blob)


def _apart(chosen: Sequence[Side]) -> list[Side]:
    """The same, labels that are alike told apart by a number."""
    taken: set[str] = set()
    found = []
    for side in chosen:
        names = [side.label, *(f"{side.label} ({n})" for n in range(2, MOST + len(chosen) + 1))]
        label = next(name for name in names if name not in taken)
        taken.add(label)
        found.append(replace(side, label=label))
    return found
