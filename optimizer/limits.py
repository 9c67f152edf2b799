"""What each cell may get: bounds from multiples, from rules stated in money, and from on/off rules.

A stated side replaces that side of the default bounds. Limits from multiples are rounded outward
to the lot, stated ones are met from inside. A rule stated for a channel that has several markets
holds for their sum (`demands`); its cells then have only the sides that are not stated.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from optimizer.allocation.problem import CENTS_AGREE
from optimizer.model import Model
from optimizer.rules import ChannelRules
from optimizer.scenario import Scenario

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Kind = Literal["free", "locked", "excluded"]
NEWCOMER_SHARE = 0.05  # of the budget: the most a channel without current spend may get


@dataclass(frozen=True)
class Limits:
    """The domain of every cell: [lower, upper], with 0 beside it where optional."""

    lower: FloatArray  # (n,), currency
    upper: FloatArray  # (n,), currency
    kinds: tuple[Kind, ...]
    optional: BoolArray  # (n,)

    @property
    def least(self) -> FloatArray:
        """The smallest spend (n,) each domain holds."""
        return np.where(self.optional, 0.0, self.lower)


def read_limits(model: Model, scenario: Scenario, reference: FloatArray, budget: float) -> Limits:
    """The domains of all cells under their rules.

    Parameters
    ----------
    model : Model
    scenario : Scenario
    reference : ndarray of shape (n,), currency
        The split that multiples and changes refer to.
    budget : float, currency
        What a channel without current spend may get a share of.
    """
    n_markets, totals = Counter[str](), Counter[str]()
    for entry, now in zip(model.channels, reference.tolist(), strict=True):
        n_markets[entry.channel] += 1
        totals[entry.channel] += now
    domains = []
    for entry, now in zip(model.channels, reference.tolist(), strict=True):
        domain = _by_default(now, scenario, budget)
        rules = scenario.channels.get(entry.channel)
        if rules is not None and n_markets[entry.channel] > 1:
            domain.follow_total(rules, totals[entry.channel])
        elif rules is not None:
            domain.follow(rules, now)
        market = (scenario.markets or {}).get(entry.market or "")
        if market is not None and entry.channel in market.channels:
            domain.follow(market.channels[entry.channel], now)
        domains.append(domain)
    return Limits(
        lower=np.array([domain.lower for domain in domains]),
        upper=np.array([domain.upper for domain in domains]),
        kinds=tuple(domain.kind for domain in domains),
        optional=np.array([domain.optional for domain in domains]),
    )


@dataclass
class _Domain:
    """One cell's limits while its rules are read; currency."""

    lower: float
    upper: float
    lot: float
    kind: Kind = "free"
    optional: bool = False
    stated: set[str] = field(default_factory=set)  # sides that a rule has set

    def at_least(self, money: float) -> None:
        self.lower = max(self.lower, money) if "lower" in self.stated else money
        self.stated.add("lower")

    def at_most(self, money: float) -> None:
        self.upper = min(self.upper, money) if "upper" in self.stated else money
        self.stated.add("upper")

    def follow(self, rules: ChannelRules, now: float) -> None:
        """Narrow by the rules of this one cell."""
        if rules.change is not None:
            down, up = rules.change
            self.at_least(rounded_down((1.0 + down) * now, self.lot))
            self.at_most(rounded_up((1.0 + up) * now, self.lot))
        if rules.locked is not None:
            self.at_least(rules.locked)
            self.at_most(rules.locked)
            self.kind = "locked"
        if rules.min is not None:
            self.at_least(rounded_up(rules.min, self.lot))
        if rules.max is not None:
            self.at_most(rounded_down(rules.max, self.lot))
        if rules.spent is not None:
            self._keep(rounded_up(rules.spent, self.lot))
        self._switch(rules)

    def follow_total(self, rules: ChannelRules, total_now: float) -> None:
        """Give up the default sides that a rule on the channel's total replaces."""
        if any(rule is not None for rule in (rules.min, rules.change, rules.locked)):
            self.lower = 0.0
        tops = [money for money in (rules.max, rules.locked) if money is not None]
        if rules.change is not None:
            tops.append((1.0 + rules.change[1]) * total_now)
        if tops:
            self.upper = rounded_up(min(tops), self.lot)
        if rules.spent is not None and not tops:
            self.upper = max(self.upper, rounded_up(rules.spent, self.lot))
        self._switch(rules)

    def _keep(self, spent: float) -> None:
        """At least what is gone already, whatever the default allows."""
        self.lower = max(self.lower, spent)
        if "upper" not in self.stated:
            self.upper = max(self.upper, spent)
        if spent > 0.0:
            self.stated.add("lower")

    def _switch(self, rules: ChannelRules) -> None:
        """What is off, or may be."""
        if rules.excluded:
            self.lower = self.upper = 0.0
            self.kind, self.optional = "excluded", False
            self.stated |= {"lower", "upper"}
        if rules.min_if_active is not None:
            must = "lower" in self.stated and self.lower > 0.0
            least = rounded_up(rules.min_if_active, self.lot)
            self.lower = max(self.lower, least) if must else least
            self.optional = not must and least > 0.0


def _by_default(now: float, scenario: Scenario, budget: float) -> _Domain:
    """The limits of a cell without rules of its own."""
    lot = scenario.lot
    low, high = scenario.bounds
    if now <= 0.0:
        return _Domain(0.0, rounded_up(NEWCOMER_SHARE * budget, lot), lot)
    return _Domain(rounded_down(low * now, lot), rounded_up(high * now, lot), lot)


def rounded_down(money: float, lot: float) -> float:
    """The largest whole number of lots that is not above a sum."""
    return _in_money(math.floor(money / lot + CENTS_AGREE), lot)


def rounded_up(money: float, lot: float) -> float:
    """The smallest whole number of lots that is not below a sum.

    Examples
    --------
    >>> rounded_up(10.001, 0.01), rounded_up(10.0, 0.01), rounded_up(130.0, 100.0)
    (10.01, 10.0, 200.0)
    """
    return _in_money(math.ceil(money / lot - CENTS_AGREE), lot)


def is_whole(money: float, lot: float) -> bool:
    """Whether a sum is a whole number of lots, as far as binary numbers can say."""
    lots = money / lot
    return abs(lots - round(lots)) <= max(CENTS_AGREE, 1e-15 * lots)


def _in_money(lots: int, lot: float) -> float:
    """Whole lots as money, the number nearest to its decimal value."""
    per_unit = round(1.0 / lot)
    exact = per_unit >= 1 and abs(per_unit * lot - 1.0) < 1e-12
    return float(lots / per_unit if exact else lots * lot) + 0.0
