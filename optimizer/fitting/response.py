r"""One channel's response in the coordinates it is fitted in.

.. math:: f(u) = e \, h(u) / h(1), \quad h(u) = u^s / (u^s + k^s)

with :math:`u` spend over its own mean, :math:`e` the revenue earned at mean spend. The logs of
:math:`e, k, s` are the parameters: height at a known place and shape are nearly independent there.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import expit

FloatArray = npt.NDArray[np.float64]

#: Stands for the log of zero spend; the response there is set to exactly zero.
SMALLEST = 1e-12


def response(relative_spend: FloatArray, shape: FloatArray) -> FloatArray:
    """Revenue at a level of spend.

    Parameters
    ----------
    relative_spend : ndarray of shape (..., n_periods, n_channels), multiples of mean spend
    shape : ndarray of shape (..., n_channels, 3 or more)
        Logs of: effect at mean spend (in units of revenue), half-saturation (multiples of mean
        spend), slope. Further columns are not read.

    Returns
    -------
    ndarray of shape (..., n_periods, n_channels), the unit of the effect
    """
    effect, half, slope = (shape[..., None, :, i] for i in range(3))
    share, _ = _saturation(relative_spend, half, np.exp(slope))
    return np.asarray(np.exp(effect + np.logaddexp(0.0, np.exp(slope) * half)) * share)


def response_slopes(
    relative_spend: FloatArray, shape: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Revenue, its derivatives by the three logs, and its derivative by the log of spend.

    Returns
    -------
    value : ndarray of shape (n_periods, n_channels)
    by_shape : ndarray of shape (n_periods, n_channels, 3)
    by_log_spend : ndarray of shape (n_periods, n_channels)
    """
    half, slope = shape[:, 1], np.exp(shape[:, 2])
    share, level = _saturation(relative_spend, half, slope)
    share_at_mean, level_at_mean = expit(-slope * half), -slope * half
    value = np.exp(shape[:, 0]) * share / share_at_mean
    by_half = value * slope * (share - share_at_mean)
    by_slope = value * ((1 - share) * level - (1 - share_at_mean) * level_at_mean)
    by_shape = np.stack([value, by_half, by_slope], axis=-1)
    return value, by_shape, value * (1 - share) * slope


def _saturation(
    relative_spend: FloatArray, half: FloatArray, slope: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Share of the ceiling that is reached, and its logit."""
    level = slope * (np.log(np.maximum(relative_spend, SMALLEST)) - half)
    return np.where(relative_spend > 0, expit(level), 0.0), level


def steady(shapes: FloatArray, curves: npt.NDArray[np.intp], spend: FloatArray) -> FloatArray:
    """Revenue (..., n) of some curves (n,) at multiples (n,) of their mean spend.

    Parameters
    ----------
    shapes : ndarray of shape (..., n_channels, 3 or more), as :func:`response` takes them
    """
    return response(spend[None], shapes[..., curves, :])[..., 0, :]


def steady_slopes(
    shapes: FloatArray, curves: npt.NDArray[np.intp], spend: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The same at one set of shapes (n_channels, 3 or more), and its Jacobian.

    Returns
    -------
    value : ndarray of shape (n,)
    jacobian : ndarray of shape (n, shapes.size)
        By all shapes, channel after channel.
    """
    value, by_shape, _ = response_slopes(spend[None], shapes[curves])
    jacobian = np.zeros((curves.size, *shapes.shape))
    jacobian[np.arange(curves.size), curves, :3] = by_shape[0]
    return value[0], jacobian.reshape(curves.size, shapes.size)
