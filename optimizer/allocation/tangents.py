"""Where straight lines from the feet of cells' domains touch their curves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from optimizer.allocation.rows import FloatArray
from optimizer.curves import Curve

Cells = npt.NDArray[np.intp]
STEPS = 80
TOUCHES = 1e-12  # of a cell's range: how well the point of contact is known


class Tangents:
    """Points of contact on [bend, upper] where curves are concave, remembered foot by foot.

    The height at which a tangent passes above the foot rises with its point of contact: Newton's
    steps within a bracket find where it is nothing. Where the line to the upper end lies above
    the curve, that end is the point of contact.
    """

    def __init__(self, curves: Curve, bend: FloatArray, upper: FloatArray) -> None:
        self.curves, self.bend, self.upper = curves, np.minimum(bend, upper), upper
        self.foot = np.full(upper.size, np.nan)
        self.touch = np.minimum(2.0 * self.bend, upper)

    def from_feet(self, cells: Cells, foot: FloatArray) -> FloatArray:
        """Points of contact (p,) of lines from the curves of some cells at their feet (p,)."""
        is_new = foot != self.foot[cells]
        if is_new.any():
            new, begin = cells[is_new], foot[is_new]
            curves = self.curves if new.size == self.upper.size else self.curves.take(new)
            ends = np.maximum(self.bend[new], begin), self.upper[new]
            self.foot[new] = begin
            self.touch[new] = _touching(curves, begin, ends, self.touch[new])
        return self.touch[cells]


def _touching(
    curves: Curve, foot: FloatArray, ends: tuple[FloatArray, FloatArray], near: FloatArray
) -> FloatArray:
    """The points of contact (p,) between two ends, sought from near ones."""
    start = curves.value(foot)
    low, high = ends
    with np.errstate(invalid="ignore"):  # a curve may be endlessly steep at its foot
        at_end = curves.value(high) - curves.marginal(high) * (high - foot) <= start
    low = np.where(at_end, high, low)
    at = np.minimum(np.maximum(near, low), high)
    for _ in range(STEPS):
        run = at - foot
        with np.errstate(invalid="ignore"):
            above = curves.value(at) - curves.marginal(at) * run - start
        low, high = np.where(above <= 0.0, at, low), np.where(above > 0.0, at, high)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            moved = at + above / (curves.second_derivative(at) * run)
        moved = np.where((moved >= low) & (moved <= high), moved, 0.5 * (low + high))
        is_done = np.abs(moved - at) <= TOUCHES * ends[1]
        at = moved
        if is_done.all():
            break
    return at
