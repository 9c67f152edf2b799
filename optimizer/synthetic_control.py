r"""What markets would have earned, from what others did: synthetic controls.

Every series is taken relative to its own mean before the test. Weights :math:`w` make the test
markets of the others, around their plain average :math:`\bar x`:

.. math:: \hat y_t = \alpha + \bar x_t + (x_t - \bar x_t)' w

*ridge* shrinks w toward 0, that is, toward difference in differences; *non-negative* weights sum
to one and make no market count against itself. How much to shrink is chosen by blocks as long as
the test, left out of the time before it.

References
----------
.. [1] Abadie, Diamond and Hainmueller (2010), Synthetic Control Methods for Comparative Case
   Studies.
.. [2] Ben-Michael, Feller and Rothstein (2021), The Augmented Synthetic Control Method.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

FloatArray = npt.NDArray[np.float64]
Method = Literal["ridge", "non_negative"]
METHODS: tuple[Method, ...] = ("ridge", "non_negative")

#: Strengths of the shrinkage tried, in multiples of the mean square of the controls.
STRENGTHS: dict[Method, tuple[float, ...]] = {
    "ridge": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0, 1000.0),
    "non_negative": (0.001, 0.03, 1.0, 30.0),
}
FEWEST_BLOCKS, MOST_BLOCKS = 3, 10
SUM_TO_ONE = 1e3  # weight of that row beside the data's
TINY = 1e-12


@dataclass(frozen=True)
class Control:
    """What the treated series would have been, and how far it strays where nothing happened."""

    expected: FloatArray  # (n_periods,), relative to the mean before the test
    weights: FloatArray  # (n_controls,)
    strength: float
    missed: float  # root mean square error of single periods, in blocks left out


def synthetic_control(
    treated: FloatArray, controls: FloatArray, n_before: int, n_after: int, method: Method
) -> Control:
    """A treated series made of controls, by the time before the test.

    Parameters
    ----------
    treated : ndarray of shape (n_periods,)
        Relative to its mean over the first `n_before` periods.
    controls : ndarray of shape (n_periods, n_controls), likewise
    n_before : int
        Periods before the test.
    n_after : int
        Periods of the test: as long are the blocks left out.
    method : "ridge" or "non_negative"
    """
    before, made_of, strengths = treated[:n_before], controls[:n_before], STRENGTHS[method]
    weigh = {"ridge": _ridge, "non_negative": _non_negative}[method]
    missed = np.zeros(len(strengths))
    for block in _blocks(n_before, n_after):
        seen = np.setdiff1d(np.arange(n_before), block)
        found = weigh(before[seen], made_of[seen], strengths)
        ahead = _predicted(before[seen], made_of[seen], made_of[block], found)
        missed += ((before[block, None] - ahead) ** 2).sum(axis=0)
    best = int(missed.argmin())
    weights = weigh(before, made_of, strengths[best : best + 1])
    return Control(
        _predicted(before, made_of, controls, weights)[:, 0],
        weights[0],
        strengths[best],
        float(np.sqrt(missed[best] / n_before)),
    )


def _blocks(n_before: int, n_after: int) -> list[npt.NDArray[np.intp]]:
    """Stretches of the time before the test, each left out once."""
    count = int(np.clip(n_before // max(n_after, 1), FEWEST_BLOCKS, MOST_BLOCKS))
    return [np.asarray(block, np.intp) for block in np.array_split(np.arange(n_before), count)]


def _predicted(
    before: FloatArray, made_of: FloatArray, controls: FloatArray, weights: FloatArray
) -> FloatArray:
    """The treated series (n_periods, n_strengths) by its controls, level with it where seen."""
    level = before.mean() - weights @ made_of.mean(axis=0)
    return np.asarray(level + controls @ weights.T)


def _ridge(treated: FloatArray, controls: FloatArray, strengths: Sequence[float]) -> FloatArray:
    """Weights (n_strengths, n_controls) drawn toward equal ones; they sum to one."""
    count = controls.shape[1]
    away = controls - controls.mean(axis=0)
    average = away.mean(axis=1)
    apart = away - average[:, None]
    values, vectors = np.linalg.eigh(apart.T @ apart)
    pulled = vectors.T @ (apart.T @ (treated - treated.mean() - average))
    penalty = np.array(strengths) * float((apart**2).sum()) / count + TINY
    more = (pulled / (np.maximum(values, 0.0) + penalty[:, None])) @ vectors.T
    return np.asarray(1.0 / count + more - more.mean(axis=1, keepdims=True))


def _non_negative(
    treated: FloatArray, controls: FloatArray, strengths: Sequence[float]
) -> FloatArray:
    """Weights (n_strengths, n_controls) of at least 0 that sum to one, drawn toward equal ones."""
    count = controls.shape[1]
    away, left = controls - controls.mean(axis=0), treated - treated.mean()
    size = float((away**2).sum()) + TINY
    found = []
    for strength in strengths:
        pull, heavy = np.sqrt(strength * size / count), SUM_TO_ONE * np.sqrt(size)
        rows = np.concatenate([away, pull * np.eye(count), np.full((1, count), heavy)])
        wanted = np.concatenate([left, np.full(count, pull / count), [heavy]])
        weights, _ = nnls(rows, wanted)
        found.append(weights / weights.sum())
    return np.array(found)
