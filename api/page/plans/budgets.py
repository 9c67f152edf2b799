"""From a Frontier document to what its picture shows: pure functions of plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.page.plans.pictures import digits_of

Plain = Mapping[str, Any]
TABLE_ROWS = 10


def budgets(frontier: Plain) -> dict[str, Any]:
    """What every budget brings: for the chart, and a few rows of it as a table.

    Returns
    -------
    dict
        ``chart``: budget, profit (mean, p05, p95), marginal ROMI, currency; ``rows``: about ten
        points; ``break_even`` and ``own``, the points of the peak and of the scenario's budget.
    """
    points = frontier["points"]
    own = _nearest(points, frontier["budget"])
    peak = frontier["break_even"]
    return {
        "rows": _sampled(points),
        "break_even": peak,
        "own": own,
        "budget": frontier["budget"],
        "digits": digits_of([point["budget"] for point in points]),
        "chart": {
            "budget": [point["budget"] for point in points],
            **{end: _series(points, end) for end in ("mean", "p05", "p95")},
            "marginal": [point["marginal_romi"] for point in points],
            "peak": None if peak is None else [peak["budget"], peak["profit"]["mean"]],
            "own": None if own is None else [own["budget"], own["profit"]["mean"]],
        },
    }


def _series(points: Sequence[Plain], end: str) -> list[float] | None:
    """One end of the profit of every point; None without draws."""
    values = [point["profit"][end] for point in points]
    return None if None in values else values


def _nearest(points: Sequence[Plain], budget: float | None) -> Plain | None:
    """The point nearest to a budget; None where there is none, or it lies outside."""
    if budget is None or not points[0]["budget"] <= budget <= points[-1]["budget"]:
        return None
    return min(points, key=lambda point: abs(point["budget"] - budget))


def _sampled(points: Sequence[Plain]) -> list[Plain]:
    """About ten points, the ends among them.

    Examples
    --------
    >>> _sampled([{"budget": n} for n in range(50)])[:3]
    [{'budget': 0}, {'budget': 5}, {'budget': 10}]
    """
    count = min(TABLE_ROWS, len(points))
    last = len(points) - 1
    return [points[step * last // (count - 1)] for step in range(count)]
