"""API keys as a table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

WIDE = 112  # characters: one line for each key, which scripts cut by words


def show_keys(rows: Sequence[dict[str, str]], console: Console) -> None:
    """Print what is known of each key, the same in each row and at least one of them."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in rows[0]:
        table.add_column(heading, overflow="fold", no_wrap=heading != "name")
    for row in rows:
        table.add_row(*map(escape, row.values()))
    console.print(table)
