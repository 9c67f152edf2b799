r"""The attributed model: revenue known per channel.

.. math:: y_{ct} = f_c(x_{ct}) \, g_t + e_{ct}, \quad g_t \propto \exp(s_t'\gamma + \delta_t)

with :math:`g` averaging 1 over the history. Season and demand are shared by the channels; demand
takes out the part of spend that follows it. Each channel in units of its own mean revenue, with
variance :math:`\tau_c^2 \max(\mu, 0.05)^p`. Attributed revenue is not incremental revenue.

References
----------
.. [1] Gordon et al. (2022), Close Enough? A Large-Scale Exploration of Non-Experimental
   Approaches to Advertising Measurement.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from optimizer.fitting import noise
from optimizer.fitting.design import Design, demand_knots, nothing, seasonal
from optimizer.fitting.mode import Linear, hessian
from optimizer.fitting.priors import Beliefs, Prior, shape_prior, with_independent
from optimizer.fitting.response import response, response_slopes
from optimizer.fitting.structure import CurveFamily
from optimizer.history import History

FloatArray = npt.NDArray[np.float64]

SEASON_SD = 0.2
DEMAND_SD = 0.16
CHANNELS_FOR_DEMAND = 3

#: Expected revenue, as a share of its mean, under which noise no longer shrinks.
QUIET = 0.05
MOST_AUTOCORRELATION = 0.9


@dataclass(frozen=True)
class AttributedNoise:
    """How far attributed revenue strays from what is expected."""

    scale: FloatArray  # (n_channels,), of the channel's mean revenue
    power: float  # of expected revenue in the variance, 0 to 2
    autocorrelation: FloatArray  # (n_channels,)
    weights: FloatArray  # (n_periods, n_channels), robust
    expected: FloatArray  # (n_periods, n_channels), multiples of mean revenue

    @property
    def deviation(self) -> FloatArray:
        """Standard deviation of each residual, (n_periods, n_channels)."""
        return np.asarray(self.scale * np.maximum(self.expected, QUIET) ** (self.power / 2))

    @property
    def row_weights(self) -> FloatArray:
        """Factors of the residuals, (n_periods, n_channels): autocorrelated ones count less."""
        inflation = (1 + self.autocorrelation) / (1 - self.autocorrelation)
        return np.asarray(np.sqrt(self.weights / inflation) / self.deviation)


@dataclass(frozen=True)
class AttributedProblem:
    """One market's channels, tied together by season and demand."""

    lifts: ClassVar[None] = None  # tests are of incremental revenue: see calibration

    observed: FloatArray  # (n_periods, n_channels), multiples of each channel's mean revenue
    spend: FloatArray  # (n_periods, n_channels), multiples of each channel's mean spend
    design: Design
    prior: Prior
    noise: AttributedNoise
    family: CurveFamily = "hill"
    likelihood_power: float = 0.4

    @classmethod
    def of(
        cls,
        history: History,
        market: int,
        keep: npt.NDArray[np.intp],
        beliefs: Beliefs,
    ) -> AttributedProblem:
        """The problem of one market and the channels kept."""
        spend, revenue = history.spend[market][:, keep], history.revenue[market][:, keep]
        unit, mean = attributed_units(revenue), spend.mean(axis=0)
        channels = tuple(history.channels[i] for i in keep)
        design = seasonal(nothing(len(spend)), history, market, SEASON_SD)
        if len(channels) >= CHANNELS_FOR_DEMAND:
            design = design.beside(demand_knots(len(spend)), DEMAND_SD)
        names = beliefs.structure.coordinates("attributed")
        shape = shape_prior(beliefs, channels, np.log(mean / unit), names)
        observed, ones = revenue / unit, np.ones_like(spend)
        first = noise.robust_weights(noise.far_from_usual(observed, spend > 0.0))
        quiet = AttributedNoise(
            noise.FIRST_SCALE * ones[0], 0.0, np.zeros(len(channels)), first, ones
        )
        prior = with_independent(shape, design.mean, design.sd)
        return cls(observed, spend / mean, design, prior, quiet, beliefs.structure.curve)

    @property
    def n_channels(self) -> int:
        """Channels in the model."""
        return len(self.spend[0])

    def shapes(self, parameters: FloatArray) -> FloatArray:
        """Parameters of the curves as (..., n_channels, 3)."""
        own = parameters[..., : 3 * self.n_channels]
        return own.reshape(*own.shape[:-1], self.n_channels, 3)

    def season(self, parameters: FloatArray) -> FloatArray:
        """Season times demand, averaging 1, (..., n_periods)."""
        level = parameters[..., 3 * self.n_channels :] @ self.design.columns.T
        factor = np.exp(level - level.max(axis=-1, keepdims=True))
        return np.asarray(factor / factor.mean(axis=-1, keepdims=True))

    def fitted(self, parameters: FloatArray) -> FloatArray:
        """Revenue the model expects, (..., n_periods, n_channels)."""
        earned = response(self.spend, self.shapes(parameters), self.family)
        return np.asarray(earned * self.season(parameters)[..., None])

    def residuals(self, parameters: FloatArray) -> FloatArray:
        """Revenue left unexplained, (n_periods, n_channels)."""
        return np.asarray(self.observed - self.fitted(parameters))

    def standardised(self, parameters: FloatArray) -> FloatArray:
        """Residuals in standard deviations of the noise, (n_periods, n_channels)."""
        return np.asarray(self.residuals(parameters) / self.noise.deviation)

    def linearise(self, parameters: FloatArray) -> Linear:
        """The model near these parameters, block by block."""
        factor, row = self.season(parameters)[:, None], self.noise.row_weights
        earned, by_shape, _ = response_slopes(self.spend, self.shapes(parameters), self.family)
        fitted = earned * factor * row
        left = self.observed * row - fitted
        own = by_shape * (factor * row)[..., None]  # period, channel, parameter
        columns = self.design.columns - factor[:, 0] @ self.design.columns / len(factor)
        gradient = np.concatenate(
            [np.einsum("tci,tc->ci", own, left).ravel(), columns.T @ (fitted * left).sum(axis=1)]
        )
        return Linear(float((left**2).sum()), gradient, _curvature(own, fitted, columns))

    def costs(self, parameters: FloatArray) -> FloatArray:
        """Sums of squared weighted residuals, one per row."""
        left = (self.observed - self.fitted(np.atleast_2d(parameters))) * self.noise.row_weights
        return np.asarray((left**2).sum(axis=(-2, -1)))

    def renoised(self, parameters: FloatArray) -> Self:
        """The same problem with the noise these parameters leave."""
        expected, before = self.fitted(parameters), self.noise
        left = self.observed - expected
        weights = noise.robust_weights(left / before.deviation)
        power = _variance_power(left, expected, weights)
        relative = left / np.maximum(expected, QUIET) ** (power / 2)
        found = noise.autocorrelation(relative * np.sqrt(weights)) + 1 / len(left)
        after = AttributedNoise(
            scale=noise.scale(relative, weights, self._freedom(parameters)),
            power=power,
            autocorrelation=np.clip(found, 0.0, MOST_AUTOCORRELATION),
            weights=weights,
            expected=expected,
        )
        return replace(self, noise=after)

    def first(self, n_periods: int) -> Self:
        """The problem as it stood after the first periods."""
        then = replace(
            self.noise,
            weights=self.noise.weights[:n_periods],
            expected=self.noise.expected[:n_periods],
        )
        return replace(
            self,
            observed=self.observed[:n_periods],
            spend=self.spend[:n_periods],
            design=replace(self.design, columns=self.design.columns[:n_periods]),
            noise=then,
        )

    def forecast(self, parameters: FloatArray, trained: Self) -> FloatArray:
        """Revenue expected in all periods by a fit to the first ones, (n_periods, n_channels)."""
        factor = self.season(parameters)
        factor = factor / factor[: len(trained.observed)].mean()
        earned = response(self.spend, self.shapes(parameters), self.family)
        return np.asarray(earned * factor[:, None])

    def forecast_variance(self, forecast: FloatArray, trained: Self) -> FloatArray:
        """Variance of revenue about a forecast whose curves are known, of its shape."""
        return np.asarray(replace(trained.noise, expected=forecast).deviation ** 2)

    def _freedom(self, parameters: FloatArray) -> FloatArray:
        """Parameters each channel's history has determined, (n_channels,)."""
        curvature = self.linearise(parameters).curvature
        used = np.diag(np.linalg.solve(hessian(self, parameters), curvature))
        split = 3 * self.n_channels
        own = used[:split].reshape(self.n_channels, 3).sum(axis=1)
        return np.asarray(own + used[split:].sum() / self.n_channels)


