"""The Model document: a response curve for every channel (and market), with its draws.

A model is fitted, imported or hand-written ("bring your own curves"). Money in a curve is *per
period*: money per period in, revenue per period out, at a steady level of spend.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from itertools import groupby
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from optimizer import adstock, curves
from optimizer.curves import Curve as CurveFamily
from optimizer.curves import DrawCurves, TableCurve, TabulatedDraws
from optimizer.documents import Document, Number, WholeDocument, canonical_hash, parse
from optimizer.recent import Recent

FloatArray = npt.NDArray[np.float64]
Period = Literal["day", "week", "month"]
TABLES_KEPT = 2
MOST_DELAY = 91.0  # periods: no effect is followed for longer than a quarter of a year
LEAST_USUAL_SHARE = 0.02  # of the total: what a channel without history is taken to spend


def _positive(value: float | list[float]) -> float | list[float]:
    numbers = value if isinstance(value, list) else [value]
    if not numbers:
        raise ValueError("is an empty list of draws")
    if not all(0.0 < number <= 1e15 for number in numbers):
        raise ValueError("must be above 0 and at most 1e15, every draw of it")
    return value


def _at_most_one(value: float | list[float]) -> float | list[float]:
    numbers = value if isinstance(value, list) else [value]
    if not all(number <= 1.0 for number in numbers):
        raise ValueError("must be at most 1")
    return value


def _listed(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


Draws = Annotated[Number | list[Number], BeforeValidator(_listed)]
Positive = Annotated[Draws, AfterValidator(_positive)]
Share = Annotated[Positive, AfterValidator(_at_most_one)]
AboveZero = Annotated[Number, Field(gt=0)]


class Hill(Document):
    """ceiling x^slope / (x^slope + half_saturation^slope)."""

    family: Literal["hill"] = "hill"
    ceiling: Positive = Field(description="currency per period; revenue approached as spend grows")
    half_saturation: Positive = Field(
        description="currency per period; spend that earns half of it"
    )
    slope: Positive = Field(description="dimensionless; S-shaped above 1")


class Exponential(Document):
    """ceiling (1 - exp(-rate x))."""

    family: Literal["exponential"] = "exponential"
    ceiling: Positive = Field(description="currency per period")
    rate: Positive = Field(description="1 / (currency per period)")


class Log(Document):
    """scale log(1 + rate x)."""

    family: Literal["log"] = "log"
    scale: Positive = Field(description="currency per period")
    rate: Positive = Field(description="1 / (currency per period)")


class Power(Document):
    """scale x^exponent, exponent at most 1."""

    family: Literal["power"] = "power"
    scale: Positive = Field(description="currency per period at a spend of 1")
    exponent: Share = Field(description="dimensionless, above 0 and at most 1")


class Logistic(Document):
    """ceiling tanh(rate x / 2)."""

    family: Literal["logistic"] = "logistic"
    ceiling: Positive = Field(description="currency per period")
    rate: Positive = Field(description="1 / (currency per period)")


class Table(Document):
    """The monotone cubic (PCHIP) through the points, flat beyond the last."""

    family: Literal["table"] = "table"
    spend: list[Number] = Field(description="currency per period, rising from 0")
    response: list[Number] | list[list[Number]] = Field(
        description="currency per period, rising from 0; a list of lists is one table per draw"
    )

    @property
    def tables(self) -> list[list[float]]:
        """The responses, one list per draw."""
        first = self.response[0] if self.response else 0.0
        return self.response if isinstance(first, list) else [self.response]  # type: ignore[return-value,list-item]

    @model_validator(mode="after")
    def _is_a_curve(self) -> Self:
        spend = np.array(self.spend)
        if spend.size < 2 or spend[0] != 0.0 or not np.all(np.diff(spend) > 0.0):
            raise ValueError("spend must rise from 0 over at least two points")
        for table in self.tables:
            response = np.array(table)
            if response.shape != spend.shape:
                raise ValueError(f"response needs {spend.size} points, as many as spend")
            if response[0] != 0.0 or not np.all(np.diff(response) >= 0.0):
                raise ValueError("response must start at 0 and never fall")
        return self


Curve = Annotated[
    Hill | Exponential | Log | Power | Logistic | Table, Field(discriminator="family")
]


class Carryover(Document):
    """How an effect arrives over later periods: falling from the start, or after a delay.

    Without a delay a share ``retention`` of the effect survives every period. With one, the effect
    peaks ``delay`` periods after the spend, and arrives by retention^((lag - delay)^2), scaled to
    sum to 1 over a quarter of a year.
    """

    retention: Draws = Field(description="0 to 1 per period; with a delay: one period off the peak")
    delay: Draws | None = Field(
        default=None, description="periods until the effect peaks; absent: it falls from the start"
    )

    @property
    def is_delayed(self) -> bool:
        """Whether the effect peaks after a delay."""
        return self.delay is not None

    @property
    def lasting(self) -> float:
        """Mean retention of the geometric carryover that is as late on average."""
        retention = np.atleast_1d(np.asarray(self.retention, dtype=float))
        delay = None if self.delay is None else np.asarray(self.delay, dtype=float)
        if delay is not None:
            retention, delay = np.broadcast_arrays(retention, np.atleast_1d(delay))
        return float(adstock.lasting(retention, int(MOST_DELAY), delay).mean())

    @model_validator(mode="after")
    def _within_range(self) -> Self:
        values = self.retention if isinstance(self.retention, list) else [self.retention]
        if not all(0.0 <= value < 1.0 for value in values):
            raise ValueError("retention must be from 0 to below 1")
        delays = self.delay if isinstance(self.delay, list) else [self.delay or 0.0]
        if not all(0.0 <= value <= MOST_DELAY for value in delays):
            raise ValueError(f"delay must be from 0 to {MOST_DELAY:g} periods")
        return self


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
    recent_spend: list[Annotated[Number, Field(ge=0)]] | None = Field(
        default=None,
        description="currency per period; the history's last periods, oldest first, up to a year",
    )
    curve: Curve
    carryover: Carryover | None = None
    incrementality: tuple[AboveZero, AboveZero] | None = Field(
        default=None,
        description="mean and sd of the factor by which attributed revenue was made incremental; "
        "the curve has it already",
    )


class Diagnostic(Document):
    """One thing the fit has to say about itself: as data, then in words."""

    code: str
    channel: str | None = None
    market: str | None = None
    other: str | None = Field(default=None, description="the other channel of a pair")
    value: float | None = None
    figures: dict[str, float] | None = Field(
        default=None, description="further numbers the message rests on, by name"
    )
    severity: Literal["note", "warning"] = "note"
    message: str


class ResidualNoise(Document):
    """What a fit leaves unexplained of one series, from period to period."""

    channel: str | None = Field(default=None, description="absent: of all revenue together")
    market: str | None = None
    sd: float = Field(ge=0, description="currency per period")
    autocorrelation: float = Field(description="of one period's with the next one's, -1 to 1")


class Evidence(Document):
    """How much better a structure forecasts the second half of a history than the usual one."""

    curve: str
    carryover: str
    difference: float = Field(description="sum of log densities less the first structure's")
    standard_error: float = Field(ge=0, description="of the difference")


class StructureRecord(Document):
    """What a fit took for granted."""

    curve: str
    carryover: str
    baseline: str
    drift: float = Field(ge=0, description="sd of the log of effectiveness, per root week")
    evidence: tuple[Evidence, ...] = Field(
        default=(), description="of the structures it was chosen from; empty: it was stated"
    )


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
        description="channel -> parameter -> (centre, sd); roas, half_saturation, slope and delay "
        "(weeks): median and sd of the log; retention per week and exponent: mean and sd of the "
        "logit"
    )
    structure: StructureRecord | None = Field(
        default=None, description="absent: Hill curves, geometric carryover, a trend and seasons"
    )
    lift_tests: str | None = Field(default=None, description="sha256 of the lift tests")
    noise: tuple[ResidualNoise, ...] = Field(
        default=(), description="what is left unexplained: how well a test can show anything"
    )
    diagnostics: tuple[Diagnostic, ...] = ()


class Model(WholeDocument):
    """Response curves of all channels, one currency, one period length."""

    named: ClassVar[str] = "model"

    model: Literal[1] = 1
    currency: str | None = None
    period: Period = "week"
    counts: Literal["customers"] | None = Field(
        default=None, description="what the curves earn: new customers; absent: revenue"
    )
    channels: list[ModelChannel] = Field(min_length=1)
    fit: FitRecord | None = None

    @classmethod
    def from_dict(cls, content: Any) -> Model:
        """A model from plain data; every fault at once as a DocumentError."""
        return parse(cls, content, "model")

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON; what was left at its default stays out."""
        return self.model_dump(mode="json", exclude_none=True)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        cells = [(entry.channel, entry.market) for entry in self.channels]
        twice = next((cell for cell in cells if cells.count(cell) > 1), None)
        if twice is not None:
            where = f" in market {twice[1]}" if twice[1] else ""
            raise ValueError(f'channel "{twice[0]}"{where} is given twice; keep one')
        if len({entry.market is None for entry in self.channels}) > 1:
            raise ValueError("some channels name a market and some do not; name it for all")
        counts = {len(draws) for entry in self.channels for draws in _draw_lists(entry.curve)}
        if len(counts) > 1:
            raise ValueError(f"lists of draws differ in length: {sorted(counts)}; make them equal")
        return self

    def __repr__(self) -> str:
        made = f"fitted to {self.fit.n_periods} periods" if self.fit else "stated"
        return (
            f"Model({', '.join(self.names)}; {made}, per {self.period}, "
            f"{self.n_draws} draws, currency {self.currency})"
        )

    __str__ = __repr__

    @cached_property
    def content_hash(self) -> str:
        """``sha256:`` of the document."""
        return canonical_hash(self)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Channel names in order, each once."""
        return tuple(dict.fromkeys(entry.channel for entry in self.channels))

    @cached_property
    def n_draws(self) -> int:
        """Draws per parameter; 1 where no parameter is a list."""
        lists = (draws for entry in self.channels for draws in _draw_lists(entry.curve))
        return len(next(lists, [0.0]))

    @cached_property
    def point_curves(self) -> CurveFamily:
        """All cells' curves, per period, of a model without draws."""
        entries = sorted(enumerate(self.channels), key=lambda pair: pair[1].curve.family)
        groups = []
        for _, members in groupby(entries, key=lambda pair: pair[1].curve.family):
            places, group = zip(*members, strict=True)
            groups.append((places, _family([entry.curve for entry in group], 1)))
        return curves.mixed(groups)

    @cached_property
    def draw_curves(self) -> DrawCurves:
        """All cells' draws, per period."""
        return DrawCurves(tuple(_family([c.curve], self.n_draws) for c in self.channels))

    def response(self, spend: FloatArray) -> FloatArray:
        """Revenue per period (N, n) at a spend per period (n,), one row per draw."""
        if self.n_draws == 1:
            return self.point_curves.value(spend)[None]
        return self.draw_curves.value(spend)

    def marginal_response(self, spend: FloatArray) -> FloatArray:
        """Revenue of the next unit of spend (N, n) at a spend per period (n,)."""
        if self.n_draws == 1:
            return self.point_curves.marginal(spend)[None]
        return self.draw_curves.marginal(spend)

    def tabulated(self, largest: FloatArray) -> TabulatedDraws:
        """All draws tabulated from 0 to at least the largest spend (n,), per period.

        The reach is a power of two of each cell's usual spend, so that a question has the same
        answer whatever was asked before; the tables last used are kept.
        """
        doublings = math.ceil(math.log2(max(float((largest / self._usual_spend).max()), 1e-12)))
        reach = self._usual_spend * 2.0**doublings
        return self._tables.get(doublings, lambda: self.draw_curves.tabulated(reach).with_mean())

    @cached_property
    def _tables(self) -> Recent[TabulatedDraws]:
        return Recent(TABLES_KEPT)

    @cached_property
    def _usual_spend(self) -> FloatArray:
        """A spend per period (n,) above 0: last year's, at least a share of the total."""
        spend = np.array([entry.history_spend_per_period or 0.0 for entry in self.channels])
        total = float(spend.sum())
        return np.asarray(np.maximum(spend, LEAST_USUAL_SHARE * total if total > 0.0 else 1.0))


