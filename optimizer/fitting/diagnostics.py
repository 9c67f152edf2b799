"""What a fit says about itself: as numbers, then in words a planner understands."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from optimizer.fitting import noise
from optimizer.fitting.backtest import Backtest, backtest
from optimizer.fitting.next_test import best_test
from optimizer.fitting.subject import TOGETHER, Subject
from optimizer.model import Diagnostic

FloatArray = npt.NDArray[np.float64]

BARELY_LEARNED = 0.2
STATED_TIGHTLY = 0.3  # sd of the log of a ROAS the planner is sure of
NOT_TOLD_APART = 0.8  # doubt about a ratio of returns after the history, over that before it
TWINS = 0.95  # correlation of spends that rise and fall as one ...
TWINS_TOLD_APART = 0.5  # ... unless the history says this much about their ratio all the same
KNOWN_RATIO = 0.3  # sd of the log of a ratio that is known well enough, however it came to be
NEARLY_CONSTANT = 0.1
HANGING_TOGETHER = 0.4
POOR_PICTURE = 0.7
MUCH_WORSE = 1.25  # the model's error over that of the best forecast without a model
MOST_PAIRS = 3  # that are named beside the closest
FLAT = 0.002  # sd, of mean revenue, under which there are no ups and downs to explain
SILENT = 0.01  # mean, of mean revenue, under which there is nothing to forecast


def diagnose(subject: Subject, rng: np.random.Generator) -> list[Diagnostic]:
    """Everything worth saying about one market's fit."""
    learn, tail = rng.spawn(2)
    found = [
        *_learned_shares(subject),
        *_close_pairs(subject),
        *_constant_spend(subject),
        *_residuals(subject),
        *_forecasts(subject),
        _starts(subject),
        _tail(subject, tail),
        *best_test(subject, learn),
    ]
    return [entry.model_copy(update={"market": subject.market}) for entry in found]


def _n_own(subject: Subject) -> int:
    """Parameters of one channel's curve."""
    problem = subject.posterior.mode.problem
    return int(problem.shapes(problem.prior.mean).shape[-1])


def roas_covariances(subject: Subject) -> tuple[FloatArray, FloatArray]:
    """Covariances of the logs of ROAS, each (n_channels, n_channels): prior, posterior."""
    posterior = subject.posterior
    places = np.arange(len(subject.channels)) * _n_own(subject)
    square = np.ix_(places, places)
    return (
        np.asarray(posterior.mode.problem.prior.covariance[square]),
        np.asarray(posterior.covariance[square]),
    )


def _learned_shares(subject: Subject) -> list[Diagnostic]:
    """How much narrower the history made the belief about each channel's ROAS."""
    before, after = (np.sqrt(np.diag(c)) for c in roas_covariances(subject))
    found = []
    for i, channel in enumerate(subject.channels):
        share = float(1 - after[i] / before[i])
        constant = bool(subject.variation[i] < NEARLY_CONSTANT)
        sure = channel in subject.stated and subject.stated[channel][1] <= STATED_TIGHTLY
        found.append(
            Diagnostic(
                code="learned_share",
                channel=channel,
                value=share,
                severity="warning" if share < BARELY_LEARNED and not sure else "note",
                message=_learned_words(subject, channel, share, constant=constant, sure=sure),
            )
        )
    return found


def _learned_words(
    subject: Subject, channel: str, share: float, *, constant: bool, sure: bool
) -> str:
    """What a learned share means, by what was believed and whether spend ever moved."""
    if share < BARELY_LEARNED and sure:
        median, sd = subject.stated[channel]
        return (
            f"The return on {channel} is the one you stated ({median:g}, give or take "
            f"{100 * np.expm1(sd):.2g}%): the history hardly adds to that."
        )
    if share < BARELY_LEARNED:
        return (
            f"The history hardly says what {channel} earns: moving its money rests mostly on "
            "what was believed before. Lock its spend, or test it first."
        )
    if constant and not isinstance(subject.posterior.mode.problem, TOGETHER):
        return (
            f"The return on {channel} is known at today's spend, but not what more or less "
            "would bring: its spend hardly changes."
        )
    if constant:
        return (
            f"What is known of the return on {channel} comes from the other channels and from "
            "revenue as a whole: its own spend hardly changes, so what more or less would "
            "bring is not known."
        )
    return f"The history took {share:.0%} of the doubt out of the return on {channel}."


def _close_pairs(subject: Subject) -> list[Diagnostic]:
    """The two channels whose returns are hardest to tell apart, and others that hardly are."""
    prior, posterior = roas_covariances(subject)
    if len(prior) < 2:
        return []
    before, after = ratio_doubts(prior), ratio_doubts(posterior)
    kept, wide = after / before, after > KNOWN_RATIO
    twins = _twins(subject) & wide & (kept > TWINS_TOLD_APART)
    close = twins | (wide & (kept > NOT_TOLD_APART))
    score = np.where(np.tri(len(kept), dtype=bool), -np.inf, kept + 2.0 * twins + wide)
    returns = posterior / np.sqrt(np.outer(np.diag(posterior), np.diag(posterior)))
    found: list[Diagnostic] = []
    for place in np.argsort(-score, axis=None)[: 1 + MOST_PAIRS]:
        i, j = divmod(int(place), len(kept))
        if i >= j or (found and not close[i, j]):
            break
        one, other = subject.channels[i], subject.channels[j]
        found.append(
            Diagnostic(
                code="close_pair" if found else "closest_pair",
                channel=one,
                other=other,
                value=float(returns[i, j]),
                severity="warning" if twins[i, j] or (close[i, j] and not found) else "note",
                message=_pair_words(one, other, twins=bool(twins[i, j]), close=bool(close[i, j])),
            )
        )
    return found


