r"""From attributed revenue to incremental revenue: a factor per channel, with its doubt.

A planner who has tested a channel states the mean and the standard deviation of the share of its
attributed revenue that would not have come without the spend. The factor is log-normal with just
that mean and standard deviation: it stays above 0, may exceed 1 (platforms miss revenue too), and
multiplies the curve as other doubts about its height do,

.. math:: \log q \sim N(\log m - v / 2, v), \quad v = \log(1 + s^2 / m^2).

One factor serves a channel in all its markets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from optimizer.errors import DocumentError, Fault, nearest
from optimizer.heights import raised
from optimizer.history import History
from optimizer.model import Diagnostic, ModelChannel

FloatArray = npt.NDArray[np.float64]

#: Channel -> mean and standard deviation of the factor.
Factors = Mapping[str, tuple[float, float]]

#: A larger mean is a percentage; a larger spread, against the mean, says nothing.
LARGEST_MEAN, LARGEST_SPREAD = 10.0, 5.0


def refuse_factors(history: History, factors: Factors) -> None:
    """Refuse factors that cannot be meant.

    Raises
    ------
    DocumentError
        The history's revenue is incremental already, or a factor names an unknown channel or is
        no pair of sensible numbers.
    """
    faults = tuple(_faults(history, factors))
    if faults:
        raise DocumentError("fit's incrementality", faults)


def _faults(history: History, factors: Factors) -> Iterator[Fault]:
    if factors and history.layout == "aggregate":
        text = (
            "the curves of an aggregate history are incremental already: take the key out, or "
            "state what you know of a return under fit.priors"
        )
        yield Fault("", text)
        return
    for channel, pair in factors.items():
        wrong = _fault_of(pair)
        if channel not in history.channels:
            hint = nearest(channel, history.channels)
            wrong = f'no channel "{channel}" in the history; {hint}'
        if wrong:
            yield Fault(f"/{channel}", wrong)


def _fault_of(pair: tuple[float, float]) -> str | None:
    """What is wrong with one factor, if anything."""
    if len(pair) != 2 or not all(np.isfinite(number) for number in pair):
        return "give two numbers: the mean of the factor and its standard deviation"
    mean, sd = pair
    if mean <= 0 or sd <= 0:
        return "the mean and the standard deviation of a factor must be above 0"
    if mean > LARGEST_MEAN:
        return f"a factor of {mean:g} can hardly be meant: 0.7 says that 70 % are incremental"
    if sd > LARGEST_SPREAD * mean:
        return (
            f"a standard deviation of {sd:g} says nothing about a factor of {mean:g}; "
            "leave the channel out instead"
        )
    return None


def incremental(
    channels: list[ModelChannel], factors: Factors, draws: int, rng: np.random.Generator
) -> list[ModelChannel]:
    """Curves of attributed revenue times the factors of their channels.

    Parameters
    ----------
    channels : list of ModelChannel
        Each with as many draws as stated.
    factors : mapping of channel to (mean, sd)
    draws : int
        0: the curve is the most plausible one, and is multiplied by the factor's mean.
    rng : Generator
        Of the order in which factors meet curves.
    """
    drawn = {
        name: factor_draws(*pair, draws, rng) if draws else np.array([pair[0]])
        for name, pair in sorted(factors.items())
    }
    return [
        entry.model_copy(
            update={
                "curve": raised(entry.curve, drawn[entry.channel]),
                "incrementality": factors[entry.channel],
            }
        )
        if entry.channel in factors
        else entry
        for entry in channels
    ]


def factor_draws(mean: float, sd: float, count: int, rng: np.random.Generator) -> FloatArray:
    """Equally likely factors (count,): the quantiles of the log-normal, in random order."""
    variance = np.log1p((sd / mean) ** 2)
    standard = ndtri((rng.permutation(count) + 0.5) / count)
    return np.asarray(np.exp(np.log(mean) - variance / 2 + np.sqrt(variance) * standard))


def about_increments(channels: tuple[str, ...], factors: Factors) -> list[Diagnostic]:
    """Which curves are of incremental revenue, and which of revenue as it was attributed."""
    stated = [name for name in channels if name in factors]
    rest = [name for name in channels if name not in factors]
    found = [
        Diagnostic(
            code="incremental",
            channel=name,
            value=factors[name][0],
            message=f"{name}'s curve is of incremental revenue: what was attributed to it, times "
            f"the factor you stated ({factors[name][0]:g}, give or take {factors[name][1]:g}).",
        )
        for name in stated
    ]
    if rest:
        found.append(
            Diagnostic(code="not_incremental", severity="warning", message=_words(rest, stated))
        )
    return found


def _words(rest: list[str], stated: list[str]) -> str:
    """What a planner may conclude about channels whose revenue is as it was attributed."""
    if not stated:
        return (
            "Attributed revenue is not incremental: part of it would have come "
            "without the spend. Test the largest channels before moving much money."
        )
    return (
        f"The revenue of {_listed(rest)} is as it was attributed, not incremental; that of "
        f"{_listed(stated)} is made incremental. Money moved between the two kinds compares "
        "unlike things: state fit.incrementality for the rest, or test them."
    )


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