def _draw_lists(curve: Curve) -> list[list[Any]]:
    """The lists of draws among a curve's parameters."""
    if isinstance(curve, Table):
        return [curve.response] if isinstance(curve.response[0], list) else []
    values = (getattr(curve, name) for name in type(curve).model_fields if name != "family")
    return [value for value in values if isinstance(value, list)]


def _family(members: Sequence[Curve], n_draws: int) -> CurveFamily:
    """One family's curves: a cell per member, or a cell per draw of the only member."""
    first = members[0]
    if isinstance(first, Table):
        stated = [(m.spend, table) for m in members if isinstance(m, Table) for table in m.tables]
        return TableCurve.through(stated * (n_draws if len(stated) < n_draws else 1))
    names = [name for name in type(first).model_fields if name != "family"]
    columns = {name: _column([getattr(m, name) for m in members], n_draws) for name in names}
    if isinstance(first, Hill) and np.all(columns["slope"] == 1.0):
        return curves.MichaelisMentenCurve(**columns)
    family: CurveFamily = FAMILIES[first.family](**columns)
    return family


def _column(values: Sequence[Any], n_draws: int) -> FloatArray:
    """Parameters side by side: members of one draw, or draws of one member."""
    if n_draws == 1:
        return np.array([value[0] if isinstance(value, list) else value for value in values])
    return np.broadcast_to(np.asarray(values[0], dtype=float), (n_draws,)).copy()


FAMILIES: dict[str, Any] = {
    "hill": curves.HillCurve,
    "exponential": curves.ExponentialCurve,
    "log": curves.LogCurve,
    "power": curves.PowerCurve,
    "logistic": curves.LogisticCurve,
}
