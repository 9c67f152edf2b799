"""The budget that is enough where limits follow it.

Multiples, changes, shares and the money moved are of the budget: another budget moves them too.
What an allocation problem says of its own total holds for limits that stay; here the total is
sought again with limits that follow.
"""

from __future__ import annotations

import re
from dataclasses import replace

from optimizer.allocation.conflicts import check
from optimizer.allocation.limits import amount
from optimizer.cells import Question
from optimizer.errors import InfeasibleError, Relaxation
from optimizer.limits import rounded_down, rounded_up

OF_THE_BUDGET = re.compile(r"budget at (?:most|least) .*")
WAY = re.compile(r"(raise|lower) the budget by [\d,.]+\d to [\d,.]+\d", re.IGNORECASE)
ROUNDS = 20
HALVINGS = 60


def with_enough_budget(question: Question, error: InfeasibleError) -> InfeasibleError:
    """The same error, its way out by the budget as large as it has to be, or left out.

    Parameters
    ----------
    question : Question
        With a fixed total.
    error : InfeasibleError
        What its allocation problem said.
    """
    way = _by_the_budget(error)
    if way is None or not question.is_fixed or any("target" in name for name in error.conflicts):
        return error
    enough = _enough(question, way)
    others = tuple(one for one in error.relaxations if one is not way)
    if enough is None:
        return _told(error, others, None)
    by = abs(enough - question.budget)
    ways = sorted((*others, replace(way, by=by)), key=lambda one: one.by)
    return _told(error, tuple(ways), f"by {amount(by)} to {amount(enough)}")


def _by_the_budget(error: InfeasibleError) -> Relaxation | None:
    named = (one for one in error.relaxations if OF_THE_BUDGET.fullmatch(one.name))
    return next((one for one in named if one.is_enough), None)


def _enough(question: Question, way: Relaxation) -> float | None:
    """The budget nearest to the stated one that holds every limit; None where none is found."""
    sign = 1.0 if way.name.startswith("budget at most") else -1.0
    lot, rounded = question.scenario.lot, rounded_up if sign > 0.0 else rounded_down
    missed, asked, step = question.budget, way.by, way.by
    for _ in range(ROUNDS):
        budget = rounded(missed + sign * max(step, lot), lot)
        if budget <= 0.0:
            return None
        left = _missing(question, budget, way.name)
        if left is None:
            return None
        if left == 0.0:
            return _nearest(question, missed, budget, way.name)
        share = left / asked  # of what was given that the limits took back, following the budget
        if share >= 1.0:
            return None
        missed, asked, step = budget, left, left / (1.0 - share)
    return None


def _missing(question: Question, budget: float, name: str) -> float | None:
    """How far another budget still is from enough; None where it cannot end the conflict."""
    try:
        check(question.at(budget).problem())
    except InfeasibleError as error:
        way = _by_the_budget(error)
        same = way is not None and way.name.split()[:3] == name.split()[:3]
        return way.by if way is not None and same else None
    return 0.0


def _nearest(question: Question, missed: float, enough: float, name: str) -> float:
    """The nearest of the budgets between one that is not enough and one that is."""
    for _ in range(HALVINGS):
        middle = rounded_up((missed + enough) / 2.0, question.scenario.lot)
        if middle in (missed, enough):
            break
        if _missing(question, middle, name) == 0.0:
            enough = middle
        else:
            missed = middle
    return enough


def _told(
    error: InfeasibleError, ways: tuple[Relaxation, ...], change: str | None
) -> InfeasibleError:
    """The error with its advice said anew."""
    if change is not None:
        advice = WAY.sub(lambda found: f"{found[1]} the budget {change}", error.advice)
    else:
        rest = [one for one in error.advice.rstrip(".").split(" or ") if not WAY.fullmatch(one)]
        advice = " or ".join(rest) or "Change the limits: no budget alone lets them hold"
        advice = f"{advice[:1].upper()}{advice[1:]}."
    return InfeasibleError(error.total_budget, error.conflicts, advice, ways)
