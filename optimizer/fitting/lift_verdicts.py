"""What lift tests say against what would be believed without them: as numbers, then in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr, logsumexp, ndtri_exp

from optimizer.amounts import about
from optimizer.fitting.mode import Mode, descend
from optimizer.fitting.posterior import P, Posterior
from optimizer.history import History
from optimizer.lift_tests import LiftTest
from optimizer.model import Diagnostic

FloatArray = npt.NDArray[np.float64]

CONTRADICTS = 2.5  # standard errors between a test and what is believed without it
LARGEST_SCORE = 20.0  # standard errors beyond which numbers say no more
NEARLY_WHOLE = 0.9  # share of an effect that a test's own periods should show
DRAWS = 400


@dataclass(frozen=True)
class Verdict:
    """One test beside the lift that curves predict, draw by draw."""

    test: LiftTest
    fitted: FloatArray  # (n_draws,), currency per period, with the tests
    without: FloatArray  # (n_draws,), currency per period, without them
    shown: float = 1.0  # share of the full effect within the test's own periods
    currency: str | None = None
    period: str = "week"

    @property
    def score(self) -> float:
        """How many standard errors the lift lies from what is believed without the tests.

        The normal score of the lift among predictions: draws of the lift and the test's own
        error together, whatever the shape of their distribution.
        """
        apart = (self.test.lift - self.without) / self.test.standard_error
        below = float(logsumexp(log_ndtr(apart)) - np.log(apart.size))
        above = float(logsumexp(log_ndtr(-apart)) - np.log(apart.size))
        score = ndtri_exp(below) if below < above else -ndtri_exp(above)
        return float(np.clip(score, -LARGEST_SCORE, LARGEST_SCORE))

    def diagnostics(self) -> Iterator[Diagnostic]:
        """What the test found, whether that is a surprise, and whether it was long enough."""
        score, test = self.score, self.test
        market = test.markets[0] if len(test.markets) == 1 else None
        figures = {
            "lift": test.lift,
            "standard_error": test.standard_error,
            "fitted": float(np.median(self.fitted)),
            "without_test": float(np.median(self.without)),
            "without_test_sd": float(self.without.std()),
            "score": score,
        }
        place = {"channel": test.channel, "market": market, "figures": figures}
        yield Diagnostic(code="lift_test", value=score, message=self._found(), **place)
        if abs(score) > CONTRADICTS:
            yield Diagnostic(
                code="lift_test_contradicts",
                value=score,
                severity="warning",
                message=self._contradicts(score),
                **place,
            )
        if self.shown < NEARLY_WHOLE:
            yield Diagnostic(
                code="lift_test_short",
                value=self.shown,
                severity="warning",
                message=self._short(),
                **place,
            )

    def _found(self) -> str:
        test = self.test
        return (
            f"The test of {test.name} found a lift of {self._money(test.lift)} a {self.period}, "
            f"give or take {about(test.standard_error)}; the curves say "
            f"{self._money(float(np.median(self.fitted)))}, and would have said "
            f"{self._money(float(np.median(self.without)))} without it."
        )

    def _contradicts(self, score: float) -> str:
        test = self.test
        return (
            f"The test of {test.name} contradicts the rest: it found a lift of "
            f"{self._money(test.lift)} a {self.period}, where "
            f"{self._money(float(np.median(self.without)))} was expected, {abs(score):.1f} "
            "standard errors apart. Check its dates, its spends per "
            f"{self.period} and whether they are of the whole market; else look for what else "
            f"moved revenue along with {test.channel}. Both count until one is taken out."
        )

    def _short(self) -> str:
        test = self.test
        return (
            f"The test of {test.name} is short for an effect that lasts: its own {self.period}s "
            f"show about {self.shown:.0%} of what steady spend would. Count revenue for some "
            f"{self.period}s after its end too, or take its lift for a low figure."
        )

    def _money(self, value: float) -> str:
        return f"{about(value)} {self.currency}" if self.currency else about(value)


def predicted(
    posterior: Posterior[P], untested: P, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Lift of every test by draws of the curves, with the tests and without, (n_draws, n_tests).

    Parameters
    ----------
    posterior : Posterior
        Of a problem with lift tests.
    untested : Problem
        The same problem without them.
    rng : Generator
    """
    mode, lifts = posterior.mode, posterior.mode.problem.lifts
    assert lifts is not None, "only tests that are in the likelihood can be judged"
    alone = Mode(untested, descend(untested, mode.parameters), mode.share_of_starts)
    fitted = lifts.expected(posterior.draws(DRAWS, rng))
    return fitted, lifts.expected(Posterior.around(alone).draws(DRAWS, rng))


def verdicts(
    tests: Sequence[LiftTest],
    predictions: tuple[FloatArray, FloatArray],
    history: History,
    retention: Mapping[str, float] | None = None,
) -> list[Diagnostic]:
    """Everything to be said of tests, test after test.

    Parameters
    ----------
    tests : sequence of LiftTest
    predictions : pair of ndarray of shape (n_draws, n_tests), currency per period
        Lift by the curves, with the tests and without.
    history : History
    retention : mapping of channel to share, optional
        What survives a period of each channel's effect, in models with carryover.
    """
    found: list[Diagnostic] = []
    days = 365.25 / history.spacing.periods_per_year
    for test, fitted, without in zip(tests, *(lift.T for lift in predictions), strict=True):
        periods = max(round(((test.end - test.start).days + 1) / days), 1)
        verdict = Verdict(
            test,
            fitted,
            without,
            shown=share_shown(periods, (retention or {}).get(test.channel, 0.0)),
            currency=history.currency,
            period=history.spacing.value,
        )
        found.extend(verdict.diagnostics())
    return found


def share_shown(n_periods: int, retention: float) -> float:
    """Share of the full effect seen on average over the periods of a test.

    After t periods of changed spend an effect of retention r has moved by 1 - r^t.

    Examples
    --------
    >>> share_shown(4, 0.0), round(share_shown(4, 0.5), 3)
    (1.0, 0.766)
    """
    if retention <= 0.0:
        return 1.0
    kept = min(retention, 0.999)
    return 1.0 - kept * (1.0 - kept**n_periods) / (n_periods * (1.0 - kept))


def heard(
    tests: Sequence[LiftTest], history: History
) -> tuple[tuple[LiftTest, ...], list[Diagnostic]]:
    """The tests of curves that can be fitted, and a warning for every other one."""
    kept: list[LiftTest] = []
    warned: list[Diagnostic] = []
    for test in tests:
        markets = [m for m, name in enumerate(history.markets)
                   if not test.markets or name in test.markets]  # fmt: skip
        spent = history.spend[markets, :, history.channels.index(test.channel)].sum()
        if spent > 0.0 and history.revenue[markets].sum() > 0.0:
            kept.append(test)
            continue
        message = (
            f"The test of {test.name} is not used: the history has no spend there, so there is "
            "no curve to hold it against."
        )
        warned.append(
            Diagnostic(
                code="lift_test_unused", channel=test.channel, severity="warning", message=message
            )
        )
    return tuple(kept), warned
