"""A geo history per head: markets of any size side by side, in units they share.

Revenue and spend are divided by population, so that one curve can hold everywhere; without
population by each market's own mean revenue. A market is open from its first period with revenue
to its last: what lies outside says nothing of its curves. A channel is *national* where its spend
per head is the same in all markets: only time tells what it earns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.errors import FitError
from optimizer.geography import IN_COMMON, in_common
from optimizer.history import History
from optimizer.tables.openings import opening_times

FloatArray = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]


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
        """The panel of a history.

        Raises
        ------
        FitError
            No market has both revenue and spend.
        """
        markets = np.flatnonzero(history.revenue.sum(axis=1) > 0)
        channels = np.flatnonzero(history.spend[markets].sum(axis=(0, 1)) > 0)
        if not channels.size:
            raise FitError(
                "No market that has revenue has any spend. Check that markets are named alike in "
                "the rows of spend and of revenue."
            )
        spend = history.spend[np.ix_(markets, np.arange(len(history.dates)), channels)]
        opened = opening_times(history.revenue[markets] != 0)
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
        """Which market spends on which channel while it is open, (n_markets, n_channels)."""
        return np.asarray((self.spend * self.open[..., None]).sum(axis=1) > 0)
