"""sensitivity(): what would change a recommendation, found by solving it again.

Budgets a little smaller and larger show what the shadow price says of small steps only. A
*tipping point* is the smallest factor on one cell's curve, its draws alike, that moves its spend
by a tenth while all else stays as stated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from optimizer.allocation import Allocation, AllocationProblem, allocate
from optimizer.allocation.problem import in_money
from optimizer.cells import Question, ask
from optimizer.errors import InfeasibleError
from optimizer.model import Model
from optimizer.outcome import Outcome
from optimizer.plan_document import Plan
from optimizer.scenario import Scenario
from optimizer.sensitivity_document import BudgetStep, Sensitivity, TippingPoint

FloatArray = npt.NDArray[np.float64]
STEPS = (-0.10, -0.01, 0.01, 0.10)  # of the budget
NOTICEABLE = 0.10  # of a cell's spend: a smaller move is none
MOST_FACTOR = 3.0
CLOSE = 0.005  # of the factor: how closely it is found
ROUNDING = 1e-9  # relative: draws that differ by less are one
MOST_TURNS = 60
TRIAL_NODES = 8  # of a search on the way to a tipping point, which needs a split and no proof
LARGEST = 12  # cells asked about, by spend


def sensitivity(
    model: Model, scenario: Scenario, plan: Plan | None = None, *, largest: int = LARGEST
) -> Sensitivity:
    """What would change the recommendation for a scenario.

    Parameters
    ----------
    model : Model
    scenario : Scenario
    plan : Plan, optional
        The recommendation, where it is already known; not read where a schedule is optimised, as
        all splits here are judged by the steady reading.
    largest : int
        How many cells, those with most spend, are asked about.

    Returns
    -------
    Sensitivity

    Raises
    ------
    DocumentError
        If the scenario has faults.
    InfeasibleError
        If it has no plan.

    Examples
    --------
    >>> curve = {"family": "log", "scale": 100.0, "rate": 0.02}
    >>> model = Model.from_dict({"channels": [
    ...     {"channel": name, "history_spend_per_period": 300.0, "curve": curve}
    ...     for name in ("tv", "radio")]})
    >>> found = sensitivity(model, Scenario(periods=10, budget=6000.0))
    >>> round(found.returns[0].upper, 1)
    1.2
    >>> found.budgets[0].statement
    '10 % less budget (5,400) earns 179 less revenue.'
    """
    question = ask(model, scenario)
    problem = question.problem()
    if plan is None or question.is_optimised:
        spend = allocate(problem).spend
    else:
        spend = np.array([row.spend for row in plan.rows])
    answer = _Recommended(question, problem, spend)
    order = np.argsort(-spend, kind="stable")[:largest]
    returns = sorted((answer.tipping_point(int(cell)) for cell in order), key=_distance)
    return Sensitivity(
        currency=answer.currency,
        budgets=answer.budget_steps(),
        returns=tuple(returns),
        statement=_headline(returns),
    )


@dataclass(frozen=True)
class _Recommended:
    """A question with the split recommended for it."""

    question: Question
    problem: AllocationProblem
    spend: FloatArray  # (n,), currency

    @cached_property
    def outcome(self) -> Outcome:
        return Outcome(self.question, self.spend)

    @property
    def currency(self) -> str | None:
        return self.question.scenario.currency or self.question.model.currency

    def budget_steps(self) -> tuple[BudgetStep, ...]:
        """The plan re-solved at budgets around its own."""
        if not self.problem.counts_gain:
            return ()
        return tuple(self._budget_step(change) for change in STEPS)

    def _budget_step(self, change: float) -> BudgetStep:
        lot = self.question.scenario.lot
        lots = np.round(np.asarray(math.fsum(self.spend) * (1.0 + change)) / lot)
        budget = float(in_money(lots, lot))
        try:
            problem = self._at(budget)
            found = allocate(problem)
        except InfeasibleError as refused:
            return BudgetStep(
                change=change,
                budget=budget,
                value=None,
                gained=None,
                revenue=None,
                profit=None,
                moved=(),
                statement=f"{_more(change)} budget has no plan. {refused}",
            )
        revenue, profit = self._brings(found.spend)
        gained = found.certificate.value - self.problem.objective(self.spend)
        return BudgetStep(
            change=change,
            budget=budget,
            value=found.certificate.value,
            gained=gained,
            revenue=revenue,
            profit=profit,
            moved=tuple((found.spend - self.spend).tolist()),
            statement=self._said(change, budget, found.spend),
        )

    def _at(self, budget: float) -> AllocationProblem:
        """The problem of another fixed budget: limits follow it where they follow the budget."""
        if self.question.is_fixed:
            return self.question.at(budget).problem()
        return replace(self.problem, total_budget=budget, least_total=None)

    def _brings(self, spend: FloatArray) -> tuple[float, float]:
        """Mean revenue and mean profit of a split, currency."""
        revenue = Outcome(self.question, spend).revenue.mean(axis=0)
        return float(revenue.sum()), float(self.question.margin @ revenue - math.fsum(spend))

    def _said(self, change: float, budget: float, spend: FloatArray) -> str:
        """One sentence on what another budget earns and where the money goes."""
        kind = 1 if self.problem.cost_per_spend > 0.0 else 0
        gained = self._brings(spend)[kind] - self._brings(self.spend)[kind]
        unit = f"{self.currency} " if self.currency else ""
        side, noun = ("more" if gained >= 0.0 else "less"), ("revenue", "profit")[kind]
        of = f"{unit}{abs(gained):,.0f} {side} {noun}"
        return f"{_more(change)} budget ({budget:,.0f}) earns {of}.{self._shares(spend, budget)}"

    def _shares(self, spend: FloatArray, budget: float) -> str:
        """Where split and budget do not move in step: the cell that moves furthest off it."""
        share = spend / budget - self.spend / max(math.fsum(self.spend), 1e-300)
        cell = int(np.abs(share).argmax())
        if abs(share[cell]) < 0.005:
            return ""
        rises = "rises" if share[cell] > 0.0 else "falls"
        return (
            f" The share of {self.question.names[cell]} {rises} by "
            f"{100.0 * abs(share[cell]):.1f} points."
        )

    def tipping_point(self, cell: int) -> TippingPoint:
        """The factors on a cell's curve, below and above 1, that change its spend."""
        entry = self.question.model.channels[cell]
        lower, upper = self._factor(cell, -1.0), self._factor(cell, 1.0)
        known = self._known(cell)
        return TippingPoint(
            channel=entry.channel,
            market=entry.market,
            spend=float(self.spend[cell]),
            lower=lower,
            upper=upper,
            known=known,
            statement=_sentence(self.question.names[cell], lower, upper, known)
            if self.spend[cell] > 0.0
            else _about_nothing(self.question.names[cell], upper),
        )

    def _factor(self, cell: int, side: float) -> float | None:
        """The factor nearest to 1 on one side that changes the cell's spend enough.

        Chords of spend and halving take turns; spend may jump. Each search starts from the
        answer before it.
        """
        if not self._has_room(cell, side):
            return None
        wanted = max(NOTICEABLE * float(self.spend[cell]), self.problem.lot)
        stays, moves, below = 0.0, math.log(MOST_FACTOR), 0.0
        found = self._scaled(cell, math.exp(side * moves), None)
        above = self._moved(cell, side, found)
        if above < wanted:
            return None
        for turn in range(MOST_TURNS):
            width = moves - stays
            if width <= CLOSE:
                break
            chord = (wanted - below) / (above - below) if turn % 2 == 0 else 0.5
            trial = stays + width * min(max(chord + 0.02, 0.05), 0.95)
            found = self._scaled(cell, math.exp(side * trial), found)
            moved = self._moved(cell, side, found)
            if moved >= wanted:
                moves, above = trial, moved
            else:
                stays, below = trial, moved
        return math.exp(side * moves)

    def _moved(self, cell: int, side: float, found: Allocation | None) -> float:
        """How far the cell's spend moved to one side; all of it where no plan is left."""
        spend = 0.0 if found is None else float(found.spend[cell])
        return side * (spend - float(self.spend[cell]))

    def _has_room(self, cell: int, side: float) -> bool:
        """Whether the cell's own limits would let a tenth of its spend move."""
        spend, problem = float(self.spend[cell]), self.problem
        is_optional = problem.optional is not None and bool(problem.optional[cell])
        lower = 0.0 if is_optional else float(problem.lower[cell])
        room = float(problem.upper[cell]) - spend if side > 0.0 else spend - lower
        return room >= max(NOTICEABLE * spend, problem.lot)

    def _scaled(self, cell: int, factor: float, start: Allocation | None) -> Allocation | None:
        """The answer where the cell's curve returns a factor of what it does.

        None where that leaves a target out of reach.
        """
        factors = np.ones(self.spend.size)
        factors[cell] = factor
        gains = self.problem.gains.rescaled(1.0, factors)
        try:
            return allocate(replace(self.problem, gains=gains, node_limit=TRIAL_NODES), start)
        except InfeasibleError:
            return None

    def _known(self, cell: int) -> tuple[float, float] | None:
        """The 90 % interval of the cell's return over its mean."""
        revenue = self.outcome.revenue[:, cell]
        if np.ptp(revenue) <= ROUNDING * revenue.mean():
            return None
        low, high = np.quantile(revenue, (0.05, 0.95)) / revenue.mean()
        return float(low), float(high)


