"""From a Plan document to what its pictures show: pure functions of plain data.

Money is currency for the whole plan. Places along a bar run from 0 to 100.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

Plain = Mapping[str, Any]

WORTH = {"profit": "profit", "customer_value": "customer_value"}  # objective -> what it counts
CHARTED = ("name", "now", "plan")
SAME = 0.011  # currency; apart by no more than rounding to the cent
CENTS_BELOW = 10_000  # larger sums are shown without cents
SHOWN_CELLS = 20  # of the table before it is folded, and of a chart
SHOWN_STACKED = 6  # layers of a schedule's bars
SHOWN_STEPS = 12  # of a waterfall; the others become one
NEGLIGIBLE = 0.01  # of the largest step: smaller ones are summed too
ALIKE = 0.05  # marginal ROMI: free channels closer than this earn the same
CUT = 0.25  # of the level: where changes are smaller, a waterfall's axis starts above zero
MARGIN = 0.4  # of the changes: room left below them then
FAR = 3.0  # times the common level and one: marginal ROMI beyond it is drawn at the edge


def cell_name(row: Plain) -> str:
    """A row's channel, with its market where there are several."""
    return str(row["channel"] if row["market"] is None else f"{row['channel']} · {row['market']}")


def worth_of(plan: Plain) -> str:
    """What the plan's gain is counted in: revenue, profit or customer_value."""
    return WORTH.get(plan["objective"], "revenue")


def digits_of(amounts: Sequence[float]) -> int:
    """Decimals that money of this size is shown with."""
    return 0 if max(map(abs, amounts), default=0.0) >= CENTS_BELOW else 2


def figures(plan: Plain) -> list[dict[str, Any]]:
    """The headline figures: uplift, revenue, profit and ROMI, each with its bar, and the spend."""
    totals = plan["totals"]
    found = [
        {"key": key, **totals[key], "bar": interval_bar(totals[key])}
        for key in ("uplift", "revenue", "profit", "romi")
    ]
    return [*found, {"key": "spend", "mean": totals["spend"], "p05": None, "bar": None}]


def interval_bar(interval: Plain) -> dict[str, float] | None:
    """An interval along a line that holds zero; None without draws.

    Examples
    --------
    >>> interval_bar({"mean": 6.0, "p05": 4.0, "p95": 8.0})
    {'zero': 0.0, 'start': 50.0, 'width': 50.0, 'mean': 75.0}
    >>> interval_bar({"mean": 0.0, "p05": -5.0, "p95": 5.0})
    {'zero': 50.0, 'start': 0.0, 'width': 100.0, 'mean': 50.0}
    """
    mean, low, high = interval["mean"], interval["p05"], interval["p95"]
    if mean is None or low is None or high is None or low == high:
        return None
    place = _scale(min(low, 0.0), max(high, 0.0))
    start = place(low)
    return {"zero": place(0.0), "start": start, "width": place(high) - start, "mean": place(mean)}


def moves(plan: Plain) -> dict[str, Any]:
    """The split before and after, the largest move first.

    Returns
    -------
    dict
        ``rows`` with each cell's money, ``bar`` and figures; ``cells`` for the chart; ``now``, the
        current total; ``digits`` of money; whether anything ``moved``.
    """
    rows = sorted(map(_move, plan["allocation"]), key=lambda row: -abs(row["moved"]))
    most = max((abs(row["moved"]) for row in rows), default=0.0)
    amounts = [amount for row in rows for amount in (row["now"], row["plan"])]
    funded = [row for row in rows if row["now"] > 0.0 or row["plan"] > 0.0]
    return {
        "rows": [row | {"bar": change_bar(row["moved"], most)} for row in rows],
        "cells": [
            {key: row[key] for key in ("name", "now", "plan")} for row in funded[:SHOWN_CELLS]
        ],
        "by_market": any(row["market"] is not None for row in rows),
        "now": sum(row["now"] for row in rows),
        "digits": digits_of(amounts),
        "shown": SHOWN_CELLS,
        "moved": most >= SAME,
    }


