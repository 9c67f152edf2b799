"""What a fit says about itself: as numbers, then in words a planner understands."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from optimizer.fitting import noise
from optimizer.fitting.mode import descend
from optimizer.fitting.posterior import Posterior
from optimizer.fitting.response import response
from optimizer.model import Diagnostic

FloatArray = npt.NDArray[np.float64]

BARELY_LEARNED = 0.2
PAIRED = 0.5
NEARLY_CONSTANT = 0.1
HANGING_TOGETHER = 0.4
POOR_PICTURE = 0.7
HELD_OUT = (0.8, 0.87, 0.94, 1.0)  # shares of the history where rolling blocks begin and end
TEST_SIZES = (0.0, 0.5, 1.5, 2.0)  # multiples of mean spend
TEST_WEEKS = (2, 4, 6, 8)
CLEAR_LIFT = 2.0  # standard errors a test should be able to show


@dataclass(frozen=True)
class Subject:
    """A fitted market as its diagnostics see it."""

    posterior: Posterior  # type: ignore[type-arg]
    channels: tuple[str, ...]
    market: str | None
    spend: FloatArray  # (n_periods, n_channels), currency per period
    units: FloatArray  # (n_channels,), currency per unit of fitted revenue
    weeks: float  # in one period


def diagnose(subject: Subject, rng: np.random.Generator) -> list[Diagnostic]:
    """Everything worth saying about one market's fit."""
    learn, tail = rng.spawn(2)
    found = [
        *_learned_shares(subject),
        *_closest_pair(subject),
        *_constant_spend(subject),
        *_residuals(subject),
        _holdout(subject),
        _starts(subject),
        _tail(subject, tail),
        *_best_test(subject, learn),
    ]
    return [entry.model_copy(update={"market": subject.market}) for entry in found]


def _n_own(subject: Subject) -> int:
    """Parameters of one channel's curve."""
    problem = subject.posterior.mode.problem
    return int(problem.shapes(problem.prior.mean).shape[-1])


def _roas_covariance(subject: Subject) -> FloatArray:
    """Posterior covariance of the logs of ROAS, (n_channels, n_channels)."""
    step, n_channels = _n_own(subject), len(subject.channels)
    places = np.arange(n_channels) * step
    return np.asarray(subject.posterior.covariance[np.ix_(places, places)])


def _learned_shares(subject: Subject) -> list[Diagnostic]:
    """How much narrower the history made the belief about each channel's ROAS."""
    after = np.sqrt(np.diag(_roas_covariance(subject)))
    before = subject.posterior.mode.problem.prior.sd[:: _n_own(subject)][: len(after)]
    found = []
    for channel, share in zip(subject.channels, 1 - after / before, strict=True):
        poor = share < BARELY_LEARNED
        words = (
            f"The history hardly says what {channel} earns: moving its money rests mostly on "
            "what was believed before. Lock its spend, or test it first."
            if poor
            else f"The history took {share:.0%} of the doubt out of the return on {channel}."
        )
        found.append(
            Diagnostic(
                code="learned_share",
                channel=channel,
                value=float(share),
                severity="warning" if poor else "note",
                message=words,
            )
        )
    return found


def _closest_pair(subject: Subject) -> list[Diagnostic]:
    """The two channels whose returns are hardest to tell apart."""
    covariance = _roas_covariance(subject)
    if len(covariance) < 2:
        return []
    sd = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(sd, sd) - np.eye(len(sd))
    first, second = divmod(int(np.abs(correlation).argmax()), len(sd))
    value, one, other = (
        float(correlation[first, second]),
        subject.channels[first],
        subject.channels[second],
    )
    close = abs(value) > PAIRED
    words = (
        f"{one} and {other} are hard to tell apart: money moved between them rests on little."
        if close
        else f"The closest pair, {one} and {other}, can be told apart."
    )
    return [
        Diagnostic(
            code="closest_pair",
            channel=one,
            other=other,
            value=value,
            severity="warning" if close else "note",
            message=words,
        )
    ]


def _constant_spend(subject: Subject) -> list[Diagnostic]:
    """Channels whose spend hardly moved, so that nothing can be seen from it."""
    variation = subject.spend.std(axis=0) / subject.spend.mean(axis=0)
    return [
        Diagnostic(
            code="constant_spend",
            channel=channel,
            value=float(value),
            severity="warning",
            message=f"Spend on {channel} hardly changes, so its curve is the prior's: "
            "vary it, or test it.",
        )
        for channel, value in zip(subject.channels, variation, strict=True)
        if value < NEARLY_CONSTANT
    ]


