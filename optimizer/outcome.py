"""What a split brings under every draw: response, ROMI, intervals, uplift, all from one set.

A what-if of a plan's own split therefore returns the plan's own numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from optimizer import economics
from optimizer.cells import Question
from optimizer.errors import InfeasibleError
from optimizer.plan_document import AllocationRow, Binding, Interval, Totals, Uplift
from optimizer.timing import Outcome as TimedOutcome
from optimizer.timing import evaluate

FloatArray = npt.NDArray[np.float64]
JUST_SHORT = 1e-6  # of a marginal ROMI: what the last unit may miss it by


@dataclass(frozen=True)
class Outcome:
    """What a split (n,) brings under every draw, whole plan, currency."""

    question: Question
    spend: FloatArray
    timed: TimedOutcome | None = None  # by period, where periods are sought too

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
        """The current split (n,), scaled to this split's total where the budget is fixed."""
        return self.question.scaled_current(self.total)

    @cached_property
    def revenue(self) -> FloatArray:
        """(N, n)"""
        if self.timed is not None:
            return self.timed.by_cell
        return self.question.model.response(self.spend / self.periods) * self.periods

    @cached_property
    def before(self) -> FloatArray:
        """Revenue (N, n) of the current split."""
        timing = self.question.timing
        if self.timed is not None and timing is not None:
            even = np.repeat(self.current[:, None] / self.periods, self.periods, axis=1)
            return evaluate(timing, even).by_cell
        return self.question.model.response(self.current / self.periods) * self.periods

    @cached_property
    def marginal(self) -> FloatArray:
        """Mean revenue (n,) of the next unit of spend."""
        each = self.question.model.marginal_response(self.spend / self.periods)
        return np.asarray(each.mean(axis=0))

    @cached_property
    def marginal_romi(self) -> FloatArray:
        """Mean (n,) of the next unit of spend."""
        return np.asarray(economics.marginal_romi(self.question.margin, self.marginal))

    @cached_property
    def gain(self) -> FloatArray:
        """Gain (N,) over the current split, in the objective's money."""
        if np.all(np.abs(self.spend - self.current) <= self.question.scenario.lot):
            return np.zeros(len(self.revenue))
        gain = np.asarray((self.revenue - self.before) @ self._worth)
        if self.question.scenario.objective != "profit":
            return gain
        return gain - (self.total - float(self.current.sum()))

    @property
    def _worth(self) -> FloatArray:
        """What a unit of response (n,) counts in the uplift."""
        objective = self.question.scenario.objective
        counts = objective in ("profit", "customer_value")
        return self.question.margin if counts else np.ones(self.spend.size)

    @cached_property
    def _intervals(self) -> list[Interval]:
        """Of every cell's revenue, then of revenue, profit, ROMI and uplift: quantiles at once."""
        revenue = self.revenue.sum(axis=1)
        profit = self.revenue @ self.question.margin - self.total
        romi = profit / (self.total or 1.0)
        return Interval.each(np.column_stack([self.revenue, revenue, profit, romi, self.gain]))

    def totals(self) -> Totals:
        revenue, profit, romi, gain = self._intervals[-4:]
        certain = self.gain.size == 1 or not np.any(self.gain)
        uplift = Uplift.model_construct(
            mean=gain.mean,
            p05=gain.p05,
            p95=gain.p95,
            probability_positive=None if certain else float(np.mean(self.gain > 0.0)),
        )
        return Totals.model_construct(
            spend=self.total,
            revenue=revenue,
            profit=profit,
            romi=romi if self.total > 0.0 else Interval(mean=None),
            uplift=uplift,
        )

    @cached_property
    def rows(self) -> tuple[AllocationRow, ...]:
        numbers = zip(
            self.question.model.channels,
            self._intervals,
            self.spend.tolist(),
            self.current.tolist(),
            self.question.margin.tolist(),
            self.marginal_romi.tolist(),
            self._bindings,
            strict=False,
        )
        return tuple(
            AllocationRow.model_construct(
                channel=entry.channel,
                market=entry.market,
                spend=spend,
                per_period=spend / self.periods,
                share=spend / self.total if self.total > 0.0 else 0.0,
                current_spend=now,
                change=spend / now - 1.0 if now > 0.0 else None,
                response=response,
                romi=_romi(margin * (response.mean or 0.0), spend),
                marginal_romi=marginal if math.isfinite(marginal) else None,
                binding=binding,
            )
            for entry, response, spend, now, margin, marginal, binding in numbers
        )

    @cached_property
    def _bindings(self) -> list[Binding | None]:
        """The limit each cell's spend rests on; one that a given split breaks is none."""
        limits, near = self.question.limits, 0.5 * self.question.scenario.lot
        is_off = limits.optional & (self.spend <= near)
        at_least = (np.abs(self.spend - limits.lower) <= near) & ~is_off
        at_most = (np.abs(self.spend - limits.upper) <= near) & ~is_off
        return [
            kind if kind != "free" else "minimum" if low else "maximum" if high else None
            for kind, low, high in zip(limits.kinds, at_least, at_most, strict=True)
        ]

    @property
    def last_unit(self) -> float | None:
        """Marginal ROMI of the last unit of the total: what cells off their limits share.

        Where none is off its limits, the least of those that could give money up; None where none
        could.
        """
        limits, lot = self.question.limits, self.question.scenario.lot
        could_give = self.spend > limits.lower + lot
        inside = could_give & (self.spend < limits.upper - lot)
        if inside.any():
            return float(np.median(self.marginal_romi[inside]))
        return float(self.marginal_romi[could_give].min()) if could_give.any() else None

    def check_last_unit(self) -> None:
        """Refuse a split whose last unit of spend earns less than the scenario asks.

        Raises
        ------
        InfeasibleError
        """
        question, asked, earned = self.question, self.question.least_marginal_romi, self.last_unit
        if asked is None or earned is None or earned >= asked - JUST_SHORT * (1.0 + abs(asked)):
            return
        if not question.is_fixed and question.cost_per_spend >= 1.0 + asked:
            return  # it was charged: what remains is forced by limits
        wanted = f"a marginal ROMI of at least {asked:g} (the last unit earns {earned:.3f})"
        advice = "Lower the budget, or make it free or {min, max} so that the plan stops there."
        raise InfeasibleError(question.budget, (wanted,), advice)


def _romi(earned: float, spend: float) -> float | None:
    return None if spend <= 0.0 else float(economics.romi(earned, spend) or 0.0)
