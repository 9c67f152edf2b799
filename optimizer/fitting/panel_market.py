"""All markets of a geo history, fitted as one panel: a curve for every channel in every market."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from optimizer.adstock import lasting
from optimizer.errors import FitError
from optimizer.fit_report import MarketReport
from optimizer.fitting import noise
from optimizer.fitting.aggregate import WEEKS
from optimizer.fitting.diagnostics import diagnose
from optimizer.fitting.lift_rows import FittedCurve, LiftRows
from optimizer.fitting.lift_verdicts import predicted, verdicts
from optimizer.fitting.mode import find_mode
from optimizer.fitting.panel import PanelContrasts, PanelProblem
from optimizer.fitting.panel_data import PanelData
from optimizer.fitting.panel_remarks import panel_remarks, trading
from optimizer.fitting.posterior import FURTHEST, Posterior
from optimizer.fitting.priors import Beliefs
from optimizer.fitting.report import Series, market_report
from optimizer.fitting.response import curve_document
from optimizer.fitting.subject import Subject
from optimizer.geography import with_repeats_divided
from optimizer.history import History
from optimizer.lift_tests import LiftTest
from optimizer.model import MOST_DELAY, Carryover, Diagnostic, ModelChannel, ResidualNoise

FloatArray = npt.NDArray[np.float64]

#: Where a market's own strength goes into a shape: the log of the effect comes first.
_ON_EFFECT = np.array([1.0, 0.0, 0.0, 0.0, 0.0])


@dataclass(frozen=True)
class FittedPanel:
    """A geo history, fitted."""

    given: History
    history: History  # figures of the whole country divided over its markets
    data: PanelData
    posterior: Posterior[PanelProblem]
    stated: Mapping[str, tuple[float, float]]  # ROAS, by the planner
    rng: np.random.Generator
    tested: tuple[Diagnostic, ...] = ()  # what lift tests in the likelihood say

    def curves(self, draws: int) -> list[ModelChannel]:
        """The curves as the Model document holds them; 0 draws: the most plausible ones."""
        problem, data, going = self.posterior.mode.problem, self.data, trading(self.data)
        drawn = self.posterior.mode.parameters
        if draws:
            drawn = self.posterior.draws(draws, self.rng.spawn(1)[0])
        shapes = self.posterior.shapes(drawn)
        limit = FURTHEST * problem.pooled_sd
        strengths = np.clip(problem.strengths(drawn), -limit, limit)
        flat = shapes.reshape(*shapes.shape[:-2], -1)
        retention, delay = problem.retention(flat), problem.delay(flat)
        return [
            self._curve(
                int(g),
                int(i),
                shapes[..., i, :] + strengths[..., g, i, None] * _ON_EFFECT[: shapes.shape[-1]],
                Carryover(
                    retention=retention[..., i].tolist(),
                    delay=None if delay is None else np.minimum(delay[..., i], MOST_DELAY).tolist(),
                ),
            )
            for g, i in np.argwhere(data.spent)
            if going[g]
        ]

    def noise(self) -> list[ResidualNoise]:
        """What is left unexplained of each market's revenue."""
        mode, data = self.posterior.mode, self.data
        left = mode.problem.residuals(mode.parameters)
        carried = noise.autocorrelation(left)
        opened = data.open.sum(axis=1)
        spread = np.sqrt((left**2).sum(axis=0) / opened) * data.unit * data.heads
        return [
            ResidualNoise(
                market=self.history.markets[place],
                sd=float(spread[g]),
                autocorrelation=float(carried[g]),
            )
            for g, place in enumerate(data.markets)
        ]

    def report(self, beliefs: Beliefs) -> MarketReport:
        """What lies behind the fit, as data."""
        markets, heads = self.history.markets, self.data.heads
        series = [
            Series(None, markets[place], float(self.data.unit * heads[g]))
            for g, place in enumerate(self.data.markets)
        ]
        return market_report(self._subject, series, self.history, beliefs)

    def diagnostics(self) -> list[Diagnostic]:
        """What is to be said of markets and channels, then of the fit."""
        remarks = panel_remarks(self.given, self.data, self.posterior.mode.problem)
        return [*remarks, *self.tested, *diagnose(self._subject, self.rng)]

    @property
    def _subject(self) -> Subject:
        """All markets together, as the diagnostics see them."""
        data, history = self.data, self.history
        return Subject(
            posterior=self.posterior,
            channels=tuple(history.channels[i] for i in data.channels),
            market=None,
            spend=_own_courses(data),
            units=np.full(len(data.channels), data.unit * data.heads.sum()),
            weeks=WEEKS[history.spacing.value],
            stated=self.stated,
            structure=self.posterior.mode.problem.structure,
            series=data.heads / data.heads.sum(),
        )

    def _curve(self, g: int, i: int, shape: FloatArray, carryover: Carryover) -> ModelChannel:
        """The curve of one channel in one market, its own strength within the shape (..., n)."""
        data, history = self.data, self.history
        spend = history.spend[data.markets[g], data.open[g], data.channels[i]]
        recent = spend[-round(history.spacing.periods_per_year) :]
        return ModelChannel(
            channel=history.channels[data.channels[i]],
            market=history.markets[data.markets[g]],
            history_spend_per_period=float(recent.mean()),
            history_largest_spend=float(spend.max()),
            recent_spend=recent.tolist(),
            curve=curve_document(
                self.posterior.mode.problem.structure.curve,
                shape,
                usual=float(data.heads[g] * data.usual[i]),
                unit=float(data.heads[g] * data.unit),
            ),
            carryover=carryover,
        )


