"""All markets of a geo history, fitted as one panel: a curve for every channel in every market."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.fitting.mode import find_mode
from optimizer.fitting.panel import PanelProblem
from optimizer.fitting.panel_data import PanelData, with_repeats_divided
from optimizer.fitting.posterior import FURTHEST, Posterior
from optimizer.fitting.priors import Beliefs
from optimizer.history import History
from optimizer.model import Carryover, Hill, ModelChannel

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


def fit_panel(history: History, beliefs: Beliefs, rng: np.random.Generator) -> FittedPanel:
    """Fit all markets of an aggregate history together."""
    search, later = rng.spawn(2)
    history = with_repeats_divided(history)
    data = PanelData.of(history)
    posterior = Posterior.around(find_mode(PanelProblem.of(history, data, beliefs), search))
    return FittedPanel(history, data, posterior, later)
