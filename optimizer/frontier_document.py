"""The Frontier documents: what each budget would bring, and what less risk would cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from optimizer.cells import PlanWarning
from optimizer.documents import Document, WholeDocument, parse
from optimizer.plan_document import Interval, MoneyOut, Uplift

if TYPE_CHECKING:
    import pandas as pd

Split = Annotated[
    tuple[float, ...], Field(description="currency, whole plan, in the order of `cells`")
]


class Cell(Document):
    """One thing that is funded."""

    channel: str
    market: str | None = None

    @property
    def name(self) -> str:
        """The cell in words."""
        return self.channel if self.market is None else f"{self.channel} in {self.market}"


class FrontierPoint(Document):
    """One budget with its best split: what a plan of that budget says."""

    budget: MoneyOut
    value: float = Field(description="level of what was maximised, currency; a ratio for romi")
    gap: float = Field(description="of its proof: (upper_bound - value) / response earned")
    revenue: Interval = Field(description="incremental revenue, currency, whole plan")
    profit: Interval = Field(description="margin x revenue - spend, currency, whole plan")
    romi: Interval = Field(description="ratio")
    marginal_romi: float = Field(
        description="mean profit of one more unit of budget; limits follow the budget"
    )
    shadow_price: float | None = Field(
        description="what one more unit of budget adds to the value, limits held"
    )
    spend: Split


class Frontier(WholeDocument):
    """The best plan of every budget in a range."""

    named: ClassVar[str] = "frontier"

    frontier: Literal[1] = 1
    name: str = ""
    currency: str | None = None
    periods: int
    period: str = "week"
    objective: str
    caution: float
    budget: float | None = Field(description="the scenario's own; null where it states none")
    cells: tuple[Cell, ...]
    points: tuple[FrontierPoint, ...] = Field(min_length=2, description="rising in budget")
    break_even: FrontierPoint | None = Field(
        description="where marginal_romi falls through zero; null where it does not"
    )
    statement: str
    notes: tuple[PlanWarning, ...] = ()

    @classmethod
    def from_dict(cls, content: Any) -> Frontier:
        """A frontier from plain data; every fault at once as a DocumentError."""
        return parse(cls, content, "frontier")

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return self.model_dump(mode="json", by_alias=True)

    @property
    def table(self) -> pd.DataFrame:
        """A row per budget, intervals and cells in columns of their own."""
        import pandas as pd

        return pd.json_normalize(self.records(), sep="_")

    def records(self) -> list[dict[str, Any]]:
        """The points as records, each cell's spend under its name."""
        return [_record(point, self.cells) for point in self.points]


class RiskPoint(Document):
    """The best split under one degree of risk aversion."""

    aversion: float = Field(description="caution, or the weight of the worst outcomes; 0 to 1")
    uplift: Uplift = Field(description="gain over the current split, in the objective's money")
    sd: float = Field(description="standard deviation of the uplift over the draws, currency")
    cvar: float = Field(description="mean uplift in the worst outcomes, currency")
    gap: float = Field(description="of its proof")
    spend: Split


class RiskFrontier(WholeDocument):
    """One budget split with more and more regard for risk."""

    named: ClassVar[str] = "risk frontier"

    risk_frontier: Literal[1] = 1
    name: str = ""
    currency: str | None = None
    objective: str
    budget: float | None = Field(description="currency, whole plan; null where it may vary")
    varied: Literal["caution", "weight"] = Field(description="what `aversion` is")
    tail: float = Field(description="which outcomes are the worst, a share")
    cells: tuple[Cell, ...]
    points: tuple[RiskPoint, ...] = Field(description="rising in aversion")
    statement: str

    @classmethod
    def from_dict(cls, content: Any) -> RiskFrontier:
        """A frontier from plain data; every fault at once as a DocumentError."""
        return parse(cls, content, "risk frontier")

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return self.model_dump(mode="json", by_alias=True)

    def records(self) -> list[dict[str, Any]]:
        """The points as records, each cell's spend under its name."""
        return [_record(point, self.cells) for point in self.points]


def _record(point: Document, cells: tuple[Cell, ...]) -> dict[str, Any]:
    record = point.model_dump(mode="json")
    spend = record.pop("spend")
    return record | {f"spend_{cell.name}": x for cell, x in zip(cells, spend, strict=True)}