def ratio_doubts(covariance: FloatArray) -> FloatArray:
    """Standard deviation of the log of every ratio of two ROAS; 1 on the diagonal."""
    own = np.diag(covariance)
    variance = own[:, None] + own - 2 * covariance + np.eye(len(own))
    return np.sqrt(np.maximum(variance, 1e-300))


def _twins(subject: Subject) -> npt.NDArray[np.bool_]:
    """Pairs whose spends rise and fall as one, where only their joint revenue is seen."""
    count = len(subject.channels)
    if not isinstance(subject.posterior.mode.problem, TOGETHER):
        return np.zeros((count, count), dtype=bool)
    away = subject.spend / subject.spend.mean(axis=0) - 1
    length = np.sqrt((away**2).sum(axis=0))
    moving = length > 1e-6
    standard = np.where(moving, away, 0.0) / np.where(moving, length, 1.0)
    return np.asarray(standard.T @ standard > TWINS)


def _pair_words(one: str, other: str, *, twins: bool, close: bool) -> str:
    """What a planner may conclude about the closest pair."""
    if twins:
        return (
            f"Spends on {one} and {other} rise and fall together, so their returns cannot be "
            "told apart: only their sum is known. Move them together, or vary one alone."
        )
    if close:
        return (
            f"{one} and {other} are hard to tell apart: money moved between them rests on little."
        )
    return f"The closest pair, {one} and {other}, can be told apart."


def _constant_spend(subject: Subject) -> list[Diagnostic]:
    """Channels whose spend hardly moved, so that nothing can be seen from it."""
    return [
        Diagnostic(
            code="constant_spend",
            channel=channel,
            value=float(value),
            severity="warning",
            message=f"Spend on {channel} hardly changes, so its curve's shape is the prior's: "
            "vary it, or test it.",
        )
        for channel, value in zip(subject.channels, subject.variation, strict=True)
        if value < NEARLY_CONSTANT
    ]


def _residuals(subject: Subject) -> list[Diagnostic]:
    """How much of the revenue is explained, and whether what is left hangs together."""
    mode = subject.posterior.mode
    left, seen = mode.problem.residuals(mode.parameters), mode.problem.observed
    carried = float(noise.autocorrelation(left).mean())
    little = float(left.std(axis=0).max()) < FLAT
    hangs = carried > HANGING_TOGETHER and not little
    words = "What is left unexplained looks like noise from period to period."
    if little:
        words = "Next to nothing of revenue is left unexplained."
    elif hangs:
        words = (
            "What is left unexplained hangs together from period to period: "
            "something that moves revenue is missing. Add it as a control."
        )
    return [
        _explained(left, seen),
        Diagnostic(
            code="residual_autocorrelation",
            value=carried,
            severity="warning" if hangs else "note",
            message=words,
        ),
    ]


def _explained(left: FloatArray, seen: FloatArray) -> Diagnostic:
    """The share of revenue's variance that is explained, where revenue varies at all."""
    if float(seen.std(axis=0).max()) < FLAT:
        return Diagnostic(
            code="r_squared",
            severity="warning",
            message="Revenue hardly changes, so it cannot be judged how well the model explains "
            "it. Check which column holds the revenue.",
        )
    explained = float(1 - left.var(axis=0).sum() / seen.var(axis=0).sum())
    return Diagnostic(
        code="r_squared",
        value=explained,
        message=f"The model explains {max(explained, 0.0):.0%} of the ups and downs of revenue.",
    )


def _forecasts(subject: Subject) -> list[Diagnostic]:
    """Error of forecasts of the last fifth, each block by curves refitted to what was before it.

    Scaling, noise and the search's starts come from the whole history.
    """
    rolled = backtest(subject.posterior.mode, subject.periods_per_year)
    usual = float(np.abs(subject.posterior.mode.problem.observed).mean())
    if float(np.abs(rolled.observed).mean()) < SILENT * usual:
        return [
            Diagnostic(
                code="holdout_error",
                severity="warning",
                message="The last fifth of the history has next to no revenue, so it cannot be "
                "judged how well forecasts meet it.",
            )
        ]
    error = rolled.error(rolled.forecast)
    held = Diagnostic(
        code="holdout_error",
        value=error,
        message="Forecasts of the last fifth of the history, by curves refitted without it, "
        f"missed revenue by {error:.1%} on average.",
    )
    return [held, _against_naive(rolled, error)]


def _against_naive(rolled: Backtest, error: float) -> Diagnostic:
    """The same error beside those of forecasts that know nothing of spend."""
    errors = {name: rolled.error(forecast) for name, forecast in rolled.naive.items()}
    best = min(errors, key=lambda name: errors[name])
    listed = ", ".join(f"{name} {missed:.1%}" for name, missed in errors.items())
    worse = error > MUCH_WORSE * errors[best]
    message = f"Without a model, forecasts of it would have missed by: {listed}."
    if worse:
        message = (
            f"{best[:1].upper()}{best[1:]} forecast the end of the history better than the model "
            f"({errors[best]:.1%} against {error:.1%}): something that moves revenue is missing. "
            "Add it as a control, and test before moving much money."
        )
    return Diagnostic(
        code="naive_forecasts",
        value=errors[best],
        severity="warning" if worse else "note",
        message=message,
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
