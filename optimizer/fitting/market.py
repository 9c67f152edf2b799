"""One market, fitted by itself: its posterior, its curves, and what is to be said of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from optimizer.adstock import lasting
from optimizer.fit_report import MarketReport
from optimizer.fitting import noise
from optimizer.fitting.aggregate import WEEKS, AggregateProblem
from optimizer.fitting.attributed import AttributedProblem, attributed_units
from optimizer.fitting.diagnostics import diagnose
from optimizer.fitting.lift_rows import FittedCurve, LiftRows
from optimizer.fitting.lift_verdicts import predicted, verdicts
from optimizer.fitting.mode import find_mode
from optimizer.fitting.posterior import Posterior
from optimizer.fitting.priors import Beliefs
from optimizer.fitting.remarks import left_out
from optimizer.fitting.report import Series, market_report
from optimizer.fitting.response import curve_document
from optimizer.fitting.subject import Subject
from optimizer.history import History
from optimizer.lift_tests import LiftTest
from optimizer.model import MOST_DELAY, Carryover, Diagnostic, ModelChannel, ResidualNoise

FloatArray = npt.NDArray[np.float64]
AnyPosterior = Posterior[AggregateProblem] | Posterior[AttributedProblem]


@dataclass(frozen=True)
class FittedMarket:
    """One market of a history, fitted."""

    posterior: AnyPosterior
    subject: Subject
    silent: tuple[str, ...]  # channels without spend
    periods_per_year: float
    rng: np.random.Generator
    tested: tuple[Diagnostic, ...] = ()  # what lift tests in the likelihood say

    def curves(self, draws: int) -> list[ModelChannel]:
        """The curves as the Model document holds them; 0 draws: the most plausible ones."""
        posterior, subject = self.posterior, self.subject
        drawn = posterior.mode.parameters
        if draws:
            drawn = posterior.draws(draws, self.rng.spawn(1)[0])
        shapes = posterior.shapes(drawn)
        family, usual = subject.structure.curve, subject.spend.mean(axis=0)
        last_year = subject.spend[-round(self.periods_per_year) :]
        return [
            ModelChannel(
                channel=channel,
                market=subject.market,
                history_spend_per_period=float(last_year[:, i].mean()),
                history_largest_spend=float(subject.spend[:, i].max()),
                recent_spend=last_year[:, i].tolist(),
                curve=curve_document(
                    family,
                    shapes[..., i, :],
                    usual=float(usual[i]),
                    unit=float(subject.units[i]),
                ),
                carryover=_carryover(posterior, shapes, i),
            )
            for i, channel in enumerate(subject.channels)
        ]

    def diagnostics(self) -> list[Diagnostic]:
        """Channels left out, then everything worth saying about the fit."""
        silent = [left_out(channel, self.subject.market) for channel in self.silent]
        return [*silent, *self.tested, *diagnose(self.subject, self.rng)]

    def report(self, history: History, beliefs: Beliefs) -> MarketReport:
        """What lies behind the fit, as data."""
        market, units = self.subject.market, self.subject.units
        names = self.subject.channels if self._is_attributed else (None,)
        series = [Series(name, market, float(units[i])) for i, name in enumerate(names)]
        return market_report(self.subject, series, history, beliefs)

    def noise(self) -> list[ResidualNoise]:
        """What is left unexplained: of all revenue together, or of each channel's."""
        mode, market = self.posterior.mode, self.subject.market
        left = mode.problem.residuals(mode.parameters)
        spread, carried = left.std(axis=0), noise.autocorrelation(left)
        names = self.subject.channels if left.shape[1] > 1 or self._is_attributed else (None,)
        return [
            ResidualNoise(
                channel=name,
                market=market,
                sd=float(spread[i] * self.subject.units[i]),
                autocorrelation=float(carried[i]),
            )
            for i, name in enumerate(names)
        ]

    @property
    def _is_attributed(self) -> bool:
        return isinstance(self.posterior.mode.problem, AttributedProblem)


def fit_market(
    history: History,
    market: int,
    beliefs: Beliefs,
    rng: np.random.Generator,
    tests: Sequence[LiftTest] = (),
) -> FittedMarket | None:
    """Fit one market; None where it has no spend or no revenue.

    Lift tests are of an aggregate history's curves; attributed ones are calibrated afterwards.
    """
    keep = np.flatnonzero(history.spend[market].sum(axis=0) > 0)
    if keep.size == 0 or history.revenue[market].sum() <= 0:
        return None
    search, later = rng.spawn(2)
    posterior: AnyPosterior
    told: list[Diagnostic] = []
    if history.layout == "aggregate":
        untested = AggregateProblem.of(history, market, keep, beliefs)
        aggregate = _with_tests(untested, history, market, keep, tests)
        posterior = Posterior.around(find_mode(aggregate, search))
        units = np.full(keep.size, history.revenue[market].mean())
        told = _told_by_tests(posterior, history, keep, tests, rng) if tests else []
    else:
        attributed = AttributedProblem.of(history, market, keep, beliefs)
        posterior = Posterior.around(find_mode(attributed, search))
        units = attributed_units(history.revenue[market][:, keep])
    subject = Subject(
        posterior=posterior,
        channels=tuple(history.channels[i] for i in keep),
        market=history.markets[market],
        spend=history.spend[market][:, keep],
        units=units,
        weeks=WEEKS[history.spacing.value],
        stated=beliefs.stated_roas,
        structure=beliefs.structure,
    )
    silent = tuple(c for i, c in enumerate(history.channels) if i not in keep)
    per_year = history.spacing.periods_per_year
    return FittedMarket(posterior, subject, silent, per_year, later, tuple(told))


def _with_tests(
    problem: AggregateProblem,
    history: History,
    market: int,
    keep: npt.NDArray[np.intp],
    tests: Sequence[LiftTest],
) -> AggregateProblem:
    """The problem with lift tests of its curves as further rows."""
    if not tests:
        return problem
    usual, unit = history.spend[market][:, keep].mean(axis=0), history.revenue[market].mean()
    curves = [
        FittedCurve(history.channels[c], history.markets[market], float(usual[i]), float(unit))
        for i, c in enumerate(keep)
    ]
    return replace(problem, tests=LiftRows.of(tests, curves, history))


def _told_by_tests(
    posterior: Posterior[AggregateProblem],
    history: History,
    keep: npt.NDArray[np.intp],
    tests: Sequence[LiftTest],
    rng: np.random.Generator,
) -> list[Diagnostic]:
    """What lift tests say against what the curves would say without them."""
    problem, mode = posterior.mode.problem, posterior.mode.parameters
    names = (history.channels[c] for c in keep)
    late = lasting(problem.retention(mode), problem.window, problem.delay(mode))
    kept = dict(zip(names, late.tolist(), strict=True))
    predictions = predicted(posterior, problem.untested(), rng.spawn(1)[0])
    return verdicts(tests, predictions, history, kept)


def _carryover(posterior: AnyPosterior, shapes: FloatArray, channel: int) -> Carryover | None:
    """How one channel's effect arrives, of models with carryover."""
    problem = posterior.mode.problem
    if isinstance(problem, AttributedProblem):
        return None
    drawn = shapes.reshape(*shapes.shape[:-2], -1)
    delay = problem.delay(drawn)
    return Carryover(
        retention=problem.retention(drawn)[..., channel],
        delay=None if delay is None else np.minimum(delay[..., channel], MOST_DELAY),
    )
