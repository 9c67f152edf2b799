r"""The geo panel: one curve per channel and head of population, every market's own strength.

.. math:: y_{gt} = \ell_g(\pi_t + x_{gt}'\gamma) + z_{gt}'\beta_g
    + \sum_c e^{\delta_{gc}} f_c(\mathrm{adstock}_{gct}) + e_{gt}

per head. Shape and carryover are common; :math:`\delta_{gc} \sim N(0, \tau^2)` is how much better
or worse than usual a channel works in a market, :math:`\tau` learned with it (partial pooling).
The course :math:`\pi` is felt in proportion to each market's own baseline :math:`\ell_g`. It is
free, so that what moves all markets at once teaches nothing of media, unless a channel is
national: then it is trend, season and autocorrelated shocks of a size that is learned, or nothing
could be said of that channel. Shared and own effects are integrated out (`panel_noise`).

References
----------
.. [1] Sun et al. (2017), Geo-level Bayesian Hierarchical Media Mix Modeling.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from optimizer.adstock import WINDOW, lagged
from optimizer.fitting import noise
from optimizer.fitting.aggregate import MOST_AUTOCORRELATION, WEEKS
from optimizer.fitting.carried import CarriedMedia
from optimizer.fitting.lift_rows import LiftRows, Lifts
from optimizer.fitting.mode import Linear, hessian
from optimizer.fitting.panel_baseline import PanelBaseline
from optimizer.fitting.panel_data import PanelData
from optimizer.fitting.panel_noise import PanelCovariance, PanelNoise
from optimizer.fitting.priors import Beliefs, Prior, shape_prior
from optimizer.fitting.response import response, response_slopes
from optimizer.fitting.structure import USUAL, Structure
from optimizer.history import History

FloatArray = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

#: Standard deviation of the log of a channel's strength between markets, and how many cells'
#: worth of belief stand behind it.
POOLED_SD = 0.3
POOLED_CELLS = 10.0

FREE_COURSE_SD = 0.3
FIRST_COURSE_SD = 0.05
SMALLEST_COURSE_SD = 0.01
MOST_COURSE_AUTOCORRELATION = 0.95

#: Periods' worth of belief that a market is as noisy as the others.
POOLED_PERIODS = 10.0
LEAST_LOADING = 0.05  # of a market's mean revenue
DRAWS_AT_ONCE = 16


@dataclass(frozen=True)
class PanelProblem:
    """All markets' revenue explained by all channels at once."""

    likelihood_power: ClassVar[float] = 0.5

    revenue: FloatArray  # (n_markets, n_periods), multiples of the panel's unit
    open: npt.NDArray[np.bool_]  # (n_markets, n_periods)
    lags: FloatArray  # (n_channels, n_markets, n_periods, window), multiples of usual spend
    means: FloatArray  # (n_markets, n_channels), each market's own mean, multiples of usual spend
    baseline: PanelBaseline
    noise: PanelNoise
    prior: Prior
    weeks: float  # in one period
    national: bool  # whether some channel is
    structure: Structure = USUAL
    tests: LiftRows | None = None

    @classmethod
    def of(cls, history: History, data: PanelData, beliefs: Beliefs) -> PanelProblem:
        """The panel of a history."""
        window = WINDOW[history.spacing.value]
        channels = tuple(history.channels[i] for i in data.channels)
        names = beliefs.structure.coordinates("aggregate")
        shape = shape_prior(beliefs, channels, np.log(data.usual / data.unit), names)
        national = bool(data.national.any())
        size = data.revenue.sum(axis=1) / data.open.sum(axis=1)
        first = PanelNoise(
            scale=noise.FIRST_SCALE * size,
            autocorrelation=0.0,
            weights=data.open.astype(np.float64),
            loading=0.7 * size,
            course_sd=FIRST_COURSE_SD if national else FREE_COURSE_SD,
            course_autocorrelation=0.5 if national else 0.0,
        )
        return cls(
            revenue=data.revenue,
            open=data.open,
            lags=np.stack([lagged(spend, window) for spend in data.spend], axis=1),
            means=data.spend.mean(axis=1),
            baseline=PanelBaseline.of(history, data),
            noise=first,
            prior=_with_strengths(shape, len(data.markets) * len(channels), POOLED_SD),
            weeks=WEEKS[history.spacing.value],
            national=national,
            structure=beliefs.structure,
        )

    @property
    def n_channels(self) -> int:
        """Channels in the model."""
        return len(self.lags)

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
        return own.reshape(*own.shape[:-1], len(self.revenue), self.n_channels)

    @property
    def pooled_sd(self) -> float:
        """Standard deviation of the strengths, as it is believed now."""
        return float(self.prior.sd[-1])

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
        common = common.reshape(*parameters.shape[:-1], *self.revenue.shape, self.n_channels)
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

    def linearise(self, parameters: FloatArray) -> Linear:
        """The integrated model near these parameters."""
        media, slopes = self._media_slopes(parameters)
        rows = np.concatenate([self._unexplained(media)[..., None], slopes], axis=2)
        whitened = self.covariance.whiten(rows)
        cleared = self.covariance.cleared(whitened)
        own = whitened.transpose(0, 2, 1) @ cleared
        shared = self.covariance.shared(cleared)
        taken = self.covariance.halved(self._by_parameter(shared))
        products = self._products(own) - taken.T @ taken
        return Linear(float(products[0, 0]), products[1:, 0], products[1:, 1:])

    def costs(self, parameters: FloatArray) -> FloatArray:
        """Sums of squared residuals under the integrated noise, one per row."""
        rows = np.atleast_2d(parameters)
        parts = range(0, len(rows), DRAWS_AT_ONCE)
        return np.concatenate([self._costs(rows[i : i + DRAWS_AT_ONCE]) for i in parts])

    def fitted(self, parameters: FloatArray) -> FloatArray:
        """Revenue the model expects, (n_markets, n_periods)."""
        media = self.media(parameters)
        common, own = self.covariance.effects(self._unexplained(media))
        return np.asarray(self._without_media(common, own) + media.sum(axis=-1))

    def residuals(self, parameters: FloatArray) -> FloatArray:
        """Revenue left unexplained, (n_periods, n_markets); zero where closed."""
        return self._left(parameters).T

    @property
    def observed(self) -> FloatArray:
        """Revenue, (n_periods, n_markets)."""
        return self.revenue.T

    def renoised(self, parameters: FloatArray) -> Self:
        """The same problem with the noise, the loadings and the pooling these parameters leave."""
        left, before = self._left(parameters), self.noise
        weights = noise.robust_weights(left / before.scale[:, None]) * self.open
        curvature = self.linearise(parameters).curvature
        doubt = np.asarray(np.linalg.inv(hessian(self, parameters)), np.float64)
        used = float(np.einsum("ij,ji->", doubt, curvature)) + self.covariance.course_freedom
        size = self.revenue.sum(axis=1) / self.open.sum(axis=1)
        level = (self._unexplained_level(parameters) * self.open).sum(axis=1)
        course_sd, carried = self._course(parameters)
        after = PanelNoise(
            scale=self._scale(left, weights, used),
            autocorrelation=self._autocorrelation(left * np.sqrt(weights)),
            weights=weights,
            loading=np.maximum(level / self.open.sum(axis=1), LEAST_LOADING * size),
            course_sd=course_sd,
            course_autocorrelation=carried,
        )
        pooled = self._pooled_sd(parameters, np.diag(doubt)[self.n_common :])
        prior = _with_strengths(self._common_prior, self.prior.mean.size - self.n_common, pooled)
        return replace(self, noise=after, prior=prior)

    def first(self, n_periods: int) -> Self:
        """The problem as it stood after the first periods."""
        return replace(
            self,
            revenue=self.revenue[:, :n_periods],
            open=self.open[:, :n_periods],
            lags=self.lags[:, :, :n_periods],
            baseline=self.baseline.first(n_periods),
            noise=self.noise.first(n_periods),
            tests=self.tests and self.tests.until(n_periods),
        )

    def forecast(self, parameters: FloatArray, trained: Self) -> FloatArray:
        """Revenue expected in all periods by a fit to the first ones, (n_periods, n_markets)."""
        media = self.media(parameters)
        known = trained.revenue.shape[1]
        common, own = trained.covariance.effects(trained._unexplained(media[:, :known]))
        common = self.covariance.continued(common, known)
        return np.asarray(self._without_media(common, own) + media.sum(axis=-1)).T

    def untested(self) -> Self:
        """The problem without its lift tests."""
        return replace(self, tests=None)

    @property
    def lifts(self) -> Lifts | None:
        """Lift tests of its cells."""
        return None if self.tests is None else Lifts(self, self.tests)

    @cached_property
    def covariance(self) -> PanelCovariance:
        """Of revenue, shared and own effects integrated out."""
        return PanelCovariance(self.baseline, self.noise)

    @property
    def _common_prior(self) -> Prior:
        """Belief about the parameters all markets share."""
        own = slice(self.n_common)
        prior = self.prior
        return Prior(prior.mean[own], prior.covariance[own, own], prior.precision[own, own])

    def _without_media(self, common: FloatArray, own: FloatArray) -> FloatArray:
        """Revenue that comes anyway, (n_markets, n_periods)."""
        return np.asarray(
            self.covariance.felt(common) + np.einsum("gtk,gk->gt", self.baseline.own, own)
        )

    def _unexplained_level(self, parameters: FloatArray) -> FloatArray:
        """Revenue less media, (n_markets, n_periods)."""
        return np.asarray(self.revenue - self.media(parameters).sum(axis=-1))

    def _unexplained(self, media: FloatArray) -> FloatArray:
        """Revenue less media and the own baseline's prior mean, (..., n_markets, n_periods)."""
        return np.asarray(
            self.revenue - self.baseline.own @ self.baseline.own_mean - media.sum(axis=-1)
        )

    def _left(self, parameters: FloatArray) -> FloatArray:
        """Revenue left unexplained, (n_markets, n_periods); zero where closed."""
        return np.asarray((self.revenue - self.fitted(parameters)) * self.open)

    def _media_slopes(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Media (n_markets, n_periods, n_channels), its Jacobian by what all markets share."""
        value, slopes = self._carried.slopes(self.shapes(parameters))
        strength = np.exp(self.strengths(parameters))[:, None, :]
        cells = (*self.revenue.shape, self.n_channels)
        jacobian = slopes.reshape(*cells, self.n_own) * strength[..., None]
        return value.reshape(cells) * strength, jacobian.reshape(*self.revenue.shape, -1)

    @property
    def _carried(self) -> CarriedMedia:
        """The channels with their past, market after market."""
        flat = self.lags.reshape(self.n_channels, -1, self.lags.shape[3])
        return CarriedMedia(flat, self.weeks, self.structure)

    @property
    def _by_effect(self) -> slice:
        """Columns of linearised rows that are derivatives by the log of an effect."""
        return slice(1, None, self.n_own)

    def _by_parameter(self, shared: FloatArray) -> FloatArray:
        """Products of markets' rows as columns (n_shared, 1 + n_parameters): residual, common
        parameters, strengths."""
        strengths = shared[..., self._by_effect].transpose(1, 0, 2)
        return np.concatenate([shared.sum(axis=0), strengths.reshape(shared.shape[1], -1)], axis=1)

    def _products(self, own: FloatArray) -> FloatArray:
        """Products of residual and Jacobian from those of each market's common columns."""
        count, split = self.n_channels, own.shape[1]
        whole = np.zeros((split + len(own) * count,) * 2)
        whole[:split, :split] = own.sum(axis=0)
        mixed = own[..., self._by_effect].transpose(1, 0, 2).reshape(split, -1)
        whole[:split, split:], whole[split:, :split] = mixed, mixed.T
        for market, products in enumerate(own[:, self._by_effect, self._by_effect]):
            place = slice(split + market * count, split + (market + 1) * count)
            whole[place, place] = products
        return whole

    def _costs(self, rows: FloatArray) -> FloatArray:
        """`costs` of a few rows."""
        left = np.moveaxis(self._unexplained(self.media(rows)), 0, -1)
        whitened = self.covariance.whiten(left)
        cleared = self.covariance.cleared(whitened)
        taken = self.covariance.halved(self.covariance.shared(cleared).sum(axis=0))
        return np.asarray((whitened * cleared).sum(axis=(0, 1)) - (taken**2).sum(axis=0))

    def _scale(self, left: FloatArray, weights: FloatArray, used: float) -> FloatArray:
        """Noise of each market, leaning towards what is usual, (n_markets,)."""
        periods = self.open.sum(axis=1)
        freedom = np.maximum(periods - used / len(left) - self.baseline.own_sd.size, periods / 4)
        size = self.revenue.sum(axis=1) / periods
        square = (weights * left**2).sum(axis=1) / size**2
        usual = square.sum() / freedom.sum()
        found = (square + POOLED_PERIODS * usual) / (freedom + POOLED_PERIODS)
        return np.asarray(size * np.maximum(np.sqrt(found), noise.SMALLEST_SCALE))

    def _autocorrelation(self, left: FloatArray) -> float:
        """Of all markets' residuals together."""
        relative = left / np.maximum(np.sqrt((left**2).sum(axis=1, keepdims=True)), 1e-300)
        found = float((relative[:, 1:] * relative[:, :-1]).sum()) / len(left)
        return float(np.clip(found + 1 / left.shape[1], 0.0, MOST_AUTOCORRELATION))

    def _course(self, parameters: FloatArray) -> tuple[float, float]:
        """Size and autocorrelation of the course, learned where a channel is national."""
        if not self.national:
            return self.noise.course_sd, self.noise.course_autocorrelation
        common, _ = self.covariance.effects(self._unexplained(self.media(parameters)))
        square, carried = self.covariance.course_moments(common)
        return (
            max(float(np.sqrt(square)), SMALLEST_COURSE_SD),
            float(np.clip(carried, 0.0, MOST_COURSE_AUTOCORRELATION)),
        )

    def _pooled_sd(self, parameters: FloatArray, doubt: FloatArray) -> float:
        """Standard deviation of the strengths of cells with spend, leaning on the belief."""
        spent = self.means.ravel() > 0
        square = (self.strengths(parameters).ravel() ** 2 + doubt)[spent].sum()
        count = spent.sum() + POOLED_CELLS
        return float(np.sqrt((square + POOLED_CELLS * POOLED_SD**2) / count))


def _with_strengths(common: Prior, count: int, sd: float) -> Prior:
    """Belief about common parameters with independent strengths behind them."""
    split = common.mean.size
    covariance, precision = np.zeros((2, split + count, split + count))
    covariance[:split, :split], precision[:split, :split] = common.covariance, common.precision
    behind = np.arange(split, split + count)
    covariance[behind, behind], precision[behind, behind] = sd**2, 1 / sd**2
    return Prior(np.concatenate([common.mean, np.zeros(count)]), covariance, precision)
