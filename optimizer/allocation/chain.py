"""The open periods of a schedule's cells, end to end: the unknowns of its interior point.

In stocks the objective is separable: closed periods, and those after the end, only see an open
period's stock decay. Spend is a bidiagonal function of the stocks, so every row on a period's
spend, or on a step between two, is banded.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from optimizer.allocation.stocks import BoolArray, FloatArray, ScheduleProblem

IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Chain:
    """N unknown stocks: cell by cell, period by period."""

    problem: ScheduleProblem
    period: IntArray  # (N,)
    cell: IntArray  # (N,)
    decay: FloatArray  # (N,), of the stock before it in its cell; 0 at a cell's first
    push: FloatArray  # (N,), currency: stock carried into a cell's first
    owner: IntArray  # (P, n), the unknown a stock decays from; N where it is given
    factor: FloatArray  # (P, n), decay since its owner; the stock itself where it is given

    @classmethod
    def of(cls, problem: ScheduleProblem, spend: FloatArray, is_given: BoolArray) -> Self:
        """The chain of the cells whose schedule (T, n) is not given."""
        kept, carried = problem.retention, problem.carried
        stocks = problem.stocks(np.where(is_given, spend, 0.0))
        counted = np.arange(problem.n_counted)[:, None]
        is_unknown = np.zeros(stocks.shape, dtype=bool)
        is_unknown[: problem.n_periods] = problem.is_open & ~is_given
        cell, period = np.nonzero(is_unknown.T)
        place = np.cumsum(is_unknown.T).reshape(is_unknown.T.shape).T - 1
        last = np.maximum.accumulate(np.where(is_unknown, counted, -1), axis=0)
        owner = np.where(last >= 0, np.take_along_axis(place, last.clip(0), axis=0), cell.size)
        factor = np.where(last >= 0, kept ** (counted - last.clip(0)).clip(0), stocks)
        is_first = np.diff(cell, prepend=-1) != 0
        since = np.where(is_first, 0, np.diff(period, prepend=0))
        decay = np.where(is_first, 0.0, kept[cell] ** since)
        push = np.where(is_first, kept[cell] ** (period + 1) * carried[cell], 0.0)
        return cls(problem, period, cell, decay, push, owner, factor)

    @property
    def size(self) -> int:
        """Unknowns N."""
        return int(self.period.size)

    @cached_property
    def is_linked(self) -> BoolArray:
        """(N - 1,): whether smoothness holds between an unknown's spend and the next's."""
        same = (np.diff(self.cell) == 0) & (np.diff(self.period) == 1)
        return np.asarray(same & (self.problem.smooth is not None))

    def at(self, table: FloatArray) -> FloatArray:
        """The entries (N,) of a table by period and cell (T, n)."""
        return np.asarray(table[self.period, self.cell])

    def table(self, spend: FloatArray, given: FloatArray) -> FloatArray:
        """A schedule (T, n) from the unknowns' spend (N,), the rest as given."""
        found = given.copy()
        found[self.period, self.cell] = spend
        return found

    def spend(self, stock: FloatArray) -> FloatArray:
        """Spend (N,) that makes the stocks (N,)."""
        return self.differences(stock) - self.push

    def differences(self, stock: FloatArray) -> FloatArray:
        """Each stock (N,) less what is left of the one before."""
        out = stock.copy()
        out[1:] -= self.decay[1:] * stock[:-1]
        return out

    def worth(self, price: FloatArray) -> FloatArray:
        """The transpose of `differences`."""
        out = price.copy()
        out[:-1] -= self.decay[1:] * price[1:]
        return out

    def stock(self, spend: FloatArray) -> FloatArray:
        """Stocks (N,) that the spend (N,) makes."""
        return self.grid_of(spend)[self.period, self.cell]

    def grid_of(self, spend: FloatArray) -> FloatArray:
        """All stocks (P, n) that the unknowns' spend makes; where given, not meant."""
        return self.problem.stocks(self.table(spend, np.zeros_like(self.problem.cap)))

    def grid(self, stock: FloatArray) -> FloatArray:
        """All stocks (P, n) from the unknown ones (N,)."""
        known = np.ones(self.size + 1)
        known[:-1] = stock
        return np.asarray(self.factor * known[self.owner])

    def gathered(self, table: FloatArray) -> FloatArray:
        """Sums (N,) of a table (P, n) over the stocks each unknown owns."""
        sums = np.bincount(self.owner.ravel(), table.ravel(), minlength=self.size + 1)
        return np.asarray(sums[: self.size], dtype=np.float64)

    def by_cell(self, values: FloatArray) -> FloatArray:
        """Sums (n,) over each cell's unknowns."""
        sums = np.bincount(self.cell, values, minlength=len(self.problem.cells))
        return np.asarray(sums, dtype=np.float64)
