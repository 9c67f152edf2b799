r"""The geo panel: one curve per channel and head of population, every market's own strength.

.. math:: y_{gt} = \ell_g(\pi_t + x_{gt}'\gamma) + z_{gt}'\beta_g
    + \sum_c e^{\delta_{gc}} f_c(\mathrm{adstock}_{gct}) + e_{gt}

per head. Shape and carryover are common; :math:`\delta_{gc} \sim N(0, \tau^2)` is how much better
or worse than usual a channel works in a market, :math:`\tau` learned with it (partial pooling).
The course :math:`\pi` is felt in proportion to each market's own baseline :math:`\ell_g`. It is
free, so that what moves all markets at once teaches nothing of media, unless a channel is
national or markets are few: then it is trend, season and autocorrelated shocks of a size that is
learned, or nothing could be said of that channel, and a good part of what two or three markets
say would be lost. Shared and own effects are integrated out (`panel_noise`).

References
----------
.. [1] Sun et al. (2017), Geo-level Bayesian Hierarchical Media Mix Modeling.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from optimizer.adstock import WINDOW, lagged
from optimizer.fitting import noise
from optimizer.fitting.aggregate import WEEKS
from optimizer.fitting.lift_rows import LiftRows, Lifts
from optimizer.fitting.mode import Linear, hessian
from optimizer.fitting.panel_baseline import PanelBaseline
from optimizer.fitting.panel_data import PanelData
from optimizer.fitting.panel_estimates import (
    POOLED_SD,
    clustered_excess,
    common_autocorrelation,
    market_scales,
    pooled_sd,
)
from optimizer.fitting.panel_media import PanelMedia
from optimizer.fitting.panel_noise import PanelCovariance, PanelNoise
from optimizer.fitting.priors import Beliefs, Prior, shape_prior
from optimizer.history import History

FloatArray = npt.NDArray[np.float64]

#: What the history's squared residuals count; as of one market.
LIKELIHOOD_POWER = 0.5

#: Standard deviation of the course beside trend and seasons, in shares of the baselines: free, and
#: where it is learned at first and at least.
FEW_MARKETS = 8  # under which the course is learned
FREE_COURSE_SD = 0.3
FIRST_COURSE_SD = 0.05
SMALLEST_COURSE_SD = 0.01
MOST_COURSE_AUTOCORRELATION = 0.95

LEAST_LOADING = 0.05  # of a market's mean revenue
DRAWS_AT_ONCE = 16


@dataclass(frozen=True)
class PanelProblem(PanelMedia):
    """All markets' revenue explained by all channels at once."""

    revenue: FloatArray  # (n_markets, n_periods), multiples of the panel's unit
    open: npt.NDArray[np.bool_]  # (n_markets, n_periods)
    baseline: PanelBaseline
    noise: PanelNoise
    prior: Prior
    course_learned: bool  # the size of the course; else it is free
    excess: float = 1.0  # variance of common parameters clustered by market, over the model's own
    tests: LiftRows | None = None

    @classmethod
    def of(cls, history: History, data: PanelData, beliefs: Beliefs) -> Self:
        """The panel of a history."""
        window = WINDOW[history.spacing.value]
        channels = tuple(history.channels[i] for i in data.channels)
        names = beliefs.structure.coordinates("aggregate")
        shape = shape_prior(beliefs, channels, np.log(data.usual / data.unit), names)
        learned = bool(data.national.any()) or len(data.markets) < FEW_MARKETS
        size = data.revenue.sum(axis=1) / data.open.sum(axis=1)
        first = PanelNoise(
            scale=noise.FIRST_SCALE * size,
            autocorrelation=0.0,
            weights=data.open.astype(np.float64),
            loading=0.7 * size,
            course_sd=FIRST_COURSE_SD if learned else FREE_COURSE_SD,
            course_autocorrelation=0.5 if learned else 0.0,
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
            course_learned=learned,
            structure=beliefs.structure,
        )

    @property
    def likelihood_power(self) -> float:
        """What squared residuals count: half, and less where they hang together by market."""
        return min(LIKELIHOOD_POWER, 1.0 / self.excess)

    @property
    def pooled_sd(self) -> float:
        """Standard deviation of the strengths, as it is believed now."""
        return float(self.prior.sd[-1])

    def linearise(self, parameters: FloatArray) -> Linear:
        """The integrated model near these parameters."""
        media, slopes = self.media_slopes(parameters)
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

    def standardised(self, parameters: FloatArray) -> FloatArray:
        """Residuals in standard deviations of each market's noise, (n_periods, n_markets)."""
        return np.asarray(self.residuals(parameters) / self.noise.scale)

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
        own = used / len(left) + self.baseline.own_sd.size
        course_sd, carried = self._course(parameters)
        after = PanelNoise(
            scale=market_scales(left, weights, self._size, own),
            autocorrelation=common_autocorrelation(left * np.sqrt(weights)),
            weights=weights,
            loading=self._loading(parameters),
            course_sd=course_sd,
            course_autocorrelation=carried,
        )
        split = self.n_common
        spent = self.means.ravel() > 0
        found = pooled_sd(parameters[split:], np.diag(doubt)[split:], spent)
        excess = clustered_excess(*self._scores(parameters), doubt, split)
        prior = _with_strengths(self._common_prior, spent.size, found)
        return replace(self, noise=after, prior=prior, excess=max(excess, 1.0))

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
        return np.asarray((self._without_media(common, own) + media.sum(axis=-1)) * self.open).T

    def forecast_variance(self, forecast: FloatArray, trained: Self) -> FloatArray:
        """Variance of revenue about a forecast whose curves are known, (n_periods, n_markets)."""
        course = self.covariance.course_variance(trained.revenue.shape[1])[:, None]
        found = trained.noise.scale**2 + course * trained.noise.loading**2 * self.open.T
        return np.asarray(0.0 * forecast + found)

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

    @property
    def _size(self) -> FloatArray:
        """Mean revenue of each market, (n_markets,)."""
        return np.asarray(self.revenue.sum(axis=1) / self.open.sum(axis=1))

    def _loading(self, parameters: FloatArray) -> FloatArray:
        """Mean revenue less media of each market, (n_markets,)."""
        level = (self.revenue - self.media(parameters).sum(axis=-1)) * self.open
        found = level.sum(axis=1) / self.open.sum(axis=1)
        return np.asarray(np.maximum(found, LEAST_LOADING * self._size))

    def _scores(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Each market's part of the gradient, (n_markets, n_parameters), and the sum of the
        covariances that the model gives them, (n_parameters, n_parameters)."""
        media, slopes = self.media_slopes(parameters)
        left = self._unexplained(media)
        rest = left - self.covariance.felt(self.covariance.effects(left)[0])
        whitened = self.covariance.whiten(np.concatenate([rest[..., None], slopes], axis=2))
        cleared = self.covariance.cleared(whitened)
        products = whitened.transpose(0, 2, 1) @ cleared
        common = products[:, 0, 1:]
        own = np.eye(len(common))[:, :, None] * common[:, None, :: self.n_own]
        shared = self.covariance.shared(cleared)
        taken = np.stack([self.covariance.halved(each) for each in shared])
        expected = self._products(products - taken.transpose(0, 2, 1) @ taken)[1:, 1:]
        return np.concatenate([common, own.reshape(len(common), -1)], axis=1), expected

    def _unexplained(self, media: FloatArray) -> FloatArray:
        """Revenue less media and the own baseline's prior mean, (..., n_markets, n_periods)."""
        return np.asarray(
            self.revenue - self.baseline.own @ self.baseline.own_mean - media.sum(axis=-1)
        )

    def _left(self, parameters: FloatArray) -> FloatArray:
        """Revenue left unexplained, (n_markets, n_periods); zero where closed."""
        return np.asarray((self.revenue - self.fitted(parameters)) * self.open)

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

    def _course(self, parameters: FloatArray) -> tuple[float, float]:
        """Size and autocorrelation of the course, where they are learned."""
        if not self.course_learned:
            return self.noise.course_sd, self.noise.course_autocorrelation
        common, _ = self.covariance.effects(self._unexplained(self.media(parameters)))
        square, carried = self.covariance.course_moments(common)
        return (
            max(float(np.sqrt(square)), SMALLEST_COURSE_SD),
            float(np.clip(carried, 0.0, MOST_COURSE_AUTOCORRELATION)),
        )


@dataclass(frozen=True)
class PanelContrasts(PanelProblem):
    """A panel where curves alone are forecast: what markets differ in is evidence on their form.

    A free course leaves the level of a period ahead unknown, and doubt about it would drown what
    curves say. So the baselines are those of all periods, and only the curves are of the past.
    """

    def forecast(self, parameters: FloatArray, trained: Self) -> FloatArray:  # noqa: ARG002
        """Revenue by curves of the past over baselines of all periods, (n_periods, n_markets)."""
        return np.asarray(self.fitted(parameters) * self.open).T

    def forecast_variance(self, forecast: FloatArray, trained: Self) -> FloatArray:
        """Variance of revenue about it, (n_periods, n_markets)."""
        return np.asarray(0.0 * forecast + trained.noise.scale**2)


def _with_strengths(common: Prior, count: int, sd: float) -> Prior:
    """Belief about common parameters with independent strengths behind them."""
    split = common.mean.size
    covariance, precision = np.zeros((2, split + count, split + count))
    covariance[:split, :split], precision[:split, :split] = common.covariance, common.precision
    behind = np.arange(split, split + count)
    covariance[behind, behind], precision[behind, behind] = sd**2, 1 / sd**2
    return Prior(np.concatenate([common.mean, np.zeros(count)]), covariance, precision)
