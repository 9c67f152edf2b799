"""Curves as chords between nodes, for linear programs.

Steps of spend are filled in order. Where slopes fall, filling them in order pays by itself;
where a curve is convex, whole numbers hold a step shut until the one before it is full.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from optimizer.allocation.problem import FloatArray
from optimizer.allocation.programs import IntArray, Program


@dataclass(frozen=True, slots=True)
class Chords:
    """A curve between nodes: steps of spend and the slope of each, to be filled in order."""

    steps: FloatArray  # (k,), currency
    slopes: FloatArray  # (k,), gain per currency
    ordered: int  # how many steps must be full before the next; beyond them slopes fall
    _nodes: tuple[FloatArray, FloatArray]

    @classmethod
    def of(cls, spend: FloatArray, gain: FloatArray) -> Chords:
        keep = np.concatenate([[True], np.diff(spend) > 1e-9 * max(spend[-1] / 1e3, 1e-300)])
        spend, gain = spend[keep], gain[keep]
        hull = _hull(spend, gain)
        gaps = np.flatnonzero(np.diff(hull) > 1)
        under = np.interp(spend, spend[hull], gain[hull]) - gain
        has_gap = gaps.size > 0 and float(under.max()) > 1e-7 * max(float(np.ptp(gain)), 1e-300)
        if not has_gap:
            spend, gain = spend[hull], gain[hull]
        steps = np.diff(spend)
        ordered = int(hull[gaps[-1] + 1]) if has_gap else 0
        return cls(steps, np.diff(gain) / steps, ordered, (spend, gain))

    @property
    def concave(self) -> Chords:
        """The least concave curve above it."""
        spend, gain = self._nodes
        hull = _hull(spend, gain)
        steps = np.diff(spend[hull])
        return Chords(steps, np.diff(gain[hull]) / steps, 0, (spend[hull], gain[hull]))


def _hull(spend: FloatArray, gain: FloatArray) -> IntArray:
    """Places of the nodes that the least concave curve above them touches.

    Examples
    --------
    >>> _hull(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 0.5, 2.0, 2.5]))
    array([0, 2, 3])
    """
    kept: list[int] = []
    for k in range(spend.size):
        while len(kept) > 1 and _is_below(spend, gain, kept[-2], kept[-1], k):
            kept.pop()
        kept.append(k)
    return np.array(kept)


def _is_below(spend: FloatArray, gain: FloatArray, a: int, b: int, c: int) -> bool:
    left = (gain[b] - gain[a]) * (spend[c] - spend[a])
    right = (gain[c] - gain[a]) * (spend[b] - spend[a])
    return bool(left <= right) and not math.isnan(left)


def fill(program: Program, chords: Chords, spend: int, scale: float) -> IntArray:
    """Columns (k,) that fill a curve's steps, which add up to its cell's spend."""
    steps = chords.steps / scale
    columns = program.columns(np.zeros(steps.size), steps)
    one = np.zeros(1, dtype=np.int64)
    total = (np.zeros_like(columns), columns, -1.0)
    program.rows((one, one + spend, 1.0), total, low=0.0, high=0.0, count=1)
    if not chords.ordered:
        return columns
    k = np.arange(chords.ordered)
    is_full = program.columns(np.zeros(k.size), np.ones(k.size), whole=True)
    full = ((k, columns[k], 1.0), (k, is_full, -steps[k]))
    program.rows(*full, low=0.0, count=k.size)
    after = np.arange(1, steps.size)
    gate = is_full[np.minimum(after - 1, chords.ordered - 1)]
    opened = ((after - 1, columns[after], 1.0), (after - 1, gate, -steps[after]))
    program.rows(*opened, high=0.0, count=after.size)
    return columns
