"""From a Comparison document to what its pictures show: pure functions of plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.page.plans.pictures import cell_name, digits_of

Plain = Mapping[str, Any]
FIGURES = ("revenue", "profit", "romi", "uplift")
SHOWN_CELLS = 20  # of the table before it is folded, and of the chart


def side_by_side(comparison: Plain) -> dict[str, Any]:
    """What a comparison shows.

    Returns
    -------
    dict
        ``figures``: a row each, with every plan's interval and its bar on one scale; ``better``:
        how likely each later plan beats the first, None where that cannot be said; ``rows``: the
        moves with names; ``chart``; ``digits`` of money.
    """
    plans = comparison["plans"]
    rows = [dict(move, name=cell_name(move)) for move in comparison["moves"]]
    funded = [row for row in rows if any(row["spend"])]
    return {
        "figures": [_figure(key, [plan[key] for plan in plans]) for key in FIGURES],
        "better": [None, *map(better, comparison["differences"])],
        "rows": rows,
        "by_market": any(row["market"] is not None for row in rows),
        "digits": digits_of([plan["spend"] for plan in plans]),
        "shown": SHOWN_CELLS,
        "moved": any(amount for row in rows for amount in row["moved"]),
        "chart": {
            "names": [row["name"] for row in funded[:SHOWN_CELLS]],
            "plans": [
                {
                    "label": plan["label"],
                    "spend": [row["spend"][place] or 0.0 for row in funded[:SHOWN_CELLS]],
                }
                for place, plan in enumerate(plans)
            ],
        },
    }


def better(difference: Plain) -> float | None:
    """How likely a plan beats the first: by their common objective, else by profit."""
    judged = difference["objective"] or difference["profit"]
    chance = judged["probability_positive"]
    return None if chance is None else float(chance)


def _figure(key: str, intervals: Sequence[Plain]) -> dict[str, Any]:
    """One figure of every plan, with bars on one scale."""
    ends = [
        value
        for one in intervals
        for value in (one["mean"], one["p05"], one["p95"])
        if value is not None
    ]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    unit = 100.0 / (high - low) if high > low else 0.0

    def place(value: float) -> float:
        return float(round((value - low) * unit, 3))

    def bar(one: Plain) -> dict[str, float] | None:
        if one["mean"] is None:
            return None
        start, end = (one["mean"] if one[key] is None else one[key] for key in ("p05", "p95"))
        return {
            "zero": place(0.0),
            "start": place(start),
            "width": round(place(end) - place(start), 3),
            "mean": place(one["mean"]),
        }

    return {"key": key, "plans": [dict(one, bar=bar(one)) for one in intervals]}
