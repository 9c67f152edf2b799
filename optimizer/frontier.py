"""frontier(): the best plan of every budget in a range, and the budget where profit peaks.

Each point is the plan of its own budget: limits stated as multiples follow the budget, limits
stated in money do not. The marginal ROMI is the slope of mean profit along these plans. Splits
x(B) move with the budget B at a rate t, so it is sum_i m_i E[f_i'(x_i)] t_i - 1; as t is taken
from the neighbouring splits, the slope is kept between the chords of profit to either side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from optimizer.allocation import Allocation, allocate
from optimizer.allocation.conflicts import check
from optimizer.allocation.problem import in_money
from optimizer.cells import PlanWarning, Question, ask
from optimizer.documents import LARGEST_MONEY
from optimizer.errors import DocumentError, Fault, InfeasibleError
from optimizer.frontier_document import Cell, Frontier, FrontierPoint
from optimizer.model import Model
from optimizer.outcome import Outcome
from optimizer.plan_document import Interval
from optimizer.scenario import Scenario
from optimizer.scheduling import best_timetable, decides_totals, timetable

FloatArray = npt.NDArray[np.float64]
POINTS = 50
MOST_POINTS = 1000
AROUND = (0.5, 1.5)  # times the budget: the ends where none are stated
NEAR_ENOUGH = 1e-5  # of the budget: how closely the break-even is found
REFINEMENTS = 8


@dataclass(frozen=True)
class Solved:
    """One budget's best split and what it brings."""

    outcome: Outcome
    value: float  # level of what was maximised, currency
    gap: float
    shadow_price: float | None  # of the budget; None where there is no room for more
    found: Allocation | None  # None where a schedule was sought

    @property
    def budget(self) -> float:
        return self.outcome.question.budget

    @property
    def spend(self) -> FloatArray:
        """(n,), currency"""
        return self.outcome.spend

    @cached_property
    def revenue(self) -> FloatArray:
        """(N,)"""
        return np.asarray(self.outcome.revenue.sum(axis=1))

    @cached_property
    def profit(self) -> FloatArray:
        """(N,)"""
        return np.asarray(self.outcome.revenue @ self.outcome.question.margin) - self.outcome.total


@dataclass
class Sweep:
    """One question asked at many budgets, each search starting from the answer before it.

    Budgets without an answer are remembered.
    """

    question: Question
    last: Allocation | None = None
    refused: list[InfeasibleError] = field(default_factory=list)

    def at(self, budget: float) -> Solved | None:
        """The best split of a budget; None where there is none."""
        try:
            answer = solved(self.question.at(budget), self.last)
        except InfeasibleError as error:
            self.refused.append(error)
            return None
        self.last = answer.found
        return answer


def solved(question: Question, start: Allocation | None = None) -> Solved:
    """The best split of a question, the search starting from that of a similar one.

    Raises
    ------
    InfeasibleError
        If it has none.
    """
    if decides_totals(question):
        times = best_timetable(question)
        outcome = Outcome(question, times.totals(question.scenario.lot), times.outcome)
        outcome.check_last_unit()
        proof = times.certificate
        assert proof is not None, "a schedule that was sought carries its proof"
        return Solved(outcome, proof.value, proof.gap, None, None)
    problem = question.problem()
    found = allocate(problem, start)
    times_told = timetable(question, found.spend) if question.is_optimised else None
    outcome = Outcome(question, found.spend, times_told.outcome if times_told else None)
    price = None if found.price is None else found.price - problem.cost_per_spend
    proved = found.certificate
    outcome.check_last_unit()
    return Solved(outcome, proved.value, proved.gap, price, found)


def frontier(
    model: Model,
    scenario: Scenario,
    *,
    points: int = POINTS,
    least: float | None = None,
    most: float | None = None,
) -> Frontier:
    """The best plan of every budget in a range, and the budget where profit peaks.

    Parameters
    ----------
    model : Model
    scenario : Scenario
        Its budget is one of the points where it lies within the ends.
    points : int
        Budgets, evenly spaced.
    least, most : float, optional
        The ends, currency, whole plan; the scenario's own where it states a range, else 0.5 and
        1.5 times its budget, as far as its limits allow.

    Returns
    -------
    Frontier

    Raises
    ------
    DocumentError
        If the scenario has faults, or the ends do.
    InfeasibleError
        If not even two of the budgets have a plan.

    Examples
    --------
    >>> curve = {"family": "log", "scale": 100.0, "rate": 0.1}
    >>> model = Model.from_dict({"channels": [
    ...     {"channel": "tv", "history_spend_per_period": 60.0, "curve": curve}]})
    >>> found = frontier(model, Scenario(periods=10, objective="profit"), points=5, most=1200.0)
    >>> [point.budget for point in found.points]
    [300.0, 600.0, 750.0, 975.0, 1200.0]
    >>> round(found.break_even.budget)
    900
    """
    question = _suitable(ask(model, scenario))
    ends = _ends(question, least, most)
    sweep = Sweep(question)
    found = [one for budget in _budgets(question, ends, points) if (one := sweep.at(budget))]
    if len(found) < 2:
        raise _nothing_to_show(sweep, ends)
    slopes = slopes_of(found)
    turning = _break_even(sweep, found, slopes)
    shown = [*found, *([turning[0]] if turning else [])]
    documents = _points(shown, np.append(slopes, turning[1] if turning else []))
    at_zero = documents.pop() if turning else None
    return Frontier(
        name=scenario.name,
        currency=scenario.currency or model.currency,
        periods=scenario.periods,
        period=model.period,
        objective=scenario.objective,
        caution=scenario.caution,
        budget=_own_budget(question),
        cells=cells_of(question),
        points=tuple(documents),
        break_even=at_zero,
        statement=_statement(question, documents, at_zero),
        notes=tuple(_notes(sweep)),
    )


