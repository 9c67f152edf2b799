"""What no fit can carry: histories refused before a curve is looked for, each with advice."""

from __future__ import annotations

import numpy as np

from optimizer.errors import FitError
from optimizer.history import History

#: Fewer periods than this say nothing about a curve.
FEWEST_PERIODS = 30


def refuse_unfit(history: History) -> None:
    """Raise where a history cannot carry a fit.

    Raises
    ------
    FitError
        Too short, gaps or infinite numbers, negative spend, nothing spent or nothing earned.
    """
    if len(history.dates) < FEWEST_PERIODS:
        raise FitError(
            f"A history of {len(history.dates)} periods is too short for curves: bring at least "
            f"{FEWEST_PERIODS}, better 60, or a finer spacing."
        )
    if not (np.isfinite(history.spend).all() and np.isfinite(history.revenue).all()):
        raise FitError(
            "The history holds gaps or infinite numbers. Fill them or leave the periods out."
        )
    for control in history.controls:
        if not np.isfinite(control.values).all():
            raise FitError(
                f'The control "{control.name}" holds gaps or infinite numbers. '
                "Fill them, or leave the control out."
            )
    _check_money(history)


def _check_money(history: History) -> None:
    """Refuse spend and revenue, all numbers, that mean nothing."""
    if (history.spend < 0).any():
        raise FitError("The history holds negative spend. Book refunds as less spend, not below 0.")
    if history.spend.sum() <= 0:
        raise FitError("No channel has any spend. Check which columns hold the spend.")
    if history.revenue.sum() <= 0:
        raise FitError("There is no revenue to explain. Check which column holds the revenue.")
