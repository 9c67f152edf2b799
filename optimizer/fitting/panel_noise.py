r"""The covariance of a panel, and products with its inverse, market by market.

.. math:: V = \mathrm{diag}_g(N_g + Z_g S_z Z_g') + K S_k K', \quad
    K_g = \ell_g\,[\,I \;\; X_g\,]

with :math:`N_g` AR(1) noise of the market's own scale, :math:`Z_g` the market's own baseline,
and :math:`K` what all markets share (a course over the periods and controls), felt in proportion
to the loading :math:`\ell_g`. Nothing of the size of all rows squared is ever formed: rows are
whitened, :math:`Z_g` leaves by a QR of its market, :math:`K` by one Cholesky factor of the size
of a history (Woodbury).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve, solve_triangular, toeplitz

from optimizer.fitting.panel_baseline import PanelBaseline

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PanelNoise:
    """What is believed of the noise, and of the course all markets share."""

    scale: FloatArray  # (n_markets,), multiples of the panel's unit
    autocorrelation: float
    weights: FloatArray  # (n_markets, n_periods), robust; zero where closed
    loading: FloatArray  # (n_markets,), baseline, multiples of the panel's unit
    course_sd: float  # of the course's part that is no trend and no season, shares of baseline
    course_autocorrelation: float

    def first(self, n_periods: int) -> PanelNoise:
        """The noise of the first periods."""
        return PanelNoise(
            self.scale,
            self.autocorrelation,
            self.weights[:, :n_periods],
            self.loading,
            self.course_sd,
            self.course_autocorrelation,
        )


@dataclass(frozen=True)
class PanelCovariance:
    """Products with the inverse of the covariance; rows are (n_markets, n_periods, n)."""

    baseline: PanelBaseline
    noise: PanelNoise

    def whiten(self, rows: FloatArray) -> FloatArray:
        """Rows freed of scale, weights and autocorrelation."""
        weighted = rows * self._row_weights[..., None]
        fresh = weighted * self._fresh[..., None]
        fresh[:, 1:] -= self._carried[:, 1:, None] * weighted[:, :-1]
        return np.asarray(fresh)

    def cleared(self, whitened: FloatArray) -> FloatArray:
        """Whitened rows less what each market's own baseline explains of them."""
        basis = self._own[0]
        return np.asarray(whitened - basis @ (basis.transpose(0, 2, 1) @ whitened))

    def shared(self, cleared: FloatArray) -> FloatArray:
        """Products of cleared rows with what all markets share, (n_markets, n_shared, n)."""
        back = self._back(cleared)
        controls = self.baseline.controls.transpose(0, 2, 1) @ back
        return np.concatenate([back, controls], axis=1)

    def halved(self, shared: FloatArray) -> FloatArray:
        """Products (n_shared, n), turned so that their squares are what sharing takes off."""
        return np.asarray(solve_triangular(self._factor, shared, lower=True))

    def effects(self, left: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Posterior means of the shared effects (n_shared,) and each market's own, from what
        media leave unexplained (n_markets, n_periods), prior means taken off."""
        products = self.shared(self.cleared(self.whiten(left[..., None]))).sum(axis=0)
        common = cho_solve((self._factor, True), products)[:, 0]
        rest = self.whiten((left - self.felt(common))[..., None])
        basis, triangle = self._own
        own = np.linalg.solve(triangle, basis.transpose(0, 2, 1) @ rest)[..., 0]
        return common, own + self.baseline.own_mean

    def felt(self, common: FloatArray) -> FloatArray:
        """Revenue by shared effects (n_shared,), (n_markets, n_periods)."""
        n_periods = self.noise.weights.shape[1]
        shares = common[:n_periods] + self.baseline.controls @ common[n_periods:]
        return np.asarray(self.noise.loading[:, None] * shares)

    def continued(self, common: FloatArray, known: int) -> FloatArray:
        """Shared effects whose course is known for the first periods, carried on to the last."""
        begun = cho_factor(self._course[:known, :known])
        course = self._course[:, :known] @ cho_solve(begun, common[:known])
        return np.concatenate([course, common[known:]])

    def course_variance(self, known: int) -> FloatArray:
        """Variance of the course where it is known for the first periods, (n_periods,)."""
        begun = cho_factor(self._course[:known, :known])
        reached = self._course[:, :known] @ cho_solve(begun, self._course[:known])
        return np.maximum(np.diag(self._course - reached), 0.0)

    def course_moments(self, common: FloatArray) -> tuple[float, float]:
        """Expected mean square of the course's irregular part, and its correlation in time.

        By one step of expectation and maximisation, from the posterior mean of shared effects.
        """
        count = self.noise.weights.shape[1]
        irregular, whole = self._irregular, self._course
        gain = cho_solve(cho_factor(whole), irregular).T  # irregular part from the course
        mean = gain @ common[:count]
        doubt = cho_solve((self._factor, True), np.eye(len(self._factor)))[:count, :count]
        spread = irregular - gain @ whole @ gain.T + gain @ doubt @ gain.T
        second = spread + np.outer(mean, mean)
        level = float(np.trace(second)) / count
        return level, float(np.diag(second, 1).mean()) / max(level, 1e-12)

    @cached_property
    def course_freedom(self) -> float:
        """How many of the shared effects the history has determined."""
        doubt = cho_solve((self._factor, True), self._prior_precision)
        return float(len(self._factor) - np.trace(doubt))

    @cached_property
    def _irregular(self) -> FloatArray:
        """Covariance of the course's irregular part, (n_periods, n_periods)."""
        kept = self.noise.course_autocorrelation ** np.arange(self.noise.weights.shape[1])
        return np.asarray(self.noise.course_sd**2 * toeplitz(kept))

    @cached_property
    def _course(self) -> FloatArray:
        """Covariance of the whole course, (n_periods, n_periods)."""
        columns = self.baseline.course.columns * self.baseline.course.sd
        return np.asarray(self._irregular + columns @ columns.T)

    @cached_property
    def _prior_precision(self) -> FloatArray:
        """Of all shared effects, (n_shared, n_shared)."""
        count, sd = len(self._course), self.baseline.controls_sd
        precision = np.zeros((count + sd.size, count + sd.size))
        precision[:count, :count] = cho_solve(cho_factor(self._course), np.eye(count))
        precision[range(count, count + sd.size), range(count, count + sd.size)] = 1 / sd**2
        return precision

    @cached_property
    def _factor(self) -> FloatArray:
        """Lower Cholesky factor of the shared effects' posterior precision."""
        count = self.noise.weights.shape[1]
        places = np.arange(count)
        loads = self.noise.loading[:, None] * self._row_weights
        precision = self._prior_precision.copy()
        square = ((loads * self._fresh) ** 2).sum(axis=0)
        square[:-1] += ((loads[:, :-1] * self._carried[:, 1:]) ** 2).sum(axis=0)
        beside = -(loads[:, 1:] * self._fresh[:, 1:] * loads[:, :-1] * self._carried[:, 1:])
        precision[places, places] += square
        precision[places[1:], places[:-1]] += beside.sum(axis=0)
        precision[places[:-1], places[1:]] += beside.sum(axis=0)
        own = self._back(self._own[0])  # market, period, own
        flat = own.transpose(1, 0, 2).reshape(count, -1)
        precision[:count, :count] -= flat @ flat.T
        if self.baseline.controls_sd.size:
            self._add_controls(precision)
        return np.asarray(np.linalg.cholesky(precision))

    def _add_controls(self, precision: FloatArray) -> None:
        """Add the rows and columns of shared controls to a precision."""
        count = self.noise.weights.shape[1]
        columns = self.noise.loading[:, None, None] * self.baseline.controls
        products = self.shared(self.cleared(self.whiten(columns))).sum(axis=0)
        precision[:, count:] += products
        precision[count:, :count] += products[:count].T

    def _back(self, whitened: FloatArray) -> FloatArray:
        """Whitening transposed, times the loading."""
        back = whitened * self._fresh[..., None]
        back[:, :-1] -= self._carried[:, 1:, None] * whitened[:, 1:]
        return np.asarray(back * (self._row_weights * self.noise.loading[:, None])[..., None])

    @cached_property
    def _row_weights(self) -> FloatArray:
        return np.asarray(np.sqrt(self.noise.weights) / self.noise.scale[:, None])

    @cached_property
    def _carried(self) -> FloatArray:
        """What a period's whitened row takes from the period before, (n_markets, n_periods)."""
        seen = self.noise.weights > 0
        before = np.zeros_like(seen)
        before[:, 1:] = seen[:, :-1] & seen[:, 1:]
        kept = self.noise.autocorrelation
        return np.asarray(before * kept / np.sqrt(1 - kept**2))

    @cached_property
    def _fresh(self) -> FloatArray:
        """What it takes from its own, (n_markets, n_periods)."""
        return np.asarray(
            np.where(self._carried > 0, 1 / np.sqrt(1 - self.noise.autocorrelation**2), 1.0)
        )

    @cached_property
    def _own(self) -> tuple[FloatArray, FloatArray]:
        """Q's rows of the history and R, of each market's whitened own baseline on its prior."""
        whitened = self.whiten(self.baseline.own)
        prior = np.broadcast_to(
            np.diag(1 / self.baseline.own_sd), (len(whitened), *[whitened.shape[2]] * 2)
        )
        basis, triangle = np.linalg.qr(np.concatenate([whitened, prior], axis=1))
        return basis[:, : whitened.shape[1]], triangle
