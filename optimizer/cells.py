"""A scenario read against a model: cells, current split, bounds, and the problem they pose.

A *cell* is one thing to be funded: a channel, or a channel in a market. All money is for the
whole plan; the response over a plan of P periods is P f(spend / P).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from optimizer.allocation import AllocationProblem
from optimizer.allocation.problem import CENTS_AGREE, in_money
from optimizer.curves import Curve, TabulatedDraws
from optimizer.documents import Document
from optimizer.errors import DocumentError, Fault, InfeasibleError, NotBuiltError, nearest
from optimizer.model import Model
from optimizer.scenario import ChannelRules, Scenario
from optimizer.unbuilt import refuse_unbuilt

FloatArray = npt.NDArray[np.float64]
NEWCOMER_SHARE = 0.05  # of the budget: the most a channel without current spend may get


class PlanWarning(Document):
    """Something a planner should know before acting on a plan."""

    code: str
    channel: str | None = None
    market: str | None = None
    message: str


@dataclass(frozen=True)
class Question:
    """A scenario with its model: every number an allocation needs, cell by cell."""

    model: Model
    scenario: Scenario
    budget: float  # currency
    current: FloatArray  # (n,), currency, as stated or as last year
    warnings: tuple[PlanWarning, ...]

    @cached_property
    def reference(self) -> FloatArray:
        """The current split (n,) scaled to the budget."""
        return self.scaled_current(self.budget)

    def scaled_current(self, total: float) -> FloatArray:
        """The current split (n,) scaled to a total."""
        return self.current * (total / float(self.current.sum()))

    @cached_property
    def margin(self) -> FloatArray:
        """Margin (n,) on revenue."""
        stated = self.scenario.margin
        if isinstance(stated, float):
            return np.full(len(self.model.channels), stated)
        return np.array([stated[entry.channel] for entry in self.model.channels])

    @property
    def counts_profit(self) -> bool:
        """Whether spend is charged and revenue multiplied by its margin."""
        return self.scenario.objective == "profit"

    @property
    def value_per_revenue(self) -> FloatArray:
        """v (n,): what a unit of revenue counts in the objective."""
        return self.margin if self.counts_profit else np.ones(self.margin.size)

    @property
    def names(self) -> tuple[str, ...]:
        """Cell names: the channel, with its market where there are several."""
        return tuple(_cell_name(c.channel, c.market) for c in self.model.channels)

    @cached_property
    def limits(self) -> tuple[FloatArray, FloatArray, tuple[str, ...]]:
        """Lower and upper (n,) with the rule each cell follows: free, locked or excluded."""
        rules = [self.scenario.channels.get(c.channel) for c in self.model.channels]
        found = [
            _limits(rule or ChannelRules(), now, self.budget, self.scenario)
            for rule, now in zip(rules, self.reference, strict=True)
        ]
        lower, upper, kinds = zip(*found, strict=True)
        return np.array(lower), np.array(upper), kinds

    def problem(self) -> AllocationProblem:
        """The allocation problem this question poses.

        Raises
        ------
        InfeasibleError
            If a channel's limits clash with each other.
        """
        lower, upper, _ = self.limits
        self._check_each_cell(lower, upper)
        return AllocationProblem(
            cells=self.names,
            gains=self._gains(lower, upper),
            total_budget=self.budget,
            lower=lower,
            upper=upper,
            reference=self.reference,
            cost_per_spend=1.0 if self.counts_profit else 0.0,
            caution=self.scenario.caution,
            lot=self.scenario.lot,
        )

    def _gains(self, lower: FloatArray, upper: FloatArray) -> Curve | TabulatedDraws:
        """The curves P v f(x / P) on the bounds: single ones, or the draws tabulated."""
        periods = float(self.scenario.periods)
        if self.model.n_draws == 1:
            return self.model.point_curves.rescaled(periods, self.value_per_revenue)
        tables = self.model.tabulated(np.maximum(upper, self.reference) / periods)
        return tables.rescaled(periods, self.value_per_revenue).within(lower, upper)

    def _check_each_cell(self, lower: FloatArray, upper: FloatArray) -> None:
        for name, low, high in zip(self.names, lower, upper, strict=True):
            if low > high:
                conflicts = (f"{name} at least {low:,.2f}", f"{name} at most {high:,.2f}")
                advice = (
                    f"State both min and max for {name}; the one not stated is {self._default}."
                )
                raise InfeasibleError(self.budget, conflicts, advice)

    @property
    def _default(self) -> str:
        low, high = self.scenario.bounds
        return f"{low:g} to {high:g} times its current spend"


def ask(model: Model, scenario: Scenario) -> Question:
    """Read a scenario against a model.

    Raises
    ------
    NotBuiltError
        If the scenario states a key whose mathematics is not built yet.
    DocumentError
        If it names channels the model lacks, or lacks what the model cannot tell.
    """
    if not (isinstance(model, Model) and isinstance(scenario, Scenario)):
        given = f"{type(model).__name__} and {type(scenario).__name__}"
        raise TypeError(
            f"A question takes a Model and a Scenario, in this order, not {given}. "
            "Make them with fit() or Model.from_dict(), and Scenario.from_dict()."
        )
    refuse_unbuilt(scenario)
    faults = (
        *_unknown_names(model, scenario),
        *_market_rules(model, scenario),
        *_uneven_locks(scenario),
    )
    if faults:
        kind = (
            NotBuiltError
            if all("not built" in fault.message for fault in faults)
            else DocumentError
        )
        raise kind("scenario", tuple(faults))
    current = _current(model, scenario)
    return Question(
        model=model,
        scenario=scenario,
        budget=_budget(scenario, current),
        current=current,
        warnings=tuple(_warnings(model, scenario, current)),
    )


def _cell_name(channel: str, market: str | None) -> str:
    return channel if market is None else f"{channel} in {market}"


def _unknown_names(model: Model, scenario: Scenario) -> Iterator[Fault]:
    margins = scenario.margin if isinstance(scenario.margin, dict) else {}
    stated: dict[str, Iterable[str]] = {
        "current": scenario.current or {},
        "channels": scenario.channels,
        "margin": margins,
        "values": scenario.values or {},
        "fit/priors": scenario.fit.priors if scenario.fit else {},
    }
    for key, names in stated.items():
        for name in names:
            if name not in model.names:
                suggestion = nearest(name, model.names)
                yield Fault(f"/{key}/{name}", f'unknown channel "{name}"; {suggestion}')
    if isinstance(scenario.margin, dict):
        for name in model.names:
            if name not in margins:
                yield Fault("/margin", f'gives no margin for channel "{name}"; add it')
    yield from _unknown_markets(model, scenario)


def _unknown_markets(model: Model, scenario: Scenario) -> Iterator[Fault]:
    for channel, spend in (scenario.current or {}).items():
        markets = [c.market for c in model.channels if c.channel == channel]
        for market in spend if isinstance(spend, dict) else ():
            if market not in markets:
                suggestion = nearest(market, [str(m) for m in markets if m is not None])
                yield Fault(
                    f"/current/{channel}/{market}", f'unknown market "{market}"; {suggestion}'
                )


def _market_rules(model: Model, scenario: Scenario) -> Iterator[Fault]:
    """Rules on a channel's total over several markets belong to a later step."""
    for channel, rules in scenario.channels.items():
        cells = sum(entry.channel == channel for entry in model.channels)
        for key in ("min", "max", "change", "locked"):
            if cells > 1 and getattr(rules, key) is not None:
                text = f"{key} of a channel over its {cells} markets is not built yet; take it out"
                yield Fault(f"/channels/{channel}/{key}", text)


