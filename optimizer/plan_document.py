"""The Plan document: a recommended split, or a what-if's, every number with its doubt."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from heapq import nlargest
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from optimizer.cells import PlanWarning
from optimizer.curve_points import curve_points
from optimizer.documents import Document, WholeDocument, parse
from optimizer.sensitivity_document import Sensitivity

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.model import Model
    from optimizer.scenario import Scenario

FloatArray = npt.NDArray[np.float64]
MoneyOut = Annotated[float, Field(description="currency, whole plan")]
Ratio = Annotated[float | None, Field(description="ratio; null where spend is zero")]
Binding = Literal["minimum", "maximum", "locked", "excluded"]


class Interval(Document):
    """Mean and 90 % interval over the draws; no interval without draws."""

    mean: float | None
    p05: float | None = None
    p95: float | None = None

    @classmethod
    def of(cls, draws: FloatArray) -> Interval:
        """The interval of equally likely values (N,)."""
        return cls.each(draws[:, None])[0]

    @classmethod
    def each(cls, draws: FloatArray) -> list[Interval]:
        """The intervals of columns of equally likely values (N, n)."""
        means = draws.mean(axis=0).tolist()
        if len(draws) == 1:
            return [cls(mean=mean) for mean in means]
        rising = np.sort(np.ascontiguousarray(draws.T), axis=1)
        low, high = (_quantile(rising, share).tolist() for share in (0.05, 0.95))
        return [
            cls.model_construct(mean=mean, p05=least, p95=most)
            for mean, least, most in zip(means, low, high, strict=True)
        ]


def _quantile(rising: FloatArray, share: float) -> FloatArray:
    """The quantile of every row of sorted values (n, N), linear between neighbours.

    Examples
    --------
    >>> _quantile(np.array([[1.0, 2.0, 4.0]]), 0.75)
    array([3.])
    """
    place = share * (rising.shape[1] - 1)
    left = int(place)
    right = min(left + 1, rising.shape[1] - 1)
    return np.asarray(rising[:, left] + (place - left) * (rising[:, right] - rising[:, left]))


class Uplift(Interval):
    """Gain over the current split, scaled to the same total where that is fixed."""

    probability_positive: float | None = None


class AllocationRow(Document):
    """What one channel (in one market) gets and what comes of it."""

    channel: str
    market: str | None = None
    spend: MoneyOut
    per_period: float = Field(description="currency per period")
    share: float = Field(description="of the total, 0 to 1")
    current_spend: float = Field(
        description="currency, whole plan; scaled to the budget where it is fixed"
    )
    change: float | None = Field(description="relative to current_spend; null where that is zero")
    response: Interval = Field(description="incremental revenue, currency, whole plan")
    romi: Ratio
    marginal_romi: float | None = Field(description="ratio, of the next unit of spend")
    binding: Binding | None = Field(description="the limit the spend rests on")


class Totals(Document):
    """The plan as a whole; currency, whole plan."""

    spend: MoneyOut
    revenue: Interval = Field(description="incremental revenue")
    profit: Interval = Field(description="margin x revenue - spend")
    romi: Interval = Field(description="ratio")
    uplift: Uplift = Field(description="over the current split, in the objective's money")


class CertificateOut(Document):
    """Proof of optimality: levels of what was maximised, currency, whole plan."""

    value: float
    upper_bound: float
    gap: float = Field(description="(upper_bound - value) / response earned")
    nodes: int = Field(description="boxes in the proof")
    rounding_loss: float = Field(description="value given up for whole cents, currency")
    statement: str


class ShadowPrice(Document):
    """What one more unit of a binding constraint is worth, in the objective's money."""

    constraint: str
    price: float
    statement: str


class CellSchedule(Document):
    """One cell's spend by period."""

    channel: str
    market: str | None = None
    spend: tuple[float, ...] = Field(description="currency per period")


class ScheduleOut(Document):
    """The plan by period: carryover in from the past, effects after its end counted apart."""

    pattern: str
    dates: tuple[dt.date, ...] | None = Field(description="first day of every period")
    rows: tuple[CellSchedule, ...] = Field(alias="allocation")
    revenue: tuple[Interval, ...] = Field(description="incremental, currency per period")
    after_end: Interval = Field(description="revenue after the last period, currency")
    difference: str = Field(description="how this differs from a steady spend, in words")


class RiskOut(Document):
    """Tail risk in place of caution."""

    measure: Literal["cvar"] = "cvar"
    tail: float = Field(description="share of the outcomes that are the worst, 0 to 1")
    weight: float = Field(description="of the worst outcomes against the mean, 0 to 1")


