"""Markets whose truth is known, hard enough to tell good advice from bad.

Three to ten channels; half of the curves are not Hill; spends move together; in a third of the
markets spend follows demand; noise hangs together in time and has outliers. Everything follows
from one seed. The curves, and how far spend may move, are known: so is the money advice earns.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.signal import lfilter

from optimizer import model
from optimizer.history import Control, History, Spacing
from optimizer.lift_tests import LiftTest

FloatArray = npt.NDArray[np.float64]

NAMES = ("tv", "search", "social", "print", "radio", "outdoor", "audio", "banner", "video", "mail")

Form = Callable[[FloatArray, float, float], FloatArray]

#: What becomes of spend (n_periods, n_channels), burn-in included, before it earns anything.
Habit = Callable[[FloatArray], FloatArray]


def _threshold(u: FloatArray, bend: float, slope: float) -> FloatArray:
    """Nothing up to a threshold, then Michaelis-Menten."""
    above = np.maximum(u - slope, 0.0)
    return np.asarray(above / (above + bend))


def _s_shaped(u: FloatArray, bend: float, slope: float) -> FloatArray:
    """Gompertz growth, from zero."""
    return np.asarray(np.exp(-slope * np.exp(-u / bend)) - np.exp(-slope))


#: Shape -> (multiples of usual spend, bend, slope) -> response, before scaling.
FORMS: dict[str, Form] = {
    "hill": lambda u, bend, slope: np.asarray(u**slope / (u**slope + bend**slope)),
    "exponential": lambda u, bend, _: -np.expm1(-u / bend),
    "log": lambda u, bend, _: np.log1p(u / bend),
    "power": lambda u, _, slope: np.asarray(u**slope),
    "logistic": lambda u, bend, _: np.tanh(u / bend / 2),
    "threshold": _threshold,
    "s_shaped": _s_shaped,
}
OTHER_SHAPES = tuple(FORMS)[1:]

#: How far spend may move, as multiples of the current split.
MOVES = ((0.7, 1.3), (0.5, 1.5), (0.0, 2.0), (0.0, 3.0))


@dataclass(frozen=True, slots=True)
class _Kind:
    """How hard a family of markets is; ranges are drawn from, one value a market."""

    unrest: tuple[float, float]  # sd of the log of demand, which no column of a history shows
    liveliness: tuple[float, float]  # sd of the log of spend, beside seasons and demand
    roas_sd: float  # sd of the log of ROAS between channels


#: Platforms are budgeted steadily and on similar returns; campaigns come and go (the weekly
#: histories published with open tools vary by 0.3 to 2 times their mean).
ATTRIBUTED = _Kind(unrest=(0.05, 0.15), liveliness=(0.1, 0.4), roas_sd=0.35)
NATIONAL = _Kind(unrest=(0.02, 0.08), liveliness=(0.3, 1.0), roas_sd=0.7)

#: Correlation of the log of spend with demand where spend follows it.
FOLLOWING = (0.3, 0.6)

#: Range of the log of noise, as a share of revenue: 3 to 15 %.
LOG_NOISE = (float(np.log(0.03)), float(np.log(0.15)))

#: Periods simulated before the history begins, so that carryover is under way.
BURN_IN = 60
FIRST_DATE = "2022-01-03"


@dataclass(frozen=True, slots=True)
class TrueCurve:
    """A response curve that is known: ``effect`` is earned at the spend ``usual``."""

    shape: str  # "hill" or one of OTHER_SHAPES
    usual: float  # currency per period
    effect: float  # currency per period
    bend: float  # the shape's first parameter, in multiples of usual spend
    slope: float  # the shape's second parameter, if it has one

    def __call__(self, spend: npt.ArrayLike) -> FloatArray:
        """Incremental revenue at steady spend, both in currency per period."""
        scaled = np.asarray(spend, dtype=np.float64) / self.usual
        return np.asarray(self.effect * self._form(scaled) / self._form(np.array(1.0)))

    def _form(self, u: FloatArray) -> FloatArray:
        """The shape before scaling, at multiples of usual spend."""
        return np.asarray(FORMS[self.shape](u, self.bend, self.slope))

    def document(self) -> model.Curve:
        """The curve as a Model document holds it; a fine table where no family fits."""
        top = float(self.effect / self._form(np.array(1.0)))
        scale = self.bend * self.usual
        if self.shape == "hill":
            return model.Hill(ceiling=top, half_saturation=scale, slope=self.slope)
        if self.shape == "exponential":
            return model.Exponential(ceiling=top, rate=1 / scale)
        if self.shape == "log":
            return model.Log(scale=top, rate=1 / scale)
        if self.shape == "power":
            return model.Power(scale=top * self.usual**-self.slope, exponent=self.slope)
        if self.shape == "logistic":
            return model.Logistic(ceiling=top, rate=1 / scale)
        spend = np.linspace(0.0, 6.0 * self.usual, 241)
        return model.Table(spend=spend.tolist(), response=self(spend).tolist())


class KnownCurve(Protocol):
    """A response that is known, of one channel."""

    def __call__(self, spend: npt.ArrayLike) -> FloatArray:
        """Incremental revenue at steady spend, both in currency per period."""

    def document(self) -> model.Curve:
        """The curve as a Model document holds it."""


@dataclass(frozen=True, slots=True)
class Market:
    """A history and the truth behind it."""

    history: History
    curves: tuple[KnownCurve, ...]
    retention: FloatArray | None  # (n_channels,), share per period; None: no carryover
    moves: tuple[float, float]  # least and most, as multiples of the current split
    endogenous: bool  # spend follows demand
    lift_tests: tuple[LiftTest, ...] = ()

    @property
    def current(self) -> FloatArray:
        """Mean spend of the last year, (n_channels,), currency per period."""
        last_year = round(self.history.spacing.periods_per_year)
        return np.asarray(self.history.spend[0, -last_year:].mean(axis=0))

    def responses(self, spend: FloatArray) -> FloatArray:
        """Incremental revenue of each channel at steady spend, of the shape of spend."""
        each = [curve(spend[..., i]) for i, curve in enumerate(self.curves)]
        return np.stack(each, axis=-1)

    @property
    def truth(self) -> model.Model:
        """The curves as a hand-written Model."""
        largest = self.history.spend[0].max(axis=0)
        channels = [
            model.ModelChannel(
                channel=name,
                history_spend_per_period=float(self.current[i]),
                history_largest_spend=float(largest[i]),
                curve=self.curves[i].document(),
                carryover=None
                if self.retention is None
                else model.Carryover(retention=float(self.retention[i])),
            )
            for i, name in enumerate(self.history.channels)
        ]
        return model.Model(
            currency=self.history.currency, period=self.history.spacing.value, channels=channels
        )


def attributed_market(
    seed: int,
    *,
    n_channels: int | None = None,
    n_periods: int | None = None,
    spacing: Spacing | None = None,
) -> Market:
    """A market with revenue known per channel and period, without carryover.

    Parameters
    ----------
    seed : int
        Of everything that is not stated.
    n_channels, n_periods : int, optional
        Otherwise 3 to 10 channels over 104-156 weeks or 90-365 days.
    spacing : Spacing, optional
        Otherwise days or weeks.
    """
    rng = np.random.default_rng([1, seed])
    spacing = spacing or (Spacing.DAY if rng.random() < 0.5 else Spacing.WEEK)
    span = (90, 365) if spacing is Spacing.DAY else (104, 156)
    world = _World.drawn(
        rng,
        spacing,
        ATTRIBUTED,
        n_channels,
        n_periods or int(rng.integers(*span, endpoint=True)),
    )
    earned = np.stack([c(world.spend[:, i]) for i, c in enumerate(world.curves)], axis=1)
    size = np.exp(rng.uniform(*LOG_NOISE, world.spend.shape[1]))
    shocks = size * autocorrelated(rng, world.spend.shape, rng.uniform(0.0, 0.5))
    expected = earned * world.season[:, None]
    typical = earned.mean(axis=0)
    spread = np.sqrt(np.maximum(expected, 0.05 * typical) * typical)  # grows as the root of revenue
    wild = np.where(rng.random(shocks.shape) < 0.015, rng.uniform(0.3, 2.5, shocks.shape), 1.0)
    revenue = np.maximum((expected + shocks * spread) * wild, 0.0)[BURN_IN:]
    return world.market(rng, "attributed", revenue[None], retention=None)


def national_market(
    seed: int,
    *,
    n_channels: int | None = None,
    n_periods: int | None = None,
    habit: Habit | None = None,
) -> Market:
    """A market with one weekly revenue series, several spends and carryover.

    Media earns 15-50 % of revenue; the baseline has a trend, seasons and, in half of the
    markets, promotions that the history tells about. Demand is not in the history.

    Parameters
    ----------
    seed : int
        Of everything that is not stated.
    n_channels, n_periods : int, optional
        Otherwise 3 to 10 channels over 104-156 weeks.
    habit : callable, optional
        Makes another spend of the one drawn; its mean should stay.
    """
    rng = np.random.default_rng([2, seed])
    world = _World.drawn(
        rng,
        Spacing.WEEK,
        NATIONAL,
        n_channels,
        n_periods or int(rng.integers(104, 156, endpoint=True)),
    )
    if habit is not None:
        world = dataclasses.replace(world, spend=habit(world.spend))
    retention = rng.uniform(0.0, 0.75, len(world.curves))
    felt = np.stack(
        [lfilter([1 - r], [1, -r], world.spend[:, i]) for i, r in enumerate(retention)], axis=1
    )
    media = sum(c(felt[:, i]) for i, c in enumerate(world.curves))
    share = rng.uniform(0.15, 0.5)
    level = float(np.mean(media)) / share
    years = (np.arange(len(felt)) - len(felt) / 2) / 52.18
    baseline = (1 - share) * level * world.season * (1 + rng.normal(0.0, 0.08) * years)
    promotion = (rng.random(len(felt)) < 0.08) * float(rng.random() < 0.5)
    shocks = np.exp(rng.uniform(*LOG_NOISE)) * autocorrelated(
        rng, (len(felt), 1), rng.uniform(0.0, 0.6)
    )
    wild = (rng.random(len(felt)) < 0.015) * rng.normal(0.0, 0.3, len(felt))
    noise = level * (shocks[:, 0] + wild + rng.uniform(0.05, 0.15) * promotion)
    revenue = np.maximum(baseline + media + noise, 0.05 * level)[BURN_IN:]
    flags = np.asarray(promotion[None, BURN_IN:], np.float64)
    controls = (Control("promotion", "promotion", flags),) if flags.any() else ()
    return world.market(rng, "aggregate", revenue[None], retention=retention, controls=controls)


@dataclass(frozen=True, slots=True)
class _World:
    """What both kinds of market are made of; series include the burn-in."""

    spacing: Spacing
    spend: FloatArray  # (BURN_IN + n_periods, n_channels), currency per period
    season: FloatArray  # (BURN_IN + n_periods,), season times demand, about 1
    curves: tuple[TrueCurve, ...]
    endogenous: bool

    @classmethod
    def drawn(
        cls,
        rng: np.random.Generator,
        spacing: Spacing,
        kind: _Kind,
        n_channels: int | None,
        n_periods: int,
    ) -> _World:
        """Spend, seasons and curves at random."""
        count, length = n_channels or int(rng.integers(3, 10, endpoint=True)), BURN_IN + n_periods
        demand = rng.uniform(*kind.unrest) * autocorrelated(rng, (length, 1), 0.85)[:, 0]
        days = np.arange(length) * {"day": 1.0, "week": 7.0, "month": 30.4}[spacing.value]
        wave = np.sin(2 * np.pi * (days / 365.25 + rng.random()))
        log_season = rng.uniform(0.05, 0.3) * wave + demand
        if spacing is Spacing.DAY:
            log_season += rng.normal(0.0, 0.12, 7)[np.arange(length) % 7]
        season = np.exp(log_season)
        season /= season[BURN_IN:].mean()
        endogenous = bool(rng.random() < 1 / 3)
        spend = _correlated_spend(rng, length, count, kind.liveliness)
        if endogenous:
            spend *= np.exp(following(demand, spend, rng.uniform(*FOLLOWING)))
        spend *= np.exp(rng.uniform(0.0, 0.8, count) * wave[:, None])
        usual = rng.lognormal(0.0, 0.6, count) * 10_000
        spend *= usual / spend[BURN_IN:].mean(axis=0)
        roas = np.exp(np.log(1.5) + rng.normal(0, 0.5) + rng.normal(0, kind.roas_sd, count))
        curves = tuple(
            random_curve(rng, float(u), float(u * r)) for u, r in zip(usual, roas, strict=True)
        )
        return cls(spacing, spend, season, curves, endogenous)

    def market(
        self,
        rng: np.random.Generator,
        layout: str,
        revenue: FloatArray,
        *,
        retention: FloatArray | None,
        controls: tuple[Control, ...] = (),
    ) -> Market:
        """The market with this revenue, the burn-in left out."""
        spend = self.spend[None, BURN_IN:]
        history = History(
            layout="attributed" if layout == "attributed" else "aggregate",
            spacing=self.spacing,
            dates=calendar(self.spacing, spend.shape[1]),
            channels=NAMES[: spend.shape[2]],
            markets=(None,),
            spend=spend,
            revenue=revenue,
            controls=controls,
            currency="EUR",
        )
        numbers = hashlib.sha256(spend.tobytes() + revenue.tobytes()).hexdigest()
        history = dataclasses.replace(history, content_hash=f"sha256:{numbers}")
        moves = MOVES[int(rng.integers(len(MOVES)))]
        return Market(history, self.curves, retention, moves, self.endogenous)


def following(demand: FloatArray, spend: FloatArray, correlation: float) -> FloatArray:
    """What to add to the log of spend (n_periods, n_channels) so that it follows demand."""
    active = np.where(spend > 0.0, spend, np.nan)
    own = np.nanstd(np.log(active), axis=0)
    strength = correlation / np.sqrt(1.0 - correlation**2)
    standard = (demand - demand.mean()) / demand.std()
    return np.asarray(strength * own * standard[:, None])


def random_curve(rng: np.random.Generator, usual: float, effect: float) -> TrueCurve:
    """A curve at random: Hill in half of the cases, else one of six others."""
    hill = rng.random() < 0.5
    shape = "hill" if hill else str(rng.choice(OTHER_SHAPES))
    bend, slope = {
        "hill": (rng.lognormal(0.3, 0.6), rng.lognormal(0.15, 0.35)),
        "exponential": (rng.uniform(0.4, 2.5), 1.0),
        "log": (rng.uniform(0.1, 2.0), 1.0),
        "power": (1.0, rng.uniform(0.25, 0.8)),
        "logistic": (rng.uniform(0.25, 1.0), 1.0),
        "threshold": (rng.uniform(0.3, 2.0), rng.uniform(0.1, 0.5)),
        "s_shaped": (rng.uniform(0.3, 1.0), rng.uniform(1.5, 5.0)),
    }[shape]
    return TrueCurve(shape, usual, effect, float(bend), float(slope))


def autocorrelated(
    rng: np.random.Generator, shape: tuple[int, ...], correlation: float
) -> FloatArray:
    """Standard normal noise, each period's correlated with the one before."""
    fresh = rng.standard_normal(shape) * np.sqrt(1 - correlation**2)
    fresh[0] /= np.sqrt(1 - correlation**2)
    return np.asarray(lfilter([1.0], [1.0, -correlation], fresh, axis=0))


def _correlated_spend(
    rng: np.random.Generator, length: int, count: int, liveliness: tuple[float, float]
) -> FloatArray:
    """Spends that move together, correlation 0.2 to 0.6, some of them pausing at times."""
    together = rng.uniform(0.2, 0.6)
    common = autocorrelated(rng, (length, 1), 0.5)
    own = autocorrelated(rng, (length, count), 0.5)
    moves = np.sqrt(together) * common + np.sqrt(1 - together) * own
    spend = np.exp(rng.uniform(*liveliness, count) * moves)
    pauses = (rng.random(count) < 0.2) & (rng.random((length // 4 + 1, count)) < 0.25)
    return np.asarray(np.where(np.repeat(pauses, 4, axis=0)[:length], 0.0, spend))


def calendar(spacing: Spacing, count: int) -> pd.DatetimeIndex:
    """Dates of a history's periods."""
    step = {"day": "D", "week": "7D", "month": "MS"}[spacing.value]
    return pd.date_range(FIRST_DATE, periods=count, freq=step)
