"""The shipped example in a workspace: its history, its curves, its question."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import api
from api.schemas import FitIn, ScenarioIn
from api.serving import histories, jobs, models, scenarios
from api.serving.desk import Desk
from api.serving.once import Deed
from api.store.keys import Caller

FOLDER = Path(api.__file__).parent / "example"
FIT_SECONDS = 20.0  # to wait for its curves before the job is shown instead


def begin(desk: Desk, caller: Caller) -> tuple[str, str | None]:
    """Keep the example and have it fitted.

    Returns
    -------
    job, scenario : str, str or None
        The fit's job, and the scenario; None where the curves are not there yet.
    """
    question = _question()
    source = FOLDER / question["history"]["file"]
    options = {"layout": None, "columns": None, "currency": question["currency"]}
    with source.open("rb") as file, histories.laid_down(desk, [(source.name, file)]) as laid:
        deed = Deed(caller, "history.upload")
        kept = histories.upload(desk, deed, laid, question["name"], options)
    wanted = FitIn(history=kept.body["id"], name=question["name"], make_current=True)
    job = models.fit(desk, Deed(caller, "model.fit"), wanted).body["job"]
    ended = jobs.ended_within(desk, caller, job, FIT_SECONDS)
    if ended["status"] != "succeeded":
        return job, None
    document = {key: value for key, value in question.items() if key != "history"}
    asked = ScenarioIn(scenario=document, model=ended["result"]["model"])
    return job, scenarios.create(desk, Deed(caller, "scenario.create"), asked).body["id"]


def _question() -> dict[str, Any]:
    from optimizer import read_document

    found: dict[str, Any] = read_document(FOLDER / "scenario.yaml")
    return found
