r"""Lift tests of attributed curves: they say how much of the attributed revenue is incremental.

Attributed revenue knows the shape of a curve, a test its height. With :math:`q_c` the factor from
attributed to incremental revenue, a test of a channel's spend from a to b is one row

.. math:: (q_c f_c(b) - q_c f_c(a) - \mathrm{lift}) / \mathrm{standard\ error}

at full weight, and :math:`\log q_c` is Gaussian: what the planner stated of a channel, else around
1 with a part that all channels share, so that what a test says of one platform's attribution is
not forgotten at the next. The history says nothing of the factors: given a draw of the curves
their posterior is found draw by draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.fitting.incrementality import Factors
from optimizer.fitting.lift_rows import FittedCurve, moved_curves
from optimizer.fitting.lift_verdicts import verdicts
from optimizer.heights import raised
from optimizer.history import History
from optimizer.lift_tests import LiftTest
from optimizer.model import Diagnostic, Model, ModelChannel

FloatArray = npt.NDArray[np.float64]

#: Standard deviations of the log of the factor: what channels share, and each one's own.
SHARED_SD, OWN_SD = 0.5, 0.35
ITERATIONS, LARGEST_STEP = 40, 0.5


@dataclass(frozen=True)
class _Rows:
    """Tests of attributed curves, draw by draw."""

    channel: npt.NDArray[np.intp]  # (n_tests,)
    attributed: FloatArray  # (n_draws, n_tests), currency per period, lift at a factor of 1
    lift: FloatArray  # (n_tests,), currency per period
    error: FloatArray  # (n_tests,), currency per period

    def expected(self, logs: FloatArray) -> FloatArray:
        """Lift (n_draws, n_tests) by the logs of the factors (n_draws, n_channels)."""
        return np.asarray(self.attributed * np.exp(logs[:, self.channel]))


def calibrated(
    channels: list[ModelChannel],
    tests: Sequence[LiftTest],
    factors: Factors,
    history: History,
    rng: np.random.Generator,
) -> tuple[list[ModelChannel], list[Diagnostic]]:
    """Curves of incremental revenue, from attributed curves and lift tests.

    Parameters
    ----------
    channels : list of ModelChannel
        Fitted to attributed revenue.
    tests : sequence of LiftTest
        Each of a fitted curve, checked.
    factors : mapping of channel to (mean, sd)
        What the planner stated of the factors before the tests.
    history : History
    rng : Generator

    Returns
    -------
    channels : list of ModelChannel
        Every curve times its channel's factor, draw by draw.
    diagnostics : list of Diagnostic
        What each test says, and what became of each channel's attribution.
    """
    names = tuple(dict.fromkeys(entry.channel for entry in channels))
    mean, covariance = _belief(names, factors)
    rows = _rows(channels, names, tests, history)
    before = rng.multivariate_normal(mean, covariance, len(rows.attributed))
    precision = np.asarray(np.linalg.inv(covariance), np.float64)
    logs = _posterior(rows, mean, precision, rng)
    found = verdicts(tests, (rows.expected(logs), rows.expected(before)), history)
    found += _about_factors(names, np.exp(logs), {test.channel for test in tests})
    return _raised(channels, names, np.exp(logs)), found


def _belief(names: tuple[str, ...], factors: Factors) -> tuple[FloatArray, FloatArray]:
    """Mean and covariance of the logs of the factors before any test."""
    mean, own, shared = np.zeros(len(names)), np.full(len(names), OWN_SD**2), np.ones(len(names))
    for place, name in enumerate(names):
        if name in factors:
            centre, sd = factors[name]
            own[place] = np.log1p((sd / centre) ** 2)
            mean[place] = np.log(centre) - own[place] / 2
            shared[place] = 0.0
    return mean, np.diag(own) + SHARED_SD**2 * np.outer(shared, shared)


def _rows(
    channels: list[ModelChannel],
    names: tuple[str, ...],
    tests: Sequence[LiftTest],
    history: History,
) -> _Rows:
    """The lift each draw of the attributed curves predicts, were all of it incremental."""
    curves = [FittedCurve(c.channel, c.market, _usual(c, history), 1.0) for c in channels]
    model = Model(channels=channels)
    attributed = []
    for test in tests:
        mine = moved_curves(test, curves)
        usual = np.array([curve.usual for curve in curves])
        weight = np.zeros(len(curves))
        weight[mine] = usual[mine] / usual[mine].sum()
        moved = model.response(test.spend_test * weight) - model.response(
            test.spend_control * weight
        )
        attributed.append(moved[:, mine].sum(axis=1))
    return _Rows(
        np.array([names.index(test.channel) for test in tests], np.intp),
        np.stack(attributed, axis=1),
        np.array([test.lift for test in tests]),
        np.array([test.standard_error for test in tests]),
    )


def _usual(entry: ModelChannel, history: History) -> float:
    """Mean spend of a curve's cell, currency per period."""
    market, channel = history.markets.index(entry.market), history.channels.index(entry.channel)
    return float(history.spend[market, :, channel].mean())


