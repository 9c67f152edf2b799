"""Purchases of one day as one order, and refunds taken off the orders before them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from optimizer.tables.findings import Notebook, counted

FloatArray = npt.NDArray[np.float64]
NOTHING = 1e-9  # currency: what rounding leaves


def netted(orders: pd.DataFrame, notebook: Notebook) -> pd.DataFrame:
    """One positive order per customer and day, refunds taken off the latest orders before them."""
    bought = orders[orders["amount"] > 0.0].sort_values("day", kind="stable")
    merged = bought.groupby(["customer", "day"], sort=True, as_index=False).agg(
        amount=("amount", "sum"), segment=("segment", "first")
    )
    if len(merged) < len(bought):
        notebook.note(
            "same_day",
            f"{len(bought) - len(merged)} purchases on the day of another were merged with it.",
        )
    refunds = orders[orders["amount"] < 0.0]
    if refunds.empty:
        return merged
    left, unpaid = _refunded(merged, refunds)
    only = set(refunds["customer"]) - set(bought["customer"])
    notebook.note(
        "refunds",
        f"{len(refunds)} refunds were taken off their customers' latest "
        "orders; an order refunded whole does not count.",
        row=int(refunds["row"].iloc[0]),
    )
    if only:
        notebook.warning(
            "only_refunds", f"{len(only)} customers have refunds and no order; they were left out."
        )
    if unpaid.any():
        notebook.warning(
            "refund_too_large",
            f"{counted(int((unpaid > 0.0).sum()), 'refund')} took back more than was paid before, "
            f"{unpaid.sum():,.2f} too much in all; the excess was left out.",
            row=int(refunds["row"].to_numpy()[np.argmax(unpaid > 0.0)]),
        )
    return merged.assign(amount=left)[left > NOTHING]


def _refunded(merged: pd.DataFrame, refunds: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    """What is left of every order after refunds, and of every refund after the orders.

    A customer without any order is told apart: nothing is left of their refunds here.
    """
    left = merged["amount"].to_numpy(dtype=np.float64, copy=True)
    customers, days = merged["customer"].to_numpy(), merged["day"].to_numpy()
    wanted = set(refunds["customer"])
    places: dict[str, list[int]] = {}
    for place in np.flatnonzero(pd.Index(customers).isin(wanted)):
        places.setdefault(customers[place], []).append(int(place))
    unpaid = np.zeros(len(refunds))
    for number, (customer, day, amount) in enumerate(
        zip(refunds["customer"], refunds["day"], refunds["amount"], strict=True)
    ):
        owed = -float(amount)
        for before in reversed(places.get(customer, [])):
            if days[before] <= day and owed > 0.0:
                taken = min(owed, float(left[before]))
                left[before] -= taken
                owed -= taken
        if owed > NOTHING and customer in places:
            unpaid[number] = owed
    return left, unpaid