def _move(row: Plain) -> dict[str, Any]:
    moved = row["spend"] - row["current_spend"]
    return {
        "name": cell_name(row),
        "channel": row["channel"],
        "market": row["market"],
        "now": row["current_spend"],
        "plan": row["spend"],
        "moved": 0.0 if abs(moved) < SAME else moved,
        "change": row["change"] if row["current_spend"] > 0.0 or moved >= SAME else 0.0,
        "response": row["response"],
        "romi": row["romi"],
        "marginal": row["marginal_romi"],
        "binding": row["binding"],
    }


def change_bar(moved: float, most: float) -> dict[str, float]:
    """A change to the left or right of the middle, as long as it is large.

    Examples
    --------
    >>> change_bar(-5.0, 10.0), change_bar(0.0, 0.0)
    ({'start': 25.0, 'width': 25.0}, {'start': 50.0, 'width': 0.0})
    """
    width = round(50.0 * abs(moved) / most, 3) if most > 0.0 else 0.0
    return {"start": 50.0 - width if moved < 0.0 else 50.0, "width": width}


def marginals(plan: Plain) -> dict[str, Any] | None:
    """What the next unit of money earns in each cell, around what free cells share.

    Returns
    -------
    dict or None
        ``rows``, the most first, each with its place, its limit and that limit's price; ``level``,
        the middle of the free ones, None where all are held; ``alike``, whether they agree. None
        where no cell has a marginal ROMI.
    """
    known = [row for row in plan["allocation"] if row["marginal_romi"] is not None]
    if not known:
        return None
    free = [row["marginal_romi"] for row in known if row["binding"] is None]
    level = median(free) if free else None
    edge = FAR * (1.0 + abs(level or 0.0))
    values = [min(max(row["marginal_romi"], -edge), edge) for row in known]
    place = _scale(min(*values, 0.0, level or 0.0), max(*values, 0.0, level or 0.0), 4.0)
    prices = {one["constraint"]: one["price"] for one in plan["shadow_prices"]}
    rows = [
        {
            "name": cell_name(row),
            "value": row["marginal_romi"],
            "binding": row["binding"],
            "price": _limit_price(row, prices),
            "place": place(shown),
            "beyond": shown != row["marginal_romi"],
        }
        for row, shown in zip(known, values, strict=True)
    ]
    return {
        "rows": sorted(rows, key=lambda row: -row["value"]),
        "level": level,
        "level_place": None if level is None else place(level),
        "zero_place": place(0.0),
        "alike": bool(free) and max(free) - min(free) <= ALIKE,
        "held": any(row["binding"] for row in known),
        "shown": SHOWN_CELLS,
    }


def _limit_price(row: Plain, prices: Mapping[str, float]) -> float | None:
    """What loosening a row's limit by one unit of money gains, where the plan says so."""
    where = f" in {row['market']}" if row["market"] is not None else ""
    return prices.get(f"{row['channel']}{where} {row['binding']}")


def current_split(plan: Plain) -> dict[str, Any]:
    """The split a plan compares with, as a what-if takes it."""
    split: dict[str, Any] = {}
    for row in plan["allocation"]:
        if row["market"] is None:
            split[row["channel"]] = row["current_spend"]
        else:
            split.setdefault(row["channel"], {})[row["market"]] = row["current_spend"]
    return split


