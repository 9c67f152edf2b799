"""One Newton step on a simplex with bounds: a small concave quadratic by active sets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.allocation.problem import Box, FloatArray

LEAST_CURVATURE = 1e-9  # of the steepest gradient over the widest range
STATIONARY = 1e-12  # of the gradient: a smaller wish to leave a bound is none


@dataclass(frozen=True, slots=True)
class Quadratic:
    r"""An objective near a split: :math:`g'd + d'(\mathrm{diag}(a) - R R')d / 2`."""

    gradient: FloatArray  # g, (n,)
    own_curvature: FloatArray  # a, (n,)
    spread_rows: FloatArray  # R, (n, N)

    def best_step(self, spend: FloatArray, box: Box) -> FloatArray:
        """The step d (n,) that gains most, sum d = 0, lower <= spend + d <= upper.

        Where a cell's own curvature is not negative it is bent down, so that the step ascends.
        """
        bend = self.bend(box)
        return _ActiveSet(self.gradient, bend, box.lower - spend, box.upper - spend).solve()

    def bend(self, box: Box) -> FloatArray:
        """The positive definite matrix (n, n) that the step takes for the curvature."""
        width = np.maximum(box.upper - box.lower, 1e-300)
        steep = max(float(np.ptp(self.gradient)), 1e-300)
        own = np.minimum(self.own_curvature, -LEAST_CURVATURE * steep / width.max())
        bent = np.minimum(-np.abs(self.own_curvature), -steep / width)
        own = np.where(self.own_curvature > 0.0, bent, own)
        return np.asarray(self.spread_rows @ self.spread_rows.T - np.diag(own))


class _ActiveSet:
    """Maximise g'd - d'Bd / 2 over sum d = 0, low <= d <= high, B positive definite."""

    def __init__(
        self, gradient: FloatArray, bend: FloatArray, low: FloatArray, high: FloatArray
    ) -> None:
        self.gradient, self.bend, self.low, self.high = gradient, bend, low, high
        self.step = np.zeros_like(gradient)
        self.held = self._first_held()

    def solve(self) -> FloatArray:
        for _ in range(4 * self.step.size + 10):
            blocked = self._advance()
            if blocked is not None:
                self.held[blocked] = True
                continue
            released = self._release()
            if released is None:
                break
            self.held[released] = False
        return self.step

    def _first_held(self) -> npt.NDArray[np.bool_]:
        """Cells to hold at their bound at first: those the common price pushes outward."""
        price = float(np.median(self.gradient))
        down = (self.low >= 0.0) & (self.gradient < price)
        up = (self.high <= 0.0) & (self.gradient > price)
        return np.asarray(down | up | (self.high <= self.low))

    def _advance(self) -> int | None:
        """Move to the best of the free cells; the first bound met on the way, if one is."""
        free = np.flatnonzero(~self.held)
        if free.size < 2:
            return None
        slope = (self.gradient - self.bend @ self.step)[free]
        matrix = np.ones((free.size + 1, free.size + 1))
        matrix[:-1, :-1], matrix[-1, -1] = self.bend[np.ix_(free, free)], 0.0
        move = np.linalg.solve(matrix, np.append(slope, 0.0))[:-1]
        limit = np.where(move > 0.0, self.high[free], self.low[free]) - self.step[free]
        with np.errstate(divide="ignore", invalid="ignore"):
            room = np.where(move == 0.0, np.inf, np.maximum(limit / move, 0.0))
        first = int(room.argmin())
        self.step[free] += min(1.0, float(room[first])) * move
        self.step = np.clip(self.step, self.low, self.high)
        return int(free[first]) if room[first] < 1.0 else None

    def _release(self) -> int | None:
        """The held cell that gains most by leaving its bound; None where none gains."""
        slope = self.gradient - self.bend @ self.step
        movable = self.held & (self.high > self.low)
        price = self._price(slope, movable)
        if price is None:
            return None
        wish = np.where(self.step <= self.low, slope - price, price - slope)
        wish = np.where(movable, wish, -np.inf)
        best = int(wish.argmax())
        return best if wish[best] > STATIONARY * float(np.abs(slope).max()) else None

    def _price(self, slope: FloatArray, movable: npt.NDArray[np.bool_]) -> float | None:
        """What a unit of budget is worth among the free cells, or between the held ones."""
        if not self.held.all():
            return float(slope[~self.held].mean())
        up, down = movable & (self.step < self.high), movable & (self.step > self.low)
        if not (up.any() and down.any()):
            return None
        return 0.5 * (float(slope[up].max()) + float(slope[down].min()))