def _uneven_locks(scenario: Scenario) -> Iterator[Fault]:
    for channel, rules in scenario.channels.items():
        if rules.locked is not None and not _is_whole(rules.locked, scenario.lot):
            text = f"{rules.locked!r} is no multiple of the lot {scenario.lot:g}; round it"
            yield Fault(f"/channels/{channel}/locked", text)


def _current(model: Model, scenario: Scenario) -> FloatArray:
    """The current split (n,), whole plan: as stated, or the last year's."""
    history = [entry.history_spend_per_period for entry in model.channels]
    if scenario.current is None:
        unknown = [
            c.channel for c, spend in zip(model.channels, history, strict=True) if spend is None
        ]
        if unknown:
            text = f"is needed: the model gives no history_spend_per_period for {unknown[0]}"
            raise DocumentError("scenario", (Fault("/current", text),))
        current = np.array(history, dtype=float) * scenario.periods
    else:
        current = stated_split(model, scenario.current)
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


def _budget(scenario: Scenario, current: FloatArray) -> float:
    lot = scenario.lot
    if scenario.budget is None:
        return float(in_money(np.round(current.sum() / lot), lot))
    assert isinstance(scenario.budget, float), "other budgets were refused as not built"
    if not _is_whole(scenario.budget, lot):
        text = f"{scenario.budget!r} is no multiple of the lot {lot:g}; round it"
        raise DocumentError("scenario", (Fault("/budget", text),))
    return scenario.budget


