"""Products with rows over cells, dense or sparse, and the factor of A diag(w) A'."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy.linalg import lapack
from scipy.sparse import coo_array, csr_array

from optimizer.allocation.problem import FloatArray

Rows = FloatArray | csr_array
SHIFTS = (1e-15, 1e-13, 1e-11)  # added to a unit diagonal, until dependent rows can be factored
SPARSE_ABOVE, SPARSE_BELOW = 20_000, 0.25  # entries; share of them that is not zero


class RowProducts(Protocol):
    """Linear rows (m, n), and below them k rows whose coefficients change with the split."""

    def set_gains(self, coefficients: FloatArray) -> None:
        """Coefficients (k, n) of the gain rows."""

    def total(self, cells: FloatArray) -> FloatArray:
        """What all rows add up (m + k,)."""

    def charge(self, prices: FloatArray) -> FloatArray:
        """What prices (m + k,) charge each cell (n,)."""

    def gram(self, weights: FloatArray) -> FloatArray:
        """A diag(w) A' of all rows (m + k, m + k)."""

    def reach(self, cells: FloatArray) -> FloatArray:
        """What the linear rows add up (m,) with every coefficient taken as positive."""

    def touching(self, rows: FloatArray) -> FloatArray:
        """Sum (n,) of a quantity (m,) over the linear rows that hold a cell."""


class DenseRows:
    """All rows in one array."""

    def __init__(self, rows: FloatArray, gains: int) -> None:
        self.m = rows.shape[0]
        self.matrix = np.concatenate([rows, np.zeros((gains, rows.shape[1]))])
        self.sizes = np.abs(rows)

    def set_gains(self, coefficients: FloatArray) -> None:
        self.matrix[self.m :] = coefficients

    def total(self, cells: FloatArray) -> FloatArray:
        return np.asarray(self.matrix @ cells)

    def charge(self, prices: FloatArray) -> FloatArray:
        return np.asarray(prices @ self.matrix)

    def gram(self, weights: FloatArray) -> FloatArray:
        return np.asarray((self.matrix * weights) @ self.matrix.T)

    def reach(self, cells: FloatArray) -> FloatArray:
        return np.asarray(self.sizes @ cells)

    def touching(self, rows: FloatArray) -> FloatArray:
        return np.asarray(rows @ (self.sizes > 0.0))


class SparseRows:
    """Sparse linear rows; memory in proportion to their entries if a cell lies in few rows."""

    def __init__(self, rows: csr_array, gains: int) -> None:
        self.m = rows.shape[0]
        self.rows, self.columns = rows, csr_array(rows.T)
        self.pairs, self.sizes = _pairs(self.columns), abs(rows)
        self.gains = np.zeros((gains, rows.shape[1]))

    def set_gains(self, coefficients: FloatArray) -> None:
        self.gains = coefficients

    def total(self, cells: FloatArray) -> FloatArray:
        return np.concatenate([self.rows @ cells, self.gains @ cells])

    def charge(self, prices: FloatArray) -> FloatArray:
        linear = self.columns @ prices[: self.m]
        return np.asarray(linear + prices[self.m :] @ self.gains if len(self.gains) else linear)

    def gram(self, weights: FloatArray) -> FloatArray:
        above = (self.pairs @ weights).reshape(self.m, self.m)
        linear = above + above.T - np.diag(above.diagonal())
        if not len(self.gains):
            return np.asarray(linear)
        weighted = self.gains * weights
        mixed = self.rows @ weighted.T
        return np.block([[linear, mixed], [mixed.T, weighted @ self.gains.T]])

    def reach(self, cells: FloatArray) -> FloatArray:
        return np.asarray(self.sizes @ cells)

    def touching(self, rows: FloatArray) -> FloatArray:
        columns = self.columns
        parts = (np.ones_like(columns.data), columns.indices, columns.indptr)
        return np.asarray(csr_array(parts, shape=columns.shape) @ rows)


def _pairs(columns: csr_array) -> csr_array:
    """Products (m m, n) of every two entries of a column, the second in the same or a later row.

    With them A diag(w) A' is a single product with w.
    """
    n, m = columns.shape
    sizes = np.diff(columns.indptr)
    cell, last = np.repeat(np.arange(n), sizes), np.repeat(columns.indptr[1:], sizes)
    parts = []
    for apart in range(int(sizes.max(initial=1))):
        one = np.flatnonzero(np.arange(last.size) + apart < last)
        other = one + apart
        place = columns.indices[one].astype(np.int64) * m + columns.indices[other]
        parts.append((columns.data[one] * columns.data[other], place, cell[one]))
    data, places, cells = (np.concatenate(part) for part in zip(*parts, strict=True))
    return csr_array(coo_array((data, (places, cells)), shape=(m * m, n)))


def products_of(rows: Rows, gains: int) -> RowProducts:
    """Whichever way is quicker for these rows (m, n) and a number of gain rows."""
    size = rows.shape[0] * rows.shape[1]
    filled = rows.nnz if isinstance(rows, csr_array) else int(np.count_nonzero(rows))
    if size > SPARSE_ABOVE and filled < SPARSE_BELOW * size:
        sparse = csr_array(rows, copy=True)
        sparse.sum_duplicates()
        sparse.eliminate_zeros()
        return SparseRows(sparse, gains)
    return DenseRows(rows.toarray() if isinstance(rows, csr_array) else rows, gains)


class Factor:
    """Cholesky's factor of a matrix brought to a unit diagonal; it may be singular."""

    def __init__(self, matrix: FloatArray) -> None:
        diagonal = matrix.diagonal()
        self.unit = 1.0 / np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
        scaled = matrix * self.unit * self.unit[:, None]
        self.lower = scaled
        for shift in SHIFTS if diagonal.size else ():
            scaled.flat[:: diagonal.size + 1] = 1.0 + shift
            self.lower, failed = lapack.dpotrf(scaled, lower=1)
            if not failed:
                break

    def solve(self, right: FloatArray) -> FloatArray:
        """The x of matrix x = right."""
        if right.size == 0:
            return right
        return np.asarray(lapack.dpotrs(self.lower, right * self.unit, lower=1)[0] * self.unit)
