"""Models: fitted by a job, or imported as they are; `current` is what a workspace means by it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select

from api.jobs.tasks import keep_model
from api.schemas import FitIn, ImportIn
from api.serving import jobs, rows
from api.serving.desk import Desk
from api.serving.once import Deed, store_once
from api.store.aliases import point
from api.store.clock import now
from api.store.idempotency import Kept
from api.store.ids import new_id
from api.store.keys import Caller
from api.store.tables import aliases, histories, models


def fit(desk: Desk, deed: Deed, wanted: FitIn) -> Kept:
    """Queue a fit."""
    from optimizer import Scenario

    stated = Scenario.from_dict({"periods": 1, "fit": wanted.fit}).fit  # faults at /fit/...
    options = stated.stated() if stated else {}

    def make(connection: Connection) -> tuple[str, Kept]:
        history = rows.found(connection, histories, deed.caller.workspace, wanted.history)
        payload = {
            "history": history["blob"],
            "history_id": history["id"],
            "name": wanted.name,
            "options": {**options, "seed": wanted.seed, "draws": wanted.draws},
            "lift_tests": wanted.lift_tests,
            "make_current": wanted.make_current,
        }
        kept = jobs.queued(connection, deed.caller, "fit", payload)
        return kept.body["job"], kept

    return store_once(desk, deed, make)


def bring_in(desk: Desk, deed: Deed, wanted: ImportIn) -> Kept:
    """Keep curves made elsewhere."""
    from optimizer import Model

    row = {"name": wanted.name, **keep_model(Model.from_dict(wanted.model), desk.blobs)}

    def make(connection: Connection) -> tuple[str, Kept]:
        identity, workspace = new_id("mdl"), deed.caller.workspace
        whole = {"id": identity, "workspace": workspace, "created_at": now(), **row}
        connection.execute(insert(models).values(**whole))
        if wanted.make_current:
            point(connection, workspace, "current", identity)
        headers = {"Location": f"/v1/models/{identity}"}
        return identity, Kept(201, headers, rows.shown({"history": None, **whole}))

    return store_once(desk, deed, make)


def repoint(desk: Desk, deed: Deed, alias: str, model: str) -> Kept:
    """Let an alias mean a model of its workspace."""

    def make(connection: Connection) -> tuple[str, Kept]:
        rows.found(connection, models, deed.caller.workspace, model)
        point(connection, deed.caller.workspace, alias, model)
        return model, Kept(200, {}, {"alias": alias, "model": model})

    return store_once(desk, deed, make)


def current(desk: Desk, caller: Caller) -> str | None:
    """The model that `current` means in this workspace; None where it means none."""
    own = (aliases.c.workspace == caller.workspace) & (aliases.c.name == "current")
    with desk.database.read() as connection:
        return connection.execute(select(aliases.c.model).where(own)).scalar_one_or_none()


def document(desk: Desk, caller: Caller, wanted: str) -> dict[str, Any]:
    """The whole document, draws and all."""
    found: dict[str, Any] = _model(desk, caller, wanted).to_dict()
    return found


def diagnostics(desk: Desk, caller: Caller, wanted: str) -> dict[str, Any]:
    """What the fit says about itself."""
    fitted = _model(desk, caller, wanted).fit
    return {"fit": None if fitted is None else fitted.model_dump(mode="json")}


def curves(desk: Desk, caller: Caller, wanted: str) -> dict[str, Any]:
    """Each cell's response per period with its 90 % band, from nothing to beyond its history."""
    import optimizer

    model = _model(desk, caller, wanted)
    spends = {}
    for cell in model.channels:
        usual = cell.history_spend_per_period or 1.0
        spends[cell.channel, cell.market] = (usual, cell.history_largest_spend or 2 * usual)
    drawn = optimizer.curve_points(model, spends, periods=1)
    return {
        "unit": f"{model.currency or 'money'} per {model.period}",
        "curves": [
            {
                "channel": curve.channel,
                "market": curve.market,
                "spend": curve.spend.tolist(),
                "mean": curve.mean.tolist(),
                "p05": None if curve.p05 is None else curve.p05.tolist(),
                "p95": None if curve.p95 is None else curve.p95.tolist(),
            }
            for curve in drawn
        ],
    }


def _model(desk: Desk, caller: Caller, wanted: str) -> Any:
    with desk.database.read() as connection:
        row = rows.model_row(connection, caller.workspace, wanted)
    return desk.model(row["blob"])
