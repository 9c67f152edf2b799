"""Splits of a fixed budget over curves: the benchmark's own, independent of the allocator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from optimizer.model import Hill, Model

FloatArray = npt.NDArray[np.float64]

UNITS = 600  # steps of the budget in the exact search on a grid


def steady(model: Model, spend: FloatArray) -> FloatArray:
    """Response of every draw, (n_draws, ..., n_channels), currency per period."""
    return np.stack(
        [_hill(entry.curve, spend[..., i]) for i, entry in enumerate(model.channels)], axis=-1
    )


def _hill(curve: object, spend: FloatArray) -> FloatArray:
    """One Hill curve's draws at a level of spend."""
    assert isinstance(curve, Hill)
    shape = (-1, *(1,) * spend.ndim)
    ceiling, half, slope = (
        np.reshape(np.atleast_1d(p), shape)
        for p in (curve.ceiling, curve.half_saturation, curve.slope)
    )
    scaled = (spend / half) ** slope
    return np.asarray(ceiling * scaled / (1 + scaled))


def recommend(
    model: Model, current: FloatArray, bounds: tuple[float, float], caution: float
) -> FloatArray:
    """The split that maximises mean less caution times sd of the gain over the current one.

    Parameters
    ----------
    current : ndarray of shape (n_channels,), currency per period; its sum is the budget
    bounds : pair of float, multiples of the current split
    """
    here = steady(model, current)
    scale = float(here.sum(axis=-1).mean())

    def worth(split: FloatArray) -> tuple[float, FloatArray]:
        there, slopes = _value_and_slope(model, split)
        gain = (there - here).sum(axis=-1)
        away = gain - gain.mean()
        doubt = float(np.sqrt((away**2).mean())) + 1e-12 * scale
        slope = slopes.mean(axis=0) - caution * away @ slopes / (len(away) * doubt)
        return (float(gain.mean()) - caution * doubt) / scale, slope / scale

    def mean(levels: FloatArray) -> FloatArray:
        return np.asarray(steady(model, levels).mean(axis=0))

    starts = [best_split(mean, current, bounds)]
    if caution > 0 and len(here) > 1:
        starts += [current, (current + starts[0]) / 2]
    found = [polish(worth, start, current, bounds) for start in starts]
    best = max([*found, starts[0]], key=lambda split: worth(split)[0])
    return best if worth(best)[0] > 0 else current


def _value_and_slope(model: Model, split: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Response and its derivative by spend of every draw, each (n_draws, n_channels)."""
    spend = np.maximum(split, 1e-9 * split.sum())
    value = steady(model, spend)
    ceiling, slope = (
        np.stack([np.atleast_1d(getattr(e.curve, name)) for e in model.channels], axis=-1)
        for name in ("ceiling", "slope")
    )
    return value, value * slope * (1 - value / ceiling) / spend


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
