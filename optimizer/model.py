"""The Model document: a response curve for every channel (and market), with its draws.

A model is fitted, imported or hand-written ("bring your own curves"). Money in a curve is *per
period*: money per period in, revenue per period out, at a steady level of spend.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Draws = float | list[float]
Period = Literal["day", "week", "month"]


class Document(BaseModel):
    """What all parts of a document share: immutable, no unknown keys, no NaN or infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Hill(Document):
    """ceiling x^slope / (x^slope + half_saturation^slope)."""

    family: Literal["hill"] = "hill"
    ceiling: Draws = Field(description="currency per period; revenue approached as spend grows")
    half_saturation: Draws = Field(description="currency per period; spend that earns half of it")
    slope: Draws = Field(description="dimensionless; S-shaped above 1")


class Exponential(Document):
    """ceiling (1 - exp(-rate x))."""

    family: Literal["exponential"] = "exponential"
    ceiling: Draws = Field(description="currency per period")
    rate: Draws = Field(description="1 / (currency per period)")


class Log(Document):
    """scale log(1 + rate x)."""

    family: Literal["log"] = "log"
    scale: Draws = Field(description="currency per period")
    rate: Draws = Field(description="1 / (currency per period)")


class Power(Document):
    """scale x^exponent, exponent at most 1."""

    family: Literal["power"] = "power"
    scale: Draws = Field(description="currency per period at a spend of 1")
    exponent: Draws = Field(description="dimensionless, above 0 and at most 1")


class Logistic(Document):
    """ceiling tanh(rate x / 2)."""

    family: Literal["logistic"] = "logistic"
    ceiling: Draws = Field(description="currency per period")
    rate: Draws = Field(description="1 / (currency per period)")


class Table(Document):
    """The monotone cubic (PCHIP) through the points, flat beyond the last."""

    family: Literal["table"] = "table"
    spend: list[float] = Field(description="currency per period, rising from 0")
    response: list[float] | list[list[float]] = Field(
        description="currency per period, rising from 0; a list of lists is one table per draw"
    )


Curve = Annotated[
    Hill | Exponential | Log | Power | Logistic | Table, Field(discriminator="family")
]


class Carryover(Document):
    """Geometric adstock: the share of an effect that survives a period."""

    retention: Draws = Field(description="0 to 1 per period")


class ModelChannel(Document):
    """One channel's (and market's) steady response."""

    channel: str
    market: str | None = None
    history_spend_per_period: float | None = Field(
        default=None, ge=0, description="currency; mean over the last year of the history"
    )
    history_largest_spend: float | None = Field(
        default=None, ge=0, description="currency per period; the largest ever seen"
    )
    curve: Curve
    carryover: Carryover | None = None


class Diagnostic(Document):
    """One thing the fit has to say about itself: as data, then in words."""

    code: str
    channel: str | None = None
    market: str | None = None
    other: str | None = Field(default=None, description="the other channel of a pair")
    value: float | None = None
    severity: Literal["note", "warning"] = "note"
    message: str


class FitRecord(Document):
    """How a fitted model came to be: enough to say what it rests on and to make it again."""

    layout: Literal["attributed", "aggregate"]
    history: str = Field(description="sha256 of the history's numbers")
    first_date: str
    last_date: str
    n_periods: int
    seed: int
    draws: int
    likelihood_power: float
    priors: dict[str, dict[str, tuple[float, float]]] = Field(
        description="channel -> parameter -> (centre, sd); roas and half_saturation and slope: "
        "median and sd of the log; retention: mean and sd of the logit per week"
    )
    diagnostics: list[Diagnostic] = []


class Model(Document):
    """Response curves of all channels, one currency, one period length."""

    model: Literal[1] = 1
    currency: str | None = None
    period: Period = "week"
    channels: list[ModelChannel]
    fit: FitRecord | None = None
