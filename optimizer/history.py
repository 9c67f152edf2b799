"""A History: what was spent and what came of it, one immutable table of past periods.

Two layouts (ESTIMATION: two kinds of history). *Attributed*: revenue known per channel and
period. *Aggregate*: one revenue series per market, several spends, optional controls.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

FloatArray = npt.NDArray[np.float64]
Layout = Literal["attributed", "aggregate"]
ControlKind = Literal["promotion", "holiday", "demand", "other"]


class Spacing(StrEnum):
    """The step between two periods of a history."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    @property
    def periods_per_year(self) -> float:
        """Periods in a year: 365.25 days, 52.18 weeks or 12 months."""
        return {"day": 365.25, "week": 365.25 / 7, "month": 12.0}[self.value]


class Severity(StrEnum):
    """What a finding means for planning."""

    FATAL = "fatal"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing noticed in a history: where, how bad, what was done about it."""

    code: str  # snake_case, stable: "missing_period", "duplicate_row", "outlier", ...
    severity: Severity
    message: str  # one sentence a planner understands, ends with what was done or what to do
    row: int | None = None  # 1-based row of the file, header is row 1; None: not one row
    column: str | None = None
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Control:
    """A series that explains revenue but is not bought."""

    name: str
    kind: ControlKind
    values: FloatArray  # (n_markets, n_periods), as in the file


@dataclass(frozen=True, slots=True)
class History:
    """Spend and revenue by period; every array is ordered market, period, channel.

    A history of a single unnamed market has ``markets == (None,)``. Periods are complete and
    evenly spaced: gaps were filled, and every filling is a finding.
    """

    layout: Layout
    spacing: Spacing
    dates: pd.DatetimeIndex  # (n_periods,)
    channels: tuple[str, ...]
    markets: tuple[str | None, ...]
    spend: FloatArray  # (n_markets, n_periods, n_channels), currency per period
    revenue: FloatArray  # attributed: as spend; aggregate: (n_markets, n_periods); currency
    controls: tuple[Control, ...] = ()
    population: FloatArray | None = None  # (n_markets,)
    currency: str | None = None
    findings: tuple[Finding, ...] = field(default=())
    content_hash: str = ""  # "sha256:..." of the numbers, not of the file's bytes
