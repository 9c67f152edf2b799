"""What residuals say about the noise: outliers, scale, autocorrelation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

#: Noise before any residual was seen, and the least that is ever believed, of mean revenue.
FIRST_SCALE = 0.06
SMALLEST_SCALE = 0.002

#: Standardised residuals beyond this count as outliers and lose weight.
OUTLIER = 2.5


def robust_weights(standardised: FloatArray) -> FloatArray:
    """Weights of squared residuals: 1 inside 2.5 standard deviations, falling outside."""
    size = np.maximum(np.abs(standardised), OUTLIER)
    return np.asarray((OUTLIER / size) ** 2)


def far_from_usual(observed: FloatArray, active: npt.NDArray[np.bool_]) -> FloatArray:
    """How many half-widths each value (n_periods, n_channels) lies from its channel's median.

    Before any curve is known: a wild value must not bend the first one. Median and width are of
    the periods with spend; twice the usual width leaves room for what spend explains.
    """
    seen = np.where(active, observed, np.nan)
    middle = np.nanmedian(seen, axis=0)
    width = 1.4826 * np.nanmedian(np.abs(seen - middle), axis=0)
    return np.asarray((observed - middle) / (2.0 * np.maximum(width, 0.05)))


def scale(residuals: FloatArray, weights: FloatArray, freedom: FloatArray | float) -> FloatArray:
    """Root of the weighted mean square over the periods left after `freedom` parameters."""
    n_periods = residuals.shape[0]
    left = np.maximum(n_periods - np.asarray(freedom), n_periods / 4)
    found = np.sqrt((weights * residuals**2).sum(axis=0) / left)
    return np.asarray(np.maximum(found, SMALLEST_SCALE))


def autocorrelation(residuals: FloatArray) -> FloatArray:
    """Correlation of each column's residuals with those one period before; 0 if there are none."""
    away = residuals - residuals.mean(axis=0)
    power = (away**2).sum(axis=0)
    return np.asarray((away[1:] * away[:-1]).sum(axis=0) / np.maximum(power, 1e-300))
