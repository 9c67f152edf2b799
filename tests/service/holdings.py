"""What a workspace holds in tests: one of each resource, and a request for every operation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from tests.service.running import MODEL, SCENARIO, SHOP, SPLIT, Service, ended

METHODS = ("get", "post", "put", "delete", "patch")
OPEN = {("GET", "/livez"), ("GET", "/readyz"), ("GET", "/metrics")}
QUESTIONS = {
    "/v1/histories/preview",
    "/v1/recommendations",
    "/v1/what-ifs",
    "/v1/frontiers",
    "/v1/plans:compare",
}
MARK = "kept at home"  # in the name of everything a workspace holds


@dataclass(frozen=True)
class Operation:
    """A method and a path of the API."""

    method: str
    path: str

    @property
    def scope(self) -> str:
        """The scope it must ask for, by what it does."""
        if self.path.startswith(("/v1/api-keys", "/v1/audit-events")):
            return "admin"
        return "read" if self.method == "GET" or self.path in QUESTIONS else "write"

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def operations(app: Any) -> list[Operation]:
    """Everything the application documents."""
    return [
        Operation(method.upper(), path)
        for path, item in app.openapi()["paths"].items()
        for method in item
        if method in METHODS
    ]


@dataclass(frozen=True)
class Holdings:
    """Ids of one of each."""

    history: str
    model: str
    scenario: str
    plan: str
    job: str
    key: str

    def request(self, operation: Operation) -> dict[str, Any]:
        """A right request for an operation on these, as httpx takes it."""
        path = operation.path.format(
            history_id=self.history,
            model_id=self.model,
            scenario_id=self.scenario,
            plan_id=self.plan,
            job_id=self.job,
            key_id=self.key,
            alias="spare",
        )
        return {"method": operation.method, "url": path, **self._content(operation)}

    def names(self, operation: Operation) -> bool:
        """Whether such a request names something of the workspace's."""
        request = self.request(operation)
        said = f"{request['url']} {request.get('json')}"
        return any(identity in said for identity in vars(self).values())

    def _content(self, operation: Operation) -> dict[str, Any]:
        scenario = {"model": self.model, "scenario": SCENARIO}
        bodies: dict[str, Any] = {
            "POST /v1/models": {"history": self.history, "draws": 5},
            "POST /v1/models/import": {"model": MODEL},
            "PUT /v1/models/aliases/{alias}": {"model": self.model},
            "POST /v1/scenarios": {"scenario": SCENARIO},
            "PUT /v1/scenarios/{scenario_id}": {"scenario": SCENARIO, "name": MARK},
            "POST /v1/scenarios/{scenario_id}/runs": {"model": self.model},
            "POST /v1/recommendations": scenario,
            "POST /v1/what-ifs": {**scenario, "split": SPLIT},
            "POST /v1/frontiers": {**scenario, "points": 3},
            "POST /v1/plans:compare": {"plans": [self.plan, self.plan]},
            "POST /v1/api-keys": {"name": "made", "scopes": ["read"]},
            "POST /v1/api-keys/{key_id}:rotate": {},
        }
        if operation.path in ("/v1/histories", "/v1/histories/preview"):
            files = {"file": ("shop.csv", SHOP.read_bytes())}
            return {"files": files} if operation.method == "POST" else {}
        headers = {"If-Match": "*"} if operation.method == "PUT" else {}
        body = bodies.get(str(operation))
        return {"headers": headers, **({"json": body} if body is not None else {})}


def hold(service: Service, workspace: str = "home") -> Holdings:
    """One of each, made over HTTP."""
    with service.client(workspace=workspace) as client:
        files = {"file": ("shop.csv", SHOP.read_bytes())}
        history = _made(client.post("/v1/histories", files=files, data={"name": MARK}))
        body = {"model": MODEL, "name": MARK, "make_current": True}
        model = _made(client.post("/v1/models/import", json=body))
        asked = {"scenario": {**SCENARIO, "name": MARK}, "name": MARK}
        scenario = _made(client.post("/v1/scenarios", json=asked))
        job = _made(client.post(f"/v1/scenarios/{scenario}/runs", json={}))
        plan = ended(client, job)["result"]["plans"][0]
        key = _made(client.post("/v1/api-keys", json={"name": MARK, "scopes": ["read"]}))
    return Holdings(history, model, scenario, plan, job, key)


def _made(answer: httpx.Response) -> str:
    assert answer.is_success, answer.text
    identity: str = answer.json()["id"]
    return identity
