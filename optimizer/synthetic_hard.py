"""National markets whose truth is known and whose history can hardly tell it.

Three hardships by turns: channels that spend the same every week, a pair of channels that spend
as one, and a history of 30 weeks. Good advice there is mostly to leave the split alone.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt

from optimizer.synthetic import BURN_IN, Market, national_market

FloatArray = npt.NDArray[np.float64]

HARDSHIPS = ("constant spend", "collinear pair", "30 weeks")
SHORT = 30  # weeks, the fewest that are fitted at all

#: Standard deviation of the log of what still moves: a constant spend, a pair's ratio.
CONSTANT_SD = 0.02
RATIO_SD = 0.05


def hard_market(seed: int, *, n_channels: int | None = None, hardship: str | None = None) -> Market:
    """A national market under a hardship.

    Parameters
    ----------
    seed : int
        Of everything that is not stated.
    n_channels : int, optional
        Otherwise 3 to 10.
    hardship : {"constant spend", "collinear pair", "30 weeks"}, optional
        Otherwise by turns.
    """
    name = hardship or hardship_of(seed)
    if name == "30 weeks":
        return national_market(seed, n_channels=n_channels, n_periods=SHORT)
    habit = {"constant spend": _constant, "collinear pair": _paired}[name]
    rng = np.random.default_rng([4, seed])
    return national_market(seed, n_channels=n_channels, habit=partial(habit, rng))


def hardship_of(seed: int) -> str:
    """The hardship of a seed that is given none."""
    return HARDSHIPS[seed % len(HARDSHIPS)]


def _constant(rng: np.random.Generator, spend: FloatArray) -> FloatArray:
    """One channel, up to half of them, held at its mean."""
    length, count = spend.shape
    held = rng.choice(count, int(rng.integers(1, max(count // 2, 1), endpoint=True)), replace=False)
    usual = spend[BURN_IN:, held].mean(axis=0)
    steady = spend.copy()
    steady[:, held] = usual * np.exp(CONSTANT_SD * rng.standard_normal((length, held.size)))
    return steady


def _paired(rng: np.random.Generator, spend: FloatArray) -> FloatArray:
    """One channel bought in a fixed ratio to another."""
    leader, follower = rng.choice(spend.shape[1], 2, replace=False)
    usual = spend[BURN_IN:].mean(axis=0)
    ratio = usual[follower] / usual[leader] * np.exp(RATIO_SD * rng.standard_normal(len(spend)))
    paired = spend.copy()
    paired[:, follower] = ratio * spend[:, leader]
    return paired
