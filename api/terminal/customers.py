"""A Customers document as a table, and what was noticed in the transactions."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from api.terminal.figures import compact, ratio, span
from api.terminal.funnels import show_funnel
from optimizer import Customers


def show_customers(found: Customers, console: Console) -> None:
    """Print what a new customer of each segment is worth."""
    unit = f", {found.currency}" if found.currency else ""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("segment", overflow="fold")
    for heading in ("customers", "again", "first order", "order", "orders", "value", "90 %"):
        table.add_column(heading, justify="right")
    for row in (*found.segments, found.whole):
        table.add_row(
            escape(row.segment) + (" *" if row.is_pooled else ""),
            str(row.customers),
            str(row.repeaters),
            compact(row.first_order),
            compact(row.order_value),
            ratio(row.orders),
            compact(row.value.mean),
            span(row.value.p05, row.value.p95),
        )
    console.print(
        f"Value of one new customer over {found.weeks} weeks{unit}, as of {found.as_of}: margin "
        f"{found.margin:g}, discounted at {found.discount_rate:.0%} a year.\n",
        markup=False,
    )
    console.print(table)
    if found.channels:
        console.print()
        show_funnel([row.model_dump(exclude_none=True) for row in found.channels], console)
    if any(row.is_pooled for row in found.segments):
        console.print("\n* too few customers: the value of all of them, with a wider interval.")
    console.print()
    for finding in found.findings:
        where = f"row {finding.row}: " if finding.row is not None else ""
        console.print(f"{finding.severity}: {where}{finding.message}", markup=False)
