"""A fitted market, or a panel, as what is said of it sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from optimizer.fitting.aggregate import AggregateProblem
from optimizer.fitting.panel import PanelProblem
from optimizer.fitting.posterior import Posterior
from optimizer.fitting.structure import USUAL, Structure

FloatArray = npt.NDArray[np.float64]

TOGETHER = (AggregateProblem, PanelProblem)  # models of revenue that is known as a whole


@dataclass(frozen=True)
class Subject:
    """A fitted market as its diagnostics see it."""

    posterior: Posterior  # type: ignore[type-arg]
    channels: tuple[str, ...]
    market: str | None
    spend: FloatArray  # (n_periods, n_channels), currency per period
    units: FloatArray  # (n_channels,), currency per unit of fitted revenue
    weeks: float  # in one period
    stated: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # ROAS, by the planner
    structure: Structure = USUAL
    series: FloatArray | None = None  # (n_series,), shares of markets in the whole, of a panel

    @property
    def periods_per_year(self) -> int:
        """Whole periods in a year."""
        return round(365.25 / 7 / self.weeks)

    @property
    def variation(self) -> FloatArray:
        """How much each channel's spend varies, (n_channels,), of its mean."""
        return np.asarray(self.spend.std(axis=0) / self.spend.mean(axis=0))
