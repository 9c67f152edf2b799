"""Kept plans with what they were made from: to be read, reported and compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from api.serving import rows
from api.serving.desk import Desk
from api.store.keys import Caller
from api.store.pages import row_of
from api.store.tables import models, plans

if TYPE_CHECKING:
    from optimizer import Model, Plan, Scenario


@dataclass(frozen=True, slots=True)
class KeptPlan:
    """A plan, its question, and its model where that is still kept."""

    row: dict[str, Any]  # id, name, scenario, model and times as the service shows them
    plan: Plan
    question: Scenario
    model: Model | None


def opened(desk: Desk, caller: Caller, identity: str) -> KeptPlan:
    """A kept plan; 404 where the caller's workspace has none of this id."""
    from optimizer import Plan, Scenario

    with desk.database.read() as connection:
        row = rows.found(connection, plans, caller.workspace, identity)
        made_with = row_of(connection, models, caller.workspace, row["model"] or "")
    return KeptPlan(
        rows.shown(row, "document", "question"),
        Plan.from_dict(row["document"]),
        Scenario.from_dict(row["question"]),
        None if made_with is None else desk.model(made_with["blob"]),
    )
