"""Splits of a fixed budget over curves: the benchmark's own, independent of the allocator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

FloatArray = npt.NDArray[np.float64]

UNITS = 600  # steps of the budget in the exact search on a grid


def best_split(
    responses: Callable[[FloatArray], FloatArray],
    current: FloatArray,
    bounds: tuple[float, float],
) -> FloatArray:
    """The best split of known curves: exact on a grid of the budget, then polished."""
    budget = float(current.sum())
    step = budget * (1 - bounds[0]) / UNITS
    rooms = (bounds[1] - bounds[0]) * current / step  # steps each channel may take
    levels = bounds[0] * current + step * np.minimum(np.arange(UNITS + 1)[:, None], rooms)
    earned = responses(levels)
    total, choices = np.full(UNITS + 1, -np.inf), []
    total[0] = 0.0
    for i, room in enumerate(rooms):
        total, choice = _add_channel(total, earned[:, i], int(np.ceil(min(room, UNITS))))
        choices.append(choice)
    split, left = np.empty(len(current)), UNITS
    for i in reversed(range(len(current))):
        taken = choices[i][left]
        split[i], left = levels[taken, i], left - taken
    split = _to_budget(split, current, bounds)
    scale, nudge = float(responses(current).sum()), 1e-6 * current

    def worth(spend: FloatArray) -> tuple[float, FloatArray]:
        low, high = np.maximum(spend - nudge, 0.0), spend + nudge
        slope = (responses(high) - responses(low)) / (high - low)
        return float(responses(spend).sum()) / scale, slope / scale

    better = polish(worth, split, current, bounds)
    return max([split, better], key=lambda s: worth(s)[0])


def _add_channel(
    value: FloatArray, earned: FloatArray, most: int
) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Best value of each number of steps once a channel may take up to `most` of them."""
    place = np.arange(UNITS + 1)
    before = place[:, None] - np.arange(most + 1)
    sums = np.where(before >= 0, value[np.maximum(before, 0)], -np.inf) + earned[: most + 1]
    choice = sums.argmax(axis=1)
    return sums[place, choice], choice


def _to_budget(split: FloatArray, current: FloatArray, bounds: tuple[float, float]) -> FloatArray:
    """The split moved to spend the whole budget, each channel by its room."""
    missing = float(current.sum() - split.sum())
    room = bounds[1] * current - split if missing > 0 else split - bounds[0] * current
    return split + missing * room / max(float(room.sum()), 1e-300)


def polish(
    worth: Callable[[FloatArray], tuple[float, FloatArray]],
    start: FloatArray,
    current: FloatArray,
    bounds: tuple[float, float],
) -> FloatArray:
    """SLSQP from one start, in shares of the budget; `worth` gives value and slope."""
    budget = float(current.sum())

    def loss(shares: FloatArray) -> tuple[float, FloatArray]:
        value, slope = worth(np.maximum(shares, 0) * budget)
        return -value, -slope * budget

    found = minimize(  # type: ignore[call-overload]
        loss,
        start / budget,
        jac=True,
        method="SLSQP",
        bounds=[(bounds[0] * c / budget, bounds[1] * c / budget) for c in current],
        constraints={
            "type": "eq",
            "fun": lambda shares: shares.sum() - 1,
            "jac": np.ones_like,
        },
        options={"maxiter": 60, "ftol": 1e-9},
    ).x
    split = np.clip(found * budget, bounds[0] * current, bounds[1] * current)
    return _to_budget(split, current, bounds)
