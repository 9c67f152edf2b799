"""The Scenario document: a budget question, with every key planners have.

The schema accepts the whole vocabulary. A key whose mathematics is not built yet is accepted
here and refused when a plan is asked for, by name; nothing is ever ignored in silence.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from optimizer.documents import Document, Money, Number, Whole, WholeDocument, canonical_hash, parse

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

    date: str | None = Field(default=None, description="column of the dates: days, weeks or months")
    channel: str | None = Field(
        default=None, description="column of the channels' names, in the layout attributed"
    )
    spend: str | None = Field(
        default=None,
        description="column of the spend, in the layout attributed; currency per period",
    )
    revenue: str | list[str] | None = Field(
        default=None,
        description=(
            "column of the revenue, currency per period; a list of columns is their product"
        ),
    )
    market: str | None = Field(default=None, description="column of the markets' names")
    population: str | None = Field(
        default=None, description="column of the markets' populations, people"
    )
    currency: str | None = Field(
        default=None, description="column of the currency, one code for all rows"
    )
    channels: dict[str, str] | None = Field(
        default=None,
        description="channel -> its spend column, in the layout aggregate; currency per period",
    )
    controls: dict[str, ControlKind] | list[str] | None = Field(
        default=None,
        description=(
            "columns that explain revenue but are not bought, in their own units -> their kind"
        ),
    )


class HistorySource(Document):
    """Where the past stands and how it is laid out."""

    file: str | None = Field(
        default=None, description="CSV, XLSX or Parquet, its path from the scenario's folder"
    )
    files: list[str] | None = Field(
        default=None, min_length=1, description="several files, joined on date, channel and market"
    )
    layout: Literal["attributed", "aggregate"] | None = Field(
        default=None,
        description="attributed: a row for each date and channel; aggregate: a row for each date",
    )
    columns: Columns | dict[str, Columns] | None = Field(
        default=None,
        description=(
            "which column plays which part; or file -> that, where several files are joined"
        ),
    )
    lift_tests: str | None = Field(default=None, description="file of lift tests (not built yet)")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.file is None) == (self.files is None):
            raise ValueError("needs either file or files")
        return self


class FitOptions(Document):
    """What is believed before the history is read."""

    priors: dict[str, dict[str, Centre]] = Field(
        default_factory=dict,
        description="channel -> roas, half_saturation or slope -> [median, sd of the log]",
    )
    incrementality: dict[str, Centre] | None = Field(
        default=None,
        description=(
            "channel -> [mean, sd] of the share of its revenue that is incremental (not built yet)"
        ),
    )


class BudgetRange(Document):
    """A total that may lie anywhere between two sums."""

    min: Money = Field(description="least total, currency, for the whole plan (not built yet)")
    max: Money = Field(description="largest total, currency, for the whole plan (not built yet)")


class ChannelRules(Document):
    """What one channel may get."""

    min: Money | None = Field(default=None, description="least spend, currency, for the whole plan")
    max: Money | None = Field(
        default=None, description="largest spend, currency, for the whole plan"
    )
    change: (
        Annotated[tuple[Annotated[Number, Field(ge=-1)], Number], AfterValidator(_rising)] | None
    ) = Field(
        default=None,
        description=(
            "smallest and largest change, as fractions of the current spend scaled to this budget"
        ),
    )
    spent: Money | None = Field(
        default=None,
        description=(
            "already gone, currency; counts against the budget and as a minimum (not built yet)"
        ),
    )
    min_if_active: Money | None = Field(
        default=None,
        description=(
            "least spend unless it is nothing, currency, for the whole plan (not built yet)"
        ),
    )
    locked: Money | None = Field(
        default=None, description="exactly this spend, currency, for the whole plan"
    )
    excluded: bool = Field(default=False, description="true: no spend at all")
    like: str | None = Field(
        default=None, description="channel whose curve a new channel borrows (not built yet)"
    )
    scale: Positive | None = Field(
        default=None, description="factor on the borrowed curve (not built yet)"
    )

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

    min: Money | None = Field(
        default=None, description="least spend, currency, for the whole plan (not built yet)"
    )
    max: Money | None = Field(
        default=None, description="largest spend, currency, for the whole plan (not built yet)"
    )
    channels: dict[str, ChannelRules] = Field(
        default_factory=dict, description="channel -> its rules in this market (not built yet)"
    )


class Ratio(Document):
    """One group's spend over another's."""

    to: str = Field(description="the other group (not built yet)")
    range: Multiples = Field(
        description="smallest and largest ratio of spend to the other's (not built yet)"
    )


class Group(Document):
    """A named set of channels and markets with rules of its own."""

    channels: list[str] | None = Field(
        default=None, description="the channels in it; all if absent (not built yet)"
    )
    markets: list[str] | None = Field(
        default=None, description="the markets in it; all if absent (not built yet)"
    )
    sum: MoneyRange | None = Field(
        default=None,
        description=(
            "least and largest spend together, currency, for the whole plan (not built yet)"
        ),
    )
    share: Annotated[tuple[Share, Share], AfterValidator(_rising)] | None = Field(
        default=None, description="smallest and largest share of the budget, 0 to 1 (not built yet)"
    )
    ratio: Ratio | None = Field(
        default=None, description="its spend over another group's (not built yet)"
    )
    at_most: Annotated[Whole, Field(ge=0)] | None = Field(
        default=None, description="how many of it may be active, a count (not built yet)"
    )
    at_least: Annotated[Whole, Field(ge=0)] | None = Field(
        default=None, description="how many of it must be active, a count (not built yet)"
    )


class Targets(Document):
    """What the plan must reach; at least, cac at most."""

    romi: Number | None = Field(default=None, description="least ROMI, a ratio (not built yet)")
    revenue: Money | None = Field(
        default=None,
        description="least incremental revenue, currency, for the whole plan (not built yet)",
    )
    profit: Number | None = Field(
        default=None, description="least profit, currency, for the whole plan (not built yet)"
    )
    marginal_romi: Number | None = Field(
        default=None,
        description="least marginal ROMI of the last unit of spend, a ratio (not built yet)",
    )
    cac: Positive | None = Field(
        default=None, description="largest spend for a new customer, currency (not built yet)"
    )


class Resource(Document):
    """Something other than money that spend uses up."""

    per_unit: dict[str, Annotated[Number, Field(ge=0)]] = Field(
        description=(
            "channel -> what a unit of its spend uses up, in the resource's unit (not built yet)"
        )
    )
    max: Annotated[Number, Field(ge=0)] = Field(
        description="most that may be used up, in the resource's unit (not built yet)"
    )


class Schedule(Document):
    """How a plan's money is spread over its periods."""

    pattern: Literal["even", "history", "optimised"] = Field(
        default="even",
        description="even: the same every period; history and optimised are not built yet",
    )
    cap: dict[str, Money] | None = Field(
        default=None, description="channel -> largest spend, currency per period (not built yet)"
    )
    floor: dict[str, Money] | None = Field(
        default=None, description="channel -> least spend, currency per period (not built yet)"
    )
    blackout: dict[str, list[dt.date]] | None = Field(
        default=None, description="channel -> dates without spend (not built yet)"
    )
    smooth: Annotated[Number, Field(ge=0)] | None = Field(
        default=None, description="largest change between periods, a fraction (not built yet)"
    )


