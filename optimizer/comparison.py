"""The Comparison document: two to four plans side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from optimizer.cells import PlanWarning
from optimizer.documents import Document, WholeDocument, parse
from optimizer.plan_document import Binding, Interval, Ratio, Uplift

if TYPE_CHECKING:
    import pandas as pd

Amount = Annotated[float, Field(description="currency, per the document's `per`")]


class ComparedPlan(Document):
    """One of the plans: its settings and its totals."""

    label: str
    name: str = ""
    objective: str
    caution: float
    periods: int
    spend: Amount
    revenue: Interval = Field(description="incremental revenue, currency")
    profit: Interval = Field(description="margin x revenue - spend, currency")
    romi: Interval = Field(description="ratio")
    uplift: Uplift = Field(description="over the plan's own current split, currency")
    gap: float | None = Field(description="of its proof; null for a what-if")
    model: str = Field(description="sha256 of the model it was made from")
    scenario: str = Field(description="sha256 of its scenario")


class Difference(Interval):
    """A plan's figure less the first plan's, under the same draws where there are any."""

    probability_positive: float | None = None


class PlanDifference(Document):
    """What one plan brings more, or less, than the first."""

    label: str
    spend: Amount
    revenue: Difference
    profit: Difference
    romi: Difference = Field(description="ratio")
    objective: Difference | None = Field(
        description="in what both were judged by; null where that differs or has no figure"
    )
    statement: str


class Move(Document):
    """One cell's money in every plan, in their order, and why it moved."""

    channel: str
    market: str | None = None
    spend: tuple[float | None, ...] = Field(description="currency; null: no such cell in the plan")
    moved: tuple[float, ...] = Field(description="spend less the first plan's, currency")
    revenue: tuple[Interval | None, ...] = Field(description="incremental revenue, currency")
    romi: tuple[Ratio, ...]
    marginal_romi: tuple[float | None, ...]
    binding: tuple[Binding | None, ...]
    why: tuple[str | None, ...] = Field(description="null where the money did not move")

    @property
    def largest(self) -> float:
        """The most that moved, currency."""
        return max(abs(amount) for amount in self.moved)

    @property
    def name(self) -> str:
        """The cell in words."""
        return self.channel if self.market is None else f"{self.channel} in {self.market}"


class Setting(Document):
    """A setting in which the plans differ, in their order."""

    setting: str
    values: tuple[float | str | None, ...]
    statement: str


class Comparison(WholeDocument):
    """Two to four plans side by side: what moved, why, and how sure the difference is."""

    named: ClassVar[str] = "comparison"

    comparison: Literal[1] = 1
    currency: str | None = None
    period: str = "week"
    per: Literal["plan", "period"] = Field(
        description="whether money is for the whole plan, or per period where lengths differ"
    )
    same_draws: bool = Field(description="whether differences were taken draw by draw")
    plans: tuple[ComparedPlan, ...] = Field(min_length=2, max_length=4)
    differences: tuple[PlanDifference, ...] = Field(description="of each plan after the first")
    rows: tuple[Move, ...] = Field(alias="moves", description="largest move first")
    settings: tuple[Setting, ...] = ()
    notes: tuple[PlanWarning, ...] = ()

    @classmethod
    def from_dict(cls, content: Any) -> Comparison:
        """A comparison from plain data; every fault at once as a DocumentError."""
        return parse(cls, content, "comparison")

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return self.model_dump(mode="json", by_alias=True)

    @property
    def labels(self) -> tuple[str, ...]:
        """The plans' labels, in order."""
        return tuple(plan.label for plan in self.plans)

    @property
    def moves(self) -> pd.DataFrame:
        """The moves as a table: a row per cell, each plan's figures in columns of its own."""
        import pandas as pd

        return pd.DataFrame.from_records(self.records())

    def records(self) -> list[dict[str, Any]]:
        """The moves as flat records, one per cell."""
        return [self._record(row) for row in self.rows]

    def _record(self, row: Move) -> dict[str, Any]:
        record: dict[str, Any] = {"channel": row.channel, "market": row.market}
        for i, label in enumerate(self.labels):
            earned = row.revenue[i]
            record |= {
                f"spend_{label}": row.spend[i],
                f"revenue_{label}": earned and earned.mean,
                f"romi_{label}": row.romi[i],
                f"marginal_romi_{label}": row.marginal_romi[i],
                f"binding_{label}": row.binding[i],
            }
            if i:
                record |= {f"moved_{label}": row.moved[i], f"why_{label}": row.why[i]}
        return record

    def _repr_html_(self) -> str:
        from html import escape

        lines = [difference.statement for difference in self.differences]
        lines += [setting.statement for setting in self.settings]
        lines += [note.message for note in self.notes]
        table = self._readable().to_html(index=False, na_rep="", justify="right")
        return "".join([str(table), *(f"<p>{escape(line)}</p>" for line in lines)])

    def _readable(self) -> pd.DataFrame:
        """The moves as a person reads them."""
        import pandas as pd

        records = []
        for row in self.rows:
            spends = zip(self.labels, row.spend, strict=True)
            record: dict[str, Any] = {"channel": row.channel, "market": row.market}
            record |= {label: None if spend is None else f"{spend:,.0f}" for label, spend in spends}
            moved = list(zip(self.labels, row.moved, strict=True))[1:]
            record |= {f"{label}, moved": f"{amount:+,.0f}" for label, amount in moved}
            record["why"] = "; ".join(why for why in row.why if why)
            records.append(record)
        return pd.DataFrame.from_records(records).dropna(axis=1, how="all")
