"""The axes of a history's arrays: its markets, its channels, the periods of an even calendar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from optimizer.tables.cells import BoolArray, FloatArray
from optimizer.tables.dates import Days, Spacing, iso, period_starts


@dataclass(slots=True)
class Axes:
    """The three axes of the arrays, and the calendar's own numbers for the periods."""

    spacing: Spacing
    first: int
    starts: Days  # (n_periods,), days since 1970
    markets: list[str]
    channels: list[str]

    def spread(
        self, observed: pd.DataFrame, names: Sequence[str] | None
    ) -> tuple[FloatArray, BoolArray]:
        """Values on the grid (NaN where none), and where there was an observation at all."""
        width = 1 if names is None else len(names)
        values = np.full((len(self.markets), len(self.starts), width), np.nan)
        seen = np.zeros(values.shape, dtype=bool)
        market = observed["market"].cat.set_categories(self.markets).cat.codes.to_numpy()
        period = observed["period"].to_numpy() - self.first
        if names is None:
            name: npt.NDArray[np.integer] = np.zeros(len(observed), dtype=np.int64)
        else:
            name = observed["name"].cat.set_categories(names).cat.codes.to_numpy()
        values[market, period, name] = observed["value"].to_numpy()
        seen[market, period, name] = True
        return values, seen

    def when(self, period: int) -> str:
        """The day a period begins."""
        return iso(self.starts[period])


def axes_of(observed: pd.DataFrame, spacing: Spacing, days: Days) -> Axes:
    """The axes of all observations: every period from the first to the last."""
    first, last = int(observed["period"].min()), int(observed["period"].max())
    starts = period_starts(np.arange(first, last + 1), spacing, days)
    media = observed[observed["part"].isin(["spend", "revenue"])]
    channels = [name for name in media["name"].drop_duplicates() if name]
    return Axes(spacing, first, starts, list(media["market"].drop_duplicates()), channels)
