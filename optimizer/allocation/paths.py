r"""The best a cell can do at given prices of its spend, exactly: a bound S-shaped curves need.

With a price on every period's spend the cells part, and each one's best schedule is a shortest
path over its stock: spend enters by its price alone, :math:`\sum_t p_t x_t = \sum_t (p_t - r
p_{t+1}) a_t - p_1 r a_0`, so that period t earns a function of :math:`a_t` and the limits on
spend say which stocks may follow which. Stocks are taken in narrow intervals: what an interval
earns is bounded by the curve's own best response, and an interval may follow where any of its
stocks may, so the path's worth is never below the cell's true best.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimizer.allocation.stocks import FloatArray, ScheduleProblem
from optimizer.curves import Curve

ROUNDED = 1e-12  # relative: how far a sum of stocks may stray in floating point


@dataclass(frozen=True)
class BestPaths:
    """What every cell can be worth at most, and a schedule about as good."""

    worth: FloatArray  # (n,), currency: gain of all stocks less the spend's prices
    spend: FloatArray  # (T, n), currency


def best_paths(problem: ScheduleProblem, prices: FloatArray, n_intervals: int) -> BestPaths:
    """Bounds at prices (T, n) per currency spent, for curves that never fall."""
    found = [
        _Cell(problem, cell, n_intervals).best(prices[:, cell])
        for cell in range(len(problem.cells))
    ]
    worth, spend = zip(*found, strict=True)
    return BestPaths(np.array(worth), np.stack(spend, axis=1))


class _Cell:
    """One cell's stocks, cut into intervals."""

    def __init__(self, problem: ScheduleProblem, cell: int, n_intervals: int) -> None:
        self.kept, self.carried = float(problem.retention[cell]), float(problem.carried[cell])
        self.curve: Curve = problem.mean_gain.take(np.array([cell]))
        low, high = problem.box
        self.low, self.high = low[:, cell], high[:, cell]
        self.after = problem.n_counted - problem.n_periods
        self.level = 1.0 - self.kept
        largest = problem.level_range[1][: problem.n_periods, cell].max() / self.level
        shares = np.linspace(0.0, 1.0, n_intervals + 1) ** 2
        self.edges = max(float(largest) * (1.0 + ROUNDED), 1e-290) * shares

    def best(self, prices: FloatArray) -> tuple[float, FloatArray]:
        """The most the cell is worth at prices (T,), and spend (T,) that is worth about that."""
        on_stock = prices - self.kept * np.append(prices[1:], 0.0)
        earned = {price: self._earned(price) for price in set(on_stock.tolist())}
        worth = [earned[float(on_stock[-1])] + self._earned_after()]
        for period in range(prices.size - 1, 0, -1):
            first, last = self._reached(self.edges[:-1], self.edges[1:], period)
            follows = _window_largest(worth[0], first, last)
            worth.insert(0, earned[float(on_stock[period - 1])] + follows)
        first, last = self._reached(np.array([self.carried]), np.array([self.carried]), 0)
        most = float(_window_largest(worth[0], first, last)[0])
        return most + float(prices[0]) * self.kept * self.carried, self._followed(worth)

    def _earned(self, price: float) -> FloatArray:
        """The most any stock of each interval earns in a period, less a price per stock."""
        low, high = self.level * self.edges[:-1, None], self.level * self.edges[1:, None]
        return self.curve.best_response(np.array([price / self.level]), low, high).upper[:, 0]

    def _earned_after(self) -> FloatArray:
        """The most each interval earns after the plan's end."""
        levels = self.level * self.edges[1:, None]
        decays = self.kept ** np.arange(1, self.after + 1)
        return np.asarray(
            sum((self.curve.value(decay * levels)[:, 0] for decay in decays), 0.0 * levels[:, 0])
        )

    def _reached(
        self, least: FloatArray, most: FloatArray, period: int
    ) -> tuple[FloatArray, FloatArray]:
        """First and last interval a period may reach from stocks between two."""
        lowest = (self.kept * least + self.low[period]) * (1.0 - ROUNDED)
        highest = (self.kept * most + self.high[period]) * (1.0 + ROUNDED)
        inside = self.edges[1:-1]
        first = np.searchsorted(inside, lowest, side="left")
        return first, np.maximum(np.searchsorted(inside, highest, side="right"), first)

    def _followed(self, worth: list[FloatArray]) -> FloatArray:
        """Spend (T,) along the intervals worth most."""
        stock, spend = self.carried, np.zeros(len(worth))
        middles = 0.5 * (self.edges[1:] + self.edges[:-1])
        for period, values in enumerate(worth):
            first, last = self._reached(np.array([stock]), np.array([stock]), period)
            best = int(first[0] + np.argmax(values[first[0] : last[0] + 1]))
            rest = self.kept * stock
            wanted = middles[best] - rest if best > first[0] else self.low[period]
            spend[period] = np.clip(wanted, self.low[period], self.high[period])
            stock = rest + spend[period]
        return spend


def _window_largest(values: FloatArray, first: FloatArray, last: FloatArray) -> FloatArray:
    """The largest of values[first .. last], both included, for many windows at once."""
    doubled = [values]
    while 2 ** len(doubled) <= values.size:
        half, wide = 2 ** (len(doubled) - 1), doubled[-1].copy()
        wide[:-half] = np.maximum(wide[:-half], doubled[-1][half:])
        doubled.append(wide)
    size = np.frexp(last - first + 1)[1] - 1  # floor of the binary logarithm
    table = np.array(doubled)
    return np.asarray(np.maximum(table[size, first], table[size, last - 2**size + 1]))
