"""The Scenario document: a budget question, with every key planners have.

The schema accepts the whole vocabulary. A key whose mathematics is not built yet is accepted
here and refused when a plan is asked for, by name; nothing is ever ignored in silence.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from optimizer.documents import Document, Money, Number, Whole, WholeDocument, canonical_hash, parse
from optimizer.errors import Fault, NotBuiltError

ControlKind = Literal["promotion", "holiday", "demand", "other"]


def _rising(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[0] > pair[1]:
        raise ValueError(f"runs from {pair[0]:g} down to {pair[1]:g}; swap the two")
    return pair


Range = Annotated[tuple[Number, Number], AfterValidator(_rising)]
MoneyRange = Annotated[tuple[Money, Money], AfterValidator(_rising)]
Multiples = Annotated[
    tuple[Annotated[Number, Field(ge=0)], Annotated[Number, Field(ge=0)]], AfterValidator(_rising)
]
Centre = tuple[Number, Annotated[Number, Field(gt=0)]]
Positive = Annotated[Number, Field(gt=0)]
Share = Annotated[Number, Field(ge=0, le=1)]


class Columns(Document):
    """Which column plays which part; what is left out is detected."""

    date: str | None = None
    channel: str | None = None
    spend: str | None = None
    revenue: str | list[str] | None = Field(default=None, description="a list is a product")
    market: str | None = None
    population: str | None = None
    currency: str | None = None
    channels: dict[str, str] | None = Field(default=None, description="channel -> spend column")
    controls: dict[str, ControlKind] | list[str] | None = None


class HistorySource(Document):
    """Where the past stands and how it is laid out."""

    file: str | None = None
    files: list[str] | None = Field(default=None, min_length=1)
    layout: Literal["attributed", "aggregate"] | None = None
    columns: Columns | dict[str, Columns] | None = Field(
        default=None, description="by part, or by file where several files are joined"
    )
    lift_tests: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.file is None) == (self.files is None):
            raise ValueError("needs either file or files")
        return self


class FitOptions(Document):
    """What is believed before the history is read."""

    priors: dict[str, dict[str, Centre]] = Field(
        default_factory=dict,
        description="channel -> roas, half_saturation, slope: median, sd of the log",
    )
    incrementality: dict[str, Centre] | None = Field(
        default=None, description="channel -> mean and sd of the factor"
    )


class BudgetRange(Document):
    """A total that may lie anywhere between two sums."""

    min: Money
    max: Money


class ChannelRules(Document):
    """What one channel may get."""

    min: Money | None = None
    max: Money | None = None
    change: (
        Annotated[tuple[Annotated[Number, Field(ge=-1)], Number], AfterValidator(_rising)] | None
    ) = Field(default=None, description="smallest and largest relative change of the current spend")
    spent: Money | None = None
    min_if_active: Money | None = None
    locked: Money | None = None
    excluded: bool = False
    like: str | None = None
    scale: Positive | None = None

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(
                f"min {self.min:,.2f} is above max {self.max:,.2f}; swap or change one"
            )
        limits = [
            key
            for key in ("min", "max", "change", "min_if_active")
            if getattr(self, key) is not None
        ]
        fixed = [key for key in ("locked", "excluded") if getattr(self, key) not in (None, False)]
        if fixed and (limits or len(fixed) > 1):
            raise ValueError(f"{fixed[0]} says all there is; take out {[*fixed, *limits][1]}")
        return self


class MarketRules(Document):
    """What one market may get, and its channels within it."""

    min: Money | None = None
    max: Money | None = None
    channels: dict[str, ChannelRules] = Field(default_factory=dict)


class Ratio(Document):
    """One group's spend over another's."""

    to: str
    range: Multiples


class Group(Document):
    """A named set of channels and markets with rules of its own."""

    channels: list[str] | None = None
    markets: list[str] | None = None
    sum: MoneyRange | None = None
    share: Annotated[tuple[Share, Share], AfterValidator(_rising)] | None = None
    ratio: Ratio | None = None
    at_most: Annotated[Whole, Field(ge=0)] | None = None
    at_least: Annotated[Whole, Field(ge=0)] | None = None


class Targets(Document):
    """What the plan must reach; at least, cac at most."""

    romi: Number | None = None
    revenue: Money | None = None
    profit: Number | None = None
    marginal_romi: Number | None = None
    cac: Positive | None = None


class Resource(Document):
    """Something other than money that spend uses up."""

    per_unit: dict[str, Annotated[Number, Field(ge=0)]]
    max: Annotated[Number, Field(ge=0)]


class Schedule(Document):
    """How a plan's money is spread over its periods."""

    pattern: Literal["even", "history", "optimised"] = "even"
    cap: dict[str, Money] | None = None
    floor: dict[str, Money] | None = None
    blackout: dict[str, list[dt.date]] | None = None
    smooth: Annotated[Number, Field(ge=0)] | None = None


