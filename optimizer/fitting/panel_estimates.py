"""What the residuals of a panel say of its noise, and how alike its markets are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from optimizer.fitting import noise
from optimizer.fitting.aggregate import MOST_AUTOCORRELATION

FloatArray = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: Standard deviation of the log of a channel's strength between markets, and how many cells'
#: worth of belief stand behind it.
POOLED_SD = 0.3
POOLED_CELLS = 10.0

#: Periods' worth of belief that a market is as noisy as the others.
POOLED_PERIODS = 10.0

#: Markets' worth of belief that doubt clustered by market is the model's own, and the most it is
#: believed to exceed it: a few markets say little of how their residuals hang together.
POOLED_MARKETS = 10.0
MOST_CLUSTERED = 5.0


def market_scales(
    left: FloatArray, weights: FloatArray, size: FloatArray, used: float
) -> FloatArray:
    """Noise of each market, leaning towards what is usual, (n_markets,).

    Parameters
    ----------
    left : ndarray of shape (n_markets, n_periods), residuals
    weights : ndarray of shape (n_markets, n_periods), zero where closed
    size : ndarray of shape (n_markets,), mean revenue
    used : float, parameters that each market's history has determined
    """
    periods = (weights > 0).sum(axis=1)
    freedom = np.maximum(periods - used, periods / 4)
    square = (weights * left**2).sum(axis=1) / size**2
    usual = square.sum() / freedom.sum()
    found = (square + POOLED_PERIODS * usual) / (freedom + POOLED_PERIODS)
    return np.asarray(size * np.maximum(np.sqrt(found), noise.SMALLEST_SCALE))


def common_autocorrelation(left: FloatArray) -> float:
    """Of all markets' residuals (n_markets, n_periods) together, each market counting alike."""
    relative = left / np.maximum(np.sqrt((left**2).sum(axis=1, keepdims=True)), 1e-300)
    found = float((relative[:, 1:] * relative[:, :-1]).sum()) / len(left)
    return float(np.clip(found + 1 / left.shape[1], 0.0, MOST_AUTOCORRELATION))


def pooled_sd(strengths: FloatArray, doubt: FloatArray, spent: Bools) -> float:
    """Standard deviation of strengths between cells with spend, leaning on the belief.

    Parameters
    ----------
    strengths, doubt : ndarray of shape (n_cells,), found logs and their variances
    spent : ndarray of shape (n_cells,)
    """
    square = (strengths**2 + doubt)[spent].sum()
    return float(np.sqrt((square + POOLED_CELLS * POOLED_SD**2) / (spent.sum() + POOLED_CELLS)))


def clustered_excess(
    scores: FloatArray, expected: FloatArray, doubt: FloatArray, n_common: int
) -> float:
    r"""Variance of common parameters with rows clustered by market, over the model's own.

    Residuals of a market may hang together in any way, those of two markets in none but what
    they share: the sandwich :math:`H^{-1} (\sum_g s_g s_g') H^{-1}` of the markets' scores, its
    trace over common parameters against the one the model expects.

    Parameters
    ----------
    scores : ndarray of shape (n_markets, n_parameters), gradients of the markets
    expected : ndarray of shape (n_parameters, n_parameters), sum of their covariances
    doubt : ndarray of shape (n_parameters, n_parameters), inverse of the posterior's precision
    n_common : int, parameters that come first and are of interest

    References
    ----------
    .. [1] Cameron and Miller (2015), A Practitioner's Guide to Cluster-Robust Inference.
    """
    own = doubt[:n_common]
    clustered = float(((scores @ own.T) ** 2).sum())
    usual = float(np.trace(own @ expected @ own.T))
    found = clustered / max(usual, 1e-300)
    leaning = (len(scores) * found + POOLED_MARKETS) / (len(scores) + POOLED_MARKETS)
    return min(leaning, MOST_CLUSTERED)
