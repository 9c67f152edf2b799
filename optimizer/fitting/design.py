"""The columns that explain revenue besides media: level, trend, seasons, holidays, controls.

Every column comes with the mean and standard deviation of its effect, as shares of mean revenue.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from optimizer.history import Control, ControlKind, History, Spacing

FloatArray = npt.NDArray[np.float64]

CONTROL_SD: dict[ControlKind, float] = {
    "promotion": 0.2,
    "holiday": 0.3,
    "demand": 0.1,
    "other": 0.15,
}
FOURIER_SD = 0.15
YEAR_END_SD = 0.3
TREND_SD = 0.3  # per year
LEVEL = (0.7, 0.5)  # mean, sd
SMOOTH_SD = 0.03
SMOOTH_WEEKS = 10.0  # over which a smooth baseline changes

#: Share of a smooth course's variance that its columns may leave out.
LEFT_OUT = 1e-4

#: Under this many periods a year's shape is one wave, not two.
PERIODS_FOR_TWO_WAVES = 60


@dataclass(frozen=True, slots=True)
class Design:
    """Columns with the prior of their effects."""

    columns: FloatArray  # (n_periods, n_columns)
    mean: FloatArray  # (n_columns,), shares of mean revenue
    sd: FloatArray  # (n_columns,)

    def beside(self, columns: FloatArray, sd: float, mean: float = 0.0) -> Design:
        """The design with more columns at its right, all of one prior."""
        more = columns.shape[1]
        return Design(
            np.concatenate([self.columns, columns], axis=1),
            np.concatenate([self.mean, np.full(more, mean)]),
            np.concatenate([self.sd, np.full(more, sd)]),
        )


def nothing(n_periods: int) -> Design:
    """A design without columns."""
    return Design(np.zeros((n_periods, 0)), np.zeros(0), np.zeros(0))


def baseline_design(history: History, market: int) -> Design:
    """Level, trend, seasons, year-end and controls of an aggregate history."""
    n_periods = len(history.dates)
    years = (np.arange(n_periods) - (n_periods - 1) / 2) / history.spacing.periods_per_year
    level = nothing(n_periods).beside(np.ones((n_periods, 1)), LEVEL[1], LEVEL[0])
    return seasonal(
        level.beside(np.asarray(years, np.float64)[:, None], TREND_SD), history, market, FOURIER_SD
    )


def seasonal(design: Design, history: History, market: int, wave_sd: float) -> Design:
    """A design with waves of the year (and the week), year-end and controls added."""
    design = design.beside(_waves(history.dates, history.spacing), wave_sd)
    design = design.beside(_year_end(history.dates, history.spacing), YEAR_END_SD)
    for control in history.controls:
        design = design.beside(_control_column(control, market), CONTROL_SD[control.kind])
    return design


def demand_knots(n_periods: int, knots: int = 100) -> FloatArray:
    """A free course over time, linear between knots: (n_periods, n_knots), rows summing to 1."""
    count = min(knots, n_periods)
    place = np.linspace(0, count - 1, n_periods)
    return np.asarray(np.maximum(0.0, 1.0 - np.abs(place[:, None] - np.arange(count))))


def smooth_course(n_periods: int, weeks: float) -> FloatArray:
    """A Gaussian process over time as columns of independent unit effects, (n_periods, n_columns).

    Squared exponential, of variance 1 and length 10 weeks; the columns are the eigenvectors of its
    covariance by the roots of their eigenvalues, so few hold nearly all of it.
    """
    apart = (np.arange(n_periods)[:, None] - np.arange(n_periods)) * weeks / SMOOTH_WEEKS
    values, vectors = np.linalg.eigh(np.exp(-(apart**2) / 2))
    left = np.cumsum(np.maximum(values, 0.0)) / n_periods
    kept = left > LEFT_OUT
    return np.asarray(vectors[:, kept] * np.sqrt(values[kept]))


def _waves(dates: pd.DatetimeIndex, spacing: Spacing) -> FloatArray:
    """Sines and cosines: two waves of the year, and three of the week in daily data."""
    pairs = 1 if len(dates) < PERIODS_FOR_TWO_WAVES else 2
    days = np.asarray((dates - dates[0]).days, dtype=np.float64) + float(dates[0].day_of_year)
    angles = [2 * np.pi * days * j / 365.25 for j in range(1, pairs + 1)]
    if spacing is Spacing.DAY:
        angles += [2 * np.pi * days * j / 7 for j in (1, 2, 3)]
    return np.stack([wave(angle) for angle in angles for wave in (np.sin, np.cos)], axis=1)


def _year_end(dates: pd.DatetimeIndex, spacing: Spacing) -> FloatArray:
    """One column that is 1 in days and weeks touching 20 December to 2 January; none if empty."""
    length = {"day": 1, "week": 7, "month": 0}[spacing.value]
    touches = np.zeros(len(dates), dtype=bool)
    for offset in range(length):
        day = dates + pd.Timedelta(days=offset)
        touches |= np.asarray(
            ((day.month == 12) & (day.day >= 20)) | ((day.month == 1) & (day.day <= 2))
        )
    column = touches[:, None].astype(np.float64)
    return column if touches.any() else column[:, :0]


def _control_column(control: Control, market: int) -> FloatArray:
    """A control as a column: flags between 0 and 1, the rest standardised; none if constant."""
    values = np.asarray(control.values)[market]
    spread = float(values.std())
    if spread < 1e-12 * max(1.0, float(np.abs(values).max())):
        return np.zeros((values.size, 0))
    if control.kind in ("promotion", "holiday"):
        return np.asarray(values / np.abs(values).max())[:, None]
    return np.asarray((values - values.mean()) / spread)[:, None]
