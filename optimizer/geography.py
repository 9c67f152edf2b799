"""Several markets in one history: what they have in common, and figures of the whole country."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from optimizer.history import History

FloatArray = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]

#: Share of a channel's variation per head that all markets have in common, above which it is
#: national.
IN_COMMON = 0.995


def in_common(per_head: FloatArray, opened: Bools) -> FloatArray:
    """Share of each channel's variation over time that all its markets share, (n_channels,).

    Levels do not count: spend of a market is compared in multiples of its own mean. One market
    alone shares nothing.
    """
    weights = opened[..., None] * (per_head.sum(axis=1, keepdims=True) > 0)
    count = np.maximum(weights.sum(axis=1, keepdims=True), 1)
    own = (per_head * weights).sum(axis=1, keepdims=True) / count
    relative = np.where(weights, per_head / np.where(own > 0, own, 1.0) - 1.0, 0.0)
    several = np.maximum(weights.sum(axis=0), 1)
    course = relative.sum(axis=0) / several
    apart = (weights * (relative - course) ** 2).sum(axis=(0, 1))
    whole = (weights * relative**2).sum(axis=(0, 1))
    alone = (weights.any(axis=1).sum(axis=0) < 2) | (whole <= 1e-12)
    return np.asarray(np.where(alone, 0.0, 1.0 - apart / np.maximum(whole, 1e-300)))


def repeated_channels(history: History) -> Places:
    """Channels of a geo history whose spend is the same series, coming and going, everywhere."""
    if len(history.markets) < 2 or history.layout == "attributed":
        return np.zeros(0, np.intp)
    same = (history.spend == history.spend[:1]).all(axis=(0, 1))
    return np.flatnonzero(same & (np.ptp(history.spend[0], axis=0) > 0))


def with_repeats_divided(history: History) -> History:
    """The history with every figure that stands for the whole country divided over its markets."""
    repeated = repeated_channels(history)
    if not repeated.size:
        return history
    size = history.revenue.mean(axis=1) if history.population is None else history.population
    spend = history.spend.copy()
    spend[..., repeated] *= (size / size.sum())[:, None, None]
    return replace(history, spend=spend)
