"""Piecewise cubic curves: stated tables, and tabulated means of many draws.

A *stated* table is by definition the monotone cubic (PCHIP) through its points, flat beyond the
last. A *tabulated* curve is the cubic Hermite with exact values and slopes at its nodes; each
piece carries a bound on how far the tabulated curve may lie from the true one, and that bound is
added to every proved ceiling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from optimizer.curves.curve import BestResponse, Curve, FloatArray, Floats

FAR = 1e16  # currency; beyond any spend a document may state


class _Cubic(NamedTuple):
    """Coefficients of each piece in t = x - left node; arrays (n, m - 1)."""

    c0: FloatArray
    c1: FloatArray
    c2: FloatArray
    c3: FloatArray

    def value(self, t: FloatArray) -> FloatArray:
        return ((self.c3 * t + self.c2) * t + self.c1) * t + self.c0

    def marginal(self, t: FloatArray) -> FloatArray:
        return (3.0 * self.c3 * t + 2.0 * self.c2) * t + self.c1

    def peak(self, price: FloatArray) -> FloatArray:
        """Where value - price t has its local maximum; NaN where it has none."""
        c1 = self.c1 - price
        root = np.sqrt(self.c2 * self.c2 - 3.0 * self.c3 * c1)
        falling = self.c2 <= 0.0
        above = np.where(falling, c1, -self.c2 - root)
        return above / np.where(falling, root - self.c2, 3.0 * self.c3)


@dataclass(frozen=True)
class TableCurve(Curve):
    """Piecewise cubics of n cells on m nodes each, from zero spend on."""

    nodes: FloatArray  # (n, m), currency, rising from 0
    values: FloatArray  # (n, m), currency
    slopes_right: FloatArray  # (n, m - 1), slope at the left end of each piece
    slopes_left: FloatArray  # (n, m - 1), slope at the right end of each piece
    error: FloatArray  # (n, m - 1), currency; bound on |true curve - piece|

    @classmethod
    def through(cls, tables: Sequence[tuple[Sequence[float], Sequence[float]]]) -> Self:
        """The PCHIP through stated points (spend, response), flat beyond the last."""
        longest = max(len(spend) for spend, _ in tables)
        rows = [_stated(np.asarray(x, float), np.asarray(y, float), longest) for x, y in tables]
        nodes, values, right, left = (np.array(part) for part in zip(*rows, strict=True))
        return cls(nodes, values, right, left, np.zeros_like(right))

    @property
    def n_cells(self) -> int:
        return int(self.nodes.shape[0])

    @cached_property
    def _width(self) -> FloatArray:
        return np.diff(self.nodes, axis=1)

    @cached_property
    def _cubic(self) -> _Cubic:
        width = self._width
        chord = np.diff(self.values, axis=1) / width
        c2 = (3.0 * chord - 2.0 * self.slopes_right - self.slopes_left) / width
        c3 = (self.slopes_right + self.slopes_left - 2.0 * chord) / width**2
        return _Cubic(self.values[:, :-1], self.slopes_right, c2, c3)

    def _at(self, spend: FloatArray) -> tuple[_Cubic, FloatArray]:
        """Coefficients of the piece each spend lies in, and the distance into it."""
        inner = self.nodes[:, 1:-1]
        piece = (np.asarray(spend)[..., None] >= inner).sum(axis=-1)
        cells = np.arange(self.n_cells)
        parts = _Cubic(*(part[cells, piece] for part in self._cubic))
        return parts, np.asarray(spend) - self.nodes[cells, piece]

    def value(self, spend: FloatArray) -> FloatArray:
        parts, t = self._at(spend)
        return parts.value(t)

    def marginal(self, spend: FloatArray) -> FloatArray:
        parts, t = self._at(spend)
        return parts.marginal(t)

    def second_derivative(self, spend: FloatArray) -> FloatArray:
        parts, t = self._at(spend)
        return 6.0 * parts.c3 * t + 2.0 * parts.c2

    def inverse_marginal(self, price: FloatArray) -> FloatArray:
        parts, width = self._cubic, self._width
        wanted = np.asarray(price, dtype=float)[..., None]
        with np.errstate(divide="ignore", invalid="ignore"):
            peak = parts.peak(wanted)
        inside = np.where((peak >= 0.0) & (peak <= width), peak, -np.inf)
        best = np.where(parts.marginal(width) >= wanted, width, inside)
        spend = np.maximum((self.nodes[:, :-1] + best).max(axis=-1), 0.0)
        return np.where(np.asarray(price) > 0.0, spend, np.inf)

    def inflection(self) -> FloatArray:
        """End of the last stretch that bends upwards."""
        parts, width = self._cubic, self._width
        at_left, at_right = 2.0 * parts.c2, 6.0 * parts.c3 * width + 2.0 * parts.c2
        with np.errstate(divide="ignore", invalid="ignore"):
            turn = np.where(at_right > 0.0, width, -parts.c2 / (3.0 * parts.c3))
        ends = np.where((at_left > 0.0) | (at_right > 0.0), self.nodes[:, :-1] + turn, 0.0)
        return np.asarray(ends.max(axis=1))

    def fourth_derivative_bound(self, low: FloatArray, high: FloatArray) -> FloatArray:
        """Zero: between nodes a table is a cubic. Holds for intervals that cross no node."""
        return np.zeros(np.broadcast(low, high).shape)

    def best_response(
        self,
        price: Floats,
        lower: FloatArray,
        upper: FloatArray,
        may_be_zero: bool = False,
    ) -> BestResponse:
        """Every cubic piece maximised exactly; the bound adds each piece's tabulation error."""
        prices = np.broadcast_to(np.asarray(price, dtype=float), np.broadcast(price, lower).shape)
        left, width = self.nodes[:, :-1], self._width
        start = np.maximum(lower[..., None] - left, 0.0)
        stop = np.minimum(upper[..., None] - left, width)
        parts, wanted = self._cubic, prices[..., None]
        with np.errstate(divide="ignore", invalid="ignore"):
            peak = parts.peak(wanted)
        peak = np.where(np.isfinite(peak), peak, 0.0)
        ends = (start, np.minimum(np.maximum(peak, start), stop), stop)
        gains = [parts.value(t) - wanted * (t + left) for t in ends]
        reached = start <= stop
        error = np.where((stop <= 0.0) | (start >= width), 0.0, self.error)  # nodes are exact
        best = np.where(reached, np.maximum(np.maximum(gains[0], gains[1]), gains[2]), -np.inf)
        piece = best.argmax(axis=-1)[..., None]
        value, *at = (_of_piece(part, piece) for part in (best, *gains[:2], *ends, left))
        spend = np.where(at[0] == value, at[2], np.where(at[1] == value, at[3], at[4])) + at[5]
        bound = (best + error).max(axis=-1)
        if may_be_zero:
            spend = np.where(value < 0.0, 0.0, spend)
            value, bound = np.maximum(value, 0.0), np.maximum(bound, 0.0)
        return BestResponse(spend, value, bound)

    def within(self, lower: FloatArray, upper: FloatArray) -> Self:
        """The same curves without the pieces that no cell's [lower, upper] reaches."""
        first = int((self.nodes[:, 1:] < lower[:, None]).sum(axis=1).min())
        last = int((self.nodes[:, :-1] <= upper[:, None]).sum(axis=1).max())
        keep, pieces = slice(first, last + 1), slice(first, last)
        return type(self)(
            self.nodes[:, keep],
            self.values[:, keep],
            self.slopes_right[:, pieces],
            self.slopes_left[:, pieces],
            self.error[:, pieces],
        )

    def rescaled(self, money: Floats, value: Floats) -> Self:
        money, value = (np.asarray(part, dtype=float)[..., None] for part in (money, value))
        return type(self)(
            self.nodes * money,
            self.values * value * money,
            self.slopes_right * value,
            self.slopes_left * value,
            self.error * value * money,
        )

    def take(self, cells: npt.NDArray[np.intp]) -> Self:
        return type(self)(
            self.nodes[cells],
            self.values[cells],
            self.slopes_right[cells],
            self.slopes_left[cells],
            self.error[cells],
        )


