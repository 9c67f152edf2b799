"""What each channel's spend bought, from impressions to customers, as a table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from api.terminal.figures import NONE, compact
from optimizer import History, funnel

Rows = Sequence[dict[str, float | str | None]]
HEADINGS = {
    "click_through_rate": "clicks per\nimpression",
    "conversion_rate": "orders\nper click",
    "order_value": "average\norder",
    "cac": "cost of a new\ncustomer (CAC)",
    "ltv_to_cac": "value /\nCAC",
}
RATES = ("click_through_rate", "conversion_rate")


def funnel_as_data(history: History) -> list[dict[str, float | str | None]]:
    """A history's funnel as plain records; empty where it counts nothing but money."""
    return [row.model_dump(exclude_none=True) for row in funnel(history)]


def show_funnel(rows: Rows, console: Console) -> None:
    """Print what spend bought, the columns that any channel has."""
    told = [key for key in HEADINGS if any(row.get(key) is not None for row in rows)]
    if not told:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("\nlast year", overflow="fold")
    for key in told:
        table.add_column(HEADINGS[key], justify="right")
    for row in rows:
        table.add_row(escape(str(row["channel"])), *(_cell(key, row.get(key)) for key in told))
    console.print(table)
    console.print()


def _cell(key: str, value: float | str | None) -> str:
    if not isinstance(value, float):
        return NONE
    return f"{100.0 * value:.2f} %" if key in RATES else compact(value)
