"""The FitReport document: what lies behind a fit, as data for plots and for doubters.

A Model stays small and says in its diagnostics what it rests on; here are the series and tables
that those sentences were read off. Money is currency per period.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from optimizer.documents import Document, WholeDocument, parse

Numbers = tuple[float, ...]


class ResidualSeries(Document):
    """One series of revenue, what the model expects of it, and what is left."""

    channel: str | None = Field(default=None, description="absent: revenue of all together")
    market: str | None = None
    observed: Numbers = Field(description="currency per period")
    fitted: Numbers = Field(description="currency per period")
    residual: Numbers = Field(description="observed less fitted, currency per period")
    standardised: Numbers = Field(description="residuals in standard deviations of the noise")


class LearnedParameter(Document):
    """One parameter of a channel: what was believed, and what is believed now."""

    channel: str
    parameter: str
    scale: Literal["log", "logit"] = Field(description="on which all four figures stand")
    prior_mean: float
    prior_sd: float
    posterior_mean: float
    posterior_sd: float
    learned: float = Field(description="1 - posterior_sd / prior_sd")


class ChannelPair(Document):
    """How well two channels can be told apart."""

    channel: str
    other: str
    spend_correlation: float | None = Field(description="absent where a spend never moves")
    roas_correlation: float = Field(description="of the logs of ROAS, after the history")
    doubt_left: float = Field(
        description="sd of the log of the ratio of the returns, after the history over before"
    )


class BacktestSeries(Document):
    """One series of revenue at the history's end, and what was forecast of it."""

    channel: str | None = None
    market: str | None = None
    observed: Numbers = Field(description="currency per period")
    forecast: Numbers = Field(description="by curves refitted to what was known, likewise")
    naive: dict[str, Numbers] = Field(description="forecasts without a model, likewise")


class BacktestReport(Document):
    """Rolling forecasts of the history's last fifth."""

    dates: tuple[str, ...] = Field(description="of the periods held out")
    known_until: tuple[str, ...] = Field(description="last date known to each one's forecast")
    series: tuple[BacktestSeries, ...]
    error: float | None = Field(description="sum of misses over sum of revenue; absent: none")
    naive_errors: dict[str, float] = Field(description="the same of forecasts without a model")


class Effectiveness(Document):
    """What a channel's spend was worth over time, against what it is worth now."""

    channel: str
    roas: float = Field(description="now, at mean spend")
    mean: Numbers = Field(description="ROAS at mean spend, by period")
    p05: Numbers = Field(description="likewise; the band of 90 %")
    p95: Numbers = Field(description="likewise")


class MarketReport(Document):
    """One fit: a market of its own, or all markets of a panel."""

    market: str | None = None
    dates: tuple[str, ...]
    series: tuple[ResidualSeries, ...]
    parameters: tuple[LearnedParameter, ...]
    pairs: tuple[ChannelPair, ...]
    backtest: BacktestReport
    effectiveness: tuple[Effectiveness, ...] = Field(
        default=(), description="by channel, where effectiveness may drift"
    )


class FitReport(WholeDocument):
    """What lies behind a Model."""

    named: ClassVar[str] = "fit report"

    fit_report: Literal[1] = 1
    history: str = Field(description="sha256 of the history's numbers")
    currency: str | None = None
    period: Literal["day", "week", "month"]
    markets: tuple[MarketReport, ...]

    @classmethod
    def from_dict(cls, content: Any) -> FitReport:
        """A report from plain data; every fault at once as a DocumentError."""
        return parse(cls, content, "fit report")

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return self.model_dump(mode="json", exclude_none=True)
