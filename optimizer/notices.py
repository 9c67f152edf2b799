"""What a planner should know before acting on a plan, in plain words."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from optimizer.allocation import Allocation
from optimizer.cells import PlanWarning, Question
from optimizer.model import Table

FloatArray = npt.NDArray[np.float64]
PROMISED_GAP = {"price search": 1e-6, "branch and bound": 1e-6, "bundle over draws": 1e-5}
NOTICEABLE_ROUNDING = 1e-6  # of the value


def plan_warnings(
    question: Question, spend: FloatArray, found: Allocation | None
) -> Iterator[PlanWarning]:
    """Every warning a split (n,) deserves; ``found`` is None for a what-if."""
    yield from _from_the_fit(question)
    yield from _beyond_what_was_seen(question, spend)
    if question.model.n_draws == 1:
        yield PlanWarning(
            code="no_draws",
            message="The model has no draws: intervals and probabilities are missing and caution "
            "counts as 0.",
        )
    if found is None:
        yield from _broken_rules(question, spend)
    else:
        yield from _about_the_answer(question, found)


def _from_the_fit(question: Question) -> Iterator[PlanWarning]:
    fit = question.model.fit
    for note in fit.diagnostics if fit else ():
        if note.severity == "warning":
            yield PlanWarning(
                code=note.code, channel=note.channel, market=note.market, message=note.message
            )


def _beyond_what_was_seen(question: Question, spend: FloatArray) -> Iterator[PlanWarning]:
    periods, period = question.scenario.periods, question.model.period
    for entry, name, money in zip(question.model.channels, question.names, spend, strict=True):
        per_period, seen = money / periods, entry.history_largest_spend
        if seen and per_period > seen * (1.0 + 1e-9):
            yield PlanWarning(
                code="beyond_data",
                channel=entry.channel,
                market=entry.market,
                message=f"{name} gets {per_period:,.0f} a {period}, {per_period / seen:.1f} times "
                f"the most it ever got ({seen:,.0f}): there the curve is a guess.",
            )
        if isinstance(entry.curve, Table) and per_period > entry.curve.spend[-1]:
            yield PlanWarning(
                code="beyond_table",
                channel=entry.channel,
                market=entry.market,
                message=f"{name} gets {per_period:,.0f} a {period}, beyond the last point of its "
                f"table ({entry.curve.spend[-1]:,.0f}); from there on it is taken as flat.",
            )


def _broken_rules(question: Question, spend: FloatArray) -> Iterator[PlanWarning]:
    scenario = question.scenario
    if abs(float(spend.sum()) - question.budget) > 0.5 * scenario.lot:
        yield PlanWarning(
            code="off_budget",
            message=f"The split spends {spend.sum():,.2f}; the scenario's budget is "
            f"{question.budget:,.2f}. The current split is scaled to what the split spends.",
        )
    lower, upper, _ = question.limits
    cells = zip(question.model.channels, question.names, spend, lower, upper, strict=True)
    for entry, name, money, low, high in cells:
        if not low - 0.5 * scenario.lot <= money <= high + 0.5 * scenario.lot:
            yield PlanWarning(
                code="outside_limits",
                channel=entry.channel,
                market=entry.market,
                message=f"{name} gets {money:,.2f}; the scenario allows {low:,.2f} to {high:,.2f}.",
            )


def _about_the_answer(question: Question, found: Allocation) -> Iterator[PlanWarning]:
    if found.is_fallback:
        yield PlanWarning(code="keep_current", message=_kept(question, found))
    gap = found.certificate.gap
    if gap > PROMISED_GAP[found.route.value]:
        yield PlanWarning(
            code="gap",
            message=f"The proof leaves {100.0 * gap:.4f} % open: a split that much better may be "
            "there.",
        )
    earned = max(abs(found.certificate.value), 1e-300)
    if found.rounding_loss > NOTICEABLE_ROUNDING * earned:
        yield PlanWarning(
            code="coarse_money",
            message=f"Rounding to {question.scenario.lot:g} gives up "
            f"{100.0 * found.rounding_loss / earned:.4f} % of the value: the budget is small "
            "against its smallest unit.",
        )


def _kept(question: Question, found: Allocation) -> str:
    lot = question.scenario.lot
    if np.all(np.abs(found.spend - question.reference) <= lot):
        return "No split is clearly better than the current one: the plan keeps it."
    lower, upper, _ = question.limits
    if np.all(upper - lower <= lot) or abs(upper.sum() - lower.sum()) <= lot:
        return "The limits leave one split only: the plan is that one."
    return (
        "The limits do not allow the current split, and no split they allow is clearly better "
        "than the one nearest to it: the plan is that one."
    )
