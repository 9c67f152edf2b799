"""Small tables of many series, some of them bad, for the tests of many markets."""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.history import Spacing
from optimizer.synthetic import attributed_market

CHANNELS, PERIODS = 2, 40
FIRST_SEED = 8_100_000  # of this file alone


def rows(number: int) -> pd.DataFrame:
    """The rows of one market of known truth, without its name."""
    market = attributed_market(
        FIRST_SEED + number, n_channels=CHANNELS, n_periods=PERIODS, spacing=Spacing.WEEK
    )
    history = market.history
    dates = np.repeat(history.dates.strftime("%Y-%m-%d").to_numpy(), CHANNELS)
    return pd.DataFrame(
        {
            "date": dates,
            "channel": np.tile(history.channels, PERIODS),
            "spend": history.spend[0].ravel().round(2),
            "revenue": history.revenue[0].ravel().round(2),
        }
    )


def table(count: int) -> pd.DataFrame:
    """So many markets, in columns market and brand."""
    parts = [
        rows(number).assign(market=f"market {number // 2}", brand=("acme", "zenith")[number % 2])
        for number in range(count)
    ]
    return pd.concat(parts, ignore_index=True)


def with_bad_series(good: pd.DataFrame) -> pd.DataFrame:
    """The same, and three series no fit can carry: text, no spend, five periods."""
    text = rows(90).assign(market="text", brand="bad").astype({"spend": object})
    text.loc[7, "spend"] = "n/a yet"
    silent = rows(91).assign(market="silent", brand="bad", spend=0.0)
    short = rows(92).assign(market="short", brand="bad").head(5 * CHANNELS)
    return pd.concat([text, good, silent, short], ignore_index=True)
