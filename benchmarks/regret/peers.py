"""How others come by their curves: least squares per channel, and a random search over ridges."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import curve_fit, nnls
from scipy.signal import lfilter

from optimizer.history import History
from optimizer.model import Hill, Model, ModelChannel

FloatArray = npt.NDArray[np.float64]

TRIALS = 1000
HELD_OUT = 0.2  # the last of the history
RETENTION = (0.0, 0.8)  # per week
SLOPE = (0.5, 3.0)
INFLEXION = (0.3, 1.0)  # between the least and the most that was felt
NOTHING = 1e-9  # of mean revenue: the ceiling of a channel that is found to earn nothing
PENALTY = (1e-4, 1e1)  # drawn by its logarithm, columns being standardised


def least_squares(history: History) -> Model:
    """Every channel by itself: a Hill curve on its own revenue, else on all beside an intercept."""
    attributed = history.layout == "attributed"
    channels = []
    for g, market in enumerate(history.markets):
        for i, name in enumerate(history.channels):
            revenue = history.revenue[g, :, i] if attributed else history.revenue[g]
            curve = naive_hill(history.spend[g, :, i], revenue, intercept=not attributed)
            channels.append(ModelChannel(channel=name, market=market, curve=curve))
    return Model(channels=channels)


def naive_hill(spend: FloatArray, revenue: FloatArray, *, intercept: bool) -> Hill:
    """A Hill curve by least squares, an intercept beside if asked."""
    usual, unit = spend.mean(), revenue.mean()

    def hill(u: FloatArray, top: float, half: float, slope: float, level: float) -> FloatArray:
        return np.asarray(top * u**slope / (u**slope + half**slope) + level * intercept)

    bounds = ([0.0, 0.01, 0.2, 0.0], [100.0, 100.0, 6.0, 10.0])
    start = [1.0, 1.0, 1.0, 0.5]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found, _ = curve_fit(hill, spend / usual, revenue / unit, start, bounds=bounds)
    except RuntimeError:  # no convergence: the peer has no better idea than its start
        found = np.array(start)
    top, half, slope = (float(value) for value in found[:3])
    return Hill(ceiling=top * float(unit), half_saturation=half * float(usual), slope=slope)


def ridge_search(history: History, seed: int, trials: int = TRIALS) -> Model:
    """Robyn's way: random carryovers and saturations, a ridge for each, the best on a holdout.

    Media coefficients are non-negative; trend, seasons and controls are not penalised. The best
    draw by root mean square error on the last fifth is fitted again to the whole history.

    References
    ----------
    .. [1] Runge et al. (2024), Packaging Up Media Mix Modeling: An Introduction to Robyn's
       Open-Source Approach.
    """
    rng = np.random.default_rng([5, seed])
    spend, revenue, beside = history.spend[0], history.revenue[0], _beside(history)
    train = len(revenue) - round(HELD_OUT * len(revenue))
    fitted = _Ridge(beside[:train], revenue[:train])

    def error(trial: _Trial) -> float:
        media = trial.media(spend)
        weights, level = fitted.solve(media[:train], trial.penalty)
        forecast = media[train:] @ weights + beside[train:] @ level
        return float(((forecast - revenue[train:]) ** 2).sum())

    drawn = [_Trial.drawn(rng, spend) for _ in range(trials)]
    best = min(drawn, key=error)
    weights, _ = _Ridge(beside, revenue).solve(best.media(spend), best.penalty)
    weights = np.maximum(weights, NOTHING * revenue.mean())
    curves = zip(weights.tolist(), best.half.tolist(), best.slope.tolist(), strict=True)
    channels = [
        ModelChannel(channel=name, curve=Hill(ceiling=top, half_saturation=half, slope=slope))
        for name, (top, half, slope) in zip(history.channels, curves, strict=True)
    ]
    return Model(channels=channels)


@dataclass(frozen=True)
class _Trial:
    """One draw of what a ridge does not fit."""

    retention: FloatArray  # (n_channels,), per period
    slope: FloatArray  # (n_channels,)
    half: FloatArray  # (n_channels,), currency per period
    penalty: float

    @classmethod
    def drawn(cls, rng: np.random.Generator, spend: FloatArray) -> _Trial:
        """At random, half-saturations within what each channel was felt at."""
        count = spend.shape[1]
        retention = np.asarray(rng.uniform(*RETENTION, count))
        felt = _carried(spend, retention)
        least, most = felt.min(axis=0), felt.max(axis=0)
        half = least + np.asarray(rng.uniform(*INFLEXION, count)) * (most - least)
        penalty = float(np.exp(rng.uniform(*np.log(PENALTY))))
        return cls(retention, np.asarray(rng.uniform(*SLOPE, count)), half, penalty)

    def media(self, spend: FloatArray) -> FloatArray:
        """Saturated spend (n_periods, n_channels), from 0 to 1."""
        scaled = (_carried(spend, self.retention) / self.half) ** self.slope
        return np.asarray(scaled / (1.0 + scaled))


class _Ridge:
    """Ridges of non-negative media beside columns that are free, on the same rows."""

    def __init__(self, beside: FloatArray, revenue: FloatArray) -> None:
        self.beside, self.revenue = beside, revenue
        self.basis = np.linalg.qr(beside)[0]
        self.left = revenue - self.basis @ (self.basis.T @ revenue)

    def solve(self, media: FloatArray, penalty: float) -> tuple[FloatArray, FloatArray]:
        """Weights of media and of the free columns."""
        scale = np.maximum(media.std(axis=0), 1e-12)
        columns = media / scale
        columns = columns - self.basis @ (self.basis.T @ columns)
        size = np.sqrt(penalty * len(media)) * np.eye(columns.shape[1])
        rows, wanted = np.vstack([columns, size]), np.append(self.left, np.zeros(len(size)))
        weights = nnls(rows, wanted)[0] / scale
        level = np.linalg.lstsq(self.beside, self.revenue - media @ weights, rcond=None)[0]
        return weights, level


def _carried(spend: FloatArray, retention: FloatArray) -> FloatArray:
    """Spend as it is felt, carried over geometrically, the past taken as the first eight rows."""
    start = spend[:8].mean(axis=0)
    each = [
        lfilter([1.0 - r], [1.0, -r], spend[:, i], zi=[r * start[i]])[0]
        for i, r in enumerate(retention)
    ]
    return np.stack(each, axis=1)


def _beside(history: History) -> FloatArray:
    """Level, trend, two waves of the year and controls, (n_periods, n_columns)."""
    length = history.spend.shape[1]
    angle = 2.0 * np.pi * np.arange(length) / history.spacing.periods_per_year
    waves = [wave(k * angle) for k in (1, 2) for wave in (np.sin, np.cos)]
    controls = [control.values[0] for control in history.controls]
    return np.stack([np.ones(length), np.linspace(-1.0, 1.0, length), *waves, *controls], axis=1)
