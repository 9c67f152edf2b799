"""Sessions of the page: a cookie that speaks for an API key, and one-time links that give one.

Only hashes are kept. A session ends with its key: whoever revokes the key ends both.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Literal

from sqlalchemy import Connection, delete, insert, select

from api.store.clock import now
from api.store.keys import Caller, is_live
from api.store.tables import api_keys, sessions

Kind = Literal["cookie", "link"]

LIVES = {"cookie": 7 * 24 * 3600 * 1000, "link": 15 * 60 * 1000}  # milliseconds


def begin(connection: Connection, kind: Kind, *, key: str, workspace: str) -> str:
    """A new session or link of a key: its token, which is told only now."""
    token, at = secrets.token_urlsafe(32), now()
    row = {"token_hash": _hash(token), "workspace": workspace, "key": key, "kind": kind}
    connection.execute(insert(sessions).values(**row, created_at=at, expires_at=at + LIVES[kind]))
    return token


def whose(connection: Connection, kind: Kind, token: str) -> Caller | None:
    """The caller a token speaks for; None where it, or its key, is unknown or ended."""
    same = (sessions.c.token_hash == _hash(token)) & (sessions.c.kind == kind)
    joined = select(api_keys).join(sessions, sessions.c.key == api_keys.c.id)
    row = connection.execute(joined.where(same & (sessions.c.expires_at > now()))).mappings()
    found = row.one_or_none()
    if found is None or not is_live(found):
        return None
    return Caller(found["id"], found["workspace"], frozenset(found["scopes"]))


def end(connection: Connection, token: str) -> bool:
    """End a session or use a link up; whether there was one."""
    same = sessions.c.token_hash == _hash(token)
    return bool(connection.execute(delete(sessions).where(same)).rowcount)


def forget_old(connection: Connection) -> None:
    """Drop what expired."""
    connection.execute(delete(sessions).where(sessions.c.expires_at <= now()))


def newest_admin(connection: Connection, workspace: str) -> str | None:
    """The newest living admin key of a workspace."""
    own = select(api_keys).where(api_keys.c.workspace == workspace).order_by(api_keys.c.id.desc())
    rows = connection.execute(own).mappings()
    return next((row["id"] for row in rows if is_live(row) and "admin" in row["scopes"]), None)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
