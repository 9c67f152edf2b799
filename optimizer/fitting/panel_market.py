"""All markets of a geo history, fitted as one panel: a curve for every channel in every market."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from optimizer.fitting import noise
from optimizer.fitting.lift_rows import FittedCurve, LiftRows
from optimizer.fitting.mode import find_mode
from optimizer.fitting.panel import PanelProblem
from optimizer.fitting.panel_data import PanelData
from optimizer.fitting.posterior import FURTHEST, Posterior
from optimizer.fitting.priors import Beliefs
from optimizer.geography import with_repeats_divided
from optimizer.history import History
from optimizer.lift_tests import LiftTest
from optimizer.model import Carryover, Diagnostic, Hill, ModelChannel, ResidualNoise

FloatArray = npt.NDArray[np.float64]

#: Periods without revenue at the end of a history after which a market counts as closed.
CLOSED = 4


@dataclass(frozen=True)
class FittedPanel:
    """A geo history, fitted."""

    history: History
    data: PanelData
    posterior: Posterior[PanelProblem]
    rng: np.random.Generator

    def curves(self, draws: int) -> list[ModelChannel]:
        """The curves as the Model document holds them; 0 draws: the most plausible ones."""
        problem, data = self.posterior.mode.problem, self.data
        drawn = self.posterior.mode.parameters
        if draws:
            drawn = self.posterior.draws(draws, self.rng.spawn(1)[0])
        shapes = self.posterior.shapes(drawn)
        limit = FURTHEST * problem.pooled_sd
        strengths = np.clip(problem.strengths(drawn), -limit, limit)
        retention = problem.retention(shapes.reshape(*shapes.shape[:-2], -1))
        return [
            self._curve(g, i, shapes[..., i, :], strengths[..., g, i], retention[..., i])
            for g, i in np.argwhere(data.spent)
            if self.trading[g]
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

    def diagnostics(self) -> list[Diagnostic]:
        """What is to be said of the fit."""
        return []

    @property
    def trading(self) -> npt.NDArray[np.bool_]:
        """Markets that still had revenue at the end, (n_markets,)."""
        return np.asarray(self.data.open[:, -CLOSED:].any(axis=1))

    def _curve(
        self, g: int, i: int, shape: FloatArray, strength: FloatArray, retention: FloatArray
    ) -> ModelChannel:
        """The curve of one channel in one market, from shapes (..., 4) and strengths (...)."""
        data, history = self.data, self.history
        slope, heads = np.exp(shape[..., 2]), data.heads[g]
        ceiling = heads * data.unit * np.exp(shape[..., 0] + strength)
        spend = history.spend[data.markets[g], data.open[g], data.channels[i]]
        recent = spend[-round(history.spacing.periods_per_year) :]
        return ModelChannel(
            channel=history.channels[data.channels[i]],
            market=history.markets[data.markets[g]],
            history_spend_per_period=float(recent.mean()),
            history_largest_spend=float(spend.max()),
            recent_spend=recent.tolist(),
            curve=Hill(
                ceiling=(ceiling * (1 + np.exp(slope * shape[..., 1]))).tolist(),
                half_saturation=(heads * data.usual[i] * np.exp(shape[..., 1])).tolist(),
                slope=slope.tolist(),
            ),
            carryover=Carryover(retention=retention.tolist()),
        )


def is_panel(history: History) -> bool:
    """Whether a history is one of several markets with one revenue series each."""
    earning = (history.revenue > 0).reshape(len(history.markets), -1).any(axis=1)
    return history.layout == "aggregate" and int(earning.sum()) > 1


def fit_panel(
    history: History,
    beliefs: Beliefs,
    rng: np.random.Generator,
    tests: Sequence[LiftTest] = (),
) -> FittedPanel:
    """Fit all markets of an aggregate history together."""
    search, later = rng.spawn(2)
    history = with_repeats_divided(history)
    data = PanelData.of(history)
    problem = PanelProblem.of(history, data, beliefs)
    if tests:
        problem = replace(problem, tests=LiftRows.of(tests, _cells(history, data), history))
    posterior = Posterior.around(find_mode(problem, search))
    return FittedPanel(history, data, posterior, later)


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
