"""The orders of the example `customers`: three channels whose customers differ in loyalty."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np
import pandas as pd

SEED = 31
FIRST_DAY, DAYS = dt.date(2022, 1, 3), 728
CUSTOMERS = 350  # of each channel: a sample of the shop's
#: Channel -> mean order (EUR), orders a year while they stay, chance to leave after one.
BUYERS = {"search": (62.0, 3.0, 0.45), "social": (48.0, 5.0, 0.25), "affiliates": (70.0, 2.0, 0.6)}


def orders() -> pd.DataFrame:
    """A row per order, by date: customer, date, amount (EUR), channel of the first order."""
    rng = np.random.default_rng(SEED)
    rows = [row for channel in BUYERS for row in _orders_of(channel, rng)]
    table = pd.DataFrame(rows, columns=["customer", "date", "amount", "channel"])
    return table.sort_values(["date", "customer"], kind="stable").reset_index(drop=True)


def _orders_of(channel: str, rng: np.random.Generator) -> Iterator[tuple[str, dt.date, float, str]]:
    usual, yearly, leaving = BUYERS[channel]
    for number in range(CUSTOMERS):
        day = float(rng.uniform(0.0, DAYS - 7))
        rate = yearly / 365.25 * float(rng.gamma(1.5, 1.0 / 1.5))
        leaves = float(rng.beta(4.0 * leaving, 4.0 * (1.0 - leaving)))
        level = usual * 3.0 / float(rng.gamma(4.0))
        while day < DAYS:
            amount = level * float(rng.gamma(5.0, 0.2))
            date = FIRST_DAY + dt.timedelta(days=int(day))
            yield f"{channel[:2]}{number:03d}", date, round(max(amount, 1.0), 2), channel
            if rng.uniform() < leaves:
                break
            day += float(rng.exponential(1.0 / rate))
