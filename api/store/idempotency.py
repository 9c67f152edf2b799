"""A POST sent twice under one key is done once, and answered twice with the same words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import IntegrityError

from api.store.clock import now
from api.store.tables import idempotency

KEPT_MILLISECONDS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Kept:
    """The answer a request was given."""

    status: int
    headers: dict[str, str]
    body: Any


class KeyReusedError(Exception):
    """The key was used for another request."""


class KeyRaceError(Exception):
    """The same request is being answered at this moment; ask again."""


def recall(connection: Connection, workspace: str, key: str, request_hash: str) -> Kept | None:
    """The answer given before under this key.

    Raises
    ------
    KeyReusedError
        Under this key another request was answered.
    """
    own = (idempotency.c.workspace == workspace) & (idempotency.c.key == key)
    fresh = idempotency.c.created_at > now() - KEPT_MILLISECONDS
    row = connection.execute(select(idempotency).where(own & fresh)).mappings().one_or_none()
    if row is None:
        return None
    if row["request_hash"] != request_hash:
        raise KeyReusedError
    return Kept(row["status"], row["headers"], row["body"])


def keep(connection: Connection, workspace: str, key: str, request_hash: str, answer: Kept) -> None:
    """Keep an answer, in the transaction of what it tells of.

    Raises
    ------
    KeyRaceError
        Another request with this key was quicker; the transaction is lost.
    """
    own = (idempotency.c.workspace == workspace) & (idempotency.c.key == key)
    old = idempotency.c.created_at <= now() - KEPT_MILLISECONDS
    connection.execute(delete(idempotency).where(own & old))
    row = {
        "workspace": workspace,
        "key": key,
        "request_hash": request_hash,
        "status": answer.status,
        "headers": answer.headers,
        "body": answer.body,
        "created_at": now(),
    }
    try:
        connection.execute(insert(idempotency).values(**row))
    except IntegrityError as wrong:
        raise KeyRaceError from wrong


def forget_old(connection: Connection) -> None:
    """Drop the answers older than a day."""
    connection.execute(
        delete(idempotency).where(idempotency.c.created_at <= now() - KEPT_MILLISECONDS)
    )
