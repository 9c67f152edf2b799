"""Four alike channels with unlike spends, for tests of limits that cannot all hold."""

from __future__ import annotations

from optimizer import Model

SPENDS = {"tv": 400.0, "search": 300.0, "print": 200.0, "radio": 100.0}  # currency per week


def four_channels() -> Model:
    """One concave curve each."""
    curve = {"family": "hill", "ceiling": 900.0, "half_saturation": 400.0, "slope": 1.0}
    rows = [
        {"channel": name, "history_spend_per_period": spend, "curve": curve}
        for name, spend in SPENDS.items()
    ]
    return Model.from_dict({"channels": rows})
