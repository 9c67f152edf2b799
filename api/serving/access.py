"""Keys and the audit log of a workspace."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Connection, RowMapping, select, update

from api.problems import RequestError
from api.schemas import KeyIn, RotateIn
from api.serving import rows
from api.serving.desk import Desk
from api.serving.once import Deed, store_once
from api.store import keys
from api.store.clock import now
from api.store.idempotency import Kept
from api.store.keys import Caller
from api.store.tables import api_keys, audit_events

DAY = 24 * 3600 * 1000
HOUR = 3600 * 1000


def make(desk: Desk, deed: Deed, wanted: KeyIn) -> Kept:
    """A new key, told once: the answer is never kept for a second telling."""

    def write(connection: Connection) -> tuple[str, Kept]:
        expires = None if wanted.days is None else now() + round(wanted.days * DAY)
        identity, key = keys.make_key(
            connection,
            desk.pepper,
            workspace=deed.caller.workspace,
            name=wanted.name,
            scopes=tuple(wanted.scopes),
            expires_at=expires,
        )
        return identity, Kept(201, {}, _shown(connection, identity, key))

    return store_once(desk, deed, write)


def rotate(desk: Desk, deed: Deed, identity: str, wanted: RotateIn) -> Kept:
    """A successor of a key, with a term of its own; the old one lives on for the grace."""

    def write(connection: Connection) -> tuple[str, Kept]:
        old = rows.found(connection, api_keys, deed.caller.workspace, identity)
        _check_unrotated(connection, old)
        at = now()
        successor, key = keys.make_key(
            connection,
            desk.pepper,
            workspace=deed.caller.workspace,
            name=old["name"],
            scopes=tuple(old["scopes"]),
            expires_at=_renewed(old, at),
            replaces=identity,
        )
        ends = at + round(wanted.grace_hours * HOUR)
        ends = min(ends, old["expires_at"] or ends)
        connection.execute(
            update(api_keys).where(api_keys.c.id == identity).values(expires_at=ends)
        )
        return successor, Kept(201, {}, _shown(connection, successor, key))

    return store_once(desk, deed, write)


def _check_unrotated(connection: Connection, old: RowMapping) -> None:
    """Refuse a key that ended, or that has a successor already."""
    if not keys.is_live(old):
        raise RequestError(
            422, "key_ended", "This key has expired or was revoked. Make a new one instead."
        )
    successor = keys.successor_of(connection, old["id"])
    if successor is not None:
        raise RequestError(
            409,
            "key_rotated",
            f"This key was rotated already: {successor} replaces it. Rotate that one, or make a "
            "new key.",
        )


def _renewed(old: RowMapping, at: int) -> int | None:
    """When a successor made now expires: after as long a term as the old key was given."""
    return None if old["expires_at"] is None else at + old["expires_at"] - old["created_at"]


def revoke(desk: Desk, deed: Deed, identity: str) -> Kept:
    """End a key at once."""

    def write(connection: Connection) -> tuple[str, Kept]:
        rows.found(connection, api_keys, deed.caller.workspace, identity)
        keys.revoke(connection, deed.caller.workspace, identity)
        return identity, Kept(204, {}, None)

    return store_once(desk, deed, write)


def audit_page(desk: Desk, caller: Caller, limit: int, cursor: str | None) -> dict[str, Any]:
    """The workspace's part of the audit log, newest first."""
    query = select(audit_events).where(audit_events.c.workspace == caller.workspace)
    if cursor is not None:
        if not re.fullmatch(r"[0-9]{1,18}", cursor):
            raise rows.no_cursor(cursor)
        query = query.where(audit_events.c.seq < int(cursor))
    query = query.order_by(audit_events.c.seq.desc()).limit(limit + 1)
    with desk.database.read() as connection:
        found = connection.execute(query).mappings().all()
    more = str(found[limit - 1]["seq"]) if len(found) > limit else None
    return {"items": [rows.shown(row, "previous") for row in found[:limit]], "next_cursor": more}


def _shown(connection: Connection, identity: str, key: str) -> dict[str, Any]:
    row = connection.execute(select(api_keys).where(api_keys.c.id == identity)).mappings().one()
    return rows.shown(row, *keys.INNER, key=key)
