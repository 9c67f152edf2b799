"""What moves a panel's revenue besides media: each market's own course, and one they share.

Every market has a level, a trend, a wave of the year and its own answer to controls. All share a
course over time and one answer to controls, felt in proportion to the market's baseline.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from optimizer.fitting.design import CONTROL_SD, LEVEL, Design, baseline_design
from optimizer.fitting.panel_data import PanelData
from optimizer.history import Control, History

FloatArray = npt.NDArray[np.float64]

OWN_TREND_SD = 0.1  # per year, of the market's mean revenue
OWN_WAVE_SD = 0.05
OWN_CONTROL = 0.3  # sd of a market's own answer to a control, of the sd of the common one


@dataclass(frozen=True)
class PanelBaseline:
    """Columns with the prior of their effects, shares of each market's mean revenue."""

    own: FloatArray  # (n_markets, n_periods, n_own), multiples of the panel's unit
    own_mean: FloatArray  # (n_own,)
    own_sd: FloatArray  # (n_own,)
    course: Design  # trend, seasons, year-end of the course in common, (n_periods, n_columns)
    controls: FloatArray  # (n_markets, n_periods, n_controls)
    controls_sd: FloatArray  # (n_controls,)

    @classmethod
    def of(cls, history: History, data: PanelData) -> PanelBaseline:
        """The baseline of a panel."""
        plain = baseline_design(replace(history, controls=()), 0)
        controls, sd = _controls(history, data)
        size = data.revenue.sum(axis=1) / data.open.sum(axis=1)
        count = len(data.markets)
        level = np.ones((count, len(history.dates), 1))
        trend_and_wave = np.broadcast_to(plain.columns[:, 1:4], (count, len(history.dates), 3))
        own = np.concatenate([level, trend_and_wave, controls], axis=2)
        return cls(
            own=own * size[:, None, None],
            own_mean=np.array([LEVEL[0], *np.zeros(own.shape[2] - 1)]),
            own_sd=np.array([LEVEL[1], OWN_TREND_SD, OWN_WAVE_SD, OWN_WAVE_SD, *OWN_CONTROL * sd]),
            course=Design(plain.columns[:, 1:], plain.mean[1:], plain.sd[1:]),
            controls=controls,
            controls_sd=sd,
        )

    def first(self, n_periods: int) -> PanelBaseline:
        """The baseline of the first periods."""
        return replace(
            self,
            own=self.own[:, :n_periods],
            course=replace(self.course, columns=self.course.columns[:n_periods]),
            controls=self.controls[:, :n_periods],
        )


def _controls(history: History, data: PanelData) -> tuple[FloatArray, FloatArray]:
    """Controls as columns (n_markets, n_periods, n_controls) and the sd of their effects."""
    columns, sds = [np.zeros((*data.open.shape, 0))], []
    for control in history.controls:
        column = _column(control, data)
        if column is not None:
            columns.append(column[..., None])
            sds.append(CONTROL_SD[control.kind])
    return np.concatenate(columns, axis=2), np.array(sds, np.float64)


def _column(control: Control, data: PanelData) -> FloatArray | None:
    """One control (n_markets, n_periods): flags between 0 and 1, the rest standardised."""
    values = np.asarray(control.values, np.float64)[data.markets]
    if control.kind in ("promotion", "holiday"):
        most = float(np.abs(values).max())
        return values / most if most > 0 else None
    inside = np.where(data.open, values, 0.0)
    away = np.where(data.open, values - inside.sum(axis=1, keepdims=True) / _count(data), 0.0)
    spread = float(np.sqrt((away**2).sum() / data.open.sum()))
    return away / spread if spread > 1e-12 * max(1.0, float(np.abs(values).max())) else None


def _count(data: PanelData) -> FloatArray:
    """Open periods of each market, (n_markets, 1)."""
    return np.asarray(data.open.sum(axis=1, keepdims=True), np.float64)
