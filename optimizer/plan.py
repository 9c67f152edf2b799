"""plan() and what_if(): from a model and a scenario to the Plan document.

Every number of a plan comes from the same draws: response, ROMI, intervals, uplift. A what-if of
a plan's own split therefore returns the plan's own numbers.
"""

from __future__ import annotations

import calendar
import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from optimizer import economics
from optimizer.allocation import Allocation, allocate
from optimizer.cells import PlanWarning, Question, ask, stated_split
from optimizer.documents import Document, parse
from optimizer.errors import DocumentError, Fault, nearest
from optimizer.model import Model
from optimizer.notices import plan_warnings
from optimizer.plan_document import (
    AllocationRow,
    Binding,
    CertificateOut,
    Interval,
    Plan,
    Provenance,
    ShadowPrice,
    Totals,
    Uplift,
)
from optimizer.scenario import Scenario
from optimizer.version import VERSION

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Outcome:
    """What a split (n,) brings under every draw, whole plan, currency."""

    question: Question
    spend: FloatArray

    @cached_property
    def periods(self) -> int:
        return self.question.scenario.periods

    @cached_property
    def total(self) -> float:
        total = math.fsum(self.spend)
        whole = round(total, 2)  # cents add up to cents; binary sums may miss by a last digit
        return whole if abs(total - whole) <= 1e-12 * total else total

    @cached_property
    def current(self) -> FloatArray:
        """The current split (n,) scaled to this split's total."""
        return self.question.scaled_current(self.total)

    @cached_property
    def revenue(self) -> FloatArray:
        """(N, n)"""
        return self.question.model.response(self.spend / self.periods) * self.periods

    @cached_property
    def marginal(self) -> FloatArray:
        """(N, n): revenue of the next unit of spend."""
        return self.question.model.marginal_response(self.spend / self.periods)

    def uplift(self) -> Uplift:
        """Gain over the current split, in revenue or in profit."""
        before = self.question.model.response(self.current / self.periods) * self.periods
        value = self.question.value_per_revenue
        gain = np.asarray((self.revenue - before) @ value)
        if np.all(np.abs(self.spend - self.current) <= self.question.scenario.lot):
            gain = np.zeros_like(gain)
        interval = Interval.of(gain)
        certain = gain.size == 1 or not np.any(gain)
        probability = None if certain else float(np.mean(gain > 0.0))
        return Uplift(**interval.model_dump(), probability_positive=probability)

    def totals(self) -> Totals:
        revenue = self.revenue.sum(axis=1)
        profit = np.asarray(self.revenue @ self.question.margin) - self.total
        ratio = Interval.of(profit / self.total) if self.total > 0.0 else Interval(mean=None)
        return Totals(
            spend=self.total,
            revenue=Interval.of(revenue),
            profit=Interval.of(profit),
            romi=ratio,
            uplift=self.uplift(),
        )

    @cached_property
    def rows(self) -> tuple[AllocationRow, ...]:
        intervals = Interval.each(self.revenue)
        return tuple(self._row(i, response) for i, response in enumerate(intervals))

    def _row(self, i: int, response: Interval) -> AllocationRow:
        entry, spend, now = self.question.model.channels[i], self.spend[i], self.current[i]
        margin = self.question.margin[i]
        marginal = float(self.marginal[:, i].mean())
        return AllocationRow(
            channel=entry.channel,
            market=entry.market,
            spend=float(spend),
            per_period=float(spend / self.periods),
            share=float(spend / self.total) if self.total > 0.0 else 0.0,
            current_spend=float(now),
            change=float(spend / now - 1.0) if now > 0.0 else None,
            response=response,
            romi=economics.romi(margin * response.mean, spend),
            marginal_romi=float(economics.marginal_romi(margin, marginal))
            if np.isfinite(marginal)
            else None,
            binding=self._binding(i),
        )

    def _binding(self, i: int) -> Binding | None:
        lower, upper, kinds = self.question.limits
        if kinds[i] != "free":
            return kinds[i]  # type: ignore[return-value]
        near = 0.5 * self.question.scenario.lot
        if self.spend[i] <= lower[i] + near:
            return "minimum"
        return "maximum" if self.spend[i] >= upper[i] - near else None


def plan(model: Model, scenario: Scenario) -> Plan:
    """The best split of the scenario's budget, with its doubt and its proof.

    Parameters
    ----------
    model : Model
        Fitted, imported or hand-written curves.
    scenario : Scenario
        Its own ``history`` and ``model`` keys are not read: the model given here wins.

    Returns
    -------
    Plan

    Raises
    ------
    DocumentError
        If the scenario names unknown channels or contradicts itself.
    NotBuiltError
        If it states a key whose mathematics is not built yet.
    InfeasibleError
        If no split satisfies every constraint.

    Examples
    --------
    >>> tv = {"family": "hill", "ceiling": 900.0, "half_saturation": 400.0, "slope": 1.0}
    >>> radio = {"family": "log", "scale": 100.0, "rate": 0.02}
    >>> model = Model.from_dict({"channels": [
    ...     {"channel": "tv", "history_spend_per_period": 300.0, "curve": tv},
    ...     {"channel": "radio", "history_spend_per_period": 300.0, "curve": radio}]})
    >>> plan(model, Scenario(periods=10, budget=6000.0)).split
    {'tv': 4495.28, 'radio': 1504.72}
    """
    question = ask(model, scenario)
    found = allocate(question.problem())
    outcome = _Outcome(question, found.spend)
    return _document(question, outcome, found)


