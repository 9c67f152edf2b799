"""The Scenario document: a budget question, with every key planners have.

What one entry says against itself is found here; what it says against the model, or against
other entries, when a plan is asked for. Nothing is ever ignored in silence.
"""

from __future__ import annotations

import datetime as dt
import math
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

    min: Money = Field(description="least total, currency, for the whole plan")
    max: Money = Field(description="largest total, currency, for the whole plan")


def _check_rising(low: str, least: float, high: str, most: float) -> None:
    """Raise where a limit from below is above one from above."""
    if least > most:
        text = f"{low} {least:,.2f} is above {high} {most:,.2f}; swap or change one"
        raise ValueError(text)


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
        description=("already gone, currency; counts against the budget and as a minimum"),
    )
    min_if_active: Money | None = Field(
        default=None,
        description=("least spend unless it is nothing, currency, for the whole plan"),
    )
    locked: Money | None = Field(
        default=None, description="exactly this spend, currency, for the whole plan"
    )
    excluded: bool = Field(default=False, description="true: no spend at all")
    like: str | None = Field(default=None, description="channel whose curve a new channel borrows")
    scale: Positive | None = Field(default=None, description="factor on the borrowed curve")

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.min is not None and self.max is not None:
            _check_rising("min", self.min, "max", self.max)
        limits = [
            key
            for key in ("min", "max", "change", "min_if_active")
            if getattr(self, key) is not None
        ]
        fixed = [key for key in ("locked", "excluded") if getattr(self, key) not in (None, False)]
        if fixed and (limits or len(fixed) > 1):
            raise ValueError(f"{fixed[0]} says all there is; take out {[*fixed, *limits][1]}")
        self._check_spent()
        if self.max is not None and self.min_if_active is not None:
            _check_rising("min_if_active", self.min_if_active, "max", self.max)
        if self.scale is not None and self.like is None:
            raise ValueError("scale needs like: the channel whose curve is borrowed; add it")
        return self

    def _check_spent(self) -> None:
        """What is gone already cannot be taken back."""
        if not self.spent:
            return
        if self.excluded:
            raise ValueError(f"is excluded, but {self.spent:,.2f} is spent; take out one of them")
        for key in ("max", "locked"):
            limit = getattr(self, key)
            if limit is not None:
                _check_rising("spent", self.spent, key, limit)


class MarketRules(Document):
    """What one market may get, and its channels within it."""

    min: Money | None = Field(default=None, description="least spend, currency, for the whole plan")
    max: Money | None = Field(
        default=None, description="largest spend, currency, for the whole plan"
    )
    channels: dict[str, ChannelRules] = Field(
        default_factory=dict, description="channel -> its rules in this market"
    )

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.min is not None and self.max is not None:
            _check_rising("min", self.min, "max", self.max)
        return self


class Ratio(Document):
    """One group's spend over another's."""

    to: str = Field(description="the other group")
    range: Multiples = Field(description="smallest and largest ratio of spend to the other's")

    @model_validator(mode="after")
    def _leaves_something(self) -> Self:
        if self.range[1] <= 0.0:
            raise ValueError("range ends at 0, which allows no spend; exclude the channels instead")
        return self


class Group(Document):
    """A named set of channels and markets with rules of its own."""

    channels: list[str] | None = Field(
        default=None, description="the channels in it; all if absent"
    )
    markets: list[str] | None = Field(default=None, description="the markets in it; all if absent")
    sum: MoneyRange | None = Field(
        default=None,
        description=("least and largest spend together, currency, for the whole plan"),
    )
    share: Annotated[tuple[Share, Share], AfterValidator(_rising)] | None = Field(
        default=None, description="smallest and largest share of the budget, 0 to 1"
    )
    ratio: Ratio | None = Field(default=None, description="its spend over another group's")
    at_most: Annotated[Whole, Field(ge=0)] | None = Field(
        default=None, description="how many of it may be active, a count"
    )
    at_least: Annotated[Whole, Field(ge=0)] | None = Field(
        default=None, description="how many of it must be active, a count"
    )

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        most = math.inf if self.at_most is None else self.at_most
        if self.at_least is not None and self.at_least > most:
            text = f"at_least {self.at_least} is above at_most {self.at_most}; swap or change one"
            raise ValueError(text)
        return self


class Targets(Document):
    """What the plan must reach; at least, cac at most."""

    romi: Number | None = Field(default=None, description="least ROMI, a ratio")
    revenue: Money | None = Field(
        default=None,
        description="least incremental revenue, currency, for the whole plan",
    )
    profit: Number | None = Field(
        default=None, description="least profit, currency, for the whole plan"
    )
    marginal_romi: Number | None = Field(
        default=None,
        description="least marginal ROMI of the last unit of spend, a ratio",
    )
    cac: Positive | None = Field(
        default=None, description="largest spend for a new customer, currency"
    )


class Resource(Document):
    """Something other than money that spend uses up."""

    per_unit: dict[str, Annotated[Number, Field(ge=0)]] = Field(
        description=("channel -> what a unit of its spend uses up, in the resource's unit")
    )
    max: Annotated[Number, Field(ge=0)] = Field(
        description="most that may be used up, in the resource's unit"
    )


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
            "currency, for the whole plan, or {min, max}, or free: whatever the objective and the "
            "targets are worth; absent: the current total, and free for least_spend"
        ),
    )
    objective: Literal["revenue", "profit", "romi", "customer_value", "least_spend"] = Field(
        default="revenue",
        description=(
            "what the plan earns most of: revenue, profit (margin x revenue - spend), romi "
            "(profit / spend; needs a least total) or customer_value (values x customers, which "
            "the curves then count); or least_spend for a revenue or profit target"
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
