"""A workspace in which every view has something to show, and one in which none has."""

from __future__ import annotations

import time
from dataclasses import dataclass

import httpx

from api.serving import sessions
from tests.page.kept import drawn_model
from tests.page.visiting import Reader, fields, reading
from tests.service.running import SHOP, Service, ended

FULL, EMPTY = "full", "empty"
HISTORY = SHOP.read_bytes()
#: Names that somebody gave, which are shown in every language as they are.
GIVEN = ["Shop, next quarter", "A tenth more", "Limits that fight", "Own curves"]


@dataclass(frozen=True)
class View:
    """One view: what it is called, whose workspace it is in, and where."""

    name: str
    workspace: str | None
    path: str
    status: int = 200


def views(service: Service) -> dict[str, View]:
    """Every view there is, by name; makes what they show."""
    with reading(service, FULL) as reader, reading(service, EMPTY) as beginner:
        beginner.get("/")
        paths = _bare(service) | _made(service, reader)
    found = [View(name, *where) for name, where in paths.items()]
    return {view.name: view for view in found}


#: The names of all views, which tests are parametrised by before any of them is there.
NAMES = (
    "sign in",
    "one-time link",
    "link used up",
    "beginning",
    "no data",
    "no curves",
    "no scenarios",
    "no jobs",
    "no plans",
    "nothing to compare",
    "not here",
    "overview",
    "data",
    "draft",
    "draft at fault",
    "history",
    "jobs",
    "fit done",
    "run done",
    "run failed",
    "curves",
    "fitted curves",
    "imported curves",
    "scenarios",
    "workbench",
    "workbench, own split",
    "workbench, limits that fight",
    "plans",
    "plan",
    "plan, every budget",
    "choose to compare",
    "comparison",
    "comparison of plans",
)


def _bare(service: Service) -> dict[str, tuple[str | None, str, int]]:
    """Views of strangers, and of a workspace that holds nothing."""
    service.key(workspace="home")
    return {
        "sign in": (None, "/sign-in", 200),
        "one-time link": (None, f"/enter?link={sessions.link(service.desk)}", 200),
        "link used up": (None, "/enter", 200),
        "beginning": (EMPTY, "/", 200),
        "no data": (EMPTY, "/histories", 200),
        "no curves": (EMPTY, "/models", 200),
        "no scenarios": (EMPTY, "/scenarios", 200),
        "no jobs": (EMPTY, "/jobs", 200),
        "no plans": (EMPTY, "/plans", 200),
        "nothing to compare": (EMPTY, "/compare", 200),
        "not here": (EMPTY, "/scenarios/scn_nothing", 404),
    }


def _made(service: Service, reader: Reader) -> dict[str, tuple[str, str, int]]:
    """Views of a workspace that holds everything."""
    scenario = _example(service, reader)
    more, fights, own = _scenarios(service, scenario)
    plans = [_kept(reader, one) for one in (scenario, more)]
    with service.client(workspace=FULL) as client:
        history = client.get("/v1/histories").json()["items"][0]["id"]
        models = [one["id"] for one in client.get("/v1/models").json()["items"]]
        jobs = {
            "fit done": client.get("/v1/jobs").json()["items"][-1]["id"],
            "run done": _run(client, scenario),
            "run failed": _run(client, fights),
        }
        for job in jobs.values():
            ended(client, job)
    wrong = HISTORY.replace(b"revenue", b"KPI_7", 1)
    where = {
        "overview": "/",
        "data": "/histories",
        "draft": _draft(reader, HISTORY),
        "draft at fault": _draft(reader, wrong),
        "history": f"/histories/{history}",
        "jobs": "/jobs",
        **{name: f"/jobs/{job}" for name, job in jobs.items()},
        "curves": "/models",
        "imported curves": f"/models/{models[0]}",
        "fitted curves": f"/models/{models[-1]}",
        "scenarios": "/scenarios",
        "workbench": f"/scenarios/{scenario}",
        "workbench, own split": f"/scenarios/{own}",
        "workbench, limits that fight": f"/scenarios/{fights}",
        "plans": "/plans",
        "plan": plans[0],
        "plan, every budget": f"{plans[0]}/frontier",
        "choose to compare": "/compare",
        "comparison": f"/compare?scenario={scenario}&scenario={more}",
        "comparison of plans": "/compare?" + "&".join(f"plan={one[7:]}" for one in plans),
    }
    return {name: (FULL, path, 200) for name, path in where.items()}


def _example(service: Service, reader: Reader) -> str:
    """The shipped example's scenario, fitted and all."""
    reader.follow("/example")
    last = time.monotonic() + 60
    with service.client(workspace=FULL) as client:
        while not (found := client.get("/v1/scenarios").json()["items"]):
            assert time.monotonic() < last, "the example's curves did not come"
            reader.follow("/example")
    return str(found[0]["id"])


def _run(client: httpx.Client, scenario: str) -> str:
    """The job of a scenario's run."""
    later = {"Prefer": "respond-async"}
    answer = client.post(f"/v1/scenarios/{scenario}/runs", json={}, headers=later)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def _scenarios(service: Service, scenario: str) -> tuple[str, str, str]:
    """A scenario with more money, one whose limits fight, one of imported curves."""
    with service.client(workspace=FULL) as client:
        kept = client.get(f"/v1/scenarios/{scenario}").json()
        asked = kept["scenario"]
        fights = {"channels": {"search": {"min": 0.9 * asked["budget"]}}}
        changed = [
            {**asked, "name": "A tenth more", "budget": 1.1 * asked["budget"]},
            {**asked, "name": "Limits that fight", **fights},
        ]
        made = [
            client.post("/v1/scenarios", json={"scenario": one, "model": kept["model"]}).json()
            for one in changed
        ]
        body = {"model": drawn_model(), "name": "Own curves"}
        model = client.post("/v1/models/import", json=body).json()["id"]
        own = {"name": "Own curves", "periods": 8, "budget": 80_000, "start": "2026-01-05"}
        made.append(client.post("/v1/scenarios", json={"scenario": own, "model": model}).json())
    return made[0]["id"], made[1]["id"], made[2]["id"]


def _kept(reader: Reader, scenario: str) -> str:
    """The address of a scenario's answer kept as a plan."""
    path = f"/scenarios/{scenario}"
    answer = reader.post(f"{path}/keep", fields(reader.get(path), path))
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def _draft(reader: Reader, content: bytes) -> str:
    """The address of an upload that is not kept yet."""
    answer = reader.post("/histories", {"name": "Export"}, files={"file": ("shop.csv", content)})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])