class Risk(Document):
    """Tail risk in place of caution."""

    measure: Literal["cvar"]
    tail: Annotated[Number, Field(gt=0, lt=1)] = 0.1
    weight: Share = 1.0


class Scenario(WholeDocument):
    """A budget question. All money is for the whole plan."""

    named: ClassVar[str] = "scenario"

    scenario: Literal[1] = 1
    name: str = ""
    history: HistorySource | None = None
    model: str | None = Field(default=None, description="file of a Model document")
    fit: FitOptions | None = None
    currency: str | None = None
    margin: Positive | dict[str, Positive] = Field(
        default=1.0, description="multiplies revenue in profit and ROMI, never in revenue"
    )
    periods: Annotated[Whole, Field(ge=1, le=10_000)] = Field(
        description="number of periods planned, of the history's own spacing"
    )
    start: dt.date | None = Field(default=None, description="first period planned")
    budget: Money | BudgetRange | Literal["free"] | None = None
    objective: Literal["revenue", "profit", "romi", "customer_value", "least_spend"] = "revenue"
    caution: Annotated[Number, Field(ge=0, le=1)] = 0.5
    current: dict[str, Money | dict[str, Money]] | None = None
    bounds: Multiples = Field(default=(0.5, 2.0), description="times each channel's current spend")
    channels: dict[str, ChannelRules] = Field(default_factory=dict)
    markets: dict[str, MarketRules] | None = None
    groups: dict[str, Group] | None = None
    targets: Targets | None = None
    max_moved: Share | None = None
    cost_index: dict[str, Positive] | None = None
    resources: dict[str, Resource] | None = None
    schedule: Schedule = Schedule()
    risk: Risk | None = None
    values: dict[str, Money] | None = None
    lot: Annotated[Number, Field(gt=0, le=1e9)] = 0.01
    seed: Annotated[Whole, Field(ge=0)] = 1

    @classmethod
    def from_dict(cls, content: Any) -> Scenario:
        """A scenario from plain data; every fault at once as a DocumentError."""
        return parse(cls, content, "scenario")

    def to_dict(self) -> dict[str, Any]:
        """Plain data with only the keys that were stated."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    @property
    def content_hash(self) -> str:
        """``sha256:`` of the document."""
        return canonical_hash(self)

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.risk is not None and "caution" in self.model_fields_set:
            raise ValueError("states both caution and risk; keep one")
        if self.history is not None and self.model is not None:
            raise ValueError("states both history and model; keep one")
        if isinstance(self.budget, BudgetRange) and self.budget.min > self.budget.max:
            raise ValueError("budget.min is above budget.max; swap the two")
        if self.budget == 0:
            raise ValueError("budget must be above 0")
        return self


INSTEAD = {
    "/objective": "use revenue or profit",
    "/budget": "state one sum, or leave it out to plan the current total",
    "/lot": "leave it out to plan in cents",
    "/schedule/pattern": "use even",
}


def refuse_unbuilt(scenario: Scenario) -> None:
    """Raise, by name, on every stated key whose mathematics is not built yet.

    Raises
    ------
    NotBuiltError
    """
    faults = tuple(
        Fault(pointer, f"{what} is not built yet; {INSTEAD.get(pointer, 'take the key out')}")
        for pointer, what in _unbuilt(scenario)
    )
    if faults:
        raise NotBuiltError("scenario", faults)


def _unbuilt(scenario: Scenario) -> Iterator[tuple[str, str]]:
    if isinstance(scenario.budget, BudgetRange) or scenario.budget == "free":
        yield "/budget", "a budget that is not one fixed sum"
    if scenario.objective not in ("revenue", "profit"):
        yield "/objective", f"the objective {scenario.objective}"
    for key in ("markets", "groups", "targets", "max_moved", "cost_index", "resources", "risk"):
        if getattr(scenario, key) is not None:
            yield f"/{key}", f"the key {key}"
    if scenario.lot != 0.01:
        yield "/lot", "a lot other than 0.01"
    yield from _unbuilt_schedule(scenario.schedule)
    if scenario.fit is not None and scenario.fit.incrementality is not None:
        yield "/fit/incrementality", "the incrementality factor"
    if scenario.history is not None and scenario.history.lift_tests is not None:
        yield "/history/lift_tests", "reading lift tests"
    for channel, rules in scenario.channels.items():
        stated = (
            k for k in ("spent", "min_if_active", "like", "scale") if getattr(rules, k) is not None
        )
        yield from ((f"/channels/{channel}/{key}", f"the rule {key}") for key in stated)


def _unbuilt_schedule(schedule: Schedule) -> Iterator[tuple[str, str]]:
    if schedule.pattern != "even":
        yield "/schedule/pattern", f"the schedule pattern {schedule.pattern}"
    for key in ("cap", "floor", "blackout", "smooth"):
        if getattr(schedule, key) is not None:
            yield f"/schedule/{key}", f"the schedule rule {key}"
