"""What a view of a model tells: curves in figures, what the fit says of itself, forecasts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from api.serving import rows
from api.serving.desk import Desk
from api.store.keys import Caller

if TYPE_CHECKING:
    from optimizer import Diagnostic, Model

MOST_CURVES = 24
MOST_ROWS = 300
ALTOGETHER = ("r_squared", "holdout_error", "naive_forecasts")
FIRST = ("structure", "structure_chosen", "incremental", *ALTOGETHER, "lift_test", "calibrated")

FloatArray = npt.NDArray[np.float64]


def returns_of(model: Model) -> list[dict[str, Any]]:
    """A row for each curve, the largest spend first.

    Returns
    -------
    list of dict
        ``channel``, ``market``; ``spend``: currency per period, the last year's mean; ``roas``,
        ``low`` and ``high``: revenue per unit of spend there, mean and 90 %; ``learned``: the share
        of the doubt about it that the history took away; ``half``: spend that earns half of the
        most, currency per period. None where it is not known.
    """
    spend = np.array([entry.history_spend_per_period or 0.0 for entry in model.channels])
    response, learned = model.response(spend), _learned(model)
    found = []
    for i in np.argsort(-spend, kind="stable")[:MOST_ROWS]:
        entry = model.channels[i]
        roas = response[:, i] / spend[i] if spend[i] > 0.0 else np.array([math.nan])
        low, high = np.quantile(roas, (0.05, 0.95))
        half = float(np.mean(getattr(entry.curve, "half_saturation", math.nan)))
        found.append(
            {
                "channel": entry.channel,
                "market": entry.market,
                "spend": float(spend[i]) or None,
                "roas": finite(roas.mean()),
                "low": finite(low) if roas.size > 1 else None,
                "high": finite(high) if roas.size > 1 else None,
                "learned": learned.get((entry.channel, entry.market)),
                "half": finite(half),
            }
        )
    return found


def curves_of(model: Model) -> list[dict[str, Any]]:
    """The curves of the largest cells per period, within the history's range and a little beyond.

    Each as a chart of a curve takes it: ``spend``, ``mean``, ``p05`` and ``p95`` (or None), ``now``
    as (spend, revenue), ``seen``: the largest spend of the history; currency per period.
    """
    import optimizer

    largest = sorted(model.channels, key=lambda one: -(one.history_spend_per_period or 0.0))
    cells = {(one.channel, one.market): one for one in largest[:MOST_CURVES]}
    asked = {cell: _span(one) for cell, one in cells.items()}
    drawn = {
        (curve.channel, curve.market): curve
        for curve in optimizer.curve_points(model, asked, periods=1)
    }
    return [
        {
            "channel": cell[0],
            "market": cell[1],
            "spend": drawn[cell].spend.tolist(),
            "mean": drawn[cell].mean.tolist(),
            "p05": _listed(drawn[cell].p05),
            "p95": _listed(drawn[cell].p95),
            "now": [asked[cell][0], float(drawn[cell].marked[0])]
            if one.history_spend_per_period
            else None,
            "plan": None,
            "limits": None,
            "seen": one.history_largest_spend,
        }
        for cell, one in cells.items()
    ]


def quality_of(model: Model) -> dict[str, float | None]:
    """How well the fit explains and forecasts, shares of revenue; the mean of several fits."""
    told = model.fit.diagnostics if model.fit else ()
    values = {code: [one.value for one in told if one.code == code] for code in ALTOGETHER}
    return {
        code: _mean([one for one in known if one is not None]) for code, known in values.items()
    }


def said_of(model: Model) -> dict[str, list[dict[str, Any]]]:
    """What the fit says about itself: warnings, then what holds of the whole, then the rest."""
    told = model.fit.diagnostics if model.fit else ()
    warnings = [_as_data(one) for one in told if one.severity == "warning"]
    notes = [one for one in told if one.severity == "note" and one.code != "best_test"]
    return {
        "warnings": warnings,
        "first": [_as_data(one) for one in notes if one.code in FIRST],
        "rest": [_as_data(one) for one in notes if one.code not in FIRST],
        "tests": [_as_data(one) for one in told if one.code == "best_test"],
    }


def forecasts(desk: Desk, caller: Caller, identity: str) -> dict[str, Any] | None:
    """Revenue of all series together beside what the fit makes of it; None without a report.

    Returns
    -------
    dict
        ``dates`` (n_periods,); ``observed``, ``fitted`` (n_periods,) and ``forecast`` (n_periods,),
        None before the periods held out; currency per period. ``begins``: the first of those.
        ``errors``: name -> share of revenue missed, "" for the model's own; the mean of markets.
    """
    with desk.database.read() as connection:
        blob = rows.model_row(connection, caller.workspace, identity)["report"]
    if blob is None:
        return None
    return forecasts_of(json.loads(desk.blobs.get(blob)))


def forecasts_of(report: Mapping[str, Any]) -> dict[str, Any] | None:
    """The same from a FitReport document."""
    markets = report["markets"]
    dates = sorted({date for market in markets for date in market["dates"]})
    held = sorted({date for market in markets for date in market["backtest"]["dates"]})
    if not dates or not held:
        return None
    seen, fitted, ahead = (_Total(dates) for _ in range(3))
    errors: dict[str, list[float]] = {}
    for market in markets:
        back = market["backtest"]
        for series in market["series"]:
            seen.add(market["dates"], series["observed"])
            fitted.add(market["dates"], series["fitted"])
        for series in back["series"]:
            ahead.add(back["dates"], series["forecast"])
        for name, missed in {"": back.get("error"), **back["naive_errors"]}.items():
            errors.setdefault(name, []).extend([] if missed is None else [missed])
    return {
        "dates": dates,
        "observed": seen.values,
        "fitted": fitted.values,
        "forecast": ahead.values,
        "begins": held[0],
        "errors": {name: _mean(missed) for name, missed in errors.items()},
    }


class _Total:
    """Series added up by date; None where none has a value."""

    def __init__(self, dates: Sequence[str]) -> None:
        self.places = {date: place for place, date in enumerate(dates)}
        self.values: list[float | None] = [None] * len(dates)

    def add(self, dates: Sequence[str], values: Sequence[float]) -> None:
        """Add one series."""
        for date, value in zip(dates, values, strict=True):
            place = self.places[date]
            if math.isfinite(value):
                self.values[place] = round((self.values[place] or 0.0) + value, 2)


def finite(value: float | np.floating[Any] | None) -> float | None:
    """A number that JSON has, or None."""
    return float(value) if value is not None and np.isfinite(value) else None


def _learned(model: Model) -> dict[tuple[str | None, str | None], float]:
    """How much was learned of each cell's return; not of one whose spend never moved."""
    told = model.fit.diagnostics if model.fit else ()
    still = {(one.channel, one.market) for one in told if one.code == "constant_spend"}
    return {
        (one.channel, one.market): one.value
        for one in told
        if one.code == "learned_share"
        and one.value is not None
        and (one.channel, one.market) not in still
    }


def _span(entry: Any) -> tuple[float, float]:
    """The usual and the largest spend of a curve."""
    usual = entry.history_spend_per_period or 1.0
    return usual, entry.history_largest_spend or 2.0 * usual


def _as_data(one: Diagnostic) -> dict[str, Any]:
    return {"code": one.code, "market": one.market, "channel": one.channel, "message": one.message}


def _mean(values: Sequence[float]) -> float | None:
    return finite(sum(values) / len(values)) if values else None


def _listed(values: FloatArray | None) -> list[float] | None:
    return None if values is None else values.tolist()
