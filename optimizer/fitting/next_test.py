"""Which experiment would teach most about what a channel earns, as far as a fit alone can say."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from optimizer.fitting.response import response
from optimizer.fitting.subject import TOGETHER, Subject
from optimizer.model import Diagnostic

FloatArray = npt.NDArray[np.float64]

TEST_SIZES = (0.0, 0.5, 1.5, 2.0)  # multiples of mean spend
TEST_LENGTHS = {"week": (2, 4, 6, 8), "month": (1, 2, 3)}
CLEAR_LIFT = 2.0  # standard errors a test should be able to show


def best_test(subject: Subject, rng: np.random.Generator) -> list[Diagnostic]:
    """The experiment after which most would be known about what a channel earns."""
    unit, lengths, periods = _test_lengths(subject)
    doubt, error = _test_doubt(subject, rng), _test_error(subject, periods)
    shown = doubt * _shown(subject, periods)[:, None]  # length, size, channel
    noisy = np.sqrt(shown**2 + error[:, None] ** 2)
    learned = doubt * shown / np.maximum(noisy, 1e-300)
    size, place = divmod(int(learned[-1].argmax()), len(subject.channels))
    clear = np.flatnonzero(shown[:, size, place] > CLEAR_LIFT * error[:, place])
    channel = subject.channels[place]
    if not clear.size:
        message = (
            f"The channel with most to learn is {channel}, but no affordable test shows it: "
            f"{lengths[-1]} {unit}s at {TEST_SIZES[size]:g} times its mean spend would drown "
            "in the noise."
        )
        return [Diagnostic(code="best_test", channel=channel, message=message)]
    length = lengths[int(clear[0])]
    return [
        Diagnostic(
            code="best_test",
            channel=channel,
            value=float(TEST_SIZES[size]),
            message=f"The test that would teach most: {channel} at {TEST_SIZES[size]:g} times "
            f"its mean spend for {length} {unit}{'s' if length > 1 else ''}.",
        )
    ]


def _test_lengths(subject: Subject) -> tuple[str, tuple[int, ...], FloatArray]:
    """The unit a test's length is said in, the lengths, and the same in periods."""
    monthly = subject.weeks > 2
    unit = "month" if monthly else "week"
    lengths = TEST_LENGTHS[unit]
    return unit, lengths, np.array(lengths) / (1.0 if monthly else subject.weeks)


def _test_doubt(subject: Subject, rng: np.random.Generator) -> FloatArray:
    """Doubt about what each size of test changes once it is fully felt, (n_sizes, n_channels)."""
    shapes = subject.posterior.shapes(subject.posterior.draws(200, rng))
    levels = np.array([1.0, *TEST_SIZES])[:, None] * np.ones(len(subject.channels))
    money = (
        response(levels, shapes, subject.structure.curve) * subject.units
    )  # draw, level, channel
    return np.asarray((money[:, 1:] - money[:, :1]).std(axis=0))


def _test_error(subject: Subject, periods: FloatArray) -> FloatArray:
    """Standard error of a test's lift per period, (n_lengths, n_channels)."""
    mode = subject.posterior.mode
    left = mode.problem.residuals(mode.parameters)
    whole = left if subject.series is None else left @ subject.series[:, None]
    per_period = whole.std(axis=0) * subject.units
    return np.asarray(per_period * np.sqrt(2 / periods)[:, None])


def _shown(subject: Subject, periods: FloatArray) -> FloatArray:
    """Share of the full effect seen on average during a test, (n_lengths, n_channels).

    After t periods of changed spend all of the effect has moved that arrives within t periods.
    """
    mode = subject.posterior.mode
    if not isinstance(mode.problem, TOGETHER):
        return np.ones((len(periods), len(subject.channels)))
    weights = mode.problem.carryover_weights(mode.parameters)  # channel, lag
    arrived = np.cumsum(weights, axis=1)
    longest = np.ones((len(weights), int(np.ceil(periods.max()))))
    longest[:, : arrived.shape[1]] = arrived[:, : longest.shape[1]]
    total = np.concatenate([np.zeros((len(weights), 1)), np.cumsum(longest, axis=1)], axis=1)
    lengths = np.arange(total.shape[1])
    return np.stack([np.interp(periods, lengths, row) / periods for row in total], axis=1)