def what_if(
    model: Model, scenario: Scenario, split: Mapping[str, float | dict[str, float]] | Plan
) -> Plan:
    """What a given split would bring: the same numbers as a plan, without a certificate.

    Parameters
    ----------
    model : Model
    scenario : Scenario
    split : mapping of channel to money, or to a mapping of market to money; or a Plan
        Whole-plan currency. A channel not named keeps its current spend, with a warning.

    Raises
    ------
    DocumentError
        If the split names unknown channels or markets, or holds no valid money.
    """
    question = ask(model, scenario)
    spend, kept = _given_split(question, split.split if isinstance(split, Plan) else split)
    outcome = _Outcome(question, spend)
    return _document(question, outcome, None, kept)


def _given_split(
    question: Question, split: Mapping[str, float | dict[str, float]]
) -> tuple[FloatArray, tuple[PlanWarning, ...]]:
    model = question.model
    stated = parse(_Split, {"split": dict(split)}, "split").split
    unknown = [name for name in stated if name not in model.names]
    if unknown:
        text = f'unknown channel "{unknown[0]}"; {nearest(unknown[0], model.names)}'
        raise DocumentError("split", (Fault(f"/{unknown[0]}", text),))
    for channel, money in stated.items():
        markets = [str(c.market) for c in model.channels if c.channel == channel]
        strange = [
            name for name in (money if isinstance(money, dict) else ()) if name not in markets
        ]
        if strange:
            text = f'unknown market "{strange[0]}"; {nearest(strange[0], markets)}'
            raise DocumentError("split", (Fault(f"/{channel}/{strange[0]}", text),))
    spend = stated_split(model, stated)
    missing = [name for name in model.names if name not in stated]
    keep = np.array([entry.channel in missing for entry in model.channels])
    spend = np.where(keep, np.round(question.reference, 2), spend)
    if spend.sum() <= 0.0:
        raise DocumentError(
            "split", (Fault("", "spends nothing; give at least one channel money"),)
        )
    message = f"The split does not name {', '.join(missing)}: kept at the current spend."
    return spend, (PlanWarning(code="kept_at_current", message=message),) if missing else ()


class _Split(Document):
    split: dict[
        str,
        Annotated[float, Field(ge=0, le=1e13)] | dict[str, Annotated[float, Field(ge=0, le=1e13)]],
    ]


def _document(
    question: Question,
    outcome: _Outcome,
    found: Allocation | None,
    extra: tuple[PlanWarning, ...] = (),
) -> Plan:
    scenario, model = question.scenario, question.model
    return Plan(
        name=scenario.name,
        currency=scenario.currency or model.currency,
        periods=scenario.periods,
        period=model.period,
        start=scenario.start or _next_period(model),
        objective=scenario.objective,
        caution=scenario.caution,
        route=found.route.value if found else "given",
        rows=outcome.rows,
        totals=outcome.totals(),
        certificate=_certificate(found) if found else None,
        shadow_prices=_shadow_prices(question, outcome, found) if found else (),
        warnings=(*question.warnings, *extra, *plan_warnings(question, outcome.spend, found)),
        provenance=Provenance(
            romi=VERSION,
            model=model.content_hash,
            scenario=scenario.content_hash,
            seed=scenario.seed,
        ),
    )


def _certificate(found: Allocation) -> CertificateOut:
    proof = found.certificate
    return CertificateOut(
        value=proof.value,
        upper_bound=proof.upper_bound,
        gap=proof.gap,
        nodes=proof.nodes,
        rounding_loss=found.rounding_loss,
        statement=proof.statement,
    )


def _shadow_prices(
    question: Question, outcome: _Outcome, found: Allocation
) -> tuple[ShadowPrice, ...]:
    """What one more unit of the budget, and of every limit that binds, is worth."""
    if found.price is None:
        return ()
    currency = question.scenario.currency or question.model.currency
    one, of = currency or "unit", f" {currency}" if currency else ""
    money = "margin" if question.counts_profit else "revenue"
    charge = 1.0 if question.counts_profit else 0.0
    worth = f"one more {one} of budget, limits held, earns {found.price:,.2f}{of} of {money}"
    prices = [ShadowPrice(constraint="budget", price=found.price - charge, statement=worth)]
    marginal = found.marginal_gain
    for row, name, gain in zip(outcome.rows, question.names, marginal, strict=True):
        if row.binding not in ("minimum", "maximum"):
            continue
        is_top = row.binding == "maximum"
        step = max(gain - found.price if is_top else found.price - gain, 0.0)
        change = "raising the maximum" if is_top else "lowering the minimum"
        statement = f"{change} of {name} by one {one} gains {step:,.2f}{of}"
        prices.append(
            ShadowPrice(constraint=f"{name} {row.binding}", price=float(step), statement=statement)
        )
    return tuple(prices)


def _next_period(model: Model) -> dt.date | None:
    """The first period after the history; None for a model without one."""
    if model.fit is None:
        return None
    last = dt.date.fromisoformat(model.fit.last_date)
    if model.period != "month":
        return last + dt.timedelta(days=7 if model.period == "week" else 1)
    year, month = divmod(12 * last.year + last.month, 12)
    return dt.date(year, month + 1, min(last.day, calendar.monthrange(year, month + 1)[1]))
