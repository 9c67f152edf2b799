"""What money buys under a scenario: moved prices, new channels, customers of doubtful worth.

A *cost index* c makes the same delivery cost c times as much as in the history: the response to
spend x becomes f(x / c). A *newcomer* borrows a channel's curve, times a scale, with its doubt
doubled: at the donor's usual spend the log of every draw lies twice as far from their geometric
mean, and the mean response there is kept. Where customers are counted, every curve carries the
doubt of their worth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from optimizer.customer_values import customers_of, doubts
from optimizer.heights import plain, raised
from optimizer.model import Curve, Model, ModelChannel
from optimizer.recent import Recent
from optimizer.scenario import Scenario

FloatArray = npt.NDArray[np.float64]
MODELS_KEPT = 4
DOUBT = 2.0  # how many times the donor's a newcomer's doubt is, in the log of the response

#: family -> parameter -> exponent of the cost index that it is multiplied by
FOLLOW_PRICES: dict[str, dict[str, float]] = {
    "hill": {"half_saturation": 1.0},
    "exponential": {"rate": -1.0},
    "log": {"rate": -1.0},
    "logistic": {"rate": -1.0},
    "table": {"spend": 1.0},
}


def newcomers(scenario: Scenario) -> dict[str, str]:
    """Channel -> the channel whose curve it borrows."""
    stated = ((name, rules.like) for name, rules in scenario.channels.items())
    return {name: donor for name, donor in stated if donor is not None}


def delivered(model: Model, scenario: Scenario) -> Model:
    """The model at the scenario's prices, newcomers added; itself where nothing changes.

    The models last made are kept with the one they were made from, so that another budget finds
    their tables again. Names are taken as checked.
    """
    index = scenario.cost_index or {}
    borrowed = {
        name: (donor, scenario.channels[name].scale or 1.0)
        for name, donor in newcomers(scenario).items()
    }
    doubt = doubts(model, scenario, (*model.names, *borrowed))
    if not index and not borrowed and not doubt:
        return model
    customers = customers_of(scenario) if doubt else None
    worth = customers.content_hash if customers else ""
    key = (tuple(sorted(index.items())), tuple(borrowed.items()), worth)
    kept: Recent[Model] = model.__dict__.setdefault("_delivered", Recent(MODELS_KEPT))
    return kept.get(key, lambda: _made(model, index, borrowed, doubt))


def _made(
    model: Model,
    index: Mapping[str, float],
    borrowed: Mapping[str, tuple[str, float]],
    doubt: Mapping[str, FloatArray],
) -> Model:
    entries = [*model.channels, *_newcomers(model, borrowed)]
    channels = [
        _doubted_worth(_repriced(entry, index.get(entry.channel, 1.0)), doubt.get(entry.channel))
        for entry in entries
    ]
    return Model.model_construct(
        currency=model.currency,
        period=model.period,
        counts=model.counts,
        channels=channels,
        fit=model.fit,
    )


def _repriced(entry: ModelChannel, index: float) -> ModelChannel:
    """A channel whose delivery costs ``index`` times as much; its past in today's prices."""
    if index == 1.0:
        return entry
    recent = entry.recent_spend
    changes = {
        "curve": _with_prices(entry.curve, index),
        "history_spend_per_period": _times(entry.history_spend_per_period, index),
        "history_largest_spend": _times(entry.history_largest_spend, index),
        "recent_spend": None if recent is None else [money * index for money in recent],
    }
    return entry.model_copy(update=changes)


def _with_prices(curve: Curve, index: float) -> Curve:
    """The curve f(x / index)."""
    if curve.family == "power":  # the scale stands for index^-exponent, draw by draw
        factor = index ** -np.atleast_1d(np.asarray(curve.exponent, dtype=float))
        return curve.model_copy(update={"scale": plain(np.asarray(curve.scale) * factor)})
    changes = {
        name: plain(np.asarray(getattr(curve, name)) * index**exponent)
        for name, exponent in FOLLOW_PRICES[curve.family].items()
    }
    return curve.model_copy(update=changes)


def _doubted_worth(entry: ModelChannel, doubt: FloatArray | None) -> ModelChannel:
    """A channel whose draws carry the doubt (N,) of what its customers are worth."""
    if doubt is None:
        return entry
    return entry.model_copy(update={"curve": raised(entry.curve, doubt)})


def _newcomers(model: Model, borrowed: Mapping[str, tuple[str, float]]) -> Iterator[ModelChannel]:
    for name, (donor, scale) in borrowed.items():
        for place, entry in enumerate(model.channels):
            if entry.channel == donor:
                yield ModelChannel.model_construct(
                    channel=name,
                    market=entry.market,
                    history_spend_per_period=0.0,
                    history_largest_spend=None,
                    recent_spend=None,
                    curve=raised(entry.curve, scale * _doubted(model, place)),
                    carryover=entry.carryover,
                    incrementality=entry.incrementality,
                )


def _doubted(model: Model, place: int) -> FloatArray:
    """Factors (N,) that double the doubt of a cell's response at its usual spend."""
    spend = np.array([entry.history_spend_per_period or 0.0 for entry in model.channels])
    positive = spend[spend > 0.0]
    spend[place] = spend[place] or (float(positive.mean()) if positive.size else 1.0)
    response = model.response(spend)[:, place]
    if response.min() <= 0.0:
        return np.ones(response.size)
    logs = np.log(response)
    wider = np.exp((DOUBT - 1.0) * (logs - logs.mean()))
    return np.asarray(wider * (response.mean() / (response * wider).mean()))


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
