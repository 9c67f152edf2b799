"""Response curves as pictures: each from nothing to beyond its limits, with the splits marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optimizer import Model, Plan

MOST_CURVES = 24
FAR = 2.0  # times the current spend: as far as a curve is drawn at least
USUAL_BOUNDS = (0.5, 2.0)

Cell = tuple[str, str | None]


def curves_of(
    model: Model, plan: Plan, now: Plan | None, document: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The curves of the largest cells, whole plan, with marks of the current split and the plan.

    Parameters
    ----------
    model : Model
        The one the plan was made from.
    plan : Plan
    now : Plan, optional
        What the current split brings; without it the current split is not marked.
    document : mapping
        The scenario's document: its limits.

    Returns
    -------
    list of dict
        ``channel``, ``market``, ``unit``, ``spend`` and ``mean`` (k,), ``p05`` and ``p95`` (k,) or
        None, ``now`` and ``plan`` as (spend, revenue), ``limits`` as (least, most), ``seen``:
        the largest spend of the history at this length; all currency, whole plan.
    """
    import optimizer

    rows = sorted(plan.rows, key=lambda row: -max(row.spend, row.current_spend))[:MOST_CURVES]
    shown = {(row.channel, row.market): row for row in rows}
    prices = document.get("cost_index") or {}
    limits = {cell: limits_of(row, document) for cell, row in shown.items()}
    far = {
        cell: (row.spend, max(FAR * row.current_spend, min(limits[cell][1], 4 * row.current_spend)))
        for cell, row in shown.items()
    }
    asked = {
        cell: (ends[0] / prices.get(cell[0], 1.0), ends[1] / prices.get(cell[0], 1.0))
        for cell, ends in far.items()
    }
    entries = {(entry.channel, entry.market): entry for entry in model.channels}
    marks = marks_of(plan, now)
    drawn = []
    for curve in optimizer.curve_points(model, asked, plan.periods):
        cell = (curve.channel, curve.market)
        price = prices.get(curve.channel, 1.0)
        seen = entries[cell].history_largest_spend
        drawn.append(
            {
                "channel": curve.channel,
                "market": curve.market,
                "unit": plan.currency or "",
                "spend": (curve.spend * price).tolist(),
                "mean": curve.mean.tolist(),
                "p05": None if curve.p05 is None else curve.p05.tolist(),
                "p95": None if curve.p95 is None else curve.p95.tolist(),
                "limits": limits[cell],
                "seen": None if seen is None else seen * price * plan.periods,
                **marks[cell],
            }
        )
    return sorted(drawn, key=lambda one: -one["plan"][0])


def marks_of(plan: Plan, now: Plan | None) -> dict[Cell, dict[str, Any]]:
    """Where every cell stands: (spend, mean revenue) now and in the plan, currency, whole plan."""
    before = {} if now is None else {(row.channel, row.market): row for row in now.rows}
    marks: dict[Cell, dict[str, Any]] = {}
    for row in plan.rows:
        cell = (row.channel, row.market)
        old = before.get(cell)
        marks[cell] = {
            "plan": [row.spend, row.response.mean],
            "now": None if old is None else [old.spend, old.response.mean],
        }
    return marks


def limits_of(row: Any, document: Mapping[str, Any]) -> list[float]:
    """The least and the most a cell may get by its own rules, currency, whole plan."""
    rules = (document.get("channels") or {}).get(row.channel) or {}
    if row.market is not None:
        market = (document.get("markets") or {}).get(row.market) or {}
        rules = rules | ((market.get("channels") or {}).get(row.channel) or {})
    if rules.get("excluded"):
        return [0.0, 0.0]
    if "locked" in rules:
        return [rules["locked"], rules["locked"]]
    low, high = _multiples(rules, document.get("bounds", USUAL_BOUNDS))
    least, most = rules.get("min"), rules.get("max")
    return [
        low * row.current_spend if least is None else least,
        high * row.current_spend if most is None else most,
    ]


def _multiples(rules: Mapping[str, Any], usual: Sequence[float]) -> tuple[float, float]:
    change = rules.get("change")
    if change is not None:
        return 1.0 + change[0], 1.0 + change[1]
    return usual[0], usual[1]
