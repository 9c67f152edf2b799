"""A response curve times a factor: its height changes, its shape does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from optimizer.model import Curve, Table

FloatArray = npt.NDArray[np.float64]

#: Family -> the parameter that is its height; of the others it is the ceiling.
HEIGHTS = {"power": "scale", "log": "scale", "table": "response"}


def raised(curve: Curve, factor: FloatArray) -> Curve:
    """The curve times a factor.

    Parameters
    ----------
    curve : Curve
    factor : ndarray of shape (n_draws,) or (1,), above 0
        One for every draw, or one for all. A curve without draws gets as many as there are.
    """
    name = HEIGHTS.get(curve.family, "ceiling")
    height = np.asarray(getattr(curve, name), dtype=float)
    if isinstance(curve, Table) and factor.size > 1:
        height = np.atleast_2d(height) * factor[:, None]
    else:
        height = height * (factor if factor.size > 1 else float(factor[0]))
    return curve.model_copy(update={name: plain(height)})


def plain(values: FloatArray) -> Any:
    """Numbers as a document holds them: one, or a list."""
    return values.tolist() if values.size > 1 or values.ndim > 1 else float(values.reshape(()))
