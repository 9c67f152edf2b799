"""A scenario read against a model: cells, current split, limits, and the problem they pose.

A *cell* is one thing to be funded: a channel, or a channel in a market. All money is for the
whole plan; the response over a plan of P periods is P f(spend / P).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from optimizer.allocation import AllocationProblem
from optimizer.allocation.conflicts import explain
from optimizer.allocation.measures import TailRisk
from optimizer.allocation.rows import Count, Rows, Target
from optimizer.contradictions import name_faults, rule_faults
from optimizer.curves import Curve, TabulatedDraws
from optimizer.customer_values import customers_of, customers_per_response, unit_values
from optimizer.delivery import delivered
from optimizer.demands import Places, read_counts, read_rows, read_targets
from optimizer.documents import Document
from optimizer.errors import DocumentError, Fault, InfeasibleError
from optimizer.limits import Limits, read_limits, rounded_up
from optimizer.model import Model
from optimizer.scenario import BudgetRange, Scenario
from optimizer.timing import Timing, read_timing

FloatArray = npt.NDArray[np.float64]


class PlanWarning(Document):
    """Something a planner should know before acting on a plan."""

    code: str
    channel: str | None = None
    market: str | None = None
    message: str


@dataclass(frozen=True)
class Question:
    """A scenario with its model: every number an allocation needs, cell by cell."""

    fitted: Model  # as given
    model: Model  # at the scenario's prices, with the channels it adds
    scenario: Scenario
    budget: float  # currency; where the total may vary, that of the current split
    current: FloatArray  # (n,), currency, as stated or as last year
    span: tuple[float, float] | None = None  # least and most total, currency; None: the budget

    def at(self, budget: float) -> Question:
        """The same question of another, fixed budget."""
        return replace(self, budget=budget, span=None)

    @property
    def is_fixed(self) -> bool:
        """Whether the total is given."""
        return self.span is None

    @cached_property
    def places(self) -> Places:
        """Where channels and markets stand among the cells."""
        return Places.of(self.model)

    @cached_property
    def reference(self) -> FloatArray:
        """The current split (n,): scaled to the budget where that is fixed."""
        return self.scaled_current(self.budget)

    def scaled_current(self, total: float) -> FloatArray:
        """The current split (n,) scaled to a total, unless the total may vary."""
        if not self.is_fixed:
            return self.current
        return self.current * (total / float(self.current.sum()))

    @cached_property
    def margin(self) -> FloatArray:
        """What a unit of response earns (n,) in profit and ROMI: the margin on revenue, or the
        value of a customer."""
        stated = self.scenario.margin
        if self.scenario.objective == "customer_value":
            return unit_values(self.fitted, self.scenario, self.places.channels)
        if isinstance(stated, float):
            return np.full(len(self.model.channels), stated)
        return np.array([stated[name] for name in self.places.channels])

    @cached_property
    def least_marginal_romi(self) -> float | None:
        """What the last unit of spend has to earn; None where nothing is asked."""
        return self.scenario.targets.marginal_romi if self.scenario.targets else None

    @cached_property
    def cost_per_spend(self) -> float:
        """w: what a unit of spend is charged in the objective.

        A marginal ROMI asked of a total that may vary is a charge: the plan then stops where the
        next unit earns no more than it.
        """
        charge = 1.0 if self.scenario.objective in ("profit", "least_spend") else 0.0
        asked = self.least_marginal_romi
        may_charge = self.scenario.objective in ("revenue", "profit", "customer_value")
        if asked is None or self.is_fixed or not may_charge:
            return charge
        return max(charge, 1.0 + asked)

    @cached_property
    def value_per_revenue(self) -> FloatArray:
        """v (n,): what a unit of response counts in the objective."""
        objective = self.scenario.objective
        is_charged = objective == "revenue" and self.cost_per_spend > 0.0
        counts_margin = is_charged or objective in ("profit", "romi", "customer_value")
        return self.margin if counts_margin else np.ones(self.margin.size)

    @property
    def names(self) -> tuple[str, ...]:
        """Cell names: the channel, with its market where there are several."""
        return tuple(cell_name(c.channel, c.market) for c in self.model.channels)

    @cached_property
    def timing(self) -> Timing | None:
        """When each cell may spend how much; None for an even schedule without rules."""
        plain = self.scenario.schedule.model_dump(exclude_defaults=True)
        return read_timing(self.model, self.scenario) if plain else None

    @property
    def is_optimised(self) -> bool:
        """Whether spend by period is sought too."""
        return self.scenario.schedule.pattern == "optimised"

    @cached_property
    def limits(self) -> Limits:
        """The domain of every cell, schedule rules included."""
        most = self.span[1] if self.span else self.budget
        base = most if np.isfinite(most) else self.budget
        found = read_limits(self.model, self.scenario, self.reference, base)
        if self.timing is None:
            return found
        return _timed(found, self.timing, is_optimised=self.is_optimised)

    @cached_property
    def rows(self) -> Rows | None:
        """What couples spends: groups, channels over markets, markets, resources."""
        total = self.budget if self.is_fixed else None
        return read_rows(self.scenario, self.places, self.reference, total)

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """What the split has to earn, on gains that count the objective's value."""
        counted = customers_per_response(self.fitted, self.scenario, self.places.channels)
        return read_targets(self.scenario, self.value_per_revenue, self.margin, counted)

    @cached_property
    def counts(self) -> tuple[Count, ...]:
        """How many cells of which groups may and must be active."""
        return read_counts(self.scenario, self.places)

    @cached_property
    def most_moved(self) -> float | None:
        """Currency: the most that increases, and that decreases, may add up to."""
        share = self.scenario.max_moved
        return None if share is None else rounded_up(share * self.budget, self.scenario.lot)

    def problem(self) -> AllocationProblem:
        """The allocation problem this question poses.

        Raises
        ------
        InfeasibleError
            If a channel's limits clash with each other.
        """
        limits, risk, objective = self.limits, self.scenario.risk, self.scenario.objective
        lower, optional = _switchable(limits, self.counts, self.scenario.lot)
        least, most = self.span or (None, self.budget)
        problem = AllocationProblem(
            cells=self.names,
            gains=self._gains(np.minimum(limits.least, limits.upper), limits.upper),
            total_budget=min(most, float(limits.upper.sum())) if self.span else most,
            lower=lower,
            upper=limits.upper,
            reference=self.reference,
            cost_per_spend=self.cost_per_spend,
            caution=0.0 if risk else self.scenario.caution,
            lot=self.scenario.lot,
            least_total=least,
            optional=optional if optional.any() else None,
            rows=self.rows,
            targets=self.targets,
            counts=self.counts,
            most_moved=self.most_moved,
            counts_gain=objective != "least_spend",
            is_ratio=objective == "romi",
            tail=TailRisk(risk.tail, risk.weight) if risk else None,
        )
        self._check_each_cell(problem)
        return problem

    def mean_gain(self, spend: FloatArray) -> FloatArray:
        """What each cell earns (n,) on average, in the objective's unit, at a split (n,)."""
        periods = self.scenario.periods
        response = self.model.response(spend / periods).mean(axis=0) * periods
        return np.asarray(self.value_per_revenue * response)

    def _gains(self, lower: FloatArray, upper: FloatArray) -> Curve | TabulatedDraws:
        """The curves P v f(x / P) on the bounds: single ones, or the draws tabulated."""
        periods = float(self.scenario.periods)
        if self.model.n_draws == 1:
            return self.model.point_curves.rescaled(periods, self.value_per_revenue)
        tables = self.model.tabulated(np.maximum(upper, self.reference) / periods)
        return tables.rescaled(periods, self.value_per_revenue).within(lower, upper)

    def _check_each_cell(self, problem: AllocationProblem) -> None:
        """Refuse a cell's minimum above its maximum, which is often the one not stated."""
        clashing = np.flatnonzero(self.limits.lower > self.limits.upper)
        if not clashing.size:
            return
        found = explain(problem)
        for name in (self.names[i] for i in clashing):
            if all(conflict.startswith(f"{name} at ") for conflict in found.conflicts):
                default = f"A side of {name} that is not stated is {self._default}."
                advice = " ".join((found.advice, default))
                raise InfeasibleError(self.budget, found.conflicts, advice, found.relaxations)
        raise found

    @property
    def _default(self) -> str:
        low, high = self.scenario.bounds
        return f"{low:g} to {high:g} times its current spend"


