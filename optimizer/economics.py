"""The few ratios planners speak in; money in, ratio out, None where a ratio has no meaning."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = float | npt.NDArray[np.float64]


def romi(margin_earned: Floats, spend: float) -> Floats | None:
    """(margin x incremental revenue - spend) / spend; None at zero spend.

    Examples
    --------
    >>> romi(150.0, 100.0)
    0.5
    """
    return None if spend <= 0.0 else (margin_earned - spend) / spend


def marginal_romi(margin: Floats, marginal_revenue: Floats) -> Floats:
    """margin x d revenue / d spend - 1: zero at break-even.

    Examples
    --------
    >>> marginal_romi(0.5, 2.0)
    0.0
    """
    return margin * marginal_revenue - 1.0
