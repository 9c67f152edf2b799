"""One Newton step on a simplex with bounds: a small concave quadratic by active sets."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from optimizer.allocation.problem import FloatArray

LEAST_CURVATURE = 1e-9  # of the steepest gradient over the widest range


def ascent_step(
    spend: FloatArray,
    gradient: FloatArray,
    curvature: FloatArray,
    spread_rows: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
) -> FloatArray:
    r"""Maximise :math:`g'd + d'(\mathrm{diag}(a) - R R')d / 2`, sum d = 0, lower <= x + d <= upper.

    Parameters
    ----------
    spend, lower, upper : ndarray of shape (n,), currency
    gradient, curvature : ndarray of shape (n,)
        g and a; a is bent to below zero where it is not, so that the step ascends.
    spread_rows : ndarray of shape (n, N)
        R.

    Returns
    -------
    ndarray of shape (n,), currency
    """
    width = np.maximum(upper - lower, 1e-300)
    steep = max(float(np.abs(gradient - gradient.mean()).max()), 1e-300)
    own = np.minimum(curvature, -LEAST_CURVATURE * steep / width.max())
    own = np.where(curvature > 0.0, np.minimum(-np.abs(curvature), -steep / width), own)
    bend = spread_rows @ spread_rows.T - np.diag(own)
    low, high = lower - spend, upper - spend
    step = np.zeros_like(spend)
    held = _held(gradient, low, high)
    for _ in range(4 * spend.size + 10):
        step, blocked = _towards(step, gradient, bend, low, high, held)
        if blocked is not None:
            held[blocked] = True
            continue
        released = _release(gradient - bend @ step, step, low, high, held)
        if released is None:
            break
        held[released] = False
    return step


def _held(gradient: FloatArray, low: FloatArray, high: FloatArray) -> npt.NDArray[np.bool_]:
    """Cells to hold at their bound at first: those the common price pushes outward."""
    price = float(np.median(gradient))
    at_low, at_high = low >= 0.0, high <= 0.0
    return np.asarray((at_low & (gradient < price)) | (at_high & (gradient > price)) | (high <= low))


def _towards(
    step: FloatArray,
    gradient: FloatArray,
    bend: FloatArray,
    low: FloatArray,
    high: FloatArray,
    held: npt.NDArray[np.bool_],
) -> tuple[FloatArray, int | None]:
    """Move to the best of the free cells, or to the first bound on the way."""
    free = np.flatnonzero(~held)
    if free.size < 2:
        return step, None
    slope = (gradient - bend @ step)[free]
    matrix = np.ones((free.size + 1, free.size + 1))
    matrix[:-1, :-1], matrix[-1, -1] = bend[np.ix_(free, free)], 0.0
    move = np.linalg.solve(matrix, np.append(slope, 0.0))[:-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(move > 0.0, high[free] - step[free], low[free] - step[free]) / move
    room = np.where(move == 0.0, np.inf, np.maximum(room, 0.0))
    first = int(room.argmin())
    moved = step.copy()
    moved[free] += min(1.0, float(room[first])) * move
    return np.clip(moved, low, high), int(free[first]) if room[first] < 1.0 else None


def _release(
    slope: FloatArray,
    step: FloatArray,
    low: FloatArray,
    high: FloatArray,
    held: npt.NDArray[np.bool_],
) -> int | None:
    """The held cell that gains most by leaving its bound; None where none gains."""
    free = ~held
    movable = held & (high > low)
    if not movable.any():
        return None
    if free.any():
        price = float(slope[free].mean())
    else:
        up, down = movable & (step < high), movable & (step > low)
        if not (up.any() and down.any()):
            return None
        price = 0.5 * (float(slope[up].max()) + float(slope[down].min()))
    wish = np.where(step <= low, slope - price, price - slope)
    wish = np.where(movable, wish, -np.inf)
    best = int(wish.argmax())
    return best if wish[best] > 1e-12 * max(float(np.abs(slope).max()), 1e-300) else None
