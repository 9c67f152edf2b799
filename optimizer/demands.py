"""What couples the cells of a scenario: totals, markets, groups, resources, targets, counts, moves.

Each becomes a linear row over the cells' spends, a target on what they earn, or a count of active
cells, under the name a planner reads when it binds or clashes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.allocation.rows import Count, Rows, Target
from optimizer.limits import rounded_down, rounded_up
from optimizer.model import Model
from optimizer.rules import ChannelRules, Group
from optimizer.scenario import Scenario

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Places:
    """Where channels and markets stand among the cells."""

    channels: tuple[str, ...]  # n
    markets: tuple[str | None, ...]  # n

    @classmethod
    def of(cls, model: Model) -> Places:
        return cls(
            tuple(entry.channel for entry in model.channels),
            tuple(entry.market for entry in model.channels),
        )

    def members(
        self, channels: Iterable[str] | None = None, markets: Iterable[str] | None = None
    ) -> BoolArray:
        """The cells (n,) of some channels in some markets; of all where absent."""
        named = None if channels is None else set(channels)
        placed = None if markets is None else set(markets)
        return np.array(
            [
                (named is None or channel in named) and (placed is None or market in placed)
                for channel, market in zip(self.channels, self.markets, strict=True)
            ]
        )

    def weights(self, per_channel: Mapping[str, float]) -> FloatArray:
        """A number (n,) for each cell by its channel; 0 where none is given."""
        return np.array([per_channel.get(channel, 0.0) for channel in self.channels])

    def of_group(self, group: Group) -> BoolArray:
        """The cells (n,) of a group."""
        return self.members(group.channels, group.markets)

    def in_several_markets(self, channel: str) -> bool:
        """Whether a channel has more than one cell."""
        return self.channels.count(channel) > 1


@dataclass(frozen=True)
class Demand:
    """One row: least <= weights @ spend <= most."""

    name: str
    weights: FloatArray  # (n,), unit per currency
    least: float = -math.inf  # unit
    most: float = math.inf  # unit

    @property
    def is_empty(self) -> bool:
        """Whether it asks for nothing, spends being at least 0."""
        falls, rises = bool(np.any(self.weights < 0.0)), bool(np.any(self.weights > 0.0))
        no_least = math.isinf(self.least) or (self.least <= 0.0 and not falls)
        no_most = math.isinf(self.most) or (self.most >= 0.0 and not rises)
        return no_least and no_most


def read_rows(
    scenario: Scenario, places: Places, reference: FloatArray, total: float | None
) -> Rows | None:
    """All linear rows of a scenario; None where it states none.

    Parameters
    ----------
    scenario : Scenario
    places : Places
    reference : ndarray of shape (n,), currency
        The split that changes refer to.
    total : float or None, currency
        The budget where it is fixed: shares are then sums of money.
    """
    demands = [
        *_channel_totals(scenario, places, reference),
        *_market_totals(scenario, places),
        *_group_rows(scenario, places, total),
        *_resources(scenario, places),
    ]
    stated = [demand for demand in demands if not demand.is_empty]
    if not stated:
        return None
    return Rows(
        names=tuple(demand.name for demand in stated),
        matrix=np.stack([demand.weights for demand in stated]),
        lower=np.array([demand.least for demand in stated]),
        upper=np.array([demand.most for demand in stated]),
    )


def _channel_totals(scenario: Scenario, places: Places, reference: FloatArray) -> Iterator[Demand]:
    for channel, rules in scenario.channels.items():
        if places.in_several_markets(channel):
            members = places.members([channel])
            least, most = _total_limits(rules, float(reference[members].sum()), scenario.lot)
            yield Demand(f"{channel} over all markets", members.astype(float), least, most)


def _total_limits(rules: ChannelRules, now: float, lot: float) -> tuple[float, float]:
    """The narrowest of the limits that rules state for a channel's total."""
    least, most = [-math.inf], [math.inf]
    if rules.change is not None:
        least.append(rounded_down((1.0 + rules.change[0]) * now, lot))
        most.append(rounded_up((1.0 + rules.change[1]) * now, lot))
    if rules.locked is not None:
        least.append(rules.locked)
        most.append(rules.locked)
    least += [rounded_up(money, lot) for money in (rules.min, rules.spent) if money is not None]
    if rules.max is not None:
        most.append(rounded_down(rules.max, lot))
    return max(least), min(most)


