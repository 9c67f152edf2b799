"""Rows as the service shows them, and rows of a workspace found or refused."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, RowMapping, Table, delete, select

from api.problems import RequestError
from api.store.clock import as_text
from api.store.ids import is_id
from api.store.pages import MOST_ROWS, page_of, row_of
from api.store.tables import aliases, models

TIMES = ("created_at", "updated_at", "started_at", "finished_at", "expires_at", "revoked_at",
         "last_used_at", "at")  # fmt: skip

#: Table -> what its ids begin with.
KINDS = {"histories": "hst", "models": "mdl", "scenarios": "scn", "plans": "pln", "jobs": "job",
         "api_keys": "key"}  # fmt: skip


def shown(row: Any, *leave_out: str, **instead: Any) -> dict[str, Any]:
    """A row (a mapping) without its inner columns, times as text."""
    hidden = {"workspace", "blob", "report", *leave_out}
    content = {name: value for name, value in row.items() if name not in hidden}
    for name in TIMES:
        if name in content:
            content[name] = as_text(content[name])
    return content | instead


def found(connection: Connection, table: Table, workspace: str, identity: str) -> RowMapping:
    """A row of this workspace; 404 otherwise."""
    row = row_of(connection, table, workspace, identity)
    if row is None:
        raise missing(table.name, identity)
    return row


def removed(connection: Connection, table: Table, workspace: str, identity: str) -> None:
    """Take a row of this workspace away; 404 where there is none."""
    own = (table.c.workspace == workspace) & (table.c.id == identity)
    if not connection.execute(delete(table).where(own)).rowcount:
        raise missing(table.name, identity)


def missing(kind: str, identity: str) -> RequestError:
    """There is nothing of this name in the caller's workspace."""
    what = {"histories": "history", "api_keys": "key"}.get(kind, kind.removesuffix("s"))
    return RequestError(
        404,
        "not_found",
        f"There is no {what} {identity[:60]!r} here. List them with GET "
        f"/v1/{kind.replace('_', '-')}.",
    )


def listed(  # noqa: PLR0913  (what a page is asked by)
    connection: Connection,
    table: Table,
    workspace: str,
    *,
    limit: int,
    cursor: str | None,
    leave_out: tuple[str, ...] = (),
    **equal: Any,
) -> dict[str, Any]:
    """A page of a workspace's rows as the service shows it."""
    if cursor is not None and not is_id(KINDS[table.name], cursor):
        raise no_cursor(cursor)
    page = page_of(
        connection,
        table,
        workspace,
        limit=min(limit, MOST_ROWS),
        cursor=cursor,
        leave_out=leave_out,
        **equal,
    )
    return {"items": [shown(row) for row in page.rows], "next_cursor": page.next_cursor}


def no_cursor(cursor: str) -> RequestError:
    """A cursor that no page of the list gave."""
    return RequestError(
        422,
        "faulty_cursor",
        f'The cursor "{cursor[:60]}" is of no page of this list. Give back `next_cursor` as it '
        "came, or leave `cursor` out for the first page.",
    )


def model_row(connection: Connection, workspace: str, wanted: str) -> RowMapping:
    """A model by its id or by an alias of the workspace."""
    if not wanted.startswith("mdl_"):
        own = (aliases.c.workspace == workspace) & (aliases.c.name == wanted)
        meant = connection.execute(select(aliases.c.model).where(own)).scalar_one_or_none()
        if meant is None:
            raise RequestError(
                404,
                "not_found",
                f"No model is called {wanted[:60]!r} here. Fit or import one with make_current, "
                "or give a model's id.",
            )
        wanted = meant
    return found(connection, models, workspace, wanted)
