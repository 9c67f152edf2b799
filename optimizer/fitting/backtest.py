"""Forecasts of what was already seen: by curves refitted to what was known before, block by block.

The history's end is cut into blocks; each is forecast by the model refitted to the periods before
it, its spend and controls known. What the same periods of last year, the mean so far or a straight
line would have said stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, Self, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.linalg import cholesky, solve_triangular
from scipy.special import gammaln

from optimizer.fitting.mode import Mode, Problem, descend, hessian

FloatArray = npt.NDArray[np.float64]

#: Shares of the history where the blocks that diagnostics look at begin and end.
HELD_OUT = (0.8, 0.87, 0.94, 1.0)

#: Degrees of freedom of the density forecasts are judged by: one outlier decides nothing.
TAILS = 5.0

#: Draws that doubt about the curves is taken from.
DRAWS = 40


class Forecasting(Problem, Protocol):
    """A model that can be refitted to its first periods and then look ahead."""

    @property
    def observed(self) -> FloatArray:
        """Revenue, (n_periods, n_series)."""

    def first(self, n_periods: int) -> Self:
        """The problem as it stood after the first periods."""

    def forecast(self, parameters: FloatArray, trained: Self) -> FloatArray:
        """Revenue expected in all periods by a fit to the first ones, (n_periods, n_series)."""


class Doubtful(Forecasting, Protocol):
    """A model that can also say how far revenue may lie from a forecast."""

    def forecast_variance(self, forecast: FloatArray, trained: Self) -> FloatArray:
        """Variance of revenue about a forecast whose curves were known, of its shape."""


F = TypeVar("F", bound=Forecasting)
D = TypeVar("D", bound=Doubtful)


@dataclass(frozen=True)
class Backtest:
    """Revenue of the held-out periods beside what was forecast; all (n_held, n_series)."""

    begins: npt.NDArray[np.intp]  # (n_held,), periods known before each one's block
    observed: FloatArray
    forecast: FloatArray
    naive: dict[str, FloatArray]  # name -> forecasts without a model

    @property
    def places(self) -> npt.NDArray[np.intp]:
        """Which periods of the history were held out, (n_held,)."""
        first = int(self.begins[0])
        return np.arange(first, first + len(self.begins))

    def error(self, forecast: FloatArray) -> float:
        """Sum of the misses over the sum of revenue; infinite where nothing is forecast."""
        missed = float(np.abs(forecast - self.observed).sum())
        return missed / float(np.abs(self.observed).sum()) if np.isfinite(missed) else np.inf


def edges_of(n_periods: int, shares: tuple[float, ...] = HELD_OUT) -> list[int]:
    """Where the blocks begin and end, in periods."""
    return [round(share * n_periods) for share in shares]


def backtest(mode: Mode[F], periods_per_year: int) -> Backtest:
    """Rolling forecasts of the last fifth, under the noise of the whole history."""
    problem = mode.problem
    blocks, begins = [], []
    for begin, end in pairwise(edges_of(len(problem.observed))):
        trained = problem.first(begin)
        parameters = descend(trained, mode.parameters)
        blocks.append(problem.forecast(parameters, trained)[begin:end])
        begins += [begin] * (end - begin)
    places = np.array(begins, np.intp)
    seen = problem.observed
    return Backtest(
        begins=places,
        observed=seen[places[0] :],
        forecast=np.concatenate(blocks),
        naive=_naive(seen, places, periods_per_year),
    )


def _naive(
    seen: FloatArray, begins: npt.NDArray[np.intp], periods_per_year: int
) -> dict[str, FloatArray]:
    """What the same period of last year, the mean so far and a straight line would have said."""
    periods = np.arange(len(seen))
    ahead = periods[begins[0] :]
    year_before = ahead - periods_per_year
    found = {"the mean so far": np.stack([seen[:begin].mean(axis=0) for begin in begins])}
    lines = [np.polyfit(periods[:begin], seen[:begin], 1) for begin in begins]
    found["a straight line"] = np.stack(
        [slope * period + level for (slope, level), period in zip(lines, ahead, strict=True)]
    )
    if year_before[0] >= 0 and (year_before < begins).all():
        found["the same periods of last year"] = seen[year_before]
    return found


def log_densities(mode: Mode[D], shares: tuple[float, ...], rng: np.random.Generator) -> FloatArray:
    """Log density of every held-out period's revenue under its forecast, (n_held, n_series).

    Noise is estimated anew from what was known before each block; doubt about the curves enters by
    draws from the posterior of that time.
    """
    problem, found = mode.problem, []
    for begin, end in pairwise(edges_of(len(problem.observed), shares)):
        trained, parameters = problem.first(begin), mode.parameters
        for _ in range(2):
            trained = trained.renoised(parameters)
            parameters = descend(trained, parameters)
        centre = problem.forecast(parameters, trained)
        variance = problem.forecast_variance(centre, trained)
        variance = variance + _doubt(problem, trained, parameters, rng)
        left = problem.observed - centre
        found.append(_student(left[begin:end], variance[begin:end]))
    return np.concatenate(found)


def _doubt(problem: D, trained: D, parameters: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Variance of forecasts over what the curves may be, (n_periods, n_series)."""
    factor = cholesky(hessian(trained, parameters))
    standard = rng.standard_normal((len(factor), DRAWS))
    drawn = parameters + solve_triangular(factor, standard).T
    ahead = np.stack([problem.forecast(each, trained) for each in drawn])
    return np.asarray(ahead.var(axis=0))


def _student(left: FloatArray, variance: FloatArray) -> FloatArray:
    """Log density of misses (...) under Student's t of these variances."""
    scale = variance * (TAILS - 2) / TAILS
    constant = gammaln((TAILS + 1) / 2) - gammaln(TAILS / 2) - np.log(np.pi * TAILS) / 2
    spread = np.log(scale) / 2 + (TAILS + 1) / 2 * np.log1p(left**2 / (TAILS * scale))
    return np.asarray(constant - spread)
