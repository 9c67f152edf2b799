"""scipy's differential evolution."""

from __future__ import annotations

import time

import numpy as np
from scipy.optimize import differential_evolution

from benchmarks.instances import FloatArray
from benchmarks.peers.scaled import OutOfTimeError, Scaled

GENERATIONS = 150


def evolution(scaled: Scaled) -> FloatArray:
    """Differential evolution over shares brought to the budget, rows and minima by a penalty."""
    lower, upper = scaled.box

    def split(shares: FloatArray) -> FloatArray:
        x = lower[:, None] + (upper - lower)[:, None] * shares
        missing = scaled.budget - x.sum(axis=0)
        room = np.where(missing > 0.0, upper[:, None] - x, x - lower[:, None])
        return x + room * (missing / np.maximum(room.sum(axis=0), 1e-300))

    def loss(shares: FloatArray) -> FloatArray:
        if time.process_time() > scaled.deadline:
            raise OutOfTimeError
        x = split(np.atleast_2d(shares.T).T)
        value = scaled.problem.mean_gain.value(x.T * scaled.unit).sum(axis=1) / scaled.size
        used = scaled.matrix @ x
        over = np.maximum(scaled.row_lower[:, None] - used, used - scaled.row_upper[:, None])
        penalty = 10.0 * np.maximum(over, 0.0).sum(axis=0) / scaled.budget
        if scaled.problem.optional is not None:
            least = scaled.problem.lower[:, None] / scaled.unit
            short = np.minimum(np.maximum(least - x, 0.0), x) * scaled.problem.optional[:, None]
            penalty = penalty + 10.0 * short.sum(axis=0) / scaled.budget
        scaled.note(x, penalty - value)
        return penalty - value

    found = differential_evolution(
        loss,
        [(0.0, 1.0)] * lower.size,
        maxiter=GENERATIONS,
        rng=np.random.default_rng(0),
        vectorized=True,
        updating="deferred",
        polish=False,
        tol=1e-8,
    )
    return np.asarray(split(found.x[:, None])[:, 0])
