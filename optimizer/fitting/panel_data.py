"""A geo history per head: markets of any size side by side, in units they share.

Revenue and spend are divided by population, so that one curve can hold everywhere; without
population by each market's own mean revenue. A market is open from its first period with revenue
to its last: what lies outside says nothing of its curves. A channel is *national* where its spend
per head is the same in all markets: only time tells what it earns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from optimizer.history import History

FloatArray = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]

#: Share of a channel's variation per head that all markets have in common, above which it is
#: national.
IN_COMMON = 0.995


@dataclass(frozen=True)
class PanelData:
    """What a panel is fitted to; markets without revenue and channels without spend left out."""

    markets: Places  # (n_markets,), of the history
    channels: Places  # (n_channels,), of the history
    heads: FloatArray  # (n_markets,), population, or the mean revenue where it is unknown
    unit: float  # mean revenue per head and period, currency
    usual: FloatArray  # (n_channels,), mean spend per head and period, currency
    revenue: FloatArray  # (n_markets, n_periods), multiples of unit; zero where closed
    spend: FloatArray  # (n_markets, n_periods, n_channels), multiples of usual
    open: Bools  # (n_markets, n_periods)
    national: Bools  # (n_channels,)

    @classmethod
    def of(cls, history: History) -> PanelData:
        """The panel of a history with revenue and spend somewhere."""
        markets = np.flatnonzero((history.revenue > 0).any(axis=1))
        channels = np.flatnonzero(history.spend[markets].sum(axis=(0, 1)) > 0)
        spend = history.spend[np.ix_(markets, np.arange(len(history.dates)), channels)]
        opened = opening_times(history.revenue[markets])
        revenue = np.where(opened, history.revenue[markets], 0.0)
        own = revenue.sum(axis=1) / opened.sum(axis=1)
        heads = own if history.population is None else history.population[markets]
        per_head = spend / heads[:, None, None]
        used = (spend.sum(axis=1) > 0)[:, None] & opened[..., None]
        usual = np.sum(per_head * used, axis=(0, 1)) / used.sum(axis=(0, 1))
        usual = np.where(usual > 0, usual, per_head.mean(axis=(0, 1)))
        unit = float(np.mean(own / heads))
        return cls(
            markets=markets,
            channels=channels,
            heads=heads,
            unit=unit,
            usual=usual,
            revenue=revenue / (heads[:, None] * unit),
            spend=per_head / usual,
            open=opened,
            national=in_common(per_head, opened) > IN_COMMON,
        )

    @property
    def spent(self) -> Bools:
        """Which market spends on which channel, (n_markets, n_channels)."""
        return np.asarray(self.spend.sum(axis=1) > 0)


def opening_times(revenue: FloatArray) -> Bools:
    """Periods from each market's first revenue to its last, of the shape (n_markets, n_periods).

    Examples
    --------
    >>> opening_times(np.array([[0.0, 2.0, 0.0, 3.0, 0.0]])).astype(int)
    array([[0, 1, 1, 1, 0]])
    """
    earned = revenue != 0
    begun = np.logical_or.accumulate(earned, axis=1)
    ends = np.logical_or.accumulate(earned[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(begun & ends)


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
    """Channels whose spend is given as the same series, coming and going, in all markets."""
    if len(history.markets) < 2:
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
