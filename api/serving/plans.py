"""Kept plans, as JSON, as a table and as a workbook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert

from api.output import csv_text, to_cents
from api.serving import rows
from api.serving.desk import Desk
from api.serving.once import Deed, store_once
from api.store.clock import now
from api.store.idempotency import Kept
from api.store.ids import new_id
from api.store.keys import Caller
from api.store.pages import row_of
from api.store.tables import models, plans

if TYPE_CHECKING:
    from optimizer import Plan


@dataclass(frozen=True, slots=True)
class Made:
    """A plan with what it was made from."""

    plan: Plan
    question: dict[str, Any]  # the scenario's document
    scenario: str | None
    model: str


def keep(desk: Desk, deed: Deed, made: Made) -> str:
    """Keep a plan; its id."""
    row = {
        "scenario": made.scenario,
        "model": made.model,
        "name": made.plan.name or "Plan",
        "question": made.question,
        "document": made.plan.to_dict(),
    }

    def make(connection: Connection) -> tuple[str, Kept]:
        identity, workspace = new_id("pln"), deed.caller.workspace
        whole = {"id": identity, "workspace": workspace, "created_at": now(), **row}
        connection.execute(insert(plans).values(**whole))
        return identity, Kept(201, {}, {"id": identity})

    return str(store_once(desk, deed, make).body["id"])


def document(desk: Desk, caller: Caller, identity: str) -> dict[str, Any]:
    """The Plan document."""
    found: dict[str, Any] = _row(desk, caller, identity)["document"]
    return found


def table(desk: Desk, caller: Caller, identity: str) -> str:
    """The split as CSV."""
    return csv_text(to_cents(document(desk, caller, identity)["allocation"]))


def workbook(desk: Desk, caller: Caller, identity: str) -> bytes:
    """The plan as an Excel workbook, with its curves where its model is still kept."""
    from optimizer import Plan, Scenario, full_workbook

    row = _row(desk, caller, identity)
    model = None
    with desk.database.read() as connection:
        kept = row_of(connection, models, caller.workspace, row["model"] or "")
    if kept is not None:
        model = desk.model(kept["blob"])
    plan, scenario = Plan.from_dict(row["document"]), Scenario.from_dict(row["question"])
    return plan.workbook() if model is None else full_workbook(model, scenario, plan)


def _row(desk: Desk, caller: Caller, identity: str) -> Any:
    with desk.database.read() as connection:
        return rows.found(connection, plans, caller.workspace, identity)
