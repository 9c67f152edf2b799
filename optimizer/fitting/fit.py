"""From a History to a Model: one call, the same answer for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.errors import FitError
from optimizer.fitting.aggregate import WEEKS, AggregateProblem
from optimizer.fitting.attributed import AttributedProblem, attributed_units
from optimizer.fitting.diagnostics import Subject, diagnose
from optimizer.fitting.mode import find_mode
from optimizer.fitting.posterior import Posterior
from optimizer.fitting.priors import Beliefs, channel_priors
from optimizer.history import History
from optimizer.model import Carryover, Diagnostic, FitRecord, Hill, Model, ModelChannel

FloatArray = npt.NDArray[np.float64]

#: Fewer periods than this say nothing about a curve.
FEWEST_PERIODS = 30

PriorEdits = Mapping[str, Mapping[str, tuple[float, float]]]
Progress = Callable[[float], None]

#: Share of a market's time that finding its curves takes; the diagnostics take the rest.
FITTING_SHARE = 0.5


def _unheard(_: float) -> None:
    """Progress that nobody asked for."""


def fit(
    history: History,
    *,
    priors: PriorEdits | None = None,
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
        An edit of the priors names something unknown or is no pair of numbers.

    References
    ----------
    .. [1] Jin et al. (2017), Bayesian Methods for Media Mix Modeling with Carryover and Shape
       Effects.
    """
    _check(history)
    beliefs = channel_priors(history, priors)
    roots = np.random.default_rng(seed).spawn(len(history.markets))
    channels, found = [], _about_the_whole(history, beliefs)
    for market, rng in enumerate(roots):
        progress(market / len(roots))
        fitted = _fit_market(history, market, beliefs, rng)
        progress((market + FITTING_SHARE) / len(roots))
        if fitted is None:
            found += [_silent(channel, history.markets[market]) for channel in history.channels]
            continue
        channels += _curves(fitted, history, draws)
        found += _left_out(fitted, history) + diagnose(fitted.subject, fitted.rng)
    progress(1.0)
    record = _record(history, beliefs, seed=seed, draws=draws, diagnostics=found)
    return Model(
        currency=history.currency, period=history.spacing.value, channels=channels, fit=record
    )


@dataclass(frozen=True)
class _Fitted:
    """One market, fitted."""

    posterior: Posterior[AggregateProblem] | Posterior[AttributedProblem]
    subject: Subject
    keep: npt.NDArray[np.intp]  # channels with spend
    market: int
    rng: np.random.Generator


def _check(history: History) -> None:
    """Refuse what no fit can carry."""
    if history.layout == "aggregate" and len(history.markets) > 1:
        raise FitError(
            f"This history holds {len(history.markets)} markets with one revenue series each. "
            "A geo panel is not built yet: fit one market per file, or the sum over the markets."
        )
    if len(history.dates) < FEWEST_PERIODS:
        raise FitError(
            f"A history of {len(history.dates)} periods is too short for curves: bring at least "
            f"{FEWEST_PERIODS}, better 60, or a finer spacing."
        )
    if not (np.isfinite(history.spend).all() and np.isfinite(history.revenue).all()):
        raise FitError(
            "The history holds gaps or infinite numbers. Fill them or leave the periods out."
        )
    for control in history.controls:
        if not np.isfinite(control.values).all():
            raise FitError(
                f'The control "{control.name}" holds gaps or infinite numbers. '
                "Fill them, or leave the control out."
            )
    _check_money(history)


def _check_money(history: History) -> None:
    """Refuse spend and revenue, all numbers, that mean nothing."""
    if (history.spend < 0).any():
        raise FitError("The history holds negative spend. Book refunds as less spend, not below 0.")
    if history.spend.sum() <= 0:
        raise FitError("No channel has any spend. Check which columns hold the spend.")
    if history.revenue.sum() <= 0:
        raise FitError("There is no revenue to explain. Check which column holds the revenue.")


def _fit_market(
    history: History, market: int, beliefs: Beliefs, rng: np.random.Generator
) -> _Fitted | None:
    """Fit one market; None where it has no spend or no revenue."""
    keep = np.flatnonzero(history.spend[market].sum(axis=0) > 0)
    if keep.size == 0 or history.revenue[market].sum() <= 0:
        return None
    search, later = rng.spawn(2)
    posterior: Posterior[AggregateProblem] | Posterior[AttributedProblem]
    if history.layout == "aggregate":
        aggregate = AggregateProblem.of(history, market, keep, beliefs)
        posterior = Posterior.around(find_mode(aggregate, search))
        units = np.full(keep.size, history.revenue[market].mean())
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
    )
    return _Fitted(posterior, subject, keep, market, later)


def _curves(fitted: _Fitted, history: History, draws: int) -> list[ModelChannel]:
    """The curves of one market as the Model document holds them."""
    posterior, subject = fitted.posterior, fitted.subject
    drawn = posterior.draws(draws, fitted.rng.spawn(1)[0]) if draws else posterior.mode.parameters
    shapes = posterior.shapes(drawn)
    slope = np.exp(shapes[..., 2])
    ceiling = subject.units * np.exp(shapes[..., 0]) * (1 + np.exp(slope * shapes[..., 1]))
    half = subject.spend.mean(axis=0) * np.exp(shapes[..., 1])
    retention = _retention(posterior, shapes)
    last_year = subject.spend[-round(history.spacing.periods_per_year) :]
    return [
        ModelChannel(
            channel=channel,
            market=subject.market,
            history_spend_per_period=float(last_year[:, i].mean()),
            history_largest_spend=float(subject.spend[:, i].max()),
            recent_spend=last_year[:, i].tolist(),
            curve=Hill(
                ceiling=ceiling[..., i].tolist(),
                half_saturation=half[..., i].tolist(),
                slope=slope[..., i].tolist(),
            ),
            carryover=None
            if retention is None
            else Carryover(retention=retention[..., i].tolist()),
        )
        for i, channel in enumerate(subject.channels)
    ]


def _retention(
    posterior: Posterior[AggregateProblem] | Posterior[AttributedProblem], shapes: FloatArray
) -> FloatArray | None:
    """Retention per period, (..., n_channels), of models with carryover."""
    problem = posterior.mode.problem
    if isinstance(problem, AttributedProblem):
        return None
    return problem.retention(shapes.reshape(*shapes.shape[:-2], -1))


def _about_the_whole(history: History, beliefs: Beliefs) -> list[Diagnostic]:
    """What is true of the history as a whole."""
    found = []
    if history.layout == "attributed":
        found.append(
            Diagnostic(
                code="not_incremental",
                severity="warning",
                message="Attributed revenue is not incremental: part of it would have come "
                "without the spend. Test the largest channels before moving much money.",
            )
        )
    if not beliefs.same_currency:
        found.append(
            Diagnostic(
                code="spend_unit",
                severity="warning",
                message="Spend does not look like the revenue's currency: the belief about "
                "returns was taken from media's usual share of revenue. "
                "ROAS and ROMI mean little until both are in one currency.",
            )
        )
    return found


def _silent(channel: str, market: str | None) -> Diagnostic:
    """A channel left out because nothing was spent on it, or nothing came in."""
    return Diagnostic(
        code="left_out",
        channel=channel,
        market=market,
        severity="warning",
        message=f"{channel} has no spend, or its market no revenue, so it has no curve and "
        "is left out.",
    )


def _left_out(fitted: _Fitted, history: History) -> list[Diagnostic]:
    """The channels of a market that have no spend."""
    return [
        _silent(channel, history.markets[fitted.market])
        for i, channel in enumerate(history.channels)
        if i not in fitted.keep
    ]


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
