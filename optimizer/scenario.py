"""The Scenario document: a budget question, with every key planners have.

What one entry says against itself is found here; what it says against the model, or against
other entries, when a plan is asked for. Nothing is ever ignored in silence.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from optimizer.customers.document import Customers
from optimizer.documents import Document, Money, Number, Whole, WholeDocument, canonical_hash, parse
from optimizer.rules import (
    ChannelRules,
    Group,
    MarketRules,
    Multiples,
    Positive,
    Resource,
    Share,
    Targets,
)
from optimizer.sources import FitOptions, HistorySource


class BudgetRange(Document):
    """A total that may lie anywhere between two sums."""

    min: Money = Field(description="least total, currency, for the whole plan")
    max: Money = Field(description="largest total, currency, for the whole plan")


class Schedule(Document):
    """How a plan's money is spread over its periods."""

    pattern: Literal["even", "history", "optimised"] = Field(
        default="even",
        description="even: the same every period; history: shaped like the same periods of last "
        "year; optimised: whatever earns most",
    )
    cap: dict[str, Money] | None = Field(
        default=None, description="channel -> largest spend, currency per period"
    )
    floor: dict[str, Money] | None = Field(
        default=None, description="channel -> least spend, currency per period"
    )
    blackout: dict[str, list[dt.date]] | None = Field(
        default=None, description="channel -> dates without spend"
    )
    smooth: Annotated[Number, Field(ge=0)] | None = Field(
        default=None, description="largest change between periods, a fraction"
    )


class Risk(Document):
    """Tail risk in place of caution."""

    measure: Literal["cvar"] = Field(description="cvar: the mean of the worst outcomes")
    tail: Annotated[Number, Field(gt=0, lt=1)] = Field(
        default=0.1, description="which outcomes are the worst, a share"
    )
    weight: Share = Field(
        default=1.0,
        description="weight of the worst outcomes against the mean, 0 to 1",
    )


class Scenario(WholeDocument):
    """A budget question. All money is for the whole plan."""

    named: ClassVar[str] = "scenario"

    scenario: Literal[1] = Field(default=1, description="version of this format")
    name: str = Field(default="", description="name of the plan, for people")
    history: HistorySource | None = Field(
        default=None, description="the past to fit curves to; or state model"
    )
    model: str | None = Field(
        default=None,
        description=(
            "file of a Model document, its path from the scenario's folder; or state history"
        ),
    )
    fit: FitOptions | None = Field(
        default=None,
        description="what is believed, and taken for granted, before the history is read",
    )
    currency: str | None = Field(
        default=None, description="of all money here and in the history, such as EUR"
    )
    margin: Positive | dict[str, Positive] = Field(
        default=1.0,
        description=(
            "share of revenue left after costs, such as 0.4, or channel -> share; it "
            "multiplies revenue in profit and ROMI, never in revenue"
        ),
    )
    periods: Annotated[Whole, Field(ge=1, le=10_000)] = Field(
        description="number of periods planned: days, weeks or months, as the history has them"
    )
    start: dt.date | None = Field(
        default=None, description="first period planned, a date; absent: right after the history"
    )
    budget: Money | BudgetRange | Literal["free"] | None = Field(
        default=None,
        description=(
            "currency, for the whole plan, or {min, max}, or free: whatever the objective and the "
            "targets are worth; absent: the current total, and free for least_spend"
        ),
    )
    objective: Literal["revenue", "profit", "romi", "customer_value", "least_spend"] = Field(
        default="revenue",
        description=(
            "what the plan earns most of: revenue, profit (margin x revenue - spend), romi "
            "(profit / spend; needs a least total) or customer_value (what new customers are "
            "worth, by values or customers); or least_spend for a revenue or profit target"
        ),
    )
    caution: Annotated[Number, Field(ge=0, le=1)] = Field(
        default=0.5,
        description=(
            "0 to 1: a split is judged by the mean gain over the current split, less this "
            "times its standard deviation; 0 judges by the mean alone"
        ),
    )
    current: dict[str, Money | dict[str, Money]] | None = Field(
        default=None,
        description=(
            "the split to compare with, currency, for the whole plan: channel -> money, or "
            "channel -> market -> money; absent: the last year's"
        ),
    )
    bounds: Multiples = Field(
        default=(0.5, 2.0),
        description=(
            "least and largest factor of each channel's current spend scaled to this budget"
        ),
    )
    channels: dict[str, ChannelRules] = Field(
        default_factory=dict, description="channel -> its own rules, which replace the bounds"
    )
    markets: dict[str, MarketRules] | None = Field(default=None, description="market -> its rules")
    groups: dict[str, Group] | None = Field(
        default=None,
        description="name -> channels and markets with rules in common",
    )
    targets: Targets | None = Field(default=None, description="what the plan must reach")
    max_moved: Share | None = Field(
        default=None,
        description=("largest share of the budget that may move between channels, 0 to 1"),
    )
    cost_index: dict[str, Positive] | None = Field(
        default=None,
        description=("channel -> price of the same delivery against the history's, a factor"),
    )
    resources: dict[str, Resource] | None = Field(
        default=None, description="resource -> how spend uses it up, and its limit"
    )
    schedule: Schedule = Field(
        default=Schedule(),
        description="how money is spread over the periods",
    )
    risk: Risk | None = Field(default=None, description="tail risk in place of caution")
    values: dict[str, Money] | None = Field(
        default=None,
        description=(
            "channel -> value of a new customer, currency; read by the objective "
            "customer_value only"
        ),
    )
    customers: str | Customers | None = Field(
        default=None,
        description=(
            "in place of values, with their doubt: a customers document, or its file, the path "
            "from the scenario's folder; read by the objective customer_value only"
        ),
    )
    lot: Annotated[Number, Field(gt=0, le=1e9)] = Field(
        default=0.01,
        description="smallest unit of money, currency: every spend is a multiple of it",
    )
    seed: Annotated[Whole, Field(ge=0)] = Field(
        default=1, description="of the random draws, a whole number"
    )

    @classmethod
    def from_dict(cls, content: Any) -> Scenario:
        """A scenario from plain data; every fault at once as a DocumentError."""
        return parse(cls, content, "scenario")

    def to_dict(self) -> dict[str, Any]:
        """Plain data with only the keys that were stated."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    def facts(self) -> dict[str, Any]:
        """As :meth:`to_dict`, for people: a customers document by its hash alone."""
        content = self.to_dict()
        if isinstance(self.customers, Customers):
            content["customers"] = self.customers.content_hash
        return content

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
        if self.values is not None and self.customers is not None:
            raise ValueError("states both values and customers; keep one")
        if isinstance(self.budget, BudgetRange) and self.budget.min > self.budget.max:
            raise ValueError("budget.min is above budget.max; swap the two")
        if self.budget == 0:
            raise ValueError("budget must be above 0")
        return self