class Provenance(Document):
    """What the plan was made from."""

    romi: str
    model: str
    scenario: str
    seed: int


class Plan(WholeDocument):
    """A recommended split, or a what-if's: every number with its doubt."""

    named: ClassVar[str] = "plan"

    plan: Literal[1] = 1
    name: str = ""
    currency: str | None = None
    periods: int
    period: str = "week"
    start: dt.date | None = None
    objective: str
    counts: Literal["customers"] | None = Field(
        default=None,
        description="what the responses count: new customers, their intervals with the doubt of "
        "their worth; null: revenue",
    )
    caution: float
    route: str = Field(description="how the split was found; what-if: it was given")
    rows: tuple[AllocationRow, ...] = Field(alias="allocation")
    totals: Totals
    certificate: CertificateOut | None = Field(description="null for a what-if")
    shadow_prices: tuple[ShadowPrice, ...] = ()
    schedule: ScheduleOut | None = Field(
        default=None, description="by period; null where every period is alike"
    )
    risk: RiskOut | None = Field(default=None, description="stated in place of caution")
    warnings: tuple[PlanWarning, ...] = ()
    sensitivity: Sensitivity | None = Field(
        default=None, description="what would change this recommendation; only where asked for"
    )
    provenance: Provenance

    @classmethod
    def from_dict(cls, content: Any) -> Plan:
        """A plan from plain data; every fault at once as a DocumentError."""
        return parse(cls, content, "plan")

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return self.model_dump(mode="json", by_alias=True)

    @property
    def allocation(self) -> pd.DataFrame:
        """The split as a table, one row per cell, response in three columns."""
        import pandas as pd

        records = []
        for row in self.rows:
            record = row.model_dump(exclude={"response"})
            for key, value in row.response.model_dump().items():
                record[f"response_{key}"] = value
            records.append(record)
        return pd.DataFrame.from_records(records)

    def workbook(
        self,
        model: Model | None = None,
        scenario: Scenario | None = None,
        frontier: Mapping[str, Any] | None = None,
    ) -> bytes:
        """The plan as an Excel workbook (.xlsx).

        Parameters
        ----------
        model : Model, optional
            The model the plan was made from: its curves are drawn.
        scenario : Scenario, optional
            Its stated keys are listed among the assumptions.
        frontier : mapping, optional
            What each budget would bring: a Frontier document as plain data.
        """
        from optimizer.workbook import SHOWN_CURVES, workbook_of

        largest = nlargest(SHOWN_CURVES, self.rows, key=lambda row: row.spend)
        spends = {(row.channel, row.market): (row.current_spend, row.spend) for row in largest}
        return workbook_of(
            self.to_dict(),
            curves=curve_points(model, spends, self.periods) if model else (),
            frontier=frontier,
            scenario=scenario.facts() if scenario else None,
        )

    @property
    def split(self) -> dict[str, Any]:
        """The split as a what-if takes it: channel -> money, or market -> money."""
        if all(row.market is None for row in self.rows):
            return {row.channel: row.spend for row in self.rows}
        split: dict[str, Any] = {}
        for row in self.rows:
            split.setdefault(row.channel, {})[str(row.market)] = row.spend
        return split

    def _repr_html_(self) -> str:
        gain = self.totals.uplift
        lines = [f"{self.name or 'Plan'}: {self.totals.spend:,.2f} {self.currency or ''}"]
        lines.append(f"gain over the current split {_in_words(gain, '{:,.0f}')}")
        lines += [self.certificate.statement] if self.certificate else []
        table = self._readable().to_html(index=False, na_rep="", justify="right")
        return "".join([str(table), *(f"<p>{line}</p>" for line in lines)])

    def _readable(self) -> pd.DataFrame:
        """The split as a person reads it."""
        import pandas as pd

        records = [
            {
                "channel": row.channel,
                "market": row.market,
                "now": f"{row.current_spend:,.0f}",
                "plan": f"{row.spend:,.0f}",
                "change": "new" if row.change is None else f"{row.change:+.0%}",
                "revenue (90 % interval)": _in_words(row.response, "{:,.0f}"),
                "ROMI": row.romi and f"{row.romi:.2f}",
                "marginal ROMI": row.marginal_romi and f"{row.marginal_romi:.2f}",
                "limit": row.binding,
            }
            for row in self.rows
        ]
        return pd.DataFrame.from_records(records).dropna(axis=1, how="all")


def _in_words(interval: Interval, form: str) -> str:
    if interval.mean is None:
        return ""
    if interval.p05 is None or interval.p95 is None:
        return form.format(interval.mean)
    low, high = form.format(interval.p05), form.format(interval.p95)
    return f"{form.format(interval.mean)} ({low} to {high})"
