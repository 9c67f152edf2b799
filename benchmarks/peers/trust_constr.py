"""scipy's trust-constr."""

from __future__ import annotations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, minimize

from benchmarks.instances import FloatArray
from benchmarks.peers.scaled import Scaled


def trust_constr(scaled: Scaled) -> FloatArray:
    """scipy's trust-constr from history, with exact gradients and BFGS curvature."""
    matrix = np.vstack([np.ones((1, scaled.lower.size)), scaled.matrix])
    low = np.hstack([scaled.budget, scaled.row_lower])
    high = np.hstack([scaled.budget, scaled.row_upper])
    found = minimize(
        scaled.loss,
        scaled.history,
        jac=scaled.slope,
        method="trust-constr",
        bounds=Bounds(*scaled.box),
        constraints=LinearConstraint(matrix, low, high),
        options={"maxiter": 1000, "gtol": 1e-9, "xtol": 1e-12},
    )
    return np.clip(found.x, *scaled.box)
