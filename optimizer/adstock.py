r"""Carryover: the part of an effect that arrives in later periods.

Normalised geometric adstock, :math:`a_t = \sum_l w_l x_{t-l}`, with weights :math:`w_l = r^l /
\sum_j r^j` over a window of about three months. Normalised, so that steady spend passes through
unchanged and response curves take plain spend per period. Where an effect peaks after a delay
:math:`d`, the weights are :math:`r^{(l-d)^2}`, normalised over the same window. Spend before the
history began is taken to be the mean of its first eight periods.

References
----------
.. [1] Jin et al. (2017), Bayesian Methods for Media Mix Modeling with Carryover and Shape Effects.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

#: Periods an effect can last, by the spacing of the history: a quarter of a year.
WINDOW = {"day": 91, "week": 13, "month": 3}

#: Periods whose mean stands for the spend before the history began.
PREHISTORY = 8

#: Stands for a retention of zero, whose logarithm there is not.
SMALLEST = 1e-12


def adstock_weights(
    retention: FloatArray, window: int, delay: FloatArray | None = None
) -> FloatArray:
    """The share of an effect that arrives after 0, 1, ... periods.

    Parameters
    ----------
    retention : ndarray of shape (...), share per period, from 0 to 1
    window : int, periods
    delay : ndarray of shape (...), periods, optional
        After which the effect peaks; None: geometric carryover, which falls from the start.

    Returns
    -------
    ndarray of shape (..., window), dimensionless
        Non-negative, summing to 1; falling, or falling after the delay.

    Examples
    --------
    >>> adstock_weights(np.array(0.5), 3).round(3)
    array([0.571, 0.286, 0.143])
    >>> adstock_weights(np.array(0.5), 4, delay=np.array(1.0)).round(3)
    array([0.242, 0.485, 0.242, 0.03 ])
    """
    if delay is not None:
        return _peaked(np.asarray(retention), np.asarray(delay), window)[0]
    powers = np.asarray(retention)[..., None] ** np.arange(window)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def adstock_weight_slopes(retention: FloatArray, window: int) -> FloatArray:
    """Derivative of `adstock_weights` by retention, of the same shape; it sums to zero."""
    base = np.asarray(retention)[..., None]
    lags = np.arange(window)
    powers = base**lags
    slopes = lags * base ** np.maximum(lags - 1, 0)
    total = powers.sum(axis=-1, keepdims=True)
    return np.asarray(slopes / total - powers * slopes.sum(axis=-1, keepdims=True) / total**2)


def peaked_weight_slopes(
    retention: FloatArray, delay: FloatArray, window: int
) -> tuple[FloatArray, FloatArray]:
    """Derivatives of peaked `adstock_weights` by retention and by delay; each sums to zero."""
    weights, distance, log = _peaked(retention, delay, window)
    squared, twice = distance**2, -2.0 * distance
    by_retention = weights * (squared - (weights * squared).sum(axis=-1, keepdims=True))
    by_delay = weights * (twice - (weights * twice).sum(axis=-1, keepdims=True))
    return by_retention / np.exp(log), by_delay * log


def _peaked(
    retention: FloatArray, delay: FloatArray, window: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weights of delayed carryover, lags' distances from the peak, log of retention."""
    log = np.log(np.maximum(retention, SMALLEST))[..., None]
    distance = np.arange(window) - delay[..., None]
    height = log * distance**2
    powers = np.exp(height - height.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True), distance, log


def lasting(retention: FloatArray, window: int, delay: FloatArray | None = None) -> FloatArray:
    """Retention of the geometric carryover that is as late on average: itself without a delay.

    Parameters
    ----------
    retention, delay : ndarray of shape (...), as `adstock_weights` takes them
    window : int, periods

    Examples
    --------
    >>> float(lasting(np.array(0.5), 13))
    0.5
    >>> float(lasting(np.array(1e-9), 13, delay=np.array(1.0)).round(3))
    0.5
    """
    if delay is None:
        return np.asarray(retention)
    late = adstock_weights(retention, window, delay) @ np.arange(window)
    return late / (1 + late)


def lagged(spend: FloatArray, window: int) -> FloatArray:
    """Spend now and 1, 2, ... periods ago, the time before the history filled in.

    Parameters
    ----------
    spend : ndarray of shape (n_periods, n_channels), currency per period
    window : int, periods

    Returns
    -------
    ndarray of shape (n_channels, n_periods, window), currency per period
    """
    before = np.broadcast_to(spend[:PREHISTORY].mean(axis=0), (window - 1, spend.shape[1]))
    padded = np.concatenate([before, spend])
    views = np.lib.stride_tricks.sliding_window_view(padded, window, axis=0)  # period, channel, lag
    return np.ascontiguousarray(views[:, :, ::-1].transpose(1, 0, 2))


def adstock(spend: FloatArray, *, retention: FloatArray, window: int) -> FloatArray:
    """Spend as it is felt: each period's share of the spend of the periods up to it.

    Parameters
    ----------
    spend : ndarray of shape (n_periods, n_channels), currency per period
    retention : ndarray of shape (n_channels,), share per period
    window : int, periods

    Returns
    -------
    ndarray of shape (n_periods, n_channels), currency per period

    Examples
    --------
    >>> pulse = np.r_[np.zeros(8), 7.0, np.zeros(3)][:, None]
    >>> adstock(pulse, retention=np.array([0.5]), window=3)[8:, 0].round(6)
    array([4., 2., 1., 0.])
    """
    weights = adstock_weights(np.broadcast_to(retention, spend.shape[1:]), window)
    return spread(lagged(spend, window), weights)


def adstock_slope(spend: FloatArray, *, retention: FloatArray, window: int) -> FloatArray:
    """Derivative of `adstock` by retention, of the shape of spend."""
    slopes = adstock_weight_slopes(np.broadcast_to(retention, spend.shape[1:]), window)
    return spread(lagged(spend, window), slopes)


def spread(lags: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted sums over the lags.

    Parameters
    ----------
    lags : ndarray of shape (n_channels, n_periods, window), currency per period
    weights : ndarray of shape (..., n_channels, window), dimensionless

    Returns
    -------
    ndarray of shape (..., n_periods, n_channels), currency per period
    """
    felt = np.matmul(lags, weights.reshape(-1, *weights.shape[-2:]).transpose(1, 2, 0))
    shape = (*weights.shape[:-2], lags.shape[1], lags.shape[0])
    return np.ascontiguousarray(felt.transpose(2, 1, 0)).reshape(shape)
