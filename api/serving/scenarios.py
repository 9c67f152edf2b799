"""Scenarios: kept with a version that every change raises, run by jobs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, update

from api.problems import RequestError
from api.schemas import RunIn, ScenarioIn
from api.serving import jobs, rows
from api.serving.desk import Desk
from api.serving.names import checked_name
from api.serving.once import Deed, store_once
from api.store.clock import now
from api.store.idempotency import Kept
from api.store.ids import new_id
from api.store.keys import Caller
from api.store.tables import scenarios


def create(desk: Desk, deed: Deed, wanted: ScenarioIn) -> Kept:
    """Keep a scenario."""
    row = _row(wanted)

    def make(connection: Connection) -> tuple[str, Kept]:
        identity, at, workspace = new_id("scn"), now(), deed.caller.workspace
        whole = {"id": identity, "workspace": workspace, "version": 1, **row}
        whole |= {"created_at": at, "updated_at": at}
        connection.execute(insert(scenarios).values(**whole))
        headers = {"Location": f"/v1/scenarios/{identity}", "ETag": etag(1)}
        return identity, Kept(201, headers, out(whole))

    return store_once(desk, deed, make)


def change(desk: Desk, deed: Deed, identity: str, wanted: ScenarioIn, if_match: str | None) -> Kept:
    """Replace a scenario's contents, unless somebody else did meanwhile."""
    row = _row(wanted)
    if if_match is None:
        raise RequestError(
            428,
            "if_match_missing",
            "A change must say which version it is of. Send the ETag of the last GET as If-Match.",
        )

    def make(connection: Connection) -> tuple[str, Kept]:
        own = (scenarios.c.workspace == deed.caller.workspace) & (scenarios.c.id == identity)
        before = rows.found(connection, scenarios, deed.caller.workspace, identity)
        version = before["version"]
        values = {**row, "version": version + 1, "updated_at": now()}
        named = [tag.strip() for tag in if_match.split(",")]
        fits = "*" in named or etag(version) in named
        same = own & (scenarios.c.version == version)
        changed = fits and connection.execute(update(scenarios).where(same).values(values)).rowcount
        if not changed:
            raise RequestError(
                412,
                "changed_meanwhile",
                f"The scenario was changed meanwhile: it is at version {version}. Read it again, "
                "then send the change with its new ETag.",
                headers={"ETag": etag(version)},
            )
        return identity, Kept(200, {"ETag": etag(version + 1)}, out({**before, **values}))

    return store_once(desk, deed, make)


def read(desk: Desk, caller: Caller, identity: str) -> dict[str, Any]:
    """A scenario as it stands."""
    with desk.database.read() as connection:
        return out(rows.found(connection, scenarios, caller.workspace, identity))


def run(desk: Desk, deed: Deed, identity: str, wanted: RunIn) -> Kept:
    """Queue a run of a scenario as it stands now."""

    def make(connection: Connection) -> tuple[str, Kept]:
        workspace = deed.caller.workspace
        scenario = rows.found(connection, scenarios, workspace, identity)
        name = wanted.model or scenario["model"] or "current"
        model = rows.model_row(connection, workspace, name)
        payload = {
            "model": model["blob"],
            "model_id": model["id"],
            "scenario_id": identity,
            "scenarios": [scenario["document"]],
        }
        kept = jobs.queued(connection, deed.caller, "runs", payload)
        return kept.body["job"], kept

    return store_once(desk, deed, make)


def remove(desk: Desk, deed: Deed, identity: str) -> None:
    """Take a scenario away; its plans stay."""

    def make(connection: Connection) -> tuple[str, Kept]:
        rows.removed(connection, scenarios, deed.caller.workspace, identity)
        return identity, Kept(204, {}, None)

    store_once(desk, deed, make)


def etag(version: int) -> str:
    """A scenario's version as HTTP names it."""
    return f'"v{version}"'


def out(row: Any) -> dict[str, Any]:
    """A scenario as the service shows it."""
    return rows.shown(row, "document", scenario=row["document"])


def _row(wanted: ScenarioIn) -> dict[str, Any]:
    from optimizer import Scenario

    document = Scenario.from_dict(wanted.scenario).to_dict()
    name = wanted.name or checked_name(document.get("name") or "Scenario")
    return {"name": name, "document": document, "model": wanted.model}
