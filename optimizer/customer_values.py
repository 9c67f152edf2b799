r"""What a unit of response is worth where customers are what a plan earns: their value, its doubt.

Curves count new customers, each worth v, or the revenue of first orders, a unit of which is worth
v / first order. The doubt of v multiplies the curves' draws, jointly over the channels: draw i of
a curve becomes :math:`f_i \, v_i / \bar v`. A channel without a segment has the worth of all
customers.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from optimizer.customers.document import Customers, Segment
from optimizer.model import Model
from optimizer.scenario import Scenario

FloatArray = npt.NDArray[np.float64]


def customers_of(scenario: Scenario) -> Customers | None:
    """The document whose values the objective reads; None where it reads none."""
    document = scenario.customers
    counts = scenario.objective == "customer_value"
    return document if counts and isinstance(document, Customers) else None


def segment_of(customers: Customers, channel: str) -> Segment:
    """The customers a channel brings: its own segment's, or all of them."""
    return next((row for row in customers.segments if row.segment == channel), customers.whole)


def unit_values(model: Model, scenario: Scenario, channels: Iterable[str]) -> FloatArray:
    """What a unit of response of each channel is worth (n,), currency."""
    customers = customers_of(scenario)
    if customers is None:
        stated = scenario.values or {}
        return np.array([stated.get(name) or 1.0 for name in channels])
    names = tuple(channels)
    value = np.array([segment_of(customers, name).value.mean for name in names])
    return value * customers_per_response(model, scenario, names)


def customers_per_response(model: Model, scenario: Scenario, channels: Iterable[str]) -> FloatArray:
    """New customers in a unit of response of each channel (n,).

    Curves of revenue count 1 / first order where the customers' document tells it; without one,
    the curves are taken to count customers.
    """
    names, customers = tuple(channels), customers_of(scenario)
    if customers is None or model.counts == "customers":
        return np.ones(len(names))
    return np.array([1.0 / segment_of(customers, name).first_order for name in names])


def doubts(model: Model, scenario: Scenario, channels: Iterable[str]) -> dict[str, FloatArray]:
    """Channel -> v_i / mean v, a factor (N,) for every draw; empty where the values are certain.

    N is the model's number of draws, or the document's where the model has none; the document's
    draws are used again from the first where the model has more.
    """
    customers = customers_of(scenario)
    if customers is None:
        return {}
    drawn = {name: np.array(segment_of(customers, name).draws) for name in channels}
    if all(np.ptp(values) == 0.0 for values in drawn.values()):
        return {}
    longest = max(values.size for values in drawn.values())
    size = model.n_draws if model.n_draws > 1 else longest
    used = {name: np.resize(values, size) for name, values in drawn.items()}
    return {name: values / values.mean() for name, values in used.items()}