def _posterior(
    rows: _Rows, mean: FloatArray, precision: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Logs of the factors (n_draws, n_channels), one draw for every draw of the curves.

    The mode is returned where there is a single, most plausible curve.
    """
    logs = np.tile(mean, (len(rows.attributed), 1))
    for _ in range(ITERATIONS):
        left, slopes = _linear(rows, logs)
        whole = precision + np.einsum("dti,dtj->dij", slopes, slopes)
        downhill = np.einsum("dti,dt->di", slopes, left) - (logs - mean) @ precision
        step = np.linalg.solve(whole, downhill[..., None])[..., 0]
        logs = logs + np.clip(step, -LARGEST_STEP, LARGEST_STEP)
    if len(logs) == 1:
        return logs
    _, slopes = _linear(rows, logs)
    whole = precision + np.einsum("dti,dtj->dij", slopes, slopes)
    factor = np.linalg.cholesky(np.linalg.inv(whole))
    return np.asarray(logs + np.einsum("dij,dj->di", factor, rng.standard_normal(logs.shape)))


def _linear(rows: _Rows, logs: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Standardised lift left (n_draws, n_tests) and its Jacobian by the logs."""
    expected = rows.expected(logs)
    slopes = np.zeros((*expected.shape, logs.shape[1]))
    slopes[:, np.arange(rows.lift.size), rows.channel] = expected / rows.error
    return (rows.lift - expected) / rows.error, slopes


def _raised(
    channels: list[ModelChannel], names: tuple[str, ...], factors: FloatArray
) -> list[ModelChannel]:
    """Every curve times its channel's factor (n_draws, n_channels)."""
    found = []
    for entry in channels:
        own = factors[:, names.index(entry.channel)]
        stated = (float(own.mean()), float(own.std())) if own.size > 1 else None
        curve = raised(entry.curve, own)
        found.append(entry.model_copy(update={"curve": curve, "incrementality": stated}))
    return found


def _about_factors(
    names: tuple[str, ...], factors: FloatArray, tested: set[str]
) -> list[Diagnostic]:
    """What the tests make of each channel's attribution, and which channels have none."""
    found = []
    for name, own in zip(names, factors.T, strict=True):
        low, high = np.quantile(own, [0.05, 0.95])
        whence = "By its tests" if name in tested else "By the tests of other channels"
        message = (
            f"{whence}, {np.median(own):.0%} ({low:.0%} to {high:.0%}) of the revenue attributed "
            f"to {name} is incremental: its curve is of that."
        )
        found.append(
            Diagnostic(
                code="calibrated",
                channel=name,
                value=float(np.median(own)),
                figures={"p05": float(low), "p95": float(high)},
                message=message,
            )
        )
    rest = [name for name in names if name not in tested]
    if rest:
        message = (
            f"How much of the revenue attributed to {', '.join(rest)} is incremental is taken from "
            "the tests of other channels, give or take a lot. Test there before moving much money."
        )
        found.append(Diagnostic(code="not_tested", severity="warning", message=message))
    return found
