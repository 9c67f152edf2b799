"""scipy's SLSQP, from one start or from ten."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from benchmarks.instances import FloatArray
from benchmarks.peers.scaled import Scaled

STARTS = 10


def slsqp(scaled: Scaled, start: FloatArray) -> FloatArray:
    """scipy's SLSQP from one start, rows as linear constraints."""
    constraints = [
        {
            "type": "eq",
            "fun": lambda x: np.array([x.sum() - scaled.budget]),
            "jac": lambda x: np.ones((1, x.size)),
        }
    ]
    if len(scaled.matrix):
        both = np.vstack([scaled.matrix, -scaled.matrix])
        limits = np.hstack([scaled.row_lower, -scaled.row_upper])
        constraints.append(
            {"type": "ineq", "fun": lambda x: both @ x - limits, "jac": lambda _: both}
        )
    found = minimize(
        scaled.loss,
        start,
        jac=scaled.slope,
        method="SLSQP",
        bounds=np.column_stack(scaled.box),
        constraints=constraints,
        options={"maxiter": 500, "ftol": 1e-12},
    )
    return np.clip(found.x, *scaled.box)


def slsqp_starts(scaled: Scaled) -> FloatArray:
    """The best of ten: history, equal split and eight at random."""
    rng = np.random.default_rng(0)
    starts = [scaled.history, scaled.equal]
    for _ in range(STARTS - 2):
        start = rng.random(scaled.lower.size) * scaled.upper
        starts.append(np.clip(start * (scaled.budget / start.sum()), *scaled.box))
    found = [slsqp(scaled, start) for start in starts]
    held = [x for x in found if scaled.excess(x) <= 1e-6] or found
    return min(held, key=scaled.loss)