def is_panel(history: History) -> bool:
    """Whether a history is one of several markets with one revenue series each."""
    earning = history.revenue.reshape(len(history.markets), -1).sum(axis=1) > 0
    return history.layout == "aggregate" and int(earning.sum()) > 1


def panel_contrasts(history: History, beliefs: Beliefs) -> PanelContrasts:
    """The panel of a history as evidence on the form of its curves."""
    divided = with_repeats_divided(history)
    return PanelContrasts.of(divided, PanelData.of(divided), beliefs)


def fit_panel(
    history: History,
    beliefs: Beliefs,
    rng: np.random.Generator,
    tests: Sequence[LiftTest] = (),
) -> FittedPanel:
    """Fit all markets of an aggregate history together.

    Raises
    ------
    FitError
        No market that is still open spends anything.
    """
    search, verdict, later = rng.spawn(3)
    divided = with_repeats_divided(history)
    data = PanelData.of(divided)
    if not data.spent[trading(data)].any():
        raise FitError(
            "No market that still has revenue has any spend, so there is nothing to plan. Bring "
            "later rows, or leave out the markets that closed."
        )
    problem = PanelProblem.of(divided, data, beliefs)
    if tests:
        problem = replace(problem, tests=LiftRows.of(tests, _cells(divided, data), divided))
    posterior = Posterior.around(find_mode(problem, search))
    told = _told_by_tests(posterior, divided, data, tests, verdict) if tests else []
    stated = beliefs.stated_roas
    return FittedPanel(history, divided, data, posterior, stated, later, tuple(told))


def _told_by_tests(
    posterior: Posterior[PanelProblem],
    history: History,
    data: PanelData,
    tests: Sequence[LiftTest],
    rng: np.random.Generator,
) -> list[Diagnostic]:
    """What lift tests say against what the curves would say without them."""
    problem, mode = posterior.mode.problem, posterior.mode.parameters
    names = (history.channels[i] for i in data.channels)
    late = lasting(problem.retention(mode), problem.window, problem.delay(mode))
    kept = dict(zip(names, late.tolist(), strict=True))
    predictions = predicted(posterior, problem.untested(), rng)
    return verdicts(tests, predictions, history, kept)


def _own_courses(data: PanelData) -> FloatArray:
    """Spend of every open period in multiples of the market's own mean, (n_rows, n_channels).

    What differs between markets all the time is taken for the markets' own level of revenue, so
    it says nothing of media; a market without the channel does not move it.
    """
    opened = data.open[..., None]
    mean = (data.spend * opened).sum(axis=1, keepdims=True) / opened.sum(axis=1, keepdims=True)
    relative = np.divide(data.spend, mean, out=np.ones_like(data.spend), where=mean > 0)
    return np.asarray(relative[data.open])


def _cells(history: History, data: PanelData) -> list[FittedCurve]:
    """The curves of all cells as lift tests see them, market by market."""
    usual = data.spend.mean(axis=1) * data.usual * data.heads[:, None]
    return [
        FittedCurve(
            history.channels[channel],
            history.markets[market],
            float(usual[g, i]),
            float(data.unit * data.heads[g]),
        )
        for g, market in enumerate(data.markets)
        for i, channel in enumerate(data.channels)
    ]
