"""A greedy search on a fine grid, as Meridian's, but by jumps."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.instances import FloatArray
from benchmarks.peers.scaled import OutOfTimeError, Scaled

GRID = 2000


def jump_greedy(scaled: Scaled) -> FloatArray:
    """A fine grid, greedy by jumps: always the best average return of any rise that fits."""
    problem = scaled.problem
    step = (scaled.budget - scaled.lower.sum()) / GRID
    spend = scaled.lower + step * np.arange(GRID + 1)[:, None]
    value = problem.mean_gain.value(np.minimum(spend, scaled.upper) * scaled.unit)
    value[spend > scaled.upper + 1e-9 * step] = -np.inf
    level = np.zeros(scaled.lower.size, dtype=int)
    left = _steps_left(scaled, level, step)
    offers = np.array([_best_jump(value[:, i], 0, left[i]) for i in range(level.size)])
    while True:
        cell = int(np.argmax(offers[:, 0]))
        if not np.isfinite(offers[cell, 0]):
            return scaled.lower + step * level
        if time.process_time() > scaled.deadline:
            raise OutOfTimeError
        room = _steps_left(scaled, level, step)[cell]
        if offers[cell, 1] <= room:
            level[cell] += int(offers[cell, 1])
            room = _steps_left(scaled, level, step)[cell]
        offers[cell] = _best_jump(value[:, cell], level[cell], room)


def _steps_left(scaled: Scaled, level: FloatArray, step: float) -> FloatArray:
    """How many steps each cell may still rise under the budget and the groups' maxima (n,)."""
    left = np.full(level.size, GRID - level.sum())
    if len(scaled.matrix):
        room = scaled.row_upper - scaled.matrix @ (scaled.lower + step * level)
        steps = np.floor(np.maximum(room, 0.0) / step)
        most = np.where(scaled.matrix > 0.0, steps[:, None], np.inf).min(axis=0)
        left = np.minimum(left, most)
    return np.asarray(left).astype(int)


def _best_jump(value: FloatArray, level: int, left: int) -> tuple[float, float]:
    """The best average gain of a rise of at most ``left`` steps, and that rise."""
    ahead = value[level + 1 : level + left + 1]
    if ahead.size == 0:
        return -np.inf, 0.0
    average = (ahead - value[level]) / np.arange(1, ahead.size + 1)
    best = int(average.argmax())
    return float(average[best]), best + 1.0