def attributed_units(revenue: FloatArray) -> FloatArray:
    """Each channel's mean revenue; a channel without any is measured in the others'."""
    mean = revenue.mean(axis=0)
    return np.asarray(np.where(mean > 0, mean, mean[mean > 0].mean()))


def _curvature(own: FloatArray, fitted: FloatArray, columns: FloatArray) -> FloatArray:
    """Jacobian transposed times Jacobian from its blocks.

    Parameters
    ----------
    own : ndarray of shape (n_periods, n_channels, 3), derivatives by each channel's parameters
    fitted : ndarray of shape (n_periods, n_channels), times `columns` the derivative by season
    columns : ndarray of shape (n_periods, n_columns)
    """
    n_channels, split = fitted.shape[1], 3 * fitted.shape[1]
    size = split + columns.shape[1]
    blocks = np.einsum("tci,tcj->cij", own, own)
    whole = np.zeros((size, size))
    for channel in range(n_channels):
        place = slice(3 * channel, 3 * channel + 3)
        whole[place, place] = blocks[channel]
    mixed = (own * fitted[..., None]).reshape(len(fitted), split).T @ columns
    whole[:split, split:], whole[split:, :split] = mixed, mixed.T
    whole[split:, split:] = columns.T @ (columns * (fitted**2).sum(axis=1)[:, None])
    return whole


def _variance_power(left: FloatArray, expected: FloatArray, weights: FloatArray) -> float:
    """Slope of log squared residuals on log expected revenue within channels, from 0 to 2."""
    seen = (expected > QUIET) & (weights > 0)
    size = np.log(np.where(seen, weights * left**2 + 1e-12, 1.0))
    level = np.log(np.where(seen, expected, 1.0))
    count = np.maximum(seen.sum(axis=0), 1)
    level = np.where(seen, level - level.sum(axis=0) / count, 0.0)
    spread = float((level**2).sum())
    return float(np.clip((level * size).sum() / spread, 0.0, 2.0)) if spread > 1e-9 else 0.0
