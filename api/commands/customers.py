"""romi customers: what a new customer of each segment is worth, from transactions."""

from __future__ import annotations

import datetime as dt
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from api.commands.options import AsJson, Quiet


def customers(  # noqa: PLR0913, PLR0917  (one parameter for each option)
    transactions: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="Orders: customer, date, amount[, channel][, currency]."
        ),
    ],
    margin: Annotated[float, typer.Option(help="Share of an order that is earned.")] = 1.0,
    discount: Annotated[float, typer.Option(help="Discount a year, such as 0.1.")] = 0.1,
    by: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column of the channels or segments.")
    ] = None,
    as_of: Annotated[
        dt.datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Last day that counts; the data's last if absent."),
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Spend by channel, with new customers, orders or clicks: tells CAC and LTV/CAC.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the draws.")] = 1,
    as_json: AsJson = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write FILE.json.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Say what a new customer of each channel or segment is worth."""
    from api.output import Answer, Delivery
    from api.terminal.customers import show_customers
    from optimizer import funnel, read_history, read_transactions, value_customers

    with Delivery(as_json=as_json, output=output, quiet=quiet, kinds=(".json",)) as delivery:
        delivery.voice.progress(f"Reading {transactions.name} ...")
        last = as_of.date() if as_of else None
        columns = {"segment": by} if by else None
        read = read_transactions(transactions, columns=columns, as_of=last)
        delivery.voice.progress("Fitting how often, and for how much, customers order ...")
        found = value_customers(read, margin=margin, discount_rate=discount, seed=seed)
        if history is not None:
            bought = read_history(history)
            if not bought.measures:
                delivery.voice.warn(f"{history} counts no customers, orders or clicks by channel.")
            found = found.model_copy(update={"channels": funnel(bought, found)})
        delivery.hand_over(Answer(found.to_dict()), partial(show_customers, found))
