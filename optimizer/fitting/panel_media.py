"""Media of a panel: curves per head that all markets share, and how strong each market's are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.fitting.carried import CarriedMedia
from optimizer.fitting.response import response, response_slopes
from optimizer.fitting.structure import Structure

FloatArray = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True)
class PanelMedia:
    """What channels earn per head in every market; parameters are of the common curves, channel
    after channel, then the strengths, market after market."""

    lags: FloatArray  # (n_channels, n_markets, n_periods, window), multiples of usual spend
    means: FloatArray  # (n_markets, n_channels), each market's own mean, multiples of usual spend
    weeks: float  # in one period
    structure: Structure

    @property
    def n_channels(self) -> int:
        """Channels in the model."""
        return len(self.lags)

    @property
    def window(self) -> int:
        """Periods an effect can last."""
        return int(self.lags.shape[3])

    @property
    def n_own(self) -> int:
        """Parameters of a channel's common curve and carryover."""
        return len(self.structure.coordinates("aggregate"))

    @property
    def n_common(self) -> int:
        """Parameters all markets share."""
        return self.n_channels * self.n_own

    def shapes(self, parameters: FloatArray) -> FloatArray:
        """Parameters of the common curves as (..., n_channels, n_own)."""
        own = parameters[..., : self.n_common]
        return own.reshape(*own.shape[:-1], self.n_channels, self.n_own)

    def strengths(self, parameters: FloatArray) -> FloatArray:
        """Logs of how well channels work in each market, (..., n_markets, n_channels)."""
        own = parameters[..., self.n_common :]
        return own.reshape(*own.shape[:-1], len(self.means), self.n_channels)

    def retention(self, parameters: FloatArray) -> FloatArray:
        """Share of an effect that survives one period (off its peak), (..., n_channels)."""
        return self._carried.retention(self.shapes(parameters))

    def delay(self, parameters: FloatArray) -> FloatArray | None:
        """Periods until the effect peaks, (..., n_channels); None where it falls at once."""
        return self._carried.delay(self.shapes(parameters))

    def carryover_weights(self, parameters: FloatArray) -> FloatArray:
        """Share of an effect that arrives after 0, 1, ... periods, (..., n_channels, window)."""
        return self._carried.weights(self.shapes(parameters))

    def media(self, parameters: FloatArray) -> FloatArray:
        """Revenue earned by each channel, (..., n_markets, n_periods, n_channels)."""
        common = self._carried.earned(self.shapes(parameters))
        common = common.reshape(*parameters.shape[:-1], *self.lags.shape[1:3], self.n_channels)
        return np.asarray(common * np.exp(self.strengths(parameters))[..., None, :])

    def steady(self, parameters: FloatArray, curves: Places, spend: FloatArray) -> FloatArray:
        """Revenue per head (..., n) of cells (n,) at multiples (n,) of their mean spend."""
        market, channel = np.divmod(curves, self.n_channels)
        shapes = self.shapes(parameters)[..., channel, :]
        multiples = (spend * self.means[market, channel])[None]
        common = response(multiples, shapes, self.structure.curve)[..., 0, :]
        return np.asarray(common * np.exp(self.strengths(parameters)[..., market, channel]))

    def steady_slopes(
        self, parameters: FloatArray, curves: Places, spend: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """The same at one point (n,), and its Jacobian (n, n_parameters)."""
        market, channel = np.divmod(curves, self.n_channels)
        shapes, rows = self.shapes(parameters)[channel], np.arange(curves.size)
        multiples = (spend * self.means[market, channel])[None]
        value, slopes, _ = response_slopes(multiples, shapes, self.structure.curve)
        strength = np.exp(self.strengths(parameters)[market, channel])
        jacobian = np.zeros((curves.size, parameters.size))
        for i in range(3):
            jacobian[rows, channel * self.n_own + i] = slopes[0, :, i] * strength
        jacobian[rows, self.n_common + curves] = value[0] * strength
        return value[0] * strength, jacobian

    def media_slopes(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Media (n_markets, n_periods, n_channels), its Jacobian by what all markets share."""
        value, slopes = self._carried.slopes(self.shapes(parameters))
        strength = np.exp(self.strengths(parameters))[:, None, :]
        cells = (*self.lags.shape[1:3], self.n_channels)
        jacobian = slopes.reshape(*cells, self.n_own) * strength[..., None]
        return value.reshape(cells) * strength, jacobian.reshape(*self.lags.shape[1:3], -1)

    @property
    def _carried(self) -> CarriedMedia:
        """The channels with their past, market after market."""
        flat = self.lags.reshape(self.n_channels, -1, self.lags.shape[3])
        return CarriedMedia(flat, self.weeks, self.structure)
