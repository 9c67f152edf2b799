"""Make the histories of the worked examples: `python -m scenarios.make`.

All are simulated, so that they can be shared: markets of `optimizer.synthetic` with the seeds
below, their channels named like a web shop's and like a brand's media.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd

from optimizer.history import Control, History, Spacing
from optimizer.synthetic import attributed_market, national_market
from scenarios.buyers import BUYERS, orders

FOLDER = Path(__file__).parent
SHOP_SEED, NATIONAL_SEED = 6, 8
SHOP_CHANNELS = ("affiliates", "search", "email", "display", "social", "shopping")
NATIONAL_CHANNELS = ("tv", "radio", "outdoor", "print", "social", "search")
SPRING_SEEDS = {"north": 21, "south": 22}
SPRING_CHANNELS = ("tv", "search", "print", "podcast", "direct_mail", "outdoor")
SPRING_SPEND = (33_000, 24_000, 16_000, 6_500, 3_400, 2_600)  # EUR a week in each market
CUSTOMERS_SEED, FIRST_ORDER_SCALE = 12, 2.0
HOLIDAY_LIFT = 0.12  # of a usual week's revenue
HOLIDAY_WEEKS = (47, 51)  # of the year: Black Friday, Christmas


def shop() -> pd.DataFrame:
    """An attributed history: a row per week and channel."""
    history = attributed_market(
        SHOP_SEED, n_channels=len(SHOP_CHANNELS), n_periods=104, spacing=Spacing.WEEK
    ).history
    weeks, channels = history.spend.shape[1:]
    return pd.DataFrame(
        {
            "date": np.repeat(history.dates.date, channels),
            "channel": np.tile(SHOP_CHANNELS, weeks),
            "spend": np.round(history.spend[0].ravel(), 2),
            "revenue": np.round(history.revenue[0].ravel(), 2),
        }
    )


def national() -> pd.DataFrame:
    """An aggregate history: a row per week, a spend column per channel, two controls."""
    market = national_market(NATIONAL_SEED, n_channels=len(NATIONAL_CHANNELS), n_periods=156)
    history = _with_holidays(market.history)
    spend = {f"{name}_spend": history.spend[0, :, i] for i, name in enumerate(NATIONAL_CHANNELS)}
    controls = {
        control.name: control.values[0].astype(int)  # noqa: PD011  (not pandas)
        for control in history.controls
    }
    return pd.DataFrame(
        {
            "date": history.dates.date,
            **{name: np.round(values, 2) for name, values in spend.items()},
            **controls,
            "revenue": np.round(history.revenue[0], 2),
        }
    )


def _with_holidays(history: History) -> History:
    """The history with revenue raised in holiday weeks, and a control that says which."""
    weeks = history.dates.isocalendar().week.to_numpy()
    flags = np.isin(weeks, HOLIDAY_WEEKS).astype(float)
    lift = HOLIDAY_LIFT * float(np.median(history.revenue)) * flags
    holidays = Control("holiday", "holiday", flags[None])
    return dataclasses.replace(
        history, revenue=history.revenue + lift, controls=(*history.controls, holidays)
    )


def spring() -> pd.DataFrame:
    """An attributed history of two markets, in columns named as a media agency names them."""
    return pd.concat([_market(name, seed) for name, seed in SPRING_SEEDS.items()])


def _market(name: str, seed: int) -> pd.DataFrame:
    """One market's rows, its spends at the size stated above."""
    channels = len(SPRING_CHANNELS)
    history = attributed_market(
        seed, n_channels=channels, n_periods=104, spacing=Spacing.WEEK
    ).history
    size = np.array(SPRING_SPEND) / history.spend[0].mean(axis=0)
    return pd.DataFrame(
        {
            "week": np.repeat(history.dates.date, channels),
            "region": name,
            "medium": np.tile(SPRING_CHANNELS, len(history.dates)),
            "cost": np.round((history.spend[0] * size).ravel(), 2),
            "sales": np.round((history.revenue[0] * size).ravel(), 2),
        }
    )


def customers() -> pd.DataFrame:
    """An attributed history that counts new customers, whose first orders are its revenue."""
    channels = tuple(BUYERS)
    history = attributed_market(
        CUSTOMERS_SEED, n_channels=len(channels), n_periods=104, spacing=Spacing.WEEK
    ).history
    first_order = np.array([usual for usual, _, _ in BUYERS.values()])
    bought = np.round(history.revenue[0] / FIRST_ORDER_SCALE / first_order)
    return pd.DataFrame(
        {
            "date": np.repeat(history.dates.date, len(channels)),
            "channel": np.tile(channels, len(history.dates)),
            "spend": np.round(history.spend[0].ravel() / FIRST_ORDER_SCALE, 2),
            "new_customers": bought.astype(int).ravel(),
            "revenue": np.round((bought * first_order).ravel(), 2),
        }
    )


HISTORIES = {
    "customers/history.csv": customers,
    "customers/orders.csv": orders,
    "shop/history.csv": shop,
    "national/history.csv": national,
    "spring/history.csv": spring,
}


def main() -> None:
    """Write every history where its scenario expects it."""
    for name, make in HISTORIES.items():
        make().to_csv(FOLDER / name, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
