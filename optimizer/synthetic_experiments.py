"""National markets whose truth is known, with two to four lift tests in their last year.

A test switches a channel off or raises it by three quarters, in a part of the country beside the
plan, and is reported for the whole of it: its lift is the truth plus noise of the standard error
it states, 20 to 40 % of the lift.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np

from optimizer.history import History
from optimizer.lift_tests import LiftTest
from optimizer.synthetic import Market, TrueCurve, national_market

ARMS = (0.0, 1.75)  # multiples of current spend
NUMBER = (2, 4)
ERROR = (0.2, 0.4)  # of the lift
WEEKS = (4, 8)


def market_with_tests(
    seed: int, *, n_channels: int | None = None, n_periods: int | None = None
) -> Market:
    """The national market of the same seed, with lift tests of different channels.

    Parameters
    ----------
    seed : int
        Of everything that is not stated.
    n_channels, n_periods : int, optional
        Otherwise 3 to 10 channels over 104-156 weeks.
    """
    market = national_market(seed, n_channels=n_channels, n_periods=n_periods)
    rng = np.random.default_rng([3, seed])
    count = min(int(rng.integers(*NUMBER, endpoint=True)), len(market.curves))
    chosen = rng.choice(len(market.curves), count, replace=False)
    tests = tuple(
        _finished(
            market.curves[place],
            market.history.channels[place],
            float(market.current[place]),
            market.history,
            rng,
        )
        for place in chosen.tolist()
    )
    return replace(market, lift_tests=tests)


def _finished(
    curve: TrueCurve, channel: str, spend: float, history: History, rng: np.random.Generator
) -> LiftTest:
    """A test of one channel as it would be reported."""
    level = spend * float(rng.choice(ARMS))
    truth = float(curve(level) - curve(spend))
    error = abs(truth) * float(rng.uniform(*ERROR))
    weeks = int(rng.integers(*WEEKS, endpoint=True))
    begin = len(history.dates) - int(rng.integers(weeks, 52))
    return LiftTest(
        channel=channel,
        start=history.dates[begin].date(),
        end=history.dates[begin + weeks - 1].date() + dt.timedelta(days=6),
        spend_control=spend,
        spend_test=level,
        lift=truth + error * float(rng.standard_normal()),
        standard_error=error,
    )