def cells_of(question: Question) -> tuple[Cell, ...]:
    """What is funded, in the order of every split."""
    return tuple(Cell(channel=c.channel, market=c.market) for c in question.model.channels)


def slopes_of(found: Sequence[Solved]) -> FloatArray:
    """Marginal ROMI (k,) of splits in rising order of budget, k at least 2."""
    budgets = np.array([one.budget for one in found])
    spend = np.array([one.spend for one in found])
    chords = np.diff([one.profit.mean() for one in found]) / np.diff(budgets)
    ends = 2.0 * chords[[0, -1]] - (chords[[1, -2]] if chords.size > 1 else chords[0])
    sides = np.concatenate([ends[:1], chords, ends[1:]])
    rates = np.gradient(spend, budgets, axis=0)
    along = np.array([_along(one, rate) for one, rate in zip(found, rates, strict=True)])
    along = np.where(np.isfinite(along), along, 0.5 * (sides[:-1] + sides[1:]))
    low, high = np.minimum(sides[:-1], sides[1:]), np.maximum(sides[:-1], sides[1:])
    return np.asarray(np.clip(along, low, high))


def _along(one: Solved, rate: FloatArray) -> float:
    """The slope of mean profit where cells' spends move at a rate (n,); NaN where not known."""
    if one.outcome.timed is not None:
        return float("nan")  # marginals of a steady spend do not tell those of a schedule
    moving = rate != 0.0
    return float(one.outcome.marginal_romi[moving] @ rate[moving])


def _suitable(question: Question) -> Question:
    if question.scenario.objective == "least_spend":
        text = "least_spend seeks the budget itself, so it has no frontier; use revenue or profit"
        raise DocumentError("scenario", (Fault("/objective", text),))
    return question


def _own_budget(question: Question) -> float | None:
    return question.budget if question.is_fixed else None


def _ends(question: Question, least: float | None, most: float | None) -> tuple[float, float]:
    """The smallest and the largest budget."""
    if question.span and np.isfinite(question.span[1]):
        low, high = question.span
    else:
        low, high = _allowed(question, question.budget)
    low, high = low if least is None else least, high if most is None else most
    if not 0.0 < low < high <= LARGEST_MONEY:
        text = f"run from {low:,.2f} to {high:,.2f}; give two sums above 0, the smaller one first"
        raise DocumentError("frontier", (Fault("/ends", text),))
    return low, high


def _allowed(question: Question, middle: float) -> tuple[float, float]:
    """0.5 to 1.5 times a budget, as far as the limits, which may follow the budget, allow."""
    low, high = (_whole(share * middle, question) for share in AROUND)
    if not _is_possible(question, middle):
        return low, high
    return _towards(question, middle, low), _towards(question, middle, high)


def _towards(question: Question, possible: float, end: float) -> float:
    """The budget nearest to an end that the limits allow, to the lot, by bisection."""
    if _is_possible(question, end):
        return end
    while abs(end - possible) > 1.5 * question.scenario.lot:
        middle = _whole(0.5 * (possible + end), question)
        if _is_possible(question, middle):
            possible = middle
        else:
            end = middle
    return possible


def _is_possible(question: Question, budget: float) -> bool:
    """Whether the limits of all cells together leave room for a budget."""
    try:
        check(question.at(budget).problem())
    except InfeasibleError:
        return False
    return True


def _whole(budget: float, question: Question) -> float:
    """The nearest budget in whole lots."""
    lot = question.scenario.lot
    return float(in_money(np.round(np.asarray(budget) / lot), lot))


def _budgets(question: Question, ends: tuple[float, float], points: int) -> list[float]:
    """Even steps from end to end; the scenario's own budget replaces the nearest inside."""
    if not 2 <= points <= MOST_POINTS:
        text = f"must be 2 to {MOST_POINTS} (it is {points})"
        raise DocumentError("frontier", (Fault("/points", text),))
    steps = np.linspace(*ends, points)
    own = _own_budget(question)
    if own is not None and points > 2 and ends[0] < own < ends[1]:
        steps[1 + np.abs(steps[1:-1] - own).argmin()] = own
    lot = question.scenario.lot
    return [float(budget) for budget in np.unique(in_money(np.round(steps / lot), lot))]


