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
        given = problem.stocks(np.where(problem.is_open & is_given, spend, 0.0))
        owner = np.zeros(given.shape, dtype=np.intp)
        opens = [np.flatnonzero(column) for column in problem.is_open.T]
        opens = [own[:0] if fixed else own for own, fixed in zip(opens, is_given, strict=True)]
        sizes = [own.size for own in opens]
        factor, decay, push, start = given.copy(), [], [], 0
        periods = np.arange(problem.n_counted)
        for cell, own in enumerate(opens):
            r = problem.retention[cell]
            last = np.searchsorted(own, periods, side="right") - 1
            owner[:, cell] = np.where(last >= 0, start + last, sum(sizes))
            if own.size:
                since = r ** (periods - own[last]).clip(0)
                factor[:, cell] = np.where(last >= 0, since, given[:, cell])
                decay.append(np.concatenate([[0.0], r ** np.diff(own)]))
                first = np.zeros(own.size)
                first[0] = r ** (own[0] + 1) * problem.carried[cell]
                push.append(first)
            start += own.size
        cells = np.repeat(np.arange(len(opens)), sizes)
        empty = [np.empty(0)]
        return cls(
            problem,
            np.concatenate([*opens, np.empty(0, dtype=np.intp)]),
            cells,
            np.concatenate(decay or empty),
            np.concatenate(push or empty),
            owner,
            factor,
        )

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
        return np.asarray(self.factor * np.append(stock, 1.0)[self.owner])

    def gathered(self, table: FloatArray) -> FloatArray:
        """Sums (N,) of a table (P, n) over the stocks each unknown owns."""
        sums = np.bincount(self.owner.ravel(), table.ravel(), minlength=self.size + 1)
        return np.asarray(sums[: self.size], dtype=float)

    def by_cell(self, values: FloatArray) -> FloatArray:
        """Sums (n,) over each cell's unknowns."""
        return np.bincount(self.cell, values, minlength=len(self.problem.cells)).astype(float)
