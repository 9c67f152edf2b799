"""From a History to a Model: one call, the same answer for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from optimizer.fit_report import FitReport, MarketReport
from optimizer.fitting.admission import refuse_unfit
from optimizer.fitting.aggregate import AggregateProblem
from optimizer.fitting.attributed import AttributedProblem
from optimizer.fitting.calibration import calibrated
from optimizer.fitting.choice import Chosen, PriorEdits, candidates, choose
from optimizer.fitting.incrementality import Factors, incremental, refuse_factors
from optimizer.fitting.lift_verdicts import heard
from optimizer.fitting.market import fit_market
from optimizer.fitting.panel_market import fit_panel, is_panel
from optimizer.fitting.remarks import left_out, remarks
from optimizer.history import History
from optimizer.lift_tests import LiftTest, check_lift_tests, lift_tests_hash
from optimizer.model import Diagnostic, FitRecord, Model, ModelChannel, ResidualNoise

Progress = Callable[[float], None]

#: Share of a market's time that finding its curves takes; the diagnostics take the rest.
FITTING_SHARE = 0.5


def _unheard(_: float) -> None:
    """Progress that nobody asked for."""


def fit(  # noqa: PLR0913  (one keyword for each option)
    history: History,
    *,
    priors: PriorEdits | None = None,
    incrementality: Factors | None = None,
    lift_tests: Sequence[LiftTest] | None = None,
    curve: str = "hill",
    carryover: str = "geometric",
    baseline: str = "trend",
    drift: float = 0.0,
    response: str = "revenue",
    seed: int = 1,
    draws: int = 400,
    progress: Progress = _unheard,
    report: Callable[[FitReport], None] | None = None,
) -> Model:
    """Response curves of every channel (and market) with draws from their posterior.

    Parameters
    ----------
    history : History
        Attributed: one curve per channel and market, without carryover. Aggregate: one market, or
        a geo panel of several, with one curve per channel and head and each market's own strength.
    priors : mapping, optional
        Channel -> parameter -> pair, laid over the defaults: ``roas``, ``half_saturation`` (in
        multiples of mean spend), ``slope`` and ``delay`` (weeks) as median and sd of the log,
        ``retention`` per week and ``exponent`` as mean and sd of the logit.
    incrementality : mapping, optional
        Channel -> mean and sd of the factor that turns its attributed revenue into incremental
        revenue; its curve is multiplied by it, draw by draw.
    lift_tests : sequence of LiftTest, optional
        Finished tests, each one more residual at full weight. Of attributed curves they say how
        much of the attributed revenue is incremental.
    curve : {"hill", "exponential", "logistic", "log", "power", "auto"}
        Family of all curves. ``auto``: the one that clearly forecasts better than Hill, if any.
    carryover : {"geometric", "peaked", "auto"}
        Of aggregate histories of one market; ``peaked``: effects arrive after a delay.
    baseline : {"trend", "smooth"}
        ``smooth`` adds a course of 3 % over 10 weeks to trend and seasons; aggregate, one market.
    drift : float
        Standard deviation by which the log of every channel's effectiveness wanders, per root
        week, such as 0.01; the curves are then today's. Aggregate, one market.
    response : {"revenue", "customers"}
        What the curves earn: revenue, or the new customers an attributed history counts.
    seed : int
        Of the starts and the draws: the same seed gives the same Model.
    draws : int
        Draws per parameter; 0 gives the single most plausible curve instead.
    progress : callable, optional
        Told the share done, from 0 to 1, as the fit goes on.
    report : callable, optional
        Given the FitReport: residuals, priors against posteriors, pairs of channels, the back-test
        and, where it may drift, effectiveness over time.

    Returns
    -------
    Model
        Curves, money per period; diagnostics in ``fit.diagnostics``.

    Raises
    ------
    FitError
        The history cannot carry a fit; the text says what to do.
    HistoryError
        New customers are asked for, and the history counts none.
    UnusableTestsError
        Lift tests that cannot be meant or are not of this history, every fault at once.
    DocumentError
        An edit of the priors, a factor or another option names something unknown or means nothing.

    References
    ----------
    .. [1] Jin et al. (2017), Bayesian Methods for Media Mix Modeling with Carryover and Shape
       Effects.
    """
    history = history.counting(response)
    refuse_unfit(history)
    refuse_factors(history, incrementality or {})
    check_lift_tests(lift_tests or (), history)
    open_to = candidates(history, curve=curve, carryover=carryover, baseline=baseline, drift=drift)
    choice, factors = choose(history, open_to, priors, seed), incrementality or {}
    beliefs = choice.beliefs
    tests, unheard = heard(lift_tests or (), history)
    chosen = _Chosen(choice, tests, seed, draws, report is not None)
    take = _as_a_panel if is_panel(history) else _market_by_market
    fitted = take(history, chosen, progress)
    rng = np.random.default_rng(seed)
    if history.layout == "attributed" and tests:
        channels, told = calibrated(fitted.channels, tests, factors, history, rng)
        told = remarks(history, beliefs, None) + told
    else:
        channels = incremental(fitted.channels, factors, draws, rng)
        told = remarks(history, beliefs, factors)
    told += choice.remarks
    if response == "customers":  # spend and customers are never in one unit
        told = [note for note in told if note.code != "spend_unit"]
    if report is not None:
        report(_report(history, fitted.reports))
    fitted = replace(fitted, diagnostics=[*told, *unheard, *fitted.diagnostics])
    return Model(
        currency=history.currency,
        period=history.spacing.value,
        counts="customers" if response == "customers" else None,
        channels=channels,
        fit=_record(history, chosen, fitted),
    )


@dataclass(frozen=True)
class _Chosen:
    """What a fit goes by, beside the history."""

    choice: Chosen
    tests: tuple[LiftTest, ...]
    seed: int
    draws: int
    is_reported: bool


@dataclass(frozen=True)
class _Fitted:
    """Curves, what is to be said of them, what they leave unexplained, and the data behind."""

    channels: list[ModelChannel]
    diagnostics: list[Diagnostic]
    noise: list[ResidualNoise]
    reports: list[MarketReport]
    likelihood_power: float | None = None  # None: the usual one of the layout


def _market_by_market(history: History, chosen: _Chosen, progress: Progress) -> _Fitted:
    """Fits of markets that know nothing of each other."""
    roots = np.random.default_rng(chosen.seed).spawn(len(history.markets))
    whole = _Fitted([], [], [], [])
    for market, rng in enumerate(roots):
        progress(market / len(roots))
        fitted = fit_market(history, market, chosen.choice.beliefs, rng, chosen.tests)
        progress((market + FITTING_SHARE) / len(roots))
        if fitted is None:
            name = history.markets[market]
            whole.diagnostics.extend(left_out(channel, name) for channel in history.channels)
            continue
        whole.channels.extend(fitted.curves(chosen.draws))
        whole.diagnostics.extend(fitted.diagnostics())
        whole.noise.extend(fitted.noise())
        if chosen.is_reported:
            whole.reports.append(fitted.report(history, chosen.choice.beliefs))
    progress(1.0)
    return whole


def _as_a_panel(history: History, chosen: _Chosen, progress: Progress) -> _Fitted:
    """One fit of all markets of an aggregate history."""
    progress(0.0)
    rng = np.random.default_rng(chosen.seed)
    fitted = fit_panel(history, chosen.choice.beliefs, rng, chosen.tests)
    progress(FITTING_SHARE)
    reports = [fitted.report(chosen.choice.beliefs)] if chosen.is_reported else []
    whole = _Fitted(
        fitted.curves(chosen.draws),
        fitted.diagnostics(),
        fitted.noise(),
        reports,
        fitted.posterior.mode.problem.likelihood_power,
    )
    progress(1.0)
    return whole


def _report(history: History, markets: list[MarketReport]) -> FitReport:
    """What lies behind the fits of a history."""
    return FitReport(
        history=history.content_hash,
        currency=history.currency,
        period=history.spacing.value,
        markets=tuple(markets),
    )


def _record(history: History, chosen: _Chosen, fitted: _Fitted) -> FitRecord:
    """What the Model rests on."""
    problem = AggregateProblem if history.layout == "aggregate" else AttributedProblem
    return FitRecord(
        layout=history.layout,
        history=history.content_hash,
        first_date=str(history.dates[0].date()),
        last_date=str(history.dates[-1].date()),
        n_periods=len(history.dates),
        seed=chosen.seed,
        draws=chosen.draws,
        likelihood_power=fitted.likelihood_power or problem.likelihood_power,
        priors=chosen.choice.beliefs.by_channel,
        structure=chosen.choice.record,
        lift_tests=lift_tests_hash(chosen.tests) if chosen.tests else None,
        noise=tuple(fitted.noise),
        diagnostics=tuple(fitted.diagnostics),
    )
