"""From impressions to customers: what each channel's spend of the last year bought, as ratios.

A ratio is there where the history counts both its ends; what nobody counted is left out.
"""

from __future__ import annotations

import numpy as np

from optimizer.customers.document import ChannelFigures, Customers
from optimizer.history import FloatArray, History


def funnel(history: History, customers: Customers | None = None) -> tuple[ChannelFigures, ...]:
    """Each channel's counts and ratios over the history's last year, all markets together.

    Parameters
    ----------
    history : History
    customers : Customers, optional
        What a new customer is worth: tells LTV/CAC of the channels that are its segments.

    Returns
    -------
    tuple of ChannelFigures, one per channel; empty where the history counts nothing but money
    """
    if not history.measures:
        return ()
    last = round(history.spacing.periods_per_year)

    def total(values: FloatArray) -> FloatArray:
        return np.asarray(values[:, -last:].sum(axis=(0, 1)))

    spend, revenue = total(history.spend), total(history.revenue)
    counts = {measure.name: total(measure.counts) for measure in history.measures}
    worth = {row.segment: row.value.mean for row in customers.segments} if customers else {}
    return tuple(
        _figures(
            channel,
            float(spend[place]),
            float(revenue[place]),
            {name: float(of[place]) or None for name, of in counts.items()},
            worth.get(channel),
        )
        for place, channel in enumerate(history.channels)
    )


def _figures(
    channel: str,
    spend: float,
    revenue: float,
    counts: dict[str, float | None],
    worth: float | None,
) -> ChannelFigures:
    orders, customers = counts.get("orders"), counts.get("customers")
    cac = _ratio(spend, customers)
    return ChannelFigures(
        channel=channel,
        spend=spend,
        **counts,
        click_through_rate=_ratio(counts.get("clicks"), counts.get("impressions")),
        conversion_rate=_ratio(orders or customers, counts.get("clicks")),
        order_value=_ratio(revenue, orders),
        cac=cac,
        ltv_to_cac=_ratio(worth, cac),
    )


def _ratio(part: float | None, whole: float | None) -> float | None:
    """A ratio; None where either end was not counted."""
    return None if part is None or not whole else part / whole