class Risk(Document):
    """Tail risk in place of caution."""

    measure: Literal["cvar"] = Field(
        description="cvar: the mean of the worst outcomes (not built yet)"
    )
    tail: Annotated[Number, Field(gt=0, lt=1)] = Field(
        default=0.1, description="which outcomes are the worst, a share (not built yet)"
    )
    weight: Share = Field(
        default=1.0,
        description="weight of the worst outcomes against the mean, 0 to 1 (not built yet)",
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
        default=None, description="what is believed before the history is read"
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
            "currency, for the whole plan; absent: the current total; free and {min, max} are"
            " not built yet"
        ),
    )
    objective: Literal["revenue", "profit", "romi", "customer_value", "least_spend"] = Field(
        default="revenue",
        description=(
            "what the plan earns most of: revenue, or profit (margin x revenue - spend); "
            "romi, customer_value and least_spend are not built yet"
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
    markets: dict[str, MarketRules] | None = Field(
        default=None, description="market -> its rules (not built yet)"
    )
    groups: dict[str, Group] | None = Field(
        default=None,
        description="name -> channels and markets with rules in common (not built yet)",
    )
    targets: Targets | None = Field(
        default=None, description="what the plan must reach (not built yet)"
    )
    max_moved: Share | None = Field(
        default=None,
        description=(
            "largest share of the budget that may move between channels, 0 to 1 (not built yet)"
        ),
    )
    cost_index: dict[str, Positive] | None = Field(
        default=None,
        description=(
            "channel -> price of the same delivery against the history's, a factor (not built yet)"
        ),
    )
    resources: dict[str, Resource] | None = Field(
        default=None, description="resource -> how spend uses it up, and its limit (not built yet)"
    )
    schedule: Schedule = Field(
        default=Schedule(),
        description="how money is spread over the periods; anything but even is not built yet",
    )
    risk: Risk | None = Field(
        default=None, description="tail risk in place of caution (not built yet)"
    )
    values: dict[str, Money] | None = Field(
        default=None,
        description=(
            "channel -> value of a new customer, currency; read by the objective "
            "customer_value only, which is not built yet"
        ),
    )
    lot: Annotated[Number, Field(gt=0, le=1e9)] = Field(
        default=0.01,
        description="smallest unit of money, currency; others than 0.01 are not built yet",
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
