"""What a relaxation answers with: a mixture of spends per cell, and prices that prove a bound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from optimizer.allocation.lagrangian import Lagrangian
from optimizer.allocation.problem import Box, FloatArray

LEAST_HOLE = 1e-9  # of the bound: what a mixture in a hole is at least said to flatter


@dataclass(frozen=True, slots=True)
class Mixture:
    """The best mixture, its prices and the bound they prove."""

    prices: FloatArray  # flat, as the Lagrangian reads them
    bound: float
    spend: FloatArray  # (n,), the mixture's mean
    low: FloatArray  # (n,), the smallest spend of the mixture
    high: FloatArray  # (n,), the largest
    shortfall: FloatArray  # (n,), what each cell's mixture earns beyond its mean
    broken: float = 0.0  # how much of the rows no mixture can keep, in shares of a row
    slack: float = 0.0  # of the bound that comes from tabulation: no cut can take it away

    @classmethod
    def at(
        cls,
        lagrangian: Lagrangian,
        box: Box,
        prices: FloatArray,
        mixed: tuple[FloatArray, FloatArray, FloatArray],
        broken: float = 0.0,
    ) -> Self:
        """A mixture's smallest, mean and largest spends (n,) each, and what prices prove of it."""
        low, spend, high = mixed
        charges = lagrangian.charges(prices, box)
        answer = lagrangian.respond(box, charges)
        short = np.maximum(answer.value - lagrangian.value(spend, charges), 0.0)
        bound = lagrangian.total(answer, charges, box)
        hole = (spend > 0.0) & (spend < box.lower) & np.broadcast_to(box.optional, spend.shape)
        short = np.where(hole, np.maximum(short, LEAST_HOLE * abs(bound)), short)
        slack = float((answer.upper - answer.value).sum())
        return cls(prices, bound, spend, low, high, short, broken, slack)
