"""What an operator does at the terminal: keys of any workspace, the audit log's check."""

from __future__ import annotations

from sqlalchemy import Connection, RowMapping, select

from api.problems import RequestError
from api.serving.desk import Desk
from api.store import audit, keys
from api.store.clock import as_text, now
from api.store.keys import Scope
from api.store.tables import api_keys, workspaces

DAY = 24 * 3600 * 1000
OPERATOR = "operator"


def has_keys(desk: Desk) -> bool:
    """Whether any key was ever made."""
    with desk.database.read() as connection:
        return connection.execute(select(api_keys.c.id).limit(1)).first() is not None


def issue_key(
    desk: Desk, name: str, scopes: tuple[Scope, ...], workspace: str | None, days: float | None
) -> str:
    """A new key of a workspace, which is made where it is not there."""
    with desk.database.write() as connection:
        home = workspace_named(connection, workspace or "home")
        expires = None if days is None else now() + round(days * DAY)
        identity, key = keys.make_key(
            connection,
            desk.pepper,
            workspace=home,
            name=name,
            scopes=scopes,
            expires_at=expires,
        )
        audit.record(
            connection, workspace=home, actor=OPERATOR, action="key.make", resource=identity
        )
    return key


def keys_listed(desk: Desk) -> list[dict[str, str]]:
    """What is known of each key but its secret, in the order they were made."""
    own = api_keys.c.workspace == workspaces.c.id
    query = select(api_keys, workspaces.c.name.label("home")).where(own).order_by(api_keys.c.id)
    with desk.database.read() as connection:
        return [_told(row) for row in connection.execute(query).mappings()]


def _told(row: RowMapping) -> dict[str, str]:
    if row["revoked_at"] is not None:
        state = f"revoked {_day(row['revoked_at'])}"
    elif not keys.is_live(row):
        state = f"expired {_day(row['expires_at'])}"
    else:
        state = f"until {_day(row['expires_at'])}" if row["expires_at"] else "live"
    used = _day(row["last_used_at"]) if row["last_used_at"] else "never"
    about = {"key": row["id"], "name": row["name"], "workspace": row["home"]}
    return {**about, "scopes": ", ".join(row["scopes"]), "state": state, "last used": used}


def _day(at: int) -> str:
    return str(as_text(at))[:10]


def end_key(desk: Desk, key: str) -> None:
    """Revoke a key of any workspace."""
    with desk.database.write() as connection:
        own = select(api_keys.c.workspace).where(api_keys.c.id == key)
        home = connection.execute(own).scalar_one_or_none()
        if home is None or not keys.revoke(connection, home, key):
            raise RequestError(
                404, "not_found", f"No live key has the id {key}. See `romi keys list`."
            )
        audit.record(connection, workspace=home, actor=OPERATOR, action="key.revoke", resource=key)


def audit_verdict(desk: Desk) -> tuple[str, bool]:
    """What checking the audit log found, and whether it is whole."""
    with desk.database.read() as connection:
        chain = audit.verify(connection)
    if chain.broken_at is not None:
        return f"The audit log was tampered with: row {chain.broken_at} does not fit.", False
    return f"The audit log is whole: {chain.rows} rows, the last hash {chain.last}.", True


def workspace_named(connection: Connection, wanted: str) -> str:
    """A workspace by id or name, made where no other has the name."""
    known = (workspaces.c.id == wanted) | (workspaces.c.name == wanted)
    found = connection.execute(select(workspaces.c.id).where(known)).scalars().first()
    return found or keys.make_workspace(connection, wanted)
