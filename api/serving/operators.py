"""What an operator does at the terminal: keys of any workspace, the audit log's check."""

from __future__ import annotations

from sqlalchemy import Connection, RowMapping, select

from api.problems import RequestError
from api.serving.desk import Desk
from api.serving.names import checked_name
from api.settings import Settings
from api.store import audit, keys
from api.store.clock import as_text, now
from api.store.failures import StoreError
from api.store.keys import Scope
from api.store.tables import api_keys, workspaces

DAY = 24 * 3600 * 1000
OPERATOR = "operator"


class SecretError(StoreError):
    """Live keys were made under another secret than the service has."""

    def __init__(self, count: int, settings: Settings) -> None:
        place = settings.folder / "secret" if settings.secret is None else "ROMI_SECRET"
        keys_ = "1 live key was" if count == 1 else f"{count} live keys were"
        super().__init__(
            f"{keys_} made under another secret than {place} holds and would let nobody in. Put "
            "that secret back from a backup, or revoke what `romi keys list` shows as of another "
            "secret and make new keys with `romi keys make`."
        )


def has_keys(desk: Desk) -> bool:
    """Whether any key was ever made."""
    with desk.database.read() as connection:
        return connection.execute(select(api_keys.c.id).limit(1)).first() is not None


def check_secret(desk: Desk) -> None:
    """Refuse to go on where live keys let nobody in, for the secret is no longer theirs.

    Raises
    ------
    SecretError
        The file `secret`, or ROMI_SECRET, is another than when they were made.
    """
    with desk.database.read() as connection:
        lost = keys.strangers(connection, desk.pepper)
    if lost and desk.settings.auth:
        raise SecretError(len(lost), desk.settings)


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
            name=checked_name(name),
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
        own_secret = keys.fingerprint(desk.pepper)
        return [_told(row, own_secret) for row in connection.execute(query).mappings()]


def _state(row: RowMapping, own_secret: str) -> str:
    """Whether a key lives, and until when."""
    if row["revoked_at"] is not None:
        return f"revoked {_day(row['revoked_at'])}"
    if not keys.is_live(row):
        return f"expired {_day(row['expires_at'])}"
    if row["pepper"] != own_secret:
        return "of another secret"
    return f"until {_day(row['expires_at'])}" if row["expires_at"] else "live"


def _told(row: RowMapping, own_secret: str) -> dict[str, str]:
    state = _state(row, own_secret)
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
