"""What a scenario may ask of channels, markets and groups, and of the plan as a whole."""

from __future__ import annotations

import math
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from optimizer.documents import Document, Money, Number, Whole


def _rising(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[0] > pair[1]:
        raise ValueError(f"runs from {pair[0]:g} down to {pair[1]:g}; swap the two")
    return pair


Range = Annotated[tuple[Number, Number], AfterValidator(_rising)]
MoneyRange = Annotated[tuple[Money, Money], AfterValidator(_rising)]
Multiples = Annotated[
    tuple[Annotated[Number, Field(ge=0)], Annotated[Number, Field(ge=0)]], AfterValidator(_rising)
]
Positive = Annotated[Number, Field(gt=0)]
Share = Annotated[Number, Field(ge=0, le=1)]


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
