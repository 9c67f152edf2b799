"""Rows of one workspace, newest first, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, select

MOST_ROWS = 200


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, and where the next ones begin."""

    rows: Sequence[RowMapping]
    next_cursor: str | None


def row_of(
    connection: Connection, table: Table, workspace: str, identity: str
) -> RowMapping | None:
    """A workspace's row by its id; another workspace's is not there."""
    own = (table.c.workspace == workspace) & (table.c.id == identity)
    return connection.execute(select(table).where(own)).mappings().one_or_none()


def page_of(  # noqa: PLR0913  (what a page is asked by)
    connection: Connection,
    table: Table,
    workspace: str,
    *,
    limit: int,
    cursor: str | None = None,
    leave_out: tuple[str, ...] = (),
    **equal: Any,
) -> Page:
    """Rows made before the cursor's, newest first; heavy columns may be left out."""
    wanted = [column for column in table.c if column.name not in leave_out]
    query = select(*wanted).where(table.c.workspace == workspace)
    for name, value in equal.items():
        query = query.where(table.c[name] == value)
    if cursor is not None:
        query = query.where(table.c.id < cursor)
    rows = connection.execute(query.order_by(table.c.id.desc()).limit(limit + 1)).mappings().all()
    more = len(rows) > limit
    return Page(rows[:limit], rows[limit - 1]["id"] if more else None)