def _nothing_to_show(sweep: Sweep, ends: tuple[float, float]) -> Exception:
    if sweep.refused:
        return sweep.refused[-1]
    text = f"from {ends[0]:,.2f} to {ends[1]:,.2f} there is one lot only; set them further apart"
    return DocumentError("frontier", (Fault("/ends", text),))


def _break_even(
    sweep: Sweep, found: Sequence[Solved], slopes: FloatArray
) -> tuple[Solved, float] | None:
    """The budget where profit peaks, with the marginal ROMI left there.

    Of several crossings the one that earns most is narrowed.
    """
    falls = np.flatnonzero((slopes[:-1] > 0.0) & (slopes[1:] <= 0.0))
    if not falls.size:
        return None
    at = max(falls.tolist(), key=lambda place: float(found[place].profit.mean()))
    return _narrowed(sweep, [found[at], found[at + 1]], (float(slopes[at]), float(slopes[at + 1])))


def _narrowed(
    sweep: Sweep, ends: list[Solved], slopes: tuple[float, float]
) -> tuple[Solved, float]:
    """Where the slope crosses zero between two budgets, by straight lines.

    The slope of an end that stays is halved (Illinois).
    """
    rises, best, last = list(slopes), (ends[1], slopes[1]), -1
    for _ in range(REFINEMENTS):
        span = ends[1].budget - ends[0].budget
        budget = ends[0].budget + span * rises[0] / (rises[0] - rises[1])
        middle = sweep.at(_whole(budget, sweep.question))
        if middle is None or not ends[0].budget < middle.budget < ends[1].budget:
            break
        slope = _between(ends, middle, slopes)
        moved, best = abs(middle.budget - best[0].budget), (middle, slope)
        if slope == 0.0 or min(moved, span) <= NEAR_ENOUGH * budget:
            break
        side = 0 if slope > 0.0 else 1
        if side == last:
            rises[1 - side] *= 0.5
        ends[side], rises[side], last = middle, slope, side
    return best


def _between(ends: Sequence[Solved], middle: Solved, slopes: tuple[float, float]) -> float:
    """The slope of profit at a budget between two others, no steeper than the first ends'."""
    span = ends[1].budget - ends[0].budget
    along = _along(middle, (ends[1].spend - ends[0].spend) / span)
    if not np.isfinite(along):
        along = float(ends[1].profit.mean() - ends[0].profit.mean()) / span
    return float(np.clip(along, slopes[1], slopes[0]))


def _points(found: Sequence[Solved], slopes: FloatArray) -> list[FrontierPoint]:
    """Documents, with all intervals from one pass over the draws."""
    budgets = np.array([one.budget for one in found])
    profit = np.array([one.profit for one in found]).T  # (N, k)
    revenue = np.array([one.revenue for one in found]).T
    intervals = Interval.each(np.concatenate([revenue, profit, profit / budgets], axis=1))
    count = len(found)
    return [
        FrontierPoint(
            budget=one.budget,
            value=one.value,
            gap=one.gap,
            revenue=intervals[i],
            profit=intervals[count + i],
            romi=intervals[2 * count + i],
            marginal_romi=float(slopes[i]),
            shadow_price=one.shadow_price,
            spend=tuple(one.spend.tolist()),
        )
        for i, one in enumerate(found)
    ]


def _statement(
    question: Question, points: Sequence[FrontierPoint], break_even: FrontierPoint | None
) -> str:
    currency = question.scenario.currency or question.model.currency
    one, of = currency or "unit of money", f" {currency}" if currency else ""
    if break_even is not None:
        return (
            f"Profit peaks at a budget of {break_even.budget:,.0f}{of}: up to there one more {one} "
            "earns more than it costs, beyond it less."
        )
    first, last = points[0], points[-1]
    if last.marginal_romi > 0.0:
        return (
            f"Even at {last.budget:,.0f}{of} one more {one} earns {last.marginal_romi:.2f} more "
            "than it costs: the break-even budget lies above."
        )
    return (
        f"Already at {first.budget:,.0f}{of} the last {one} earns {-first.marginal_romi:.2f} less "
        "than it costs: the break-even budget lies below."
    )


def _notes(sweep: Sweep) -> Iterator[PlanWarning]:
    """Budgets without a plan, and why."""
    refused = sweep.refused
    if refused:
        count = f"{len(refused)} of the budgets have" if len(refused) > 1 else "One budget has"
        yield PlanWarning(
            code="infeasible_budgets",
            message=f"{count} no plan and are left out. For example: {refused[0]}",
        )
    if sweep.question.model.n_draws == 1:
        yield PlanWarning(code="no_draws", message="The model has no draws: intervals are missing.")
