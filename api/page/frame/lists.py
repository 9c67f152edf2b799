"""Rows of a visitor's workspace as a list view shows them: newest first, a page at a time."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from sqlalchemy import Table

from api.page.frame.visitor import Visitor
from api.serving import rows
from api.serving.desk import Desk

SHOWN = 50

Cursor = Annotated[str | None, Query(max_length=80)]


def newest(  # noqa: PLR0913  (what a page is asked by)
    desk: Desk,
    visitor: Visitor,
    table: Table,
    *,
    cursor: str | None = None,
    limit: int = SHOWN,
    leave_out: tuple[str, ...] = (),
    **equal: Any,
) -> dict[str, Any]:
    """Rows made before the cursor's, and where the next ones begin."""
    with desk.database.read() as connection:
        return rows.listed(
            connection,
            table,
            visitor.known.workspace,
            limit=limit,
            cursor=cursor,
            leave_out=leave_out,
            **equal,
        )
