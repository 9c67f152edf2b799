"""Response curves sampled for a picture: a grid of spend with mean and interval over the draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.model import Model

FloatArray = npt.NDArray[np.float64]
POINTS = 41
BEYOND = 1.25  # times the larger of a cell's spends: how far its curve is drawn


@dataclass(frozen=True)
class CurvePoints:
    """One cell's curve over the whole plan."""

    channel: str
    market: str | None
    spend: FloatArray  # (k,), currency, whole plan, rising from 0
    mean: FloatArray  # (k,), incremental revenue, currency, whole plan
    p05: FloatArray | None  # (k,), None without draws
    p95: FloatArray | None
    marked: FloatArray  # (2,), mean revenue at the two spends asked about


def curve_points(
    model: Model, spends: Mapping[tuple[str, str | None], tuple[float, float]], periods: int
) -> tuple[CurvePoints, ...]:
    """The curves of the cells asked about, each from 0 to a little beyond its spends.

    Parameters
    ----------
    model : Model
    spends : mapping of (channel, market) to two amounts of money, whole plan
        The current and the planned spend. A cell the model lacks is left out.
    periods : int
        Of the plan: its response is ``periods x f(spend / periods)``.

    Examples
    --------
    >>> line = {"family": "power", "scale": 2.0, "exponent": 1.0}
    >>> model = Model.from_dict({"channels": [{"channel": "tv", "curve": line}]})
    >>> drawn, = curve_points(model, {("tv", None): (40.0, 80.0)}, periods=4)
    >>> float(drawn.spend[-1]), float(drawn.mean[-1]), drawn.marked.tolist()
    (100.0, 200.0, [80.0, 160.0])
    """
    entries = [entry for entry in model.channels if (entry.channel, entry.market) in spends]
    if not entries:
        return ()
    cells = [(entry.channel, entry.market) for entry in entries]
    part = Model(channels=entries)
    asked = np.array([_grid(*spends[cell]) for cell in cells]).T  # (k + 2, n)
    drawn = np.array([part.response(spend / periods) * periods for spend in asked])
    return tuple(_points(cell, asked[:, i], drawn[:, :, i].T) for i, cell in enumerate(cells))


def _grid(now: float, then: float) -> FloatArray:
    """Even steps of spend, and after them the two amounts themselves."""
    return np.array([*np.linspace(0.0, BEYOND * max(now, then), POINTS), now, then])


def _points(cell: tuple[str, str | None], spend: FloatArray, drawn: FloatArray) -> CurvePoints:
    """The curve of one cell from its draws (N, k + 2)."""
    certain, mean = len(drawn) == 1, drawn.mean(axis=0)
    low, high = (None, None) if certain else np.quantile(drawn[:, :POINTS], (0.05, 0.95), axis=0)
    return CurvePoints(*cell, spend[:POINTS], mean[:POINTS], low, high, mean[POINTS:])
