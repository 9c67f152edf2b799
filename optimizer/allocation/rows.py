"""What couples the cells of a problem: linear rows, targets on what is earned, counts of cells.

A *row* bounds a weighted sum of spends, a *target* bounds from below what the split earns less
what it costs, a *count* bounds how many cells of a group are active (get at least one lot).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_array

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rows:
    """Linear rows: lower <= matrix @ spend <= upper, each in its own unit."""

    names: tuple[str, ...]  # m
    matrix: FloatArray | csr_array  # (m, n), unit per currency; sparse for very many cells
    lower: FloatArray  # (m,), unit; -inf where there is none
    upper: FloatArray  # (m,), unit; inf where there is none

    @classmethod
    def none(cls, n_cells: int) -> Rows:
        """No rows at all."""
        return cls((), np.zeros((0, n_cells)), np.zeros(0), np.zeros(0))

    @property
    def dense(self) -> FloatArray:
        """The matrix (m, n) in full."""
        if isinstance(self.matrix, np.ndarray):
            return self.matrix
        return np.asarray(self.matrix.toarray(), dtype=float)

    def used(self, spend: FloatArray) -> FloatArray:
        """What a split (n,) uses of every row (m,), in the row's unit."""
        return np.asarray(self.matrix @ spend)

    def charged(self, prices: FloatArray) -> FloatArray:
        """What prices (m,) on the rows charge a unit of every cell's spend (n,)."""
        return np.asarray(self.matrix.T @ prices)

    def excess(self, spend: FloatArray) -> FloatArray:
        """How far (m,) a split (n,) lies outside, in the row's unit; 0 within."""
        used = self.used(spend)
        return np.asarray(np.maximum(np.maximum(self.lower - used, used - self.upper), 0.0))

    def scale(self, lower: FloatArray, upper: FloatArray) -> FloatArray:
        """The size (m,) of every row's sum, to measure an excess against."""
        reach = np.maximum(np.abs(lower), np.abs(upper))
        return np.asarray(np.maximum(cast(FloatArray, abs(self.matrix)) @ reach, 1e-300))

    def within(
        self, lower: FloatArray, upper: FloatArray, slack: float
    ) -> tuple[FloatArray, FloatArray]:
        """The bounds (n,) narrowed by what the other cells of every row leave, plus a slack.

        ``slack`` is relative to the size of each row. Sparse rows narrow nothing.
        """
        if not self.names or not isinstance(self.matrix, np.ndarray):
            return lower, upper
        rises, falls = np.maximum(self.matrix, 0.0), np.minimum(self.matrix, 0.0)
        least, most = rises * lower + falls * upper, rises * upper + falls * lower
        size = slack * (np.abs(least).sum(axis=1) + np.abs(most).sum(axis=1))
        room_up = (self.upper - least.sum(axis=1) + size)[:, None] + least
        room_down = (self.lower - most.sum(axis=1) - size)[:, None] + most
        with np.errstate(divide="ignore", invalid="ignore"):
            up, down = room_up / self.matrix, room_down / self.matrix
        at_most = np.where(rises > 0.0, up, np.where(falls < 0.0, down, np.inf)).min(axis=0)
        at_least = np.where(rises > 0.0, down, np.where(falls < 0.0, up, -np.inf)).max(axis=0)
        return np.maximum(lower, at_least), np.minimum(upper, at_most)


@dataclass(frozen=True, slots=True)
class Target:
    """The split must earn: sum worth x gain - cost x spend >= least."""

    name: str
    worth: FloatArray  # (n,), at least 0: of a unit of each cell's gain
    cost: FloatArray  # (n,), of a unit of each cell's spend
    least: float
    is_cautious: bool = False  # judged by the risk measure instead of by the mean

    def reached(self, gain: FloatArray, spend: FloatArray) -> float:
        """What gains and spends (n,) reach of it, less what is asked; negative is short."""
        return float(self.worth @ gain - self.cost @ spend - self.least)


@dataclass(frozen=True, slots=True)
class Count:
    """How many of a group's cells may be, or must be, active."""

    name: str
    members: BoolArray  # (n,)
    at_least: int
    at_most: int