def waterfall(plan: Plain, now: Plain) -> dict[str, Any] | None:
    """From what the current split earns to what the plan does, cell by cell.

    Parameters
    ----------
    plan, now : mapping
        The Plan documents of the plan and of a what-if of its current split.

    Returns
    -------
    dict or None
        ``steps``, the largest first, each with ``delta``, ``start`` and ``end``; a step named None
        is what the timing within the plan adds, one with ``count`` sums the small ones. ``floor``
        is where the axis starts. None where nothing moves.
    """
    worth = worth_of(plan)
    before = {(row["channel"], row["market"]): _earned(row, worth) for row in now["allocation"]}
    deltas = [
        (cell_name(row), _earned(row, worth) - before.get((row["channel"], row["market"]), 0.0))
        for row in plan["allocation"]
        if abs(row["spend"] - row["current_spend"]) >= SAME
    ]
    if not deltas:
        return None
    end = sum(_earned(row, worth) for row in plan["allocation"])
    start = end - (plan["totals"]["uplift"]["mean"] or 0.0)
    deltas.sort(key=lambda pair: -abs(pair[1]))
    steps = _steps(start, end, deltas)
    levels = [start, end, *(step["end"] for step in steps)]
    return {
        "worth": worth,
        "start": start,
        "end": end,
        "steps": steps,
        "floor": _floor(levels),
        "digits": digits_of(levels),
    }


def _steps(start: float, end: float, deltas: Sequence[tuple[str, float]]) -> list[dict[str, Any]]:
    """Deltas one after the other from a start to an end."""
    least = NEGLIGIBLE * max(abs(delta) for _, delta in deltas)
    large = sum(abs(delta) >= least for _, delta in deltas[:SHOWN_STEPS])
    count = len(deltas) if len(deltas) <= large + 1 else large
    shown: list[dict[str, Any]] = [
        {"name": name, "delta": delta, "count": 0} for name, delta in deltas[:count]
    ]
    small = [delta for _, delta in deltas[count:]]
    if small:
        shown.append({"name": "", "delta": sum(small), "count": len(small)})
    missing = end - start - sum(step["delta"] for step in shown)
    if abs(missing) > 1e-6 * (abs(start) + abs(end)) + SAME:
        shown.append({"name": None, "delta": missing, "count": 0})
    at = start
    for step in shown:
        step |= {"start": at, "end": at + step["delta"]}
        at = step["end"]
    return shown


def _floor(levels: Sequence[float]) -> float:
    """Where the axis of a waterfall starts: above zero where changes would else be too small."""
    low, high = min(levels), max(levels)
    if low <= 0.0 or high - low > CUT * high:
        return 0.0
    return max(low - MARGIN * (high - low), 0.0)


def _earned(row: Plain, worth: str) -> float:
    """What a row earns on average, in the money of the gain."""
    if worth == "revenue":
        return float(row["response"]["mean"] or 0.0)
    profit = (row["romi"] or 0.0) * row["spend"]
    return float(profit + (row["spend"] if worth == "customer_value" else 0.0))


def timetable(plan: Plain) -> dict[str, Any] | None:
    """The plan by period: each cell's spend, what comes in, what comes after; None where even."""
    schedule = plan["schedule"]
    if schedule is None:
        return None
    rows = sorted(
        ({"name": cell_name(row), "spend": row["spend"]} for row in schedule["allocation"]),
        key=lambda row: -sum(row["spend"]),
    )
    spends = [amount for row in rows for amount in row["spend"]]
    return {
        "dates": schedule["dates"],
        "periods": len(schedule["revenue"]),
        "rows": rows,
        "chart": _stacked(rows),
        "total": [sum(column) for column in zip(*(row["spend"] for row in rows), strict=True)],
        "revenue": schedule["revenue"],
        "after_end": schedule["after_end"],
        "pattern": schedule["pattern"],
        "difference": schedule["difference"],
        "digits": digits_of(spends),
    }


def _stacked(rows: Sequence[Plain]) -> list[Plain]:
    """The largest rows, and the others as one without a name."""
    if len(rows) <= SHOWN_STACKED:
        return list(rows)
    shown, others = rows[: SHOWN_STACKED - 1], rows[SHOWN_STACKED - 1 :]
    columns = zip(*(row["spend"] for row in others), strict=True)
    return [*shown, {"name": None, "spend": [sum(column) for column in columns]}]


def _scale(low: float, high: float, edge: float = 0.0) -> Callable[[float], float]:
    """From values between two ends to places along a line, so far from its edges."""
    unit = (100.0 - 2.0 * edge) / (high - low) if high > low else 0.0
    return lambda value: round(edge + (value - low) * unit, 3)
