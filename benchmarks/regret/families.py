"""The families of markets: what is fitted, what is planned, and whom it is held against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from benchmarks.regret.peers import least_squares, ridge_search
from benchmarks.regret.seeds import EXPERIMENTS_SHIFT, HARD_SHIFT
from optimizer.fitting.fit import fit
from optimizer.history import History
from optimizer.model import Model, ModelChannel, Table
from optimizer.synthetic import Market, attributed_market, national_market
from optimizer.synthetic_experiments import market_with_tests
from optimizer.synthetic_geo import geo_market
from optimizer.synthetic_hard import hard_market, hardship_of

FloatArray = npt.NDArray[np.float64]
Fit = Callable[[], Model]

OURS, POINT = "ours", "point"
LEAST_SQUARES, RIDGE = "least squares", "ridge search"
NO_TESTS, TOTAL = "without the tests", "national total"

POINTS = 97  # of a channel's curve over all markets
LEAST_REACH = 4.0  # multiples of current spend


class Ground(Protocol):
    """A market whose truth is known, cell by cell."""

    @property
    def history(self) -> History: ...
    @property
    def moves(self) -> tuple[float, float]: ...
    @property
    def endogenous(self) -> bool: ...
    @property
    def current(self) -> FloatArray: ...
    @property
    def truth(self) -> Model: ...
    def responses(self, spend: FloatArray) -> FloatArray: ...


@dataclass(frozen=True)
class Case:
    """One market and the models made of what can be known of it."""

    ground: Ground
    fits: dict[str, Fit]  # OURS and POINT always
    kind: str = ""  # of a hard market, its hardship


def attributed(seed: int) -> Case:
    """Revenue known per channel."""
    market = attributed_market(seed)
    rivals: dict[str, Fit] = {LEAST_SQUARES: lambda: least_squares(market.history)}
    return Case(market, {**_ours(market, seed), **rivals})


def national(seed: int) -> Case:
    """One revenue series."""
    return _case(national_market(seed), seed)


def experiments(seed: int) -> Case:
    """One revenue series and two to four lift tests; the same without them beside."""
    market = market_with_tests(seed)
    case = _case(market, seed)
    alone: Fit = lambda: fit(market.history, seed=seed)  # noqa: E731
    return Case(market, {**case.fits, NO_TESTS: alone})


def hard(seed: int) -> Case:
    """One revenue series that can hardly tell."""
    return _case(hard_market(seed), seed, hardship_of(seed))


def geo(seed: int) -> Case:
    """A panel of markets, planned by channel; the total of the same data beside."""
    panel = geo_market(seed)
    market = panel.national
    fits: dict[str, Fit] = {
        OURS: lambda: by_channel(fit(panel.history, seed=seed)),
        POINT: lambda: by_channel(fit(panel.history, seed=seed, draws=0)),
        TOTAL: lambda: fit(market.history, seed=seed),
    }
    return Case(market, fits | _rivals(market.history, seed))


def geo_cells(seed: int) -> Case:
    """The same panel, planned by channel and market."""
    panel = geo_market(seed)
    fits: dict[str, Fit] = {
        OURS: lambda: fit(panel.history, seed=seed),
        POINT: lambda: fit(panel.history, seed=seed, draws=0),
        LEAST_SQUARES: lambda: least_squares(panel.history),
    }
    return Case(panel, fits)


#: Family -> its markets. Experiments and hard cases take seeds of their own, further on, so that
#: pooled figures count no market twice.
FAMILIES: dict[str, Callable[[int], Case]] = {
    "attributed": attributed,
    "national": national,
    "experiments": lambda seed: experiments(seed + EXPERIMENTS_SHIFT),
    "geo": geo,
    "hard cases": lambda seed: hard(seed + HARD_SHIFT),
    "geo by market": geo_cells,
}

#: Of the geo markets, planned twice, the plans by channel are pooled.
POOLED = tuple(FAMILIES)[:5]


def by_channel(model: Model) -> Model:
    """A panel's curves summed over the markets, each keeping its share of its channel's spend."""
    usual = np.array([entry.history_spend_per_period for entry in model.channels], np.float64)
    names = np.array([entry.channel for entry in model.channels])
    channels = []
    for name in model.names:
        mine = names == name
        whole = float(usual[mine].sum())
        reach = max(LEAST_REACH, float(usual.sum()) / whole)
        levels = np.linspace(0.0, np.sqrt(reach), POINTS) ** 2  # denser near nothing
        earned = [model.response(level * usual)[:, mine].sum(axis=1) for level in levels.tolist()]
        curve = Table(spend=(levels * whole).tolist(), response=np.transpose(earned).tolist())
        channels.append(ModelChannel(channel=name, history_spend_per_period=whole, curve=curve))
    return Model(channels=channels)


def _case(market: Market, seed: int, kind: str = "") -> Case:
    """A market of one revenue series."""
    return Case(market, {**_ours(market, seed), **_rivals(market.history, seed)}, kind)


def _ours(market: Market, seed: int) -> dict[str, Fit]:
    """Our fit with its draws, and the single most plausible curve."""
    history, tests = market.history, market.lift_tests
    return {
        OURS: lambda: fit(history, lift_tests=tests, seed=seed),
        POINT: lambda: fit(history, lift_tests=tests, seed=seed, draws=0),
    }


def _rivals(history: History, seed: int) -> dict[str, Fit]:
    """How others fit one revenue series."""
    return {
        LEAST_SQUARES: lambda: least_squares(history),
        RIDGE: lambda: ridge_search(history, seed),
    }
