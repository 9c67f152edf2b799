"""cvxpy and Clarabel, where curves are concave."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from benchmarks.instances import FloatArray
from benchmarks.peers.scaled import OutOfTimeError, Scaled
from optimizer.curves import HillCurve


def clarabel(scaled: Scaled) -> FloatArray:
    """cvxpy and Clarabel on concave Hill curves, all cells in one vector expression."""
    import cvxpy

    curves = scaled.problem.gains
    assert isinstance(curves, HillCurve)
    n = scaled.lower.size
    x, power = cvxpy.Variable(n), cvxpy.Variable(n)
    relative = cvxpy.multiply(scaled.unit / curves.half_saturation, x)
    earned = (curves.ceiling / scaled.size) @ (1.0 - cvxpy.inv_pos(1.0 + power))
    limits = [x >= scaled.lower, x <= scaled.upper, cvxpy.sum(x) == scaled.budget]
    limits.append(cvxpy.PowCone3D(relative, np.ones(n), power, curves.slope))
    if len(scaled.matrix):
        rows = csr_array(scaled.matrix)
        limits += [rows @ x >= scaled.row_lower, rows @ x <= scaled.row_upper]
    program = cvxpy.Problem(cvxpy.Maximize(earned), limits)
    program.solve(solver=cvxpy.CLARABEL, max_threads=1)
    if x.value is None:
        raise OutOfTimeError
    return np.clip(x.value, *scaled.box)
