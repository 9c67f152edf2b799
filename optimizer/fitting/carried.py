"""Media whose effects last: spend is spread over the periods after it, then goes up a curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from optimizer.adstock import (
    adstock_weight_slopes,
    adstock_weights,
    peaked_weight_slopes,
    spread,
)
from optimizer.fitting.response import response, response_slopes
from optimizer.fitting.structure import Structure

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CarriedMedia:
    """Spends with their past; shapes are (..., n_channels, 4), or 5 where effects are delayed."""

    lags: FloatArray  # (n_channels, n_rows, window), multiples of each channel's mean spend
    weeks: float  # in one period
    structure: Structure

    def retention(self, shapes: FloatArray) -> FloatArray:
        """Share of an effect that survives one period (off its peak), (..., n_channels)."""
        return np.asarray(expit(shapes[..., 3]) ** self._weeks_kept)

    def delay(self, shapes: FloatArray) -> FloatArray | None:
        """Periods until the effect peaks, (..., n_channels); None where it falls at once."""
        if self.structure.carryover == "geometric":
            return None
        return np.asarray(np.exp(shapes[..., 4]) / self.weeks)

    def weights(self, shapes: FloatArray) -> FloatArray:
        """Share of an effect that arrives after 0, 1, ... periods, (..., n_channels, window)."""
        return adstock_weights(self.retention(shapes), self.lags.shape[2], self.delay(shapes))

    def earned(self, shapes: FloatArray) -> FloatArray:
        """Revenue earned by each channel, (..., n_rows, n_channels)."""
        return response(spread(self.lags, self.weights(shapes)), shapes, self.structure.curve)

    def slopes(self, shapes: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Revenue (n_rows, n_channels) and its derivatives by the channel's own shape, one more
        axis at the end."""
        felt = spread(self.lags, self.weights(shapes))
        value, by_shape, by_log = response_slopes(felt, shapes, self.structure.curve)
        relative = np.divide(by_log, felt, out=np.zeros_like(felt), where=felt > 0)
        late = [relative * spread(self.lags, slopes) for slopes in self._weight_slopes(shapes)]
        return value, np.concatenate([by_shape, np.stack(late, axis=-1)], axis=-1)

    def _weight_slopes(self, shapes: FloatArray) -> list[FloatArray]:
        """Derivatives of the weights (n_channels, window) by logit retention, log delay."""
        retention, delay = self.retention(shapes), self.delay(shapes)
        window, kept = self.lags.shape[2], expit(shapes[:, 3])
        by_logit = (retention * self._weeks_kept * (1 - kept))[:, None]
        if delay is None:
            return [adstock_weight_slopes(retention, window) * by_logit]
        by_retention, by_delay = peaked_weight_slopes(retention, delay, window)
        return [by_retention * by_logit, by_delay * delay[:, None]]

    @property
    def _weeks_kept(self) -> float:
        """Power that takes retention per week to a period: lags count squared around a peak."""
        return self.weeks if self.structure.carryover == "geometric" else self.weeks**2