def _timed(limits: Limits, timing: Timing, *, is_optimised: bool) -> Limits:
    """Limits that leave room for what a schedule asks of every period."""
    if is_optimised:
        lower = np.maximum(limits.lower, timing.floor.sum(axis=0))
        upper = np.minimum(limits.upper, timing.cap.sum(axis=0))
    else:
        lower, upper = timing.limits(limits.lower, limits.upper)
    optional = limits.optional & (timing.floor.sum(axis=0) <= 0.0)
    return Limits(lower, upper, limits.kinds, optional)


def _switchable(
    limits: Limits, counts: tuple[Count, ...], lot: float
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Lower limits and optional cells (n,): a counted cell gets nothing, or at least one lot."""
    counted = np.zeros(limits.lower.size, dtype=bool)
    for count in counts:
        counted |= count.members
    counted &= (limits.lower <= 0.0) & (limits.upper >= lot)
    return np.where(counted, lot, limits.lower), limits.optional | counted


def ask(model: Model, scenario: Scenario) -> Question:
    """Read a scenario against a model.

    Raises
    ------
    DocumentError
        If it names channels the model lacks, contradicts itself, or lacks what the model cannot
        tell.
    """
    if not (isinstance(model, Model) and isinstance(scenario, Scenario)):
        given = f"{type(model).__name__} and {type(scenario).__name__}"
        raise TypeError(
            f"A question takes a Model and a Scenario, in this order, not {given}. "
            "Make them with fit() or Model.from_dict(), and Scenario.from_dict()."
        )
    _refuse(tuple(name_faults(model, scenario)))
    offered = delivered(model, scenario)
    _refuse((*rule_faults(offered, scenario), *_currency_faults(model, scenario)))
    current = _current(model, offered, scenario)
    budget, span = _total(scenario, current)
    return Question(model, offered, scenario, budget, current, span)


def _refuse(faults: tuple[Fault, ...]) -> None:
    if faults:
        raise DocumentError("scenario", faults)


def _currency_faults(model: Model, scenario: Scenario) -> tuple[Fault, ...]:
    stated, customers = scenario.currency, customers_of(scenario)
    if stated and model.currency and stated != model.currency:
        text = f"is {stated}, but the model's curves are in {model.currency}; use one"
        return (Fault("/currency", text),)
    ours = stated or model.currency
    if ours and customers and customers.currency and customers.currency != ours:
        text = f"are valued in {customers.currency}, but the plan is in {ours}; use one"
        return (Fault("/customers", text),)
    return ()


def cell_name(channel: str, market: str | None) -> str:
    """A cell as a planner calls it."""
    return channel if market is None else f"{channel} in {market}"


def _current(model: Model, offered: Model, scenario: Scenario) -> FloatArray:
    """The current split (n,), whole plan: as stated, or the last year's."""
    if scenario.current is None:
        history = [entry.history_spend_per_period for entry in model.channels]
        if None in history:
            unknown = model.channels[history.index(None)].channel
            text = f"is needed: the model gives no history_spend_per_period for {unknown}"
            raise DocumentError("scenario", (Fault("/current", text),))
        history += [0.0] * (len(offered.channels) - len(history))
        current = np.array(history, dtype=float) * scenario.periods
    else:
        current = stated_split(offered, scenario.current)
    if current.sum() <= 0.0:
        raise DocumentError("scenario", (Fault("/current", "is zero in every channel; state one"),))
    return current


def stated_split(model: Model, split: Mapping[str, float | dict[str, float]]) -> FloatArray:
    """A split (n,) from channel -> money or market -> money; what is not named is zero.

    A channel's total is divided over its markets as last year, evenly where that is unknown.
    """
    spend = np.zeros(len(model.channels))
    for channel, money in split.items():
        cells = [i for i, entry in enumerate(model.channels) if entry.channel == channel]
        if isinstance(money, dict):
            for i in cells:
                spend[i] = money.get(str(model.channels[i].market), 0.0)
            continue
        weights = np.array([model.channels[i].history_spend_per_period or 0.0 for i in cells])
        weights = weights if weights.sum() > 0.0 else np.ones(len(cells))
        spend[cells] = money * (weights / weights.sum())
    return spend


def _total(scenario: Scenario, current: FloatArray) -> tuple[float, tuple[float, float] | None]:
    """The budget; or the current total, and between what the total may lie."""
    lots = round(float(current.sum()) / scenario.lot)
    now = rounded_up(lots * scenario.lot, scenario.lot)
    if isinstance(scenario.budget, float):
        return scenario.budget, None
    if isinstance(scenario.budget, BudgetRange):
        return now, (scenario.budget.min, scenario.budget.max)
    if scenario.budget == "free" or scenario.objective == "least_spend":
        return now, (0.0, np.inf)
    return now, None
