"""The Customers document: what a new customer of each segment is worth, and how surely."""

from __future__ import annotations

import datetime as dt
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from optimizer.documents import Document, Number, WholeDocument, canonical_hash, parse

Positive = Annotated[Number, Field(gt=0)]


class Worth(Document):
    """Mean and 90 % interval over the draws, currency per new customer."""

    mean: Positive = Field(description="currency")
    p05: Number = Field(description="currency; below it in one case of twenty")
    p95: Number = Field(description="currency; above it in one case of twenty")


class Segment(Document):
    """The customers one channel or segment brought."""

    segment: str = Field(description="name of the channel or segment")
    customers: Annotated[int, Field(ge=0, description="customers seen")]
    repeaters: Annotated[int, Field(ge=0, description="of them, those who ordered again")]
    first_order: Positive = Field(description="currency, mean of the first orders")
    order_value: Number = Field(description="currency, mean of a repeat order")
    orders: Number = Field(description="repeat orders expected of a new customer in the horizon")
    value: Worth = Field(description="of one new customer, currency, discounted, after margin")
    is_pooled: bool = Field(description="too small for a model of its own: the whole's value")
    draws: list[Positive] = Field(
        min_length=1, description="of the value, jointly with the other segments'"
    )


class ChannelFigures(Document):
    """What a channel's spend bought over the last year of a history."""

    channel: str = Field(description="name of the channel")
    spend: Number = Field(description="currency")
    impressions: Number | None = Field(default=None, description="count")
    clicks: Number | None = Field(default=None, description="count")
    orders: Number | None = Field(default=None, description="count")
    customers: Number | None = Field(default=None, description="new customers, count")
    click_through_rate: Number | None = Field(default=None, description="clicks / impressions")
    conversion_rate: Number | None = Field(
        default=None, description="orders / clicks; new customers / clicks without orders"
    )
    order_value: Number | None = Field(default=None, description="revenue / orders, currency")
    cac: Number | None = Field(default=None, description="spend / new customers, currency")
    ltv_to_cac: Number | None = Field(
        default=None, description="value of a new customer / cac, ratio"
    )


class CustomersFinding(Document):
    """One thing noticed in the transactions."""

    code: str = Field(description="its kind, for programs")
    severity: Literal["warning", "note"] = Field(description="whether it asks for attention")
    message: str = Field(description="what was found and what was done, for people")
    row: int | None = Field(default=None, description="of the file, its header being row 1")
    column: str | None = Field(default=None, description="of the file")
    file: str | None = Field(default=None, description="its name, where it was read from one")


class CustomersProvenance(Document):
    """What the values were made from."""

    romi: str = Field(description="version that made it")
    transactions: str = Field(description="sha256 of the customers' numbers")
    seed: int = Field(description="of the draws")


class Customers(WholeDocument):
    """The value of a new customer by segment, with its doubt."""

    named: ClassVar[str] = "customers document"

    customers: Literal[1] = Field(default=1, description="version of this format")
    currency: str | None = Field(default=None, description="of all money here")
    as_of: dt.date = Field(description="last day of the data")
    margin: Positive = Field(description="share of an order that is earned")
    discount_rate: Annotated[Number, Field(ge=0)] = Field(description="share a year")
    weeks: int = Field(description="horizon, weeks since the first order")
    whole: Segment = Field(description="all customers together")
    segments: tuple[Segment, ...] = Field(description="one for each channel or segment")
    channels: tuple[ChannelFigures, ...] = Field(
        default=(), description="what spend bought, where a history was given beside"
    )
    findings: tuple[CustomersFinding, ...] = Field(
        default=(), description="what was noticed in the transactions"
    )
    provenance: CustomersProvenance = Field(description="what the values were made from")

    @classmethod
    def from_dict(cls, content: Any) -> Customers:
        """From plain data; every fault at once as a DocumentError."""
        return parse(cls, content, cls.named)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return self.model_dump(mode="json")

    @cached_property
    def content_hash(self) -> str:
        """``sha256:`` of the document."""
        return canonical_hash(self)

    @property
    def values(self) -> dict[str, float]:
        """Segment -> value of one new customer: a scenario's ``values`` where curves count them."""
        return {row.segment: row.value.mean for row in self.segments}

    @property
    def values_per_revenue(self) -> dict[str, float]:
        """Segment -> value per unit of a first order: ``values`` where curves count revenue."""
        return {row.segment: row.value.mean / row.first_order for row in self.segments}
