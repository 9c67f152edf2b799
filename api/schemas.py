"""The bodies the service takes and gives that are not documents of the core's own."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator

from optimizer import Model, Scenario


def plain_name(name: str) -> str:
    """A name without blanks around it.

    Raises
    ------
    ValueError
        It holds nothing, or letters that cannot be shown, which PostgreSQL would not keep.
    """
    shown = name.strip()
    if not shown:
        raise ValueError("holds blanks only; write a name that can be read")
    if any(unicodedata.category(letter) == "Cc" for letter in shown):
        raise ValueError("holds a control character, such as NUL or a line break; take it out")
    return shown


Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(plain_name)]

#: Documents are checked by the core, which names every fault at once; here they only pass through.
ScenarioJson = Annotated[Any, PlainValidator(lambda given: given, json_schema_input_type=Scenario)]
ScenariosJson = Annotated[
    Any, PlainValidator(lambda given: given, json_schema_input_type=Scenario | list[Scenario])
]
ModelJson = Annotated[Any, PlainValidator(lambda given: given, json_schema_input_type=Model)]

ModelId = Annotated[
    str, Field(description="a model's id, or the workspace's alias `current`", max_length=80)
]
Split = dict[str, float | dict[str, float]]


class Body(BaseModel):
    """A body: no unknown keys, no NaN or infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _example(**body: Any) -> ConfigDict:
    """A body's own example, for readers of the OpenAPI document and for tests."""
    return ConfigDict(json_schema_extra={"examples": [body]})


_SCENARIO = {"periods": 13, "budget": 1_500_000, "channels": {"tv": {"max": 600_000}}}
_CURVE = {"family": "hill", "ceiling": 90_000, "half_saturation": 40_000, "slope": 1.2}
_MODEL = {
    "model": 1,
    "currency": "EUR",
    "channels": [
        {"channel": name, "history_spend_per_period": 30_000, "curve": _CURVE}
        for name in ("tv", "search")
    ],
}


class Problem(BaseModel):
    """RFC 9457: what went wrong, and what to do about it."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[dict[str, Any]] = []
    conflicts: list[str] = []
    relaxations: list[dict[str, Any]] = []
    request: str | None = None


class FitIn(Body):
    """A history to fit curves to."""

    model_config = _example(history="hst_01m85jv4c2q3n6v8x0z2b4d6f8", seed=1, make_current=True)

    history: str = Field(description="a history's id", max_length=80)
    name: Name = "Model"
    fit: dict[str, Any] = Field(
        default_factory=dict, description="as a scenario's `fit`: priors and the like"
    )
    lift_tests: list[dict[str, Any]] = Field(
        default_factory=list,
        max_length=1000,
        description="finished tests, a row each: channel, market, start, end, spend_control, "
        "spend_test, lift, standard_error",
    )
    seed: int = Field(default=1, ge=0, le=2**63 - 1)
    draws: int = Field(default=400, ge=0, le=4000)
    make_current: bool = Field(default=False, description="let the alias `current` mean it")


class ImportIn(Body):
    """Curves made elsewhere."""

    model_config = _example(model=_MODEL, name="Own curves", make_current=True)

    model: ModelJson
    name: Name = "Model"
    make_current: bool = False


class AliasIn(Body):
    """What an alias means."""

    model_config = _example(model="mdl_01m85jv4c2q3n6v8x0z2b4d6f8")

    model: str = Field(description="a model's id", max_length=80)


class ScenarioIn(Body):
    """A scenario to keep."""

    model_config = _example(scenario=_SCENARIO, name="Spring")

    scenario: ScenarioJson
    name: Name | None = Field(default=None, description="absent = the scenario's own")
    model: ModelId | None = Field(default=None, description="the model its runs use")


class RunIn(Body):
    """A run of a kept scenario."""

    model_config = _example(model="current")

    model: ModelId | None = Field(default=None, description="absent = the scenario's, or `current`")


class RecommendationIn(Body):
    """A question to answer now; nothing is kept."""

    model_config = _example(model="current", scenario=_SCENARIO)

    model: ModelId = "current"
    scenario: ScenariosJson


class WhatIfIn(Body):
    """A split to judge now; nothing is kept."""

    model_config = _example(
        model="current", scenario=_SCENARIO, split={"tv": 500_000, "search": 1_000_000}
    )

    model: ModelId = "current"
    scenario: ScenarioJson
    split: Split = Field(description="money for the whole plan, by channel (and market)")


class FrontierIn(Body):
    """Budgets to sweep; nothing is kept."""

    model_config = _example(model="current", scenario=_SCENARIO, points=20)

    model: ModelId = "current"
    scenario: ScenarioJson
    points: int = Field(default=50, ge=2, le=200)
    least: float | None = Field(default=None, ge=0.01, le=1e13, description="money, whole plan")
    most: float | None = Field(default=None, ge=0.01, le=1e13, description="money, whole plan")
    risk: bool = Field(default=False, description="mean against risk instead of budgets")


class CompareIn(Body):
    """Plans to lay side by side."""

    model_config = _example(
        plans=["pln_01m85jv4c2q3n6v8x0z2b4d6f8", "pln_01m85jv4c2q3n6v8x0z2b4d6f9"]
    )

    plans: list[str] = Field(min_length=2, max_length=4, description="plans' ids")


class KeyIn(Body):
    """A new API key."""

    model_config = _example(name="nightly planner", scopes=["read", "write"], days=90)

    name: Name
    scopes: list[Literal["read", "write", "admin"]] = Field(min_length=1, max_length=3)
    days: float | None = Field(default=None, gt=0, le=3650, description="until it expires")


class RotateIn(Body):
    """A key's successor; the old one lives on for a while."""

    model_config = _example(grace_hours=24)

    grace_hours: float = Field(default=24, ge=0, le=24 * 90)


class HistoryOut(BaseModel):
    """A kept history."""

    id: str
    name: str
    content_hash: str
    summary: dict[str, Any]
    findings: list[dict[str, Any]]
    created_at: str


class ModelOut(BaseModel):
    """A kept model."""

    id: str
    name: str
    content_hash: str
    history: str | None
    summary: dict[str, Any]
    created_at: str


class ScenarioOut(BaseModel):
    """A kept scenario and its version."""

    id: str
    name: str
    version: int
    scenario: dict[str, Any]
    model: str | None
    created_at: str
    updated_at: str


class PlanRow(BaseModel):
    """A kept plan, without its contents."""

    id: str
    name: str
    scenario: str | None
    model: str | None
    created_at: str


class JobOut(BaseModel):
    """A piece of work: how it stands, and what it made."""

    id: str
    kind: str
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    attempt: int
    cancel: bool
    result: dict[str, Any] | None
    problem: dict[str, Any] | None
    progress: float | None
    created_at: str
    started_at: str | None
    finished_at: str | None


class JobEvent(BaseModel):
    """One thing that happened to a job."""

    seq: int
    kind: str
    data: dict[str, Any]
    at: str


class KeyOut(BaseModel):
    """An API key; `key` itself is told once, when it is made."""

    id: str
    name: str
    scopes: list[str]
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None
    replaces: str | None
    key: str | None = None


class AuditEvent(BaseModel):
    """Who did what."""

    seq: int
    actor: str
    action: str
    resource: str | None
    detail: dict[str, Any]
    at: str
    hash: str


class Paged(BaseModel):
    """A page of a list: hand `next_cursor` back as `cursor` for the next one."""

    items: list[Any]
    next_cursor: str | None
