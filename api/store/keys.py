"""API keys: ``romi_<id>_<secret>``; of the secret only an HMAC is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, RowMapping, insert, select, update

from api.store.clock import now
from api.store.ids import new_id
from api.store.tables import api_keys, workspaces

Scope = Literal["read", "write", "admin"]
INNER = ("secret_hash", "pepper")  # columns that nobody is shown
SCOPES: tuple[Scope, ...] = ("read", "write", "admin")


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose key a request came with."""

    key: str
    workspace: str
    scopes: frozenset[str]

    def may(self, scope: Scope) -> bool:
        """Whether the key reaches this far; admin reaches everywhere."""
        return scope in self.scopes or "admin" in self.scopes


def make_workspace(connection: Connection, name: str) -> str:
    """A new, empty workspace."""
    identity = new_id("wsp")
    connection.execute(insert(workspaces).values(id=identity, name=name, created_at=now()))
    return identity


def make_key(  # noqa: PLR0913  (one for each column)
    connection: Connection,
    pepper: bytes,
    *,
    workspace: str,
    name: str,
    scopes: tuple[Scope, ...],
    expires_at: int | None = None,
    replaces: str | None = None,
) -> tuple[str, str]:
    """A new key: its id, and the whole key, which is told only now."""
    identity, secret = new_id("key"), secrets.token_urlsafe(32)
    row = {
        "id": identity,
        "workspace": workspace,
        "name": name,
        "secret_hash": _hash(pepper, secret),
        "scopes": list(scopes),
        "created_at": now(),
        "expires_at": expires_at,
        "replaces": replaces,
        "pepper": fingerprint(pepper),
    }
    connection.execute(insert(api_keys).values(**row))
    return identity, f"romi_{identity.removeprefix('key_')}_{secret}"


def identify(connection: Connection, pepper: bytes, key: str) -> Caller | None:
    """Whose key this is; None where it is unknown, expired or revoked."""
    parts = key.split("_", 2)
    if len(parts) != 3 or parts[0] != "romi":
        return None
    found = connection.execute(select(api_keys).where(api_keys.c.id == f"key_{parts[1]}"))
    row = found.mappings().one_or_none()
    expected = row["secret_hash"] if row else "0" * 64
    matches = hmac.compare_digest(_hash(pepper, parts[2]), expected)  # as long for unknown ids
    if row is None or not matches or not is_live(row):
        return None
    return Caller(row["id"], row["workspace"], frozenset(row["scopes"]))


def fingerprint(pepper: bytes) -> str:
    """What tells one secret of the hashes from another, and gives neither away."""
    return _hash(pepper, "fingerprint")[:16]


def adopt(connection: Connection, pepper: bytes) -> None:
    """Note of keys made before fingerprints were kept that this secret keys their hashes."""
    unknown = api_keys.c.pepper.is_(None)
    connection.execute(update(api_keys).where(unknown).values(pepper=fingerprint(pepper)))


def strangers(connection: Connection, pepper: bytes) -> list[str]:
    """The live keys that no longer match, for another secret keys their hashes."""
    other = select(api_keys).where(api_keys.c.pepper != fingerprint(pepper))
    rows = connection.execute(other.order_by(api_keys.c.id)).mappings()
    return [row["id"] for row in rows if is_live(row)]


def successor_of(connection: Connection, key: str) -> str | None:
    """The key that replaces a key; None where it was never rotated."""
    query = select(api_keys.c.id).where(api_keys.c.replaces == key)
    return connection.execute(query.limit(1)).scalar_one_or_none()


def is_live(row: RowMapping) -> bool:
    """Whether a key is neither revoked nor expired."""
    expired = row["expires_at"] is not None and row["expires_at"] <= now()
    return row["revoked_at"] is None and not expired


def revoke(connection: Connection, workspace: str, key: str) -> bool:
    """End a key; whether there was a live one."""
    own = (api_keys.c.workspace == workspace) & (api_keys.c.id == key)
    live = own & api_keys.c.revoked_at.is_(None)
    return bool(connection.execute(update(api_keys).where(live).values(revoked_at=now())).rowcount)


def used(connection: Connection, last: dict[str, int]) -> None:
    """Note when keys were last used; told once a minute, not at every request."""
    for key, at in last.items():
        connection.execute(update(api_keys).where(api_keys.c.id == key).values(last_used_at=at))


def _hash(pepper: bytes, secret: str) -> str:
    return hmac.new(pepper, secret.encode(), hashlib.sha256).hexdigest()
