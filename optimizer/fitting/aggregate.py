r"""The aggregate model: one revenue series, several spends.

.. math:: y = Z z + \sum_c f_c(\mathrm{adstock}_c) + e, \quad e \sim \mathrm{AR}(1)

in units of mean revenue. The baseline's effects :math:`z` are integrated out exactly: with
:math:`V = \sigma^2 W^{-1/2} C(\rho) W^{-1/2} + Z S Z'`, every product :math:`a' V^{-1} b` is
:math:`\bar a'\bar b - (Q'\bar a)'(Q'\bar b)`, where a bar is whitening by AR(1) and weights and
:math:`Q` spans the whitened columns of Z stacked on their prior.

Where effectiveness drifts, a random walk of sd :math:`\tau` per root week that ends at today's,
:math:`\tau^2 \sum_c F_c F_c' \min(age_t, age_{t'})` is added to the noise, with F_c what the
channel was found to earn one pass before: the parameters are then today's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular

from optimizer.adstock import WINDOW, lagged
from optimizer.fitting import noise
from optimizer.fitting.carried import CarriedMedia
from optimizer.fitting.design import SMOOTH_SD, Design, baseline_design, smooth_course
from optimizer.fitting.lift_rows import LiftRows, Lifts
from optimizer.fitting.mode import Linear, hessian
from optimizer.fitting.priors import Beliefs, Prior, shape_prior
from optimizer.fitting.response import steady, steady_slopes
from optimizer.fitting.structure import USUAL, Structure
from optimizer.history import History

FloatArray = npt.NDArray[np.float64]

#: Weeks in one period: retention is believed per week and used per period.
WEEKS = {"day": 1 / 7, "week": 1.0, "month": 365.25 / 7 / 12}

MOST_AUTOCORRELATION = 0.8


@dataclass(frozen=True)
class AggregateProblem:
    """One market's revenue explained by all its channels at once."""

    revenue: FloatArray  # (n_periods,), multiples of mean revenue
    lags: FloatArray  # (n_channels, n_periods, window), multiples of each channel's mean spend
    design: Design
    prior: Prior
    weeks: float  # in one period
    scale: float = noise.FIRST_SCALE
    autocorrelation: float = 0.0
    weights: FloatArray | None = None  # (n_periods,); None: all 1
    structure: Structure = USUAL
    contributions: FloatArray | None = None  # (n_periods, n_channels), what drifts; None: nothing
    likelihood_power: float = 0.5
    tests: LiftRows | None = None

    @classmethod
    def of(
        cls,
        history: History,
        market: int,
        keep: npt.NDArray[np.intp],
        beliefs: Beliefs,
    ) -> AggregateProblem:
        """The problem of one market and the channels kept."""
        spend, revenue = history.spend[market][:, keep], history.revenue[market]
        unit, mean = float(revenue.mean()), spend.mean(axis=0)
        channels = tuple(history.channels[i] for i in keep)
        names, weeks = beliefs.structure.coordinates("aggregate"), WEEKS[history.spacing.value]
        design = baseline_design(history, market)
        if beliefs.structure.baseline == "smooth":
            design = design.beside(smooth_course(len(revenue), weeks), SMOOTH_SD)
        return cls(
            revenue=revenue / unit,
            lags=lagged(spend / mean, WINDOW[history.spacing.value]),
            design=design,
            prior=shape_prior(beliefs, channels, np.log(mean / unit), names),
            weeks=weeks,
            structure=beliefs.structure,
        )

    @property
    def n_channels(self) -> int:
        """Channels in the model."""
        return len(self.lags)

    @property
    def window(self) -> int:
        """Periods an effect can last."""
        return int(self.lags.shape[2])

    def shapes(self, parameters: FloatArray) -> FloatArray:
        """Parameters as (..., n_channels, 4), or 5 where the effect is delayed."""
        own = self.prior.mean.size // self.n_channels
        return parameters.reshape(*parameters.shape[:-1], self.n_channels, own)

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
        """Revenue earned by each channel, (..., n_periods, n_channels)."""
        return self._carried.earned(self.shapes(parameters))

    @property
    def lifts(self) -> Lifts | None:
        """Lift tests of the curves."""
        return None if self.tests is None else Lifts(self, self.tests)

    def steady(
        self, parameters: FloatArray, curves: npt.NDArray[np.intp], spend: FloatArray
    ) -> FloatArray:
        """Revenue (..., n) of curves (n,) at multiples (n,) of their mean spend."""
        return steady(self.shapes(parameters), curves, spend, self.structure.curve)

    def steady_slopes(
        self, parameters: FloatArray, curves: npt.NDArray[np.intp], spend: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """The same at one point (n,), and its Jacobian (n, n_parameters)."""
        return steady_slopes(self.shapes(parameters), curves, spend, self.structure.curve)

    def linearise(self, parameters: FloatArray) -> Linear:
        """The integrated model near these parameters."""
        media, jacobian = self._media_slopes(parameters)
        both = self._whiten(np.column_stack([self._unexplained(media), jacobian]))
        inside = self._basis[0].T @ both
        products = both.T @ both - inside.T @ inside
        return Linear(float(products[0, 0]), products[1:, 0], products[1:, 1:])

    def costs(self, parameters: FloatArray) -> FloatArray:
        """Sums of squared residuals under the integrated noise, one per row."""
        rows = np.atleast_2d(parameters)
        left = self._whiten(np.asarray(self._unexplained(self.media(rows))).T)
        inside = self._basis[0].T @ left
        return np.asarray((left**2).sum(axis=0) - (inside**2).sum(axis=0))

    def baseline_effects(self, parameters: FloatArray) -> FloatArray:
        """Posterior mean of the baseline's effects, (n_columns,)."""
        basis, triangle = self._basis
        left = self._whiten(self._unexplained(self.media(parameters))[:, None])[:, 0]
        return np.asarray(self.design.mean + solve_triangular(triangle, basis.T @ left))

    def fitted(self, parameters: FloatArray, effects: FloatArray) -> FloatArray:
        """Revenue the model expects, (n_periods,)."""
        return np.asarray(self.design.columns @ effects + self.media(parameters).sum(axis=-1))

    def residuals(self, parameters: FloatArray) -> FloatArray:
        """Revenue left unexplained, by drift neither, (n_periods, 1)."""
        fitted = self.fitted(parameters, self.baseline_effects(parameters))
        return (self.revenue - fitted - self._by_drift(parameters))[:, None]

    def renoised(self, parameters: FloatArray) -> Self:
        """The same problem with the noise these parameters leave."""
        left = self.residuals(parameters)[:, 0]
        weights = noise.robust_weights(left / self.scale)
        curvature = self.linearise(parameters).curvature
        used = np.trace(np.linalg.solve(hessian(self, parameters), curvature))
        freedom = float(used) + self.design.columns.shape[1] + self._drift_freedom
        found = float(noise.autocorrelation(left * np.sqrt(weights))) + 1 / left.size
        return replace(
            self,
            scale=float(noise.scale(left, weights, freedom)),
            autocorrelation=float(np.clip(found, 0.0, MOST_AUTOCORRELATION)),
            weights=weights,
            contributions=self.media(parameters) if self.structure.drift else None,
        )

    def untested(self) -> Self:
        """The problem without its lift tests."""
        return replace(self, tests=None)

    def first(self, n_periods: int) -> Self:
        """The problem as it stood after the first periods."""
        return replace(
            self,
            revenue=self.revenue[:n_periods],
            lags=self.lags[:, :n_periods],
            design=replace(self.design, columns=self.design.columns[:n_periods]),
            weights=None if self.weights is None else self.weights[:n_periods],
            contributions=None if self.contributions is None else self.contributions[:n_periods],
            tests=self.tests and self.tests.until(n_periods),
        )

    def forecast(self, parameters: FloatArray, trained: Self) -> FloatArray:
        """Revenue expected in all periods by a fit to the first ones, (n_periods, 1)."""
        return self.fitted(parameters, trained.baseline_effects(parameters))[:, None]

    def forecast_variance(self, forecast: FloatArray, trained: Self) -> FloatArray:
        """Variance of revenue about a forecast whose curves are known, (n_periods, 1)."""
        triangle = trained._basis[1]
        reach = solve_triangular(triangle, self.design.columns.T, trans="T")
        return np.asarray(0.0 * forecast + trained.scale**2 + (reach**2).sum(axis=0)[:, None])

    @property
    def observed(self) -> FloatArray:
        """Revenue, (n_periods, 1)."""
        return self.revenue[:, None]

    def unexplained(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Revenue less media and the baseline's mean, and the Jacobian of media; by period."""
        media, jacobian = self._media_slopes(parameters)
        return self._unexplained(media), jacobian

    def precision_times(self, columns: FloatArray) -> FloatArray:
        """Columns of one row per period times the inverse of the integrated noise's covariance.

        Of problems with drift, whose factor is dense.
        """
        if self._drifting is None:
            raise ValueError("the noise has a dense factor only where effectiveness drifts")
        white, basis = self._whiten(columns), self._basis[0]
        cleared = white - basis @ (basis.T @ white)
        return np.asarray(solve_triangular(self._drifting, cleared, lower=True, trans="T"))

    def standardised(self, parameters: FloatArray) -> FloatArray:
        """Residuals in standard deviations of the noise, (n_periods, 1)."""
        return np.asarray(self.residuals(parameters) / self.scale)

    def _unexplained(self, media: FloatArray) -> FloatArray:
        """Revenue less media and the baseline's prior mean, (..., n_periods)."""
        return np.asarray(
            self.revenue - self.design.columns @ self.design.mean - media.sum(axis=-1)
        )

    def _media_slopes(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Media (n_periods, n_channels) and its Jacobian (n_periods, n_parameters)."""
        media, slopes = self._carried.slopes(self.shapes(parameters))
        return media, slopes.reshape(media.shape[0], -1)

    @property
    def _carried(self) -> CarriedMedia:
        """The channels with their past."""
        return CarriedMedia(self.lags, self.weeks, self.structure)

    @property
    def _row_weights(self) -> FloatArray:
        ones = np.ones(self.revenue.size)
        return (ones if self.weights is None else np.sqrt(self.weights)) / self.scale

    def _whiten(self, columns: FloatArray) -> FloatArray:
        """Columns of one row per period, freed of weights, autocorrelation and drift."""
        if self._drifting is not None:
            return np.asarray(solve_triangular(self._drifting, columns, lower=True))
        weighted = columns * self._row_weights[:, None]
        fresh = weighted[1:] - self.autocorrelation * weighted[:-1]
        return np.concatenate([weighted[:1], fresh / np.sqrt(1 - self.autocorrelation**2)])

    @property
    def ages(self) -> FloatArray:
        """Periods from each one to the last, (n_periods,)."""
        return np.arange(self.revenue.size, dtype=np.float64)[::-1]

    @property
    def drift_variance(self) -> FloatArray:
        """Covariance of the log of effectiveness against today's, (n_periods, n_periods)."""
        ages = self.ages * self.weeks
        return np.asarray(self.structure.drift**2 * np.minimum(ages[:, None], ages))

    @cached_property
    def _moved(self) -> FloatArray | None:
        """Covariance that drift adds to revenue, (n_periods, n_periods); None without drift."""
        if self.contributions is None:
            return None
        return np.asarray(self.contributions @ self.contributions.T * self.drift_variance)

    @cached_property
    def _drifting(self) -> FloatArray | None:
        """Lower factor of the noise with drift, (n_periods, n_periods); None without drift."""
        if self._moved is None:
            return None
        row, apart = 1 / self._row_weights, np.abs(self.ages[:, None] - self.ages)
        noise_alone = np.outer(row, row) * self.autocorrelation**apart
        return np.asarray(np.linalg.cholesky(noise_alone + self._moved))

    def _by_drift(self, parameters: FloatArray) -> FloatArray:
        """Revenue that drift is found to have moved, (n_periods,); zero without drift."""
        if self._moved is None:
            return np.zeros(self.revenue.size)
        left = self._unexplained(self.media(parameters))
        return np.asarray(self._moved @ self.precision_times(left[:, None])[:, 0])

    @property
    def _drift_freedom(self) -> float:
        """Periods' worth of revenue that drift takes up."""
        return 0.0 if self._moved is None else float(np.trace(self.precision_times(self._moved)))

    @cached_property
    def _basis(self) -> tuple[FloatArray, FloatArray]:
        """Q's rows of the history and R, of the whitened design stacked on its prior."""
        stacked = np.concatenate([self._whiten(self.design.columns), np.diag(1 / self.design.sd)])
        basis, triangle = np.linalg.qr(stacked)
        return basis[: self.revenue.size], triangle
