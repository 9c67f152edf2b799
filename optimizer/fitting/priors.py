"""What is believed about a channel before its history is read, and how a planner edits it.

Beliefs are Gaussian on a transformed scale: the log of ROAS at mean spend, of half-saturation in
multiples of mean spend, of slope and of delay in weeks; the logit of retention per week and of a
power curve's exponent. All channels' ROAS share
one more term, for media that earns more or less than usual as a whole. docs/priors.md explains.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.errors import DocumentError, Fault, nearest
from optimizer.fitting.structure import USUAL, Structure
from optimizer.geography import with_repeats_divided
from optimizer.history import History, Layout

FloatArray = npt.NDArray[np.float64]
ChannelPriors = dict[str, dict[str, tuple[float, float]]]

#: Standard deviation of the log of what all channels' ROAS have in common.
SHARED_ROAS_SD = 0.7

#: Parameter -> (median, sd of the log); retention per week and exponent -> (mean, sd of the logit);
#: delay in weeks.
DEFAULTS: dict[Layout, dict[str, tuple[float, float]]] = {
    "attributed": {
        "roas": (1.5, 0.6),
        "half_saturation": (float(np.exp(0.3)), 1.1),
        "slope": (float(np.exp(0.1)), 0.45),
        "exponent": (0.0, 1.0),
    },
    "aggregate": {
        "roas": (1.5, 0.7),
        "half_saturation": (float(np.exp(0.3)), 0.7),
        "slope": (float(np.exp(0.1)), 0.35),
        "exponent": (0.0, 1.0),
        "retention": (-0.4, 1.0),
        "delay": (1.0, 0.7),
    },
}

#: Retention where the effect peaks late: what is kept one week off the peak.
PEAKED_RETENTION = (0.8, 1.0)

#: Where a coordinate that its family does not read is held: the log of 1.
UNREAD = (1.0, 1e-3)

#: Parameters believed on the scale of their logit; the others on that of their logarithm.
ON_LOGIT = ("retention", "exponent")

#: Share of revenue media explains where spend is not in the revenue's currency.
ASSUMED_MEDIA_SHARE = {"attributed": 1.0, "aggregate": 0.3}

#: The usual ROAS explaining a share of revenue outside this range: spend is in another unit.
PLAUSIBLE_MEDIA_SHARE = (0.001, 3.0)


#: Beyond these spreads a belief says nothing, or leaves the history no say and numbers no room.
SPREADS = (1e-4, 5.0)

#: Parameter -> the range of centres that can be meant: a factor, weeks, or a logit.
CENTRES = {
    "roas": (1e-9, 1e9),
    "half_saturation": (1e-3, 1e3),
    "slope": (0.05, 20.0),
    "exponent": (-10.0, 10.0),
    "retention": (-10.0, 10.0),
    "delay": (0.01, 12.0),
}


@dataclass(frozen=True, slots=True)
class Prior:
    """A Gaussian belief about a vector of parameters."""

    mean: FloatArray  # (n_parameters,)
    covariance: FloatArray  # (n_parameters, n_parameters)
    precision: FloatArray  # its inverse

    @classmethod
    def of(cls, mean: FloatArray, covariance: FloatArray) -> Prior:
        """The prior with this mean and covariance."""
        return cls(mean, covariance, np.asarray(np.linalg.inv(covariance), np.float64))

    @property
    def sd(self) -> FloatArray:
        """Standard deviations, (n_parameters,)."""
        return np.sqrt(np.diag(self.covariance))

    def penalty(self, parameters: FloatArray) -> FloatArray:
        """Squared distance from the mean in prior units, one per row of parameters."""
        away = parameters - self.mean
        return np.asarray(((away @ self.precision) * away).sum(axis=-1))


@dataclass(frozen=True, slots=True)
class Beliefs:
    """The priors of every channel of a history, as documents show them."""

    by_channel: ChannelPriors
    shared_roas_sd: dict[str, float]  # zero where the planner stated a ROAS
    same_currency: bool  # False: the ROAS prior was centred on a share of revenue instead
    structure: Structure = USUAL

    @property
    def stated_roas(self) -> dict[str, tuple[float, float]]:
        """Median and sd of the log of every ROAS the planner stated."""
        return {c: self.by_channel[c]["roas"] for c, sd in self.shared_roas_sd.items() if sd == 0.0}


def channel_priors(
    history: History,
    edits: Mapping[str, Mapping[str, tuple[float, float]]] | None,
    structure: Structure = USUAL,
) -> Beliefs:
    """The default priors of a history's channels with the planner's edits laid over them.

    Raises
    ------
    DocumentError
        An edit names an unknown channel or parameter, or is no pair of sensible numbers.
    """
    edits = edits or {}
    known = structure.parameters(history.layout)
    faults = edit_faults(edits, history.channels, history.layout, known)
    if faults:
        raise DocumentError("fit's priors", faults)
    defaults = {name: DEFAULTS[history.layout][name] for name in known}
    if structure.carryover == "peaked":
        defaults["retention"] = PEAKED_RETENTION
    factor = _currency_factor(history, defaults["roas"][0])
    defaults["roas"] = (defaults["roas"][0] * factor, defaults["roas"][1])
    stated = {channel: dict(edits.get(channel, {})) for channel in history.channels}
    by_channel = {
        channel: {
            name: (float(pair[0]), float(pair[1])) for name, pair in {**defaults, **own}.items()
        }
        for channel, own in stated.items()
    }
    shared = {c: 0.0 if "roas" in own else SHARED_ROAS_SD for c, own in stated.items()}
    return Beliefs(by_channel, shared, same_currency=factor == 1.0, structure=structure)


def edit_faults(
    edits: Mapping[str, Mapping[str, tuple[float, float]]],
    channels: tuple[str, ...],
    layout: Layout,
    known: tuple[str, ...],
) -> tuple[Fault, ...]:
    """Everything wrong with a planner's edits of known parameters, each with where it stands."""
    faults = []
    for channel, own in edits.items():
        if channel not in channels:
            hint = nearest(channel, channels)
            faults.append(Fault(f"/{channel}", f'no channel "{channel}" in the history; {hint}'))
            continue
        for name, pair in own.items():
            message = _pair_fault(name, pair, layout, known)
            if message:
                faults.append(Fault(f"/{channel}/{name}", message))
    return tuple(faults)


