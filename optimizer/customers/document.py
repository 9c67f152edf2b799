"""The Customers document: what a new customer of each segment is worth, and how surely."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from optimizer.documents import Document, Number, WholeDocument, parse


class Worth(Document):
    """Mean and 90 % interval over the draws, currency per new customer."""

    mean: Number
    p05: Number
    p95: Number


class Segment(Document):
    """The customers one channel or segment brought."""

    segment: str
    customers: Annotated[int, Field(ge=0, description="customers seen")]
    repeaters: Annotated[int, Field(ge=0, description="of them, those who ordered again")]
    first_order: Number = Field(description="currency, mean of the first orders")
    order_value: Number = Field(description="currency, mean of a repeat order")
    orders: Number = Field(description="repeat orders expected of a new customer in the horizon")
    value: Worth = Field(description="of one new customer, currency, discounted, after margin")
    is_pooled: bool = Field(description="too small for a model of its own: the whole's value")
    draws: list[Number] = Field(description="of the value, jointly with the other segments'")


class CustomersFinding(Document):
    """One thing noticed in the transactions."""

    code: str
    severity: Literal["warning", "note"]
    message: str
    row: int | None = None
    column: str | None = None
    file: str | None = None


class CustomersProvenance(Document):
    """What the values were made from."""

    romi: str
    transactions: str = Field(description="sha256 of the customers' numbers")
    seed: int


class Customers(WholeDocument):
    """The value of a new customer by segment, with its doubt."""

    named: ClassVar[str] = "customers document"

    customers: Literal[1] = 1
    currency: str | None = None
    as_of: dt.date = Field(description="last day of the data")
    margin: Annotated[Number, Field(gt=0)] = Field(description="share of an order that is earned")
    discount_rate: Annotated[Number, Field(ge=0)] = Field(description="share a year")
    weeks: int = Field(description="horizon, weeks since the first order")
    whole: Segment
    segments: tuple[Segment, ...]
    findings: tuple[CustomersFinding, ...] = ()
    provenance: CustomersProvenance

    @classmethod
    def from_dict(cls, content: Any) -> Customers:
        """From plain data; every fault at once as a DocumentError."""
        return parse(cls, content, cls.named)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return self.model_dump(mode="json")

    @property
    def values(self) -> dict[str, float]:
        """Segment -> value of one new customer: a scenario's ``values`` where curves count them."""
        return {row.segment: row.value.mean for row in self.segments}

    @property
    def values_per_revenue(self) -> dict[str, float]:
        """Segment -> value per unit of a first order: ``values`` where curves count revenue."""
        return {row.segment: row.value.mean / row.first_order for row in self.segments}
