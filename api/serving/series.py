"""A kept history as series over time: spend by channel and revenue, markets added up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from optimizer import History

MOST_CHANNELS = 10  # drawn each; the rest are one series
MOST_ROWS = 400  # periods in a table; more are added up by month

FloatArray = npt.NDArray[np.float64]


def series_of(history: History) -> dict[str, Any]:
    """Spend of the largest channels, of the rest together, and revenue.

    Returns
    -------
    dict
        ``dates`` (n_periods,) as text; ``revenue`` (n_periods,) and ``spend``: a list of ``name``
        (None: the rest) and ``values`` (n_periods,), the largest first; currency per period, over
        all markets. ``rest``: how many channels the rest are.
    """
    spend = history.spend.sum(axis=0)
    order = np.argsort(-spend.sum(axis=0), kind="stable")
    few = len(order) <= MOST_CHANNELS + 1
    shown, rest = (order, order[:0]) if few else np.split(order, [MOST_CHANNELS])
    listed = [{"name": history.channels[i], "values": _listed(spend[:, i])} for i in shown]
    if rest.size:
        listed.append({"name": None, "values": _listed(spend[:, rest].sum(axis=1))})
    over = (0, 2) if history.layout == "attributed" else 0
    return {
        "dates": [str(date.date()) for date in history.dates],
        "revenue": _listed(history.revenue.sum(axis=over)),
        "spend": listed,
        "rest": int(rest.size),
    }


def table_of(series: dict[str, Any]) -> tuple[bool, list[dict[str, Any]]]:
    """The series as rows of a table, and whether they were added up by month."""
    dates = series["dates"]
    monthly = len(dates) > MOST_ROWS
    keys = [date[:7] if monthly else date for date in dates]
    first = list(dict.fromkeys(keys))
    places = np.array([first.index(key) for key in keys]) if monthly else np.arange(len(keys))
    columns = [series["revenue"], *(one["values"] for one in series["spend"])]
    summed = [np.bincount(places, weights=np.array(one), minlength=len(first)) for one in columns]
    return monthly, [
        {"date": key if len(key) > 7 else f"{key}-01", "values": [float(one[i]) for one in summed]}
        for i, key in enumerate(first)
    ]


def channels_of(history: History) -> list[dict[str, Any]]:
    """What each channel spent, its share, and how often it ran; the largest first."""
    spend = history.spend.sum(axis=0)
    total = float(spend.sum()) or 1.0
    found = [
        {
            "name": name,
            "spend": float(spend[:, i].sum()),
            "share": float(spend[:, i].sum()) / total,
            "largest": float(spend[:, i].max()),
            "active": float((spend[:, i] > 0).mean()),
        }
        for i, name in enumerate(history.channels)
    ]
    return sorted(found, key=lambda one: -float(str(one["spend"])))


def _listed(values: FloatArray) -> list[float]:
    listed: list[float] = np.round(values, 2).tolist()
    return listed