def _is_whole(money: float, lot: float) -> bool:
    lots = money / lot
    return abs(lots - round(lots)) <= max(CENTS_AGREE, 1e-15 * lots)


def _limits(
    rules: ChannelRules, now: float, budget: float, scenario: Scenario
) -> tuple[float, float, str]:
    """One cell's lower and upper limit and the kind of rule that set them."""
    if rules.excluded:
        return 0.0, 0.0, "excluded"
    if rules.locked is not None:
        return rules.locked, rules.locked, "locked"
    low, high = scenario.bounds
    if rules.change is not None:
        low, high = 1.0 + rules.change[0], 1.0 + rules.change[1]
    lower, upper = _outward(low * now, high * now, scenario.lot)
    if now <= 0.0:
        lower, upper = _outward(0.0, NEWCOMER_SHARE * budget, scenario.lot)
    if rules.min is not None:
        lower = _whole_lots(np.ceil(rules.min / scenario.lot - CENTS_AGREE), scenario.lot)
    if rules.max is not None:
        upper = _whole_lots(np.floor(rules.max / scenario.lot + CENTS_AGREE), scenario.lot)
    return lower, upper, "free"


def _outward(lower: float, upper: float, lot: float) -> tuple[float, float]:
    """Limits that follow from multiples, rounded outward to the lot."""
    down, up = np.floor(lower / lot + CENTS_AGREE), np.ceil(upper / lot - CENTS_AGREE)
    return _whole_lots(down, lot), _whole_lots(up, lot)


def _whole_lots(lots: np.floating[Any], lot: float) -> float:
    return float(in_money(np.asarray(lots), lot))


def _warnings(model: Model, scenario: Scenario, current: FloatArray) -> Iterator[PlanWarning]:
    for entry, spend in zip(model.channels, current, strict=True):
        rules = scenario.channels.get(entry.channel)
        if spend <= 0.0 and not (rules and rules.excluded):
            yield PlanWarning(
                code="no_current_spend",
                channel=entry.channel,
                market=entry.market,
                message=f"{_cell_name(entry.channel, entry.market)} has no current spend: it may "
                "get up to 5 % of the budget unless the scenario states its limits.",
            )
    if scenario.values is not None:
        yield PlanWarning(
            code="values_not_read",
            message="values is read by the objective customer_value only; this plan ignores it.",
        )
    margins = scenario.margin.values() if isinstance(scenario.margin, dict) else [scenario.margin]
    if max(margins) > 1.0:
        yield PlanWarning(
            code="margin_above_one",
            message=f"A margin of {max(margins):g} counts {100 * max(margins):,.0f} % of revenue "
            "as earned: write 0.4 for 40 %.",
        )
    if model.fit and scenario.start and scenario.start.isoformat() <= model.fit.last_date:
        yield PlanWarning(
            code="start_in_history",
            message=f"The plan starts on {scenario.start}, within the history, which ends on "
            f"{model.fit.last_date}.",
        )
    stated = scenario.currency
    if stated and model.currency and stated != model.currency:
        text = f"is {stated}, but the model's curves are in {model.currency}; use one"
        raise DocumentError("scenario", (Fault("/currency", text),))