def _market_totals(scenario: Scenario, places: Places) -> Iterator[Demand]:
    for market, rules in (scenario.markets or {}).items():
        least, most = _stated_range(rules.min, rules.max, scenario.lot)
        members = places.members(markets=[market])
        yield Demand(f"market {market}", members.astype(float), least, most)


def _stated_range(least: float | None, most: float | None, lot: float) -> tuple[float, float]:
    """A stated range of money met from inside."""
    return (
        -math.inf if least is None else rounded_up(least, lot),
        math.inf if most is None else rounded_down(most, lot),
    )


def _group_rows(scenario: Scenario, places: Places, total: float | None) -> Iterator[Demand]:
    groups = scenario.groups or {}
    for name, group in groups.items():
        weights = places.of_group(group).astype(float)
        if group.sum is not None:
            least, most = _stated_range(*group.sum, scenario.lot)
            yield Demand(f"group {name} sum", weights, least, most)
        if group.share is not None and total is not None:
            low, high = (share * total for share in group.share)
            least, most = rounded_down(low, scenario.lot), rounded_up(high, scenario.lot)
            yield Demand(f"group {name} share", weights, least, most)
        elif group.share is not None:
            everything = np.ones(weights.size)
            yield from _proportion(f"group {name} share", weights, everything, group.share)
        if group.ratio is not None:
            other = places.of_group(groups[group.ratio.to]).astype(float)
            row = f"group {name} to {group.ratio.to}"
            yield from _proportion(row, weights, other, group.ratio.range)


def _proportion(
    name: str, part: FloatArray, whole: FloatArray, range_: tuple[float, float]
) -> Iterator[Demand]:
    """a whole <= part <= b whole, as rows that are 0 at no spend."""
    low, high = range_
    if low == high:
        yield Demand(name, part - low * whole, 0.0, 0.0)
        return
    if low > 0.0:
        yield Demand(f"{name} at least {low:g}", part - low * whole, least=0.0)
    yield Demand(f"{name} at most {high:g}", part - high * whole, most=0.0)


def _resources(scenario: Scenario, places: Places) -> Iterator[Demand]:
    for name, resource in (scenario.resources or {}).items():
        yield Demand(f"resource {name}", places.weights(resource.per_unit), most=resource.max)


def read_counts(scenario: Scenario, places: Places) -> tuple[Count, ...]:
    """How many cells of which groups may and must be active."""
    return tuple(
        Count(
            f"group {name} active",
            members := places.of_group(group),
            group.at_least or 0,
            int(members.sum()) if group.at_most is None else group.at_most,
        )
        for name, group in (scenario.groups or {}).items()
        if group.at_least is not None or group.at_most is not None
    )


def read_targets(
    scenario: Scenario, value: FloatArray, margin: FloatArray, customers: FloatArray
) -> tuple[Target, ...]:
    """What a scenario asks the split to earn, on gains that count a response times its value.

    Parameters
    ----------
    scenario : Scenario
    value : ndarray of shape (n,)
        What a unit of response counts in the gains; above 0.
    margin : ndarray of shape (n,)
        What a unit of response earns in profit and ROMI.
    customers : ndarray of shape (n,)
        New customers in a unit of response.

    Notes
    -----
    A marginal ROMI is no target of this kind: it is charged to the objective, or checked.
    """
    stated = scenario.targets
    if stated is None:
        return ()
    none, ones = np.zeros(value.size), np.ones(value.size)
    found = []
    if stated.revenue is not None:
        found.append(("revenue", 1.0 / value, none, stated.revenue))
    if stated.profit is not None:
        found.append(("profit", margin / value, ones, stated.profit))
    if stated.romi is not None:
        found.append(("romi", margin / value, (1.0 + stated.romi) * ones, 0.0))
    if stated.cac is not None:
        found.append(("cac", customers / value, ones / stated.cac, 0.0))
    judged = judged_cautiously(scenario)
    return tuple(
        Target(f"target {name}", worth, cost, least, is_cautious=name == judged)
        for name, worth, cost, least in found
    )


def judged_cautiously(scenario: Scenario) -> str | None:
    """The target that stands in for the objective where only spend counts."""
    if scenario.objective != "least_spend" or scenario.targets is None:
        return None
    return "revenue" if scenario.targets.revenue is not None else "profit"
