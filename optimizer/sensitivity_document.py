"""The Sensitivity document: how a recommendation answers to its budget and to each return."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from optimizer.documents import Document, WholeDocument, parse


class BudgetStep(Document):
    """The plan re-solved with a little more, or less, money."""

    change: float = Field(description="of the budget, relative")
    budget: float = Field(description="currency, whole plan")
    value: float | None = Field(
        description="level of what is maximised, currency; null: no plan of this budget"
    )
    gained: float | None = Field(description="value less the recommendation's, currency")
    revenue: float | None = Field(description="mean incremental revenue, currency, whole plan")
    profit: float | None = Field(description="mean margin x revenue - spend, currency")
    moved: tuple[float, ...] = Field(
        description="spend less the recommendation's, currency, in the order of its cells"
    )
    statement: str


class TippingPoint(Document):
    """How much more, or less, one cell would have to return for its spend to change."""

    channel: str
    market: str | None = None
    spend: float = Field(description="recommended, currency, whole plan")
    lower: float | None = Field(
        description="largest factor below 1 on its curve at which it gets at least 10 % less; "
        "null: no change down to a third"
    )
    upper: float | None = Field(
        description="smallest factor above 1 on its curve at which it gets at least 10 % more; "
        "null: no change up to 3 times"
    )
    known: tuple[float, float] | None = Field(
        description="90 % interval of its return over the mean, ratios; null without draws"
    )
    statement: str

    @property
    def name(self) -> str:
        """The cell in words."""
        return self.channel if self.market is None else f"{self.channel} in {self.market}"


class Sensitivity(WholeDocument):
    """What would change a recommendation."""

    named: ClassVar[str] = "sensitivity"

    sensitivity: Literal[1] = 1
    currency: str | None = None
    budgets: tuple[BudgetStep, ...] = Field(description="rising; none for least_spend")
    returns: tuple[TippingPoint, ...] = Field(description="the nearest to tip first")
    statement: str

    @classmethod
    def from_dict(cls, content: Any) -> Sensitivity:
        """A sensitivity from plain data; every fault at once as a DocumentError."""
        return parse(cls, content, "sensitivity")

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return self.model_dump(mode="json", by_alias=True)
