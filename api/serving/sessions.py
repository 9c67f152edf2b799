"""Signing in to the page: with a key, or by the one-time link that `romi serve` prints."""

from __future__ import annotations

import hashlib
import hmac

from sqlalchemy import Connection

from api.serving.desk import Desk
from api.serving.operators import workspace_named
from api.store import audit, keys, sessions
from api.store.keys import Caller

HOME = "home"


def sign_in(desk: Desk, key: str) -> str | None:
    """A session's token for a key; None where the key does not live."""
    with desk.database.write() as connection:
        caller = keys.identify(connection, desk.pepper, key.strip())
        return None if caller is None else _begun(connection, caller)


def link(desk: Desk) -> str | None:
    """The token of a one-time link into the home workspace; None where it has no admin key."""
    with desk.database.write() as connection:
        home = workspace_named(connection, HOME)
        key = sessions.newest_admin(connection, home)
        if key is None:
            return None
        return sessions.begin(connection, "link", key=key, workspace=home)


def enter(desk: Desk, token: str) -> str | None:
    """A session's token for a one-time link, which is used up; None where it does not live."""
    with desk.database.write() as connection:
        caller = sessions.whose(connection, "link", token)
        if caller is None or not sessions.end(connection, token):
            return None
        return _begun(connection, caller)


def visiting(desk: Desk, token: str) -> Caller | None:
    """Whose session this is; None where it, or its key, ended."""
    with desk.database.read() as connection:
        return sessions.whose(connection, "cookie", token)


def sign_out(desk: Desk, token: str) -> None:
    """End a session."""
    with desk.database.write() as connection:
        sessions.end(connection, token)


def form_token(desk: Desk, token: str) -> str:
    """What a form of this session must bring back, so that no other site can send it."""
    return hmac.new(desk.pepper, b"form\0" + token.encode(), hashlib.sha256).hexdigest()


def _begun(connection: Connection, caller: Caller) -> str:
    token = sessions.begin(connection, "cookie", key=caller.key, workspace=caller.workspace)
    audit.record(
        connection,
        workspace=caller.workspace,
        actor=caller.key,
        action="session.begin",
        resource=caller.key,
    )
    return token
