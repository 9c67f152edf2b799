"""Linear programs with whole-number columns, filled block by block and solved by HiGHS.

A *block of rows* is given by its entries: the place of each within the block, its column and its
value. Money is scaled by whoever fills the program, so that a typical column is near 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from highspy import Highs

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

AGREEMENT = 1e-9  # how far a solution may stray from a row or a whole number
MOST_NODES = 5000  # of one search over whole numbers


@dataclass(slots=True)
class Program:
    """Columns with bounds and rows that couple them; nothing is minimised yet."""

    n_columns: int = 0
    n_rows: int = 0
    _columns: list[tuple[FloatArray, FloatArray, FloatArray]] = field(default_factory=list)
    _entries: list[tuple[IntArray, IntArray, FloatArray]] = field(default_factory=list)
    _sides: list[tuple[FloatArray, FloatArray]] = field(default_factory=list)

    def columns(self, lower: FloatArray, upper: FloatArray, *, whole: bool = False) -> IntArray:
        """New columns between bounds (k,), whole numbers if asked; their places (k,)."""
        first, self.n_columns = self.n_columns, self.n_columns + lower.size
        self._columns.append((lower + 0.0, upper + 0.0, np.full(lower.size, float(whole))))
        return np.arange(first, self.n_columns)

    def rows(
        self,
        *terms: tuple[IntArray, IntArray, FloatArray | float],
        low: FloatArray | float = -np.inf,
        high: FloatArray | float = np.inf,
        count: int,
    ) -> IntArray:
        """New rows low <= sum of entries <= high; their places (count,).

        Each term holds places within the block, columns and values of equal length.
        """
        first, self.n_rows = self.n_rows, self.n_rows + count
        for rows, columns, values in terms:
            spread = np.broadcast_to(np.asarray(values, dtype=float), rows.shape)
            self._entries.append((rows + first, columns, spread))
        sides = (np.broadcast_to(np.asarray(side, dtype=float), (count,)) for side in (low, high))
        low_side, high_side = sides
        self._sides.append((low_side, high_side))
        return np.arange(first, self.n_rows)

    def solver(self, gap: float) -> Solver:
        """HiGHS, loaded with the program, content with a relative gap over whole numbers."""
        from highspy import Highs, HighsLp, HighsVarType, MatrixFormat
        from scipy.sparse import csr_array

        lower, upper, whole = (np.concatenate(part) for part in zip(*self._columns, strict=True))
        low, high = (np.concatenate(part) for part in zip(*self._sides, strict=True))
        rows, columns, values = (np.concatenate(part) for part in zip(*self._entries, strict=True))
        matrix = csr_array((values, (rows, columns)), shape=(self.n_rows, self.n_columns))
        program = HighsLp()
        program.num_col_, program.num_row_ = self.n_columns, self.n_rows
        program.col_cost_ = np.zeros(self.n_columns)
        program.col_lower_, program.col_upper_ = lower, upper
        program.row_lower_, program.row_upper_ = low, high
        program.a_matrix_.format_ = MatrixFormat.kRowwise
        program.a_matrix_.start_ = matrix.indptr
        program.a_matrix_.index_, program.a_matrix_.value_ = matrix.indices, matrix.data
        if whole.any():
            kinds = (HighsVarType.kContinuous, HighsVarType.kInteger)
            program.integrality_ = [kinds[int(is_whole)] for is_whole in whole]
        highs = Highs()  # type: ignore[no-untyped-call]
        for option, value in OPTIONS.items():
            highs.setOptionValue(option, value)
        highs.setOptionValue("mip_rel_gap", gap)
        highs.passModel(program)
        return Solver(highs, lower, upper, low, high)


OPTIONS = {
    "output_flag": False,
    "threads": 1,
    "primal_feasibility_tolerance": AGREEMENT,
    "mip_feasibility_tolerance": AGREEMENT,
    "mip_max_nodes": MOST_NODES,
}


@dataclass(slots=True)
class Solver:
    """A loaded program, solved again and again with other bounds and costs."""

    highs: Highs
    lower: FloatArray  # of the columns, as loaded
    upper: FloatArray
    row_lower: FloatArray
    row_upper: FloatArray

    def bound(self, columns: IntArray, lower: FloatArray, upper: FloatArray) -> None:
        """Set the bounds of some columns."""
        self.highs.changeColsBounds(columns.size, columns.astype(np.int32), lower, upper)

    def ask(self, row: int, low: float, high: float) -> None:
        """Set the sides of a row."""
        self.highs.changeRowBounds(row, low, high)

    def cut(self, columns: IntArray, values: FloatArray, low: float) -> None:
        """One more row: the sum of columns times values is at least low."""
        self.highs.addRow(low, np.inf, columns.size, columns.astype(np.int32), values)

    def least(self, columns: IntArray, costs: FloatArray) -> FloatArray | None:
        """The columns where a cost is least; None where no values keep to every row."""
        from highspy import HighsModelStatus

        every = np.zeros(self.lower.size)
        every[columns] = costs
        places = np.arange(every.size, dtype=np.int32)
        self.highs.changeColsCost(every.size, places, every)
        self.highs.run()
        status = self.highs.getModelStatus()
        has_values = self.highs.getInfo().primal_solution_status == 2
        if status == HighsModelStatus.kOptimal or (
            status == HighsModelStatus.kSolutionLimit and has_values
        ):
            return np.asarray(self.highs.getSolution().col_value, dtype=float)
        return None
