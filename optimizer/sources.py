"""Where a scenario's past stands, how it is laid out, and what is believed before it is read."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from optimizer.documents import Document, Number

ControlKind = Literal["promotion", "holiday", "demand", "other"]
Centre = tuple[Number, Annotated[Number, Field(gt=0)]]


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
    impressions: str | None = Field(
        default=None, description="column of impressions, a count, in the layout attributed"
    )
    clicks: str | None = Field(
        default=None, description="column of clicks, a count, in the layout attributed"
    )
    customers: str | None = Field(
        default=None, description="column of new customers, a count, in the layout attributed"
    )
    orders: str | None = Field(
        default=None, description="column of orders, a count, in the layout attributed"
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
    lift_tests: str | None = Field(
        default=None,
        description=(
            "file of finished lift tests: channel[, market], start, end, spend_control, "
            "spend_test, lift, standard_error; currency per period, of the whole market"
        ),
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.file is None) == (self.files is None):
            raise ValueError("needs either file or files")
        return self


class FitOptions(Document):
    """What is believed, and taken for granted, before the history is read."""

    priors: dict[str, dict[str, Centre]] = Field(
        default_factory=dict,
        description=(
            "channel -> roas, half_saturation, slope or delay (weeks) -> [median, sd of the log]; "
            "retention per week or exponent -> [mean, sd of the logit]"
        ),
    )
    incrementality: dict[str, Centre] | None = Field(
        default=None,
        description=(
            "channel -> [mean, sd] of the factor that turns its attributed revenue into "
            "incremental revenue, such as [0.7, 0.2]"
        ),
    )

    curve: Literal["hill", "exponential", "logistic", "log", "power", "auto"] = Field(
        default="hill",
        description="family of all curves; auto: another than hill where it forecasts clearly "
        "better",
    )
    carryover: Literal["geometric", "peaked", "auto"] = Field(
        default="geometric",
        description="geometric: effects fall from the start; peaked: they peak after a delay; "
        "auto: peaked where it forecasts clearly better; layout aggregate",
    )
    baseline: Literal["trend", "smooth"] = Field(
        default="trend",
        description="smooth: a free course of revenue, 3 % over 10 weeks, beside trend and "
        "seasons; layout aggregate",
    )
    drift: Annotated[Number, Field(ge=0, le=0.1)] = Field(
        default=0.0,
        description="sd by which the log of effectiveness wanders, per root week, such as 0.01; "
        "the curves are then today's; layout aggregate",
    )

    response: Literal["revenue", "customers"] = Field(
        default="revenue",
        description="what the curves earn: revenue, or the new customers that the history counts "
        "by channel; layout attributed",
    )

    def stated(self) -> dict[str, Any]:
        """The options as `optimizer.fit` takes them, those stated alone."""
        return {name: getattr(self, name) for name in self.model_fields_set}