def _pair_fault(
    name: str, pair: tuple[float, float], layout: Layout, known: tuple[str, ...]
) -> str | None:
    """What is wrong with one edit, if anything."""
    if name == "retention" and layout == "attributed":
        return "attributed curves have no carryover, so there is no retention to believe in"
    if name not in known and name in CENTRES:
        return f"is of another curve or carryover than the fit's, which reads {', '.join(known)}"
    if name not in known:
        return f'no parameter "{name}"; {nearest(name, known)}'
    if len(pair) != 2 or not all(np.isfinite(number) for number in pair):
        return "give two numbers: the centre and its standard deviation"
    if pair[1] <= 0 or (name not in ON_LOGIT and pair[0] <= 0):
        return "the standard deviation, and a median, must be above zero"
    return _range_fault(name, *pair)


def _range_fault(name: str, centre: float, sd: float) -> str | None:
    """What is wrong with a belief that is a pair of numbers but can hardly be meant."""
    least, most = SPREADS
    if sd > most:
        scale = "logit" if name in ON_LOGIT else "logarithm"
        return (
            f"a standard deviation of {sd:g} says nothing: it is of the {scale}, where 0.1 is "
            f"sure and 1 is vague; give {most:g} at most"
        )
    if sd < least:
        return f"a standard deviation of {sd:g} leaves no doubt at all; give {least:g} at least"
    low, high = CENTRES[name]
    if not low <= centre <= high:
        return f"a centre of {centre:g} can hardly be meant; give one from {low:g} to {high:g}"
    return None


def _currency_factor(history: History, usual_roas: float) -> float:
    """What the usual ROAS is multiplied by: 1 where spend is in the revenue's currency."""
    spend = float(with_repeats_divided(history).spend.sum())
    revenue = float(history.revenue.sum())
    share = usual_roas * spend / revenue
    low, high = PLAUSIBLE_MEDIA_SHARE
    if low <= share <= high:
        return 1.0
    return ASSUMED_MEDIA_SHARE[history.layout] / share


def shape_prior(
    beliefs: Beliefs, channels: tuple[str, ...], log_scale: FloatArray, names: tuple[str, ...]
) -> Prior:
    """The prior of the fitted coordinates, channel after channel.

    Parameters
    ----------
    log_scale : ndarray of shape (n_channels,)
        Log of mean spend over the unit of revenue: turns log ROAS into the log of the effect.
    names : tuple of str
        The coordinates of one channel in their order, ``roas`` first.
    """
    pairs = np.array(
        [[beliefs.by_channel[c].get(name, UNREAD) for name in names] for c in channels]
    )
    centres = pairs[..., 0].copy()
    on_log_scale = [i for i, name in enumerate(names) if name not in ON_LOGIT]
    centres[:, on_log_scale] = np.log(centres[:, on_log_scale])
    centres[:, 0] += log_scale
    covariance = np.diag(pairs[..., 1].ravel() ** 2)
    shared = np.zeros(centres.shape)
    shared[:, 0] = [beliefs.shared_roas_sd[c] for c in channels]
    covariance += np.outer(shared.ravel(), shared.ravel())
    return Prior.of(centres.ravel(), covariance)


def with_independent(prior: Prior, mean: FloatArray, sd: FloatArray) -> Prior:
    """The prior with further, independent parameters behind it."""
    size, more = prior.mean.size, mean.size
    covariance = np.zeros((size + more, size + more))
    covariance[:size, :size] = prior.covariance
    covariance[range(size, size + more), range(size, size + more)] = sd**2
    return Prior.of(np.concatenate([prior.mean, mean]), covariance)