def _more(change: float) -> str:
    """A change of the budget as words start a sentence."""
    return f"{100.0 * abs(change):.0f} % {'more' if change > 0.0 else 'less'}"


def _distance(point: TippingPoint) -> float:
    """How far a return is from its nearest tipping point, in logs."""
    factors = [factor for factor in (point.lower, point.upper) if factor is not None]
    return min((abs(math.log(factor)) for factor in factors), default=math.inf)


def _off(factor: float) -> str:
    """A factor as a change in per cent, rounded away from none."""
    return f"{math.ceil(100.0 * abs(factor - 1.0) - 1e-9):.0f} %"


def _sentence(
    name: str,
    lower: float | None,
    upper: float | None,
    known: tuple[float, float] | None,
) -> str:
    """What it takes to change one cell's spend."""
    if lower is None and upper is None:
        return f"{name}: no change up to 3x: any return from a third to 3 times moves less."
    less = (
        "even a third of its return would not take a tenth of its spend"
        if lower is None
        else f"{_off(lower)} less return takes at least a tenth of its spend"
    )
    more = (
        "even 3 times the return would not add a tenth"
        if upper is None
        else f"{_off(upper)} more adds at least a tenth"
    )
    return f"{name}: {less}; {more}.{_against_doubt(lower, upper, known)}"


