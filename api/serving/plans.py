"""Kept plans, as JSON, as a table and as a workbook."""

from __future__ import annotations

from typing import Any

from api.output import csv_text, to_cents
from api.serving import rows
from api.serving.desk import Desk
from api.store.keys import Caller
from api.store.pages import row_of
from api.store.tables import models, plans


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
