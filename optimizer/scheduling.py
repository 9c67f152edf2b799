"""A plan by period: how the scenario's schedule spreads a split, and what it then earns.

Under the patterns even and history the split is decided by the steady reading and only told by
period here. Under the pattern optimised totals and periods are sought together; where the scenario
also states rules that couple channels, the totals come first and the periods within them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.allocation.problem import in_money
from optimizer.allocation.schedule_proof import ScheduleCertificate
from optimizer.cells import PlanWarning, Question
from optimizer.model import Diagnostic
from optimizer.plan_document import CellSchedule, Interval, ScheduleOut
from optimizer.timing import Aim, Outcome, evaluate, schedule

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Timetable:
    """A split by period, what it earns so, and what has to be said about it."""

    spend: FloatArray  # (n, T), currency per period, whole lots
    outcome: Outcome
    notes: tuple[Diagnostic, ...]
    certificate: ScheduleCertificate | None = None  # where totals and periods were sought together
    route: str = ""
    rounding_loss: float = 0.0  # of the objective, currency

    def totals(self, lot: float) -> FloatArray:
        """Spend (n,) over all periods, whole lots."""
        return in_money(np.round(self.spend.sum(axis=1) / lot), lot)

    def document(self, question: Question) -> ScheduleOut:
        """The timetable as the plan holds it."""
        timing = question.timing
        rows = tuple(
            CellSchedule.model_construct(
                channel=entry.channel, market=entry.market, spend=tuple(periods)
            )
            for entry, periods in zip(question.model.channels, self.spend.tolist(), strict=True)
        )
        return ScheduleOut(
            pattern=question.scenario.schedule.pattern,
            dates=timing.calendar.dates if timing else None,
            rows=rows,
            revenue=tuple(Interval.each(self.outcome.by_period)),
            after_end=Interval.of(self.outcome.after_end),
            difference=self.outcome.difference,
        )

    def warnings(self) -> Iterator[PlanWarning]:
        """What the schedule's readings have to say."""
        for note in self.notes:
            yield PlanWarning(
                code=note.code, channel=note.channel, market=note.market, message=note.message
            )


def decides_totals(question: Question) -> bool:
    """Whether the schedule's own search can decide the totals: nothing couples cells but the
    budget."""
    has_rules = (
        question.rows is not None
        or bool(question.targets)
        or bool(question.counts)
        or question.most_moved is not None
        or bool(question.limits.optional.any())
        or question.scenario.risk is not None
    )
    additive = question.scenario.objective in ("revenue", "profit", "customer_value")
    return question.is_optimised and additive and not has_rules


def best_timetable(question: Question) -> Timetable:
    """Totals and periods sought together.

    Raises
    ------
    InfeasibleError
        If no schedule keeps to every limit.
    """
    least, most = question.span or (question.budget, question.budget)
    return _sought(question, question.limits.lower, question.limits.upper, least, most)


def timetable(question: Question, spend: FloatArray) -> Timetable | None:
    """A given split (n,) by period; None for an even schedule without rules."""
    timing = question.timing
    if timing is None:
        return None
    if question.is_optimised:
        total = float(spend.sum())
        return _sought(question, spend, spend, total, total)
    by_period = timing.spread(spend)
    return Timetable(by_period, evaluate(timing, by_period), timing.notes)


def _sought(
    question: Question, lower: FloatArray, upper: FloatArray, least: float, most: float
) -> Timetable:
    """The best spend by period within limits (n,) on totals."""
    aim = Aim(
        lower=lower,
        upper=upper,
        least_total=least,
        most_total=most,
        value_per_revenue=question.value_per_revenue,
        cost_per_spend=question.cost_per_spend,
        reference=question.reference,
    )
    found = schedule(question.model, question.scenario, aim)
    return Timetable(
        found.spend,
        found.outcome,
        found.notes,
        found.certificate,
        found.route,
        found.rounding_loss,
    )
