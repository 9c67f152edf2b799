"""Shops whose customers behave as no BG/NBD or Gamma-Gamma model has it, their worth known.

- lifetimes: customers leave at any time, not after an order (the Pareto/NBD model);
- correlated: those who order often also spend more on an order;
- seasonal: orders follow the year, half as many again at its height as on average.

The truth is the mean of many simulated customers, each followed for the whole horizon.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from optimizer.customers.transactions import Transactions
from optimizer.customers.value import WEEKS, WEEKS_PER_YEAR
from optimizer.synthetic_shops import RATE, SPREAD, Shop

FloatArray = npt.NDArray[np.float64]
Kind = Literal["lifetimes", "correlated", "seasonal"]

KINDS: tuple[Kind, ...] = get_args(Kind)
FOLLOWED = 100_000  # customers a segment that the truth is taken from
LIFETIME = 8.0  # weeks: scale of the rate at which customers of "lifetimes" leave
CORRELATION = 0.3  # exponent of a customer's order rate in their order value
HEIGHT = 0.5  # of the season over the mean


def misspecified_shop(seed: int, kind: Kind, *, n_segments: int = 4) -> Shop:
    """A shop of 52 to 104 weeks, 200 to 2,000 customers a segment; all from one seed."""
    rng = np.random.default_rng((seed, KINDS.index(kind)))
    weeks, today = float(rng.uniform(52.0, 104.0)), float(rng.uniform(0.0, WEEKS_PER_YEAR))
    shared = np.log([0.6, 7.0, 0.8, 2.5]) + rng.normal(0.0, [0.3, 0.3, 0.25, 0.25])
    usual, parts, value = float(np.exp(rng.normal(4.0, 0.5))), [], {}
    for number in range(n_segments):
        name = f"segment {number + 1}"
        habit = _Habit(
            kind,
            np.exp(shared + rng.normal(0.0, SPREAD, 4)),
            usual * float(np.exp(rng.normal(0.0, SPREAD))),
        )
        size = round(float(np.exp(rng.uniform(np.log(200), np.log(2000)))))
        parts.append((np.full(size, name), *habit.seen(rng, rng.uniform(1.0, weeks, size), today)))
        value[name] = habit.worth(rng)
    names, repeats, recency, age, first, mean = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    last_day = dt.date(2026, 6, 30)
    return Shop(Transactions(names, repeats, recency, age, first, mean, last_day), value)


@dataclass(frozen=True, slots=True)
class _Habit:
    """How the customers of a segment order."""

    kind: Kind
    parameters: FloatArray  # (4,), r, alpha, a and b
    order: float  # currency, mean over customers

    def seen(
        self, rng: np.random.Generator, age: FloatArray, today: float
    ) -> tuple[FloatArray, ...]:
        """Repeats, recency, age, first order and mean repeat order of customers aged (n,).

        ``today`` is the week of the year, which the season goes by.
        """
        who, when, level = self._orders(rng, age, today - age)
        amounts = level[who] * rng.gamma(5.0, 0.2, who.size)
        repeats, recency = np.bincount(who, minlength=age.size).astype(float), np.zeros(age.size)
        np.maximum.at(recency, who, when)
        spent = np.bincount(who, amounts, minlength=age.size)
        first = level * rng.gamma(5.0, 0.2, age.size)
        return repeats, recency, age, first, spent / np.maximum(repeats, 1.0)

    def worth(self, rng: np.random.Generator) -> float:
        """The value of a new customer, currency: margin 1, discounted as shops are."""
        start = rng.uniform(0.0, WEEKS_PER_YEAR, FOLLOWED)
        who, when, level = self._orders(rng, np.full(FOLLOWED, float(WEEKS)), start)
        discount = (1.0 + RATE) ** (-np.ceil(when) / WEEKS_PER_YEAR)
        return float(level.mean() + (level[who] * discount).sum() / FOLLOWED)

    def _orders(
        self, rng: np.random.Generator, horizon: FloatArray, start: FloatArray
    ) -> tuple[npt.NDArray[np.intp], FloatArray, FloatArray]:
        """Repeat orders: of whom, at what age in weeks; and each customer's usual amount (n,)."""
        r, alpha, a, b = self.parameters
        rate = np.maximum(rng.gamma(r, 1.0 / alpha, horizon.size), 1e-12)
        level = self.order * 3.0 / rng.gamma(4.0, 1.0, horizon.size)
        leaves, end = rng.beta(a, b, horizon.size), horizon
        if self.kind == "lifetimes":
            leaving = np.maximum(rng.gamma(a, 1.0 / (LIFETIME * b), horizon.size), 1e-12)
            leaves, end = np.zeros(horizon.size), np.minimum(horizon, rng.exponential(1 / leaving))
        if self.kind == "correlated":
            level *= (rate * alpha / r) ** CORRELATION
        height = HEIGHT if self.kind == "seasonal" else 0.0
        here, now = np.arange(horizon.size), np.zeros(horizon.size)
        who, when = [], []
        while here.size:
            now += rng.exponential(1.0, here.size) / (rate[here] * (1.0 + height))
            here, now = here[now <= end[here]], now[now <= end[here]]
            season = 1.0 + height * np.sin(2.0 * np.pi * (start[here] + now) / WEEKS_PER_YEAR)
            ordered = rng.uniform(size=here.size) * (1.0 + height) < season
            who.append(here[ordered])
            when.append(now[ordered])
            stays = ~(ordered & (rng.uniform(size=here.size) < leaves[here]))
            here, now = here[stays], now[stays]
        return np.concatenate(who), np.concatenate(when), level
