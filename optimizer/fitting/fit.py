"""From a History to a Model: one call, the same answer for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from optimizer.fitting.admission import refuse_unfit
from optimizer.fitting.aggregate import AggregateProblem
from optimizer.fitting.attributed import AttributedProblem
from optimizer.fitting.incrementality import Factors, incremental, refuse_factors
from optimizer.fitting.market import fit_market
from optimizer.fitting.priors import Beliefs, channel_priors
from optimizer.fitting.remarks import left_out, remarks
from optimizer.history import History
from optimizer.model import Diagnostic, FitRecord, Model, ModelChannel

PriorEdits = Mapping[str, Mapping[str, tuple[float, float]]]
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
    seed: int = 1,
    draws: int = 400,
    progress: Progress = _unheard,
) -> Model:
    """Response curves of every channel (and market) with draws from their posterior.

    Parameters
    ----------
    history : History
        Attributed: one curve per channel and market, without carryover. Aggregate: one market.
    priors : mapping, optional
        Channel -> parameter -> pair, laid over the defaults: ``roas``, ``half_saturation`` (in
        multiples of mean spend) and ``slope`` as median and sd of the log, ``retention`` as mean
        and sd of the logit per week.
    incrementality : mapping, optional
        Channel -> mean and sd of the factor that turns its attributed revenue into incremental
        revenue; its curve is multiplied by it, draw by draw.
    seed : int
        Of the starts and the draws: the same seed gives the same Model.
    draws : int
        Draws per parameter; 0 gives the single most plausible curve instead.
    progress : callable, optional
        Told the share done, from 0 to 1, as the fit goes on.

    Returns
    -------
    Model
        Hill curves, money per period; diagnostics in ``fit.diagnostics``.

    Raises
    ------
    FitError
        The history cannot carry a fit; the text says what to do.
    DocumentError
        An edit of the priors, or a factor, names something unknown or is no pair of numbers.

    References
    ----------
    .. [1] Jin et al. (2017), Bayesian Methods for Media Mix Modeling with Carryover and Shape
       Effects.
    """
    refuse_unfit(history)
    refuse_factors(history, incrementality or {})
    beliefs = channel_priors(history, priors)
    channels, found = _market_by_market(history, beliefs, seed, draws, progress)
    factors = incrementality or {}
    channels = incremental(channels, factors, draws, np.random.default_rng(seed))
    found = remarks(history, beliefs, factors) + found
    record = _record(history, beliefs, seed=seed, draws=draws, diagnostics=found)
    return Model(
        currency=history.currency, period=history.spacing.value, channels=channels, fit=record
    )


def _market_by_market(
    history: History, beliefs: Beliefs, seed: int, draws: int, progress: Progress
) -> tuple[list[ModelChannel], list[Diagnostic]]:
    """Curves and diagnostics of markets that know nothing of each other."""
    roots = np.random.default_rng(seed).spawn(len(history.markets))
    channels: list[ModelChannel] = []
    found: list[Diagnostic] = []
    for market, rng in enumerate(roots):
        progress(market / len(roots))
        fitted = fit_market(history, market, beliefs, rng)
        progress((market + FITTING_SHARE) / len(roots))
        if fitted is None:
            found += [left_out(channel, history.markets[market]) for channel in history.channels]
            continue
        channels += fitted.curves(draws)
        found += fitted.diagnostics()
    progress(1.0)
    return channels, found


def _record(
    history: History, beliefs: Beliefs, *, seed: int, draws: int, diagnostics: list[Diagnostic]
) -> FitRecord:
    """What the Model rests on."""
    problem = AggregateProblem if history.layout == "aggregate" else AttributedProblem
    return FitRecord(
        layout=history.layout,
        history=history.content_hash,
        first_date=str(history.dates[0].date()),
        last_date=str(history.dates[-1].date()),
        n_periods=len(history.dates),
        seed=seed,
        draws=draws,
        likelihood_power=problem.likelihood_power,
        priors=beliefs.by_channel,
        diagnostics=tuple(diagnostics),
    )
