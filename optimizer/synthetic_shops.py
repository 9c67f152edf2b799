"""Shops whose customers' worth is known: BG/NBD orders, gamma spending, segments that differ."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.customers.purchases import expected_orders
from optimizer.customers.transactions import Transactions
from optimizer.customers.value import WEEKS, WEEKS_PER_YEAR

FloatArray = npt.NDArray[np.float64]

SPREAD = 0.3  # sd of a log parameter between segments
RATE = 0.1  # discount a year


@dataclass(frozen=True, slots=True)
class Shop:
    """Transactions, and what a new customer of each segment is truly worth."""

    transactions: Transactions
    value: dict[str, float]  # segment -> currency at margin 1 and a discount of 10 % a year


def simulated_shop(seed: int, *, n_segments: int = 4) -> Shop:
    """A shop of 52 to 104 weeks, 200 to 2,000 customers a segment; all from one seed."""
    rng = np.random.default_rng(seed)
    weeks = float(rng.uniform(52.0, 104.0))
    shared = np.log([0.6, 7.0, 0.8, 2.5]) + rng.normal(0.0, [0.3, 0.3, 0.25, 0.25])
    usual, parts, value = float(np.exp(rng.normal(4.0, 0.5))), [], {}
    for number in range(n_segments):
        name = f"segment {number + 1}"
        truth = np.exp(shared + rng.normal(0.0, SPREAD, 4))
        order = usual * float(np.exp(rng.normal(0.0, SPREAD)))
        size = round(float(np.exp(rng.uniform(np.log(200), np.log(2000)))))
        parts.append((np.full(size, name), *_customers(rng, truth, order, size, weeks)))
        value[name] = _worth(truth, order)
    names, repeats, recency, age, first, mean = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    last_day = dt.date(2026, 6, 30)
    return Shop(Transactions(names, repeats, recency, age, first, mean, last_day), value)


def _customers(
    rng: np.random.Generator, truth: FloatArray, order: float, size: int, weeks: float
) -> tuple[FloatArray, ...]:
    """Repeats, recency, age, first order and mean repeat order (size,) of one segment."""
    r, alpha, a, b = truth
    age = rng.uniform(1.0, weeks, size)
    rate, leaves = rng.gamma(r, 1.0 / alpha, size), rng.beta(a, b, size)
    repeats, recency, alive = np.zeros(size), np.zeros(size), np.ones(size, dtype=bool)
    when = np.zeros(size)
    while alive.any():
        when += rng.exponential(1.0, size) / np.maximum(rate, 1e-12)
        ordered = alive & (when <= age)
        repeats += ordered
        recency = np.where(ordered, when, recency)
        alive = ordered & (rng.uniform(size=size) > leaves)
    level = order * 3.0 / rng.gamma(4.0, 1.0, size)  # mean order of a customer: mean `order`
    first = level * rng.gamma(5.0, 0.2, size)
    mean = level * rng.gamma(5.0 * np.maximum(repeats, 1.0)) / (5.0 * np.maximum(repeats, 1.0))
    return repeats, recency, age, first, np.where(repeats > 0, mean, 0.0)


def _worth(truth: FloatArray, order: float) -> float:
    r, alpha, a, b = truth
    weeks = np.arange(WEEKS + 1.0)
    orders = np.diff(expected_orders(weeks, r=r, alpha=alpha, a=a, b=b))
    discount = (1.0 + RATE) ** (-weeks[1:] / WEEKS_PER_YEAR)
    return order * (1.0 + float(orders @ discount))
