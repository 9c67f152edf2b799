"""Geo markets whose truth is known: one revenue series per market, and the same data as a total.

Ten to twenty markets of very different size share their curves per head, up to an effect size of
their own; half of the curves are not Hill. Spend moves by market and together; demand that no
column shows moves all markets in proportion to their baselines, and in a third of the worlds
spend follows it. Everything follows from one seed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from optimizer import model
from optimizer.history import History, Spacing
from optimizer.synthetic import (
    BURN_IN,
    FOLLOWING,
    LOG_NOISE,
    MOVES,
    NAMES,
    NATIONAL,
    Market,
    TrueCurve,
    autocorrelated,
    calendar,
    following,
    random_curve,
)

FloatArray = npt.NDArray[np.float64]

#: Standard deviation of the log of population, of spend per head, and of effects by market.
POPULATION_SD = 1.0
SPEND_SD = (0.2, 0.5)
EFFECT_SD = (0.1, 0.3)

#: Share of the variance of the log of spend that all markets have in common.
COMMON_SPEND = (0.1, 0.5)

TYPICAL_POPULATION = 500_000.0
TYPICAL_SPEND = 0.05  # currency per head and week
TABLE_POINTS = 241


@dataclass(frozen=True, slots=True)
class SpreadCurve:
    """A channel's response in all markets when its spend keeps its shares between them."""

    curves: tuple[TrueCurve, ...]
    shares: FloatArray  # (n_markets,), summing to 1
    usual: float  # currency per period

    def __call__(self, spend: npt.ArrayLike) -> FloatArray:
        """Incremental revenue at steady spend, both in currency per period."""
        total = np.asarray(spend, dtype=np.float64)
        each = [curve(share * total) for curve, share in zip(self.curves, self.shares, strict=True)]
        return np.asarray(np.sum(each, axis=0))

    def document(self) -> model.Curve:
        """The curve as a fine table."""
        spend = np.linspace(0.0, 6.0 * self.usual, TABLE_POINTS)
        return model.Table(spend=spend.tolist(), response=self(spend).tolist())


@dataclass(frozen=True)
class GeoMarket:
    """A geo history and the truth behind it; cells are ordered market by market."""

    history: History
    curves: tuple[tuple[TrueCurve, ...], ...]  # by market, then channel
    retention: FloatArray  # (n_channels,), share per period
    moves: tuple[float, float]  # least and most, as multiples of the current split
    endogenous: bool  # spend follows demand

    @property
    def current(self) -> FloatArray:
        """Mean spend of the last year, (n_cells,), currency per period."""
        last_year = round(self.history.spacing.periods_per_year)
        return np.asarray(self.history.spend[:, -last_year:].mean(axis=1).ravel())

    def responses(self, spend: FloatArray) -> FloatArray:
        """Incremental revenue of each cell at steady spend, both (..., n_cells)."""
        cells = [curve for market in self.curves for curve in market]
        return np.stack([curve(spend[..., i]) for i, curve in enumerate(cells)], axis=-1)

    @property
    def truth(self) -> model.Model:
        """The curves of all cells as a hand-written Model."""
        history, current = self.history, self.current.reshape(len(self.curves), -1)
        channels = [
            model.ModelChannel(
                channel=channel,
                market=market,
                history_spend_per_period=float(current[g, i]),
                history_largest_spend=float(history.spend[g, :, i].max()),
                curve=self.curves[g][i].document(),
                carryover=model.Carryover(retention=float(self.retention[i])),
            )
            for g, market in enumerate(history.markets)
            for i, channel in enumerate(history.channels)
        ]
        return model.Model(
            currency=history.currency, period=history.spacing.value, channels=channels
        )

    @cached_property
    def national(self) -> Market:
        """The same data summed over the markets, and its truth at the shares of the last year."""
        history = self.history
        total = replace(
            history,
            markets=(None,),
            spend=history.spend.sum(axis=0, keepdims=True),
            revenue=history.revenue.sum(axis=0, keepdims=True),
            population=None,
        )
        current = self.current.reshape(len(self.curves), -1)
        usual = current.sum(axis=0)
        curves = tuple(
            SpreadCurve(tuple(m[i] for m in self.curves), current[:, i] / usual[i], float(usual[i]))
            for i in range(len(history.channels))
        )
        return Market(total, curves, self.retention, self.moves, self.endogenous)


