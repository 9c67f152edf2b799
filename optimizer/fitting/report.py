"""What lies behind one market's fit, as the FitReport document holds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.fit_report import (
    BacktestReport,
    BacktestSeries,
    ChannelPair,
    Effectiveness,
    LearnedParameter,
    MarketReport,
    ResidualSeries,
)
from optimizer.fitting.aggregate import AggregateProblem
from optimizer.fitting.backtest import backtest
from optimizer.fitting.diagnostics import ratio_doubts, roas_covariances
from optimizer.fitting.drifting import NINETY, course
from optimizer.fitting.priors import ON_LOGIT, Beliefs
from optimizer.fitting.subject import Subject
from optimizer.history import History

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Series:
    """Whose revenue a column of a fit is, and its unit."""

    channel: str | None
    market: str | None
    unit: float  # currency per unit of fitted revenue


def market_report(
    subject: Subject, series: Sequence[Series], history: History, beliefs: Beliefs
) -> MarketReport:
    """Residuals, priors against posteriors, pairs, the back-test and the course of one fit."""
    dates = tuple(str(date.date()) for date in history.dates)
    return MarketReport(
        market=subject.market,
        dates=dates,
        series=tuple(_residuals(subject, series)),
        parameters=tuple(_parameters(subject, beliefs, history)),
        pairs=tuple(_pairs(subject)),
        backtest=_backtest(subject, series, dates),
        effectiveness=tuple(_effectiveness(subject)),
    )


def _residuals(subject: Subject, series: Sequence[Series]) -> list[ResidualSeries]:
    mode = subject.posterior.mode
    seen, left = mode.problem.observed, mode.problem.residuals(mode.parameters)
    standard = mode.problem.standardised(mode.parameters)
    return [
        ResidualSeries(
            channel=each.channel,
            market=each.market,
            observed=_money(seen[:, i], each.unit),
            fitted=_money(seen[:, i] - left[:, i], each.unit),
            residual=_money(left[:, i], each.unit),
            standardised=_rounded(standard[:, i]),
        )
        for i, each in enumerate(series)
    ]


def _parameters(subject: Subject, beliefs: Beliefs, history: History) -> list[LearnedParameter]:
    """Prior against posterior of every parameter of every channel."""
    posterior, problem = subject.posterior, subject.posterior.mode.problem
    sd = np.sqrt(np.diag(posterior.covariance))
    before, spread, after, left = (
        problem.shapes(values)
        for values in (problem.prior.mean, problem.prior.sd, posterior.mode.parameters, sd)
    )
    names = subject.structure.coordinates(history.layout)
    found = []
    for c, channel in enumerate(subject.channels):
        believed = float(np.log(beliefs.by_channel[channel]["roas"][0]))
        for i, name in enumerate(names):
            if name == "unread":
                continue
            offset = believed - before[c, 0] if name == "roas" else 0.0
            found.append(
                LearnedParameter(
                    channel=channel,
                    parameter=name,
                    scale="logit" if name in ON_LOGIT else "log",
                    prior_mean=float(before[c, i] + offset),
                    prior_sd=float(spread[c, i]),
                    posterior_mean=float(after[c, i] + offset),
                    posterior_sd=float(left[c, i]),
                    learned=float(1 - left[c, i] / spread[c, i]),
                )
            )
    return found


def _pairs(subject: Subject) -> list[ChannelPair]:
    """Every pair of channels, the hardest to tell apart first."""
    before, after = roas_covariances(subject)
    kept = ratio_doubts(after) / ratio_doubts(before)
    returns = after / np.sqrt(np.outer(np.diag(after), np.diag(after)))
    spends = np.atleast_2d(np.corrcoef(subject.spend.T)) if _all_move(subject) else None
    found = [
        ChannelPair(
            channel=subject.channels[i],
            other=subject.channels[j],
            spend_correlation=None if spends is None else float(spends[i, j]),
            roas_correlation=float(returns[i, j]),
            doubt_left=float(kept[i, j]),
        )
        for i in range(len(kept))
        for j in range(i + 1, len(kept))
    ]
    return sorted(found, key=lambda pair: -pair.doubt_left)


def _all_move(subject: Subject) -> bool:
    return len(subject.channels) > 1 and bool((subject.variation > 1e-9).all())


def _backtest(subject: Subject, series: Sequence[Series], dates: tuple[str, ...]) -> BacktestReport:
    """The rolling forecasts of the last fifth, in money."""
    rolled = backtest(subject.posterior.mode, subject.periods_per_year)
    whole = np.abs(rolled.observed).sum() > 0.0
    return BacktestReport(
        dates=tuple(dates[place] for place in rolled.places),
        known_until=tuple(dates[begin - 1] for begin in rolled.begins),
        series=tuple(
            BacktestSeries(
                channel=each.channel,
                market=each.market,
                observed=_money(rolled.observed[:, i], each.unit),
                forecast=_money(rolled.forecast[:, i], each.unit),
                naive={k: _money(v[:, i], each.unit) for k, v in rolled.naive.items()},
            )
            for i, each in enumerate(series)
        ),
        error=rolled.error(rolled.forecast) if whole else None,
        naive_errors={k: rolled.error(v) for k, v in rolled.naive.items()} if whole else {},
    )


def _effectiveness(subject: Subject) -> list[Effectiveness]:
    """ROAS at mean spend by period, with its band, where effectiveness may drift."""
    posterior = subject.posterior
    if not isinstance(posterior.mode.problem, AggregateProblem):
        return []
    found = course(posterior)
    if found is None:
        return []
    effects = posterior.mode.problem.shapes(posterior.mode.parameters)[:, 0]
    now = np.exp(effects) * subject.units / subject.spend.mean(axis=0)
    low, mid, high = (np.exp(found.mean + z * found.sd) * now for z in (-NINETY, 0.0, NINETY))
    return [
        Effectiveness(
            channel=channel,
            roas=float(now[i]),
            mean=_rounded(mid[:, i]),
            p05=_rounded(low[:, i]),
            p95=_rounded(high[:, i]),
        )
        for i, channel in enumerate(subject.channels)
    ]


def _money(values: FloatArray, unit: float) -> tuple[float, ...]:
    """Revenue in currency, to the cent."""
    return tuple(np.round(values * unit, 2).tolist())


def _rounded(values: FloatArray) -> tuple[float, ...]:
    """Ratios to four digits after the point: for plots."""
    return tuple(np.round(values, 4).tolist())