def _about_nothing(name: str, upper: float | None) -> str:
    """What it takes to give a cell any money."""
    if upper is None:
        return f"{name} gets nothing, and would get nothing with 3 times the return."
    return f"{name} gets nothing: it would with {_off(upper)} more return."


def _against_doubt(
    lower: float | None, upper: float | None, known: tuple[float, float] | None
) -> str:
    """Whether the draws allow such a return."""
    if known is None:
        return ""
    inside = (lower is not None and lower >= known[0]) or (upper is not None and upper <= known[1])
    span = f"{100.0 * (known[0] - 1.0):+.0f} % to {100.0 * (known[1] - 1.0):+.0f} %"
    reaches = "reaches" if inside else "does not reach"
    return f" The doubt about its return ({span}) {reaches} that far."


def _headline(returns: Sequence[TippingPoint]) -> str:
    """What the recommendation hangs on most."""
    if not returns or math.isinf(_distance(returns[0])):
        return "No channel's return, tripled or cut to a third, would move a tenth of its spend."
    first = returns[0]
    factors = [factor for factor in (first.lower, first.upper) if factor is not None]
    factor = min(factors, key=lambda value: abs(math.log(value)))
    side, verb = ("more", "raise") if factor > 1.0 else ("less", "lower")
    return (
        f"The split hangs most on the return of {first.name}: {_off(factor)} {side} of it would "
        f"{verb} its spend by a tenth."
    )
