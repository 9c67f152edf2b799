"""Slopes of a curve's least concave majorant: what an S-shaped curve is relaxed to.

The majorant's slopes on a grid are the decreasing regression of the curve's own, weighted by the
grid's widths; between the middles of the grid's intervals they are taken to change evenly, so
that the relaxed curve is smooth and exactly concave. Only prices are read from it, and any prices
prove a bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from optimizer.allocation.stocks import BoolArray, FloatArray
from optimizer.curves import Curve, TableCurve

N_NODES = 385
NEAREST_TO_ZERO = 1e-6  # of the largest level: the first node
BENDS_UP = 1e-9  # of the largest value: a majorant this close means a concave curve


@dataclass(frozen=True)
class Envelope:
    """The majorants' slopes between 0 and each cell's largest level."""

    curve: Curve
    middles: FloatArray  # (m, n), levels, rising
    slopes: FloatArray  # (m, n), falling
    is_s_shaped: BoolArray  # (n,)

    @classmethod
    def of(cls, curve: Curve, largest: FloatArray) -> Self:
        """The envelope up to the largest level (n,) of each cell."""
        from scipy.optimize import isotonic_regression

        grid = np.concatenate([[0.0], np.geomspace(NEAREST_TO_ZERO, 1.0, N_NODES - 1)])
        nodes = grid[:, None] * np.maximum(largest, 1e-290)
        values = curve.value(nodes)
        widths, own = np.diff(nodes, axis=0), np.diff(values, axis=0) / np.diff(nodes, axis=0)
        slopes = own.copy()
        for cell in np.flatnonzero(np.any(np.diff(own, axis=0) > 0.0, axis=0)):
            found = isotonic_regression(own[:, cell], weights=widths[:, cell], increasing=False)
            slopes[:, cell] = found.x
        excess = np.cumsum((slopes - own) * widths, axis=0).max(axis=0)
        is_s_shaped = excess > BENDS_UP * np.maximum(values[-1], 1e-290)
        return cls(curve, 0.5 * (nodes[1:] + nodes[:-1]), slopes, is_s_shaped)

    def __call__(self, levels: FloatArray) -> tuple[FloatArray, FloatArray]:
        """First and second derivatives (P, n) of the relaxed curves."""
        first, second = true_slopes(self.curve, levels)
        for cell in np.flatnonzero(self.is_s_shaped):
            middles, slopes = self.middles[:, cell], self.slopes[:, cell]
            at = np.clip(np.searchsorted(middles, levels[:, cell]) - 1, 0, middles.size - 2)
            bend = (slopes[at + 1] - slopes[at]) / (middles[at + 1] - middles[at])
            within = np.clip(levels[:, cell], middles[0], middles[-1])
            first[:, cell] = slopes[at] + bend * (within - middles[at])
            second[:, cell] = bend
        return first, second


def true_slopes(curve: Curve, levels: FloatArray) -> tuple[FloatArray, FloatArray]:
    """First and second derivatives (P, n) of the curves, finite and never bending up."""
    if isinstance(curve, TableCurve):
        return _table_slopes(curve, levels)
    inside = np.maximum(levels, 1e-290)
    with np.errstate(over="ignore", invalid="ignore"):
        first, second = curve.marginal(inside), curve.second_derivative(inside)
    return np.minimum(first, 1e200), np.clip(second, -1e200, 0.0)


def _table_slopes(curve: TableCurve, levels: FloatArray) -> tuple[FloatArray, FloatArray]:
    """As `true_slopes`, a cell at a time: sorted search beats comparing with every node."""
    first, second = np.empty_like(levels), np.empty_like(levels)
    width = np.diff(curve.nodes, axis=1)
    chord = np.diff(curve.values, axis=1) / width
    right, left = curve.slopes_right, curve.slopes_left
    bend = (6.0 * chord - 4.0 * right - 2.0 * left) / width
    twist = 6.0 * (right + left - 2.0 * chord) / width**2
    for cell, nodes in enumerate(curve.nodes):
        at = np.searchsorted(nodes[1:-1], levels[:, cell], side="right")
        t = levels[:, cell] - nodes[at]
        first[:, cell] = right[cell, at] + (bend[cell, at] + 0.5 * twist[cell, at] * t) * t
        second[:, cell] = bend[cell, at] + twist[cell, at] * t
    return first, np.minimum(second, 0.0)