def _stated(
    spend: FloatArray, response: FloatArray, length: int
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """One stated table, padded with flat pieces to a common length."""
    slopes = _pchip_slopes(np.diff(spend), np.diff(response) / np.diff(spend))
    beyond = FAR * np.arange(1.0, length - spend.size + 2.0)
    nodes = np.concatenate([spend, np.maximum(beyond, 2.0 * spend[-1] * beyond / FAR)])
    values = np.concatenate([response, np.full(beyond.size, response[-1])])
    flat = np.zeros(beyond.size)
    return nodes, values, np.append(slopes[:-1], flat), np.append(slopes[1:], flat)


def _pchip_slopes(width: FloatArray, chord: FloatArray) -> FloatArray:
    """Slopes (n + 1,) at the points of a rising table, by Fritsch and Butland (1984).

    Inside, the weighted harmonic mean of the chords beside the point, zero beside a flat one; at
    the ends a three-point formula that never falls.
    """
    if width.size == 1:
        return np.repeat(chord, 2)
    left, right = 2.0 * width[1:] + width[:-1], width[1:] + 2.0 * width[:-1]
    with np.errstate(divide="ignore"):
        inside = (left + right) / (left / chord[:-1] + right / chord[1:])
    inside = np.where((chord[:-1] > 0.0) & (chord[1:] > 0.0), inside, 0.0)
    first = _end_slope(width[0], width[1], chord[0], chord[1])
    last = _end_slope(width[-1], width[-2], chord[-1], chord[-2])
    return np.concatenate([[first], inside, [last]])


def _end_slope(width: float, next_width: float, chord: float, next_chord: float) -> float:
    slope = ((2.0 * width + next_width) * chord - width * next_chord) / (width + next_width)
    return max(slope, 0.0)


def _of_piece(part: FloatArray, piece: npt.NDArray[np.intp]) -> FloatArray:
    """What a part (..., n, pieces) holds for each cell's piece (..., n, 1)."""
    cells = np.arange(piece.shape[-2])
    if part.ndim == piece.ndim == 2:
        return np.asarray(part[cells, piece[:, 0]])
    wide = np.broadcast_to(part, (*piece.shape[:-1], part.shape[-1]))
    return np.asarray(np.take_along_axis(wide, piece, axis=-1)[..., 0])