def geo_market(
    seed: int,
    *,
    n_markets: int | None = None,
    n_channels: int | None = None,
    n_periods: int | None = None,
    national_channels: int = 0,
) -> GeoMarket:
    """A weekly geo history: one revenue series per market, several spends, population.

    Parameters
    ----------
    seed : int
        Of everything that is not stated.
    n_markets, n_channels, n_periods : int, optional
        Otherwise 10 to 20 markets, 3 to 8 channels, 104 to 156 weeks.
    national_channels : int
        So many of the first channels spend the same per head everywhere.
    """
    rng = np.random.default_rng([3, seed])
    size = n_markets or int(rng.integers(10, 20, endpoint=True))
    count = n_channels or int(rng.integers(3, 8, endpoint=True))
    length = BURN_IN + (n_periods or int(rng.integers(104, 156, endpoint=True)))
    world = _Demand.drawn(rng, length, size)
    per_head = _spend(rng, world, size, count, national_channels)
    usual = per_head[:, BURN_IN:].mean(axis=(0, 1))
    roas = np.exp(np.log(1.5) + rng.normal(0, 0.5) + rng.normal(0, NATIONAL.roas_sd, count))
    common = [random_curve(rng, float(u), float(u * r)) for u, r in zip(usual, roas, strict=True)]
    effects = np.exp(rng.uniform(*EFFECT_SD, count) * rng.standard_normal((size, count)))
    retention = rng.uniform(0.0, 0.75, count)
    felt = np.stack(
        [lfilter([1 - r], [1, -r], per_head[..., i]) for i, r in enumerate(retention)], axis=2
    )
    media = sum(effects[:, i, None] * common[i](felt[..., i]) for i in range(count))
    revenue = _revenue(rng, world, np.asarray(media))
    population = TYPICAL_POPULATION * rng.lognormal(0.0, POPULATION_SD, size)
    history = History(
        layout="aggregate",
        spacing=Spacing.WEEK,
        dates=calendar(Spacing.WEEK, length - BURN_IN),
        channels=NAMES[:count],
        markets=tuple(f"region {g + 1}" for g in range(size)),
        spend=population[:, None, None] * per_head[:, BURN_IN:],
        revenue=population[:, None] * revenue[:, BURN_IN:],
        population=population,
        currency="EUR",
    )
    curves = tuple(
        tuple(
            replace(c, usual=p * c.usual, effect=float(p * c.effect * effects[g, i]))
            for i, c in enumerate(common)
        )
        for g, p in enumerate(population.tolist())
    )
    moves = MOVES[int(rng.integers(len(MOVES)))]
    return GeoMarket(history, curves, retention, moves, world.endogenous)


@dataclass(frozen=True, slots=True)
class _Demand:
    """What moves revenue and is not bought; series include the burn-in."""

    wave: FloatArray  # (length,), the season, about 0
    shocks: FloatArray  # (length,), common and hidden, about 0
    own: FloatArray  # (n_markets, length), of each market, hidden, about 0
    endogenous: bool

    @classmethod
    def drawn(cls, rng: np.random.Generator, length: int, size: int) -> _Demand:
        """Seasons and shocks at random."""
        angle = 2 * np.pi * (7.0 * np.arange(length) / 365.25 + rng.random())
        shocks = rng.uniform(*NATIONAL.unrest) * autocorrelated(rng, (length, 1), 0.85)[:, 0]
        own = rng.uniform(0.01, 0.04) * autocorrelated(rng, (length, size), 0.85).T
        return cls(np.sin(angle), shocks, own, bool(rng.random() < 1 / 3))


def _spend(
    rng: np.random.Generator, world: _Demand, size: int, count: int, national: int
) -> FloatArray:
    """Spend per head, (n_markets, length, n_channels), currency per week."""
    length = world.wave.size
    liveliness = rng.uniform(*NATIONAL.liveliness, count)
    shared = rng.uniform(*COMMON_SPEND, count)
    shared[:national] = 1.0
    together = rng.uniform(0.2, 0.6)
    across = autocorrelated(rng, (length, 1), 0.5)
    common = np.sqrt(together) * across
    common = common + np.sqrt(1 - together) * autocorrelated(rng, (length, count), 0.5)
    own = autocorrelated(rng, (length, size * count), 0.5).reshape(length, size, count)
    log_spend = liveliness * (
        np.sqrt(shared) * common[:, None] + np.sqrt(1 - shared) * own
    )  # period, market, channel
    if world.endogenous:
        follows = following(world.shocks, np.exp(log_spend.mean(axis=1)), rng.uniform(*FOLLOWING))
        log_spend = log_spend + follows[:, None]
    log_spend += rng.uniform(0.0, 0.8, count) * world.wave[:, None, None]
    level = rng.uniform(*SPEND_SD, count) * rng.standard_normal((size, count))
    level[:, :national] = 0.0
    spend = np.exp(log_spend + level)
    usual = TYPICAL_SPEND * rng.lognormal(0.0, 0.6, count)
    spend *= usual / spend[BURN_IN:].mean(axis=(0, 1))
    return np.ascontiguousarray(spend.transpose(1, 0, 2))


def _revenue(rng: np.random.Generator, world: _Demand, media: FloatArray) -> FloatArray:
    """Revenue per head of markets that earn this from media, both (n_markets, length)."""
    size, length = media.shape
    share = rng.uniform(0.15, 0.5)
    level = float(media.mean()) / share
    years = (np.arange(length) - length / 2) / Spacing.WEEK.periods_per_year
    season = rng.uniform(0.05, 0.3) * world.wave + world.shocks + rng.normal(0.0, 0.08) * years
    tilt = season + world.own + rng.normal(0.0, 0.03, (size, 1)) * years
    baseline = (1 - share) * level * rng.lognormal(0.0, 0.25, (size, 1)) * np.exp(tilt)
    sizes = np.exp(rng.uniform(*LOG_NOISE)) * rng.lognormal(0.0, 0.3, (size, 1))
    noise = sizes * autocorrelated(rng, (length, size), rng.uniform(0.0, 0.6)).T
    wild = (rng.random(media.shape) < 0.01) * rng.normal(0.0, 0.3, media.shape)
    return np.asarray(np.maximum(baseline + media + level * (noise + wild), 0.05 * level))