def _residuals(subject: Subject) -> list[Diagnostic]:
    """How much of the revenue is explained, and whether what is left hangs together."""
    mode = subject.posterior.mode
    left, seen = mode.problem.residuals(mode.parameters), mode.problem.observed
    explained = 1 - float(left.var(axis=0).sum() / max(float(seen.var(axis=0).sum()), 1e-300))
    carried = float(noise.autocorrelation(left).mean())
    hangs = carried > HANGING_TOGETHER
    return [
        Diagnostic(
            code="r_squared",
            value=explained,
            message=f"The model explains {explained:.0%} of the ups and downs of revenue.",
        ),
        Diagnostic(
            code="residual_autocorrelation",
            value=carried,
            severity="warning" if hangs else "note",
            message="What is left unexplained hangs together from period to period: "
            "something that moves revenue is missing. Add it as a control."
            if hangs
            else "What is left unexplained looks like noise from period to period.",
        ),
    ]


def _holdout(subject: Subject) -> Diagnostic:
    """Error of forecasts of the last fifth, each block by a fit to the periods before it."""
    mode = subject.posterior.mode
    seen = mode.problem.observed
    edges = [round(share * len(seen)) for share in HELD_OUT]
    missed = 0.0
    for begin, end in pairwise(edges):
        trained = mode.problem.first(begin)
        parameters = descend(trained, mode.parameters)
        ahead = mode.problem.forecast(parameters, trained)[begin:end]
        missed += float(np.abs(ahead - seen[begin:end]).sum())
    error = missed / max(float(np.abs(seen[edges[0] :]).sum()), 1e-300)
    return Diagnostic(
        code="holdout_error",
        value=error,
        message=f"Forecasts of the last fifth of the history, each made without it, "
        f"missed revenue by {error:.1%} on average.",
    )


def _starts(subject: Subject) -> Diagnostic:
    """Whether the search found the same optimum from everywhere."""
    share = subject.posterior.mode.share_of_starts
    return Diagnostic(
        code="share_of_starts",
        value=share,
        severity="warning" if share < 0.5 else "note",
        message=f"{share:.0%} of the searches ended at the best curves found.",
    )


def _tail(subject: Subject, rng: np.random.Generator) -> Diagnostic:
    """Whether a Gaussian around the mode is a fair picture of the posterior."""
    value = subject.posterior.tail_index(rng)
    poor = value > POOR_PICTURE
    return Diagnostic(
        code="k_hat",
        value=value,
        severity="warning" if poor else "note",
        message="The true doubt is more lopsided than the bands show: read them as rough."
        if poor
        else "The bands are a fair picture of the doubt.",
    )


def _best_test(subject: Subject, rng: np.random.Generator) -> list[Diagnostic]:
    """The experiment after which most would be known about what a channel earns."""
    posterior = subject.posterior
    shapes = posterior.shapes(posterior.draws(200, rng))
    levels = np.array([1.0, *TEST_SIZES])[:, None] * np.ones(len(subject.channels))
    money = response(levels, shapes) * subject.units  # draw, level, channel
    doubt = (money[:, 1:] - money[:, :1]).std(axis=0)  # size, channel
    left = posterior.mode.problem.residuals(posterior.mode.parameters)
    per_period = left.std(axis=0) * subject.units * np.ones(len(subject.channels))
    periods = np.maximum(np.array(TEST_WEEKS) / subject.weeks, 1.0)
    error = per_period * np.sqrt(2 / periods)[:, None]  # weeks, channel
    variance = doubt[None] ** 2
    learned = variance / np.sqrt(variance + error[:, None] ** 2)  # weeks, size, channel
    size, channel = divmod(int(learned[-1].argmax()), len(subject.channels))
    clear = np.flatnonzero(doubt[size, channel] > CLEAR_LIFT * error[:, channel])
    weeks = TEST_WEEKS[int(clear[0]) if clear.size else -1]
    return [
        Diagnostic(
            code="best_test",
            channel=subject.channels[channel],
            value=float(TEST_SIZES[size]),
            message=f"The test that would teach most: {subject.channels[channel]} at "
            f"{TEST_SIZES[size]:g} times its mean spend for {weeks} weeks.",
        )
    ]
